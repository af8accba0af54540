//! What is asked of the print server, and what it answers (RFC 8011; CUPS' own operations from 0x4001 on, "CUPS Implementation of IPP").

use std::fmt::Write as _;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use super::queue::{Queue, Wanted, queues};
use super::wire::Value::{Enum, Integer, Keyword, Mime, Name, Text, Uri};
use super::wire::{Asked, OF_JOB, OF_PRINTER, Writer};
use crate::capture::Capture;
use crate::datagram::note;
use crate::draw::Draw;
use crate::{Identity, Output};

/// Jobs of one connection; past them a queue takes none.
const MOST_JOBS: usize = 32;
/// Bytes of a name that are kept.
const LONGEST_NAME: usize = 255;
/// Bytes of what is noted of one operation.
const LONGEST_NOTE: usize = 768;
/// Microseconds that a job is on its way to the paper.
const PRINTING: i64 = 8_000_000;

const OK: u16 = 0;
const BAD_REQUEST: u16 = 0x0400;
const NOT_POSSIBLE: u16 = 0x0404;
const NOT_FOUND: u16 = 0x0406;
const NOT_SUPPORTED: u16 = 0x0501;
const VERSION: u16 = 0x0503;
const TOO_MANY: u16 = 0x0508;

/// A job of this connection.
struct Job {
    id: i64,
    queue: usize,
    name: String,
    user: String,
    format: String,
    octets: u64,
    made: Timestamp,
    /// It waits for its documents.
    open: bool,
    cancelled: bool,
}

/// The print server as one connection sees it.
pub(super) struct Desk {
    queues: Vec<Queue>,
    jobs: Vec<Job>,
    next: i64,
}

/// What an operation came to.
pub(super) enum Came {
    Says(Vec<u8>),
    /// Only an administrator may, and nobody is one.
    Unauthorised,
}

impl Desk {
    pub(super) fn new(identity: &Identity) -> Self {
        let draw = Draw::new(identity.seed(), "print jobs");
        let next = 200 + i64::try_from(draw.below(0, 4_000)).unwrap_or(0);
        Self { queues: queues(identity), jobs: Vec::new(), next }
    }

    pub(super) fn queues(&self) -> &[Queue] {
        &self.queues
    }

    pub(super) fn memory(&self) -> usize {
        self.jobs.iter().map(|job| job.name.len() + job.user.len() + job.format.len()).sum()
    }

    /// Carries out what a body asks for. `whole` says that the document is there to its end.
    pub(super) fn carry_out(
        &mut self,
        body: &[u8],
        whole: bool,
        host: &str,
        now: Timestamp,
        out: &mut Output,
    ) -> Option<Came> {
        let asked = Asked::read(body)?;
        let Some(document) = asked.document.map(|at| &body[at..]) else {
            return Some(Came::Says(refusal(&asked, BAD_REQUEST, "Bad request.")));
        };
        tell(&asked, out);
        let size = document.len() as u64;
        if matches!(asked.operation, 0x02 | 0x06) && whole && !document.is_empty() {
            let mut payload = Capture::of(document).finish(PayloadOrigin::Upload);
            payload.name =
                asked.one("job-name").or(asked.one("document-name")).map(HostileText::from_bytes);
            out.tell(Detail::Payload(Box::new(payload)));
        }
        if !matches!(asked.version.0, 1 | 2) {
            let text =
                format!("Bad request version number {}.{}.", asked.version.0, asked.version.1);
            return Some(Came::Says(refusal(&asked, VERSION, &text)));
        }
        let begins = |place: usize, name: &[u8]| {
            asked.attributes.get(place).is_some_and(|attribute| attribute.name == name)
        };
        if !begins(0, b"attributes-charset") || !begins(1, b"attributes-natural-language") {
            return Some(Came::Says(refusal(&asked, BAD_REQUEST, "Missing required attributes.")));
        }
        Some(self.operate(&asked, size, host, now))
    }

    fn operate(&mut self, asked: &Asked, size: u64, host: &str, now: Timestamp) -> Came {
        let says = match asked.operation {
            0x02 => self.new_job(asked, Some(size), host, now),
            0x04 => self.with_queue(asked, |_, _| answer(asked).finish()),
            0x05 => self.new_job(asked, None, host, now),
            0x06 => self.document(asked, size, host, now),
            0x08 => self.cancel(asked),
            0x09 => self.job_attributes(asked, host, now),
            0x0a => self.jobs(asked, host, now),
            0x0b => {
                self.with_queue(asked, |desk, queue| desk.printers(asked, queue..=queue, host, now))
            }
            0x4001 => self.printers(asked, 0..=0, host, now),
            0x4002 => self.printers(asked, 0..=self.queues.len() - 1, host, now),
            0x4005 => refusal(asked, NOT_FOUND, "No destinations added."),
            0x10..=0x13
            | 0x22..=0x26
            | 0x4003
            | 0x4004
            | 0x4006..=0x400b
            | 0x400d..=0x400e
            | 0x4027 => {
                return Came::Unauthorised;
            }
            operation => {
                let text = format!("{} not supported.", name_of(operation));
                refusal(asked, NOT_SUPPORTED, &text)
            }
        };
        Came::Says(says)
    }

    /// The queue that is named.
    fn queue(&self, asked: &Asked) -> Option<usize> {
        let uri = asked.one("printer-uri").or(asked.one("job-uri"))?;
        let name = uri.rsplit(|byte| *byte == b'/').next()?;
        self.queues.iter().position(|queue| queue.name.as_bytes() == name)
    }

    fn with_queue(
        &mut self,
        asked: &Asked,
        then: impl FnOnce(&mut Self, usize) -> Vec<u8>,
    ) -> Vec<u8> {
        match (asked.one("printer-uri"), self.queue(asked)) {
            (_, Some(queue)) => then(self, queue),
            (None, _) => refusal(asked, BAD_REQUEST, "Missing required attributes."),
            _ => refusal(asked, NOT_FOUND, "The printer or class does not exist."),
        }
    }

    fn printers(
        &self,
        asked: &Asked,
        which: std::ops::RangeInclusive<usize>,
        host: &str,
        now: Timestamp,
    ) -> Vec<u8> {
        let mut writer = answer(asked);
        let wanted = Wanted(asked.all("requested-attributes"));
        for (place, queue) in
            self.queues.iter().enumerate().filter(|(place, _)| which.contains(place))
        {
            let waits = |job: &&Job| job.queue == place && job.state(now) < 7;
            let waiting = self.jobs.iter().filter(waits).count();
            writer.group(OF_PRINTER);
            queue.describe(&mut writer, &wanted, host, waiting, now);
        }
        writer.finish()
    }

    fn new_job(&mut self, asked: &Asked, size: Option<u64>, host: &str, now: Timestamp) -> Vec<u8> {
        self.with_queue(asked, |desk, queue| {
            if size == Some(0) {
                return refusal(asked, BAD_REQUEST, "No file in print request.");
            }
            if desk.jobs.len() >= MOST_JOBS {
                return refusal(asked, TOO_MANY, "Too many active jobs.");
            }
            let text =
                |name: &str, usual: &str| asked.one(name).map_or_else(|| usual.to_owned(), clean);
            let job = Job {
                id: desk.next,
                queue,
                name: text("job-name", "Untitled"),
                user: text("requesting-user-name", "anonymous"),
                format: text("document-format", "application/octet-stream"),
                octets: size.unwrap_or(0),
                made: now,
                open: size.is_none(),
                cancelled: false,
            };
            desk.next += 1;
            let mut writer = answer(asked);
            job.brief(&mut writer, host, now);
            desk.jobs.push(job);
            writer.finish()
        })
    }

    /// The job that is named by number or address.
    fn job(&mut self, asked: &Asked) -> Result<usize, Vec<u8>> {
        let of_uri = || {
            let uri = asked.one("job-uri")?;
            let at = uri.windows(6).position(|six| six == b"/jobs/")?;
            std::str::from_utf8(&uri[at + 6..]).ok()?.parse().ok()
        };
        let id = match (asked.number("job-id"), asked.one("job-uri")) {
            (Some(id), _) => i64::from(id),
            (None, Some(uri)) => of_uri().ok_or_else(|| {
                let text = format!("Bad job-uri \"{}\".", clean(uri));
                refusal(asked, BAD_REQUEST, &text)
            })?,
            (None, None) => {
                let text = "Got a printer-uri attribute but no job-id.";
                return Err(refusal(asked, BAD_REQUEST, text));
            }
        };
        let found = self.jobs.iter().position(|job| job.id == id);
        found.ok_or_else(|| refusal(asked, NOT_FOUND, &format!("Job #{id} does not exist.")))
    }

    fn document(&mut self, asked: &Asked, size: u64, host: &str, now: Timestamp) -> Vec<u8> {
        let place = match self.job(asked) {
            Ok(place) => place,
            Err(refusal) => return refusal,
        };
        let job = &mut self.jobs[place];
        if !job.open {
            return refusal(asked, NOT_POSSIBLE, "Job is finished and cannot be altered.");
        }
        job.octets = job.octets.saturating_add(size);
        job.made = now;
        if let Some(format) = asked.one("document-format") {
            job.format = clean(format);
        }
        job.open = asked.one("last-document") == Some(&[0]);
        let mut writer = answer(asked);
        job.brief(&mut writer, host, now);
        writer.finish()
    }

    fn cancel(&mut self, asked: &Asked) -> Vec<u8> {
        match self.job(asked) {
            Ok(place) => {
                self.jobs[place].cancelled = true;
                answer(asked).finish()
            }
            Err(refusal) => refusal,
        }
    }

    fn job_attributes(&mut self, asked: &Asked, host: &str, now: Timestamp) -> Vec<u8> {
        match self.job(asked) {
            Ok(place) => {
                let mut writer = answer(asked);
                self.describe(place, &mut writer, asked, host, now);
                writer.finish()
            }
            Err(refusal) => refusal,
        }
    }

    fn jobs(&self, asked: &Asked, host: &str, now: Timestamp) -> Vec<u8> {
        let ended = match asked.one("which-jobs") {
            None | Some(b"not-completed") => Some(false),
            Some(b"completed") => Some(true),
            _ => None,
        };
        let mut writer = answer(asked);
        for place in 0..self.jobs.len() {
            let is_over = self.jobs[place].state(now) >= 7;
            if ended.is_none_or(|ended| ended == is_over) {
                self.describe(place, &mut writer, asked, host, now);
            }
        }
        writer.finish()
    }

    fn describe(
        &self,
        place: usize,
        writer: &mut Writer,
        asked: &Asked,
        host: &str,
        now: Timestamp,
    ) {
        let job = &self.jobs[place];
        // CUPS says number and address where nothing is asked for of a list.
        let usual = [b"job-id".to_vec(), b"job-uri".to_vec()];
        let asked_for = asked.all("requested-attributes");
        let brief = asked.operation == 0x0a && asked_for.is_empty();
        let wanted = Wanted(if brief { &usual } else { asked_for });
        let state = job.state(now);
        let queue = &self.queues[job.queue];
        let octets = i64::try_from(job.octets.div_ceil(1_024)).unwrap_or(i64::MAX);
        let seconds = job.made.seconds();
        let when = |done: bool| if done { Integer(seconds) } else { super::wire::Value::Nothing };
        writer.group(OF_JOB);
        for (name, value) in [
            ("job-printer-uri", Uri(queue.uri(host))),
            ("job-more-info", Uri(format!("http://{host}/jobs/{}", job.id))),
            ("job-uri", Uri(format!("ipp://{host}/jobs/{}", job.id))),
            ("job-id", Integer(job.id)),
            ("job-name", Name(job.name.clone())),
            ("job-originating-user-name", Name(job.user.clone())),
            ("job-k-octets", Integer(octets)),
            ("job-media-sheets-completed", Integer(i64::from(state == 9))),
            ("job-impressions-completed", Integer(i64::from(state == 9))),
            ("job-state", Enum(state)),
            ("job-state-reasons", Keyword(job.reasons(state).to_owned())),
            ("job-printer-up-time", Integer(now.seconds())),
            ("document-format", Mime(job.format.clone())),
            ("time-at-creation", Integer(seconds)),
            ("time-at-processing", when(state >= 5)),
            ("time-at-completed", when(state >= 7)),
        ] {
            if wanted.has(name) {
                writer.put(name, &[value]);
            }
        }
    }
}

impl Job {
    fn state(&self, now: Timestamp) -> u32 {
        match () {
            () if self.cancelled => 7,
            () if self.open => 4,
            () if now.since(self.made) < PRINTING => 5,
            () => 9,
        }
    }

    const fn reasons(&self, state: u32) -> &'static str {
        match state {
            4 => "job-incoming",
            5 => "job-printing",
            7 => "job-canceled-by-user",
            _ => "job-completed-successfully",
        }
    }

    /// What is said when one is made or goes on.
    fn brief(&self, writer: &mut Writer, host: &str, now: Timestamp) {
        // Nothing is printed in the moment in which it comes.
        let (state, reasons) = match self.state(now) {
            5 => (3, "none"),
            state => (state, self.reasons(state)),
        };
        writer.group(OF_JOB);
        writer.put("job-uri", &[Uri(format!("ipp://{host}/jobs/{}", self.id))]);
        writer.put("job-id", &[Integer(self.id)]);
        writer.put("job-state", &[Enum(state)]);
        writer.put("job-state-message", &[Text(String::new())]);
        writer.put("job-state-reasons", &[Keyword(reasons.to_owned())]);
    }
}

/// A visitor's text as it is said to him again.
fn clean(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST_NAME)]);
    text.chars().filter(|letter| !letter.is_control()).collect()
}

fn answer(asked: &Asked) -> Writer {
    Writer::new(asked.version, OK, asked.id)
}

fn refusal(asked: &Asked, status: u16, text: &str) -> Vec<u8> {
    let version = if status == VERSION { (1, 1) } else { asked.version };
    let mut writer = Writer::new(version, status, asked.id);
    writer.put("status-message", &[Text(text.to_owned())]);
    writer.finish()
}

/// Tells which operation it was, with what matters of it.
fn tell(asked: &Asked, out: &mut Output) {
    let mut text = name_of(asked.operation);
    for name in [
        "printer-uri",
        "job-name",
        "requesting-user-name",
        "document-format",
        "document-uri",
        "device-uri",
        "ppd-name",
        "printer-info",
        "notify-recipient-uri",
    ] {
        if let Some(value) = asked.one(name).filter(|_| text.len() < LONGEST_NOTE) {
            let _ = write!(text, " {name}={}", clean(value));
        }
    }
    note(out, "ipp operation", text.as_str());
}

fn name_of(operation: u16) -> String {
    let name = match operation {
        0x02 => "Print-Job",
        0x03 => "Print-URI",
        0x04 => "Validate-Job",
        0x05 => "Create-Job",
        0x06 => "Send-Document",
        0x07 => "Send-URI",
        0x08 => "Cancel-Job",
        0x09 => "Get-Job-Attributes",
        0x0a => "Get-Jobs",
        0x0b => "Get-Printer-Attributes",
        0x0c => "Hold-Job",
        0x0d => "Release-Job",
        0x10 => "Pause-Printer",
        0x11 => "Resume-Printer",
        0x12 => "Purge-Jobs",
        0x13 => "Set-Printer-Attributes",
        0x16 => "Create-Printer-Subscriptions",
        0x3c => "Identify-Printer",
        0x4001 => "CUPS-Get-Default",
        0x4002 => "CUPS-Get-Printers",
        0x4003 => "CUPS-Add-Modify-Printer",
        0x4004 => "CUPS-Delete-Printer",
        0x4005 => "CUPS-Get-Classes",
        0x4006 => "CUPS-Add-Modify-Class",
        0x400a => "CUPS-Set-Default",
        0x400b => "CUPS-Get-Devices",
        0x400c => "CUPS-Get-PPDs",
        0x400f => "CUPS-Get-PPD",
        0x4027 => "CUPS-Get-Document",
        _ => return format!("0x{operation:04x}"),
    };
    name.to_owned()
}

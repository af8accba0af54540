//! One visit: lines of PJL, which are answered, and everything else, which is a job.

use std::sync::Arc;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use super::files;
use super::pjl::{EXIT, PREFIX, option, words};
use crate::capture::Capture;
use crate::draw::Draw;
use crate::framed::{Frame, Framed, Messages, Next, line, without_end};
use crate::{Identity, Output, Session, Visit};

const MODELS: [&str; 4] =
    ["HP LaserJet P3010 Series", "HP LaserJet P4014", "hp LaserJet 4250", "HP LaserJet M506"];
/// Bytes of a display.
const LONGEST_DISPLAY: usize = 64;

/// The installation's printer, of which other ports speak too.
pub(super) fn model(identity: &Identity) -> &'static str {
    Draw::new(identity.seed(), "printer").one_of(0, &MODELS).unwrap_or(MODELS[0])
}

pub(super) fn begin(identity: &Arc<Identity>, _visit: Visit) -> Box<dyn Session> {
    let draw = Draw::new(identity.seed(), "printer");
    Framed::begin(Printer {
        model: model(identity),
        pages: 8_000 + draw.below(1, 140_000),
        display: "Ready".to_owned(),
        job: None,
        file: None,
    })
}

/// A file on its way in.
struct File {
    name: String,
    left: u64,
    content: Capture,
}

struct Printer {
    model: &'static str,
    pages: u64,
    display: String,
    job: Option<Capture>,
    file: Option<File>,
}

/// Ends each answer.
const FORM_FEED: &str = "\u{c}";

impl Printer {
    fn info(&self, what: &str) -> Option<String> {
        Some(match what {
            "ID" => format!("\"{}\"\r\n", self.model),
            "STATUS" => {
                format!("CODE=10001\r\nDISPLAY=\"{}\"\r\nONLINE=TRUE\r\n", self.display)
            }
            "PAGECOUNT" => format!("{}\r\n", self.pages),
            "MEMORY" => "TOTAL=121634816\r\nLARGEST=102957056\r\n".to_owned(),
            "FILESYS" => "VOLUME\tTOTAL SIZE\tFREE SPACE\tLOCATION\tLABEL\tSTATUS\r\n0:\t12619776\t12457984\t?\t?\tREAD-WRITE\r\n".to_owned(),
            "CONFIG" => "IN TRAYS [3 ENUMERATED]\r\n\tINTRAY1 MP\r\n\tINTRAY2 PC\r\n\tINTRAY3 PC\r\nOUTPUT BINS [1 ENUMERATED]\r\n\tUPPER FACEDOWN\r\nDUPLEX [0]\r\nMEMORY=128MB\r\nLANGUAGES [3 ENUMERATED]\r\n\tPCL\r\n\tPCLXL\r\n\tPOSTSCRIPT\r\n".to_owned(),
            "VARIABLES" => "COPIES=1 [2 RANGE]\r\n\t1\r\n\t32000\r\nPAPER=LETTER [3 ENUMERATED]\r\n\tLETTER\r\n\tLEGAL\r\n\tA4\r\nPASSWORD=DISABLED [2 ENUMERATED]\r\n\tDISABLED\r\n\tENABLED\r\nTIMEOUT=15 [2 RANGE]\r\n\t5\r\n\t300\r\n".to_owned(),
            _ => return None,
        })
    }

    fn variable(name: &str) -> &'static str {
        match name {
            "COPIES" => "1",
            "PAPER" => "LETTER",
            "PASSWORD" | "DISKLOCK" | "CPLOCK" => "DISABLED",
            "TIMEOUT" => "15",
            "RESOLUTION" => "600",
            "LANG" => "ENGLISH",
            _ => "\"?\"",
        }
    }

    fn command(&mut self, bytes: &[u8], out: &mut Output) {
        let bytes = without_end(bytes);
        let (words, rest) = words(bytes);
        let word = |at: usize| words.get(at).map_or("", String::as_str);
        let shown = String::from_utf8_lossy(bytes).trim_end().to_owned();
        let name = option(&rest, "NAME");
        let of_disk = |find: fn(&str) -> Option<String>| {
            name.as_deref().and_then(find).unwrap_or_else(|| files::MISSING.to_owned() + "\r\n")
        };
        let mut known = true;
        let answer = match word(0) {
            "INFO" => self.info(word(1)).map(|text| format!("{shown}\r\n{text}")),
            "ECHO" => Some(format!("{shown}\r\n")),
            "INQUIRE" | "DINQUIRE" => Some(format!("{shown}\r\n{}\r\n", Self::variable(word(1)))),
            "FSDIRLIST" => Some(format!("{shown}\r\n{}", of_disk(files::listing))),
            "FSQUERY" => Some(format!("{shown}\r\n{}\r\n", of_disk(files::query).trim_end())),
            "FSUPLOAD" => Some(format!("{shown}\r\n{}\r\n", files::MISSING)),
            "FSDOWNLOAD" | "FSAPPEND" => {
                let size = option(&rest, "SIZE").and_then(|size| size.parse().ok()).unwrap_or(0);
                let name = name.unwrap_or_default();
                self.file = Some(File { name, left: size, content: Capture::default() });
                self.finish_file(out);
                None
            }
            "RDYMSG" => {
                let display = option(&rest, "DISPLAY").unwrap_or_default();
                self.display = display.chars().take(LONGEST_DISPLAY).collect();
                if self.display.is_empty() {
                    "Ready".clone_into(&mut self.display);
                }
                None
            }
            "SET" | "DEFAULT" | "JOB" | "EOJ" | "USTATUS" | "USTATUSOFF" | "RESET"
            | "INITIALIZE" | "COMMENT" | "FSDELETE" | "FSMKDIR" | "FSINIT" | "" => None,
            "ENTER" => {
                self.job = Some(Capture::default());
                None
            }
            _ => {
                known = false;
                None
            }
        };
        out.tell(Detail::Command { line: HostileText::from_bytes(bytes), known: Some(known) });
        if let Some(answer) = answer {
            out.reply(answer.as_bytes());
            out.reply(FORM_FEED.as_bytes());
        }
    }

    /// Tells a file that is whole.
    fn finish_file(&mut self, out: &mut Output) {
        if self.file.as_ref().is_some_and(|file| file.left == 0) {
            self.keep_file(out);
        }
    }

    fn keep_file(&mut self, out: &mut Output) {
        let Some(file) = self.file.take().filter(|file| file.content.size() > 0) else { return };
        let mut payload = file.content.finish(PayloadOrigin::Upload);
        payload.name = Some(HostileText::from(file.name));
        out.tell(Detail::Payload(Box::new(payload)));
    }

    fn keep_job(&mut self, out: &mut Output) {
        let Some(job) = self.job.take().filter(|job| job.size() > 0) else { return };
        out.tell(Detail::Payload(Box::new(job.finish(PayloadOrigin::Upload))));
    }
}

impl Messages for Printer {
    const LONGEST: usize = 16 * 1024;

    fn frame(&self, held: &[u8]) -> Frame {
        if let Some(file) = &self.file {
            let left = usize::try_from(file.left).unwrap_or(usize::MAX);
            return Frame::Whole(left.min(held.len()).min(Self::LONGEST));
        }
        let begins = |with: &[u8]| held.starts_with(&with[..held.len().min(with.len())]);
        if begins(EXIT) {
            return if held.len() < EXIT.len() { Frame::More } else { Frame::Whole(EXIT.len()) };
        }
        if self.job.is_none() && begins(PREFIX) {
            return if held.len() < PREFIX.len() { Frame::More } else { line(held) };
        }
        // White space before a job or a line is neither.
        if self.job.is_none() && held[0].is_ascii_whitespace() {
            return Frame::Whole(1);
        }
        // A job goes on up to what may be the exit.
        let end = held[1..].iter().position(|byte| *byte == EXIT[0]);
        Frame::Whole(end.map_or(held.len(), |end| end + 1).min(Self::LONGEST))
    }

    fn message(&mut self, message: &[u8], _now: Timestamp, out: &mut Output) -> Next {
        if let Some(file) = &mut self.file {
            file.content.feed(message);
            file.left = file.left.saturating_sub(message.len() as u64);
            self.finish_file(out);
        } else if message == EXIT {
            self.keep_job(out);
        } else if self.job.is_none() && message.starts_with(PREFIX) {
            self.command(message, out);
        } else if self.job.is_some() || !message[0].is_ascii_whitespace() {
            self.job.get_or_insert_default().feed(message);
        }
        Next::Go
    }

    /// Part of an exit is part of the job; a line without an end counts as one.
    fn half(&mut self, rest: &[u8], out: &mut Output) {
        if self.job.is_none() && rest.starts_with(PREFIX) {
            return self.command(rest, out);
        }
        self.job.get_or_insert_default().feed(rest);
    }

    fn end(&mut self, out: &mut Output) {
        self.keep_file(out);
        self.keep_job(out);
    }

    fn held(&self) -> usize {
        let job = self.job.as_ref().map_or(0, |job| job.content().len());
        let file =
            self.file.as_ref().map_or(0, |file| file.content.content().len() + file.name.len());
        job + file + self.display.len()
    }
}

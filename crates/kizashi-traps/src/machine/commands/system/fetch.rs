//! What download tools show where a download seems to succeed (see [`super::download`]): GNU Wget 1.21, BusyBox's wget, curl 7.88.

use std::time::Duration;

use super::super::Given;
use super::download::{Placeholder, resolved, saved_name};
use super::network::{Address, moment};
use super::{Call, Finish, Moment};
use crate::machine::files::Fault;
use crate::machine::world::calendar;

/// How `wget` was asked to save.
pub(super) struct Saving {
    pub(super) path: Option<Vec<u8>>,
    pub(super) folder: Option<Vec<u8>>,
    pub(super) quiet: bool,
    /// `-nv`.
    pub(super) bare: bool,
    pub(super) spider: bool,
}

fn output(after: u64, text: Vec<u8>) -> Moment {
    Moment { after: Duration::from_millis(after), text, error: false }
}

impl Call<'_> {
    /// Saves what an address names; where that cannot be, nothing is there.
    pub(in crate::machine::commands) fn bring(&mut self, address: &str, local: &[u8]) {
        let found = Placeholder::of(self, address, false);
        // Whoever reads it next is told that it is not there.
        let _ = found.save(self, local);
    }

    /// A tool that says nothing when a file came.
    pub(in crate::machine::commands) fn brought(&mut self, address: &str, local: &[u8]) -> Finish {
        let shown = local == b"-";
        let found = Placeholder::of(self, address, shown);
        if shown {
            let bytes = found.bytes(self);
            return Finish::Slow(vec![output(700, bytes)], 0);
        }
        if let Err(fault) = found.save(self, local) {
            let local = String::from_utf8_lossy(local).into_owned();
            return self.fail(&format!("can't open '{local}': {fault}"), 1);
        }
        Finish::Slow(vec![moment(700, String::new())], 0)
    }
}

/// Saves or shows what an address names; the status of a failure.
pub(super) fn wget_saves(
    call: &mut Call<'_>,
    address: &Address,
    saving: &Saving,
    moments: &mut Vec<Moment>,
) -> Result<(), u8> {
    let shown = saving.path.as_deref() == Some(b"-");
    let found = Placeholder::of(call, &address.whole, shown);
    let mut path = match (&saving.path, &saving.folder) {
        (Some(path), _) => path.clone(),
        (None, Some(folder)) => {
            [&folder[..], b"/", &saved_name(&address.whole, "index.html")].concat()
        }
        (None, None) => saved_name(&address.whole, "index.html"),
    };
    if saving.spider {
        let text = if call.is_busybox() || saving.quiet { "" } else { "Remote file exists.\n\n" };
        moments.push(moment(600, text.to_owned()));
        return Ok(());
    }
    let is_there = |call: &Call<'_>, path: &[u8]| {
        call.kernel.files.find(&call.path(path), true, call.who).is_ok()
    };
    if !shown && saving.path.is_none() && is_there(call, &path) {
        if call.is_busybox() {
            let name = String::from_utf8_lossy(&path).into_owned();
            moments.push(moment(300, format!("wget: can't open '{name}': File exists\n")));
            return Err(1);
        }
        let next = (1..100).map(|number| [&path[..], format!(".{number}").as_bytes()].concat());
        path = next.into_iter().find(|path| !is_there(call, path)).unwrap_or(path);
    }
    if !shown && let Err(fault) = found.save(call, &path) {
        let name = String::from_utf8_lossy(&path).into_owned();
        moments.push(moment(300, cannot_write(call, &name, fault)));
        return Err(if call.is_busybox() { 1 } else { 3 });
    }
    let name = String::from_utf8_lossy(&path).into_owned();
    if call.is_busybox() {
        busybox(call, address, saving.quiet, (&name, found.size()), shown, moments);
    } else {
        gnu(call, address, saving, (&name, &found), moments);
    }
    if shown {
        moments.push(output(0, found.bytes(call)));
    }
    Ok(())
}

fn cannot_write(call: &Call<'_>, name: &str, fault: Fault) -> String {
    if call.is_busybox() {
        format!("wget: can't open '{name}': {fault}\n")
    } else {
        format!("{name}: {fault}\n\nCannot write to ‘{name}’ ({fault}).\n")
    }
}

fn busybox(
    call: &Call<'_>,
    address: &Address,
    quiet: bool,
    (name, size): (&str, usize),
    shown: bool,
    moments: &mut Vec<Moment>,
) {
    if quiet {
        moments.push(moment(800, String::new()));
        return;
    }
    let text =
        format!("Connecting to {} ({}:{})\n", address.host, resolved(&address.host), address.port);
    moments.push(moment(0, text));
    let newer = !call.kernel.world.persona.is_device();
    let words = |verb: &str| match (newer, shown) {
        (false, _) => String::new(),
        (true, true) if verb == "saving" => "writing to stdout\n".to_owned(),
        (true, true) => "written to stdout\n".to_owned(),
        (true, false) if verb == "saving" => format!("saving to '{name}'\n"),
        (true, false) => format!("'{name}' saved\n"),
    };
    let short: String = name.chars().take(20).collect();
    let amount = if size < 100_000 { size.to_string() } else { format!("{}k", size / 1_024) };
    moments.push(moment(400, words("saving")));
    moments.push(moment(
        500,
        format!(
            "{short:<20} 100% |{}| {amount:>5}  0:00:00 ETA\n{}",
            "*".repeat(32),
            words("saved")
        ),
    ));
}

fn gnu(
    call: &mut Call<'_>,
    address: &Address,
    saving: &Saving,
    (name, found): (&str, &Placeholder),
    moments: &mut Vec<Moment>,
) {
    let size = found.size();
    let now = calendar(call.kernel.seconds());
    let stamp = format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        now.year, now.month, now.day, now.hour, now.minute, now.second
    );
    if saving.quiet {
        moments.push(moment(900, String::new()));
        return;
    }
    if saving.bare {
        let text = format!("{stamp} URL:{} [{size}/{size}] -> \"{name}\" [1]\n", address.whole);
        moments.push(moment(900, text));
        return;
    }
    moments.push(moment(0, format!("--{stamp}--  {}\n", address.whole)));
    let place = resolved(&address.host);
    let connecting = if place == address.host {
        format!("Connecting to {place}:{}... ", address.port)
    } else {
        moments.push(moment(0, format!("Resolving {0} ({0})... ", address.host)));
        moments.push(moment(120, format!("{place}\n")));
        format!("Connecting to {} ({})|{place}|:{}... ", address.host, address.host, address.port)
    };
    moments.push(moment(0, connecting));
    moments.push(moment(140, "connected.\nHTTP request sent, awaiting response... ".to_owned()));
    let human = match size {
        0..1_024 => String::new(),
        1_024..10_240 => format!(" ({}.{}K)", size / 1_024, size % 1_024 * 10 / 1_024),
        _ => format!(" ({}K)", size / 1_024),
    };
    let target = if name == "-" { "STDOUT".to_owned() } else { name.to_owned() };
    let target = format!("‘{target}’");
    moments.push(moment(
        150,
        format!("200 OK\nLength: {size}{human} [{}]\nSaving to: {target}\n\n", found.kind),
    ));
    let rate = format!("{}.{} MB/s", 1 + call.kernel.random() % 8, call.kernel.random() % 10);
    let bar = if call.typed {
        let amount = match size {
            0..1_024 => size.to_string(),
            1_024..10_240 => format!("{}.{:02}K", size / 1_024, size % 1_024 * 100 / 1_024),
            _ => format!("{}.{:02}K", size / 1_024, size % 1_024 * 100 / 1_024),
        };
        let short: String = name.chars().take(19).collect();
        format!("\r{short:<19} 100%[===================>] {amount:>7}  --.-KB/s    in 0.04s   \n\n")
    } else {
        let dots = (size / 1_024).min(50);
        let dots: Vec<String> = (0..5)
            .map(|group| ".".repeat(dots.saturating_sub(group * 10).min(10)))
            .map(|group| format!("{group:<10}"))
            .collect();
        format!("     0K {} 100% 2.31M=0.04s\n\n", dots.join(" "))
    };
    moments.push(moment(200, bar));
    moments.push(moment(0, format!("{stamp} ({rate}) - {target} saved [{size}/{size}]\n\n")));
}

/// curl's side of it.
pub(super) fn curl_brings(
    call: &mut Call<'_>,
    given: &Given,
    address: &Address,
    quiet: bool,
) -> Finish {
    let path = match given.value(b'o') {
        Some(path) if path != b"-" => Some(path.to_vec()),
        None if given.has(b'O') => Some(saved_name(&address.whole, "")),
        _ => None,
    };
    if path.as_deref() == Some(b"") {
        return call.curl_error(23, "Remote file name has no length!", quiet);
    }
    let found = Placeholder::of(call, &address.whole, path.is_none());
    let size = found.size();
    if given.has(b'I') {
        let text = format!(
            "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: {}\r\nContent-Length: {size}\r\nConnection: keep-alive\r\nAccept-Ranges: bytes\r\n\r\n",
            found.kind
        );
        return Finish::Slow(vec![output(500, text.into_bytes())], 0);
    }
    if let Some(path) = &path
        && found.save(call, path).is_err()
    {
        return call.curl_error(23, "Failure writing output to destination", quiet);
    }
    let mut moments = Vec::new();
    if !quiet && (path.is_some() || !call.terminal) {
        moments.push(moment(0, "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n                                 Dload  Upload   Total   Spent    Left  Speed\n\r  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0".to_owned()));
        let amount = if size < 100_000 { size.to_string() } else { format!("{}k", size / 1_024) };
        let speed = (size * 2).min(99_999);
        moments.push(moment(
            500,
            format!("\r100 {amount:>5}  100 {amount:>5}    0     0  {speed:>5}      0 --:--:-- --:--:-- --:--:-- {speed:>5}\n"),
        ));
    } else {
        moments.push(moment(500, String::new()));
    }
    if path.is_none() {
        moments.push(output(0, found.bytes(call)));
    }
    Finish::Slow(moments, 0)
}

impl Call<'_> {
    fn curl_error(&mut self, status: u8, text: &str, quiet: bool) -> Finish {
        if !quiet {
            self.err(format!("curl: ({status}) {text}\n").as_bytes());
        }
        Finish::Status(status)
    }
}

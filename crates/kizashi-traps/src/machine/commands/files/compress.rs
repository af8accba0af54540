//! `gzip`, `bzip2`, `xz` and the names under which they unpack.

use super::pack::Method;
use super::{Call, Finish};
use crate::machine::files::Fault;

/// How the tool was called.
struct Work {
    method: Method,
    unpacks: bool,
    shows: bool,
    keeps: bool,
    forces: bool,
    tests: bool,
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
pub(super) fn compress(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "cdfklnNqrtvzT:e0123456789",
        &[
            ("decompress", b'd'),
            ("uncompress", b'd'),
            ("stdout", b'c'),
            ("to-stdout", b'c'),
            ("force", b'f'),
            ("keep", b'k'),
            ("test", b't'),
            ("quiet", b'q'),
            ("verbose", b'v'),
            ("best", b'9'),
            ("fast", b'1'),
        ],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let name = String::from_utf8_lossy(call.base_name()).into_owned();
    let method = match &name[..] {
        "bzip2" | "bunzip2" | "bzcat" => Method::Bzip2,
        "xz" | "unxz" | "xzcat" => Method::Xz,
        _ => Method::Gzip,
    };
    let shows = given.has(b'c') || matches!(&name[..], "zcat" | "bzcat" | "xzcat");
    let unpacks = given.has(b'd')
        || given.has(b't')
        || matches!(&name[..], "gunzip" | "bunzip2" | "unxz" | "zcat" | "bzcat" | "xzcat");
    let work = Work {
        method,
        unpacks,
        shows,
        keeps: given.has(b'k'),
        forces: given.has(b'f'),
        tests: given.has(b't'),
    };
    if given.has(b'l') && !given.rest.is_empty() {
        return list(call, &given.rest);
    }
    if given.rest.is_empty() || given.rest == [b"-"] {
        let bytes = call.input();
        if !unpacks && call.terminal && !work.forces && !call.is_console() {
            call.err(terminal_refused(method).as_bytes());
            return Finish::Status(1);
        }
        return Finish::Status(work.stream(call, &bytes, "stdin"));
    }
    let mut status = 0;
    for path in &given.rest {
        let found = match call.read(path) {
            Ok(bytes) if work.shows || work.tests => {
                let shown = String::from_utf8_lossy(path).into_owned();
                work.stream(call, &bytes, &shown)
            }
            Ok(bytes) => work.file(call, path, &bytes),
            Err(fault) => work.unreadable(call, path, fault),
        };
        status = status.max(found);
    }
    Finish::Status(status)
}

fn terminal_refused(method: Method) -> String {
    match method {
        Method::Gzip => "gzip: compressed data not written to a terminal. Use -f to force compression.\nFor help, type: gzip -h\n".to_owned(),
        Method::Bzip2 => "bzip2: I won't write compressed data to a terminal.\nbzip2: For help, type: `bzip2 --help'.\n".to_owned(),
        Method::Xz => "xz: Compressed data cannot be written to a terminal\nxz: Try `xz --help' for more information.\n".to_owned(),
    }
}

fn list(call: &mut Call<'_>, paths: &[Vec<u8>]) -> Finish {
    call.line("         compressed        uncompressed  ratio uncompressed_name");
    for path in paths {
        let bytes = call.read(path).unwrap_or_default();
        let plain = Method::Gzip.unpack(&bytes).map_or(0, |plain| plain.len());
        let saved =
            if plain == 0 { 0.0 } else { 100.0 - bytes.len() as f64 * 100.0 / plain as f64 };
        let shown = String::from_utf8_lossy(path).trim_end_matches(".gz").to_owned();
        call.line(&format!("{:>19} {plain:>19} {saved:>5.1}% {shown}", bytes.len()));
    }
    Finish::Status(0)
}

impl Work {
    /// From bytes to the output.
    fn stream(&self, call: &mut Call<'_>, bytes: &[u8], shown: &str) -> u8 {
        call.work(bytes.len() * 2);
        if !self.unpacks {
            call.out(&self.method.pack(bytes));
            return 0;
        }
        match self.method.unpack(bytes) {
            Some(plain) if self.tests => {
                call.work(plain.len());
                0
            }
            Some(plain) => {
                call.work(plain.len());
                call.out(&plain);
                0
            }
            None => {
                let text = self.refusal(call, bytes, shown);
                call.err(text.as_bytes());
                1
            }
        }
    }

    /// From a file to the one that takes its place.
    #[expect(
        clippy::too_many_lines,
        reason = "one flat sequence of the tool's own options and texts"
    )]
    fn file(&self, call: &mut Call<'_>, path: &[u8], bytes: &[u8]) -> u8 {
        let (tool, suffix) = (self.method.tool(), self.method.suffix());
        let shown = String::from_utf8_lossy(path).into_owned();
        call.work(bytes.len() * 2);
        let (target, content) = if self.unpacks {
            let Some(target) = unpacked_name(path, suffix) else {
                let text = match self.method {
                    Method::Gzip => format!("gzip: {shown}: unknown suffix -- ignored\n"),
                    Method::Xz => {
                        format!("xz: {shown}: Filename has an unknown suffix, skipping\n")
                    }
                    Method::Bzip2 => format!(
                        "bunzip2: Can't guess original name for {shown} -- using {shown}.out\nbunzip2: {shown} is not a bzip2 file.\n"
                    ),
                };
                call.err(text.as_bytes());
                return 2;
            };
            match self.method.unpack(bytes) {
                Some(plain) => (target, plain),
                None => {
                    let text = self.refusal(call, bytes, &shown);
                    call.err(text.as_bytes());
                    return 1;
                }
            }
        } else if path.ends_with(suffix.as_bytes()) {
            call.err(
                format!("{tool}: {shown} already has {suffix} suffix -- unchanged\n").as_bytes(),
            );
            return 2;
        } else {
            ([path, suffix.as_bytes()].concat(), self.method.pack(bytes))
        };
        if !self.forces && call.find(&target, true).is_ok() {
            let target = String::from_utf8_lossy(&target).into_owned();
            let text = match self.method {
                Method::Gzip => format!("gzip: {target} already exists;\tnot overwritten\n"),
                Method::Bzip2 => format!("bzip2: Output file {target} already exists.\n"),
                Method::Xz => format!("xz: {target}: File exists\n"),
            };
            call.err(text.as_bytes());
            return 2;
        }
        let visitors = self.unpacks && super::archive::brought(call, path);
        let mode = call.find(path, true).map_or(0o644, |id| call.kernel.files.node(id).mode);
        let written = call
            .kernel
            .open_for_writing(call.folder, &target, false, mode, call.who)
            .and_then(|(node, path)| {
                // What he packed was told when he brought it; what he unpacks is new.
                call.kernel.write_as(node, 0, &content, &path, visitors, false)
            });
        if let Err(fault) = written {
            let target = String::from_utf8_lossy(&target).into_owned();
            call.err(format!("{tool}: {target}: {fault}\n").as_bytes());
            return 1;
        }
        if !self.keeps {
            let (now, who, from) = (call.kernel.seconds(), call.who, call.path(path));
            let files = &mut call.kernel.files;
            let removed =
                files.place(&from, false, who).and_then(|place| files.remove(&place, who, now));
            return u8::from(removed.is_err());
        }
        0
    }

    fn unreadable(&self, call: &mut Call<'_>, path: &[u8], fault: Fault) -> u8 {
        let shown = String::from_utf8_lossy(path).into_owned();
        let tool = self.method.tool();
        if call.is_busybox() {
            call.complain(&format!("can't open '{shown}': {fault}"));
            return 1;
        }
        let text = match (self.method, fault) {
            (Method::Gzip, Fault::IsAFolder) => {
                format!("gzip: {shown} is a directory -- ignored\n")
            }
            (Method::Bzip2, Fault::IsAFolder) => {
                format!("bzip2: Input file {shown} is a directory.\n")
            }
            (Method::Xz, Fault::IsAFolder) => format!("xz: {shown}: Is a directory, skipping\n"),
            (Method::Bzip2, _) => format!("bzip2: Can't open input file {shown}: {fault}.\n"),
            _ => format!("{tool}: {shown}: {fault}\n"),
        };
        call.err(text.as_bytes());
        if fault == Fault::IsAFolder && self.method == Method::Gzip { 2 } else { 1 }
    }

    /// What is no packed text, or not a whole one.
    fn refusal(&self, call: &Call<'_>, bytes: &[u8], shown: &str) -> String {
        if call.is_busybox() && self.method == Method::Gzip {
            return format!("{}: invalid magic\n", String::from_utf8_lossy(call.base_name()));
        }
        let ours = Method::of(bytes) == Some(self.method);
        match self.method {
            Method::Gzip if ours || bytes.is_empty() => {
                format!("\ngzip: {shown}: unexpected end of file\n")
            }
            Method::Gzip => format!("\ngzip: {shown}: not in gzip format\n"),
            Method::Bzip2 if ours => format!(
                "\nbzip2: Data integrity error when decompressing.\n\tInput file = ({shown}), output file = (stdout)\n"
            ),
            Method::Bzip2 => {
                let shown = if shown == "stdin" { "(stdin)" } else { shown };
                format!("bzip2: {shown} is not a bzip2 file.\n")
            }
            Method::Xz => {
                let shown = if shown == "stdin" { "(stdin)" } else { shown };
                let what =
                    if ours { "Unexpected end of input" } else { "File format not recognized" };
                format!("xz: {shown}: {what}\n")
            }
        }
    }
}

/// The name without the suffix; `.tgz` becomes `.tar`.
fn unpacked_name(path: &[u8], suffix: &str) -> Option<Vec<u8>> {
    let short = match suffix {
        ".gz" => &b".tgz"[..],
        ".bz2" => b".tbz2",
        _ => b".txz",
    };
    if let Some(name) = path.strip_suffix(short) {
        return Some([name, b".tar"].concat());
    }
    path.strip_suffix(suffix.as_bytes()).filter(|name| !name.is_empty()).map(<[u8]>::to_vec)
}

//! Fetching from the network, which never happens: each tool shows what it shows on a machine whose way out is blocked, and the address is
//! told.

use std::time::Duration;

use super::fetch::{Saving, curl_brings, wget_saves};
use super::{Call, Finish, Moment};
use crate::machine::files::base_name;
use crate::machine::world::calendar;

pub(super) fn moment(after_ms: u64, text: String) -> Moment {
    Moment { after: Duration::from_millis(after_ms), text: text.into_bytes(), error: true }
}

/// Usages of Debian's BusyBox 1.35.
const WGET: &str = "[-cqS] [--spider] [-O FILE] [-o LOGFILE] [--header STR]\n\t[--post-data STR | --post-file FILE] [-Y on/off]\n\t[--no-check-certificate] [-P DIR] [-U AGENT] URL...\n\nRetrieve files via HTTP or FTP\n\n\t--spider\tOnly check URL existence: $? is 0 if exists\n\t--header STR\tAdd STR (of form 'header: value') to headers\n\t--post-data STR\tSend STR using POST method\n\t--post-file FILE\tSend FILE using POST method\n\t--no-check-certificate\tDon't validate the server's certificate\n\t-c\t\tContinue retrieval of aborted transfer\n\t-q\t\tQuiet\n\t-P DIR\t\tSave to DIR (default .)\n\t-S    \t\tShow server response\n\t-O FILE\t\tSave to FILE ('-' for stdout)\n\t-o LOGFILE\tLog messages to FILE\n\t-U STR\t\tUse STR for User-Agent header\n\t-Y on/off\tUse proxy";
const TFTP: &str = "[OPTIONS] HOST [PORT]\n\nTransfer a file from/to tftp server\n\n\t-l FILE\tLocal FILE\n\t-r FILE\tRemote FILE\n\t-g\tGet file\n\t-p\tPut file\n\t-b SIZE\tTransfer blocks in bytes";

/// An address in its parts.
pub(super) struct Address {
    pub(super) whole: String,
    pub(super) host: String,
    pub(super) port: u16,
}

pub(super) fn address(text: &[u8], scheme: &str) -> Address {
    let text: String = String::from_utf8_lossy(text).chars().take(1_024).collect();
    let (found, rest) = text
        .split_once("://")
        .map_or((scheme.to_owned(), &text[..]), |(found, rest)| (found.to_lowercase(), rest));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let authority = authority.rsplit('@').next().unwrap_or(authority);
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    let default = match &found[..] {
        "https" => 443,
        "ftp" => 21,
        _ => 80,
    };
    let whole = if text.contains("://") { text.clone() } else { format!("{scheme}://{text}") };
    Address {
        whole: if path.is_empty() && !whole.ends_with('/') { format!("{whole}/") } else { whole },
        host: host.to_owned(),
        port: port.parse().unwrap_or(default),
    }
}

fn is_number(host: &str) -> bool {
    host.parse::<std::net::Ipv4Addr>().is_ok()
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
pub(super) fn wget(call: &mut Call<'_>) -> Finish {
    let longs = [
        ("quiet", b'q'),
        ("output-document", b'O'),
        ("no-check-certificate", b'k'),
        ("timeout", b'T'),
        ("tries", b't'),
        ("user-agent", b'U'),
        ("continue", b'c'),
        ("directory-prefix", b'P'),
        ("spider", b'S'),
        ("no-verbose", b'v'),
        ("background", b'b'),
        ("output-file", b'o'),
        ("post-data", b'Y'),
        ("header", b'Y'),
        ("passive", b'p'),
        ("recursive", b'r'),
        ("no-cache", b'k'),
        ("connect-timeout", b'T'),
    ];
    if call.arguments().iter().any(|word| word == b"--help") && !call.is_busybox() {
        call.line("GNU Wget 1.21.3, a non-interactive network retriever.\nUsage: wget [OPTION]... [URL]...\n\nMandatory arguments to long options are mandatory for short options too.");
        return Finish::Status(0);
    }
    let bare = call.arguments().iter().any(|word| word == b"-nv");
    let given = match call.options("qO:kT:t:U:cP:Svbo:Y:prnNdiaxl:w:A:e:L4:V", &longs, 2) {
        Ok(given) if given.has(b'V') && !call.is_busybox() => {
            call.line("GNU Wget 1.21.3 built on linux-gnu.");
            return Finish::Status(0);
        }
        Ok(given) => given,
        Err(finish) if call.is_busybox() => return finish,
        Err(finish) => {
            call.unsay_last_line();
            call.err(b"Usage: wget [OPTION]... [URL]...\n\nTry `wget --help' for more options.\n");
            return finish;
        }
    };
    let urls = given.rest.clone();
    if urls.is_empty() {
        if call.is_busybox() {
            return if call.kernel.world.persona.is_device() {
                call.usage("[-c|--continue] [-s|--spider] [-q|--quiet] [-O|--output-document FILE]\n\t[--header 'header: value'] [-Y|--proxy on/off] [-P DIR]\n\t[-U|--user-agent AGENT] URL...")
            } else {
                call.usage(WGET)
            };
        }
        call.err(b"wget: missing URL\nUsage: wget [OPTION]... [URL]...\n\nTry `wget --help' for more options.\n");
        return Finish::Status(1);
    }
    let quiet = given.has(b'q');
    let tries = given
        .number(b't')
        .filter(|tries| *tries > 0)
        .unwrap_or(if given.has(b'T') { 2 } else { 1 })
        .min(3);
    let (mut moments, mut failed) = (Vec::new(), 0);
    for url in urls.iter().take(8) {
        let address = address(url, "http");
        call.kernel.tell_address(address.whole.as_bytes());
        if call.downloads_from(&address.host) {
            let saving = Saving {
                path: given.value(b'O').map(<[u8]>::to_vec),
                folder: given.value(b'P').map(<[u8]>::to_vec),
                quiet,
                bare,
                spider: given.has(b'S') && call.arguments().iter().any(|word| word == b"--spider"),
            };
            if let Err(status) = wget_saves(call, &address, &saving, &mut moments) {
                failed = status;
            }
            continue;
        }
        failed = if call.is_busybox() { 1 } else { 4 };
        if let Some(path) = given.value(b'O').filter(|path| *path != b"-") {
            // The file is made before the connection, and stays empty.
            let path = path.to_vec();
            if let Err(fault) = call.kernel.open_for_writing(
                call.folder,
                &path,
                false,
                0o666 & !call.umask,
                call.who,
            ) {
                let shown = String::from_utf8_lossy(&path).into_owned();
                return if call.is_busybox() {
                    call.fail(&format!("can't open '{shown}': {fault}"), 1)
                } else {
                    call.fail(&format!("{shown}: {fault}"), 1).status_three()
                };
            }
        }
        if call.is_busybox() {
            busybox_wget(&address, quiet, &mut moments);
        } else if address.host.is_empty() {
            return call.invalid_url(url);
        } else {
            gnu_wget(call, &address, (quiet, bare), tries, &mut moments);
        }
    }
    Finish::Slow(moments, failed)
}

fn busybox_wget(address: &Address, quiet: bool, moments: &mut Vec<Moment>) {
    if !is_number(&address.host) {
        moments.push(moment(5_000, format!("wget: bad address '{}'\n", address.host)));
        return;
    }
    if !quiet {
        moments.push(moment(
            0,
            format!("Connecting to {} ({}:{})\n", address.host, address.host, address.port),
        ));
    }
    moments.push(moment(
        3_000,
        format!("wget: can't connect to remote host ({}): Connection refused\n", address.host),
    ));
}

fn gnu_wget(
    call: &Call<'_>,
    address: &Address,
    (quiet, bare): (bool, bool),
    tries: u64,
    moments: &mut Vec<Moment>,
) {
    if quiet {
        moments.push(moment(4_000, String::new()));
        return;
    }
    if bare {
        let text = if is_number(&address.host) {
            "failed: Connection refused.\n".to_owned()
        } else {
            format!("wget: unable to resolve host address ‘{}’\n", address.host)
        };
        moments.push(moment(4_000, text));
        return;
    }
    let now = calendar(call.kernel.seconds());
    moments.push(moment(
        0,
        format!(
            "--{:04}-{:02}-{:02} {:02}:{:02}:{:02}--  {}\n",
            now.year, now.month, now.day, now.hour, now.minute, now.second, address.whole
        ),
    ));
    if address.whole.starts_with("ftp:") {
        let last = address.whole.rsplit('/').next().unwrap_or_default();
        let name = if last.is_empty() { ".listing" } else { last };
        moments.push(moment(0, format!("           => ‘{name}’\n")));
    }
    if !is_number(&address.host) {
        moments.push(moment(0, format!("Resolving {0} ({0})... ", address.host)));
        moments.push(moment(5_000, format!("failed: Temporary failure in name resolution.\nwget: unable to resolve host address ‘{}’\n", address.host)));
        return;
    }
    for attempt in 0..tries {
        moments.push(moment(
            if attempt == 0 { 0 } else { 1_000 },
            format!("Connecting to {}:{}... ", address.host, address.port),
        ));
        moments.push(moment(
            4_000,
            if attempt + 1 < tries {
                "failed: Connection timed out.\nRetrying.\n\n".to_owned()
            } else {
                "failed: Connection refused.\n".to_owned()
            },
        ));
    }
}

impl Call<'_> {
    fn invalid_url(&mut self, url: &[u8]) -> Finish {
        let shown = String::from_utf8_lossy(url).into_owned();
        self.err(format!("{shown}: Invalid host name.\n").as_bytes());
        Finish::Status(1)
    }
}

impl Finish {
    /// wget's status for a file that cannot be written.
    fn status_three(self) -> Self {
        match self {
            Self::Status(_) => Self::Status(3),
            other => other,
        }
    }
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
pub(super) fn curl(call: &mut Call<'_>) -> Finish {
    let longs = [
        ("silent", b's'),
        ("output", b'o'),
        ("remote-name", b'O'),
        ("insecure", b'k'),
        ("location", b'L'),
        ("max-time", b'm'),
        ("connect-timeout", b'm'),
        ("fail", b'f'),
        ("show-error", b'S'),
        ("user-agent", b'A'),
        ("header", b'H'),
        ("data", b'd'),
        ("request", b'X'),
        ("head", b'I'),
        ("verbose", b'v'),
        ("version", b'V'),
        ("url", b'u'),
        ("form", b'd'),
        ("proxy", b'd'),
        ("retry", b'd'),
        ("compressed", b'g'),
        ("data-binary", b'd'),
    ];
    let given = match call.options("so:OkLm:fSA:H:d:X:IvVu:ge:b:c:x:T:F:w:46y:Y:N#:", &longs, 2) {
        Ok(given) => given,
        Err(finish) => {
            call.unsay_last_line();
            call.unsay_last_line();
            let word = call
                .arguments()
                .last()
                .map(|word| String::from_utf8_lossy(word).into_owned())
                .unwrap_or_default();
            let known = !word.starts_with("--") && word.len() == 2;
            let takes_more = |letter: &str| "omAHdXuebcxTFwyY#".contains(letter);
            let what = if known && word.get(1..).is_some_and(takes_more) {
                "requires parameter"
            } else {
                "is unknown"
            };
            call.err(format!("curl: option {word}: {what}\ncurl: try 'curl --help' or 'curl --manual' for more information\n").as_bytes());
            return finish;
        }
    };
    if given.has(b'V') {
        call.line("curl 7.88.1 (x86_64-pc-linux-gnu) libcurl/7.88.1 OpenSSL/3.0.15 zlib/1.2.13");
        return Finish::Status(0);
    }
    let Some(url) = given.rest.first().cloned().or_else(|| given.value(b'u').map(<[u8]>::to_vec))
    else {
        call.err(b"curl: try 'curl --help' or 'curl --manual' for more information\n");
        return Finish::Status(2);
    };
    let address = address(&url, "http");
    call.kernel.tell_address(address.whole.as_bytes());
    let quiet = given.has(b's');
    if let Some(finish) = curl_otherwise(call, &url, quiet && !given.has(b'S')) {
        return finish;
    }
    if call.downloads_from(&address.host) {
        return curl_brings(call, &given, &address, quiet);
    }
    let to_file = given.has(b'o') || given.has(b'O') || !call.terminal;
    let mut moments = Vec::new();
    if !quiet && to_file {
        moments.push(moment(0, "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n                                 Dload  Upload   Total   Spent    Left  Speed\n".to_owned()));
        for second in 0..if is_number(&address.host) { 4 } else { 1 } {
            moments.push(moment(
                if second == 0 { 0 } else { 1_000 },
                format!(
                    "\r  0     0    0     0    0     0      0      0 --:--:-- {} --:--:--     0",
                    if second == 0 { "--:--:--".to_owned() } else { format!(" 0:00:{second:02}") }
                ),
            ));
        }
    }
    // The line of progress is ended where a connection was tried.
    let newline = if !quiet && to_file && is_number(&address.host) { "\n" } else { "" };
    let loud = !quiet || given.has(b'S');
    if !is_number(&address.host) {
        moments.push(moment(
            2_000,
            if loud {
                format!("{newline}curl: (6) Could not resolve host: {}\n", address.host)
            } else {
                String::new()
            },
        ));
        return Finish::Slow(moments, 6);
    }
    let elapsed = 3_010 + call.kernel.random() % 90;
    let text = if call.kernel.world.system.version_id == "20.04" {
        format!(
            "curl: (7) Failed to connect to {} port {}: Connection refused",
            address.host, address.port
        )
    } else {
        format!(
            "curl: (7) Failed to connect to {} port {} after {elapsed} ms: Couldn't connect to server",
            address.host, address.port
        )
    };
    moments.push(moment(1_000, if loud { format!("{newline}{text}\n") } else { String::new() }));
    Finish::Slow(moments, 7)
}

/// What curl does without a network: files, and addresses that are none.
fn curl_otherwise(call: &mut Call<'_>, url: &[u8], silent: bool) -> Option<Finish> {
    let text = String::from_utf8_lossy(url).into_owned();
    let scheme = text.split_once("://").map_or("http", |(scheme, _)| scheme).to_lowercase();
    let (fault, status) = if scheme == "file" {
        let path = text.split_once("://").map_or("", |(_, path)| path).to_owned();
        match call.read(path.as_bytes()) {
            Ok(bytes) => {
                call.out(&bytes);
                return Some(Finish::Status(0));
            }
            Err(_) => (format!("(37) Couldn't open file {path}"), 37),
        }
    } else if ![
        "http", "https", "ftp", "ftps", "tftp", "telnet", "ldap", "smtp", "scp", "sftp", "dict",
        "gopher",
    ]
    .contains(&scheme.as_str())
    {
        (format!("(1) Protocol \"{scheme}\" not supported or disabled in libcurl"), 1)
    } else if address(url, "http").host.is_empty() {
        ("(3) URL using bad/illegal format or missing URL".to_owned(), 3)
    } else {
        return None;
    };
    if !silent {
        call.err(format!("curl: {fault}\n").as_bytes());
    }
    Some(Finish::Status(status))
}

pub(super) fn tftp(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "gpl:r:b:c:vm:",
        &[("get", b'g'), ("put", b'p'), ("local-file", b'l'), ("remote-file", b'r')],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let Some(host) = given.rest.first().cloned() else {
        if call.is_busybox() {
            return call.usage(if call.kernel.world.persona.is_device() {
                "[OPTIONS] HOST [PORT]"
            } else {
                TFTP
            });
        }
        call.err(b"tftp: usage: tftp host-name [port]\n");
        return Finish::Status(1);
    };
    let file = given
        .value(b'r')
        .or_else(|| given.value(b'l'))
        .map(<[u8]>::to_vec)
        .or_else(|| given.rest.iter().skip_while(|word| *word != b"get").nth(1).cloned())
        .or_else(|| given.rest.last().filter(|_| given.rest.len() > 1).cloned())
        .unwrap_or_default();
    call.kernel.tell_address(&[b"tftp://", &host[..], b"/", &file].concat());
    let shown = String::from_utf8_lossy(&host).into_owned();
    if !given.has(b'p') && !file.is_empty() && call.downloads_from(&shown) {
        let local = given.value(b'l').map_or_else(|| base_name(&file).to_vec(), <[u8]>::to_vec);
        let address = format!("tftp://{shown}/{}", String::from_utf8_lossy(&file));
        return call.brought(&address, &local);
    }
    let text = if call.is_busybox() { "tftp: timeout\n" } else { "Transfer timed out.\n\n" };
    Finish::Slow(vec![moment(5_000, text.to_owned())], 1)
}

pub(super) fn ftpget(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "cvu:p:P:",
        &[
            ("continue", b'c'),
            ("verbose", b'v'),
            ("username", b'u'),
            ("password", b'p'),
            ("port", b'P'),
        ],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let Some(host) = given.rest.first().cloned().filter(|_| given.rest.len() > 1) else {
        return call.usage("[OPTIONS] HOST [LOCAL_FILE] REMOTE_FILE");
    };
    let file = given.rest.last().cloned().unwrap_or_default();
    call.kernel.tell_address(&[b"ftp://", &host[..], b"/", &file].concat());
    let shown = String::from_utf8_lossy(&host).into_owned();
    if call.downloads_from(&shown) {
        let local = given.rest.get(1).cloned().unwrap_or_default();
        let address = format!("ftp://{shown}/{}", String::from_utf8_lossy(&file));
        return call.brought(&address, &local);
    }
    Finish::Slow(
        vec![moment(
            4_000,
            format!("ftpget: can't connect to remote host ({shown}): Connection refused\n"),
        )],
        1,
    )
}

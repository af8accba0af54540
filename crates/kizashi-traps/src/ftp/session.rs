//! The control connection: lines, and what vsftpd answers to each. Texts are those of vsftpd 3.0.3-13 of Debian 12 to the same lines.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, HostileText, Timestamp};

use super::channel::Channel;
use super::disk::{ANONYMOUS, Disk};
use super::listing;
use super::transfer::{FAILED, Load, Moving, say};
use crate::framed::{self, Frame, Framed, Messages, Next, without_end};
use crate::machine::FileStat;
use crate::randomness::Randomness;
use crate::{Identity, Output, Session, Visit};

/// `delay_failed_login` and `max_login_fails`.
const DELAY: Duration = Duration::from_secs(1);
const MOST_FAILURES: u32 = 3;
/// Bytes of a user's name and of a listing.
const LONGEST_NAME: usize = 128;
const LONGEST_LISTING: usize = 64 * 1024;

/// `/etc/ftpusers` of Debian.
const REFUSED: [&str; 16] = [
    "root", "daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp", "nobody",
    "proxy", "www-data", "backup", "list",
];

const DENIED: &str = "550 Permission denied.";
const FEATURES: &str = "211-Features:\r\n EPRT\r\n EPSV\r\n MDTM\r\n PASV\r\n REST STREAM\r\n SIZE\r\n TVFS\r\n211 End";
const HELP: &str = "214-The following commands are recognized.\r\n ABOR ACCT ALLO APPE CDUP CWD  DELE EPRT EPSV FEAT HELP LIST MDTM MKD\r\n MODE NLST NOOP OPTS PASS PASV PORT PWD  QUIT REIN REST RETR RMD  RNFR\r\n RNTO SITE SIZE SMNT STAT STOR STOU STRU SYST TYPE USER XCUP XCWD XMKD\r\n XPWD XRMD\r\n214 Help OK.";

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    // Two of three let anonymous visitors in, and one of these three times two takes files.
    let face = identity.choice("ftp anonymous", 3);
    Framed::begin(Server {
        anonymous: face < 2,
        takes: face == 0,
        randomness: identity.randomness(),
        identity: Arc::clone(identity),
        visit,
        user: None,
        failures: 0,
        refused: false,
        inside: None,
        moving: None,
    })
}

/// A visitor who is in.
struct Inside {
    user: String,
    disk: Disk,
    folder: Vec<u8>,
    binary: bool,
    /// Where the next transfer begins.
    restart: u64,
    renamed: Option<Vec<u8>>,
    way: Way,
    only_extended: bool,
}

/// How data will go.
enum Way {
    None,
    /// To the visitor's own address, where nothing is ever sent.
    Active,
    Passive(Arc<Channel>),
}

struct Server {
    identity: Arc<Identity>,
    visit: Visit,
    randomness: Randomness,
    anonymous: bool,
    takes: bool,
    user: Option<Vec<u8>>,
    failures: u32,
    /// A refusal waits for its second to be over.
    refused: bool,
    inside: Option<Inside>,
    moving: Option<Moving>,
}

fn tell(line: &[u8], known: bool, out: &mut Output) {
    out.tell(Detail::Command { line: HostileText::from_bytes(line), known: Some(known) });
}

impl Server {
    fn is_guest(user: &[u8]) -> bool {
        matches!(user.to_ascii_lowercase().as_slice(), b"anonymous" | b"ftp")
    }

    /// A password for the name that was given.
    fn password(&mut self, password: &[u8], now: Timestamp, out: &mut Output) -> Next {
        if self.inside.is_some() {
            say(out, "230 Already logged in.");
            return Next::Go;
        }
        let Some(user) = self.user.take() else {
            say(out, "503 Login with USER first.");
            return Next::Go;
        };
        let guest = self.anonymous && Self::is_guest(&user);
        let name = String::from_utf8_lossy(&user).into_owned();
        let accepted = guest
            || !REFUSED.contains(&name.as_str())
                && self.identity.logins().admits(self.visit.source, &user, password);
        out.tell(Detail::Login {
            username: Some(HostileText::from_bytes(&user)),
            password: Some(HostileText::from_bytes(password)),
            public_key: None,
            accepted,
        });
        if !accepted {
            self.refused = true;
            return Next::Pause(DELAY);
        }
        let disk = if guest {
            Disk::anonymous(&self.identity, self.takes)
        } else {
            Disk::account(&self.identity, self.visit, &user, now)
        };
        self.inside = Some(Inside {
            user: if guest { ANONYMOUS.to_owned() } else { name },
            folder: disk.home(),
            disk,
            binary: false,
            restart: 0,
            renamed: None,
            way: Way::None,
            only_extended: false,
        });
        say(out, "230 Login successful.");
        Next::Go
    }

    fn user(&mut self, name: &[u8], out: &mut Output) {
        match &self.inside {
            Some(inside) if inside.disk.is_anonymous() => {
                say(out, "530 Can't change from guest user.");
            }
            Some(inside) if inside.user.as_bytes() == name => say(out, "331 Any password will do."),
            Some(_) => say(out, "530 Can't change to another user."),
            None => {
                self.user = Some(name.get(..LONGEST_NAME).unwrap_or(name).to_vec());
                say(out, "331 Please specify the password.");
            }
        }
    }

    fn line(&mut self, line: &[u8], now: Timestamp, out: &mut Output) -> Next {
        let end = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
        let (word, rest) = line.split_at(end);
        let (word, rest) = (word.to_ascii_uppercase(), rest.get(1..).unwrap_or_default());
        match word.as_slice() {
            b"" => return Next::Go,
            b"PASS" => return self.password(rest, now, out),
            b"USER" => self.user(rest, out),
            b"QUIT" => {
                say(out, "221 Goodbye.");
                out.close();
            }
            b"FEAT" => say(out, FEATURES),
            b"OPTS" if rest.eq_ignore_ascii_case(b"UTF8 ON") => {
                say(out, "200 Always in UTF8 mode.");
            }
            b"OPTS" => say(out, "501 Option not understood."),
            _ => {
                let known = self.command(&word, rest, now, out);
                tell(line, known, out);
                if self.moving.is_some() {
                    return self.go_on(now, out);
                }
                return Next::Go;
            }
        }
        if !matches!(word.as_slice(), b"USER" | b"QUIT") {
            tell(line, true, out);
        }
        Next::Go
    }

    fn go_on(&mut self, now: Timestamp, out: &mut Output) -> Next {
        if let (Some(moving), Some(inside)) = (&mut self.moving, &mut self.inside)
            && let Some(pause) = moving.go_on(&mut inside.disk, now, out)
        {
            return Next::Pause(pause);
        }
        self.moving = None;
        Next::Go
    }

    /// What is for visitors who are in; whether there is such a command.
    fn command(&mut self, word: &[u8], rest: &[u8], now: Timestamp, out: &mut Output) -> bool {
        let Some(inside) = &mut self.inside else {
            say(out, "530 Please login with USER and PASS.");
            return false;
        };
        if inside.changes(word, rest, out) || inside.tells(word, rest, now, self.visit, out) {
            return true;
        }
        match word {
            b"PASV" | b"EPSV" => self.passive(word == b"EPSV", rest, out),
            b"PORT" | b"EPRT" => self.active(word == b"EPRT", rest, out),
            b"LIST" | b"NLST" | b"RETR" | b"STOR" | b"APPE" | b"STOU" => {
                self.moving = inside.transfer(word, rest, now, out);
            }
            _ => {
                say(out, "500 Unknown command.");
                return false;
            }
        }
        true
    }

    fn passive(&mut self, extended: bool, rest: &[u8], out: &mut Output) {
        let Some(inside) = &mut self.inside else { return };
        if extended && rest.eq_ignore_ascii_case(b"ALL") {
            inside.only_extended = true;
            return say(out, "200 EPSV ALL ok.");
        }
        let v6 = matches!(self.visit.source, IpAddr::V6(_));
        if extended && !rest.is_empty() && rest != if v6 { b"2" } else { b"1" } {
            return say(out, "522 Bad network protocol.");
        }
        if !extended && inside.only_extended {
            return say(out, DENIED);
        }
        let expected = self.identity.channels().expect(self.visit.source, self.randomness.number());
        let Some((port, channel)) = expected else { return say(out, DENIED) };
        inside.way = Way::Passive(channel);
        if extended {
            return say(out, &format!("229 Entering Extended Passive Mode (|||{port}|)"));
        }
        let address = match self.visit.destination {
            Some(IpAddr::V4(address)) => address,
            _ => Ipv4Addr::UNSPECIFIED,
        };
        let [a, b, c, d] = address.octets();
        let [high, low] = port.to_be_bytes();
        say(out, &format!("227 Entering Passive Mode ({a},{b},{c},{d},{high},{low})."));
    }

    /// Told, and never done.
    fn active(&mut self, extended: bool, rest: &[u8], out: &mut Output) {
        let Some(inside) = &mut self.inside else { return };
        let wanted = if extended { extended_address(rest) } else { address(rest) };
        if let Some((host, port)) = wanted {
            let host = HostileText::from(host.to_string());
            out.tell(Detail::Forward { host, port, data: None });
        }
        if inside.only_extended {
            return say(out, DENIED);
        }
        let own = wanted.is_some_and(|(host, port)| host == self.visit.source && port >= 1_024);
        match (own, extended) {
            (true, _) => {
                inside.way = Way::Active;
                let (word, better) = if extended { ("EPRT", "EPSV") } else { ("PORT", "PASV") };
                say(out, &format!("200 {word} command successful. Consider using {better}."));
            }
            (false, true) if wanted.is_none() => say(out, "500 Bad EPRT command."),
            (false, true) => say(out, "500 Illegal EPRT command."),
            (false, false) => say(out, "500 Illegal PORT command."),
        }
    }
}

/// `127,0,0,1,200,200`.
fn address(text: &[u8]) -> Option<(IpAddr, u16)> {
    let text = std::str::from_utf8(text).ok()?;
    let numbers: Vec<u8> = text.split(',').map_while(|part| part.trim().parse().ok()).collect();
    let [a, b, c, d, high, low] = *numbers.as_slice() else { return None };
    Some((IpAddr::from([a, b, c, d]), u16::from_be_bytes([high, low])))
}

/// `|1|127.0.0.1|5000|`.
fn extended_address(text: &[u8]) -> Option<(IpAddr, u16)> {
    let text = std::str::from_utf8(text).ok()?;
    let mark = text.chars().next()?;
    let parts: Vec<&str> = text.split(mark).collect();
    Some((parts.get(2)?.parse().ok()?, parts.get(3)?.parse().ok()?))
}

impl Inside {
    fn path(&self, name: &[u8]) -> Vec<u8> {
        let joined = match name {
            [b'/', ..] => name.to_vec(),
            _ => [&self.folder, &b"/"[..], name].concat(),
        };
        crate::machine::normal(&joined)
    }

    fn is_folder(stat: &FileStat) -> bool {
        stat.mode & 0o170_000 == 0o040_000
    }

    /// Commands by which something is changed.
    fn changes(&mut self, word: &[u8], rest: &[u8], out: &mut Output) -> bool {
        let path = self.path(rest);
        let renamed = if word == b"RNTO" { self.renamed.take() } else { None };
        let Some(files) = self.disk.account_files() else {
            let refused = matches!(
                word,
                b"MKD" | b"XMKD" | b"RMD" | b"XRMD" | b"DELE" | b"RNFR" | b"RNTO" | b"SITE"
            );
            if refused {
                say(out, DENIED);
            }
            return refused;
        };
        match word {
            b"MKD" | b"XMKD" => match files.make_folder(&path, 0o700) {
                Ok(()) => say(out, &format!("257 \"{}\" created", String::from_utf8_lossy(&path))),
                Err(_) => say(out, "550 Create directory operation failed."),
            },
            b"RMD" | b"XRMD" => match files.remove(&path, true) {
                Ok(()) => say(out, "250 Remove directory operation successful."),
                Err(_) => say(out, "550 Remove directory operation failed."),
            },
            b"DELE" => match files.remove(&path, false) {
                Ok(()) => say(out, "250 Delete operation successful."),
                Err(_) => say(out, "550 Delete operation failed."),
            },
            b"RNFR" => match files.stat(&path, false) {
                Ok(_) => {
                    self.renamed = Some(path);
                    say(out, "350 Ready for RNTO.");
                }
                Err(_) => say(out, "550 RNFR command failed."),
            },
            b"RNTO" => match renamed.map(|from| files.rename(&from, &path)) {
                None => say(out, "503 RNFR required first."),
                Some(Ok(())) => say(out, "250 Rename successful."),
                Some(Err(_)) => say(out, "550 Rename failed."),
            },
            b"SITE" => self.site(rest, out),
            _ => return false,
        }
        true
    }

    fn site(&self, rest: &[u8], out: &mut Output) {
        let text = String::from_utf8_lossy(rest).into_owned();
        let mut words = text.splitn(3, ' ');
        let (word, mode, name) = (words.next().unwrap_or_default(), words.next(), words.next());
        match word.to_ascii_uppercase().as_str() {
            "HELP" => say(out, "214 CHMOD UMASK HELP"),
            "UMASK" if mode.is_none() => say(out, "200 Your current UMASK is 077"),
            "UMASK" => say(out, &format!("200 UMASK set to 0{}", mode.unwrap_or_default())),
            "CHMOD" => {
                let bits = mode.and_then(|mode| u16::from_str_radix(mode, 8).ok());
                let files = self.disk.account_files();
                let done = match (files, bits, name) {
                    (Some(files), Some(bits), Some(name)) => {
                        files.set_mode(&self.path(name.as_bytes()), bits & 0o777, true).is_ok()
                    }
                    _ => false,
                };
                let text = if done {
                    "200 SITE CHMOD command ok."
                } else {
                    "550 SITE CHMOD command failed."
                };
                say(out, text);
            }
            _ => say(out, "500 Unknown SITE command."),
        }
    }

    /// Commands by which something is told, or the session's own state changed.
    fn tells(
        &mut self,
        word: &[u8],
        rest: &[u8],
        now: Timestamp,
        visit: Visit,
        out: &mut Output,
    ) -> bool {
        match word {
            b"PWD" | b"XPWD" => {
                let folder = String::from_utf8_lossy(&self.folder).into_owned();
                say(out, &format!("257 \"{folder}\" is the current directory"));
            }
            b"CWD" | b"XCWD" => self.enter(rest, out),
            b"CDUP" | b"XCUP" => self.enter(b"..", out),
            b"SIZE" => match self.disk.stat(&self.path(rest)) {
                Ok(stat) if !Self::is_folder(&stat) => say(out, &format!("213 {}", stat.size)),
                _ => say(out, "550 Could not get file size."),
            },
            b"MDTM" => match self.disk.stat(&self.path(rest)) {
                Ok(stat) if !Self::is_folder(&stat) => {
                    say(out, &format!("213 {}", listing::stamp(stat.modified)));
                }
                _ => say(out, "550 Could not get file modification time."),
            },
            b"STAT" if rest.is_empty() => self.status(visit, out),
            b"STAT" => {
                let lines = self.listing(rest, true, true, now);
                out.reply(b"213-Status follows:\r\n");
                out.reply(&lines);
                say(out, "213 End of status");
            }
            b"TYPE" => match rest.to_ascii_uppercase().as_slice() {
                b"I" | b"L8" | b"L 8" => {
                    self.binary = true;
                    say(out, "200 Switching to Binary mode.");
                }
                b"A" | b"A N" => {
                    self.binary = false;
                    say(out, "200 Switching to ASCII mode.");
                }
                _ => say(out, "500 Unrecognised TYPE command."),
            },
            b"REST" => {
                let digits: String = rest
                    .iter()
                    .map(|byte| char::from(*byte))
                    .take_while(char::is_ascii_digit)
                    .collect();
                self.restart = digits.parse().unwrap_or(0);
                say(out, &format!("350 Restart position accepted ({}).", self.restart));
            }
            b"MODE" if rest.eq_ignore_ascii_case(b"S") => say(out, "200 Mode set to S."),
            b"MODE" => say(out, "504 Bad MODE command."),
            b"STRU" if rest.eq_ignore_ascii_case(b"F") => say(out, "200 Structure set to F."),
            b"STRU" => say(out, "504 Bad STRU command."),
            b"SYST" => say(out, "215 UNIX Type: L8"),
            b"NOOP" => say(out, "200 NOOP ok."),
            b"HELP" => say(out, HELP),
            b"ALLO" => say(out, "202 ALLO command ignored."),
            b"ABOR" => say(out, "225 No transfer to ABOR."),
            b"ACCT" | b"REIN" | b"SMNT" => {
                say(out, &format!("502 {} not implemented.", String::from_utf8_lossy(word)));
            }
            _ => return false,
        }
        true
    }

    fn enter(&mut self, name: &[u8], out: &mut Output) {
        let path = self.path(name);
        // A folder that may be listed may be entered.
        let there =
            !name.is_empty() && self.disk.stat(&path).is_ok_and(|stat| Self::is_folder(&stat));
        if there && self.disk.list(&path).is_ok() {
            self.folder = path;
            return say(out, "250 Directory successfully changed.");
        }
        say(out, "550 Failed to change directory.");
    }

    fn status(&self, visit: Visit, out: &mut Output) {
        let mode = if self.binary { "BINARY" } else { "ASCII" };
        say(
            out,
            &format!(
                "211-FTP server status:\r\n     Connected to {}\r\n     Logged in as {}\r\n     TYPE: {mode}\r\n     No session bandwidth limit\r\n     Session timeout in seconds is 300\r\n     Control connection is plain text\r\n     Data connections will be plain text\r\n     At session startup, client count was 1\r\n     vsFTPd 3.0.3 - secure, fast, stable\r\n211 End of status",
                visit.source, self.user
            ),
        );
    }

    /// A folder's lines or names; nothing where there is no such folder.
    fn listing(&self, rest: &[u8], long: bool, all: bool, now: Timestamp) -> Vec<u8> {
        let (options, name) = match rest {
            [b'-', ..] => {
                let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
                (&rest[..end], rest.get(end + 1..).unwrap_or_default())
            }
            _ => (&[][..], rest),
        };
        let all = all || options.contains(&b'a');
        let path = self.path(name);
        let Ok(stat) = self.disk.stat(&path) else { return Vec::new() };
        let mut names = if Self::is_folder(&stat) {
            let parent = crate::machine::normal(&[&path[..], b"/.."].concat());
            let mut names: Vec<(Vec<u8>, FileStat)> = Vec::new();
            names.push((b".".to_vec(), stat));
            names.extend(self.disk.stat(&parent).ok().map(|stat| (b"..".to_vec(), stat)));
            names.extend(self.disk.list(&path).unwrap_or_default());
            names
        } else {
            vec![(name.to_vec(), stat)]
        };
        names.retain(|(name, _)| all || !name.starts_with(b"."));
        names.sort_by(|one, other| one.0.cmp(&other.0));
        let mut lines = Vec::new();
        for (name, stat) in names {
            if lines.len() > LONGEST_LISTING {
                break;
            }
            lines.extend(if long {
                listing::line(&name, &stat, now)
            } else {
                [&name[..], b"\r\n"].concat()
            });
        }
        lines
    }

    fn transfer(
        &mut self,
        word: &[u8],
        rest: &[u8],
        now: Timestamp,
        out: &mut Output,
    ) -> Option<Moving> {
        let path = self.path(rest);
        let uploads = matches!(word, b"STOR" | b"APPE" | b"STOU");
        let restart = std::mem::take(&mut self.restart);
        if uploads && self.disk.is_anonymous() && !path.starts_with(b"/upload/") {
            say(out, DENIED);
            return None;
        }
        // A way is good for one transfer.
        let way = match std::mem::replace(&mut self.way, Way::None) {
            Way::None => {
                say(out, "425 Use PORT or PASV first.");
                return None;
            }
            Way::Active => None,
            Way::Passive(channel) => Some(channel),
        };
        let (load, opening) = match word {
            b"LIST" | b"NLST" => {
                let bytes = self.listing(rest, word == b"LIST", false, now);
                (
                    Load::Listing { bytes, sent: 0 },
                    "150 Here comes the directory listing.".to_owned(),
                )
            }
            b"RETR" => {
                let stat = self.disk.stat(&path).ok().filter(|stat| !Self::is_folder(stat));
                let Some(stat) = stat.filter(|_| self.disk.read(&path, 0, 1).is_ok()) else {
                    say(out, "550 Failed to open file.");
                    return None;
                };
                let name = String::from_utf8_lossy(rest).into_owned();
                let opening = format!(
                    "150 Opening BINARY mode data connection for {name} ({} bytes).",
                    stat.size
                );
                (Load::File { path, offset: restart }, opening)
            }
            _ => {
                let Ok(offset) = self.disk.create(&path, word == b"APPE" || restart > 0) else {
                    say(out, "553 Could not create file.");
                    return None;
                };
                let offset = if restart > 0 { restart } else { offset };
                (Load::Upload { path, offset }, "150 Ok to send data.".to_owned())
            }
        };
        let Some(channel) = way else {
            say(out, FAILED);
            return None;
        };
        Some(Moving::new(channel, load, opening))
    }
}

impl Messages for Server {
    const LONGEST: usize = 4_096;

    fn open(&mut self, _now: Timestamp, out: &mut Output) {
        say(out, "220 (vsFTPd 3.0.3)");
    }

    fn frame(&self, held: &[u8]) -> Frame {
        framed::line(held)
    }

    fn message(&mut self, message: &[u8], now: Timestamp, out: &mut Output) -> Next {
        self.line(without_end(message), now, out)
    }

    fn resume(&mut self, now: Timestamp, out: &mut Output) -> Next {
        if std::mem::take(&mut self.refused) {
            say(out, "530 Login incorrect.");
            self.failures += 1;
            if self.failures >= MOST_FAILURES {
                out.close();
            }
            return Next::Go;
        }
        self.go_on(now, out)
    }

    fn foreign(&mut self, out: &mut Output) {
        say(out, "500 Input line too long.");
        out.close();
    }

    fn idle(&mut self, out: &mut Output) {
        say(out, "421 Timeout.");
    }

    fn half(&mut self, rest: &[u8], out: &mut Output) {
        tell(rest, false, out);
    }

    fn end(&mut self, out: &mut Output) {
        self.moving = None;
        if let Some(inside) = &mut self.inside {
            inside.disk.finish().into_iter().for_each(|detail| out.tell(detail));
        }
    }

    fn held(&self) -> usize {
        let inside = self.inside.as_ref().map_or(0, |inside| {
            inside.disk.memory() + inside.folder.len() + inside.renamed.as_ref().map_or(0, Vec::len)
        });
        let moving = self.moving.as_ref().map_or(0, Moving::held);
        inside + moving + self.user.as_ref().map_or(0, Vec::len)
    }
}

//! What vsftpd answers to a visitor who is in: commands about his files, about the session, and the beginnings of transfers.

use std::sync::Arc;

use kizashi_event::Timestamp;

use super::channel::Channel;
use super::disk::Disk;
use super::listing;
use super::transfer::{FAILED, Load, Moving, say};
use crate::machine::FileStat;
use crate::{Output, Visit};

/// Bytes of a listing.
const LONGEST_LISTING: usize = 64 * 1024;
const HELP: &str = "214-The following commands are recognized.\r\n ABOR ACCT ALLO APPE CDUP CWD  DELE EPRT EPSV FEAT HELP LIST MDTM MKD\r\n MODE NLST NOOP OPTS PASS PASV PORT PWD  QUIT REIN REST RETR RMD  RNFR\r\n RNTO SITE SIZE SMNT STAT STOR STOU STRU SYST TYPE USER XCUP XCWD XMKD\r\n XPWD XRMD\r\n214 Help OK.";
pub(super) const DENIED: &str = "550 Permission denied.";

/// A visitor who is in.
pub(super) struct Inside {
    pub(super) user: String,
    pub(super) disk: Disk,
    pub(super) folder: Vec<u8>,
    pub(super) binary: bool,
    /// Where the next transfer begins.
    pub(super) restart: u64,
    pub(super) renamed: Option<Vec<u8>>,
    pub(super) way: Way,
    pub(super) only_extended: bool,
}

/// How data will go.
pub(super) enum Way {
    None,
    /// To the visitor's own address, where nothing is ever sent.
    Active,
    Passive(Arc<Channel>),
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
    pub(super) fn changes(&mut self, word: &[u8], rest: &[u8], out: &mut Output) -> bool {
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
    pub(super) fn tells(
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

    pub(super) fn transfer(
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

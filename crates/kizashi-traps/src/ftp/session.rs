//! The control connection: lines, and what vsftpd answers to each. Texts are those of vsftpd 3.0.3-13 of Debian 12 to the same lines.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, HostileText, Timestamp};

use super::disk::{ANONYMOUS, Disk};
use super::inside::{DENIED, Inside, Way};
use super::transfer::{Moving, say};
use super::{SERVICE, WRAPPED};
use crate::framed::{self, Frame, Framed, Messages, Next, without_end};
use crate::randomness::Randomness;
use crate::tls::{Product, TlsSession, Within};
use crate::{Identity, Output, Session, Visit};

/// `delay_failed_login` and `max_login_fails`.
const DELAY: Duration = Duration::from_secs(1);
const MOST_FAILURES: u32 = 3;
/// Bytes of a user's name.
const LONGEST_NAME: usize = 128;

/// `/etc/ftpusers` of Debian.
const REFUSED: [&str; 16] = [
    "root", "daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp", "nobody",
    "proxy", "www-data", "backup", "list",
];

const FEATURES: &str = "211-Features:\r\n AUTH TLS\r\n EPRT\r\n EPSV\r\n MDTM\r\n PASV\r\n PBSZ\r\n PROT\r\n REST STREAM\r\n SIZE\r\n TVFS\r\n211 End";

/// Inside TLS from the first byte on; and after AUTH, where nobody is greeted again. What SSL and TLS-P ask for covers data connections too.
const GREETED: Within = Within {
    begin: |identity, visit, _| Framed::begin(Server::new(identity, visit, true, false)),
    service: &SERVICE,
};
const UPGRADED: Within = Within {
    begin: |identity, visit, _| Framed::begin(Server::new(identity, visit, false, false)),
    service: &SERVICE,
};
const UPGRADED_WHOLE: Within = Within {
    begin: |identity, visit, _| Framed::begin(Server::new(identity, visit, false, true)),
    service: &SERVICE,
};

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    if WRAPPED.contains(&visit.port.number) && !visit.encrypted {
        return Box::new(sealed(identity, visit, GREETED));
    }
    Framed::begin(Server::new(identity, visit, true, false))
}

fn sealed(identity: &Arc<Identity>, visit: Visit, within: Within) -> TlsSession {
    TlsSession::new(identity, visit, Product::Files(identity.web_server()), within)
}

struct Server {
    identity: Arc<Identity>,
    visit: Visit,
    randomness: Randomness,
    anonymous: bool,
    takes: bool,
    greets: bool,
    /// Data connections are inside TLS.
    private: bool,
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
    fn new(identity: &Arc<Identity>, visit: Visit, greets: bool, private: bool) -> Self {
        // Two of three let anonymous visitors in, and one of these three times two takes files.
        let face = identity.choice("ftp anonymous", 3);
        Self {
            anonymous: face < 2,
            takes: face == 0,
            greets,
            private,
            randomness: identity.randomness(),
            identity: Arc::clone(identity),
            visit,
            user: None,
            failures: 0,
            refused: false,
            inside: None,
            moving: None,
        }
    }

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
            b"AUTH" if self.inside.is_none() && !self.visit.encrypted => {
                tell(line, true, out);
                let within = match rest.to_ascii_uppercase().as_slice() {
                    b"TLS" | b"TLS-C" => UPGRADED,
                    b"SSL" | b"TLS-P" => UPGRADED_WHOLE,
                    _ => {
                        say(out, "504 Unknown AUTH type.");
                        return Next::Go;
                    }
                };
                say(out, "234 Proceed with negotiation.");
                return Next::Tls(Box::new(sealed(&self.identity, self.visit, within)));
            }
            b"PBSZ" | b"PROT" => self.protection(&word, rest, out),
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

    /// How data connections are protected, which is for connections that are protected themselves.
    fn protection(&mut self, word: &[u8], rest: &[u8], out: &mut Output) {
        let word = String::from_utf8_lossy(word);
        if !self.visit.encrypted {
            return say(out, &format!("503 {word} needs a secure connection."));
        }
        let text = match rest.to_ascii_uppercase().as_slice() {
            _ if word == "PBSZ" => "200 PBSZ set to 0.",
            b"C" => "200 PROT now Clear.",
            b"P" => "200 PROT now Private.",
            b"S" | b"E" => "536 PROT not supported.",
            _ => "504 PROT not recognized.",
        };
        match rest.to_ascii_uppercase().as_slice() {
            b"C" => self.private = false,
            b"P" => self.private = true,
            _ => {}
        }
        say(out, text);
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
        if self.private {
            channel.seal();
        }
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

impl Messages for Server {
    const LONGEST: usize = 4_096;

    fn open(&mut self, _now: Timestamp, out: &mut Output) {
        if self.greets {
            say(out, "220 (vsFTPd 3.0.3)");
        }
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

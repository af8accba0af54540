//! What the POP3 and the IMAP server of this installation have in common: Dovecot 2.3.19.1 of Debian 12 with `disable_plaintext_auth = no`, its logins, and the few messages of a
//! machine's account, which are the same whatever the protocol. Texts are those of the real server, asked line by line.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, HostileText, Service, Timestamp};

use crate::draw::Draw;
use crate::http::decode_base64;
use crate::tls::{Product, TlsSession, Within};
use crate::{Identity, Limits, Output, Visit, framed};

/// How long a wrong password is thought about: PAM's two seconds and `auth_failure_delay`.
pub(crate) const DELAY: Duration = Duration::from_secs(4);
/// Commands that are none, before a login.
pub(crate) const MOST_BAD: u32 = 3;

/// What a session costs at most: what is inside TLS comes with what it is wrapped in.
pub(crate) const LIMITS: Limits = Limits {
    idle: Duration::from_secs(120),
    memory: 320 * 1024,
    reply: 176 * 1024,
    ..framed::LIMITS
};

/// A message of the account's.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) uid: u32,
    pub(crate) received: Timestamp,
    /// Name and address of who sent it.
    pub(crate) from: (&'static str, String),
    pub(crate) to: String,
    pub(crate) subject: String,
    body: &'static str,
}

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Day of the month, its month as a word, its year, the time of day.
fn parts(time: Timestamp) -> (String, &'static str, String, String) {
    let text = time.rfc3339();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default().to_owned();
    let month = part(5, 7).parse().ok().and_then(|month: usize| MONTHS.get(month.wrapping_sub(1)));
    (part(8, 10), month.copied().unwrap_or("Jan"), part(0, 4), part(11, 19))
}

impl Message {
    /// As in a message's head.
    pub(crate) fn date(&self) -> String {
        let (day, month, year, time) = parts(self.received);
        let weekday =
            DAYS[usize::try_from(self.received.seconds().div_euclid(86_400).rem_euclid(7))
                .unwrap_or(0)];
        format!("{weekday}, {day} {month} {year} {time} +0000")
    }

    /// As IMAP writes it.
    pub(crate) fn internal_date(&self) -> String {
        let (day, month, year, time) = parts(self.received);
        format!("{day}-{month}-{year} {time} +0000")
    }

    pub(crate) fn id(&self) -> String {
        let host = self.from.1.rsplit('@').next().unwrap_or("localhost");
        format!("<{}.{}@{host}>", self.received.seconds(), self.uid)
    }

    /// The head, with the empty line after it.
    pub(crate) fn head(&self) -> String {
        let (name, address) = &self.from;
        format!(
            "From: {name} <{address}>\r\nTo: {}\r\nSubject: {}\r\nDate: {}\r\nMessage-ID: {}\r\n\r\n",
            self.to,
            self.subject,
            self.date(),
            self.id()
        )
    }

    pub(crate) fn body(&self) -> String {
        self.body.replace('\n', "\r\n")
    }

    pub(crate) fn text(&self) -> String {
        self.head() + &self.body()
    }
}

/// Who writes, about what, and what.
const LETTERS: [(&str, &str, &str, &str); 6] = [
    (
        "Cron Daemon",
        "root",
        "Cron <root@HOST> test -x /usr/sbin/anacron || run-parts /etc/cron.daily",
        "/etc/cron.daily/logrotate:\nerror: skipping \"/var/log/app/app.log\" because parent directory has insecure permissions\n",
    ),
    (
        "root",
        "root",
        "apt-listchanges: news for HOST",
        "openssh (1:9.2p1-2) unstable; urgency=medium\n\n  See /usr/share/doc/openssh-server/NEWS.Debian.gz\n",
    ),
    (
        "backup",
        "backup",
        "backup of HOST finished",
        "files:    48211\nchanged:  312\nerrors:   0\n",
    ),
    (
        "Monitoring",
        "nagios",
        "RECOVERY: HOST/disk is OK",
        "State: OK\nInfo: DISK OK - free space: / 61%\n",
    ),
    (
        "root",
        "root",
        "*** SECURITY information for HOST ***",
        "HOST : user NOT in sudoers ; TTY=pts/0 ; COMMAND=/usr/bin/apt update\n",
    ),
    (
        "Webmaster",
        "www-data",
        "contact form",
        "Name: J. Miller\nMessage: please call me back about the offer of last week.\n",
    ),
];

/// The messages of this account, the oldest first.
pub(crate) fn messages(identity: &Identity, user: &[u8]) -> Vec<Message> {
    let host = identity.host_name();
    let name: String = String::from_utf8_lossy(user)
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(32)
        .collect();
    let draw = Draw::new(identity.seed(), "mailbox");
    let count = 3 + draw.below(0, 4);
    let mut received = identity.set_up().seconds();
    (1..=count)
        .map(|number| {
            received += 3_600 + i64::try_from(draw.below(number, 40 * 86_400)).unwrap_or(0);
            let (from, account, subject, body) =
                draw.one_of(100 + number, &LETTERS).unwrap_or(LETTERS[0]);
            Message {
                uid: u32::try_from(number).unwrap_or(1),
                received: Timestamp::from_seconds(received),
                from: (from, format!("{account}@{host}")),
                to: format!("{name}@{host}"),
                subject: subject.replace("HOST", &host),
                body,
            }
        })
        .collect()
}

/// Since when messages have their numbers.
pub(crate) fn validity(identity: &Identity) -> u32 {
    u32::try_from(identity.set_up().seconds()).unwrap_or(1)
}

/// Tells a login try; whether it is let in.
pub(crate) fn admits(
    identity: &Identity,
    visit: Visit,
    user: &[u8],
    password: &[u8],
    out: &mut Output,
) -> bool {
    let accepted = !user.is_empty() && identity.logins().admits(visit.source, user, password);
    out.tell(Detail::Login {
        username: Some(HostileText::from_bytes(user)),
        password: Some(HostileText::from_bytes(password)),
        public_key: None,
        accepted,
    });
    accepted
}

/// User and password of SASL's PLAIN (RFC 4616); `None` where it is no base64.
pub(crate) fn plain(response: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let decoded = decode_base64(response)?;
    let mut parts = decoded.splitn(3, |byte| *byte == 0).skip(1);
    let [user, password] =
        [parts.next(), parts.next()].map(|part| part.unwrap_or_default().to_vec());
    Some((user, password))
}

pub(crate) fn tell_command(line: &[u8], known: bool, out: &mut Output) {
    out.tell(Detail::Command { line: HostileText::from_bytes(line), known: Some(known) });
}

/// TLS with this inside.
pub(crate) fn sealed(identity: &Arc<Identity>, visit: Visit, within: Within) -> TlsSession {
    TlsSession::new(identity, visit, Product::Mail(identity.web_server()), within)
}

/// The services, as they are called inside and outside of TLS.
pub(crate) const POP3: Service = Service::known("pop3");
pub(crate) const IMAP: Service = Service::known("imap");

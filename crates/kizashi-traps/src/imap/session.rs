//! One connection: commands, with the literals inside them, before and after a login.

use std::sync::Arc;

use kizashi_event::{Detail, PayloadOrigin, Timestamp};

use super::WRAPPED;
use super::fetch::fetched;
use super::wire::{literal, quoted, set, words};
use crate::capture::Capture;
use crate::framed::{self, Frame, Framed, Messages, Next, without_end};
use crate::mailbox::{
    DELAY, IMAP, MOST_BAD, Message, admits, messages, plain, sealed, tell_command, validity,
};
use crate::tls::Within;
use crate::{Identity, Output, Session, Visit};

/// Bytes of a command, literals included.
const LONGEST_COMMAND: usize = 8 * 1024;
/// Bytes of a message that is appended.
const LONGEST_APPENDED: usize = 16 * 1024 * 1024;

const BEFORE: &str = "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+";
const AFTER: &str = "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES THREAD=REFS THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN NAMESPACE UIDPLUS LIST-EXTENDED I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES WITHIN CONTEXT=SEARCH LIST-STATUS BINARY MOVE SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW STATUS=SIZE SAVEDATE LITERAL+ NOTIFY SPECIAL-USE";
/// How long a command took.
const TOOK: &str = "(0.001 + 0.000 secs).";

/// Commands that there are, apart from those of a login.
const KNOWN: &[&str] = &[
    "CAPABILITY",
    "NOOP",
    "ID",
    "LOGOUT",
    "STARTTLS",
    "CHECK",
    "LIST",
    "LSUB",
    "NAMESPACE",
    "SELECT",
    "EXAMINE",
    "STATUS",
    "IDLE",
    "CREATE",
    "DELETE",
    "RENAME",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "ENABLE",
    "APPEND",
    "CLOSE",
    "UNSELECT",
    "EXPUNGE",
    "SEARCH",
    "FETCH",
    "STORE",
    "COPY",
    "MOVE",
    "UID",
];

const GREETED: Within = Within {
    begin: |identity, visit, _| Framed::begin(Server::new(identity, visit, true)),
    service: &IMAP,
};
const UPGRADED: Within = Within {
    begin: |identity, visit, _| Framed::begin(Server::new(identity, visit, false)),
    service: &IMAP,
};

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    if WRAPPED.contains(&visit.port.number) && !visit.encrypted {
        return Box::new(sealed(identity, visit, GREETED));
    }
    Framed::begin(Server::new(identity, visit, true))
}

/// What the next line is, where it is no command.
enum Awaited {
    Nothing,
    /// A response of SASL's, for this tag.
    Response(String),
    /// The end of IDLE.
    Done(String),
}

struct Server {
    identity: Arc<Identity>,
    visit: Visit,
    greets: bool,
    /// A command that is not whole, its literals as quoted strings.
    begun: Vec<u8>,
    /// Bytes of a literal that are to come, and what came of it.
    left: Option<usize>,
    literal: Vec<u8>,
    appended: Option<Capture>,
    awaited: Awaited,
    /// The tag of a login that is being refused.
    refused: String,
    bad: u32,
    inbox: Option<Vec<Message>>,
    selected: bool,
}

fn say(out: &mut Output, text: &str) {
    out.reply(text.as_bytes());
    out.reply(b"\r\n");
}

impl Server {
    fn new(identity: &Arc<Identity>, visit: Visit, greets: bool) -> Self {
        Self {
            identity: Arc::clone(identity),
            visit,
            greets,
            begun: Vec::new(),
            left: None,
            literal: Vec::new(),
            appended: None,
            awaited: Awaited::Nothing,
            refused: String::new(),
            bad: 0,
            inbox: None,
            selected: false,
        }
    }

    fn capabilities(&self) -> String {
        let tls = if self.visit.encrypted { "" } else { "STARTTLS " };
        if self.inbox.is_some() { AFTER.to_owned() } else { format!("{BEFORE} {tls}AUTH=PLAIN") }
    }

    fn log_in(&mut self, tag: &str, user: &[u8], password: &[u8], out: &mut Output) -> Next {
        if !admits(&self.identity, self.visit, user, password, out) {
            tag.clone_into(&mut self.refused);
            return Next::Pause(DELAY);
        }
        self.inbox = Some(messages(&self.identity, user));
        say(out, &format!("{tag} OK [CAPABILITY {AFTER}] Logged in"));
        Next::Go
    }

    fn respond(&mut self, tag: &str, response: &[u8], out: &mut Output) -> Next {
        match plain(response) {
            _ if response == b"*" => {
                say(out, &format!("{tag} BAD Authentication aborted by client."));
            }
            Some((user, password)) => return self.log_in(tag, &user, &password, out),
            None => say(out, &format!("{tag} NO [ALERT] Invalid base64 data in response")),
        }
        Next::Go
    }

    fn bad(&mut self, tag: &str, out: &mut Output) {
        self.bad += 1;
        if self.bad >= MOST_BAD {
            say(out, "* BYE Too many invalid IMAP commands.");
            return out.close();
        }
        say(out, &format!("{tag} BAD Error in IMAP command received by server."));
    }

    /// A whole command.
    fn command(&mut self, command: &[u8], out: &mut Output) -> Next {
        let mut words = words(command).into_iter();
        let text = |word: Option<Vec<u8>>| {
            word.map(|word| String::from_utf8_lossy(&word).into_owned()).unwrap_or_default()
        };
        let (tag, word) = (text(words.next()), text(words.next()).to_ascii_uppercase());
        let tag = if tag.is_empty() { "*".to_owned() } else { tag };
        let arguments: Vec<Vec<u8>> = words.collect();
        if !matches!(word.as_str(), "LOGIN" | "AUTHENTICATE") {
            tell_command(command, KNOWN.contains(&word.as_str()), out);
        }
        match word.as_str() {
            "CAPABILITY" => {
                say(out, &format!("* CAPABILITY {}", self.capabilities()));
                let took = if self.inbox.is_some() {
                    format!("Capability completed {TOOK}")
                } else {
                    "Pre-login capabilities listed, post-login capabilities have more.".to_owned()
                };
                say(out, &format!("{tag} OK {took}"));
            }
            "NOOP" if self.inbox.is_none() => say(out, &format!("{tag} OK NOOP completed.")),
            "ID" => {
                say(out, "* ID (\"name\" \"Dovecot\")");
                say(out, &format!("{tag} OK ID completed."));
            }
            "LOGOUT" => {
                say(out, "* BYE Logging out");
                let took = if self.inbox.is_some() { TOOK } else { "" };
                say(out, format!("{tag} OK Logout completed {took}").trim_end());
                out.close();
            }
            "STARTTLS" if self.inbox.is_none() && !self.visit.encrypted => {
                say(out, &format!("{tag} OK Begin TLS negotiation now."));
                return Next::Tls(Box::new(sealed(&self.identity, self.visit, UPGRADED)));
            }
            "LOGIN" if self.inbox.is_none() => match arguments.as_slice() {
                [user, password] => return self.log_in(&tag, user, password, out),
                _ => self.bad(&tag, out),
            },
            "AUTHENTICATE" if self.inbox.is_none() => match arguments.as_slice() {
                [plain] if plain.eq_ignore_ascii_case(b"PLAIN") => {
                    self.awaited = Awaited::Response(tag);
                    say(out, "+ ");
                }
                [plain, response] if plain.eq_ignore_ascii_case(b"PLAIN") => {
                    return self.respond(&tag, response, out);
                }
                [_, ..] => {
                    say(out, &format!("{tag} NO [ALERT] Unsupported authentication mechanism."));
                }
                [] => self.bad(&tag, out),
            },
            _ if self.inbox.is_none() => self.bad(&tag, out),
            _ => self.mail(&tag, &word, &arguments, out),
        }
        Next::Go
    }

    /// Commands of one who is in.
    fn mail(&mut self, tag: &str, word: &str, arguments: &[Vec<u8>], out: &mut Output) {
        let text = |at: usize| {
            arguments
                .get(at)
                .map(|word| String::from_utf8_lossy(word).into_owned())
                .unwrap_or_default()
        };
        let completed = |name: &str| format!("{tag} OK {name} completed {TOOK}");
        let answer = match word {
            "NOOP" | "CHECK" => completed(if word == "NOOP" { "NOOP" } else { "Check" }),
            "LIST" if text(1).is_empty() => {
                say(out, "* LIST (\\Noselect) \"/\" \"\"");
                completed("List")
            }
            "LIST" => {
                say(out, "* LIST (\\HasNoChildren) \"/\" INBOX");
                completed("List")
            }
            "LSUB" => completed("Lsub"),
            "NAMESPACE" => {
                say(out, "* NAMESPACE ((\"\" \"/\")) NIL NIL");
                completed("Namespace")
            }
            "SELECT" | "EXAMINE" => return self.select(tag, word, &text(0), out),
            "STATUS" => self.status(tag, &text(0), &text(1), out),
            "IDLE" => {
                self.awaited = Awaited::Done(tag.to_owned());
                return say(out, "+ idling");
            }
            "CREATE" | "DELETE" | "RENAME" | "SUBSCRIBE" | "UNSUBSCRIBE" | "ENABLE" => {
                let lower = word.to_ascii_lowercase();
                completed(&(word[..1].to_owned() + &lower[1..]))
            }
            "APPEND" => {
                let validity = validity(&self.identity);
                let next = self.inbox.as_ref().map_or(1, |inbox| inbox.len() + 1);
                format!("{tag} OK [APPENDUID {validity} {next}] Append completed {TOOK}")
            }
            "CLOSE" | "UNSELECT" | "EXPUNGE" | "SEARCH" | "FETCH" | "STORE" | "COPY" | "MOVE"
            | "UID"
                if !self.selected =>
            {
                format!("{tag} BAD No mailbox selected {TOOK}")
            }
            "CLOSE" | "UNSELECT" => {
                self.selected = false;
                completed(if word == "CLOSE" { "Close" } else { "Unselect" })
            }
            "EXPUNGE" => completed("Expunge"),
            "UID" => {
                let word = text(0).to_ascii_uppercase();
                self.of_messages(tag, &word, arguments.get(1..).unwrap_or_default(), true, out)
            }
            "SEARCH" | "FETCH" | "STORE" | "COPY" | "MOVE" => {
                self.of_messages(tag, word, arguments, false, out)
            }
            _ => format!("{tag} BAD Error in IMAP command {word}: Unknown command {TOOK}"),
        };
        say(out, &answer);
    }

    fn select(&mut self, tag: &str, word: &str, name: &str, out: &mut Output) {
        if std::mem::take(&mut self.selected) {
            say(out, "* OK [CLOSED] Previous mailbox closed.");
        }
        if !name.eq_ignore_ascii_case("INBOX") {
            return say(out, &format!("{tag} NO Mailbox doesn't exist: {name} {TOOK}"));
        }
        let count = self.inbox.as_ref().map_or(0, Vec::len);
        let writes = word == "SELECT";
        let (permanent, flags) = if writes {
            ("\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*", "Flags permitted.")
        } else {
            ("", "Read-only mailbox.")
        };
        say(out, "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)");
        say(out, &format!("* OK [PERMANENTFLAGS ({permanent})] {flags}"));
        say(out, &format!("* {count} EXISTS\r\n* 0 RECENT"));
        if writes {
            say(out, "* OK [UNSEEN 1] First unseen.");
        }
        say(out, &format!("* OK [UIDVALIDITY {}] UIDs valid", validity(&self.identity)));
        say(out, &format!("* OK [UIDNEXT {}] Predicted next UID", count + 1));
        let (code, name) = if writes { ("READ-WRITE", "Select") } else { ("READ-ONLY", "Examine") };
        say(out, &format!("{tag} OK [{code}] {name} completed {TOOK}"));
        self.selected = true;
    }

    fn status(&self, tag: &str, name: &str, asked: &str, out: &mut Output) -> String {
        if !name.eq_ignore_ascii_case("INBOX") {
            return format!("{tag} NO Mailbox doesn't exist: {name} {TOOK}");
        }
        let count = self.inbox.as_ref().map_or(0, Vec::len);
        let item = |item: &str| match item.to_ascii_uppercase().as_str() {
            name @ ("MESSAGES" | "UNSEEN") => Some(format!("{name} {count}")),
            "RECENT" => Some("RECENT 0".to_owned()),
            "UIDNEXT" => Some(format!("UIDNEXT {}", count + 1)),
            "UIDVALIDITY" => Some(format!("UIDVALIDITY {}", validity(&self.identity))),
            _ => None,
        };
        let items: Vec<String> = asked.split([' ', '(', ')']).filter_map(item).collect();
        say(out, &format!("* STATUS INBOX ({})", items.join(" ")));
        format!("{tag} OK Status completed {TOOK}")
    }

    /// Commands about some of the messages.
    fn of_messages(
        &self,
        tag: &str,
        word: &str,
        arguments: &[Vec<u8>],
        by_uid: bool,
        out: &mut Output,
    ) -> String {
        let inbox = self.inbox.as_deref().unwrap_or_default();
        let last = u32::try_from(inbox.len()).unwrap_or(0);
        if word == "SEARCH" {
            let all: Vec<String> = (1..=last).map(|number| number.to_string()).collect();
            say(out, format!("* SEARCH {}", all.join(" ")).trim_end());
            return format!("{tag} OK Search completed {TOOK}");
        }
        let text = |at: usize| {
            arguments
                .get(at)
                .map(|word| String::from_utf8_lossy(word).into_owned())
                .unwrap_or_default()
        };
        let (numbers, asked) = (set(&text(0), last), text(1));
        match word {
            "FETCH" => {
                for number in numbers {
                    // Messages are numbered as their UIDs are: none was ever deleted.
                    let place = usize::try_from(number).unwrap_or(0).wrapping_sub(1);
                    let Some(message) = inbox.get(place) else { continue };
                    let Some(answer) = fetched(number, &asked, by_uid, message) else {
                        return format!(
                            "{tag} BAD Error in IMAP command FETCH: Unknown parameter {TOOK}"
                        );
                    };
                    out.reply(answer.as_bytes());
                }
                format!("{tag} OK Fetch completed {TOOK}")
            }
            "STORE" => {
                for number in numbers {
                    say(out, &format!("* {number} FETCH (FLAGS (\\Seen))"));
                }
                format!("{tag} OK Store completed {TOOK}")
            }
            "COPY" | "MOVE" => {
                format!("{tag} NO [TRYCREATE] Mailbox doesn't exist: {asked} {TOOK}")
            }
            _ => format!("{tag} BAD Error in IMAP command UID {word}: Unknown command {TOOK}"),
        }
    }

    /// A line, which may announce a literal.
    fn line(&mut self, line: &[u8], out: &mut Output) -> Next {
        self.begun.extend_from_slice(line);
        if self.begun.len() > LONGEST_COMMAND {
            say(out, "* BYE Input buffer full, aborting");
            out.close();
            return Next::Go;
        }
        let Some((length, waits)) = literal(line) else {
            let command = std::mem::take(&mut self.begun);
            return self.command(&command, out);
        };
        let appends = self.inbox.is_some()
            && words(&self.begun).get(1).is_some_and(|word| word.eq_ignore_ascii_case(b"APPEND"));
        let most = if appends { LONGEST_APPENDED } else { LONGEST_COMMAND - self.begun.len() };
        if length > most {
            self.begun.clear();
            say(out, "* BYE Literal too large");
            out.close();
            return Next::Go;
        }
        let announced = self.begun.iter().rposition(|byte| *byte == b'{').unwrap_or(0);
        self.begun.truncate(announced);
        self.appended = appends.then(Capture::default);
        self.left = Some(length);
        if waits {
            say(out, "+ OK");
        }
        self.finish_literal(out);
        Next::Go
    }

    fn finish_literal(&mut self, out: &mut Output) {
        if self.left != Some(0) {
            return;
        }
        self.left = None;
        let literal = std::mem::take(&mut self.literal);
        self.begun.extend(quoted(&literal));
        self.tell_appended(out);
    }

    fn tell_appended(&mut self, out: &mut Output) {
        if let Some(appended) = self.appended.take().filter(|appended| appended.size() > 0) {
            out.tell(Detail::Payload(Box::new(appended.finish(PayloadOrigin::Upload))));
        }
    }
}

impl Messages for Server {
    const LONGEST: usize = LONGEST_COMMAND;

    fn open(&mut self, _now: Timestamp, out: &mut Output) {
        out.recognise(IMAP);
        if self.greets {
            let capabilities = self.capabilities();
            say(out, &format!("* OK [CAPABILITY {capabilities}] Dovecot (Debian) ready."));
        }
    }

    fn frame(&self, held: &[u8]) -> Frame {
        match self.left {
            Some(left) => Frame::Whole(left.min(held.len()).min(Self::LONGEST)),
            None => framed::line(held),
        }
    }

    fn message(&mut self, message: &[u8], _now: Timestamp, out: &mut Output) -> Next {
        if let Some(left) = self.left {
            match &mut self.appended {
                Some(appended) => appended.feed(message),
                None => self.literal.extend_from_slice(message),
            }
            self.left = Some(left.saturating_sub(message.len()));
            self.finish_literal(out);
            return Next::Go;
        }
        let line = without_end(message);
        match std::mem::replace(&mut self.awaited, Awaited::Nothing) {
            Awaited::Nothing => self.line(line, out),
            Awaited::Response(tag) => self.respond(&tag, line, out),
            Awaited::Done(tag) => {
                let done = line.eq_ignore_ascii_case(b"DONE");
                let (word, text) =
                    if done { ("OK", "Idle completed") } else { ("BAD", "Expected DONE.") };
                say(out, &format!("{tag} {word} {text} {TOOK}"));
                Next::Go
            }
        }
    }

    fn resume(&mut self, _now: Timestamp, out: &mut Output) -> Next {
        let tag = std::mem::take(&mut self.refused);
        say(out, &format!("{tag} NO [AUTHENTICATIONFAILED] Authentication failed."));
        Next::Go
    }

    fn idle(&mut self, out: &mut Output) {
        say(out, "* BYE Disconnected for inactivity.");
    }

    fn half(&mut self, rest: &[u8], out: &mut Output) {
        tell_command(&[&self.begun[..], rest].concat(), false, out);
        self.begun.clear();
    }

    fn end(&mut self, out: &mut Output) {
        self.tell_appended(out);
        if !self.begun.is_empty() {
            tell_command(&self.begun, false, out);
        }
    }

    fn held(&self) -> usize {
        let appended = self.appended.as_ref().map_or(0, |appended| appended.content().len());
        self.begun.len() + self.literal.len() + appended + self.refused.len()
    }
}

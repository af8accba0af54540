//! A client of SMTP (RFC 5321; STARTTLS RFC 3207, AUTH PLAIN and LOGIN RFC 4954), one mail a connection. Written here rather than taken from a
//! library (lettre) because the other side is a stranger: a line and an answer have bounds, and what was said before TLS is forgotten.
//! Where STARTTLS is wanted and not offered nothing is sent.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::http::connect;
use super::{Mail, Security, Trust, mail, within};
use crate::channel::{Verdict, reason};

/// How long each step may take.
const STEP: Duration = Duration::from_secs(30);
/// Bytes of an answer, of all its lines.
const LONGEST_ANSWER: usize = 16 * 1024;

/// Why it did not work.
enum Failed {
    /// Nothing to do with the mail: to be tried again.
    Way(String),
    /// What the server said, with its code.
    Said(u16, String),
}

impl From<String> for Failed {
    fn from(why: String) -> Self {
        Self::Way(why)
    }
}

/// Sends a mail.
pub(super) async fn send(trust: &Trust, mail: &Mail) -> Verdict {
    match converse(trust, mail).await {
        Ok(()) => Verdict::Delivered,
        Err(Failed::Way(why)) => Verdict::later(&why),
        Err(Failed::Said(code, text)) if code >= 500 => {
            Verdict::Refused(format!("the mail server refuses it: {code} {}", reason(&text)))
        }
        Err(Failed::Said(code, text)) => {
            Verdict::later(&format!("the mail server says {code} {text}"))
        }
    }
}

async fn converse(trust: &Trust, mail: &Mail) -> Result<(), Failed> {
    let stream = connect(&mail.host, mail.port, STEP).await?;
    match mail.security {
        Security::None => {
            let mut talk = Talk::with(stream);
            talk.greeting().await?;
            talk.hello().await?;
            talk.mail(mail).await
        }
        Security::Tls => {
            let mut talk = Talk::with(within(STEP, trust.over(&mail.host, stream)).await?);
            talk.greeting().await?;
            talk.hello().await?;
            talk.mail(mail).await
        }
        Security::StartTls => {
            let mut talk = Talk::with(stream);
            talk.greeting().await?;
            let offers = talk.hello().await?;
            if !offers.lines().any(|line| line.trim().eq_ignore_ascii_case("STARTTLS")) {
                return Err(Failed::Said(
                    530,
                    "it offers no STARTTLS, so nothing was sent".to_owned(),
                ));
            }
            talk.ask("STARTTLS", 220).await?;
            // What came after the answer and before TLS was put there by somebody in between (CVE-2011-0411).
            if talk.used != talk.held.len() {
                return Err(Failed::Way("it spoke before TLS began".to_owned()));
            }
            let mut talk = Talk::with(within(STEP, trust.over(&mail.host, talk.stream)).await?);
            talk.hello().await?;
            talk.mail(mail).await
        }
    }
}

/// A conversation.
struct Talk<S> {
    stream: S,
    held: Vec<u8>,
    used: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    const fn with(stream: S) -> Self {
        Self { stream, held: Vec::new(), used: 0 }
    }

    async fn greeting(&mut self) -> Result<String, Failed> {
        self.answer(220).await
    }

    async fn hello(&mut self) -> Result<String, Failed> {
        self.ask("EHLO kizashi.invalid", 250).await
    }

    async fn mail(&mut self, mail: &Mail) -> Result<(), Failed> {
        if let Some(login) = &mail.login {
            let (user, password) = (login.user.text(), login.password.text());
            let plain = STANDARD.encode(format!("\0{user}\0{password}"));
            match self.ask(&format!("AUTH PLAIN {plain}"), 235).await {
                Ok(_) => {}
                // Unknown mechanism: the older way.
                Err(Failed::Said(504 | 534, _)) => {
                    self.ask("AUTH LOGIN", 334).await?;
                    self.ask(&STANDARD.encode(user), 334).await?;
                    self.ask(&STANDARD.encode(password), 235).await?;
                }
                Err(failed) => return Err(failed),
            }
        }
        self.ask(&format!("MAIL FROM:<{}>", mail.from), 250).await?;
        for to in &mail.to {
            self.ask(&format!("RCPT TO:<{to}>"), 250).await?;
        }
        self.ask("DATA", 354).await?;
        // No line of it begins with a dot, for all that is not ours is base64 (RFC 5321, 4.5.2).
        self.ask(&format!("{}.", mail::text(mail)), 250).await?;
        // It is taken; whether the farewell is answered changes nothing.
        let _ = self.ask("QUIT", 221).await;
        Ok(())
    }

    async fn ask(&mut self, line: &str, wanted: u16) -> Result<String, Failed> {
        let writing = async {
            self.stream
                .write_all(format!("{line}\r\n").as_bytes())
                .await
                .map_err(|error| error.to_string())?;
            self.stream.flush().await.map_err(|error| error.to_string())
        };
        within(STEP, writing).await?;
        self.answer(wanted).await
    }

    /// The texts of an answer's lines, where it is the one that is wanted.
    async fn answer(&mut self, wanted: u16) -> Result<String, Failed> {
        self.held.drain(..self.used);
        self.used = 0;
        let mut texts = String::new();
        loop {
            let line = self.line().await?;
            let code: Option<u16> = line.get(..3).and_then(|code| code.parse().ok());
            let Some(code) = code.filter(|code| (200..600).contains(code)) else {
                return Err(Failed::Way("it does not speak SMTP".to_owned()));
            };
            texts.push_str(line.get(4..).unwrap_or_default());
            texts.push('\n');
            if line.as_bytes().get(3) == Some(&b'-') {
                continue;
            }
            return if code == wanted || (wanted == 250 && code == 251) {
                Ok(texts)
            } else {
                Err(Failed::Said(code, texts.trim().to_owned()))
            };
        }
    }

    async fn line(&mut self) -> Result<String, String> {
        loop {
            let rest = self.held.get(self.used..).unwrap_or_default();
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line = String::from_utf8_lossy(&rest[..end]).trim_end().to_owned();
                self.used += end + 1;
                return Ok(line);
            }
            if self.held.len() >= LONGEST_ANSWER {
                return Err("its answer has no end".to_owned());
            }
            let mut buffer = [0; 2_048];
            let reading =
                async { self.stream.read(&mut buffer).await.map_err(|error| error.to_string()) };
            let count = within(STEP, reading).await?;
            if count == 0 {
                return Err("it closed the connection".to_owned());
            }
            self.held.extend_from_slice(buffer.get(..count).unwrap_or_default());
        }
    }
}

/// See [`crate::fuzz::mail_server`].
pub(crate) async fn fuzz(stream: impl AsyncRead + AsyncWrite + Unpin, mail: &Mail) {
    let mut talk = Talk::with(stream);
    if talk.greeting().await.is_ok() && talk.hello().await.is_ok() {
        let _ = talk.mail(mail).await;
    }
}

#[cfg(test)]
mod tests {
    use kizashi_event::Timestamp;

    use super::*;

    fn letter(port: u16, security: Security) -> Mail {
        Mail {
            host: "127.0.0.1".to_owned(),
            port,
            security,
            login: None,
            from: "kizashi@example.org".to_owned(),
            to: vec!["a@example.org".to_owned()],
            subject: "subject".to_owned(),
            text: "text".to_owned(),
            html: None,
            message_id: "1.kizashi@example.org".to_owned(),
            date: Timestamp::from_seconds(1_800_000_000),
        }
    }

    /// What becomes of a mail where the server says this at once, whatever it hears, and hangs or closes.
    fn told(says: &'static [u8], security: Security) -> Verdict {
        use std::io::{Read as _, Write as _};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.write_all(says);
            if !says.is_empty() {
                let _ = stream.read(&mut [0; 1024]);
            }
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(send(&Trust::read(None).unwrap(), &letter(port, security)))
    }

    #[test]
    fn a_server_without_starttls_gets_no_mail() {
        let verdict = told(b"220 a\r\n250-a\r\n250 SIZE\r\n", Security::StartTls);
        assert!(
            matches!(&verdict, Verdict::Refused(why) if why.contains("STARTTLS")),
            "{verdict:?}"
        );
    }

    #[test]
    fn what_was_said_before_tls_is_not_believed_after_it() {
        let says = b"220 a\r\n250-a\r\n250 STARTTLS\r\n220 go\r\n250 injected\r\n";
        let verdict = told(says, Security::StartTls);
        assert!(
            matches!(&verdict, Verdict::Later { why, .. } if why.contains("before TLS")),
            "{verdict:?}"
        );
    }

    #[test]
    fn an_answer_without_an_end_and_one_of_another_protocol_are_given_up() {
        static ENDLESS: [u8; 1 << 16] = [b'2'; 1 << 16];
        for (says, word) in [
            (&ENDLESS[..], "no end"),
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", "SMTP"),
            (b"", "closed"),
        ] {
            let verdict = told(says, Security::None);
            let is_it = matches!(&verdict, Verdict::Later { why, .. } if why.contains(word) || why.contains("reset"));
            assert!(is_it, "{verdict:?}");
        }
    }

    #[test]
    fn a_mail_that_is_refused_for_good_is_not_tried_again() {
        let verdict = told(b"220 a\r\n250 a\r\n550 no such user\x1b[31m\r\n", Security::None);
        assert_eq!(
            verdict,
            Verdict::Refused("the mail server refuses it: 550 no such user\\x1b[31m".to_owned())
        );
    }
}

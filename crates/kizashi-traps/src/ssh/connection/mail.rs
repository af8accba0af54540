//! The mail server that a forward believes to have reached: Postfix 3.x as it answers whoever sends mail (RFC 5321). What is sent goes
//! nowhere.

use kizashi_event::Timestamp;

/// Bytes of a line.
const LONGEST: usize = 2_048;
/// Lines that are taken.
const MOST_LINES: u32 = 10_000;

pub(super) struct Mail {
    name: String,
    line: Vec<u8>,
    in_message: bool,
    lines: u32,
    queue: u64,
}

impl Mail {
    pub(super) fn begin(host: &[u8], now: Timestamp, answer: &mut Vec<u8>) -> Self {
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b".-".contains(byte);
        let name: String = host
            .iter()
            .filter(|byte| is_name(byte))
            .take(64)
            .map(|byte| char::from(*byte))
            .collect();
        answer.extend(format!("220 {name} ESMTP Postfix\r\n").into_bytes());
        Self {
            name,
            line: Vec::new(),
            in_message: false,
            lines: 0,
            queue: now.micros().unsigned_abs(),
        }
    }

    /// Takes what was sent; whether the server stays.
    pub(super) fn take(&mut self, bytes: &[u8], answer: &mut Vec<u8>) -> bool {
        for byte in bytes {
            if *byte != b'\n' {
                if self.line.len() < LONGEST {
                    self.line.push(*byte);
                }
                continue;
            }
            let line = std::mem::take(&mut self.line);
            self.lines += 1;
            if self.lines > MOST_LINES || !self.line(line.trim_ascii_end(), answer) {
                return false;
            }
        }
        true
    }

    fn line(&mut self, line: &[u8], answer: &mut Vec<u8>) -> bool {
        if self.in_message {
            if line == b"." {
                self.in_message = false;
                let queued =
                    format!("250 2.0.0 Ok: queued as {:010X}\r\n", self.queue & 0xff_ffff_ffff);
                answer.extend(queued.into_bytes());
                self.queue = self.queue.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            }
            return true;
        }
        let word: Vec<u8> = line
            .iter()
            .take_while(|byte| byte.is_ascii_alphabetic())
            .take(8)
            .map(u8::to_ascii_uppercase)
            .collect();
        let text = match word.as_slice() {
            b"HELO" => format!("250 {}\r\n", self.name),
            b"EHLO" => format!(
                "250-{}\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-VRFY\r\n250-ETRN\r\n250-ENHANCEDSTATUSCODES\r\n\
                 250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n250 CHUNKING\r\n",
                self.name
            ),
            b"MAIL" => "250 2.1.0 Ok\r\n".to_owned(),
            b"RCPT" => "250 2.1.5 Ok\r\n".to_owned(),
            b"RSET" | b"NOOP" => "250 2.0.0 Ok\r\n".to_owned(),
            b"DATA" => {
                self.in_message = true;
                "354 End data with <CR><LF>.<CR><LF>\r\n".to_owned()
            }
            b"QUIT" => {
                answer.extend_from_slice(b"221 2.0.0 Bye\r\n");
                return false;
            }
            _ => "502 5.5.2 Error: command not recognized\r\n".to_owned(),
        };
        answer.extend(text.into_bytes());
        true
    }

    pub(super) const fn memory(&self) -> usize {
        self.line.len() + self.name.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_taken_and_goes_nowhere() {
        let mut answer = Vec::new();
        let mut mail = Mail::begin(b"mx.example.com", Timestamp::from_seconds(1), &mut answer);
        let sent = b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: x\r\n\r\nQUIT\r\n.\r\n";
        assert!(mail.take(sent, &mut answer));
        assert!(!mail.take(b"QUIT\r\n", &mut answer));
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("220 mx.example.com ESMTP Postfix\r\n250-mx"), "{answer}");
        assert!(
            answer.contains("354 ") && answer.contains("queued as ") && answer.ends_with("Bye\r\n")
        );
    }
}

//! E-mail by way of a server (RFC 6409): STARTTLS that is demanded, TLS from the start, or none in one's own network. Addresses are held to a
//! strict form, the subject is written out (RFC 2047) and the body is base64, so that no line of a message is anybody else's.

use kizashi_event::Timestamp;

use super::{Channel, Delivery, Kind, is_own_network};
use crate::send::{Login, Mail, Security};
use crate::{ChannelSettings, Letter, Message, Secret};

/// Receivers at most.
const MOST_RECEIVERS: usize = 20;
/// Characters of the text.
const LONGEST: usize = 200_000;

/// `kind = "email"`: server (`host` or `host:port`), from, to; security (`starttls`, `tls`, `none`), user, password.
pub(super) const KIND: Kind = Kind {
    name: "email",
    settings: &["server", "from", "to", "security", "user", "password"],
    make,
};

struct Email {
    host: String,
    port: u16,
    security: Security,
    login: Option<(Secret, Secret)>,
    from: String,
    to: Vec<String>,
}

fn make(settings: &ChannelSettings) -> Result<Box<dyn Channel>, String> {
    let security = match settings.security.as_deref().unwrap_or("starttls") {
        "starttls" => Security::StartTls,
        "tls" => Security::Tls,
        "none" => Security::None,
        other => {
            return Err(format!("security must be starttls, tls or none, and {other:?} is not"));
        }
    };
    let usual = match security {
        Security::StartTls => 587,
        Security::Tls => 465,
        Security::None => 25,
    };
    let (host, port) = host_and_port(settings.needed_text("server", &settings.server)?, usual)?;
    if security == Security::None && !is_own_network(&host) {
        return Err("security = \"none\" is for servers of your own network".to_owned());
    }
    let from = settings.needed_text("from", &settings.from)?;
    let to = settings.to.clone().unwrap_or_default();
    if to.is_empty() || to.len() > MOST_RECEIVERS {
        return Err(format!("to must be 1 to {MOST_RECEIVERS} addresses"));
    }
    if let Some(wrong) = to.iter().map(String::as_str).chain([from]).find(|text| !is_address(text))
    {
        return Err(format!("{wrong:?} is no address such as kizashi@example.org"));
    }
    let login = match (&settings.user, &settings.password) {
        (Some(user), Some(password)) => Some((user.clone(), password.clone())),
        (None, None) => None,
        _ => return Err("user and password go together".to_owned()),
    };
    if login.is_some() && security == Security::None {
        return Err("a password is not sent without TLS".to_owned());
    }
    Ok(Box::new(Email { host, port, security, login, from: from.to_owned(), to }))
}

impl Channel for Email {
    fn delivery(&self, message: &Message, letter: &Letter, now: Timestamp) -> Delivery {
        let domain = self.from.rsplit('@').next().unwrap_or("localhost");
        Delivery::Mail(Box::new(Mail {
            host: self.host.clone(),
            port: self.port,
            security: self.security,
            login: self
                .login
                .as_ref()
                .map(|(user, password)| Login { user: user.clone(), password: password.clone() }),
            from: self.from.clone(),
            to: self.to.clone(),
            subject: letter.subject(200),
            text: letter.body(LONGEST),
            html: letter.html.clone(),
            message_id: format!("{}.kizashi@{domain}", message.id),
            date: now,
        }))
    }
}

/// `host`, `host:port`, `[::1]:port`.
pub(super) fn host_and_port(text: &str, usual: u16) -> Result<(String, u16), String> {
    let wrong = || {
        format!(
            "server must be such as mail.example.org or mail.example.org:{usual}, and {text:?} is not"
        )
    };
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, port.parse().map_err(|_| wrong())?)
        }
        _ => (text, usual),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '_');
    if host.is_empty() || host.len() > 253 || !host.chars().all(allowed) {
        return Err(wrong());
    }
    Ok((host.to_owned(), port))
}

/// A strict form of an address: what it leaves out (quotes, comments, folding) is what injections are made of.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let in_local = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+/=?^_{|}~-".contains(c);
    let in_domain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    !local.is_empty()
        && !domain.is_empty()
        && text.len() <= 254
        && local.chars().all(in_local)
        && domain.chars().all(in_domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_anything_that_could_begin_a_header_is_none() {
        for good in ["a@b.example", "first.last+tag@mail.example.org", "root@localhost"] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "a",
            "@b",
            "a@",
            "a@b\r\nBcc: c@d",
            "a b@c",
            "\"a\"@b",
            "a@b@c",
            "a@b>",
            "<a@b>",
            "é@b",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }

    #[test]
    fn a_server_is_a_host_with_or_without_a_port() {
        assert_eq!(
            host_and_port("mail.example.org", 587),
            Ok(("mail.example.org".to_owned(), 587))
        );
        assert_eq!(host_and_port("[::1]:2525", 587), Ok(("::1".to_owned(), 2525)));
        assert_eq!(host_and_port("::1", 587), Ok(("::1".to_owned(), 587)));
        for wrong in ["", "a b", "host:port", "host:99999", "a\r\nb"] {
            assert!(host_and_port(wrong, 1).is_err(), "{wrong}");
        }
    }
}

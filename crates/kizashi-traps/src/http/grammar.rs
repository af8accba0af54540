//! What each server accepts as HTTP, measured on nginx 1.22.1 and Apache httpd 2.4 (Debian 12) with one raw probe a rule. Where
//! the two differ: nginx forgives a bare newline, a header without colon and doubled spaces, and refuses lower-case methods, CONNECT
//! and HTTP/2.0 on the line; Apache httpd forgives folded headers and any version number, and refuses the rest.

use kizashi_event::HostileText;

use super::wire::{HEAD_MAX, LINE_MAX};

/// A family of servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grammar {
    Nginx,
    Apache,
    /// The decoder that Elasticsearch uses (Netty's `HttpObjectDecoder`): it takes nearly anything, and a host of any form or none.
    Netty,
    /// Servers of applications: any method that is a token, bare newlines forgiven, and the rest as this one has it.
    Application(Application),
}

/// Servers of applications whose strictness was measured (`tests/http/products`), and those for which it was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Application {
    /// Tomcat 9.0.70.
    Tomcat,
    /// Jetty 9.4.57.
    Jetty,
    /// `net/http` of Go 1.19.
    Go,
    /// uvicorn on `h11`.
    Uvicorn,
    /// Node, IIS, WebLogic, appliances: one valid Host, one length, no codings but `chunked`.
    Other,
}

use Application::{Go, Jetty, Other, Tomcat, Uvicorn};

/// Why a server would refuse before it looks for a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    BadRequest,
    /// A method and nothing else.
    NoTarget,
    /// HTTP/0.9 where it is not spoken.
    TooOld,
    /// HTTP/2 on the line.
    TooNew,
    NoHost,
    HostForm,
    FieldName,
    FieldValue,
    /// A line of the head without a colon.
    NoColon,
    Folding,
    LengthForm,
    TwoLengths,
    LengthAndChunks,
    UriTooLong,
    HeaderTooLong,
    TooManyHeaders,
    BodyTooLarge,
    Version,
    Coding,
    Timeout,
    /// HTTP where TLS is spoken.
    Unencrypted,
}

impl Fault {
    /// Whether it lies in the form of the request and not in its size or kind.
    pub(super) const fn is_of_form(self) -> bool {
        !matches!(
            self,
            Self::UriTooLong
                | Self::HeaderTooLong
                | Self::TooManyHeaders
                | Self::BodyTooLarge
                | Self::Version
                | Self::TooOld
                | Self::TooNew
                | Self::Coding
                | Self::Unencrypted
        )
    }
}

/// Major and minor number of the protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(super) u32, pub(super) u32);

impl Version {
    /// HTTP/0.9: a method and a target, no headers in either direction.
    pub(super) const OLD: Self = Self(0, 9);
    pub(crate) const ONE_ONE: Self = Self(1, 1);
}

/// The first line, taken apart.
#[derive(Clone, Debug, Default)]
pub(super) struct FirstLine {
    pub(super) method: Vec<u8>,
    pub(super) target: Vec<u8>,
    /// The third word as sent.
    pub(super) protocol: Vec<u8>,
    pub(super) version: Version,
}

/// How a body is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    None,
    Length(u64),
    Chunked,
}

/// The longest head of Tomcat (`maxHttpHeaderSize`) and Jetty (`requestHeaderSize`).
const HEAD_OF_JAVA: usize = 8192;
/// nginx's `client_max_body_size`.
const NGINX_BODY_MAX: u64 = 1024 * 1024;

impl Grammar {
    /// Lines and heads past their bounds.
    pub(super) fn bounds(self, line: usize, head: usize, inside: bool) -> Option<Fault> {
        let long = match self {
            // These have a bound for the whole head only, the latter two a higher one than this program's.
            Self::Application(Tomcat | Jetty) if head > HEAD_OF_JAVA && inside => {
                return Some(Fault::HeaderTooLong);
            }
            Self::Application(Go | Uvicorn) => false,
            _ => line > LINE_MAX,
        };
        match (long, inside) {
            (true, false) => Some(Fault::UriTooLong),
            (true, true) => Some(Fault::HeaderTooLong),
            (false, _) => (head > HEAD_MAX).then_some(Fault::HeaderTooLong),
        }
    }

    /// More headers than this are refused: `LimitRequestFields` of httpd; nginx has only its buffers.
    pub(super) const fn headers_max(self) -> usize {
        match self {
            Self::Nginx | Self::Netty | Self::Application(Jetty | Go | Uvicorn | Other) => 1000,
            Self::Apache | Self::Application(Tomcat) => 100,
        }
    }

    pub(super) fn forgives_bare_newline(self) -> bool {
        self != Self::Apache
    }

    pub(super) fn forgives_folding(self) -> bool {
        !matches!(self, Self::Nginx | Self::Application(Jetty))
    }

    /// nginx refuses at the first byte that no method has, such as that of a TLS record; httpd waits for the line.
    pub(super) fn refuses_start(self, line: &[u8]) -> bool {
        let method = line.split(|byte| *byte == b' ').next().unwrap_or_default();
        let method = method.strip_suffix(b"\r").unwrap_or(method);
        self == Self::Nginx && !method.iter().all(|byte| is_nginx_method(*byte))
    }

    pub(super) fn first_line(self, line: &[u8]) -> Result<FirstLine, Fault> {
        let words: Vec<&[u8]> = match self {
            Self::Nginx | Self::Netty | Self::Application(_) => {
                line.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).collect()
            }
            Self::Apache => line.split(|byte| *byte == b' ').collect(),
        };
        let (method, target, protocol) = match words[..] {
            [method, target] => (method, target, &b""[..]),
            [method, target, protocol] => (method, target, protocol),
            [_] => return Err(Fault::NoTarget),
            _ => return Err(Fault::BadRequest),
        };
        // The method first: nginx may have refused it before the line was whole.
        if !self.accepts_method(method) || !self.accepts_target(method, target) {
            return Err(Fault::BadRequest);
        }
        let version = self.version(protocol)?;
        if version == Version::OLD && matches!(self, Self::Application(Jetty | Go | Uvicorn)) {
            return Err(Fault::TooOld);
        }
        if version == Version::OLD && method != b"GET" {
            return Err(Fault::BadRequest);
        }
        Ok(FirstLine {
            method: method.to_vec(),
            target: target.to_vec(),
            protocol: protocol.to_vec(),
            version,
        })
    }

    fn version(self, protocol: &[u8]) -> Result<Version, Fault> {
        if protocol.is_empty() {
            return Ok(Version::OLD);
        }
        if self == Self::Application(Jetty) && !matches!(protocol, b"HTTP/1.0" | b"HTTP/1.1") {
            let new = protocol == b"HTTP/2.0";
            return Err(if new { Fault::TooNew } else { Fault::Version });
        }
        let numbers = protocol.strip_prefix(b"HTTP/").ok_or(Fault::BadRequest)?;
        let mut parts = numbers.split(|byte| *byte == b'.');
        if self == Self::Nginx && numbers.len() > 1 && numbers.iter().all(u8::is_ascii_digit) {
            // nginx refuses at the second digit, before it sees that there is no dot.
            return Err(Fault::Version);
        }
        let mut number = || {
            let digits = parts.next().filter(|digits| (1..=3).contains(&digits.len()))?;
            digits.iter().try_fold(0_u32, |sum, digit| {
                digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0'))
            })
        };
        let (Some(major), Some(minor), None) = (number(), number(), parts.next()) else {
            return Err(Fault::BadRequest);
        };
        match self {
            _ if major == 0 => Err(Fault::BadRequest),
            Self::Application(Uvicorn) => Ok(Version(major, minor)),
            Self::Application(Tomcat) if (major, minor) > (1, 1) => Err(Fault::Version),
            Self::Nginx | Self::Application(_) if major > 1 => Err(Fault::Version),
            _ => Ok(Version(major, minor)),
        }
    }

    fn accepts_method(self, method: &[u8]) -> bool {
        match self {
            Self::Nginx => {
                !method.is_empty()
                    && method != b"CONNECT"
                    && method.iter().all(|byte| is_nginx_method(*byte))
            }
            Self::Apache | Self::Netty | Self::Application(_) => {
                !method.is_empty() && method.iter().all(|byte| is_token(*byte))
            }
        }
    }

    fn accepts_target(self, method: &[u8], target: &[u8]) -> bool {
        if target.iter().any(|byte| *byte <= b' ' || *byte == 0x7f) {
            return false;
        }
        let absolute = target.get(..7).is_some_and(|head| head.eq_ignore_ascii_case(b"http://"))
            || target.get(..8).is_some_and(|head| head.eq_ignore_ascii_case(b"https://"))
            || (self == Self::Nginx && has_scheme(target));
        if self == Self::Apache && target.contains(&b'#') {
            return false;
        }
        if self == Self::Application(Tomcat)
            && target.iter().any(|byte| is_refused_by_tomcat(*byte))
        {
            return false;
        }
        let special = matches!(self, Self::Apache | Self::Application(_))
            && ((method == b"CONNECT" && self != Self::Application(Tomcat))
                || (method == b"OPTIONS" && target == b"*"));
        target.starts_with(b"/")
            || absolute
            || special
            || matches!(self, Self::Netty | Self::Application(Uvicorn))
    }

    /// A value without the blanks around it, which are not the same ones everywhere.
    fn trim(self, value: &[u8]) -> &[u8] {
        let blank = |byte: &u8| match self {
            Self::Nginx => *byte == b' ',
            Self::Apache | Self::Application(_) => matches!(byte, b' ' | b'\t'),
            Self::Netty => byte.is_ascii_whitespace(),
        };
        let begin = value.iter().position(|byte| !blank(byte)).unwrap_or(value.len());
        let end = value.iter().rposition(|byte| !blank(byte)).map_or(begin, |last| last + 1);
        &value[begin..end]
    }

    pub(super) fn header(self, line: &[u8]) -> Result<(&[u8], &[u8]), Fault> {
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = match (colon, self) {
            (Some(colon), _) => (&line[..colon], self.trim(&line[colon + 1..])),
            (None, Self::Nginx | Self::Netty) => (line, &b""[..]),
            (None, Self::Apache | Self::Application(_)) => return Err(Fault::NoColon),
        };
        let name_ok = match self {
            Self::Nginx | Self::Netty => name.iter().all(|byte| *byte > b' ' && *byte != 0x7f),
            Self::Apache | Self::Application(_) => name.iter().all(|byte| is_token(*byte)),
        };
        let value_ok = !value.contains(&0)
            && (self != Self::Nginx || !value.contains(&b'\r'))
            && (self != Self::Apache
                || value.iter().all(|byte| *byte >= b' ' && *byte != 0x7f || *byte == b'\t'));
        match (!name.is_empty() && name_ok, value_ok) {
            (false, _) => Err(Fault::FieldName),
            (true, false) => Err(Fault::FieldValue),
            (true, true) => Ok((name, value)),
        }
    }

    /// RFC 9112, 3.2: one valid Host, which HTTP/1.1 must have.
    pub(super) fn host(
        self,
        version: Version,
        headers: &[(HostileText, HostileText)],
    ) -> Result<(), Fault> {
        let mut hosts = values(headers, "host");
        match (hosts.next(), hosts.next()) {
            _ if self == Self::Netty => Ok(()),
            (None, _) if version < Version::ONE_ONE => Ok(()),
            (None, _) => Err(Fault::NoHost),
            (Some(_), _) if self == Self::Application(Jetty) => Ok(()),
            (Some(_), Some(_)) => Err(Fault::BadRequest),
            (Some(_), None) if self == Self::Application(Uvicorn) => Ok(()),
            (Some(""), None) if matches!(self, Self::Application(Tomcat | Go)) => Ok(()),
            (Some(host), None) if is_host(host) => Ok(()),
            (Some(_), None) => Err(Fault::HostForm),
        }
    }

    /// Tomcat refuses a host in the target that is not the one of the header (`allowHostHeaderMismatch`).
    pub(super) fn authority(
        self,
        target: &[u8],
        headers: &[(HostileText, HostileText)],
    ) -> Result<(), Fault> {
        let Some(at) = target.windows(3).position(|window| window == b"://") else { return Ok(()) };
        if self != Self::Application(Tomcat) || target.starts_with(b"/") {
            return Ok(());
        }
        let named = target[at + 3..].split(|byte| matches!(byte, b'/' | b'?')).next();
        let same = |host: &str| Some(host.as_bytes()) == named;
        if values(headers, "host").all(same) { Ok(()) } else { Err(Fault::HostForm) }
    }

    /// RFC 9112, 6: the length of the body, and the ways in which a smuggler would have two servers disagree.
    pub(super) fn framing(
        self,
        version: Version,
        headers: &[(HostileText, HostileText)],
    ) -> Result<Framing, Fault> {
        let mut codings = values(headers, "transfer-encoding");
        let (coding, more) = (codings.next(), codings.next().is_some());
        let mut lengths = values(headers, "content-length");
        let length = match (lengths.next(), lengths.next()) {
            (None, _) => None,
            (Some(text), None) => Some(parse_length(text).ok_or(Fault::LengthForm)?),
            (Some(_), Some(_)) => return Err(Fault::TwoLengths),
        };
        if let Some(coding) = coding {
            let chunked = match self {
                Self::Nginx | Self::Netty | Self::Application(_) => {
                    coding.eq_ignore_ascii_case("chunked")
                }
                // httpd joins the fields, and the last coding decides.
                Self::Apache => values(headers, "transfer-encoding")
                    .flat_map(|value| value.split(','))
                    .last()
                    .is_some_and(|last| last.trim().eq_ignore_ascii_case("chunked")),
            };
            return match self {
                Self::Nginx if more => Err(Fault::BadRequest),
                Self::Nginx if version < Version::ONE_ONE || length.is_some() => {
                    Err(Fault::BadRequest)
                }
                Self::Application(Jetty) if length.is_some() => Err(Fault::LengthAndChunks),
                Self::Nginx | Self::Application(Tomcat | Jetty | Go) if !chunked => {
                    Err(Fault::Coding)
                }
                Self::Apache | Self::Netty | Self::Application(_) if !chunked => {
                    Err(Fault::BadRequest)
                }
                _ => Ok(Framing::Chunked),
            };
        }
        match length {
            Some(length) if self == Self::Nginx && length > NGINX_BODY_MAX => {
                Err(Fault::BodyTooLarge)
            }
            Some(length) if length > 0 => Ok(Framing::Length(length)),
            _ => Ok(Framing::None),
        }
    }
}

/// Whether a target begins as an address of any scheme does (RFC 3986, 3.1).
fn has_scheme(target: &[u8]) -> bool {
    let end = target.windows(3).position(|window| window == b"://").unwrap_or(0);
    let scheme = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    target.first().is_some_and(u8::is_ascii_alphabetic)
        && target[..end].iter().all(scheme)
        && end > 0
}

/// The values of the headers of this name, in order.
pub(crate) fn values<'a>(
    headers: &'a [(HostileText, HostileText)],
    name: &'a str,
) -> impl Iterator<Item = &'a str> {
    headers
        .iter()
        .filter(move |(header, _)| header.raw().eq_ignore_ascii_case(name))
        .map(|(_, value)| value.raw())
}

fn parse_length(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let length = if plain { text.parse::<u64>().ok()? } else { return None };
    i64::try_from(length).is_ok().then_some(length)
}

/// The characters that both servers take in a Host header.
pub(crate) fn is_host(host: &str) -> bool {
    !host.is_empty()
        && host.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']')
        })
}

/// What Tomcat takes in no target unless told to (`relaxedPathChars`, `relaxedQueryChars`).
const fn is_refused_by_tomcat(byte: u8) -> bool {
    !byte.is_ascii()
        || matches!(byte, b'"' | b'#' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
}

const fn is_nginx_method(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte == b'_' || byte == b'-'
}

/// RFC 9110, 5.6.2.
pub(crate) const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

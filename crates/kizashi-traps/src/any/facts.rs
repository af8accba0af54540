//! What first bytes tell beside the protocol's name: a banner, a user, a host asked for. Each reader looks at bounded places and
//! gives nothing when the bytes end early.

use std::net::{IpAddr, Ipv4Addr};

use kizashi_event::{Detail, HostileText, Service};

/// What these bytes of this service tell.
pub(super) fn of(service: &Service, bytes: &[u8]) -> Vec<Detail> {
    let found = match service.name() {
        "ssh" => ssh_banner(bytes),
        "rdp" => rdp_cookie(bytes),
        "sip" => header(bytes, b"user-agent:").map(client),
        "mqtt" => mqtt_login(bytes),
        "postgresql" => postgresql_user(bytes),
        "socks" => socks_target(bytes),
        _ => None,
    };
    found.into_iter().collect()
}

fn client(version: &[u8]) -> Detail {
    Detail::Client {
        version: Some(HostileText::from_bytes(version)),
        fingerprint: None,
        algorithms: None,
    }
}

fn login(username: &[u8], password: Option<&[u8]>) -> Detail {
    Detail::Login {
        username: Some(HostileText::from_bytes(username)),
        password: password.map(HostileText::from_bytes),
        public_key: None,
        accepted: false,
    }
}

/// The identification line (RFC 4253, 4.2), at most 255 bytes.
fn ssh_banner(bytes: &[u8]) -> Option<Detail> {
    let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    Some(client(&line[..line.len().min(255)]))
}

/// `Cookie: mstshash=NAME` in the connection request (MS-RDPBCGR, 2.2.1.1).
fn rdp_cookie(bytes: &[u8]) -> Option<Detail> {
    const COOKIE: &[u8] = b"mstshash=";
    let head = &bytes[..bytes.len().min(1024)];
    let at = head.windows(COOKIE.len()).position(|window| window.eq_ignore_ascii_case(COOKIE))?;
    let name = head[at + COOKIE.len()..].split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    Some(login(name, None))
}

/// The value of a header line in the first 8 KiB.
fn header<'a>(bytes: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    bytes[..bytes.len().min(8192)]
        .split(|byte| *byte == b'\n')
        .find(|line| line.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name)))
        .map(|line| line[name.len()..].trim_ascii())
}

/// Reads along a slice; everything is `None` past its end.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    /// A big-endian number of this many bytes, at most four.
    fn number(&mut self, size: usize) -> Option<usize> {
        Some(self.take(size)?.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte)))
    }

    /// A field with its length, of this many bytes, before it.
    fn field(&mut self, size: usize) -> Option<&'a [u8]> {
        let length = self.number(size)?;
        self.take(length)
    }
}

/// User name and password of CONNECT (MQTT 3.1.1, 3.1).
fn mqtt_login(bytes: &[u8]) -> Option<Detail> {
    let mut packet = Reader(bytes.get(1..)?);
    for _ in 0..4 {
        if packet.number(1)? < 128 {
            break;
        }
    }
    packet.field(2)?;
    let level = packet.number(1)?;
    let flags = packet.number(1)?;
    packet.take(2)?;
    if level == 5 {
        packet.field(1)?;
    }
    packet.field(2)?;
    if flags & 0x04 != 0 {
        if level == 5 {
            packet.field(1)?;
        }
        packet.field(2)?;
        packet.field(2)?;
    }
    let username = if flags & 0x80 == 0 { None } else { packet.field(2) };
    let password = if flags & 0x40 == 0 { None } else { packet.field(2) };
    username.map(|username| login(username, password))
}

/// The `user` parameter of a startup message (PostgreSQL, 55.7).
fn postgresql_user(bytes: &[u8]) -> Option<Detail> {
    let mut words = bytes.get(8..)?.split(|byte| *byte == 0);
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        if name == b"user" {
            return Some(login(value, None));
        }
    }
    None
}

/// Where a SOCKS 4 or 4a request wants to go. SOCKS 5 names it only after an answer.
fn socks_target(bytes: &[u8]) -> Option<Detail> {
    let mut request = Reader(bytes);
    if request.number(2)? != 0x0401 {
        return None;
    }
    let port = u16::try_from(request.number(2)?).ok()?;
    let address: [u8; 4] = request.take(4)?.try_into().ok()?;
    let mut words = request.0.split(|byte| *byte == 0);
    let name = words.nth(1).filter(|name| address[..3] == [0, 0, 0] && !name.is_empty());
    let host = name.map_or_else(
        || HostileText::from(IpAddr::V4(Ipv4Addr::from(address)).to_string()),
        HostileText::from_bytes,
    );
    Some(Detail::Forward { host, port, data: None })
}

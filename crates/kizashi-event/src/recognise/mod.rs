//! Which protocol the first bytes of a visitor speak, by the bytes alone, for traps that hold a connection and for captures that saw
//! one. A table of names and predicates, most telling first;
//! adding a protocol is a line and a sample in `samples.rs`. A predicate reads a bounded prefix and looks at fixed places.

#[cfg(test)]
mod samples;
mod tcp;
mod udp;

use crate::Service;
use crate::bytes::be16;

/// A protocol's name and how to know it.
type Rule = (&'static str, fn(&[u8]) -> bool);

/// No rule looks further than this.
const LOOKED_AT: usize = 16 * 1024;

/// The protocol of the first bytes of a TCP connection.
#[must_use]
pub fn tcp(bytes: &[u8]) -> Service {
    first_match(tcp::RULES, bytes)
}

/// The protocol of one datagram.
#[must_use]
pub fn udp(bytes: &[u8]) -> Service {
    first_match(udp::RULES, bytes)
}

fn first_match(rules: &[Rule], bytes: &[u8]) -> Service {
    let bytes = &bytes[..bytes.len().min(LOOKED_AT)];
    rules
        .iter()
        .find(|(_, speaks)| speaks(bytes))
        .map_or(Service::UNKNOWN, |(name, _)| Service::known(name))
}

/// Whether bytes that may not be complete are the beginning of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Http {
    /// They are.
    Yes,
    /// They are not.
    No,
    /// More bytes will tell.
    Perhaps,
}

/// A line longer than this decides for HTTP if it began like it.
const LINE_MAX: usize = 8192;

/// Decides on the first line that is not blank: a method, a target, and `HTTP/` or nothing.
#[must_use]
pub fn http_so_far(bytes: &[u8]) -> Http {
    let start = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n'));
    let Some(start) = start else {
        return if bytes.len() > 16 { Http::No } else { Http::Perhaps };
    };
    let rest = &bytes[start..];
    let whole = rest.iter().position(|byte| *byte == b'\n');
    let line = &rest[..whole.unwrap_or(rest.len()).min(LINE_MAX)];
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut words = line.splitn(2, |byte| *byte == b' ');
    let method = words.next().unwrap_or_default();
    let token = method.len() <= 20
        && method.iter().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'-'));
    if start > 16 || !token {
        return Http::No;
    }
    let decided = whole.is_some() || rest.len() > LINE_MAX;
    let Some(target) = words.next() else {
        return if decided { Http::No } else { Http::Perhaps };
    };
    match (decided, names_http(method, target, whole.is_some())) {
        (false, _) => Http::Perhaps,
        (true, true) => Http::Yes,
        (true, false) => Http::No,
    }
}

fn names_http(method: &[u8], target: &[u8], whole: bool) -> bool {
    let last = target.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    if last.len() < target.len() && last.starts_with(b"HTTP/") {
        return true;
    }
    let plain = target.starts_with(b"/")
        && matches!(method, b"GET" | b"HEAD" | b"POST" | b"PUT" | b"OPTIONS");
    plain && (!whole || last.len() == target.len())
}

/// See `fuzz/src/lib.rs`: any first bytes.
pub fn fuzz(bytes: &[u8]) {
    for service in [tcp(bytes), udp(bytes)] {
        assert!(!service.name().is_empty());
    }
    let _ = http_so_far(bytes);
}

/// Whether a DNS message begins here: a question of sane flags and counts (RFC 1035, 4.1.1).
fn is_dns(bytes: &[u8]) -> bool {
    let (Some(flags), Some(questions)) = (be16(bytes, 2), be16(bytes, 4)) else { return false };
    let counts = [6, 8, 10].map(|at| be16(bytes, at).unwrap_or(u16::MAX));
    let operation = (flags >> 11) & 15;
    // A server's status is asked without a question, as nmap does.
    if bytes.len() == 12 && flags == 0x1000 && questions == 0 {
        return counts == [0; 3];
    }
    bytes.len() > 12
        && flags & 0x0040 == 0
        && flags & 15 == 0
        && (operation <= 2 || operation == 4 || operation == 5)
        && (1..=4).contains(&questions)
        && counts.iter().all(|count| *count <= 8)
        && is_name(&bytes[12..])
}

/// A name of labels that ends within the bytes, with type and class behind it.
fn is_name(bytes: &[u8]) -> bool {
    let mut at = 0;
    while let Some(&length) = bytes.get(at) {
        at += 1 + usize::from(length);
        match length {
            0 => return bytes.len() >= at + 4,
            1..=63 if at < 256 => {}
            _ => return false,
        }
    }
    false
}

/// Whether the bytes begin with one of these words, whatever its case, followed by a space or a line's end.
fn begins_with_verb(bytes: &[u8], verbs: &[&str]) -> bool {
    verbs.iter().any(|verb| {
        let head =
            bytes.get(..verb.len()).is_some_and(|head| head.eq_ignore_ascii_case(verb.as_bytes()));
        head && matches!(bytes.get(verb.len()), Some(b' ' | b'\r' | b'\n'))
    })
}

/// Whether `needle` stands anywhere in the bytes looked at.
fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

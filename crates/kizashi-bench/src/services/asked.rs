//! What is drawn for an installation and decides what nmap could read of a real server there: asked of the traps in their own protocols, and not
//! in the way in which nmap asks, so that a trap that answers nmap wrongly still counts as one that should have been named.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// What one port said
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// Its first line names a release.
    pub(super) banner_has_version: bool,
    /// It is a MongoDB that answers everybody, and of a release that answers the older messages.
    pub(super) tells_its_state: bool,
}

/// How long an answer may take, and how long it may be.
const PATIENCE: Duration = Duration::from_secs(20);
const LONGEST: u64 = 64 * 1024;

/// Asks the trap at this port of the loopback; nothing is known of one that does not answer.
pub(super) fn ask(trap: &str, port: u16) -> Asked {
    match trap {
        "smtp" => Asked {
            banner_has_version: banner(port).is_some_and(|banner| has_version(&banner)),
            ..Asked::default()
        },
        "mongodb" => {
            let says = |command| mongodb(port, command).unwrap_or_default();
            Asked {
                tells_its_state: is_open_and_old(&says("buildInfo"), &says("serverStatus")),
                ..Asked::default()
            }
        }
        _ => Asked::default(),
    }
}

fn visit(port: u16) -> Option<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    Some(stream)
}

/// The first line; a server of mail inside TLS says none unasked, and its banner is that of the others.
fn banner(port: u16) -> Option<String> {
    let mut stream = visit(if port == 465 { 25 } else { port })?;
    let mut banner = Vec::new();
    while !banner.ends_with(b"\n") && banner.len() < 512 {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        banner.extend(byte);
    }
    Some(String::from_utf8_lossy(&banner).into_owned())
}

fn has_version(banner: &str) -> bool {
    banner.split('(').skip(1).any(|part| part.starts_with(|first: char| first.is_ascii_digit()))
}

/// The answer to a command of the database `admin` by OP_MSG, which every release takes.
fn mongodb(port: u16, command: &str) -> Option<Vec<u8>> {
    let fields = [
        &[0x10][..],
        command.as_bytes(),
        &[0, 1, 0, 0, 0, 2],
        b"$db\0",
        &[6, 0, 0, 0],
        b"admin\0",
        &[0],
    ]
    .concat();
    let mut message = Vec::new();
    let document = u32::try_from(fields.len() + 4).ok()?;
    for number in [16 + 5 + document, 1, 0, 2_013, 0] {
        message.extend(number.to_le_bytes());
    }
    message.push(0);
    message.extend(document.to_le_bytes());
    message.extend(fields);
    let mut stream = visit(port)?;
    stream.write_all(&message).ok()?;
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut answer = Vec::new();
    let rest = u64::from(u32::from_le_bytes(length)).saturating_sub(4).min(LONGEST);
    stream.take(rest).read_to_end(&mut answer).ok()?;
    Some(answer)
}

/// The release's first part is in the answer to `buildInfo` as text; the state is refused by a word.
fn is_open_and_old(build: &[u8], state: &[u8]) -> bool {
    const VERSION: &[u8] = b"\x02version\0";
    let at = build.windows(VERSION.len()).position(|window| window == VERSION);
    let series = at.and_then(|at| build.get(at + VERSION.len() + 4));
    let refused = state.windows(13).any(|window| window == b"Unauthorized\0");
    !refused && series.is_some_and(|first| (b'1'..=b'4').contains(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_banner_has_a_version_only_where_the_owner_wrote_one() {
        assert!(!has_version("220 mail.example.net ESMTP Postfix (Debian/GNU)\r\n"));
        assert!(!has_version("220 web2 ESMTP Postfix (Ubuntu)\r\n"));
        assert!(has_version("220 web2 ESMTP Postfix (3.7.11) (Debian)\r\n"));
    }

    #[test]
    fn only_an_old_and_open_database_tells_its_state() {
        let build = |version: &str| [b"\x02version\0\x07\0\0\0", version.as_bytes()].concat();
        assert!(is_open_and_old(&build("4.4.29\0"), b"\x01ok\0"));
        assert!(!is_open_and_old(&build("7.0.14\0"), b"\x01ok\0"));
        assert!(!is_open_and_old(&build("4.4.29\0"), b"\x02codeName\0\x0d\0\0\0Unauthorized\0"));
        assert!(!is_open_and_old(b"", b""));
    }
}

//! One entry for each parser of a visitor's bytes and each owner's text, as a fuzzer wants it: any input, no result, must not panic.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use kizashi_event::{Port, Timestamp};

use crate::{
    ElasticsearchRelease, Identity, Output, RedisRelease, Session, TelnetFace, Trap, Visit,
    WebServer,
};

/// A stranger who comes to one installation again and again. What he sends comes in pieces, as over a socket; each pause is over at once.
pub(crate) struct Stranger {
    pub(crate) identity: Arc<Identity>,
    pub(crate) visit: Visit,
}

impl Stranger {
    /// Turns that a session may take for one piece.
    const TURNS: u32 = 200;
    const PIECE: usize = 8 * 1024;

    /// To the first of this trap's ports.
    pub(crate) fn at(trap: &Trap, identity: Identity) -> Self {
        let port = trap.ports.unprivileged.first().copied().unwrap_or(Port::tcp(4000));
        let source = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let visit = Visit { source, destination: None, port, encrypted: false };
        Self { identity: Arc::new(identity), visit }
    }

    /// A connection to a trap, from its beginning to its end.
    pub(crate) fn visits(&self, trap: &Trap, bytes: &[u8]) {
        let mut session = (trap.begin)(&self.identity, self.visit);
        self.says(&mut *session, bytes);
    }

    /// The same in a session that has begun.
    pub(crate) fn says(&self, session: &mut dyn Session, bytes: &[u8]) {
        let now = Timestamp::from_seconds(1_800_000_000);
        let mut out = Output::new(kizashi_event::Service::UNKNOWN);
        session.open(now, &mut out);
        for piece in bytes.chunks(Self::PIECE) {
            session.receive(piece, now, &mut out);
            for _ in 0..Self::TURNS {
                let _ = (out.take_reply(), out.take_seen());
                if !out.wants_turn() {
                    break;
                }
                session.receive(&[], now, &mut out);
            }
        }
        session.end(now, &mut out);
    }
}

/// The head and body parser of `http`, in each grammar.
pub fn http_wire(bytes: &[u8]) {
    crate::http::fuzz(bytes);
}

/// HTTP/2's frames and header blocks.
pub fn http2_wire(bytes: &[u8]) {
    crate::http2::fuzz(bytes);
}

/// WebSocket's frames.
pub fn websocket(bytes: &[u8]) {
    crate::http::websocket::fuzz(bytes);
}

/// The rules of the web trap: the bytes as an owner's file of rules, and as target, header and body of a request.
pub fn web_rules(bytes: &[u8]) {
    crate::http::fuzz_rules(bytes);
}

/// A query to the SQL engine of the web trap's application, alone and pasted into one of its own.
pub fn sql(bytes: &[u8]) {
    crate::sql::fuzz(bytes);
}

/// The reading of PHP: the bytes as a file and as what `eval` is given.
pub fn php(bytes: &[u8]) {
    crate::php::fuzz(bytes);
}

/// Telnet's options and the line discipline.
pub fn telnet_wire(bytes: &[u8]) {
    crate::telnet::fuzz(bytes);
}

/// Requests to the sites behind which there is code (Docker's JSON, archives and streams, Kubernetes, Jenkins, Spring, YARN, Ollama) in a row,
/// with NUL between: the first byte chooses the site, the first line of each is method and target, the rest its body.
pub fn site_program(bytes: &[u8]) {
    crate::http::fuzz_program(bytes);
}

/// SSH's line, packets, lists, compression and file transfers.
pub fn ssh_wire(bytes: &[u8]) {
    crate::ssh::fuzz(bytes);
}

/// Requests to `elasticsearch`: a method and a target, then a body, with NUL between; the first byte chooses the release.
pub fn elasticsearch(bytes: &[u8]) {
    crate::elasticsearch::fuzz(bytes);
}

/// Commands to `redis`, one a line, and the same bytes as a script; the first byte chooses the release.
pub fn redis(bytes: &[u8]) {
    crate::redis::fuzz(bytes);
}

/// Recognition of a protocol by its first bytes, with what is read from them.
pub fn recognise(bytes: &[u8]) {
    crate::any::fuzz(bytes);
}

/// A login shell of a machine: each line typed, the first byte choosing the machine; and the same bytes as a script.
pub fn machine(bytes: &[u8]) {
    crate::machine::fuzz(bytes);
}

/// A dialogue with `mssql`, and the bytes as a login, a batch and a call.
pub fn mssql(bytes: &[u8]) {
    crate::mssql::fuzz(bytes);
}

/// Messages of `rdp`: requests, T.125, the client's info, CredSSP.
pub fn rdp_wire(bytes: &[u8]) {
    crate::rdp::fuzz(bytes);
}

/// Lines of cmd.exe and a script of PowerShell's to the Windows machine.
pub fn windows_machine(bytes: &[u8]) {
    crate::machine::fuzz_windows(bytes);
}

/// What captured content is, from its bytes.
pub fn file_facts(bytes: &[u8]) {
    crate::machine::fuzz_facts(bytes);
}

/// One datagram, to each protocol that reads datagrams.
pub fn datagrams(bytes: &[u8]) {
    crate::amplification::fuzz(bytes);
    crate::amplifier::fuzz(bytes);
    crate::snmp::fuzz(bytes);
    crate::tftp::fuzz(bytes);
    crate::sip::fuzz(bytes);
    crate::ssdp::fuzz(bytes);
    crate::coap::fuzz(bytes);
    crate::ike::fuzz(bytes);
    crate::bacnet::fuzz(bytes);
    crate::netbios::fuzz(bytes);
}

/// A connection to `memcached`, and the same bytes as requests of its binary protocol with lengths that fit.
pub fn memcached(bytes: &[u8]) {
    crate::memcached::fuzz(bytes);
}

/// A connection to `adb`, and the same bytes as requests of a stream of files.
pub fn adb(bytes: &[u8]) {
    crate::adb::fuzz(bytes);
}

/// A connection to `mongodb`, and the same bytes as documents of one who was let in.
pub fn mongodb(bytes: &[u8]) {
    crate::mongodb::fuzz(bytes);
}

/// A connection to `mysql`, and the same bytes as a statement of one who was let in.
pub fn mysql(bytes: &[u8]) {
    crate::mysql::fuzz(bytes);
}

/// A connection to `postgresql`, and the same bytes as a statement of one who was let in.
pub fn postgresql(bytes: &[u8]) {
    crate::postgresql::fuzz(bytes);
}

/// The wire of `radmin`.
pub fn radmin_wire(bytes: &[u8]) {
    crate::radmin::fuzz(bytes);
}

/// The wire of `smtp`.
pub fn smtp_wire(bytes: &[u8]) {
    crate::smtp::fuzz(bytes);
}

/// The traps whose bytes are messages of one form, which the wire of plants, hospitals and things mostly is.
pub const FRAMED: &[&str] = &[
    "modbus",
    "s7",
    "enip",
    "dnp3",
    "iec104",
    "dicom",
    "hl7",
    "printer",
    "minecraft",
    "ftp",
    "pop3",
    "imap",
    "mqtt",
    "rtsp",
    "pptp",
    "rsync",
    "x11",
    "teamviewer",
    "ipp",
];

/// A session of one of [`FRAMED`]; the first byte chooses which.
pub fn framed(bytes: &[u8]) {
    let Some((choice, rest)) = bytes.split_first() else { return };
    if let Some(trap) = crate::trap_named(FRAMED[usize::from(*choice) % FRAMED.len()]) {
        session(trap, rest);
    }
}

/// Tokens of NTLMSSP, bare and within SPNEGO.
pub fn ntlm_token(bytes: &[u8]) {
    crate::ntlm::fuzz(bytes);
}

/// A connection to `vnc`, and the same bytes as messages of one who was let in.
pub fn vnc(bytes: &[u8]) {
    crate::vnc::fuzz(bytes);
}

/// Calls of DCE-RPC, as packets and as each interface's arguments.
pub fn rpc_calls(bytes: &[u8]) {
    crate::rpc::fuzz(bytes);
}

/// Messages of SMB1 and SMB2 from a visitor who was let in.
pub fn smb_wire(bytes: &[u8]) {
    crate::smb::fuzz(bytes);
}

/// Requests to `winrm`: HTTP, sealed parts, SOAP, PowerShell's fragments.
pub fn winrm_wire(bytes: &[u8]) {
    crate::winrm::fuzz(bytes);
}

/// The wire of `wins`.
pub fn wins_wire(bytes: &[u8]) {
    crate::wins::fuzz(bytes);
}

/// The list of ports.
pub fn port_list(text: &str) {
    if let Ok(list) = text.parse::<crate::PortList>() {
        let _ = list.to_string();
    }
}

/// A whole session of a trap; the first byte chooses the web server and where the bytes are cut.
pub fn session(trap: &Trap, bytes: &[u8]) {
    let choice = usize::from(bytes.first().copied().unwrap_or(0));
    let server = WebServer::ALL[choice % WebServer::ALL.len()];
    let face = TelnetFace::ALL[choice % TelnetFace::ALL.len()];
    let identity = Identity::draw([7; 32]).with_web_server(server).with_telnet_face(face);
    let release = ElasticsearchRelease::ALL[choice % ElasticsearchRelease::ALL.len()];
    let identity = identity.with_elasticsearch_release(release);
    let release = RedisRelease::ALL[choice % RedisRelease::ALL.len()];
    let identity = Arc::new(identity.with_redis_release(release));
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let visit =
        Visit { source: here, destination: Some(here), port: Port::tcp(80), encrypted: false };
    let now = Timestamp::from_seconds(1_800_000_000);
    let mut session = (trap.begin)(&identity, visit);
    let mut out = Output::new(trap.service.clone());
    session.open(now, &mut out);
    for piece in bytes.chunks(1 + choice) {
        session.receive(piece, now, &mut out);
        let mut turns = 0;
        while out.wants_turn() && turns < 1_000 {
            let _ = (out.take_reply(), out.take_seen());
            session.receive(&[], now, &mut out);
            turns += 1;
        }
    }
    session.end(now, &mut out);
}

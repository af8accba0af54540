//! What clients say first over TCP. Each rule is named after its document.

use super::{Rule, begins_with_verb, contains, is_dns};
use crate::bytes::{be16, be32, le32};

/// Most telling first: a fixed magic before a loose shape.
pub(super) const RULES: &[Rule] = &[
    ("tls", is_tls),
    ("ssh", |bytes| bytes.starts_with(b"SSH-")),
    ("smb", is_smb),
    ("rdp", is_rdp),
    ("s7", is_s7),
    ("vnc", |bytes| bytes.starts_with(b"RFB 0")),
    ("radmin", |bytes| bytes.starts_with(&[1, 0, 0, 0, 1, 0, 0, 0, 8, 8])),
    ("adb", |bytes| bytes.starts_with(b"CNXN") && bytes.len() >= 12),
    ("hl7", |bytes| bytes.starts_with(b"\x0bMSH") || bytes.starts_with(b"MSH|^~\\&")),
    ("dicom", is_dicom),
    ("dnp3", is_dnp3),
    ("iec104", is_iec104),
    ("java-rmi", |bytes| bytes.starts_with(b"JRMI")),
    ("t3", |bytes| bytes.starts_with(b"t3 ") || bytes.starts_with(b"t3s ")),
    ("giop", |bytes| bytes.starts_with(b"GIOP\x01")),
    ("java-object", |bytes| bytes.starts_with(&[0xac, 0xed, 0, 5])),
    ("amqp", |bytes| bytes.starts_with(b"AMQP") && bytes.len() >= 8),
    ("bittorrent", |bytes| bytes.starts_with(b"\x13BitTorrent protocol")),
    ("printer", is_printer),
    ("stratum", |bytes| bytes.starts_with(b"{") && contains(bytes, b"\"mining.")),
    ("json-rpc", is_json_rpc),
    ("sip", is_sip),
    ("rtsp", |bytes| first_line_has(bytes, b" RTSP/1.0")),
    ("http2", |bytes| bytes.starts_with(b"PRI * HTTP/2")),
    ("http", |bytes| first_line_has(bytes, b" HTTP/")),
    ("mqtt", is_mqtt),
    ("postgresql", is_postgresql),
    ("mssql", is_mssql),
    ("epmap", is_dce_rpc),
    ("mongodb", is_mongodb),
    ("ldap", is_ldap),
    ("oracle", is_oracle),
    ("pptp", |bytes| be16(bytes, 2) == Some(1) && be32(bytes, 4) == Some(0x1a2b_3c4d)),
    ("rpcbind", is_rpc),
    ("modbus", is_modbus),
    ("ethernet-ip", is_ethernet_ip),
    ("x11", |bytes| bytes.starts_with(b"l\0\x0b\0") || bytes.starts_with(b"B\0\0\x0b")),
    ("minecraft", is_minecraft),
    ("mysql", is_mysql),
    ("dns", is_dns_stream),
    ("telnet", |bytes| bytes.first() == Some(&0xff) && matches!(bytes.get(1), Some(0xf0..=0xfe))),
    ("redis", is_redis),
    ("memcached", is_memcached),
    ("smtp", |bytes| begins_with_verb(bytes, &["EHLO", "HELO", "MAIL", "RCPT", "STARTTLS"])),
    ("imap", is_imap),
    ("pop3", |bytes| begins_with_verb(bytes, &["APOP", "CAPA", "STLS"])),
    ("irc", |bytes| begins_with_verb(bytes, &["NICK", "CAP", "JOIN"])),
    ("ftp", |bytes| begins_with_verb(bytes, &["USER", "AUTH", "FEAT", "SYST", "PASV", "PORT"])),
    ("rsync", |bytes| bytes.starts_with(b"@RSYNCD:")),
    ("zabbix", |bytes| bytes.starts_with(b"ZBXD\x01")),
    ("socks", is_socks),
];

/// RFC 8446, 5.1 and 4.1.2, and the SSL 2.0 form of a hello (RFC 5246, E.2).
fn is_tls(bytes: &[u8]) -> bool {
    let record =
        bytes.len() >= 6 && bytes[0] == 22 && bytes[1] == 3 && bytes[2] <= 4 && bytes[5] == 1;
    let old =
        bytes.len() >= 5 && bytes[0] & 0x80 != 0 && bytes[2] == 1 && bytes[3] == 3 && bytes[4] <= 3;
    record || old || (bytes.len() >= 5 && bytes[0] & 0x80 != 0 && bytes[2..5] == [1, 0, 2])
}

/// MS-SMB and MS-SMB2 over the NetBIOS session service (RFC 1002, 4.3), also its session request.
fn is_smb(bytes: &[u8]) -> bool {
    let magic = bytes.get(4..8);
    let message = bytes.first() == Some(&0)
        && magic
            .is_some_and(|magic| magic == b"\xffSMB" || magic == b"\xfeSMB" || magic == b"\xfdSMB");
    let request = bytes.starts_with(&[0x81, 0, 0, 0x44]) && bytes.get(4) == Some(&32);
    message || request
}

/// The connection request of X.224 in a TPKT (MS-RDPBCGR, 2.2.1.1; RFC 1006).
fn is_x224_request(bytes: &[u8]) -> bool {
    bytes.len() >= 11 && bytes[0] == 3 && bytes[1] == 0 && bytes[5] & 0xf0 == 0xe0
}

fn is_rdp(bytes: &[u8]) -> bool {
    is_x224_request(bytes) && !is_s7(bytes)
}

/// The same request with the parameters of ISO transport that S7 controllers take (RFC 905, 13.3.4: 0xc0 size, 0xc1 and 0xc2 selectors).
fn is_s7(bytes: &[u8]) -> bool {
    is_x224_request(bytes) && matches!(bytes.get(11), Some(0xc0..=0xc2))
}

/// A-ASSOCIATE-RQ of DICOM (PS3.8, 9.3.2): its length, version 1, and two names of 16 letters.
fn is_dicom(bytes: &[u8]) -> bool {
    let is_name = |name: &[u8]| name.iter().all(|byte| (b' '..=b'~').contains(byte));
    bytes.starts_with(&[1, 0])
        && be32(bytes, 2).is_some_and(|length| (68..=1_048_576).contains(&length))
        && bytes.get(6..10) == Some(&[0, 1, 0, 0])
        && bytes.get(10..42).is_some_and(is_name)
}

/// A frame of DNP3's link layer (IEEE 1815, 9.2): its two first bytes, a length that holds its own head, a control byte from the master.
fn is_dnp3(bytes: &[u8]) -> bool {
    bytes.len() >= 10 && bytes.starts_with(&[0x05, 0x64]) && bytes[2] >= 5 && bytes[3] & 0x40 != 0
}

/// A frame of IEC 60870-5-104 (5.1) with which a master begins: STARTDT, STOPDT or TESTFR, or data before any of them.
fn is_iec104(bytes: &[u8]) -> bool {
    let unnumbered = matches!(bytes.get(2), Some(0x07 | 0x0b | 0x13 | 0x23 | 0x43 | 0x83))
        && bytes.get(3..6) == Some(&[0; 3])
        && bytes.get(1) == Some(&4);
    let data = bytes.get(1).is_some_and(|length| (10..=253).contains(length))
        && bytes.get(2..6) == Some(&[0; 4])
        && matches!(bytes.get(6), Some(1..=127));
    bytes.first() == Some(&0x68) && (unnumbered || data)
}

/// HP PJL's universal exit, PostScript, or a bare PJL line.
fn is_printer(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x1b%-12345X") || bytes.starts_with(b"@PJL") || bytes.starts_with(b"%!PS")
}

fn is_json_rpc(bytes: &[u8]) -> bool {
    bytes.starts_with(b"{") && (contains(bytes, b"\"jsonrpc\"") || contains(bytes, b"\"method\""))
}

/// Whether the first line holds these bytes.
fn first_line_has(bytes: &[u8], needle: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\n').find(|line| line.len() > 1).unwrap_or_default();
    contains(line, needle)
}

/// RFC 3261, 7.1.
fn is_sip(bytes: &[u8]) -> bool {
    first_line_has(bytes, b" SIP/2.0") || bytes.starts_with(b"SIP/2.0 ")
}

/// CONNECT of MQTT 3.1, 3.1.1 and 5 (OASIS, 3.1).
fn is_mqtt(bytes: &[u8]) -> bool {
    bytes.first() == Some(&0x10)
        && (2..=5).any(|at| {
            let name = bytes.get(at..);
            name.is_some_and(|name| {
                name.starts_with(b"\0\x04MQTT") || name.starts_with(b"\0\x06MQIsdp")
            })
        })
}

/// Startup, cancel, SSL or GSS request of protocol 3 (PostgreSQL, 55.7).
fn is_postgresql(bytes: &[u8]) -> bool {
    let (Some(length), Some(code)) = (be32(bytes, 0), be32(bytes, 4)) else { return false };
    (8..=10_000).contains(&length)
        && matches!(code, 0x0003_0000..=0x0003_0002 | 80_877_102 | 80_877_103 | 80_877_104)
}

/// PRELOGIN or LOGIN7 (MS-TDS, 2.2.3.1): type, end of message, length, channel, packet, window.
fn is_mssql(bytes: &[u8]) -> bool {
    bytes.len() >= 8
        && matches!(bytes[0], 0x12 | 0x10)
        && bytes[1] <= 1
        && be16(bytes, 2).is_some_and(|length| (9..=32_768).contains(&length))
        && bytes[4..6] == [0, 0]
        && bytes[7] == 0
}

/// Connection-oriented DCE/RPC bind (C706, 12.6): version 5.0 or 5.1, type 11, little-endian data.
fn is_dce_rpc(bytes: &[u8]) -> bool {
    bytes.len() >= 16
        && bytes[0] == 5
        && bytes[1] <= 1
        && matches!(bytes[2], 0 | 11)
        && bytes[4] == 0x10
}

/// Header of the wire protocol: length, request, response to nothing, and a known operation code.
fn is_mongodb(bytes: &[u8]) -> bool {
    let Some(length) = le32(bytes, 0) else { return false };
    (16..=48_000_000).contains(&length)
        && le32(bytes, 8) == Some(0)
        && matches!(le32(bytes, 12), Some(2004 | 2010 | 2012 | 2013))
}

/// RFC 4511, 4.1.1: a sequence of message number and one of the operations a client opens with.
fn is_ldap(bytes: &[u8]) -> bool {
    if bytes.first() != Some(&0x30) {
        return false;
    }
    let header = match bytes.get(1) {
        Some(length @ 0x81..=0x84) => 2 + usize::from(length & 0x7f),
        Some(0..=0x7f) => 2,
        _ => return false,
    };
    let Some(rest) = bytes.get(header..) else { return false };
    let (Some(&2), Some(&size @ 1..=4)) = (rest.first(), rest.get(1)) else { return false };
    matches!(rest.get(2 + usize::from(size)), Some(0x60 | 0x63 | 0x77 | 0x42))
}

/// A TNS connect packet (Oracle Net).
fn is_oracle(bytes: &[u8]) -> bool {
    bytes.get(4) == Some(&1) && contains(bytes, b"(CONNECT_DATA=")
}

/// A call of ONC RPC over TCP (RFC 5531, 9 and 11): last fragment, call, version 2.
fn is_rpc(bytes: &[u8]) -> bool {
    be32(bytes, 0).is_some_and(|mark| mark >> 31 == 1 && mark & 0x7fff_ffff <= 65_536)
        && be32(bytes, 8) == Some(0)
        && be32(bytes, 12) == Some(2)
}

/// Modbus over TCP (Messaging on TCP/IP 1.0b, 3.1): protocol 0, the length of what follows, a function code.
fn is_modbus(bytes: &[u8]) -> bool {
    let Some(length) = be16(bytes, 4) else { return false };
    bytes.len() >= 8
        && be16(bytes, 2) == Some(0)
        && (2..=254).contains(&length)
        && bytes.len() <= 6 + usize::from(length)
        && (1..=0x2b).contains(&bytes[7])
}

/// Encapsulation of EtherNet/IP (CIP volume 2, 2-3): a listing or a registration.
fn is_ethernet_ip(bytes: &[u8]) -> bool {
    bytes.len() >= 24
        && matches!(bytes[0], 0x04 | 0x63 | 0x64 | 0x65)
        && bytes[1] == 0
        && bytes[8..12] == [0; 4]
        && bytes[20..24] == [0; 4]
        && bytes[2..4] == [u8::try_from(bytes.len() - 24).unwrap_or(255), 0]
}

/// Handshake of Java edition 1.7 and later, or the older list ping.
fn is_minecraft(bytes: &[u8]) -> bool {
    let old = bytes.starts_with(&[0xfe, 0x01]);
    let length = usize::from(bytes.first().copied().unwrap_or(0));
    let next_state = bytes.get(length);
    old || ((8..=100).contains(&length)
        && bytes.get(1) == Some(&0)
        && matches!(next_state, Some(1 | 2))
        && bytes.len() > length
        && (3..8).any(|at| {
            let name = usize::from(bytes.get(at).copied().unwrap_or(0));
            name > 0 && at + 1 + name + 3 == length + 1
        }))
}

/// A client's handshake response of protocol 4.1 without waiting for the greeting: sequence 1, capabilities with PROTOCOL_41.
fn is_mysql(bytes: &[u8]) -> bool {
    bytes.len() >= 36
        && bytes[3] == 1
        && bytes[4 + 1] & 0x02 != 0
        && bytes[13..36].iter().all(|byte| *byte == 0)
        && le32(bytes, 0).is_some_and(|length| (32..2048).contains(&(length & 0x00ff_ffff)))
}

/// RFC 1035, 4.2.2: a length before the message.
fn is_dns_stream(bytes: &[u8]) -> bool {
    be16(bytes, 0).is_some_and(|length| length >= 17 && usize::from(length) + 2 >= bytes.len())
        && bytes.get(2..).is_some_and(is_dns)
}

/// RESP arrays of bulk strings, or commands typed inline.
fn is_redis(bytes: &[u8]) -> bool {
    let array = bytes.first() == Some(&b'*')
        && bytes.get(1).is_some_and(u8::is_ascii_digit)
        && contains(bytes, b"\r\n$");
    array
        || begins_with_verb(
            bytes,
            &["PING", "INFO", "CONFIG", "SLAVEOF", "FLUSHALL", "REPLICAOF", "COMMAND"],
        )
}

/// The text protocol's verbs in lower case, or the binary protocol's header with an empty extra.
fn is_memcached(bytes: &[u8]) -> bool {
    let text = ["stats", "version", "get", "gets", "set", "flush_all"];
    let lower = bytes.first().is_some_and(u8::is_ascii_lowercase);
    let binary = bytes.len() >= 24
        && bytes[0] == 0x80
        && bytes[1] <= 0x25
        && bytes[5] == 0
        && bytes[6..8] == [0, 0];
    (lower && begins_with_verb(bytes, &text)) || binary
}

/// RFC 9051, 2.2.1: a tag and a command.
fn is_imap(bytes: &[u8]) -> bool {
    let Some(space) = bytes.iter().take(12).position(|byte| *byte == b' ') else { return false };
    let tag = &bytes[..space];
    let tagged = tag.iter().all(u8::is_ascii_alphanumeric) && tag.iter().any(u8::is_ascii_digit);
    tagged
        && begins_with_verb(
            &bytes[space + 1..],
            &["CAPABILITY", "LOGIN", "NOOP", "LOGOUT", "STARTTLS", "AUTHENTICATE"],
        )
}

/// SOCKS 4 and 4a (command, port, address, a terminated user), SOCKS 5 (RFC 1928, 3: as many methods as announced).
fn is_socks(bytes: &[u8]) -> bool {
    let four =
        bytes.len() >= 9 && bytes[0] == 4 && matches!(bytes[1], 1 | 2) && bytes.last() == Some(&0);
    let methods = usize::from(bytes.get(1).copied().unwrap_or(0));
    let five = bytes.first() == Some(&5)
        && (1..=10).contains(&methods)
        && bytes.len() >= 2 + methods
        && bytes[2..2 + methods].iter().all(|method| *method <= 9 || *method >= 0x80);
    four || five
}

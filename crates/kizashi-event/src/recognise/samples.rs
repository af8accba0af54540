//! First bytes as real clients send them, from the protocols' documents, nmap's probes and known attack tools. Every rule has one,
//! and no sample is taken for another protocol's.

use super::{Http, http_so_far, tcp, udp};

const TCP: &[(&str, &[u8])] = &[
    ("tls", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x5f\x1d\x8a"),
    ("tls", b"\x16\x03\x00\x00S\x01\x00\x00O\x03\x00?G\xd7\xf7\xba,\xee\xea\xb2`~\xf3"),
    ("tls", b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10\x01\x00\x80"),
    ("ssh", b"SSH-2.0-libssh2_1.4.3\r\n"),
    ("ssh", b"SSH-2.0-Go\r\n\0\0\x03\xf4\x09\x14"),
    ("smb", b"\0\0\0\x85\xffSMB\x72\0\0\0\0\x18\x53\xc0\0\0"),
    ("smb", b"\0\0\0\xa4\xfeSMB\x40\0\0\0\0\0\0\0\0\0\x1f\0"),
    ("smb", b"\x81\0\0\x44 CKFDENECFDEFFCFGEFFCCACACACACACA\0 EBEBEBEBEBEBEBEB"),
    ("rdp", b"\x03\0\0\x2b\x26\xe0\0\0\0\0\0Cookie: mstshash=hello\r\n\x01\0\x08\0\x03\0\0\0"),
    ("rdp", b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0"),
    ("rdp", b"\x03\0\0\x0b\x06\xe0\0\0\0\0\0"),
    ("s7", b"\x03\0\0\x16\x11\xe0\0\0\0\x14\0\xc1\x02\x01\0\xc2\x02\x01\x02\xc0\x01\x0a"),
    ("vnc", b"RFB 003.008\n"),
    ("radmin", b"\x01\0\0\0\x01\0\0\0\x08\x08"),
    ("adb", b"CNXN\0\0\0\x01\0\0\x10\0\x07\0\0\0\x32\x02\0\0\xbc\xb1\xa7\xb1host::\0"),
    ("hl7", b"\x0bMSH|^~\\&|LAB|HOSP|||202401011200||ORU^R01|1|P|2.3\r\x1c\r"),
    ("hl7", b"MSH|^~\\&|A|B\r"),
    ("dicom", b"\x01\0\0\0\0\xcd\0\x01\0\0ANY-SCP         ECHOSCU         \0\0\0\0\0\0\0\0"),
    ("dnp3", b"\x05\x64\x05\xc9\0\0\0\0\x36\x4c"),
    ("dnp3", b"\x05\x64\x0b\xc4\x01\0\x64\0\x80\x4e\xc0\xc0\x01\x3c\x02\x06\x1b\xa5"),
    ("iec104", b"\x68\x04\x07\0\0\0"),
    ("iec104", b"\x68\x04\x43\0\0\0"),
    ("iec104", b"\x68\x0e\0\0\0\0\x64\x01\x06\0\x01\0\0\0\0\x14"),
    ("java-rmi", b"JRMI\0\x02K"),
    ("t3", b"t3 12.2.1\nAS:255\nHL:19\nMS:10000000\n\n"),
    ("giop", b"GIOP\x01\x02\0\x03\0\0\0\x17"),
    ("java-object", b"\xac\xed\0\x05sr\0\x11java.util.HashMap"),
    ("amqp", b"AMQP\0\0\x09\x01"),
    ("bittorrent", b"\x13BitTorrent protocol\0\0\0\0\0\x10\0\x05"),
    ("printer", b"@PJL INFO ID\r\n"),
    ("printer", b"\x1b%-12345X@PJL JOB\r\n"),
    ("stratum", b"{\"id\": 1, \"method\": \"mining.subscribe\", \"params\": []}\n"),
    ("json-rpc", b"{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"eth_accounts\",\"params\":[]}\n"),
    ("json-rpc", b"{\"id\":1,\"method\":\"login\",\"params\":{\"login\":\"x\",\"pass\":\"x\",\"agent\":\"XMRig\"}}\n"),
    ("sip", b"OPTIONS sip:nm SIP/2.0\r\nVia: SIP/2.0/TCP nm;branch=foo\r\n"),
    ("rtsp", b"OPTIONS / RTSP/1.0\r\n\r\n"),
    ("rtsp", b"DESCRIBE rtsp://192.0.2.1:554/ RTSP/1.0\r\nCSeq: 2\r\n\r\n"),
    ("http", b"GET / HTTP/1.0"),
    ("http2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ("mqtt", b"\x10\x0c\0\x04MQTT\x04\x02\0\x3c\0\0"),
    ("mqtt", b"\x10\x16\0\x06MQIsdp\x03\x02\0\x05\0\x08paho/test"),
    ("postgresql", b"\0\0\0\x08\x04\xd2\x16\x2f"),
    ("postgresql", b"\0\0\0\x29\0\x03\0\0user\0postgres\0database\0postgres\0\0"),
    ("mssql", b"\x12\x01\0\x34\0\0\0\0\0\0\x15\0\x06\x01\0\x1b\0\x01\x02\0\x1c\0\x0c"),
    ("mssql", b"\x10\x01\0\x90\0\0\x01\0\x88\0\0\0\x04\0\0\x74"),
    ("epmap", b"\x05\0\x0b\x03\x10\0\0\0\x48\0\0\0\x01\0\0\0\xb8\x10\xb8\x10"),
    ("mongodb", b"\x3a\0\0\0\xa7\x41\0\0\0\0\0\0\xd4\x07\0\0\0\0\0\0test.$cmd\0"),
    ("mongodb", b"\x48\0\0\0\x02\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0\x33\0\0\0"),
    ("ldap", b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0"),
    ("ldap", b"\x30\x84\0\0\0\x2d\x02\x01\x07\x63\x84\0\0\0\x24\x04\0\x0a\x01\0"),
    ("oracle", b"\0\x5a\0\0\x01\0\0\0\x01\x36\x01\x2c\0\0\x08\0\x7f\xff(CONNECT_DATA=(COMMAND=version))"),
    ("pptp", b"\0\x9c\0\x01\x1a\x2b\x3c\x4d\0\x01\0\0\x01\0\0\0"),
    ("rpcbind", b"\x80\0\0\x28\x72\xfe\x1d\x13\0\0\0\0\0\0\0\x02\0\x01\x86\xa0"),
    ("modbus", b"\0\0\0\0\0\x05\0\x2b\x0e\x02\0"),
    ("modbus", b"\0\x01\0\0\0\x06\x01\x03\0\0\0\x0a"),
    ("ethernet-ip", b"\x63\0\0\0\0\0\0\0\0\0\0\0\xc1\xde\xbe\xd1\0\0\0\0\0\0\0\0"),
    ("x11", b"l\0\x0b\0\0\0\0\0\0\0\0\0"),
    ("minecraft", b"\x0f\0\x2f\x0919.0.2.12\x63\xdd\x01\x01\0"),
    ("minecraft", b"\xfe\x01"),
    ("mysql", b"\x4e\0\0\x01\x85\xa6\x7f\0\0\0\0\x01\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0root\0\x14"),
    ("dns", b"\0\x1e\0\x06\x01\0\0\x01\0\0\0\0\0\0\x07version\x04bind\0\0\x10\0\x03"),
    ("telnet", b"\xff\xfd\x03\xff\xfb\x18\xff\xfb\x1f"),
    ("redis", b"*1\r\n$4\r\nINFO\r\n"),
    ("redis", b"PING\r\n"),
    ("memcached", b"stats\r\n"),
    ("memcached", b"\x80\x0b\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
    ("smtp", b"EHLO scanner.example\r\n"),
    ("imap", b"a001 LOGIN admin admin\r\n"),
    ("pop3", b"CAPA\r\n"),
    ("irc", b"NICK bot\r\nUSER a a a :a\r\n"),
    ("ftp", b"USER anonymous\r\n"),
    ("rsync", b"@RSYNCD: 31.0\n"),
    ("zabbix", b"ZBXD\x01\x09\0\0\0\0\0\0\0agent.ping"),
    ("socks", b"\x05\x01\0"),
    ("socks", b"\x05\x04\0\x01\x02\x80\x05\x01\0\x03\x0agoogle.com\0\x50GET / HTTP/1.0\r\n\r\n"),
    ("socks", b"\x04\x01\0\x50\x05\xbc\xd2\xe3\0"),
    ("unknown", b"\r\n\r\n"),
    ("unknown", b"HELP\r\n"),
    ("unknown", b"\0"),
    ("unknown", b"root\r\nadmin\r\n"),
    ("unknown", b"\x03\0\0\0\x26\x1e\0\0\0\0"),
];

const UDP: &[(&str, &[u8])] = &[
    ("sip", b"OPTIONS sip:100@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5060\r\nUser-Agent: friendly-scanner\r\n"),
    ("upnp", b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n"),
    ("http", b"GET / HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n"),
    ("http", b"POST /x HTTP/1.0\r\n\r\n"),
    ("http", b"HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\n\r\n"),
    ("ipp", b"0 3 http://192.0.2.9:12345/printers/x \"a\" \"b\"\n"),
    ("memcached", b"get key\r\n"),
    ("snmp", b"\x30\x26\x02\x01\x01\x04\x06public\xa1\x19\x02\x04\xdc\x63\xc2\x9a"),
    ("snmp", b"\x30\x82\0\x2f\x02\x01\0\x04\x06public\xa0\x82\0\x20"),
    ("snmp", b"\x30\x3a\x02\x01\x03\x30\x0f\x02\x02\x4a\x69\x02\x03\0\xff\xe3"),
    ("cldap", b"\x30\x84\0\0\0\x2d\x02\x01\x01\x63\x84\0\0\0\x24\x04\0\x0a\x01\0"),
    ("quic", b"\xc3\0\0\0\x01\x08\x83\x94\xc8\xf0\x3e\x51\x57\x08\0\0\x44\x9e"),
    ("dtls", b"\x16\xfe\xff\0\0\0\0\0\0\0\0\0\x36\x01\0\0\x2a"),
    ("ike", b"\0\x11\x22\x33\x44\x55\x66\x77\0\0\0\0\0\0\0\0\x01\x10\x02\0\0\0\0\0\0\0\0\x1c"),
    ("openvpn", b"\x38\x64\xc1\x78\x01\xb8\x9b\xcb\x8f\0\0\0\0\0"),
    ("wireguard", &WIREGUARD),
    ("stun", b"\0\x01\0\0\x21\x12\xa4\x42\x41\x42\x43\x44\x45\x46\x47\x48\x49\x4a\x4b\x4c"),
    ("memcached", b"\0\0\0\0\0\x01\0\0stats\r\n"),
    ("netbios", b"\x80\xf0\0\x10\0\x01\0\0\0\0\0\0 CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\0\0!\0\x01"),
    ("rpcbind", b"\x72\xfe\x1d\x13\0\0\0\0\0\0\0\x02\0\x01\x86\xa0\0\x01\x97\x7c\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
    ("mssql", b"\x02"),
    ("mssql", b"\x04MSSQLSERVER\0"),
    ("ntp", b"\x17\0\x03\x2a\0\0\0\0"),
    ("ntp", b"\xe3\0\x04\xfa\0\x01\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xc5\x4f\x23\x4b\x71\xb1\x52\xf3"),
    ("ntp", b"\x16\x02\0\x01\0\0\0\0\0\0\0\0"),
    ("ipmi", b"\x06\0\xff\x07\0\0\0\0\0\0\0\0\0\x09\x20\x18\xc8\x81\0\x38\x8e\x04\xb5"),
    ("rmcp", b"\x06\0\xff\x06\0\0\x11\xbe\x80\0\0\0"),
    ("source-engine", b"\xff\xff\xff\xffTSource Engine Query\0"),
    ("bacnet", b"\x81\x0a\0\x11\x01\x04\0\x05\x01\x0c\x0c\x02\x3f\xff\xff\x19\x4b"),
    ("ws-discovery", b"<?xml version=\"1.0\"?><Envelope xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\">"),
    ("bittorrent", b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe"),
    ("bittorrent", b"\0\0\x04\x17\x27\x10\x19\x80\0\0\0\0\x12\x34\x56\x78"),
    ("l2tp", b"\xc8\x02\0\x3c\0\0\0\0\0\0\0\0\x80\x08\0\0\0\0\0\x01"),
    ("radius", b"\x01\0\0\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
    ("coap", b"\x40\x01\x01\xce\xbb.well-known\x04core"),
    ("coap", b"\x40\0\x12\x34"),
    ("tftp", b"\0\x01a.pdf\0octet\0"),
    ("mdns", b"\0\0\0\0\0\x01\0\0\0\0\0\0\x09_services\x07_dns-sd\x04_udp\x05local\0\0\x0c\0\x01"),
    ("dns", b"\0\0\x10\0\0\x01\0\0\0\0\0\0\x02ip\x06parrot\x02co\0\0\x10\0\x01"),
    ("dns", b"\x12\x34\x01\0\0\x01\0\0\0\0\0\x01\x07example\x03com\0\0\xff\0\x01\0\0\x29\x23\x28\0\0\0\0\0\0"),
    ("dns", b"\x61\xf1\x01\x20\0\x01\0\0\0\0\0\x01\x03isc\x03org\0\0\xff\0\x01\0\0\x29\x04\xd0\0\0\0\0\0\x0c\0\x0a\0\x08\x8b\x98\xa5\xef\xcc\xe6\xf5\xc8"),
    ("dns", b"\0\0\x10\0\0\0\0\0\0\0\0\0"),
    ("chargen", b"\n"),
    ("unknown", b"hello"),
    ("unknown", b"\x0d\x0a\x0d\x0a"),
];

const WIREGUARD: [u8; 148] = {
    let mut bytes = [0x5a; 148];
    bytes[0] = 1;
    bytes[1] = 0;
    bytes[2] = 0;
    bytes[3] = 0;
    bytes
};

#[test]
fn real_first_bytes_over_tcp_are_known() {
    for (name, bytes) in TCP {
        assert_eq!(tcp(bytes).name(), *name, "{}", bytes.escape_ascii());
    }
}

#[test]
fn real_datagrams_are_known() {
    for (name, bytes) in UDP {
        assert_eq!(udp(bytes).name(), *name, "{}", bytes.escape_ascii());
    }
}

#[test]
fn every_rule_has_a_sample() {
    for (rules, samples) in [(super::tcp::RULES, TCP), (super::udp::RULES, UDP)] {
        for (name, _) in rules {
            assert!(samples.iter().any(|(sample, _)| sample == name), "{name} has no sample");
        }
    }
}

#[test]
fn every_beginning_of_every_sample_is_read_without_harm() {
    for (_, bytes) in TCP.iter().chain(UDP) {
        for end in 0..=bytes.len() {
            super::fuzz(&bytes[..end]);
        }
    }
}

#[test]
fn http_is_told_from_what_only_looks_like_it() {
    for yes in [
        &b"GET / HTTP/1.1\r\n"[..],
        b"\r\nPOST /x HTTP/1.0\n",
        b"GET /\r\n",
        b"FOO bar HTTP/9\r\n",
        b"CONNECT a:443 HTTP/1.1\r\n",
    ] {
        assert_eq!(http_so_far(yes), Http::Yes, "{}", yes.escape_ascii());
    }
    for no in [
        &b"OPTIONS / RTSP/1.0\r\n"[..],
        b"OPTIONS sip:a SIP/2.0\r\n",
        b"PING\r\n",
        b"\x16\x03",
        b"SSH-2.0",
        b"stats\r\n",
        b"USER a\r\n",
        b"*1\r\n",
    ] {
        assert_eq!(http_so_far(no), Http::No, "{}", no.escape_ascii());
    }
    for perhaps in [&b""[..], b"G", b"GET /", b"GET / HTTP/1.1\r", b"\r\n", b"USER"] {
        assert_eq!(http_so_far(perhaps), Http::Perhaps, "{}", perhaps.escape_ascii());
    }
    let long = [b"GET /".as_slice(), &[b'a'; 9000]].concat();
    assert_eq!(http_so_far(&long), Http::Yes);
}

//! Programs that people and attackers use, run against the traps. One that is not installed is skipped with a printed line;
//! `scripts/test` installs them all.

use kizashi_event::{Detail, Event, PayloadOrigin};
use kizashi_traps::trap_named;

use crate::house::{House, installed, notes, passwords, said};

fn here(house: &House) -> String {
    house.address.to_string()
}

/// A folder of this test's own.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("kizashi-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn clients(events: &[Event]) -> Vec<String> {
    let client = |event: &Event| match &event.detail {
        Detail::Client { version: Some(version), .. } => Some(version.raw().to_owned()),
        _ => None,
    };
    events.iter().filter_map(client).collect()
}

#[test]
fn dig_is_refused_and_what_it_asked_is_told_as_an_amplification() {
    if !installed("dig") {
        return;
    }
    let house = House::named("amplifier");
    let port = house.port();
    let asked = ["@127.0.0.1", "-p", &port, "isc.org", "ANY", "+notcp", "+tries=1", "+timeout=20"];
    let shown = said("dig", &asked, None);
    assert!(shown.contains("status: REFUSED") && shown.contains("isc.org"), "{shown}");
    let events = house.close();
    assert_eq!(notes(&events, "amplification"), ["dns any"]);
    let answer = &notes(&events, "amplification answer")[0];
    assert!(answer.ends_with("factor 28.0 to 54.0 of CISA TA14-017A"), "{answer}");
    assert!(notes(&events, "question")[0].starts_with("ANY isc.org"));
    let victim = &notes(&events, "amplification victim")[0];
    assert!(victim.starts_with("127.0.0.1: 1 requests of "), "{victim}");
}

#[test]
fn nmap_gets_the_time_and_no_list_of_clients() {
    if !installed("nmap") {
        return;
    }
    let house = House::named("amplifier");
    let port = house.port();
    // `+` runs a script on a port that it does not know.
    let scripts = "+ntp-info,+ntp-monlist";
    let scan = ["-sU", "-Pn", "-n", "-p", &port, "--script", scripts, "127.0.0.1"];
    let shown = said("nmap", &scan, None);
    assert!(shown.contains("receive time stamp"), "{shown}");
    let events = house.close();
    let mut tried = notes(&events, "amplification");
    tried.sort();
    tried.dedup();
    assert!(tried.contains(&"ntp monlist".to_owned()), "{shown} {tried:?}");
    assert!(!shown.contains("monlist"), "{shown}");
}

#[test]
fn snmp_clients_are_told_which_community_is_right_and_that_the_answer_is_too_big() {
    if !installed("snmpget") {
        return;
    }
    let house = House::named("snmp");
    let agent = here(&house);
    let get = |version: &str, community: &str, object: &str| {
        said(
            "snmpget",
            &["-On", "-r", "0", "-t", "20", version, "-c", community, &agent, object],
            None,
        )
    };
    let shown = get("-v1", "public", ".1.3.6.1.2.1.1.1.0");
    assert!(shown.contains("tooBig"), "{shown}");
    let shown = get("-v2c", "public", ".1.3.6.1.2.1.99.1.0");
    assert!(shown.contains("No Such Object"), "{shown}");
    let set = ["-On", "-r", "0", "-t", "20", "-v2c", "-c", "private", &agent, ".1.3.6.1.2.1.1.5.0"];
    let shown = said("snmpset", &[&set[..], &["s", "pwnd"]].concat(), None);
    assert!(shown.contains(".1.3.6.1.2.1.1.5.0 = STRING: \"pwnd\""), "{shown}");
    let quick = ["-r", "0", "-t", "1", "-v2c", "-c", "cisco", &agent, ".1.3.6.1.2.1.1"];
    let shown = said("snmpwalk", &quick, None);
    assert!(shown.contains("Timeout"), "{shown}");
    let events = house.close();
    let mut tried = passwords(&events);
    tried.dedup();
    let expected = [("public", true), ("private", true), ("cisco", false)];
    assert_eq!(tried, expected.map(|(community, right)| (community.to_owned(), right)));
    assert!(notes(&events, "snmp 2c").contains(&"set 1.3.6.1.2.1.1.5.0 = pwnd".to_owned()));
}

#[test]
fn tftp_uploads_are_kept_whole() {
    for (program, more) in [("tftp", &[][..]), ("atftp", &["--option", "blksize 1024"][..])] {
        if !installed(program) {
            continue;
        }
        let folder = Folder::new(program);
        // Blocks enough to see that they are put together, and few enough for a minute's acknowledgements.
        let content: Vec<u8> = (0..1_700_u32).map(|number| (number % 251) as u8).collect();
        std::fs::write(folder.0.join("bot.mips"), &content).unwrap();
        let house = House::named("tftp");
        let port = house.port();
        let arguments: Vec<&str> = if program == "tftp" {
            vec!["-m", "octet", "127.0.0.1", &port, "-c", "put", "bot.mips"]
        } else {
            [more, &["-p", "-l", "bot.mips", "127.0.0.1", &port]].concat()
        };
        let shown = said(program, &arguments, Some(&folder.0));
        let events = house.close();
        let kept = events.iter().filter_map(|event| event.detail.payload());
        let kept: Vec<_> = kept.filter(|payload| payload.origin == PayloadOrigin::Upload).collect();
        assert_eq!(kept.len(), 1, "{program}: {shown} {events:?}");
        assert_eq!(kept[0].content, content, "{program}: {shown}");
        assert_eq!(kept[0].name.as_ref().map(|name| name.raw()), Some("bot.mips"));
        assert!(notes(&events, "tftp write given up").is_empty(), "{program}: {shown}");
    }
}

#[test]
fn sipsak_finds_an_exchange_over_udp() {
    if !installed("sipsak") {
        return;
    }
    let house = House::named("sip");
    let address = format!("sip:100@127.0.0.1:{}", house.port());
    let shown = said("sipsak", &["-vv", "-s", &address], None);
    assert!(shown.contains("SIP/2.0 200 OK"), "{shown}");
    let events = house.close();
    assert!(clients(&events).iter().any(|client| client.contains("sipsak")), "{events:?}");
}

#[test]
fn sipp_registers_with_a_digest_and_is_told_with_its_password() {
    if !installed("sipp") {
        return;
    }
    let folder = Folder::new("sipp");
    std::fs::write(folder.0.join("register.xml"), include_str!("register.xml")).unwrap();
    let house = House::tcp(trap_named("sip").unwrap());
    let address = here(&house);
    let asked = ["-sf", "register.xml", "-t", "t1", "-m", "1", "-timeout", "50", "-nostdin"];
    let shown = said("sipp", &[&asked[..], &[&address]].concat(), Some(&folder.0));
    let events = house.close();
    let successful = shown.lines().rfind(|line| line.contains("Successful call"));
    assert!(successful.is_some_and(|line| line.trim_end().ends_with('1')), "{shown}");
    assert!(clients(&events).contains(&"friendly-scanner".to_owned()), "{events:?}");
    assert_eq!(notes(&events, "hashcat 11400").len(), 1, "{events:?}");
}

/// Debian's sipp and sipsak have no TLS: a call to the same exchange inside it, by Python's own.
const INSIDE_TLS: &str = r#"
import socket, ssl, sys
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
with context.wrap_socket(socket.create_connection((sys.argv[1], 5061), timeout=40)) as stream:
    for method in ("OPTIONS", "INVITE"):
        lines = [f"{method} sip:0044700@{sys.argv[1]} SIP/2.0", "Via: SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bK-7;rport",
                 "From: <sip:100@192.0.2.1>;tag=1", "To: <sip:0044700@192.0.2.1>", f"Call-ID: {method}", f"CSeq: 1 {method}",
                 "Contact: <sip:100@192.0.2.1:5061;transport=tls>", "Max-Forwards: 70", "User-Agent: dialer", "Content-Length: 0", "", ""]
        stream.sendall("\r\n".join(lines).encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += stream.recv(4096)
        print(answer.split(b"\r\n")[0].decode())
"#;

#[test]
fn a_caller_inside_tls_is_answered_as_one_in_the_clear_and_his_number_is_told() {
    if !installed("python3") {
        return;
    }
    let house = House::tcp_at(trap_named("sip").unwrap(), 5_061);
    let address = house.address.ip().to_string();
    let shown = said("python3", &["-c", INSIDE_TLS, &address], None);
    let events = house.close();
    assert!(shown.contains("SIP/2.0 200 OK\nSIP/2.0 401 Unauthorized"), "{shown}");
    assert!(clients(&events).contains(&"dialer".to_owned()), "{events:?}");
    assert!(notes(&events, "dialled").iter().any(|told| told.contains("0044700")), "{events:?}");
}

#[test]
fn nmap_takes_the_exchange_for_asterisk() {
    if !installed("nmap") {
        return;
    }
    let house = House::tcp(trap_named("sip").unwrap());
    let port = house.port();
    let shown = said("nmap", &["-sT", "-sV", "-Pn", "-n", "-p", &port, "127.0.0.1"], None);
    let line = shown.lines().find(|line| line.contains("/tcp")).unwrap_or_default();
    assert!(line.contains("Asterisk"), "{shown}");
    house.close();
}

#[test]
fn ike_scan_is_answered_with_its_first_transform() {
    if !installed("ike-scan") {
        return;
    }
    let house = House::named("ike");
    let port = house.port();
    let shown = said("ike-scan", &["-s", "0", "-d", &port, "127.0.0.1"], None);
    assert!(shown.contains("Main Mode Handshake returned"), "{shown}");
    let events = house.close();
    assert!(notes(&events, "ike 1")[0].starts_with("main mode 8 transforms: 5/2/1/2"));
}

#[test]
fn coap_client_lists_resources_and_reads_none_that_is_longer_than_its_request() {
    if !installed("coap-client-notls") {
        return;
    }
    let house = House::named("coap");
    let address = format!("coap://127.0.0.1:{}", house.port());
    let list =
        said("coap-client-notls", &["-B", "20", &format!("{address}/.well-known/core")], None);
    assert!(list.contains("</t>,</led>"), "{list}");
    let lamp = said(
        "coap-client-notls",
        &["-B", "20", "-m", "put", "-e", "1", &format!("{address}/led")],
        None,
    );
    let events = house.close();
    let asked = notes(&events, "coap");
    assert_eq!(asked, ["GET /.well-known/core", "PUT /led"], "{lamp}");
    assert_eq!(notes(&events, "amplification"), ["coap resources"]);
}

#[test]
fn nmap_reads_a_controller_of_a_building() {
    if !installed("nmap") {
        return;
    }
    let house = House::named("bacnet");
    let port = house.port();
    // `+` runs the script on a port that it does not know.
    let scan = ["-sU", "-Pn", "-n", "-p", &port, "--script", "+bacnet-info", "127.0.0.1"];
    let shown = said("nmap", &scan, None);
    assert!(shown.contains("open"), "{shown}");
    let events = house.close();
    assert!(
        notes(&events, "bacnet").iter().any(|line| line.starts_with("read property")),
        "{shown}"
    );
}

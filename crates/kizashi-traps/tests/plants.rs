//! The traps of plants, hospitals, printers and games over real sockets, asked by the programs that scanners and people use.
#![allow(clippy::print_stdout, reason = "a test says what it skips")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "the house of the datagrams' tests can more than is needed here")]

#[path = "datagrams/house.rs"]
mod house;
#[path = "support/pypi.rs"]
mod pypi;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use house::{House, installed, notes, said};
use kizashi_event::{Detail, Event};
use kizashi_traps::trap_named;

fn house(name: &str) -> House {
    House::tcp(trap_named(name).unwrap())
}

/// What nmap prints of a trap, and what the trap told.
fn nmap(name: &str, more: &[&str]) -> (String, Vec<Event>) {
    let house = house(name);
    let port = house.port();
    let usual = ["-n", "-Pn", "-p", &port, "127.0.0.1"];
    let shown = said("nmap", &[more, &usual[..]].concat(), None);
    (shown, house.close())
}

/// The same on the port on which nmap expects the service, which is asked for it first.
fn nmap_at(name: &str, port: u16, more: &[&str]) -> (String, Vec<Event>) {
    let house = House::tcp_at(trap_named(name).unwrap(), port);
    let address = house.address.ip().to_string();
    let usual = ["-n", "-Pn", "-p", &port.to_string(), &address];
    let shown = said("nmap", &[more, &usual[..]].concat(), None);
    (shown, house.close())
}

/// Each script is told to run whatever the port's number.
fn script(trap: &str, script: &str) -> (String, Vec<Event>) {
    nmap(trap, &["--script", &format!("+{script}")])
}

#[test]
fn nmap_names_the_controllers_that_its_scripts_know() {
    if !installed("nmap") {
        return;
    }
    let (shown, events) = script("modbus", "modbus-discover");
    assert!(shown.contains("Schneider Electric TM221CE"), "{shown}");
    assert!(notes(&events, "modbus request").contains(&"function 17".to_owned()));
    let (shown, events) = script("s7", "s7-info");
    assert!(shown.contains("Module: 6ES7 315-2EH14-0AB0"), "{shown}");
    assert!(shown.contains("Version: 3.2.6") && shown.contains("Serial Number: S "), "{shown}");
    assert!(notes(&events, "s7 list").contains(&"001c 0001".to_owned()));
    let (shown, events) = script("enip", "enip-info");
    assert!(shown.contains("Rockwell Automation/Allen-Bradley (1)"), "{shown}");
    assert!(shown.contains("productName: 1766-L32BXB"), "{shown}");
    assert_eq!(notes(&events, "enip command"), ["list identity"]);
    let (shown, events) = script("iec104", "iec-identify");
    assert!(shown.contains("ASDU address: ") && shown.contains("Information objects: "), "{shown}");
    assert_eq!(notes(&events, "iec104 request").len(), 1);
    let (shown, _) = script("dicom", "dicom-ping");
    assert!(shown.contains("Any AET is accepted"), "{shown}");
}

#[test]
fn nmap_finds_modbus_by_its_own_probes() {
    if !installed("nmap") {
        return;
    }
    let (shown, _) = nmap("modbus", &["-sV", "--version-light"]);
    assert!(shown.contains("modbus  Modbus TCP"), "{shown}");
}

#[test]
fn nmap_names_the_printer_and_what_its_display_shows() {
    if !installed("nmap") {
        return;
    }
    let asked = ["-sV", "--allports", "--script", "+pjl-ready-message", "--script-args"];
    let message = ["pjl_ready_message=INSERT COIN"];
    let (shown, events) = nmap_at("printer", 9100, &[&asked[..], &message].concat());
    assert!(shown.contains("hp-pjl") && shown.contains("LaserJet"), "{shown}");
    assert!(shown.contains("\"Ready\" changed to \"INSERT COIN\""), "{shown}");
    let line = |event: &Event| matches!(&event.detail, Detail::Command { line, .. } if line.raw().contains("RDYMSG"));
    assert!(events.iter().any(line));
}

#[test]
fn nmap_names_the_games_server_with_its_version() {
    if !installed("nmap") {
        return;
    }
    let (shown, _) = nmap_at("minecraft", 25_565, &["-sV"]);
    assert!(shown.contains("minecraft Minecraft 1."), "{shown}");
    assert!(shown.contains("Users: 0/"), "{shown}");
}

#[test]
fn dcmtk_is_echoed_finds_nobody_and_stores_a_file() {
    if !installed("echoscu") {
        return;
    }
    let house = house("dicom");
    let port = house.port();
    let shown = said("echoscu", &["-v", "127.0.0.1", &port], None);
    assert!(shown.contains("Received Echo Response (Success)"), "{shown}");
    let query = ["-v", "-P", "-k", "0008,0052=PATIENT", "-k", "PatientName=*"];
    let shown = said("findscu", &[&query[..], &["127.0.0.1", &port]].concat(), None);
    assert!(shown.contains("Received Final Find Response (Success)"), "{shown}");
    let folder = std::env::temp_dir().join(format!("kizashi-dicom-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("text.dump"), DUMP).unwrap();
    let shown = said("dump2dcm", &["text.dump", "file.dcm"], Some(&folder));
    let stored = said("storescu", &["-v", "127.0.0.1", &port, "file.dcm"], Some(&folder));
    std::fs::remove_dir_all(folder).unwrap();
    assert!(stored.contains("Received Store Response (Success)"), "{shown}{stored}");
    let events = house.close();
    let clients = events.iter().filter(|event| matches!(event.detail, Detail::Client { .. }));
    assert_eq!(clients.count(), 3);
    let kept = events.iter().filter_map(|event| event.detail.payload()).next_back().unwrap();
    assert_eq!(kept.name.as_ref().map(|name| name.raw()), Some("1.2.3.4"));
    assert!(kept.content.windows(7).any(|window| window == b"DOE^JOE"), "{kept:?}");
}

/// A file as `dump2dcm` makes one.
const DUMP: &str = "(0008,0016) UI =SecondaryCaptureImageStorage
(0008,0018) UI [1.2.3.4]
(0010,0010) PN [DOE^JOE]
";

/// One frame of DNP3 that is answered to these bytes.
fn frame(house: &House, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(house.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(bytes).unwrap();
    let mut head = vec![0; 10];
    stream.read_exact(&mut head).unwrap();
    let user = usize::from(head[2]) - 5;
    let mut blocks = vec![0; user + 2 * user.div_ceil(16)];
    stream.read_exact(&mut blocks).unwrap();
    [head, blocks].concat()
}

/// tshark is the judge of what no client at hand speaks: it reads each layer and the sums, and names what is malformed.
fn dissected(port: u16, decoder: &str, bytes: &[u8]) -> String {
    let folder = std::env::temp_dir().join(format!("kizashi-{decoder}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let words: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    std::fs::write(folder.join("text"), format!("000000 {}\n", words.join(" "))).unwrap();
    let ports = format!("{port},40000");
    said("text2pcap", &["-q", "-T", &ports, "text", "answer.pcap"], Some(&folder));
    let chosen = format!("tcp.port=={port},{decoder}");
    let shown = said("tshark", &["-r", "answer.pcap", "-d", &chosen, "-V"], Some(&folder));
    std::fs::remove_dir_all(folder).unwrap();
    assert!(!shown.contains("Malformed"), "{shown}");
    shown
}

#[test]
fn tshark_reads_what_an_outstation_answers() {
    if !installed("tshark") || !installed("text2pcap") {
        return;
    }
    let house = house("dnp3");
    // A read of the device's attributes from the address for self-discovery.
    let asked = b"\x05\x64\x0b\xc4\xfc\xff\x01\x00\xde\x05\xc0\xc2\x01\x00\xfe\x06\x51\xff";
    let answer = frame(&house, asked);
    house.close();
    let shown = dissected(20_000, "dnp3", &answer);
    assert!(shown.contains("Distributed Network Protocol 3.0"), "{shown}");
    assert!(shown.contains("Function Code: Response (0x81)"), "{shown}");
    assert!(shown.contains("[Data Link Header Checksum Status: Good]"), "{shown}");
    assert!(!shown.contains("Status: Bad"), "{shown}");
}

/// A laboratory's result, sent by the client of PyPI's `hl7`.
const RESULT: &str = r#"
import sys
from hl7.client import MLLPClient
message = "MSH|^~\\&|LAB|CLINIC|HIS|CLINIC|20240101120000||ORU^R01|MSG00001|P|2.5\rPID|1||4711||DOE^JANE\rOBX|1|NM|GLU||5.4\r"
with MLLPClient("127.0.0.1", int(sys.argv[1])) as client:
    print(client.send_message(message).decode().replace("\r", "\n"))
"#;

#[test]
fn a_client_of_pypis_has_its_result_acknowledged_by_its_number() {
    let Some(python) = pypi::python("hl7-client", "hl7.client", &["hl7>=0.4,<0.5"]) else { return };
    let house = house("hl7");
    let shown = said(python.to_str().unwrap(), &["-c", RESULT, &house.port()], None);
    let events = house.close();
    assert!(shown.contains("MSA|AA|MSG00001"), "{shown}");
    assert_eq!(notes(&events, "hl7 message"), ["ORU^R01 MSG00001 from LAB to HIS"]);
    let kept = events.iter().filter_map(|event| event.detail.payload());
    assert!(
        kept.into_iter().any(|kept| kept.content.ends_with(b"OBX|1|NM|GLU||5.4\r")),
        "{events:?}"
    );
}

/// What operators' own scripts do, and those of who switches something off.
const MODBUS: &str = r#"
import sys
from pymodbus.client import ModbusTcpClient
client = ModbusTcpClient("127.0.0.1", port=int(sys.argv[1]), timeout=40)
assert client.connect()
for read in (client.read_holding_registers, client.read_input_registers):
    assert len(read(0, count=4).registers) == 4
assert len(client.read_coils(0, count=9).bits) == 16
assert not client.write_register(10, 1234).isError()
assert client.read_holding_registers(10, count=1).registers == [1234]
assert client.readwrite_registers(read_address=10, read_count=1, write_address=10, values=[7]).registers == [7]
assert not client.write_coils(4, [True, False]).isError() and client.read_coils(4, count=2).bits[:2] == [True, False]
names = client.read_device_information(read_code=1).information
assert names[0] == b"Schneider Electric" and names[1].startswith(b"TM221CE"), names
assert client.report_device_id().exception_code == 1
assert client.read_holding_registers(9000, count=1).exception_code == 2
print("done")
"#;

#[test]
fn a_modbus_client_of_pypis_reads_what_it_wrote_and_each_write_is_told() {
    let packages = ["pymodbus>=3.8,<4"];
    let Some(python) = pypi::python("modbus-client", "pymodbus", &packages) else { return };
    let house = house("modbus");
    let shown = said(python.to_str().unwrap(), &["-c", MODBUS, &house.port()], None);
    let events = house.close();
    assert_eq!(shown.trim(), "done");
    let told = notes(&events, "modbus write");
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].contains("1234"), "{told:?}");
}

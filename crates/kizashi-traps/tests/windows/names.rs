//! Windows' name services before real programs: nbtscan and nmblookup on UDP 137, which they alone ask, and on TCP 42 what Wireshark's dissector of WINS'
//! replication makes of the answers.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use super::house::{House, installed, run, said};
use super::{RELEASES, has_note, open};

/// A question of nbtscan's and of nmblookup's is shorter than its answer, so that nothing may leave: what they ask is told.
#[test]
fn those_who_ask_for_names_are_told_and_hear_nothing() {
    let Some((house, address)) = House::of_datagrams("netbios", 137) else { return };
    if installed("nbtscan") {
        let shown = run("nbtscan", &["-v", "-t", "300", &address]);
        assert!(!shown.contains("WIN-"), "{shown}");
    }
    if installed("nmblookup") {
        let shown = run("nmblookup", &["-A", &address, "--option=interfaces=lo"]);
        assert!(shown.contains("No reply from"), "{shown}");
    }
    let events = house.close();
    assert!(has_note(&events, "netbios", |value| value.starts_with("status *")), "{events:?}");
}

/// A partner's message (MS-WINSRA 2.2): its length, an opcode, an association, a kind, and the rest.
fn message(association: u32, kind: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(12 + body.len()).unwrap();
    let head = [length, 0x7800, association, kind].map(u32::to_be_bytes).concat();
    [&head, body].concat()
}

#[test]
fn a_partner_in_replication_is_answered_as_wireshark_reads_it() {
    if !installed("tshark") || !installed("text2pcap") {
        return;
    }
    let house = open("wins", RELEASES[0]);
    let mut partner = TcpStream::connect(house.address).unwrap();
    partner.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut ask = |bytes: &[u8]| {
        partner.write_all(bytes).unwrap();
        let mut length = [0; 4];
        partner.read_exact(&mut length).unwrap();
        let mut rest = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
        partner.read_exact(&mut rest).unwrap();
        [&length[..], &rest].concat()
    };
    let begun = ask(&message(0, 0, &[0, 0, 0, 1, 0, 2, 0, 5, 0, 0, 0, 0]));
    let number = u32::from_be_bytes(begun[16..20].try_into().unwrap());
    let owners = ask(&message(number, 3, &[0; 4]));
    drop(partner);
    house.close();
    let folder = std::env::temp_dir().join(format!("kizashi-wins-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (text, pcap) = (folder.join("text"), folder.join("pcap"));
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!(" {byte:02x}")).collect::<String>();
    std::fs::write(&text, format!("0000{}\n0000{}\n", hex(&begun), hex(&owners))).unwrap();
    let made = Command::new("text2pcap")
        .args(["-q", "-T", "42,5000"])
        .args([&text, &pcap])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", said(&made));
    let shown = run("tshark", &["-r", pcap.to_str().unwrap(), "-V", "-O", "winsrepl"]);
    std::fs::remove_dir_all(&folder).unwrap();
    for part in ["WREPL_START_ASSOCIATION_REPLY", "WREPL_REPL_TABLE_REPLY"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("Malformed"), "{shown}");
}

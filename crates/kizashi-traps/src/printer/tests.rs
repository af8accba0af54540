use super::TRAP;
use super::files::{listing, query};
use super::pjl::option;
use crate::contract;

#[test]
fn every_transcript_holds_however_the_bytes_are_cut() {
    contract::replay_all(&TRAP);
}

#[test]
fn the_trap_keeps_the_contract() {
    contract::holds(&TRAP);
}

#[test]
fn options_are_read_with_and_without_blanks_and_quotes() {
    let text = r#"FORMAT:BINARY SIZE = 12 NAME="0:\a b""#;
    assert_eq!(option(text, "SIZE").as_deref(), Some("12"));
    assert_eq!(option(text, "NAME").as_deref(), Some(r"0:\a b"));
    assert_eq!(option(text, "ENTRY"), None);
    assert_eq!(option("NAME=", "NAME"), None);
}

#[test]
fn the_disk_has_no_way_out() {
    assert!(listing("0:\\").unwrap().contains("webServer TYPE=DIR"));
    assert_eq!(query("0:/webServer/home/device.html").as_deref(), Some("TYPE=FILE SIZE=2511"));
    for name in ["0:\\..\\..\\etc", "0:/../", "1:\\", "/etc/passwd", ""] {
        assert_eq!((listing(name), query(name)), (None, None), "{name}");
    }
}

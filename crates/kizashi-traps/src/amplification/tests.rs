use std::sync::Arc;

use kizashi_event::{Detail, Port, Timestamp};

use super::{VICTIMS, Vector, Watch};
use crate::{Identity, Output, Visit};

fn name(bytes: &[u8], port: u16) -> Option<&'static str> {
    Vector::of(bytes, port).map(|vector| vector.name)
}

#[test]
fn each_of_the_amplifiers_that_the_field_names_is_recognised_by_what_is_really_sent() {
    let any = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\xff\0\x01";
    assert_eq!(name(any, 53), Some("dns any"));
    assert_eq!(name(b"\x17\0\x03\x2a\0\0\0\0", 123), Some("ntp monlist"));
    assert_eq!(name(b"\x16\x02\0\0\0\0\0\0\0\0\0\0", 123), Some("ntp control mode"));
    assert_eq!(name(b"M-SEARCH * HTTP/1.1\r\nST:ssdp:all\r\n\r\n", 1900), Some("ssdp m-search"));
    assert_eq!(name(b"\0\0\0\0\0\x01\0\0stats\r\n", 11_211), Some("memcached"));
    assert_eq!(name(b"", 19), Some("chargen"));
    assert_eq!(name(b"\n", 17), Some("quote of the day"));
    assert_eq!(name(b"\0\x14\0\0", 3283), Some("apple remote management"));
    assert_eq!(name(b"\xff\xff\xff\xffTSource Engine Query\0", 27_015), Some("steam info"));
    assert_eq!(name(b"\xff\xff\xff\xffgetstatus\n", 27_960), Some("quake status"));
    let dump = [
        &[7, 7, 7, 7, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0x86, 0xa0, 0, 0, 0, 2, 0, 0, 0, 4][..],
        &[0; 16],
    ];
    assert_eq!(name(&dump.concat(), 111), Some("portmap dump"));
    let bulk = b"\x30\x20\x02\x01\x01\x04\x06public\xa5\x13\x02\x01\x01\x02\x01\0\x02\x02\x08\xca\x30\x07\x30\x05\x06\x01\x2b\x05\0";
    assert_eq!(name(bulk, 161), Some("snmp getbulk"));
    let search = b"\x30\x84\0\0\0\x2d\x02\x01\x01\x63\x84\0\0\0\x24\x04\0\x0a\x01\0\x0a\x01\0\x02\x01\0\x02\x01\0\x01\x01\0";
    assert_eq!(name(search, 389), Some("cldap search"));
    assert_eq!(name(b"\x40\x01\0\x01\xbb.well-known\x04core", 5683), Some("coap resources"));
}

#[test]
fn a_factor_is_told_only_of_the_request_for_which_it_was_published() {
    let factor = |bytes: &[u8], port| {
        Vector::of(bytes, port)?.published.as_ref().map(super::vectors::Published::factor)
    };
    assert_eq!(factor(b"\x02", 1434).as_deref(), Some("691.0"));
    assert_eq!(name(b"\x04MSSQLSERVER\0", 1434), Some("ms-sql instances"));
    assert_eq!(factor(b"\x04MSSQLSERVER\0", 1434), None);
    let core = b"\x40\x01\0\x01\xbb.well-known\x04core";
    assert_eq!(factor(core, 5683).as_deref(), Some("34.0"));
}

#[test]
fn what_is_answered_with_as_much_as_was_asked_is_no_amplification() {
    let address = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x01\0\x01";
    assert_eq!(name(address, 53), None);
    let version = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07version\x04bind\0\0\x10\0\x03";
    assert_eq!(name(version, 53), None);
    let time = [&[0x23][..], &[0; 47]].concat();
    assert_eq!(name(&time, 123), None);
}

fn watch(identity: &Arc<Identity>, victim: [u8; 4]) -> Watch {
    let port = Port::udp(123);
    Watch::new(identity, Visit { source: victim.into(), destination: None, port, encrypted: false })
}

fn notes(out: &mut Output) -> Vec<(String, String)> {
    let note = |detail| match detail {
        Detail::Note { name, value } => (name.raw().to_owned(), value.raw().to_owned()),
        other => panic!("{other:?}"),
    };
    out.take_seen().into_iter().map(|seen| note(seen.detail)).collect()
}

#[test]
fn attempts_in_the_name_of_one_victim_are_summed_over_sessions_and_protocols() {
    let identity = Arc::new(Identity::draw([7; 32]));
    let now = Timestamp::from_seconds(1_795_582_440);
    let mut out = Output::new(kizashi_event::Service::UNKNOWN);
    let mut first = watch(&identity, [198, 51, 100, 7]);
    assert!(!first.sees(b"\x17\0\x03\x2a\0\0\0\0", now, &mut out));
    assert!(first.sees(b"\x17\0\x03\x2a\0\0\0\0", now, &mut out), "a repetition");
    let told = notes(&mut out);
    assert_eq!(told[0], ("amplification".into(), "ntp monlist".into()));
    assert_eq!(told[1].1, "4455 bytes for 8, by the factor 556.9 of CISA TA14-017A");
    let mut second = watch(&identity, [198, 51, 100, 7]);
    assert!(!second.sees(b"M-SEARCH * HTTP/1.1\r\n\r\n", now.plus(5), &mut out));
    watch(&identity, [198, 51, 100, 8]).sees(b"\x17\0\x03\x2a\0\0\0\0", now, &mut out);
    let _ = notes(&mut out);
    second.end(&mut out);
    let since = now.rfc3339();
    let sum = format!(
        "198.51.100.7: 3 requests of 39 bytes since {since}, answers of 9618 bytes: ntp monlist, ssdp m-search"
    );
    assert_eq!(notes(&mut out), [("amplification victim".to_owned(), sum)]);
}

#[test]
fn however_many_victims_are_forged_few_are_remembered() {
    let identity = Arc::new(Identity::draw([7; 32]));
    let mut out = Output::new(kizashi_event::Service::UNKNOWN);
    for number in 0..u32::try_from(3 * VICTIMS).unwrap() {
        let mut one = watch(&identity, (0x0a00_0000 + number).to_be_bytes());
        one.sees(b"\x17\0\x03\x2a\0\0\0\0", Timestamp::from_seconds(0), &mut out);
        let _ = out.take_seen();
    }
    assert!(identity.victims().0.lock().unwrap().len() <= 2 * VICTIMS);
}

use super::TRAP;
use super::wire::{literal, quoted, set, words};
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
fn commands_are_cut_into_words_as_the_standard_writes_them() {
    let texts = |text: &[u8]| -> Vec<String> {
        words(text).into_iter().map(|word| String::from_utf8(word).unwrap()).collect()
    };
    assert_eq!(texts(br#"a LOGIN "us er" "pa\"ss""#), ["a", "LOGIN", "us er", "pa\"ss"]);
    assert_eq!(
        texts(b"a FETCH 1 (FLAGS BODY[HEADER.FIELDS (FROM TO)])"),
        ["a", "FETCH", "1", "(FLAGS BODY[HEADER.FIELDS (FROM TO)])"]
    );
    assert_eq!(texts(br#"a LIST "" *"#), ["a", "LIST", "", "*"]);
    let odd = br#"a "b\c"#;
    assert_eq!(texts(&quoted(odd)), [String::from_utf8(odd.to_vec()).unwrap()]);
}

#[test]
fn literals_and_sets_that_lie_are_none() {
    assert_eq!(literal(b"a LOGIN {7}"), Some((7, true)));
    assert_eq!(literal(b"a LOGIN {7+}"), Some((7, false)));
    for none in [&b"a LOGIN {}"[..], b"{-1}", b"{99999999999999999999}", b"7}", b""] {
        assert_eq!(literal(none), None);
    }
    assert_eq!(set("1:*", 4), [1, 2, 3, 4]);
    assert_eq!(set("4:2,2,9,x", 4), [2, 3, 4]);
    assert!(set("4294967295:*", 4).len() <= 1);
}

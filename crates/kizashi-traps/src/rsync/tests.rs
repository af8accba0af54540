use super::TRAP;
use super::session::answer;
use crate::contract;

#[test]
fn every_transcript_holds_however_the_bytes_are_cut() {
    contract::replay_all(&TRAP);
}

#[test]
fn the_trap_keeps_the_contract() {
    contract::holds(&TRAP);
}

/// What rsync 3.2.7 with `RSYNC_PASSWORD=x` and the protocol 30 answers to this challenge.
#[test]
fn a_challenge_is_answered_as_the_client_does() {
    assert_eq!(answer("", "").len(), 22);
    assert_eq!(answer("", ""), "1B2M2Y8AsgTpgAmY7PhCfg");
}

use super::TRAP;
use crate::contract;

#[test]
fn every_transcript_holds_however_the_bytes_are_cut() {
    contract::replay_all(&TRAP);
}

#[test]
fn the_trap_keeps_the_contract() {
    contract::holds(&TRAP);
}

//! Every trap. A new protocol is its folder, its `mod` line in `lib.rs`, and a line here; the contract kit then tests it.

use crate::{
    Trap, amplifier, any, bacnet, coap, elasticsearch, epmap, http, https, ike, memcached, mysql,
    netbios, radmin, redis, sip, smb, smtp, snmp, ssdp, ssh, telnet, tftp, wins,
};

static TRAPS: &[Trap] = &[
    http::TRAP,
    https::TRAP,
    ssh::TRAP,
    telnet::TRAP,
    elasticsearch::TRAP,
    redis::TRAP,
    amplifier::TRAP,
    snmp::TRAP,
    tftp::TRAP,
    sip::TRAP,
    ssdp::TRAP,
    coap::TRAP,
    ike::TRAP,
    bacnet::TRAP,
    netbios::TRAP,
    radmin::TRAP,
    memcached::TRAP,
    mysql::TRAP,
    smtp::TRAP,
    smb::TRAP,
    epmap::TRAP,
    wins::TRAP,
    any::TRAP,
];

/// Every trap there is.
#[must_use]
pub fn registry() -> &'static [Trap] {
    TRAPS
}

/// The trap of this name.
#[must_use]
pub fn trap_named(name: &str) -> Option<&'static Trap> {
    TRAPS.iter().find(|trap| trap.name == name)
}

//! Every trap. A new protocol is its folder, its `mod` line in `lib.rs`, and a line here; the contract kit then tests it.

use crate::{
    Trap, adb, amplifier, any, bacnet, coap, dicom, dnp3, elasticsearch, enip, epmap, ftp, ftpdata,
    hl7, http, https, iec104, ike, imap, ipp, memcached, minecraft, modbus, mongodb, mqtt, mssql,
    mysql, netbios, pop3, postgresql, pptp, printer, radmin, rdp, redis, rsync, rtsp, s7, sip, smb,
    smtp, snmp, ssdp, ssh, teamviewer, telnet, tftp, vnc, winrm, wins, x11,
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
    rdp::TRAP,
    memcached::TRAP,
    mongodb::TRAP,
    mysql::TRAP,
    mssql::TRAP,
    smtp::TRAP,
    modbus::TRAP,
    s7::TRAP,
    enip::TRAP,
    dnp3::TRAP,
    iec104::TRAP,
    dicom::TRAP,
    hl7::TRAP,
    printer::TRAP,
    ipp::TRAP,
    minecraft::TRAP,
    ftp::TRAP,
    ftpdata::TRAP,
    pop3::TRAP,
    imap::TRAP,
    mqtt::TRAP,
    rtsp::TRAP,
    pptp::TRAP,
    rsync::TRAP,
    x11::TRAP,
    teamviewer::TRAP,
    postgresql::TRAP,
    vnc::TRAP,
    adb::TRAP,
    smb::TRAP,
    epmap::TRAP,
    wins::TRAP,
    winrm::TRAP,
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

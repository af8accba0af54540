//! The requests that are sent for their answers, and how much larger these are. Factors are of UDP payload, as published:
//!
//! - CISA (US-CERT) alert TA14-017A, "UDP-Based Amplification Attacks", its table in the version of December 2019 (most of it Rossow's,
//!   "Amplification Hell", NDSS 2014); the row's words stand beside each;
//! - NETSCOUT ASERT, "A Call to ARMS", June 2019, for Apple's remote management: 35.5 to 1, 32 bytes for 1,034 and a second, shorter answer;
//! - the same, "CoAP Attacks In The Wild", January 2019, for CoAP: 34 on average;
//! - Bitsight and Curesec, CVE-2023-29552, April 2023, for SLP: 1.6 to 12 as it comes (29 bytes for 48 to 350), 2,200 once the attacker has
//!   registered services there;
//! - Akamai PLXsert, "MS SQL Reflection DDoS", February 2015, for SQL Server's resolution: "nearly 25" with the heads of IP and UDP, 29 bytes for 719; without
//!   these 28 each, as all factors here are, one byte for 691.
//!
//! Looked up again on the 29th of November 2026. The alert's rows "Kad" and "LDAP" (TCP's sibling of CLDAP) have no port here.
//!
//! Where no published figure could be found the attempt is told without one.

use kizashi_event::bytes::{be16, be32};
use kizashi_event::recognise;

/// A way to have a server send more than it was sent.
#[derive(Debug)]
pub(crate) struct Vector {
    /// Protocol and request.
    pub(crate) name: &'static str,
    /// How large the answers are.
    pub(crate) published: Option<Published>,
}

/// A published factor, in tenths, from the lowest to the highest.
#[derive(Debug)]
pub(crate) struct Published {
    low: u64,
    high: u64,
    pub(crate) source: &'static str,
}

const ALERT: &str = "CISA TA14-017A";
const ASERT: &str = "NETSCOUT ASERT 2019";
const BITSIGHT: &str = "Bitsight, CVE-2023-29552";
const AKAMAI: &str = "Akamai PLXsert 2015";

impl Published {
    /// Bytes that answer so many.
    pub(crate) const fn answer_to(&self, bytes: u64) -> (u64, u64) {
        (bytes.saturating_mul(self.low) / 10, bytes.saturating_mul(self.high) / 10)
    }

    /// `28.0 to 54.0`.
    pub(crate) fn factor(&self) -> String {
        let decimal = |tenths: u64| format!("{}.{}", tenths / 10, tenths % 10);
        if self.low == self.high {
            decimal(self.low)
        } else {
            format!("{} to {}", decimal(self.low), decimal(self.high))
        }
    }
}

const fn known(name: &'static str, low: u64, high: u64, source: &'static str) -> Vector {
    Vector { name, published: Some(Published { low, high, source }) }
}

const fn unknown(name: &'static str) -> Vector {
    Vector { name, published: None }
}

// DNS, 28 to 54.
static DNS_ANY: Vector = known("dns any", 280, 540, ALERT);
static DNS_TXT: Vector = known("dns txt", 280, 540, ALERT);
static DNS_KEYS: Vector = known("dns keys and signatures", 280, 540, ALERT);
// Multicast DNS, 2 to 10, unicast query.
static MDNS: Vector = known("mdns query", 20, 100, ALERT);
// NTP, 556.9.
static NTP_MONLIST: Vector = known("ntp monlist", 5_569, 5_569, ALERT);
// Of these two the alert says nothing but "see TA14-013A", which is about monlist.
static NTP_PRIVATE: Vector = unknown("ntp private mode");
static NTP_CONTROL: Vector = unknown("ntp control mode");
// SNMPv2, 6.3, GetBulk request.
static SNMP_BULK: Vector = known("snmp getbulk", 63, 63, ALERT);
// SSDP, 30.8, SEARCH request.
static SSDP: Vector = known("ssdp m-search", 308, 308, ALERT);
// CLDAP, 56 to 70.
static CLDAP: Vector = known("cldap search", 560, 700, ALERT);
// CharGEN, 358.8.
static CHARGEN: Vector = known("chargen", 3_588, 3_588, ALERT);
// QOTD, 140.3.
static QUOTE: Vector = known("quote of the day", 1_403, 1_403, ALERT);
// Memcached, 10,000 to 51,000.
static MEMCACHED: Vector = known("memcached", 100_000, 510_000, ALERT);
// Portmap (RPCbind), 7 to 28.
static PORTMAP: Vector = known("portmap dump", 70, 280, ALERT);
// WS-Discovery, 10 to 500.
static WS_DISCOVERY: Vector = known("ws-discovery probe", 100, 5_000, ALERT);
// NetBIOS, 3.8, name resolution.
static NETBIOS: Vector = known("netbios name", 38, 38, ALERT);
// TFTP, 60.
static TFTP: Vector = known("tftp read", 600, 600, ALERT);
// BitTorrent, 3.8, file search.
static BITTORRENT: Vector = known("bittorrent", 38, 38, ALERT);
// Steam Protocol, 5.5.
static STEAM: Vector = known("steam info", 55, 55, ALERT);
// Quake Network Protocol, 63.9.
static QUAKE: Vector = known("quake status", 639, 639, ALERT);
// RIPv1, 131.24.
static RIP: Vector = known("rip table", 1_312, 1_312, ALERT);
static ARMS: Vector = known("apple remote management", 355, 355, ASERT);
static SLP: Vector = known("slp", 16, 22_000, BITSIGHT);
static COAP: Vector = known("coap resources", 340, 340, ASERT);
static MSSQL: Vector = known("ms-sql instances", 6_910, 6_910, AKAMAI);
/// The same by a longer request, for one instance.
static MSSQL_ONE: Vector = unknown("ms-sql instances");
static IPMI: Vector = unknown("ipmi authentication capabilities");

impl Vector {
    /// What a datagram to this port tries, where it is one of these.
    pub(crate) fn of(bytes: &[u8], port: u16) -> Option<&'static Self> {
        // These two answer whatever comes (RFC 864, RFC 865).
        match port {
            17 => return Some(&QUOTE),
            19 => return Some(&CHARGEN),
            427 if matches!(bytes, [1 | 2, 1..=11, ..]) => return Some(&SLP),
            520 if bytes.starts_with(&[1, 1, 0, 0]) => return Some(&RIP),
            // The status request of Apple's remote desktop.
            3283 if bytes.starts_with(&[0, 0x14, 0, 0]) => return Some(&ARMS),
            _ => {}
        }
        match recognise::udp(bytes).name() {
            "dns" => dns(bytes),
            "mdns" => Some(&MDNS),
            "ntp" => ntp(bytes),
            "snmp" => snmp_bulk(bytes).then_some(&SNMP_BULK),
            "upnp" => bytes.starts_with(b"M-SEARCH").then_some(&SSDP),
            "cldap" => Some(&CLDAP),
            "memcached" => Some(&MEMCACHED),
            // RFC 1833: program 100000, procedure 4.
            "rpcbind" => {
                (be32(bytes, 12) == Some(100_000) && be32(bytes, 20) == Some(4)).then_some(&PORTMAP)
            }
            "ws-discovery" => Some(&WS_DISCOVERY),
            // A question, not a registration.
            "netbios" => (bytes[2] & 0x78 == 0).then_some(&NETBIOS),
            "tftp" => (be16(bytes, 0) == Some(1)).then_some(&TFTP),
            "bittorrent" => Some(&BITTORRENT),
            "source-engine" => source_engine(bytes),
            "coap" => is_discovery(bytes).then_some(&COAP),
            "mssql" => Some(if bytes.len() == 1 { &MSSQL } else { &MSSQL_ONE }),
            "rmcp" | "ipmi" => Some(&IPMI),
            _ => None,
        }
    }
}

/// By the type asked for (RFC 1035, 3.2.2; RFC 4034), of the class Internet alone: `version.bind` is no such request.
fn dns(bytes: &[u8]) -> Option<&'static Vector> {
    let mut at = 12;
    while let Some(length @ 1..=63) = bytes.get(at) {
        at += 1 + usize::from(*length);
    }
    if be16(bytes, at + 3) == Some(3) {
        return None;
    }
    match be16(bytes, at + 1)? {
        255 => Some(&DNS_ANY),
        16 => Some(&DNS_TXT),
        46 | 48 => Some(&DNS_KEYS),
        _ => None,
    }
}

/// Mode 7 (ntpd's own) with the codes MON_GETLIST and MON_GETLIST_1 (CVE-2013-5211), mode 6 (RFC 9327). Telling the time is none.
fn ntp(bytes: &[u8]) -> Option<&'static Vector> {
    match (bytes.first()? & 7, bytes.get(3)) {
        (7, Some(20 | 42)) => Some(&NTP_MONLIST),
        (7, _) => Some(&NTP_PRIVATE),
        (6, _) => Some(&NTP_CONTROL),
        _ => None,
    }
}

/// The tag of a GetBulkRequest right after a community (RFC 3416, 3).
fn snmp_bulk(bytes: &[u8]) -> bool {
    crate::snmp::message_kind(bytes) == Some(0xa5)
}

fn source_engine(bytes: &[u8]) -> Option<&'static Vector> {
    let rest = bytes.get(4..)?;
    if rest.starts_with(b"getstatus") || rest.starts_with(b"getinfo") {
        return Some(&QUAKE);
    }
    matches!(rest.first(), Some(b'T' | b'U' | b'V')).then_some(&STEAM)
}

/// A request for `/.well-known/core` (RFC 6690).
fn is_discovery(bytes: &[u8]) -> bool {
    bytes.windows(11).any(|window| window == b".well-known")
}

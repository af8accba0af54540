//! The rules as text. Who is left alone is asked of the kernel for each packet: `socket transparent 0` holds where any socket of this
//! machine but the catch-all's would take it, be it a listener that was started a moment ago, the reply to a connection of our own, or
//! the owner's SSH. A list of ports stands beside that, so that a service that is just restarting keeps its port.
//!
//! The chain comes after other people's destination NAT (a published port of a container is not ours), and decides nothing else: what a
//! firewall refuses later stays refused.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::{Kept, Plan, TABLE};
use crate::failure::Failure;

/// Interfaces or networks of a setting at most.
pub(crate) const MOST_NAMED: usize = 64;

/// The name of an interface (15 bytes at most in Linux), perhaps with `*` at its end.
///
/// # Errors
/// What is allowed.
pub(crate) fn interface(name: &str) -> Result<&str, String> {
    let bare = name.strip_suffix('*').unwrap_or(name);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if (1..=15).contains(&bare.len()) && bare.bytes().all(allowed) {
        Ok(name)
    } else {
        let shown = kizashi_event::escape_for_people(name);
        Err(format!("`{shown}` is no interface: write a name such as eth1, or its beginning and *"))
    }
}

/// An address, or one with its bits, as nft writes it.
///
/// # Errors
/// What is allowed.
pub(crate) fn network(text: &str) -> Result<(IpAddr, u8), String> {
    let (address, bits) =
        text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let read = || {
        let address: IpAddr = address.trim().parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits: u8 = bits.map_or(Some(most), |bits| bits.trim().parse().ok())?;
        (bits <= most).then_some((address, bits))
    };
    read().ok_or_else(|| {
        let shown = kizashi_event::escape_for_people(text);
        format!("`{shown}` is no network: write 192.0.2.0/24 or 2001:db8::/32")
    })
}

/// The table under another name, for trying; the text that is applied has [`TABLE`]'s.
pub(crate) fn rules(plan: &Plan, kept: &Kept, name: &str) -> Result<String, Failure> {
    let asked = Failure::Asked;
    let mut lines = vec![
        "iifname \"lo\" accept".to_owned(),
        "meta l4proto != tcp accept".to_owned(),
        "fib daddr type != local accept".to_owned(),
        "socket transparent 0 accept".to_owned(),
        "tcp dport @kept accept".to_owned(),
    ];
    if plan.interfaces.len().max(plan.networks.len()) > MOST_NAMED {
        return Err(asked(format!("a list of interfaces or networks has at most {MOST_NAMED}")));
    }
    for name in &plan.interfaces {
        lines.push(format!("iifname \"{}\" accept", interface(name).map_err(asked)?));
    }
    for text in &plan.networks {
        let (address, bits) = network(text).map_err(asked)?;
        lines.push(format!("{} saddr {address}/{bits} accept", family(address)));
    }
    let port = plan.listener;
    lines.push(match plan.address {
        None => format!("meta l4proto tcp tproxy to :{port} counter accept"),
        Some(IpAddr::V4(own)) => {
            format!("meta l4proto tcp ip daddr {own} tproxy ip to {own}:{port} counter accept")
        }
        Some(IpAddr::V6(own)) => {
            format!("meta l4proto tcp ip6 daddr {own} tproxy ip6 to [{own}]:{port} counter accept")
        }
    });
    let mut text = format!("table {} {name} {{\n", TABLE[0]);
    text.push_str("\tflags owner;\n\tset kept {\n\t\ttype inet_service;\n\t\tflags interval;\n");
    let elements = ranges(kept);
    if !elements.is_empty() {
        let _ = writeln!(text, "\t\telements = {{ {} }};", elements.join(", "));
    }
    text.push_str("\t};\n\tchain prerouting {\n");
    text.push_str("\t\ttype filter hook prerouting priority dstnat + 10; policy accept;\n");
    for line in lines {
        let _ = writeln!(text, "\t\t{line};");
    }
    text.push_str("\t};\n};\n");
    Ok(text)
}

const fn family(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "ip" } else { "ip6" }
}

/// Ports as nft writes them, neighbours as a range.
fn ranges(kept: &Kept) -> Vec<String> {
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    for port in kept.ports() {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(port) => *last = port,
            _ => ranges.push((port, port)),
        }
    }
    let shown = |(first, last): &(u16, u16)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    ranges.iter().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Reason;
    use super::*;

    fn plan() -> Plan {
        Plan {
            listener: 50_080,
            address: None,
            ports: String::new(),
            interfaces: vec!["wg*".to_owned()],
            networks: vec!["10.0.0.0/8".to_owned(), "fd00::/8".to_owned()],
            dashboard: 7777,
            traps: Vec::new(),
        }
    }

    #[test]
    fn real_sockets_loopback_and_what_the_owner_keeps_out_come_before_the_catch_all() {
        let kept =
            Kept::of([(22, Reason::Listens), (23, Reason::Named), (7777, Reason::Dashboard)]);
        let text = rules(&plan(), &kept, "kizashi").unwrap();
        assert!(text.contains("elements = { 22-23, 7777 };"), "{text}");
        let taken = text.find("tproxy").unwrap();
        for before in [
            "\"lo\"",
            "socket transparent 0",
            "@kept",
            "\"wg*\"",
            "10.0.0.0/8",
            "ip6 saddr fd00::/8",
        ] {
            assert!(text.find(before).unwrap() < taken, "{before}: {text}");
        }
        assert_eq!(text.matches("tproxy").count(), 1);
    }

    #[test]
    fn nothing_that_an_owner_writes_becomes_another_rule() {
        let kept = Kept::default();
        for name in ["", "eth0\" accept; flush ruleset; #", "a*b", "sixteen-bytes-xx", "*"] {
            let plan = Plan { interfaces: vec![name.to_owned()], ..plan() };
            assert!(rules(&plan, &kept, "kizashi").is_err(), "{name}");
        }
        for text in ["10.0.0.0/33", "example.org", "1.2.3.4/8 accept", "::/129", ""] {
            let plan = Plan { networks: vec![text.to_owned()], ..plan() };
            assert!(rules(&plan, &kept, "kizashi").is_err(), "{text}");
        }
    }

    #[test]
    fn traps_on_one_address_take_what_comes_to_that_address_alone() {
        let plan = Plan { address: Some("192.0.2.9".parse().unwrap()), ..plan() };
        let text = rules(&plan, &Kept::default(), "kizashi").unwrap();
        assert!(text.contains("ip daddr 192.0.2.9 tproxy ip to 192.0.2.9:50080"), "{text}");
        assert!(!text.contains("elements"), "an empty list of elements is no nft: {text}");
    }
}

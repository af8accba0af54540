//! Lists to block by, each with the time after which it lets go: plain, for nftables (`nft -f`), for ipset (`ipset restore`), as a log for a filter
//! of fail2ban, and as decisions for CrowdSec (`cscli decisions import`).

use std::fmt::Write as _;
use std::net::IpAddr;

use serde_json::json;

use super::{Shared, Source};

/// nftables' and ipset's own bounds of a timeout in seconds: what is longer wraps there (2^32 milliseconds).
const LONGEST_TIMEOUT: i64 = 2_147_483;

pub(super) fn plain(shared: &Shared) -> String {
    let mut text = format!(
        "# Sources of signs of {}, made at {}; the list is void a day later.\n",
        word(&shared.sensor),
        shared.now.rfc3339()
    );
    for source in &shared.sources {
        let _ = writeln!(text, "{}", source.address);
    }
    text
}

pub(super) fn nftables(shared: &Shared) -> String {
    let mut text = format!(
        "# Made at {} by kizashi export --format nftables: load by `nft -f`; `nft delete table inet kizashi_blocklist` takes it away.\n\
         table inet kizashi_blocklist\ndelete table inet kizashi_blocklist\ntable inet kizashi_blocklist {{\n",
        shared.now.rfc3339()
    );
    for (name, kind, of) in [("four", "ipv4_addr", true), ("six", "ipv6_addr", false)] {
        let elements: Vec<String> = of_family(shared, of)
            .map(|source| format!("{} timeout {}s", source.address, timeout(shared, source)))
            .collect();
        let _ = write!(text, "    set {name} {{\n        type {kind}\n        flags timeout\n");
        if !elements.is_empty() {
            let _ = writeln!(text, "        elements = {{ {} }}", elements.join(", "));
        }
        text.push_str("    }\n");
    }
    // After the kernel's own connection tracking, before filters of the usual priority: what is established stays.
    text.push_str(
        "    chain block {\n        type filter hook input priority -10; policy accept;\n        ct state established,related accept\n        \
         ip saddr @four drop\n        ip6 saddr @six drop\n    }\n}\n",
    );
    text
}

pub(super) fn ipset(shared: &Shared) -> String {
    let mut text = String::new();
    for (name, family, of) in [("kizashi-four", "inet", true), ("kizashi-six", "inet6", false)] {
        let _ = writeln!(
            text,
            "create {name} hash:ip family {family} timeout 604800 maxelem 65536 -exist"
        );
        let _ = writeln!(text, "flush {name}");
        for source in of_family(shared, of) {
            let _ = writeln!(
                text,
                "add {name} {} timeout {} -exist",
                source.address,
                timeout(shared, source)
            );
        }
    }
    text
}

/// `TIME kizashi: block ADDRESS sign ID`; docs/sharing.md has the filter.
pub(super) fn fail2ban(shared: &Shared) -> String {
    let time = shared.now.rfc3339();
    let time = time.get(..19).unwrap_or_default();
    let mut text = String::new();
    for source in &shared.sources {
        let sign = source.signs.first().map_or("-", String::as_str);
        let _ = writeln!(text, "{time}Z kizashi: block {} sign {sign}", source.address);
    }
    text
}

pub(super) fn crowdsec(shared: &Shared) -> String {
    let decisions: Vec<_> = shared
        .sources
        .iter()
        .map(|source| {
            json!({
                "duration": format!("{}s", source.seconds(shared.now)),
                "reason": format!("kizashi: {}", source.signs.first().map_or("a sign", String::as_str)),
                "scope": "ip",
                "type": "ban",
                "value": source.address.to_string(),
            })
        })
        .collect();
    serde_json::Value::from(decisions).to_string()
}

fn of_family(shared: &Shared, four: bool) -> impl Iterator<Item = &Source> {
    shared.sources.iter().filter(move |source| matches!(source.address, IpAddr::V4(_)) == four)
}

fn timeout(shared: &Shared, source: &Source) -> i64 {
    source.seconds(shared.now).min(LONGEST_TIMEOUT)
}

/// A name without anything that could end a comment's line.
fn word(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

//! `iptables` (1.8.9, nf_tables): the filter table's three chains, which keep what a visitor changes, so that a rule that he adds is there
//! when he lists them. No packet ever meets them.

use super::super::{Call, Finish};

/// Rules that are kept of one visitor, and bytes of one.
const MOST_RULES: usize = 64;
const LONGEST_RULE: usize = 256;
const CHAINS: [&str; 3] = ["INPUT", "FORWARD", "OUTPUT"];

/// What a visitor made of the filter table.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    policies: [&'static str; 3],
    /// Chain and words of each rule, in their order.
    rules: Vec<(usize, Vec<String>)>,
}

impl Default for Filter {
    fn default() -> Self {
        Self { policies: ["ACCEPT"; 3], rules: Vec::new() }
    }
}

fn chain_of(word: Option<&String>) -> Option<usize> {
    word.and_then(|word| CHAINS.iter().position(|chain| chain == word))
}

pub(super) fn iptables(call: &mut Call<'_>) -> Finish {
    let mut words: Vec<String> = call
        .arguments()
        .iter()
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .filter(|word| word != "-w" && word != "--wait")
        .collect();
    if words.iter().any(|word| word == "--version" || word == "-V") {
        call.line("iptables v1.8.9 (nf_tables)");
        return Finish::Status(0);
    }
    if !call.who.is_root() {
        call.err(b"iptables v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)\n");
        return Finish::Status(4);
    }
    if words.is_empty() {
        call.err(b"iptables v1.8.9 (nf_tables): no command specified\nTry `iptables -h' or 'iptables --help' for more information.\n");
        return Finish::Status(2);
    }
    // Other tables take everything and keep nothing.
    if let Some(place) = words.iter().position(|word| word == "-t" || word == "--table") {
        if words.get(place + 1).is_some_and(|table| table != "filter") {
            return Finish::Status(0);
        }
        words.drain(place..(place + 2).min(words.len()));
    }
    let Some(at) = words.iter().position(|word| is_command(word)) else {
        return Finish::Status(0);
    };
    let chain = chain_of(words.get(at + 1));
    let rule: Vec<String> = words.get(at + 2..).unwrap_or_default().to_vec();
    match words[at].as_str() {
        "-S" | "--list-rules" => {
            let text = listed_as_commands(&call.kernel.filter, chain);
            call.out(text.as_bytes());
        }
        list if list.starts_with("--list") || list.contains('L') => {
            let numbered = words.iter().any(|word| word == "--line-numbers");
            let text = listed(&call.kernel.filter, chain, numbered);
            call.out(text.as_bytes());
        }
        command => return change(call, command, chain, rule),
    }
    Finish::Status(0)
}

fn is_command(word: &str) -> bool {
    matches!(
        word,
        "-A" | "--append"
            | "-I"
            | "--insert"
            | "-D"
            | "--delete"
            | "-F"
            | "--flush"
            | "-P"
            | "--policy"
            | "-S"
            | "--list-rules"
            | "-L"
            | "--list"
            | "-C"
            | "--check"
            | "-X"
            | "-Z"
    ) || word.starts_with('-') && !word.starts_with("--") && word.len() > 2 && word.contains('L')
}

fn change(
    call: &mut Call<'_>,
    command: &str,
    chain: Option<usize>,
    mut rule: Vec<String>,
) -> Finish {
    let filter = &mut call.kernel.filter;
    let missing = "iptables: Bad rule (does a matching rule exist in that chain?).\n";
    let is_bounded = rule.iter().map(String::len).sum::<usize>() <= LONGEST_RULE;
    match (command, chain) {
        ("-F" | "--flush", chain) => {
            filter.rules.retain(|(own, _)| chain.is_some_and(|chain| chain != *own));
        }
        ("-P" | "--policy", Some(chain)) => {
            filter.policies[chain] =
                if rule.first().is_some_and(|word| word == "DROP") { "DROP" } else { "ACCEPT" };
        }
        ("-A" | "--append", Some(chain)) if is_bounded && filter.rules.len() < MOST_RULES => {
            filter.rules.push((chain, normal(&rule)));
        }
        ("-I" | "--insert", Some(chain)) if is_bounded && filter.rules.len() < MOST_RULES => {
            let number = rule.first().and_then(|word| word.parse::<usize>().ok());
            if number.is_some() {
                rule.remove(0);
            }
            let own = filter.rules.iter().enumerate().filter(|(_, (own, _))| *own == chain);
            let place = own.map(|(place, _)| place).nth(number.unwrap_or(1).saturating_sub(1));
            let place = place.unwrap_or(filter.rules.len());
            filter.rules.insert(place, (chain, normal(&rule)));
        }
        ("-D" | "--delete" | "-C" | "--check", Some(chain)) => {
            let number = rule.first().and_then(|word| word.parse::<usize>().ok());
            let wanted = normal(&rule);
            let mut own = filter.rules.iter().enumerate().filter(|(_, (own, _))| *own == chain);
            let found = match number {
                Some(number) => own.nth(number.saturating_sub(1)),
                None => own.find(|(_, (_, known))| *known == wanted),
            };
            let Some(place) = found.map(|(place, _)| place) else {
                call.err(missing.as_bytes());
                return Finish::Status(1);
            };
            if command.contains('D') || command == "--delete" {
                filter.rules.remove(place);
            }
        }
        _ => {}
    }
    Finish::Status(0)
}

/// A rule as `iptables -S` says it: addresses first, with their lengths, and a match for the protocol whose ports are asked for.
fn normal(words: &[String]) -> Vec<String> {
    let value = |names: [&str; 2]| {
        let place = words.iter().position(|word| names.contains(&word.as_str()))?;
        words.get(place + 1).cloned()
    };
    let whole = |address: String| {
        if address.contains('/') { address } else { format!("{address}/32") }
    };
    let mut made: Vec<String> = Vec::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            made.extend([name.to_owned(), value]);
        }
    };
    put("-s", value(["-s", "--source"]).map(whole));
    put("-d", value(["-d", "--destination"]).map(whole));
    put("-i", value(["-i", "--in-interface"]));
    put("-o", value(["-o", "--out-interface"]));
    let protocol = value(["-p", "--protocol"]);
    put("-p", protocol.clone());
    let ports = [value(["--sport", "--source-port"]), value(["--dport", "--destination-port"])];
    if ports.iter().any(Option::is_some) {
        put("-m", protocol);
    }
    let [source, destination] = ports;
    put("--sport", source);
    put("--dport", destination);
    for (name, at) in [("--dports", "multiport"), ("--state", "state"), ("--ctstate", "conntrack")]
    {
        if let Some(found) = value([name, name]) {
            put("-m", Some(at.to_owned()));
            put(name, Some(found));
        }
    }
    put("-j", value(["-j", "--jump"]));
    made
}

fn listed_as_commands(filter: &Filter, only: Option<usize>) -> String {
    let mut text = String::new();
    let chains = (0..CHAINS.len()).filter(|chain| only.is_none_or(|only| only == *chain));
    for chain in chains.clone() {
        text.push_str(&format!("-P {} {}\n", CHAINS[chain], filter.policies[chain]));
    }
    for chain in chains {
        for (_, rule) in filter.rules.iter().filter(|(own, _)| *own == chain) {
            text.push_str(&format!("-A {} {}\n", CHAINS[chain], rule.join(" ")));
        }
    }
    text
}

fn listed(filter: &Filter, only: Option<usize>, numbered: bool) -> String {
    let mut parts = Vec::new();
    for chain in (0..CHAINS.len()).filter(|chain| only.is_none_or(|only| only == *chain)) {
        let number = if numbered { "num  " } else { "" };
        let mut text = format!(
            "Chain {} (policy {})\n{number}target     prot opt source               destination         \n",
            CHAINS[chain], filter.policies[chain]
        );
        let own = filter.rules.iter().filter(|(own, _)| *own == chain);
        for (place, (_, rule)) in own.enumerate() {
            if numbered {
                text.push_str(&format!("{:<5}", place + 1));
            }
            text.push_str(&row(rule));
        }
        parts.push(text);
    }
    parts.join("\n")
}

fn row(rule: &[String]) -> String {
    let value = |name: &str| {
        let place = rule.iter().position(|word| word == name)?;
        rule.get(place + 1).map(|value| value.strip_suffix("/32").unwrap_or(value).to_owned())
    };
    let anywhere = || "0.0.0.0/0".to_owned();
    let mut more = String::new();
    for (name, shown) in [("--sport", "spt"), ("--dport", "dpt")] {
        if let Some(port) = value(name) {
            let protocol = value("-p").unwrap_or_default();
            more.push_str(&format!(" {protocol} {shown}:{port}"));
        }
    }
    if let Some(state) = value("--state").or_else(|| value("--ctstate")) {
        more.push_str(&format!(" state {state}"));
    }
    format!(
        "{:<9}  {:<4} --  {:<19}  {:<19} {more}\n",
        value("-j").unwrap_or_default(),
        value("-p").unwrap_or_else(|| "all".to_owned()),
        value("-s").unwrap_or_else(anywhere),
        value("-d").unwrap_or_else(anywhere)
    )
}

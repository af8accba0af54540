//! The network by iproute2's commands (`ip`, `ss`) and `iptables`.

use std::net::Ipv4Addr;

use super::super::{Call, Finish};

const IP_USAGE: &str = "Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }\n       ip [ -force ] -batch filename\nwhere  OBJECT := { address | addrlabel | amt | fou | help | ila | ioam | l2tp |\n                   link | macsec | maddress | monitor | mptcp | mroute | mrule |\n                   neighbor | neighbour | netconf | netns | nexthop | ntable |\n                   ntbl | route | rule | sr | tap | tcpmetrics |\n                   token | tunnel | tuntap | vrf | xfrm }\n       OPTIONS := { -V[ersion] | -s[tatistics] | -d[etails] | -r[esolve] |\n                    -h[uman-readable] | -iec | -j[son] | -p[retty] |\n                    -f[amily] { inet | inet6 | mpls | bridge | link } |\n                    -4 | -6 | -M | -B | -0 |\n                    -l[oops] { maximum-addr-flush-attempts } | -br[ief] |\n                    -o[neline] | -t[imestamp] | -ts[hort] | -b[atch] [filename] |\n                    -rc[vbuf] [size] | -n[etns] name | -N[umeric] | -a[ll] |\n                    -c[olor]}\n";

/// How `ip` was asked to show.
#[derive(Clone, Copy, Default)]
struct Show {
    brief: bool,
    one_line: bool,
    four: bool,
    six: bool,
}

fn text(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

pub(super) fn ip(call: &mut Call<'_>) -> Finish {
    let mut show = Show::default();
    let mut words: Vec<String> = Vec::new();
    for word in call.arguments() {
        match &word[..] {
            b"-br" | b"-brief" => show.brief = true,
            b"-o" | b"-oneline" => show.one_line = true,
            b"-4" => show.four = true,
            b"-6" => show.six = true,
            b"-V" | b"-Version" => {
                call.line("ip utility, iproute2-6.1.0, libbpf 1.1.0");
                return Finish::Status(0);
            }
            [b'-', ..] if words.is_empty() => {}
            _ => words.push(text(word)),
        }
    }
    let Some(object) = words.first().cloned() else {
        call.err(IP_USAGE.as_bytes());
        return Finish::Status(255);
    };
    let rest = &words[1..];
    let is = |name: &str| name.starts_with(&object);
    if is("address") {
        interfaces(call, rest, show, true)
    } else if is("link") {
        interfaces(call, rest, show, false)
    } else if is("route") {
        routes(call, rest, show)
    } else if is("neighbour") || is("neighbor") {
        let line = format!(
            "{} dev {} lladdr {} REACHABLE ",
            call.kernel.gateway(),
            call.kernel.world.hardware.interface,
            call.kernel.gateway_mac()
        );
        call.line(&line);
        Finish::Status(0)
    } else if is("rule") {
        call.line("0:\tfrom all lookup local\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default");
        Finish::Status(0)
    } else if is("help") {
        call.err(IP_USAGE.as_bytes());
        Finish::Status(255)
    } else if ["maddress", "netns", "tunnel", "tuntap", "vrf", "xfrm"].iter().any(|name| is(name)) {
        Finish::Status(0)
    } else {
        call.err(format!("Object \"{object}\" is unknown, try \"ip help\".\n").as_bytes());
        Finish::Status(1)
    }
}

fn interfaces(call: &mut Call<'_>, words: &[String], show: Show, addresses: bool) -> Finish {
    let verb = words.first().map_or("show", String::as_str);
    if ["set", "add", "del", "delete", "flush", "change", "replace"].contains(&verb) {
        return if call.who.is_root() { Finish::Status(0) } else { refuse(call) };
    }
    let interface = call.kernel.world.hardware.interface;
    let named = words.iter().rfind(|word| {
        !["show", "s", "sh", "list", "ls", "dev", "up", "scope", "global"].contains(&word.as_str())
    });
    if let Some(name) = named
        && name != "lo"
        && name != interface
    {
        call.err(format!("Device \"{name}\" does not exist.\n").as_bytes());
        return Finish::Status(1);
    }
    for name in ["lo", interface] {
        if named.is_none_or(|named| named == name) {
            let entry = entry(call, name, show, addresses);
            call.out(entry.as_bytes());
        }
    }
    Finish::Status(0)
}

fn refuse(call: &mut Call<'_>) -> Finish {
    call.err(b"RTNETLINK answers: Operation not permitted\n");
    Finish::Status(2)
}

/// The part of an interface's own address that the hardware address gives (EUI-64).
fn link_local(mac: &str) -> String {
    let bytes: Vec<u8> =
        mac.split(':').filter_map(|part| u8::from_str_radix(part, 16).ok()).collect();
    let [a, b, c, d, e, f] = bytes[..] else { return "fe80::1".to_owned() };
    format!(
        "fe80::{:x}:{:x}:{:x}:{:x}",
        u16::from_be_bytes([a ^ 2, b]),
        u16::from_be_bytes([c, 0xff]),
        u16::from_be_bytes([0xfe, d]),
        u16::from_be_bytes([e, f])
    )
}

fn entry(call: &Call<'_>, name: &str, show: Show, addresses: bool) -> String {
    let kernel = &call.kernel;
    let own = name != "lo";
    let mac = kernel.world.hardware.mac_text();
    let (address, prefix) = if own {
        (kernel.address(), kernel.world.hardware.prefix)
    } else {
        (Ipv4Addr::LOCALHOST, 8)
    };
    let six = if own { format!("{}/64", link_local(&mac)) } else { "::1/128".to_owned() };
    let hardware = if own { mac } else { "00:00:00:00:00:00".to_owned() };
    let (state, flags) = if own {
        ("UP", "<BROADCAST,MULTICAST,UP,LOWER_UP>")
    } else {
        ("UNKNOWN", "<LOOPBACK,UP,LOWER_UP>")
    };
    if show.brief {
        let what = if addresses {
            format!("{address}/{prefix} {six} ")
        } else {
            format!("{hardware} {flags} ")
        };
        return format!("{name:<16} {state:<14} {what}\n");
    }
    let number = if own { 2 } else { 1 };
    let (mtu, queue) = if own { (1500, "fq_codel") } else { (65536, "noqueue") };
    let mode = if addresses { "" } else { "mode DEFAULT " };
    let first = format!(
        "{number}: {name}: {flags} mtu {mtu} qdisc {queue} state {state} {mode}group default qlen 1000"
    );
    let kind = if own { "ether" } else { "loopback" };
    let broadcast = if own { "ff:ff:ff:ff:ff:ff" } else { "00:00:00:00:00:00" };
    let second = format!("    link/{kind} {hardware} brd {broadcast}");
    if !addresses {
        return if show.one_line {
            format!("{first}\\{second}\n")
        } else {
            format!("{first}\n{second}\n")
        };
    }
    let scope = if own { "global" } else { "host" };
    let around = if own { format!(" brd {}", kernel.broadcast()) } else { String::new() };
    let four = format!("    inet {address}/{prefix}{around} scope {scope} {name}");
    let six = format!("    inet6 {six} scope {} ", if own { "link" } else { "host" });
    let life = "       valid_lft forever preferred_lft forever";
    if show.one_line {
        return format!("{number}: {name}{four}\\{life}\n{number}: {name}{six}\\{life}\n");
    }
    let head =
        if show.four || show.six { format!("{first}\n") } else { format!("{first}\n{second}\n") };
    let four = if show.six { String::new() } else { format!("{four}\n{life}\n") };
    let six = if show.four { String::new() } else { format!("{six}\n{life}\n") };
    format!("{head}{four}{six}")
}

fn routes(call: &mut Call<'_>, words: &[String], show: Show) -> Finish {
    let (gateway, address, network) =
        (call.kernel.gateway(), call.kernel.address(), call.kernel.network());
    let (interface, prefix) =
        (call.kernel.world.hardware.interface, call.kernel.world.hardware.prefix);
    match words.first().map(String::as_str) {
        Some("get") => {
            let target = words.get(1).cloned().unwrap_or_default();
            let line = match target.parse::<Ipv4Addr>() {
                Ok(target) if target.is_loopback() || target == address => {
                    format!("local {target} dev lo src {target} uid 0 \n    cache <local> ")
                }
                Ok(target) => format!(
                    "{target} via {gateway} dev {interface} src {address} uid 0 \n    cache "
                ),
                Err(_) => {
                    call.err(
                        format!("Error: any valid prefix is expected rather than \"{target}\".\n")
                            .as_bytes(),
                    );
                    return Finish::Status(1);
                }
            };
            call.line(&line);
            return Finish::Status(0);
        }
        Some("add" | "del" | "delete" | "replace" | "flush" | "change") => {
            return if call.who.is_root() { Finish::Status(0) } else { refuse(call) };
        }
        _ => {}
    }
    if show.six {
        call.line(&format!("fe80::/64 dev {interface} proto kernel metric 256 pref medium"));
        return Finish::Status(0);
    }
    call.line(&format!("default via {gateway} dev {interface} "));
    if !words.iter().any(|word| word == "default") {
        call.line(&format!(
            "{network}/{prefix} dev {interface} proto kernel scope link src {address} "
        ));
    }
    Finish::Status(0)
}

pub(super) fn ss(call: &mut Call<'_>) -> Finish {
    let given = match call.leading_options(
        "tulnpaxsHh46eiomrwKZzOTV",
        &[
            ("tcp", b't'),
            ("udp", b'u'),
            ("listening", b'l'),
            ("numeric", b'n'),
            ("processes", b'p'),
            ("all", b'a'),
            ("summary", b's'),
            ("no-header", b'H'),
            ("help", b'h'),
            ("unix", b'x'),
        ],
        255,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    if given.has(b'Z') || given.has(b'z') {
        call.err(b"ss: SELinux is not enabled.\n");
        return Finish::Status(1);
    }
    if given.has(b'h') {
        call.line("Usage: ss [ OPTIONS ]\n       ss [ OPTIONS ] [ FILTER ]");
        return Finish::Status(0);
    }
    let listeners = call.kernel.listeners();
    if given.has(b's') {
        let count = listeners.len();
        call.line(&format!("Total: 118\nTCP:   {} (estab 1, closed 0, orphaned 0, timewait 0)\n\nTransport Total     IP        IPv6\nRAW\t  0         0         0        \nUDP\t  1         1         0        \nTCP\t  {}         {}         {count}        \nINET\t  {}         {}         {count}        \nFRAG\t  0         0         0        \n", count + 1, 2 * count + 1, count + 1, 2 * count + 2, count + 2));
        return Finish::Status(0);
    }
    let filter: Vec<String> = given.rest.iter().map(|word| text(word)).collect();
    let rows = sockets(call, &listeners, given.has(b'l'), given.has(b'a'), &filter);
    let both = !given.has(b't') || given.has(b'u');
    table(
        call,
        &rows,
        both,
        filter.iter().any(|word| word == "state"),
        given.has(b'H'),
        given.has(b'p'),
    );
    Finish::Status(0)
}

/// State, queues, own address, other address and owner.
type Socket = [String; 6];

fn sockets(
    call: &Call<'_>,
    listeners: &[(u16, u32, &'static str)],
    listening: bool,
    all: bool,
    filter: &[String],
) -> Vec<Socket> {
    let mut rows = Vec::new();
    let state =
        filter.iter().position(|word| word == "state").and_then(|place| filter.get(place + 1));
    if (listening || all) && state.is_none() {
        for (port, process, name) in listeners {
            for (own, other, number) in [("0.0.0.0", "0.0.0.0:*", 3), ("[::]", "[::]:*", 4)] {
                let owner = format!("users:((\"{name}\",pid={process},fd={number}))");
                rows.push([
                    "LISTEN".to_owned(),
                    "0".to_owned(),
                    "128".to_owned(),
                    format!("{own}:{port}"),
                    other.to_owned(),
                    owner,
                ]);
            }
        }
    }
    let own_port = call.kernel.own_port();
    let filtered = filter.iter().any(|word| word.contains("port"));
    if !listening
        && !filtered
        && state.is_none_or(|state| state.starts_with("estab") || state == "connected")
    {
        let process = call.kernel.files.processes.first().copied().unwrap_or(700);
        let port = 32_768 + process % 28_000;
        let owner = format!("users:((\"sshd\",pid={process},fd=4))");
        rows.push([
            "ESTAB".to_owned(),
            "0".to_owned(),
            "0".to_owned(),
            format!("{}:{own_port}", call.kernel.address()),
            format!("{}:{port}", call.kernel.visitor.source),
            owner,
        ]);
    }
    rows
}

fn table(
    call: &mut Call<'_>,
    rows: &[Socket],
    kind: bool,
    one_state: bool,
    bare: bool,
    owners: bool,
) {
    let widest = |place: usize, least: usize| {
        rows.iter().map(|row| row[place].len()).max().unwrap_or(0).max(least)
    };
    let (state, own, other) = (widest(0, 5), widest(3, 18), widest(4, 17));
    let first = |name: &str, state_text: &str| {
        let kind_text = if kind { format!("{name:<5} ") } else { String::new() };
        if one_state { kind_text } else { format!("{kind_text}{state_text:<state$} ") }
    };
    if !bare {
        let head = first("Netid", "State");
        call.line(&format!(
            "{head}Recv-Q Send-Q {:>own$} {:>other$}Process                       ",
            "Local Address:Port", "Peer Address:Port"
        ));
    }
    for row in rows {
        let owner = if owners { format!(" {}", row[5]) } else { " ".repeat(31) };
        call.line(&format!(
            "{}{:<6} {:<6} {:>own$} {:>other$}{owner}",
            first("tcp", &row[0]),
            row[1],
            row[2],
            row[3],
            row[4]
        ));
    }
}

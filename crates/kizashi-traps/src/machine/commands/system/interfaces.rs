//! The network as it is: `ip`, `ifconfig`, `ss`, `netstat`, `route`, `arp`, `ping` and look-ups, none of which sends anything.

use std::time::Duration;

use super::{Call, Finish, Moment};

fn loopback_v6() -> &'static str {
    "::1"
}

/// The link-local address that goes with a hardware address (RFC 4291, appendix A).
fn link_local(mac: [u8; 6]) -> String {
    let [a, b, c, d, e, f] = mac;
    format!(
        "fe80::{:x}:{:x}:{:x}:{:x}",
        u16::from_be_bytes([a ^ 2, b]),
        u16::from_be_bytes([c, 0xff]),
        u16::from_be_bytes([0xfe, d]),
        u16::from_be_bytes([e, f])
    )
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
pub(super) fn ip(call: &mut Call<'_>) -> Finish {
    let words: Vec<String> = call
        .arguments()
        .iter()
        .filter(|word| word.first() != Some(&b'-'))
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    let object = words.first().map_or("", String::as_str);
    let verb = words.get(1).map_or("show", String::as_str);
    let changes = matches!(verb, "add" | "del" | "set" | "flush" | "replace" | "change" | "delete");
    let is = |name: &str| !object.is_empty() && name.starts_with(object);
    if changes {
        return if call.who.is_root() {
            Finish::Status(0)
        } else {
            refused(call, "RTNETLINK answers: Operation not permitted\n", 2)
        };
    }
    if is("address") {
        addresses(call);
    } else if is("link") {
        links(call);
    } else if is("route") {
        let (gateway, interface, network, prefix, own) = (
            call.kernel.gateway(),
            call.kernel.world.hardware.interface,
            call.kernel.network(),
            call.kernel.world.hardware.prefix,
            call.kernel.address(),
        );
        if words.get(1).is_some_and(|word| word == "get") {
            let target = words.get(2).cloned().unwrap_or_default();
            call.line(&format!(
                "{target} via {gateway} dev {interface} src {own} uid {} \n    cache ",
                call.who.uid
            ));
        } else {
            call.line(&format!(
                "default via {gateway} dev {interface} {}",
                if call.is_busybox() { "" } else { "onlink " }
            ));
            call.line(&format!(
                "{network}/{prefix} dev {interface} proto kernel scope link src {own} "
            ));
        }
    } else if is("neighbour") || object == "neighbor" {
        let line = format!(
            "{} dev {} lladdr {} REACHABLE",
            call.kernel.gateway(),
            call.kernel.world.hardware.interface,
            call.kernel.gateway_mac()
        );
        call.line(&line);
    } else if is("rule") {
        call.line("0:\tfrom all lookup local\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default");
    } else if object.is_empty() {
        if call.is_busybox() {
            return call
                .usage("[OPTIONS] {address | route | link | tunnel | neigh | rule} {COMMAND}");
        }
        call.err(b"Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }\n       ip [ -force ] -batch filename\nwhere  OBJECT := { address | addrlabel | fou | help | ila | ioam | l2tp | link |\n                   macsec | maddress | monitor | mptcp | mroute | mrule |\n                   neighbor | neighbour | netconf | netns | nexthop | ntable |\n                   ntbl | route | rule | sr | tap | tcpmetrics |\n                   token | tunnel | tuntap | vrf | xfrm }\n");
        return Finish::Status(255);
    } else {
        call.err(format!("Object \"{object}\" is unknown, try \"ip help\".\n").as_bytes());
        return Finish::Status(1);
    }
    Finish::Status(0)
}

/// Said as an error, with a status.
fn refused(call: &mut Call<'_>, text: &str, status: u8) -> Finish {
    call.err(text.as_bytes());
    Finish::Status(status)
}

fn links(call: &mut Call<'_>) {
    let (interface, mac) =
        (call.kernel.world.hardware.interface, call.kernel.world.hardware.mac_text());
    call.line("1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000\n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00");
    call.line(&format!("2: {interface}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq_codel state UP mode DEFAULT group default qlen 1000\n    link/ether {mac} brd ff:ff:ff:ff:ff:ff"));
}

fn addresses(call: &mut Call<'_>) {
    let hardware = &call.kernel.world.hardware;
    let (interface, mac, local, prefix) =
        (hardware.interface, hardware.mac_text(), link_local(hardware.mac), hardware.prefix);
    let (own, broadcast) = (call.kernel.address(), call.kernel.broadcast());
    let alternative = if interface == "ens3" { "\n    altname enp0s3" } else { "" };
    call.line(&format!("1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000\n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n    inet 127.0.0.1/8 scope host lo\n       valid_lft forever preferred_lft forever\n    inet6 {}/128 scope host \n       valid_lft forever preferred_lft forever", loopback_v6()));
    call.line(&format!("2: {interface}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq_codel state UP group default qlen 1000\n    link/ether {mac} brd ff:ff:ff:ff:ff:ff{alternative}\n    inet {own}/{prefix} brd {broadcast} scope global {interface}\n       valid_lft forever preferred_lft forever\n    inet6 {local}/64 scope link \n       valid_lft forever preferred_lft forever"));
}

/// A count of bytes as ifconfig adds it in brackets.
fn bracketed(bytes: u64, busybox: bool) -> String {
    let units =
        if busybox { ["B", "KiB", "MiB", "GiB", "TiB"] } else { ["B", "KB", "MB", "GB", "TB"] };
    let base = if busybox { 1_024.0 } else { 1_000.0 };
    let (mut value, mut place) = (bytes as f64, 0);
    while value >= base && place < 4 {
        value /= base;
        place += 1;
    }
    format!("{value:.1} {}", units[place])
}

pub(super) fn ifconfig(call: &mut Call<'_>) -> Finish {
    let words: Vec<String> = call
        .arguments()
        .iter()
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .filter(|word| word != "-a")
        .collect();
    let interface = call.kernel.world.hardware.interface;
    let wanted = words.first().cloned();
    if let Some(name) = &wanted {
        if name != interface && name != "lo" {
            let text = format!("{name}: error fetching interface information: Device not found");
            return if call.is_busybox() {
                call.fail(&text, 1)
            } else {
                refused(call, &format!("{text}\n"), 1)
            };
        }
        if words.len() > 1 {
            return Finish::Status(0);
        }
    }
    let [received, packets_in, sent, packets_out] = call.kernel.traffic();
    let (own, broadcast, mask) =
        (call.kernel.address(), call.kernel.broadcast(), call.kernel.netmask());
    let hardware = &call.kernel.world.hardware;
    let (mac, local) = (hardware.mac_text(), link_local(hardware.mac));
    let busybox = call.is_busybox();
    let main = if busybox {
        format!(
            "{interface:<10}Link encap:Ethernet  HWaddr {}  \n          inet addr:{own}  Bcast:{broadcast}  Mask:{mask}\n          UP BROADCAST RUNNING MULTICAST  MTU:1500  Metric:1\n          RX packets:{packets_in} errors:0 dropped:0 overruns:0 frame:0\n          TX packets:{packets_out} errors:0 dropped:0 overruns:0 carrier:0\n          collisions:0 txqueuelen:1000 \n          RX bytes:{received} ({})  TX bytes:{sent} ({})\n",
            mac.to_uppercase(),
            bracketed(received, true),
            bracketed(sent, true)
        )
    } else {
        format!(
            "{interface}: flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1500\n        inet {own}  netmask {mask}  broadcast {broadcast}\n        inet6 {local}  prefixlen 64  scopeid 0x20<link>\n        ether {mac}  txqueuelen 1000  (Ethernet)\n        RX packets {packets_in}  bytes {received} ({})\n        RX errors 0  dropped 0  overruns 0  frame 0\n        TX packets {packets_out}  bytes {sent} ({})\n        TX errors 0  dropped 0 overruns 0  carrier 0  collisions 0\n",
            bracketed(received, false),
            bracketed(sent, false)
        )
    };
    let lo = if busybox {
        "lo        Link encap:Local Loopback  \n          inet addr:127.0.0.1  Mask:255.0.0.0\n          UP LOOPBACK RUNNING  MTU:65536  Metric:1\n          RX packets:612 errors:0 dropped:0 overruns:0 frame:0\n          TX packets:612 errors:0 dropped:0 overruns:0 carrier:0\n          collisions:0 txqueuelen:0 \n          RX bytes:48212 (47.0 KiB)  TX bytes:48212 (47.0 KiB)\n".to_owned()
    } else {
        format!(
            "lo: flags=73<UP,LOOPBACK,RUNNING>  mtu 65536\n        inet 127.0.0.1  netmask 255.0.0.0\n        inet6 {}  prefixlen 128  scopeid 0x10<host>\n        loop  txqueuelen 1000  (Local Loopback)\n        RX packets 612  bytes 48212 (48.2 KB)\n        RX errors 0  dropped 0  overruns 0  frame 0\n        TX packets 612  bytes 48212 (48.2 KB)\n        TX errors 0  dropped 0 overruns 0  carrier 0  collisions 0\n",
            loopback_v6()
        )
    };
    if wanted.as_deref() != Some("lo") {
        call.line(&main);
    }
    if wanted.as_deref() != Some(interface) {
        call.line(&lo);
    }
    Finish::Status(0)
}

/// Sockets: protocol, state, local and peer, process.
fn sockets(call: &Call<'_>) -> Vec<(&'static str, &'static str, String, String, String)> {
    let mut rows: Vec<(&'static str, &'static str, String, String, String)> = call
        .kernel
        .listeners()
        .into_iter()
        .map(|(port, process, name)| {
            (
                "tcp",
                "LISTEN",
                format!("0.0.0.0:{port}"),
                "0.0.0.0:*".to_owned(),
                format!("{process}/{name}"),
            )
        })
        .collect();
    let shell = call.kernel.files.processes.first().copied().unwrap_or(700);
    let peer = match call.kernel.visitor.source {
        std::net::IpAddr::V4(source) => source.to_string(),
        std::net::IpAddr::V6(source) => source.to_string(),
    };
    rows.push((
        "tcp",
        "ESTABLISHED",
        format!("{}:{}", call.kernel.address(), call.kernel.own_port()),
        format!("{peer}:{}", 30_000 + shell % 30_000),
        format!("{shell}/{}", call.kernel.visitor.service),
    ));
    rows
}

pub(super) fn netstat(call: &mut Call<'_>) -> Finish {
    let letters: Vec<u8> = call
        .arguments()
        .iter()
        .filter(|word| word.first() == Some(&b'-'))
        .flat_map(|word| word[1..].to_vec())
        .collect();
    let has = |letter: u8| letters.contains(&letter);
    if has(b'r') {
        return route(call);
    }
    if has(b'i') {
        let [_, packets_in, _, packets_out] = call.kernel.traffic();
        let interface = call.kernel.world.hardware.interface;
        call.line("Kernel Interface table\nIface      MTU    RX-OK RX-ERR RX-DRP RX-OVR    TX-OK TX-ERR TX-DRP TX-OVR Flg");
        call.line(&format!("{interface:<9} 1500 {packets_in:>8}      0      0 0      {packets_out:>8}      0      0      0 BMRU\nlo       65536      612      0      0 0           612      0      0      0 LRU"));
        return Finish::Status(0);
    }
    let kind = if has(b'l') {
        "(only servers)"
    } else if has(b'a') {
        "(servers and established)"
    } else {
        "(w/o servers)"
    };
    call.line(&format!("Active Internet connections {kind}"));
    call.line(&format!(
        "Proto Recv-Q Send-Q Local Address           Foreign Address         State       {}",
        if has(b'p') { "PID/Program name    " } else { "" }
    ));
    for (protocol, state, local, peer, process) in sockets(call) {
        let listening = state == "LISTEN";
        if listening && !has(b'l') && !has(b'a')
            || !listening && has(b'l')
            || has(b'u') && !has(b't')
        {
            continue;
        }
        let owner = if has(b'p') { format!("{process:<20}") } else { String::new() };
        call.line(&format!(
            "{protocol:<5}      0      0 {local:<23} {peer:<23} {state:<11} {owner}"
        ));
    }
    Finish::Status(0)
}

pub(super) fn route(call: &mut Call<'_>) -> Finish {
    let interface = call.kernel.world.hardware.interface;
    let row = |network: String, gateway: String, mask: String, flags: &str| {
        format!("{network:<15} {gateway:<15} {mask:<15} {flags:<5} 0      0        0 {interface}")
    };
    call.line("Kernel IP routing table\nDestination     Gateway         Genmask         Flags Metric Ref    Use Iface");
    let (gateway, network, mask) = (
        call.kernel.gateway().to_string(),
        call.kernel.network().to_string(),
        call.kernel.netmask().to_string(),
    );
    let numeric =
        call.arguments().iter().any(|word| word.starts_with(b"-") && word.contains(&b'n'))
            || call.base_name() == b"netstat";
    call.line(&row(
        if numeric { "0.0.0.0" } else { "default" }.to_owned(),
        gateway,
        "0.0.0.0".to_owned(),
        "UG",
    ));
    call.line(&row(network, "0.0.0.0".to_owned(), mask, "U"));
    Finish::Status(0)
}

pub(super) fn arp(call: &mut Call<'_>) -> Finish {
    let (gateway, mac, interface) =
        (call.kernel.gateway(), call.kernel.gateway_mac(), call.kernel.world.hardware.interface);
    if call.is_busybox() || call.arguments().iter().any(|word| word == b"-a") {
        call.line(&format!("? ({gateway}) at {mac} [ether] on {interface}"));
    } else {
        call.line(&format!("Address                  HWtype  HWaddress           Flags Mask            Iface\n{:<24} ether   {mac}   C                     {interface}", gateway.to_string()));
    }
    Finish::Status(0)
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
pub(super) fn ping(call: &mut Call<'_>) -> Finish {
    let given = match call.options("c:w:W:i:I:s:t:qn4M:f", &[], 2) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let Some(host) = given.rest.last().map(|host| String::from_utf8_lossy(host).into_owned())
    else {
        if call.is_busybox() {
            return call.usage("[OPTIONS] HOST");
        }
        call.err(b"ping: usage error: Destination address required\n");
        return Finish::Status(1);
    };
    let count = given.number(b'c').unwrap_or(4).clamp(1, 8);
    if host.parse::<std::net::Ipv4Addr>().is_err() && host != "localhost" {
        let text = if call.is_busybox() {
            format!("ping: bad address '{host}'\n")
        } else {
            format!("ping: {host}: Temporary failure in name resolution\n")
        };
        return Finish::Slow(
            vec![Moment { after: Duration::from_secs(2), text: text.into_bytes(), error: true }],
            2,
        );
    }
    let local = host == "localhost"
        || host.starts_with("127.")
        || host == call.kernel.address().to_string();
    let address = if host == "localhost" { "127.0.0.1" } else { &host };
    let head = if call.is_busybox() {
        format!("PING {host} ({address}): 56 data bytes\n")
    } else {
        format!("PING {host} ({address}) 56(84) bytes of data.\n")
    };
    let mut moments = vec![Moment { after: Duration::ZERO, text: head.into_bytes(), error: false }];
    let second = |number: u64| if number == 0 { Duration::ZERO } else { Duration::from_secs(1) };
    for number in 0..count {
        let time = 30 + call.kernel.random() % 25;
        let text = match (local, call.is_busybox()) {
            (true, true) => {
                format!("64 bytes from {address}: seq={number} ttl=64 time=0.{time:03} ms\n")
            }
            (true, false) => format!(
                "64 bytes from {address}: icmp_seq={} ttl=64 time=0.{time:03} ms\n",
                number + 1
            ),
            _ => String::new(),
        };
        moments.push(Moment { after: second(number), text: text.into_bytes(), error: false });
    }
    let lost = if local { 0 } else { 100 };
    let answered = if local { count } else { 0 };
    let tail = if call.is_busybox() {
        format!(
            "\n--- {host} ping statistics ---\n{count} packets transmitted, {answered} packets received, {lost}% packet loss\n"
        )
    } else {
        format!(
            "\n--- {host} ping statistics ---\n{count} packets transmitted, {answered} received, {lost}% packet loss, time {}ms\n{}\n",
            (count - 1) * 1_014,
            if local { "rtt min/avg/max/mdev = 0.031/0.042/0.054/0.008 ms" } else { "" }
        )
    };
    moments.push(Moment { after: Duration::ZERO, text: tail.into_bytes(), error: false });
    Finish::Slow(moments, u8::from(!local))
}

pub(super) fn lookup(call: &mut Call<'_>) -> Finish {
    let Some(name) = call
        .arguments()
        .iter()
        .find(|word| !matches!(word.first(), Some(b'-' | b'@' | b'+')))
        .map(|name| String::from_utf8_lossy(name).into_owned())
    else {
        return if call.is_busybox() { call.usage("[HOST] [SERVER]") } else { Finish::Status(1) };
    };
    call.kernel.note("lookup", name.as_bytes());
    let text = match (call.base_name(), call.is_busybox()) {
        (_, true) => {
            format!("Server:    8.8.8.8\nAddress 1: 8.8.8.8\n\nnslookup: can't resolve '{name}'\n")
        }
        (b"dig", _) => format!(
            "\n; <<>> DiG 9.18.28-1~deb12u2-Debian <<>> {name}\n;; global options: +cmd\n;; no servers could be reached\n\n"
        ),
        _ => ";; connection timed out; no servers could be reached\n\n".to_owned(),
    };
    Finish::Slow(
        vec![Moment {
            after: Duration::from_secs(5),
            text: text.into_bytes(),
            error: call.is_busybox(),
        }],
        if call.base_name() == b"dig" { 9 } else { 1 },
    )
}

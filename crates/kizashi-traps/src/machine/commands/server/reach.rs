//! Tools that try to reach another host: `ping`, `nslookup` and its kin, `traceroute`, `nc`. Nothing is sent; each shows what it shows where
//! the way out is blocked, and the address is told.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::super::{Call, Finish, Moment};
use super::scripts::text;

fn later(milliseconds: u64, text: &str, error: bool) -> Moment {
    Moment { after: Duration::from_millis(milliseconds), text: text.as_bytes().to_vec(), error }
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
pub(super) fn ping(call: &mut Call<'_>) -> Finish {
    let given = match call.options("c:W:w:i:s:nq46I:t:fDbvR", &[], 2) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let Some(host) = given.rest.first().map(|word| text(word)) else {
        call.err(b"ping: usage error: Destination address required\n");
        return Finish::Status(1);
    };
    let own = call.kernel.address();
    let address = match host.as_str() {
        "localhost" => Ipv4Addr::LOCALHOST,
        name if name == call.kernel.world.host => Ipv4Addr::new(127, 0, 1, 1),
        name => match name.parse() {
            Ok(address) => address,
            Err(_) => {
                let text = format!("ping: {host}: Temporary failure in name resolution\n");
                return Finish::Slow(vec![later(5_000, &text, true)], 2);
            }
        },
    };
    call.kernel.tell_address(host.as_bytes());
    let near = address.is_loopback() || address == own || address == call.kernel.gateway();
    let count = given.number(b'c').unwrap_or(10).clamp(1, 10);
    let mut moments =
        vec![later(0, &format!("PING {host} ({address}) 56(84) bytes of data.\n"), false)];
    let times: Vec<u64> = (0..count).map(|_| 25 + call.kernel.random() % 60).collect();
    for (place, time) in times.iter().enumerate().filter(|_| near) {
        let line = format!(
            "64 bytes from {address}: icmp_seq={} ttl=64 time=0.0{time:02} ms\n",
            place + 1
        );
        moments.push(later(if place == 0 { 0 } else { 1_000 }, &line, false));
    }
    let wait = if near { 0 } else { 1_000 * count + 9_000 };
    let took = (count - 1) * 1_015;
    let lost = if near {
        format!("{count} received, 0% packet loss")
    } else {
        "0 received, 100% packet loss".to_owned()
    };
    moments.push(later(
        wait,
        &format!(
            "\n--- {host} ping statistics ---\n{count} packets transmitted, {lost}, time {took}ms\n"
        ),
        false,
    ));
    let (least, most, mean) = (
        times.iter().min().copied().unwrap_or(0),
        times.iter().max().copied().unwrap_or(0),
        times.iter().sum::<u64>() / count,
    );
    let closing = if near {
        format!(
            "rtt min/avg/max/mdev = 0.0{least:02}/0.0{mean:02}/0.0{most:02}/0.0{:02} ms\n",
            (most - least) / 2
        )
    } else {
        "\n".to_owned()
    };
    moments.push(later(0, &closing, false));
    Finish::Slow(moments, u8::from(!near))
}

/// `nslookup`, `dig`, `host`: the server is asked and does not answer.
pub(super) fn lookup(call: &mut Call<'_>) -> Finish {
    let tool = text(call.base_name());
    let words: Vec<String> = call
        .arguments()
        .iter()
        .map(|word| text(word))
        .filter(|word| !word.starts_with(['-', '+']))
        .collect();
    let Some(name) = words.iter().find(|word| !word.starts_with('@')) else {
        return Finish::Status(1);
    };
    call.kernel.tell_address(name.as_bytes());
    let short = call.arguments().iter().any(|word| word == b"+short");
    let (answer, status) = match &tool[..] {
        "dig" if short => (
            ";; communications error to 1.1.1.1#53: timed out\n;; no servers could be reached\n"
                .to_owned(),
            9,
        ),
        "dig" => (
            format!(
                ";; communications error to 1.1.1.1#53: timed out\n\n; <<>> DiG 9.18.28-1~deb12u2-Debian <<>> {name}\n;; global options: +cmd\n;; no servers could be reached\n"
            ),
            9,
        ),
        "host" => (
            ";; communications error to 1.1.1.1#53: timed out\n;; no servers could be reached\n"
                .to_owned(),
            1,
        ),
        _ => (
            ";; communications error to 1.1.1.1#53: timed out\n;; no servers could be reached\n\n"
                .to_owned(),
            1,
        ),
    };
    Finish::Slow(vec![later(10_000, &answer, false)], status)
}

pub(super) fn traceroute(call: &mut Call<'_>) -> Finish {
    let given = match call.options("m:nIT46w:q:p:f:i:U", &[], 2) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let Some(host) = given.rest.first().map(|word| text(word)) else {
        call.err(b"Usage:\n  traceroute [ -46dFITnreAUDV ] [ -f first_ttl ] [ -g gate,... ] [ -i device ] [ -m max_ttl ] host [ packetlen ]\n");
        return Finish::Status(2);
    };
    if host.parse::<Ipv4Addr>().is_err() {
        let place =
            call.arguments().iter().position(|word| word == host.as_bytes()).unwrap_or(0) + 1;
        call.err(format!("{host}: Temporary failure in name resolution\nCannot handle \"host\" cmdline arg `{host}' on position 1 (argc {place})\n").as_bytes());
        return Finish::Status(2);
    }
    let hops = given.number(b'm').unwrap_or(30).clamp(1, 30);
    let mut moments = vec![later(
        0,
        &format!("traceroute to {host} ({host}), {hops} hops max, 60 byte packets\n"),
        false,
    )];
    let gateway = call.kernel.gateway();
    moments.push(later(
        0,
        &format!(" 1  {gateway} ({gateway})  0.412 ms  0.381 ms  0.377 ms\n"),
        false,
    ));
    moments.extend((2..=hops).map(|hop| later(5_000, &format!("{hop:>2}  * * *\n"), false)));
    Finish::Slow(moments, 0)
}

pub(super) fn nc(call: &mut Call<'_>) -> Finish {
    let given = match call.options("hlnvzw:p:e:c:s:uko:i:q:r", &[], 1) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    if given.has(b'h') {
        call.err(b"[v1.10-47]\nconnect to somewhere:\tnc [-options] hostname port[s] [ports] ... \nlisten for inbound:\tnc -l -p port [-options] [hostname] [port]\n");
        return Finish::Status(0);
    }
    let words: Vec<String> = given.rest.iter().map(|word| text(word)).collect();
    let (Some(host), Some(port)) = (words.first(), words.get(1)) else {
        if given.has(b'l') {
            return Finish::Slow(vec![later(30_000, "", false)], 1);
        }
        call.err(if words.is_empty() {
            b"Cmd line: wrong\n"
        } else {
            b"no port[s] to connect to\n"
        });
        return Finish::Status(1);
    };
    call.kernel.tell_address(format!("{host}:{port}").as_bytes());
    if !given.has(b'z') && call.downloads_from(host) {
        return call.brought(&format!("tcp://{host}:{port}/"), b"-");
    }
    let Ok(address) = host.parse::<Ipv4Addr>() else {
        let text =
            format!("{host}: forward host lookup failed: Temporary failure in name resolution\n");
        return Finish::Slow(vec![later(5_000, &text, true)], 1);
    };
    // The loopback address has a name; without -v a refusal there is silent under -z.
    let silent = given.has(b'z') && !given.has(b'v');
    let name = if address.is_loopback() { "localhost" } else { "(UNKNOWN)" };
    let service = match &port[..] {
        "80" => " (http)",
        "443" => " (https)",
        "22" => " (ssh)",
        "23" => " (telnet)",
        "25" => " (smtp)",
        "53" => " (domain)",
        _ => " (?)",
    };
    let refusal = if silent {
        String::new()
    } else {
        format!("{name} [{address}] {port}{service} : Connection refused\n")
    };
    Finish::Slow(vec![later(if address.is_loopback() { 0 } else { 2_000 }, &refusal, true)], 1)
}

//! Terminals, connections out, and what else scripts call.

use std::time::Duration;

use super::{Call, Finish, Moment, Replacement};

fn text_of(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

pub(super) fn tty(call: &mut Call<'_>) -> Finish {
    let own = call.tty.filter(|_| call.reads_terminal()).map(|tty| tty.path());
    call.line(own.as_deref().unwrap_or("not a tty"));
    Finish::Status(u8::from(own.is_none()))
}

/// A host and a port that something should have been sent to.
fn told(call: &mut Call<'_>, scheme: &str, host: &str, port: &str) {
    call.kernel.tell_address(format!("{scheme}://{host}:{port}").as_bytes());
}

pub(super) fn netcat(call: &mut Call<'_>) -> Finish {
    let given = match call.options("lp:vnzw:e:c:uq:i:s:kdX:x:o:46Ct", &[], 1) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    if given.has(b'l') {
        // Nobody will come.
        return Finish::Sleep(Duration::from_secs(3_600));
    }
    let (Some(host), Some(port)) =
        (given.rest.first().map(|word| text_of(word)), given.rest.get(1).map(|word| text_of(word)))
    else {
        if call.is_busybox() {
            return call.usage("[-iN] [-wN] [-l] [-p PORT] [-f FILE|IPADDR PORT] [-e PROG]");
        }
        call.err(b"usage: nc [-46CDdFhklNnrStUuvZz] [-I length] [-i interval] [-M ttl]\n\t  [-m minttl] [-O length] [-P proxy_username] [-p source_port]\n\t  [-q seconds] [-s sourceaddr] [-T keyword] [-V rtable] [-W recvlimit]\n\t  [-w timeout] [-X proxy_protocol] [-x proxy_address[:port]]\n\t  [destination] [port]\n");
        return Finish::Status(1);
    };
    told(call, "tcp", &host, &port);
    let number = host.parse::<std::net::Ipv4Addr>().is_ok();
    let text = match (call.is_busybox(), number, given.has(b'v') || given.has(b'z')) {
        (true, true, _) => {
            format!("nc: can't connect to remote host ({host}): Connection timed out\n")
        }
        (true, false, _) => format!("nc: bad address '{host}'\n"),
        (false, false, _) => format!(
            "nc: getaddrinfo for host \"{host}\" port {port}: Temporary failure in name resolution\n"
        ),
        (false, true, true) => {
            format!("nc: connect to {host} port {port} (tcp) failed: Connection timed out\n")
        }
        (false, true, false) => String::new(),
    };
    Finish::Slow(
        vec![Moment { after: Duration::from_secs(6), text: text.into_bytes(), error: true }],
        1,
    )
}

pub(super) fn telnet(call: &mut Call<'_>) -> Finish {
    let words: Vec<String> = call
        .arguments()
        .iter()
        .filter(|word| word.first() != Some(&b'-'))
        .map(|word| text_of(word))
        .collect();
    let Some(host) = words.first() else {
        return if call.is_busybox() {
            call.usage("[-a] [-l USER] HOST [PORT]")
        } else {
            Finish::Status(0)
        };
    };
    told(call, "telnet", host, words.get(1).map_or("23", String::as_str));
    let first = if call.is_busybox() { String::new() } else { format!("Trying {host}...\n") };
    let last = if call.is_busybox() {
        format!("telnet: can't connect to remote host ({host}): Connection timed out\n")
    } else {
        "telnet: Unable to connect to remote host: Connection timed out\n".to_owned()
    };
    Finish::Slow(
        vec![
            Moment { after: Duration::ZERO, text: first.into_bytes(), error: false },
            Moment { after: Duration::from_secs(7), text: last.into_bytes(), error: true },
        ],
        1,
    )
}

/// `scp`, `sftp`, `rsync`, `ftp`: a connection that is not made.
pub(super) fn copy_out(call: &mut Call<'_>) -> Finish {
    let name = text_of(call.base_name());
    let target = call.arguments().iter().map(|word| text_of(word)).find(|word| {
        word.contains(':') || word.contains('@') || name == "ftp" && !word.starts_with('-')
    });
    let Some(target) = target else {
        call.err(format!("usage: {name} [options] source ... target\n").as_bytes());
        return Finish::Status(1);
    };
    call.kernel.tell_address(format!("{name}://{target}").as_bytes());
    let host = target
        .split(':')
        .next()
        .unwrap_or_default()
        .rsplit('@')
        .next()
        .unwrap_or_default()
        .to_owned();
    let text = match &name[..] {
        "ftp" => format!("ftp: connect: Connection timed out\nftp: {host}\n"),
        "rsync" => format!(
            "ssh: connect to host {host} port 22: Connection timed out\nrsync: connection unexpectedly closed (0 bytes received so far) [sender]\nrsync error: unexplained error (code 255) at io.c(228) [sender=3.2.7]\n"
        ),
        _ => format!(
            "ssh: connect to host {host} port 22: Connection timed out\n{name}: Connection closed\n"
        ),
    };
    Finish::Slow(
        vec![Moment { after: Duration::from_secs(6), text: text.into_bytes(), error: true }],
        255,
    )
}

pub(super) fn watch(call: &mut Call<'_>) -> Finish {
    let words: Vec<Vec<u8>> =
        call.arguments().iter().skip_while(|word| word.first() == Some(&b'-')).cloned().collect();
    if words.is_empty() {
        call.usage("[-n SEC] [-t] PROG ARGS")
    } else {
        Finish::Replace(Replacement { words, set: Vec::new(), who: None })
    }
}

pub(super) fn quiet(_call: &mut Call<'_>) -> Finish {
    Finish::Status(0)
}

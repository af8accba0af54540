//! The house's rule for datagrams, held over real sockets: every datagram of every transcript, and short ones of no sense, are sent to every
//! trap that stands on datagrams; bytes are summed both ways, at the level of IP.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

use kizashi_event::Transport;
use kizashi_traps::{DatagramReply, Trap, registry};

use crate::house::House;

/// Bytes of the headers of IPv4 and UDP.
const HEADERS: usize = 28;
/// A socket's buffer holds more datagrams than this.
const AT_ONCE: usize = 64;

fn traps() -> Vec<&'static Trap> {
    registry().iter().filter(|trap| trap.transports.contains(&Transport::Udp)).collect()
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let (&kind, after) = rest.split_first().unwrap();
        rest = after;
        match kind {
            b'r' => bytes.push(b'\r'),
            b'n' => bytes.push(b'\n'),
            b't' => bytes.push(b'\t'),
            b'0' => bytes.push(0),
            b'x' => {
                let digits = std::str::from_utf8(&rest[..2]).unwrap();
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
                rest = &rest[2..];
            }
            b'*' => {
                let mut parts = rest.splitn(3, |byte| *byte == b'*');
                let count = std::str::from_utf8(parts.next().unwrap()).unwrap();
                bytes.extend(parts.next().unwrap().repeat(count.parse().unwrap()));
                rest = parts.next().unwrap();
            }
            other => bytes.push(other),
        }
    }
    bytes
}

/// Every datagram of every transcript of a trap on datagrams, and some of no sense.
fn requests() -> Vec<Vec<u8>> {
    let mut requests: Vec<Vec<u8>> = vec![vec![0], vec![0xff; 4], b"\r\n".to_vec(), vec![0; 48]];
    for trap in traps() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(trap.name);
        for file in std::fs::read_dir(folder.join("transcripts")).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            if !text.lines().any(|line| line.starts_with("port: udp/")) {
                continue;
            }
            let mut open = false;
            for line in text.lines() {
                match line.strip_prefix("C> ") {
                    Some(more) if open => requests.last_mut().unwrap().extend(unescape(more)),
                    Some(first) => requests.push(unescape(first)),
                    None => {}
                }
                open = line.starts_with("C> ");
            }
        }
    }
    assert!(requests.len() > 60, "{}", requests.len());
    requests
}

fn socket(address: Ipv4Addr) -> UdpSocket {
    let socket = UdpSocket::bind((address, 0)).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

/// Lengths of the datagrams that wait.
fn waiting(socket: &UdpSocket) -> Vec<usize> {
    let mut buffer = vec![0; 65_536];
    std::iter::from_fn(|| socket.recv(&mut buffer).ok()).collect()
}

/// Waits until everything that was sent has been dealt with: a datagram that nothing answers goes after it.
fn settle(house: &House, sent: &mut u64) {
    let fence = socket(Ipv4Addr::new(127, 255, 255, 1));
    // The first may be counted and still be in the works; then the second is not taken.
    for _ in 0..2 {
        fence.send_to(&[0xfe], house.address).unwrap();
        *sent += 1;
        house.until_received(*sent);
    }
}

#[test]
fn no_trap_answers_any_datagram_with_more_bytes_than_it_had() {
    let requests = requests();
    for trap in traps() {
        let house = House::udp(trap);
        let (mut sent, mut answered) = (0, 0);
        for (number, request) in requests.iter().enumerate() {
            // Each from a network of its own, so that nothing but its length holds an answer back.
            let [high, low] = u16::try_from(number + 1).unwrap().to_be_bytes();
            let visitor = socket(Ipv4Addr::new(127, high, low, 1));
            visitor.send_to(request, house.address).unwrap();
            sent += request.len() as u64;
            settle(&house, &mut sent);
            let replies = waiting(&visitor);
            assert!(replies.len() <= 1, "{}: {replies:?}", trap.name);
            answered += replies.len();
            for reply in replies {
                assert!(reply <= request.len(), "{}: {reply} for {request:?}", trap.name);
            }
        }
        let silent = trap.datagrams == DatagramReply::Never;
        println!("{}: {answered} of {} answered", trap.name, requests.len());
        assert_eq!(answered == 0, silent, "{} answered {answered}", trap.name);
        house.close();
    }
}

#[test]
fn floods_of_every_request_bring_fewer_bytes_than_they_cost_and_a_few_replies_a_minute() {
    let requests = requests();
    for trap in traps() {
        let house = House::udp(trap);
        let began = Instant::now();
        let (mut taken, mut out, mut back) = (0, 0, 0);
        let visitors: Vec<(u8, UdpSocket)> = (1..=6)
            .flat_map(|host| (0..3).map(move |_| host))
            .map(|host| (host, socket(Ipv4Addr::new(127, 9, 9, host))))
            .collect();
        let mut replies = [0_u64; 7];
        let mut collect = |replies: &mut [u64; 7]| {
            for (host, visitor) in &visitors {
                for length in waiting(visitor) {
                    replies[usize::from(*host)] += 1;
                    back += length + HEADERS;
                }
            }
        };
        for (turn, request) in requests.iter().cycle().take(20 * requests.len()).enumerate() {
            for (_, visitor) in visitors.iter().skip(turn % 3).step_by(3) {
                if visitor.send_to(request, house.address).is_ok() {
                    out += request.len() + HEADERS;
                    taken += request.len() as u64;
                }
            }
            if turn % (AT_ONCE / 6) == 0 {
                house.until_received(taken);
                collect(&mut replies);
            }
        }
        settle(&house, &mut taken);
        collect(&mut replies);
        let waited = began.elapsed();
        let more = |every: Duration| u64::try_from(waited.as_millis() / every.as_millis()).unwrap();
        let (of_source, of_network) =
            (5 + more(Duration::from_secs(12)), 20 + more(Duration::from_secs(3)));
        println!("{}: {out} bytes came, {back} left, {replies:?}", trap.name);
        assert!(replies.iter().all(|count| *count <= of_source), "{}: {replies:?}", trap.name);
        assert!(replies.iter().sum::<u64>() <= of_network, "{}: {replies:?}", trap.name);
        assert!(back * 10 < out, "{}: {back} of {out}", trap.name);
        if trap.datagrams == DatagramReply::Never {
            assert_eq!(back, 0, "{}", trap.name);
        }
        house.close();
    }
}

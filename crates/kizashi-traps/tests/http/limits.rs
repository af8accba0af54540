//! Bad input against the house on a real socket: whatever is sent, it is answered or shut as the server would, told, and costs little.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use kizashi_event::{Detail, Event, Request};
use kizashi_traps::{Identity, WebServer};

use crate::house::House;
use crate::shapes::shapes;

fn house(server: WebServer) -> House {
    House::of_trap(
        "http",
        Identity::draw([1; 32]).with_default_page().with_web_server(server).with_http2(false),
    )
}

/// Sends all as far as the other side takes it, and gives what it answers.
fn send(house: &House, pieces: impl Iterator<Item = Vec<u8>>) -> String {
    let mut stream = TcpStream::connect(house.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    for piece in pieces {
        if stream.write_all(&piece).is_err() {
            break;
        }
    }
    let _ = stream.shutdown(Shutdown::Write);
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply);
    String::from_utf8_lossy(&reply).into_owned()
}

fn requests(events: &[Event]) -> Vec<&Request> {
    let request = |event: &'_ Event| matches!(event.detail, Detail::Request { .. });
    let requests = events.iter().filter(|event| request(event));
    requests
        .filter_map(|event| match &event.detail {
            Detail::Request { request, .. } => Some(&**request),
            _ => None,
        })
        .collect()
}

/// Processor time of this whole process, in milliseconds.
fn processor_time() -> u64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = text.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    ticks * 10
}

#[test]
fn every_shape_is_told_with_all_its_bytes_and_smuggling_by_its_name() {
    for server in [WebServer::NginxDebian12, WebServer::ApacheDebian12] {
        for shape in shapes() {
            let house = house(server);
            send(&house, std::iter::once(shape.bytes.clone()));
            let events = house.close();
            let requests = requests(&events);
            let first = requests.first().unwrap_or_else(|| panic!("{}: {events:?}", shape.name));
            let class = first.class.as_ref().unwrap().raw();
            // A tab before a value is a blank to httpd, as RFC 9110 has it, and a part of the value to nginx.
            // nginx takes bare newlines between chunks.
            let plain = match server {
                WebServer::ApacheDebian12 => shape.name == "te tab value",
                _ => shape.name == "chunk lf",
            };
            assert_eq!(
                class == "request-smuggling",
                shape.smuggles && !plain,
                "{} {server:?}: {class}",
                shape.name
            );
            // What text does not hold is there as bytes, of this request or as what came after it.
            let mut kept: Vec<u8> = events
                .iter()
                .filter_map(|event| event.detail.payload())
                .flat_map(|payload| payload.content.clone())
                .collect();
            for request in &requests {
                for text in [&request.method, &request.target, &request.version] {
                    kept.extend(text.raw().bytes());
                }
                for (name, value) in &request.headers {
                    kept.extend(name.raw().bytes().chain(value.raw().bytes()));
                }
            }
            let mut counts = [0_i32; 256];
            kept.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
            shape.bytes.iter().for_each(|byte| counts[usize::from(*byte)] -= 1);
            let framing = b"\r\n: 0123456789abcdef;-\t,x=";
            let lost: Vec<u8> = (0..=255_u8)
                .filter(|byte| counts[usize::from(*byte)] < 0 && !framing.contains(byte))
                .collect();
            assert!(lost.is_empty(), "{} {server:?} lost {lost:?}", shape.name);
        }
    }
}

/// What is sent, how it is to be answered, and the processor time that it may take at most (measured: a tenth of it).
#[test]
fn floods_of_one_request_are_bounded_told_and_answered() {
    let get = || b"GET / HTTP/1.1\r\nHost: a\r\n".to_vec();
    let post = |more: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{more}\r\n").into_bytes();
    let megabyte = vec![b'a'; 1 << 20];
    let parameters: Vec<u8> =
        (0..100_000).flat_map(|number| format!("p{number}=1&").into_bytes()).collect();
    let length = format!("Content-Length: {}\r\n", parameters.len());
    // A megabyte of zeros in a thousand bytes, ten times over: nobody here unpacks it.
    let bomb = {
        let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
        packed.extend([0xec, 0xc1, 1, 1, 0, 0, 0, 0x80, 0x90, 0xfe, 0xaf, 0xee, 8, 0x0a]);
        packed.extend(vec![0; 1015]);
        packed.repeat(10)
    };
    let coded = format!("Content-Encoding: gzip\r\nContent-Length: {}\r\n", bomb.len());
    let cases: Vec<(&str, Vec<Vec<u8>>, &str, &str)> = vec![
        ("one field of 1 MB", vec![get(), b"X: ".to_vec(), megabyte.clone()], "400", "400"),
        ("1 MB of fields", vec![get(), b"X: y\r\n".repeat(170_000)], "400", "400"),
        ("a line of 1 MB", vec![b"GET /".to_vec(), megabyte], "414", "414"),
        (
            "endless chunks",
            vec![post("Transfer-Encoding: chunked\r\n"), b"1\r\na\r\n".repeat(700_000)],
            "",
            "",
        ),
        (
            "an endless chunk line",
            vec![post("Transfer-Encoding: chunked\r\n"), b"1".repeat(1 << 20)],
            "405",
            "400",
        ),
        ("100,000 parameters", vec![post(&length), parameters], "405", "200"),
        ("a compressed bomb", vec![post(&coded), bomb], "405", "200"),
    ];
    for (server, nginx) in [(WebServer::NginxDebian12, true), (WebServer::ApacheDebian12, false)] {
        for (name, pieces, theirs, others) in cases.clone() {
            let expected = if nginx { theirs } else { others };
            let (house, before) = (house(server), processor_time());
            let reply = send(&house, pieces.into_iter());
            let status = reply.get(9..12).unwrap_or_default();
            let events = house.close();
            let spent = processor_time() - before;
            assert_eq!(status, expected, "{name} {server:?}");
            let requests = requests(&events);
            assert_eq!(requests.len(), 1, "{name} {server:?}");
            let held: usize = events
                .iter()
                .filter_map(|event| event.detail.payload())
                .map(|p| p.content.len())
                .sum();
            assert!(held <= 128 * 1024, "{name}: {held} bytes kept");
            println!("{name} {server:?}: {spent} ms of processor time");
            assert!(spent < 20_000, "{name} {server:?}: {spent} ms");
        }
    }
}

#[test]
fn a_head_in_single_bytes_is_read_and_told_whole() {
    let house = house(WebServer::NginxDebian12);
    let head = b"GET /slow HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\r\n";
    let begun = Instant::now();
    let reply = send(
        &house,
        head.iter().map(|byte| {
            std::thread::sleep(Duration::from_millis(2));
            vec![*byte]
        }),
    );
    assert!(reply.starts_with("HTTP/1.1 404 "), "{reply}");
    assert!(begun.elapsed() < Duration::from_secs(20));
    let events = house.close();
    assert_eq!(requests(&events)[0].target.raw(), "/slow");
}

//! The floods themselves. Sources are addresses of 127.0.0.0/8, one network of 24 bits after the other, so that no cap on a source or
//! a network spares the house anything.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};

/// The variable in which a process that only holds connections is told which.
pub(crate) const HOLDER: &str = "KIZASHI_SOAK_HOLDER";
/// Connections that one such process holds: below the usual limits on open files.
const A_HOLDER: u32 = 12_500;

/// The `number`th source: 127.0.1.1, 127.0.2.1, …: 65,000 networks, then the next host of each.
fn source(number: u32) -> SocketAddr {
    let (network, host) = (1 + number % 65_000, 1 + number / 65_000 % 250);
    SocketAddr::from((Ipv4Addr::from_bits(0x7f00_0000 + (network << 8) + host), 0))
}

/// Connects from the `number`th source.
fn connect(address: SocketAddr, number: u32) -> std::io::Result<TcpStream> {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
    rustix::net::bind(&socket, &source(number))?;
    rustix::net::connect(&socket, &address)?;
    Ok(TcpStream::from(socket))
}

/// The same without waiting: `None` where the listener's queue was full, so that the kernel answered nothing.
fn knock(address: SocketAddr, number: u32) -> std::io::Result<Option<TcpStream>> {
    let socket = rustix::net::socket_with(
        AddressFamily::INET,
        SocketType::STREAM,
        SocketFlags::NONBLOCK,
        None,
    )?;
    rustix::net::bind(&socket, &source(number))?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) | Err(Errno::INPROGRESS) => {}
        Err(error) => return Err(error.into()),
    }
    // Over the loopback the answer comes within the call, or not at all.
    let stream = TcpStream::from(socket);
    Ok(stream.peer_addr().is_ok().then_some(stream))
}

/// Closes without the wait that a flood would run out of ports by.
fn cut(stream: &TcpStream) {
    let _ = rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO));
}

/// The process that holds connections for another: opens them, says so, and at the end of its input says how many still stood.
pub(crate) fn hold_for_parent(order: &str) {
    let words: Vec<&str> = order.split(' ').collect();
    let [address, first, count] = words.as_slice() else { panic!("{order}") };
    let (address, first, count): (SocketAddr, u32, u32) =
        (address.parse().unwrap(), first.parse().unwrap(), count.parse().unwrap());
    let held: Vec<TcpStream> =
        (first..first + count).filter_map(|number| connect(address, number).ok()).collect();
    println!("{}", held.len());
    let _ = std::io::stdin().read(&mut [0]);
    let stands = |mut stream: &TcpStream| {
        let _ = stream.set_nonblocking(true);
        matches!(stream.read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
    };
    println!("{}", held.iter().filter(|stream| stands(stream)).count());
    held.iter().for_each(cut);
}

struct Holder {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
}

impl Holder {
    fn start(address: SocketAddr, first: u32, count: u32) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .env(HOLDER, format!("{address} {first} {count}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    fn number(&mut self) -> u64 {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim().parse().unwrap()
    }
}

/// Fifty thousand connections that say nothing.
pub(crate) fn idle(address: SocketAddr) -> (String, Option<u64>) {
    let began = Instant::now();
    let mut holders: Vec<Holder> =
        (0..4).map(|number| Holder::start(address, number * A_HOLDER, A_HOLDER)).collect();
    let opened: u64 = holders.iter_mut().map(Holder::number).sum();
    let took = began.elapsed();
    thread::sleep(Duration::from_secs(5));
    for holder in &mut holders {
        drop(holder.child.stdin.take());
    }
    let stood: u64 = holders.iter_mut().map(Holder::number).sum();
    for mut holder in holders {
        let _ = holder.child.wait();
    }
    let what = format!(
        "{opened} connections opened in {:.1} s and left silent; after 5 s {stood} stood, the others were closed",
        took.as_secs_f64()
    );
    (what, Some(opened))
}

/// Twenty thousand connections a second for ten seconds, or as many as two threads make, whoever answers. A few stand for their client
/// alone: where the queue fills between the last two packets of the handshake, the kernel forgets what it had half accepted.
pub(crate) fn connections(address: SocketAddr) -> (String, Option<u64>) {
    const LASTS: Duration = Duration::from_secs(10);
    const WANTED: u32 = 20_000;
    const THREADS: u32 = 2;
    let (made, full, failed) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let began = Instant::now();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (made, full, failed) = (&made, &full, &failed);
            scope.spawn(move || {
                let (mut number, mut tried) = (thread * 1_000_003, 0_u32);
                while began.elapsed() < LASTS {
                    if began.elapsed() < Duration::from_secs(1) * tried / (WANTED / THREADS) {
                        thread::sleep(Duration::from_millis(1));
                        continue;
                    }
                    (number, tried) = (number + 1, tried + 1);
                    match knock(address, number) {
                        Ok(Some(stream)) => {
                            made.fetch_add(1, Ordering::Relaxed);
                            cut(&stream);
                        }
                        Ok(None) => drop(full.fetch_add(1, Ordering::Relaxed)),
                        Err(_) => drop(failed.fetch_add(1, Ordering::Relaxed)),
                    }
                }
            });
        }
    });
    let seconds = began.elapsed().as_secs_f64();
    let (made, full, failed) = (made.into_inner(), full.into_inner(), failed.into_inner());
    let what = format!(
        "{WANTED} a second wanted, {:.0} a second tried; {made} connections stood ({:.0} a second), {full} found the kernel's queue \
         full, {failed} failed",
        (made + full + failed) as f64 / seconds,
        made as f64 / seconds
    );
    (what, Some(made))
}

/// Bodies of ten gigabytes, sixteen at once.
pub(crate) fn body(address: SocketAddr) -> (String, Option<u64>) {
    let sent = AtomicU64::new(0);
    let began = Instant::now();
    thread::scope(|scope| {
        for number in 0..16 {
            let sent = &sent;
            scope.spawn(move || {
                let mut stream = connect(address, number).unwrap();
                let head =
                    "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 10737418240\r\n\r\n";
                let _ = stream.write_all(head.as_bytes());
                let piece = vec![b'x'; 64 * 1024];
                while stream.write_all(&piece).is_ok() {
                    sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
                }
            });
        }
    });
    let megabytes = sent.into_inner() >> 20;
    let what = format!(
        "16 bodies of 10 GB announced; all cut within {:.1} s, {megabytes} MB of all taken",
        began.elapsed().as_secs_f64()
    );
    (what, Some(16))
}

/// Eight thousand bodies of 60 KB, each another and none that packs: twenty times what the trap keeps for the core.
pub(crate) fn bodies(address: SocketAddr) -> (String, Option<u64>) {
    const BODIES: u32 = 8_000;
    const BODY: usize = 60_000;
    let (answered, began) = (AtomicU64::new(0), Instant::now());
    thread::scope(|scope| {
        for thread in 0..4 {
            let answered = &answered;
            scope.spawn(move || {
                let mut state = 0x9e37_79b9_7f4a_7c15 + u64::from(thread);
                for number in (thread..BODIES).step_by(4) {
                    let mut asked = format!(
                        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {BODY}\r\nConnection: close\r\n\r\n"
                    )
                    .into_bytes();
                    // Xorshift (Marsaglia 2003).
                    asked.extend((0..BODY / 8).flat_map(|_| {
                        state ^= state << 13;
                        state ^= state >> 7;
                        state ^= state << 17;
                        state.to_le_bytes()
                    }));
                    let mut stream = connect(address, number).unwrap();
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
                    let _ = stream.write_all(&asked);
                    let mut answer = Vec::new();
                    let _ = stream.read_to_end(&mut answer);
                    answered
                        .fetch_add(u64::from(answer.starts_with(b"HTTP/1.1 ")), Ordering::Relaxed);
                }
            });
        }
    });
    let what = format!(
        "{BODIES} different bodies of {} KB in {:.1} s, {} answered",
        BODY / 1000,
        began.elapsed().as_secs_f64(),
        answered.into_inner()
    );
    (what, Some(u64::from(BODIES)))
}

/// Two thousand bodies of 64 MB of zeros, packed.
pub(crate) fn zip(address: SocketAddr) -> (String, Option<u64>) {
    const BODIES: u32 = 2_000;
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(&vec![0; 64 << 20]).unwrap();
    let bomb = packer.finish().unwrap();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        bomb.len()
    );
    let (answered, began) = (AtomicU64::new(0), Instant::now());
    thread::scope(|scope| {
        for thread in 0..4 {
            let (bomb, head, answered) = (&bomb, &head, &answered);
            scope.spawn(move || {
                for number in (thread..BODIES).step_by(4) {
                    let mut stream = connect(address, number).unwrap();
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
                    let _ = stream.write_all(head.as_bytes());
                    let _ = stream.write_all(bomb);
                    let mut answer = Vec::new();
                    let _ = stream.read_to_end(&mut answer);
                    answered
                        .fetch_add(u64::from(answer.starts_with(b"HTTP/1.1 ")), Ordering::Relaxed);
                }
            });
        }
    });
    let what = format!(
        "{BODIES} bodies of {} KB, each 64 MB unpacked, in {:.1} s; {} answered",
        bomb.len() >> 10,
        began.elapsed().as_secs_f64(),
        answered.into_inner()
    );
    (what, Some(u64::from(BODIES)))
}

/// Six hundred visitors who send a byte a second, and four hundred who ask a thousand times and read nothing.
pub(crate) fn slow(address: SocketAddr) -> (String, Option<u64>) {
    const WRITERS: u32 = 600;
    const READERS: u32 = 400;
    const LASTS: Duration = Duration::from_secs(30);
    let mut writers: Vec<TcpStream> =
        (0..WRITERS).map(|number| connect(address, number).unwrap()).collect();
    let readers: Vec<TcpStream> = (WRITERS..WRITERS + READERS)
        .map(|number| {
            let mut stream = connect(address, number).unwrap();
            let _ = stream.set_nonblocking(true);
            let asked = "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1_000);
            let _ = stream.write(asked.as_bytes());
            stream
        })
        .collect();
    let began = Instant::now();
    let head = b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: ".iter().chain(std::iter::repeat(&b'x'));
    for byte in head {
        if began.elapsed() >= LASTS {
            break;
        }
        for stream in &mut writers {
            let _ = stream.write(&[*byte]);
        }
        thread::sleep(Duration::from_secs(1));
    }
    drop((writers, readers));
    let what = format!(
        "{WRITERS} writers of a byte a second and {READERS} who never read, for {} s",
        LASTS.as_secs()
    );
    (what, Some(u64::from(WRITERS + READERS)))
}

/// As many visitors as are served, each with all that a session may hold.
pub(crate) fn hold(address: SocketAddr) -> (String, Option<u64>) {
    const VISITORS: u32 = 1_000;
    let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
    let mut held: Vec<TcpStream> = Vec::new();
    for number in 0..VISITORS {
        let mut stream = connect(address, number).unwrap();
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.write_all(&[b'x'; 64 * 1024]);
        held.push(stream);
    }
    thread::sleep(Duration::from_secs(3));
    let stands = |mut stream: &TcpStream| {
        let _ = stream.set_nonblocking(true);
        matches!(stream.read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
    };
    let stood = held.iter().filter(|stream| stands(stream)).count();
    let what =
        format!("{VISITORS} visitors, each with 64 KB of a body; {stood} still stood after 3 s");
    (what, Some(u64::from(VISITORS)))
}

/// A million different user names.
pub(crate) fn names(address: SocketAddr) -> (String, Option<u64>) {
    const NAMES: u32 = 1_000_000;
    const A_CONNECTION: u32 = 50;
    let (answered, began) = (AtomicU64::new(0), Instant::now());
    thread::scope(|scope| {
        for thread in 0..4 {
            let answered = &answered;
            scope.spawn(move || {
                for first in (thread * A_CONNECTION..NAMES).step_by(4 * A_CONNECTION as usize) {
                    let mut stream = connect(address, first / A_CONNECTION).unwrap();
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
                    let asked: String = (first..first + A_CONNECTION).map(login).collect();
                    let _ = stream.write_all(asked.as_bytes());
                    let _ = stream.shutdown(std::net::Shutdown::Write);
                    let mut answer = String::new();
                    let _ = stream.read_to_string(&mut answer);
                    answered
                        .fetch_add(answer.matches("HTTP/1.1 ").count() as u64, Ordering::Relaxed);
                    cut(&stream);
                }
            });
        }
    });
    let took = began.elapsed().as_secs_f64();
    let answered = answered.into_inner();
    let what = format!(
        "{NAMES} user names tried in {took:.1} s, {:.0} a second, {answered} answered",
        f64::from(NAMES) / took
    );
    (what, Some(u64::from(NAMES / A_CONNECTION)))
}

fn login(number: u32) -> String {
    let pair = format!("user-{:08x}:p", number.wrapping_mul(0x9e37_79b9));
    format!(
        "GET /admin/ HTTP/1.1\r\nHost: a\r\nAuthorization: Basic {}\r\n\r\n",
        base64(pair.as_bytes())
    )
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let mut bits = 0_u32;
        for at in 0..3 {
            bits = (bits << 8) | u32::from(group.get(at).copied().unwrap_or(0));
        }
        for at in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * at)) as usize & 63];
            text.push(if at <= group.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

//! The trap beside a real sshd of the same release: the same bytes must get the same answer, byte for byte but for what is random. Where
//! the sshd installed is another release than the one imitated, only that is said.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::house::{House, installed};

/// How long nothing must come for an answer to be whole.
const QUIET: Duration = Duration::from_millis(400);

struct RealServer {
    child: Child,
    address: SocketAddr,
}

impl RealServer {
    fn start(folder: &Path) -> Option<Self> {
        let program = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"];
        let program = program.into_iter().find(|path| Path::new(path).is_file())?;
        let mut keys = Vec::new();
        for kind in ["rsa", "ecdsa", "ed25519"] {
            let key = folder.join(format!("host-{kind}"));
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", kind, "-N", "", "-f"])
                .arg(&key)
                .status();
            assert!(made.unwrap().success());
            keys.push(format!("-h{}", key.display()));
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let _ = std::fs::create_dir("/run/sshd");
        let child = Command::new(program)
            .args([
                "-D",
                "-e",
                "-f",
                "/dev/null",
                "-o",
                "ListenAddress=127.0.0.1",
                "-o",
                "PidFile=none",
            ])
            .args(["-o", "MaxStartups=500", "-o", "KbdInteractiveAuthentication=no", "-p"])
            .arg(port.to_string())
            .args(keys)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let server = Self { child, address: SocketAddr::from(([127, 0, 0, 1], port)) };
        for _ in 0..100 {
            if TcpStream::connect(server.address).is_ok() {
                return Some(server);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        None
    }
}

impl Drop for RealServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads until the server closes or is quiet; whether it closed.
fn read(stream: &mut TcpStream, said: &mut Vec<u8>) -> bool {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(count) => said.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return false,
            Err(_) => return true,
        }
    }
}

/// What a server sends until it closes or is quiet, and whether it closed.
fn answer(address: SocketAddr, pieces: &[Vec<u8>], quiet: Duration) -> (Vec<u8>, bool) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(quiet)).unwrap();
    let mut said = Vec::new();
    let mut closed = false;
    let begun = Instant::now();
    while !closed && !said.contains(&b'\n') {
        assert!(begun.elapsed() < Duration::from_secs(20), "no greeting");
        closed = read(&mut stream, &mut said);
    }
    for piece in pieces {
        if !closed {
            let _ = stream.write_all(piece);
            closed = read(&mut stream, &mut said);
        }
    }
    (said, closed)
}

/// The answer without what is random: the greeting's line, then packets with their KEXINIT's cookie blanked.
fn shape((said, closed): (Vec<u8>, bool), whole: bool) -> String {
    let end = said.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut shown = String::new();
    let mut rest = &said[end..];
    while rest.len() >= 6 && rest[0] == 0 {
        let length = u32::from_be_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
        let Some(packet) = rest.get(..4 + length) else { break };
        let payload = &packet[5..packet.len() - usize::from(packet[4])];
        if matches!(payload[0], 31 | 33) {
            // Keys, primes and signatures.
            shown.push_str(&format!("[reply {}]", payload[0]));
        } else if payload[0] == 20 {
            let lists =
                if whole { payload[17..].escape_ascii().to_string() } else { String::new() };
            shown.push_str(&format!("[KEXINIT {lists}]"));
        } else {
            shown.push_str(&format!("[{} +{}]", payload.escape_ascii(), packet[4]));
        }
        rest = &rest[4 + length..];
    }
    format!("{shown}{}{}", rest.escape_ascii(), if closed { " closed" } else { "" })
}

fn packet(payload: &[u8]) -> Vec<u8> {
    let padding = 4 + (8 - (payload.len() + 9) % 8) % 8;
    let length = u32::try_from(1 + payload.len() + padding).unwrap();
    [&length.to_be_bytes()[..], &[u8::try_from(padding).unwrap()], payload, &vec![0; padding]]
        .concat()
}

fn string(text: &[u8]) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_be_bytes()[..], text].concat()
}

fn kexinit(exchanges: &str, cipher: &str, guesses: u8) -> Vec<u8> {
    let mut payload = vec![20; 1];
    payload.extend([7; 16]);
    for list in [
        exchanges,
        "ssh-ed25519",
        cipher,
        cipher,
        "hmac-sha2-256",
        "hmac-sha2-256",
        "none",
        "none",
        "",
        "",
    ] {
        payload.extend(string(list.as_bytes()));
    }
    payload.push(guesses);
    payload.extend([0; 4]);
    payload
}

const NAME: &[u8] = b"SSH-2.0-probe\r\n";

/// What is sent, in pieces, under a name.
#[expect(clippy::too_many_lines, reason = "a list, one line or loop for each kind of fault")]
fn probes() -> Vec<(String, Vec<Vec<u8>>)> {
    let mut probes: Vec<(String, Vec<Vec<u8>>)> = Vec::new();
    let mut add = |name: &str, pieces: Vec<Vec<u8>>| probes.push((name.to_owned(), pieces));
    for line in [
        &b"SSH-1337-OpenSSH_9.0\r\n"[..],
        b"SSH-1.5-x\r\n",
        b"SSH-1.99-x\r\n",
        b"SSH-2.0-\r\n",
        b"SSH-2.0\r\n",
        b"SSH-2-x\r\n",
        b"ssh-2.0-x\r\n",
        b"SSH-2.0-x\n",
        b"SSH-2.0-x\r\r\n",
        b"SSH-2.0-a\rb\r\n",
        b"SSH-2.0-a\0b\r\n",
        b"SSH- 2.0-x\r\n",
        b"SSH-+2.0-x\r\n",
        b"SSH-02.00-x\r\n",
        b"SSH-2.5-x\r\n",
        b"SSH-3.0-x\r\n",
        b"SSH--2.0-x\r\n",
        b"SSH-2.0-Probe-1\r\n",
        b"SSH-2.0-SSH_Version_Mapper\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n",
        b"hello\nSSH-2.0-x\r\n",
        b"SSH-2.0-x",
    ] {
        add(&format!("line {}", line.escape_ascii()), vec![line.to_vec()]);
    }
    add("long line", vec![[&b"SSH-2.0-"[..], &[b'a'; 9_000], b"\r\n"].concat()]);
    let mut packets = |name: &str, pieces: Vec<Vec<u8>>| {
        let pieces = std::iter::once(NAME.to_vec()).chain(pieces).collect();
        add(name, pieces);
    };
    for length in [0_u32, 1, 4, 5, 8, 12, 13, 20, 262_144, 262_145, u32::MAX] {
        let bytes = [&length.to_be_bytes()[..], &[4; 24]].concat();
        packets(&format!("length {length}"), vec![bytes]);
    }
    packets("second line", vec![NAME.to_vec()]);
    for padding in [0_u8, 3, 4, 11, 12, 255] {
        let bytes = [&[0, 0, 0, 12, padding, 2][..], &[0; 10]].concat();
        packets(&format!("padding {padding}"), vec![bytes]);
    }
    for number in [
        0_u8, 1, 2, 3, 4, 5, 6, 7, 8, 19, 21, 29, 30, 31, 34, 49, 50, 60, 80, 90, 98, 100, 127,
        191, 192, 193, 200, 254, 255,
    ] {
        packets(&format!("first message {number}"), vec![packet(&[number, 0, 0, 0, 0])]);
    }
    let (plain, strict) = ("curve25519-sha256", "curve25519-sha256,kex-strict-c-v00@openssh.com");
    let chacha = "chacha20-poly1305@openssh.com";
    for exchanges in [plain, strict] {
        let begun = || packet(&kexinit(exchanges, chacha, 0));
        packets(&format!("{exchanges}: twice"), vec![begun(), begun()]);
        packets(&format!("{exchanges}: after an ignore"), vec![packet(&[2, 0, 0, 0, 0]), begun()]);
        for number in [2_u8, 3, 4, 5, 6, 19, 20, 21, 29, 31, 32, 34, 49, 50, 80, 192, 200] {
            let pieces = vec![begun(), packet(&[number, 0, 0, 0, 0])];
            packets(&format!("{exchanges}: then message {number}"), pieces);
        }
        for (name, public) in [
            ("short", string(&[9; 31])),
            ("long", string(&[9; 33])),
            ("zeros", string(&[0; 32])),
            ("none", Vec::new()),
            ("cut", vec![0, 0, 0, 32, 1, 2]),
            ("surplus", [string(&[9; 32]), vec![0]].concat()),
        ] {
            let pieces = vec![begun(), packet(&[&[30][..], &public].concat())];
            packets(&format!("{exchanges}: public value {name}"), pieces);
        }
    }
    let whole = kexinit(plain, chacha, 0);
    for cut in [1, 5, 17, 18, 21, 40, whole.len() - 5, whole.len() - 1] {
        packets(&format!("KEXINIT cut at {cut}"), vec![packet(&whole[..cut])]);
    }
    packets("KEXINIT with surplus", vec![packet(&[&whole[..], &[0]].concat())]);
    packets("nothing in common", vec![packet(&kexinit("none-such", chacha, 0))]);
    packets("no cipher in common", vec![packet(&kexinit(plain, "none-such", 0))]);
    packets("empty lists", vec![packet(&kexinit("", "", 0))]);
    packets("a zero in a list", vec![packet(&kexinit("a\0b,curve25519-sha256", chacha, 0))]);
    packets("a wrong guess", vec![packet(&kexinit(plain, chacha, 1)), packet(&[30, 0, 0, 0, 0])]);
    let gex = "diffie-hellman-group-exchange-sha256";
    for (least, wanted, most) in [
        (2048_u32, 1024_u32, 8192_u32),
        (1, 1, 1),
        (9000, 9000, 9000),
        (4096, 2048, 8192),
        (2048, 8192, 4096),
        (8192, 8192, 8192),
    ] {
        let sizes = [least, wanted, most].map(u32::to_be_bytes).concat();
        let request = packet(&[&[34][..], &sizes].concat());
        // Which prime is sent is drawn: only that one is, is compared.
        packets(
            &format!("{gex} {least} {wanted} {most}"),
            vec![packet(&kexinit(gex, chacha, 0)), request],
        );
    }
    packets(
        "old request for a group",
        vec![packet(&kexinit(gex, chacha, 0)), packet(&[30, 0, 0, 8, 0])],
    );
    let group = "diffie-hellman-group14-sha256";
    for (name, public) in
        [("0", vec![]), ("1", vec![1]), ("negative", vec![0x80]), ("small", vec![0x7f; 8])]
    {
        let value = packet(&[&[30][..], &string(&public)].concat());
        packets(&format!("{group} {name}"), vec![packet(&kexinit(group, chacha, 0)), value]);
    }
    probes
}

#[test]
fn whoever_breaks_the_protocol_cannot_tell_it_from_a_real_sshd() {
    if !installed("ssh-keygen") {
        return;
    }
    let house = House::open();
    let Some(real) = RealServer::start(house.folder()) else {
        println!("skipped: no sshd could be started");
        return;
    };
    let greeting = |address| {
        let said = answer(address, &[], QUIET).0;
        String::from_utf8_lossy(&said).trim_end().to_owned()
    };
    let (ours, theirs) = (greeting(house.address), greeting(real.address));
    let release = |text: &str| text.split("+deb12u").next().unwrap_or_default().to_owned();
    if release(&ours) != release(&theirs) {
        println!("skipped: the sshd installed is {theirs}, the one imitated {ours}");
        return;
    }
    let probes = probes();
    let whole = ours == theirs;
    let both = |pieces: &[Vec<u8>], quiet: Duration| {
        [house.address, real.address].map(|address| shape(answer(address, pieces, quiet), whole))
    };
    let mut suspects = Vec::new();
    for some in probes.chunks(24) {
        std::thread::scope(|scope| {
            let both = &both;
            let running: Vec<_> = some
                .iter()
                .map(|probe| (probe, scope.spawn(move || both(&probe.1, QUIET))))
                .collect();
            for (probe, thread) in running {
                let [ours, theirs] = thread.join().unwrap();
                if ours != theirs {
                    suspects.push(probe);
                }
            }
        });
    }
    // A machine that is busy may be slower than the quiet waited for: what differs is tried again, alone and with patience.
    let mut different = Vec::new();
    for (name, pieces) in suspects {
        let [ours, theirs] = both(pieces, 5 * QUIET);
        if ours != theirs {
            different.push(format!("{name}\n  trap: {ours}\n  sshd: {theirs}"));
        }
    }
    println!("{} probes against {theirs}", probes.len());
    house.close();
    assert!(
        different.is_empty(),
        "{} of {}:\n{}",
        different.len(),
        probes.len(),
        different.join("\n")
    );
}

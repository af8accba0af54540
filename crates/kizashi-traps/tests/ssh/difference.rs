//! The trap beside real servers of the same releases: the same bytes must get the same answer, byte for byte but for what is random. What
//! the releases answered is kept in `reference/` (`reference-sshd` says how it is made); the sshd installed here is asked itself.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kizashi_traps::OperatingSystem;

use crate::house::{installed, of, open};
use crate::probes::{NAME, probes};

/// How long nothing must come for an answer to be whole.
const QUIET: Duration = Duration::from_millis(400);

pub(crate) struct RealServer {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl RealServer {
    pub(crate) fn start(folder: &Path) -> Option<Self> {
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
        let _ = std::fs::create_dir("/run/sshd");
        // A port that is free now may be another test's trap in a moment: sshd then ends, and whoever has it would be taken for it.
        (0..5).find_map(|_| Self::listening(program, &keys))
    }

    /// One that listens on a port that was free.
    fn listening(program: &str, keys: &[String]) -> Option<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
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
            .stderr(Stdio::piped())
            .spawn()
            .ok()?;
        let mut server = Self { child, address: SocketAddr::from(([127, 0, 0, 1], port)) };
        let mut told = BufReader::new(server.child.stderr.take()?).lines().map_while(Result::ok);
        told.any(|line| line.starts_with("Server listening on")).then(|| {
            // It must never wait for somebody to read what it says.
            std::thread::spawn(move || told.for_each(drop));
            server
        })
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
fn shape((said, closed): (Vec<u8>, bool)) -> String {
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
            shown.push_str(&format!("[KEXINIT {}]", payload[17..].escape_ascii()));
        } else {
            shown.push_str(&format!("[{} +{}]", payload.escape_ascii(), packet[4]));
        }
        rest = &rest[4 + length..];
    }
    format!("{shown}{}{}", rest.escape_ascii(), if closed { " closed" } else { "" })
}

type Probe = (String, Vec<Vec<u8>>);

pub(crate) fn greeting(address: SocketAddr) -> String {
    let said = answer(address, &[], QUIET).0;
    String::from_utf8_lossy(&said).trim_end().to_owned()
}

/// What it offers, as its KEXINIT holds it: sent at once by some releases, after the visitor's name by others. A machine that is busy is
/// asked again with patience.
fn offer(address: SocketAddr) -> String {
    for patience in [1, 5, 20] {
        for pieces in [vec![], vec![NAME.to_vec()]] {
            let said = shape(answer(address, &pieces, patience * QUIET));
            if let (true, Some(end)) = (said.starts_with("[KEXINIT "), said.find(']')) {
                return said[..=end].to_owned();
            }
        }
    }
    panic!("{address} offers nothing");
}

/// An answer in which the offer is only named.
fn asked(address: SocketAddr, probe: &Probe, quiet: Duration) -> String {
    let said = shape(answer(address, &probe.1, quiet));
    match (said.find("[KEXINIT "), said.find(']')) {
        (Some(0), Some(end)) => format!("[KEXINIT]{}", &said[end + 1..]),
        _ => said,
    }
}

/// What the server answers to each probe, asked many at a time.
fn all_asked(address: SocketAddr, probes: &[Probe]) -> Vec<String> {
    let mut answers = Vec::new();
    for some in probes.chunks(24) {
        std::thread::scope(|scope| {
            let ask = |probe| scope.spawn(move || asked(address, probe, QUIET));
            let running: Vec<_> = some.iter().map(ask).collect();
            answers.extend(running.into_iter().map(|thread| thread.join().unwrap()));
        });
    }
    answers
}

/// Fails where the trap answers otherwise than expected. A machine that is busy may be slower than the quiet waited for: what differs is
/// tried again, alone and with patience, and the real server, where there is one to ask, too.
fn hold(
    name: &str,
    address: SocketAddr,
    real: Option<SocketAddr>,
    probes: &[Probe],
    expected: &[String],
) {
    assert_eq!(probes.len(), expected.len());
    let mut different = Vec::new();
    for ((probe, expected), first) in probes.iter().zip(expected).zip(all_asked(address, probes)) {
        if first == *expected {
            continue;
        }
        let ours = asked(address, probe, 5 * QUIET);
        let expected = real.map_or_else(|| expected.clone(), |real| asked(real, probe, 5 * QUIET));
        if ours != expected {
            different.push(format!("{}\n  trap: {ours}\n  sshd: {expected}", probe.0));
        }
    }
    let count = different.len();
    assert!(different.is_empty(), "{name}: {count} of {}:\n{}", probes.len(), different.join("\n"));
}

fn reference(release: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/ssh/reference/{release}.txt"))
}

/// Keeps what real servers answer: `KIZASHI_REFERENCE=noble=127.0.0.1:2605,…`, each run by `reference-sshd`. Without it there is
/// nothing to do.
#[test]
fn reference_answers_are_kept_where_a_real_sshd_is_named() {
    let named = std::env::var("KIZASHI_REFERENCE").unwrap_or_default();
    for entry in named.split(',').filter(|entry| !entry.is_empty()) {
        let (release, address) = entry.split_once('=').unwrap();
        let address: SocketAddr = address.parse().unwrap();
        let probes = probes();
        let mut text = format!("{}\n{}\n", greeting(address), offer(address));
        // What is said twice is kept; what is not, because the machine was busy, is asked once more with patience.
        let twice = all_asked(address, &probes).into_iter().zip(all_asked(address, &probes));
        for (probe, (first, again)) in probes.iter().zip(twice) {
            let answer = if first == again { first } else { asked(address, probe, 6 * QUIET) };
            text.push_str(&format!("{}\t{answer}\n", probe.0));
        }
        std::fs::write(reference(release), text).unwrap();
    }
}

#[test]
fn whoever_breaks_the_protocol_is_answered_as_each_release_answered() {
    let probes = probes();
    for system in OperatingSystem::ALL {
        let (release, server) = (system.codename(), system.web_server());
        let text = std::fs::read_to_string(reference(release)).expect(release);
        let mut lines = text.lines();
        let house = of(server);
        assert_eq!(greeting(house.address), lines.next().unwrap(), "{release}");
        assert_eq!(offer(house.address), lines.next().unwrap(), "{release}");
        let kept: Vec<(&str, &str)> = lines.map(|line| line.split_once('\t').unwrap()).collect();
        let names: Vec<&str> = kept.iter().map(|(name, _)| *name).collect();
        assert!(probes.iter().map(|probe| probe.0.as_str()).eq(names), "{release}: other probes");
        let expected: Vec<String> = kept.iter().map(|(_, answer)| (*answer).to_owned()).collect();
        hold(release, house.address, None, &probes, &expected);
        house.close();
    }
}

#[test]
fn whoever_breaks_the_protocol_cannot_tell_it_from_the_sshd_installed_here() {
    if !installed("ssh-keygen") {
        return;
    }
    let house = open();
    let Some(real) = RealServer::start(house.folder()) else {
        println!("skipped: no sshd could be started");
        return;
    };
    let (ours, theirs) = (greeting(house.address), greeting(real.address));
    if ours != theirs {
        println!("skipped: the sshd installed is {theirs}, the one imitated {ours}");
        return;
    }
    assert_eq!(offer(house.address), offer(real.address));
    let probes = probes();
    let expected = all_asked(real.address, &probes);
    hold("the sshd installed", house.address, Some(real.address), &probes, &expected);
    house.close();
}

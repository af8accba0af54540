//! What a trap would do in the hands of an attacker, tried from inside it: test builds alone have this. A try that the kernel kills
//! never returns; one that only fails ends the process with [`FAILED`], one that succeeds with [`SUCCEEDED`].

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;

use rustix::net::{AddressFamily, SocketType};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use crate::stream::Outbox;

/// The exit status after a try that failed with an error.
const FAILED: i32 = 40;
/// The exit status after a try that succeeded: the sandbox has a hole.
const SUCCEEDED: i32 = 41;

/// Tries one forbidden thing and ends the process.
pub(super) fn attempt(how: &str, core: u32, outbox: &Outbox) {
    let core = i32::try_from(core).ok().and_then(Pid::from_raw);
    let result = match how {
        "read" => std::fs::File::open("/etc/passwd").map(drop),
        "write" => std::fs::File::create("/tmp/kizashi-misbehaved").map(drop),
        "write-much" => write_much(),
        "socket" => rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)
            .map(drop)
            .map_err(Into::into),
        "connect-loopback" => connect([127, 0, 0, 1]),
        "connect-beyond" => connect([192, 0, 2, 1]),
        "datagram" => datagram(),
        "fork" => std::process::Command::new("/bin/true").spawn().map(drop),
        "exec" => Err(std::process::Command::new("/bin/true").exec()),
        "kill-core" => {
            core.map_or(Ok(()), |core| kill_process(core, Signal::KILL).map_err(Into::into))
        }
        "look-into-core" => core.map_or(Ok(()), |core| {
            pidfd_open(core, PidfdFlags::empty()).map(drop).map_err(Into::into)
        }),
        "memory" => {
            fill_memory();
            Ok(())
        }
        // The core finds out, and the supervisor ends this process.
        "lie" => return outbox.lie(),
        _ => return,
    };
    std::process::exit(if result.is_ok() { SUCCEEDED } else { FAILED });
}

fn connect(address: [u8; 4]) -> std::io::Result<()> {
    // Any socket would do: what is asked is whether there is such a call.
    let to = std::net::SocketAddr::from((address, 9));
    rustix::net::connect(std::io::stdin(), &to).map_err(Into::into)
}

fn datagram() -> std::io::Result<()> {
    let to = std::net::SocketAddr::from(([192, 0, 2, 1], 9));
    rustix::net::sendto(std::io::stdin(), b"x", rustix::net::SendFlags::empty(), &to)
        .map(drop)
        .map_err(Into::into)
}

/// Ten gigabytes to where a trap can write at all: its standard error, which the supervisor reads and bounds.
fn write_much() -> std::io::Result<()> {
    let (piece, mut written) = (vec![b'x'; 1 << 20], 0_u64);
    while written < 10 << 30 {
        std::io::stderr().write_all(&piece)?;
        written += piece.len() as u64;
    }
    Ok(())
}

fn fill_memory() {
    let mut filled = Vec::new();
    for _ in 0..1024 {
        filled.push(vec![1_u8; 10 << 20]);
    }
    std::hint::black_box(&filled);
}

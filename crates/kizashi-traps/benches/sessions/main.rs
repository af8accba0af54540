//! What a visitor of each trap costs: sessions per second of processor time of its shortest golden dialogue that gets an answer, over loopback
//! sockets through the whole house, beside a bare server that takes the same connections and sends the same bytes and does nothing
//! else. Each serves from a process of its own, whose time `/proc` tells; the visitors' time is not counted.
//!
//! `cargo bench -p kizashi-traps --bench sessions [-- TRAP [SECONDS]]`
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement prints, and stops where it cannot measure"
)]

#[path = "../ssh/cost.rs"]
#[allow(dead_code, reason = "the login bench uses the rest")]
mod cost;
mod dialogue;
mod servers;
mod visitors;

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use dialogue::Dialogue;
use kizashi_event::Transport;
use kizashi_traps::registry;

/// A server in a process of its own.
struct Serving {
    child: Child,
    address: SocketAddr,
}

impl Serving {
    fn start(words: &[&str]) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).unwrap();
        let address = line.trim().parse().expect("a server that says where it is");
        Self { child, address }
    }

    /// Sessions per second of its processor time.
    fn rate(&self, dialogue: &Dialogue, time: Duration) -> f64 {
        // What is done once, such as drawing the installation, is no session's.
        visitors::play(self.address, dialogue, time / 10);
        let before = cost::of_process(self.child.id());
        let sessions = visitors::play(self.address, dialogue, time);
        let used = cost::of_process(self.child.id()).saturating_sub(before);
        sessions as f64 / used.as_secs_f64()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", trap] => return servers::serve(trap),
        ["bare", file] => return servers::bare(file),
        _ => {}
    }
    let only = words.first().map_or("", String::as_str);
    let seconds = words.get(1).and_then(|word| word.parse().ok()).unwrap_or(2.0);
    let time = Duration::from_secs_f64(seconds);
    println!(
        "{:<14} {:>8} {:>8} {:>5}  dialogue (sessions per second of processor time; share of a bare server's)",
        "trap", "sessions", "bare", "share"
    );
    for trap in registry().iter().filter(|trap| trap.name.contains(only)) {
        if !trap.transports.contains(&Transport::Tcp) {
            continue;
        }
        let serving = Serving::start(&["serve", trap.name]);
        let Some(dialogue) = dialogue::shortest(trap.name, serving.address) else {
            println!("{:<14} no dialogue in the clear that is answered at once", trap.name);
            continue;
        };
        let ours = serving.rate(&dialogue, time);
        drop(serving);
        let file = std::env::temp_dir().join(format!("kizashi-sessions-{}", std::process::id()));
        std::fs::write(&file, dialogue.to_text()).unwrap();
        let serving = Serving::start(&["bare", file.to_str().unwrap()]);
        let bare = serving.rate(&dialogue, time);
        std::fs::remove_file(&file).unwrap();
        println!(
            "{:<14} {ours:>8.0} {bare:>8.0} {:>4.0}%  {}",
            trap.name,
            100.0 * ours / bare,
            dialogue.name
        );
    }
}

//! `kizashi watch --notify` on a real terminal: a pseudo-terminal of script(1), whose output is all that a terminal would get.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{Folder, Running, eventually, text};

const LONG: Duration = Duration::from_secs(60);

/// A terminal with the screen on it.
struct Terminal {
    script: Child,
    shown: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    fn of(folder: &Folder, arguments: &str) -> Self {
        let program = env!("CARGO_BIN_EXE_kizashi");
        let line = format!("stty rows 40 cols 120; exec {program} watch --data data {arguments}");
        let mut script = Command::new("script")
            .args(["--quiet", "--return", "--flush", "--command", &line, "/dev/null"])
            .current_dir(folder.path())
            .env("TERM", "xterm-256color")
            .env("LC_ALL", "C.UTF-8")
            .env_remove("TMUX")
            .env_remove("VTE_VERSION")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let shown: Arc<Mutex<Vec<u8>>> = Arc::default();
        let (kept, mut from) = (Arc::clone(&shown), script.stdout.take().unwrap());
        std::thread::spawn(move || {
            let mut buffer = [0; 4_096];
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                kept.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self { script, shown }
    }

    fn has(&self, bytes: &[u8]) -> bool {
        self.shown.lock().unwrap().windows(bytes.len()).any(|part| part == bytes)
    }

    fn press(&mut self, keys: &str) {
        let stdin = self.script.stdin.as_mut().unwrap();
        stdin.write_all(keys.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}

#[test]
fn a_sign_that_is_raised_rings_the_terminals_bell_and_is_told_by_its_own_notification() {
    let folder = Folder::new();
    let up = Running::up(&folder);
    let mut telling = Terminal::of(&folder, "--notify");
    let mut ringing = Terminal::of(&folder, "--notify bell");
    let mut silent = Terminal::of(&folder, "");
    for terminal in [&telling, &ringing, &silent] {
        eventually("the screen", LONG, || terminal.has(b"NOTHING YET").then_some(()));
        assert!(!terminal.has(b"\x07"), "what was there at the start is no news");
    }
    text(&folder, &["renew", "--data", "data", "--misbehave", "exec"]);
    eventually("the notification", LONG, || telling.has(b"\x1b]9;Kizashi: ").then_some(()));
    eventually("its end, and the bell", LONG, || {
        telling.has(b"(critical)\x1b\\\x07").then_some(())
    });
    eventually("the bell alone", LONG, || ringing.has(b"\x07").then_some(()));
    assert!(!ringing.has(b"\x1b]9;") && !ringing.has(b"\x1b]777;"));
    // It shows the sign, and tells of it by nothing else.
    eventually("the sign on the screen", LONG, || silent.has(b"misbehaved").then_some(()));
    assert!(!silent.has(b"\x07"));
    for terminal in [&mut telling, &mut ringing, &mut silent] {
        terminal.press("q");
        let ended = eventually("the end", LONG, || terminal.script.try_wait().unwrap());
        assert!(ended.success());
        // The screen of before is back.
        assert!(terminal.has(b"\x1b[?1049l"));
    }
    up.stop();
}

//! A Kizashi of the benches: its own folder, free ports of the loopback, its processes by their ids.

#![allow(dead_code, reason = "each bench uses a part of it")]

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// One that runs.
pub(crate) struct Up {
    pub(crate) child: Child,
    pub(crate) folder: PathBuf,
    /// Where its web trap stands.
    pub(crate) address: SocketAddr,
    /// The dashboard's address with its token.
    pub(crate) link: String,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Up {
    /// Starts one whose `[traps]` are set so.
    pub(crate) fn start(name: &str, arguments: &[&str], traps: &str) -> Self {
        Self::start_over(name, &[&["--data", "data"][..], arguments].concat(), traps)
    }

    /// The same, where the arguments say over which data.
    pub(crate) fn start_over(name: &str, arguments: &[&str], traps: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("kizashi-bench-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let port = free_port();
        let config = format!(
            "[capture]\nenabled = false\n[dashboard]\naddress = \"127.0.0.1:{}\"\n[traps]\naddress = \"127.0.0.1\"\nhttp = \"{port}\"\nhttps = \"\"\ntelnet = \"\"\nany_tcp = \"{}\"\nany_udp = \"\"\n{traps}\n",
            free_port(),
            free_port()
        );
        std::fs::write(folder.join("kizashi.toml"), config).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_kizashi"))
            .current_dir(&folder)
            .arg("up")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut link = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let ready = out.any(|line| {
            if let Some(rest) = line.strip_prefix("dashboard ") {
                rest.trim().clone_into(&mut link);
            }
            line == "ready"
        });
        assert!(ready, "it did not come up");
        Self { child, folder, address: SocketAddr::from(([127, 0, 0, 1], port)), link }
    }

    /// The processes in whose command line this stands.
    pub(crate) fn children(&self, what: &str) -> Vec<u32> {
        let is_ours = |id: &u32| {
            let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
            let mut words = rest.split_whitespace();
            let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            words.next() != Some("Z")
                && words.next() == Some(&self.child.id().to_string())
                && String::from_utf8_lossy(&line).contains(what)
        };
        let ids = std::fs::read_dir("/proc").unwrap();
        ids.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(is_ours)
            .collect()
    }

    /// Ends it and waits.
    pub(crate) fn stop(&mut self) {
        let id = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        self.stop();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Kilobytes of a line of `/proc/ID/smaps_rollup` or `status`.
pub(crate) fn kilobytes(id: u32, file: &str, line: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{id}/{file}")).unwrap_or_default();
    let value = text.lines().find_map(|text| text.strip_prefix(line));
    value.and_then(|value| value.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Kilobytes in megabytes.
pub(crate) fn mega(kilobytes: u64) -> f64 {
    kilobytes as f64 / 1024.0
}

//! The SSH trap on a port of loopback, and programs that visit it.

use std::process::{Command, Output, Stdio};

use kizashi_event::{Detail, Event};
use kizashi_traps::{Identity, LoginSettings, RsaHostKey, WebServer};

pub(crate) use crate::support::{House, commands, installed, logins, said};

/// A key that is used nowhere else, for tests alone.
const RSA_KEY: &str = include_str!("../../src/ssh/test-rsa-key.txt");

/// Debian 12's server, which takes `root` with `letmein9`.
pub(crate) fn open() -> House {
    of(WebServer::NginxDebian12)
}

/// The server of this machine's system, which takes the same.
pub(crate) fn of(server: WebServer) -> House {
    let accept = vec!["root:letmein9".parse().unwrap()];
    let settings = LoginSettings { accept, ..LoginSettings::default() };
    with_logins(server, settings)
}

pub(crate) fn with_logins(server: WebServer, settings: LoginSettings) -> House {
    let identity = Identity::draw([1; 32])
        .with_web_server(server)
        .with_rsa_host_key(RsaHostKey::from_text(RSA_KEY).unwrap())
        .with_logins(settings);
    House::of_trap("ssh", identity)
}

/// Options of OpenSSH's programs that ask nobody and know nobody.
pub(crate) const OPTIONS: [&str; 10] = [
    "-F",
    "/dev/null",
    "-o",
    "StrictHostKeyChecking=no",
    "-o",
    "UserKnownHostsFile=/dev/null",
    "-o",
    "LogLevel=ERROR",
    "-o",
    "PreferredAuthentications=password,keyboard-interactive",
];

/// A program under a time limit that is given the password, and this input.
pub(crate) fn run(program: &str, arguments: &[&str], input: &str) -> Output {
    use std::io::Write as _;
    let mut child = Command::new("timeout")
        .args(["30", "sshpass", "-p", "letmein9", program])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// `ssh` with these options, destination and command.
pub(crate) fn ssh(house: &House, more: &[&str], input: &str) -> Output {
    let port = house.port();
    let mut arguments = OPTIONS.to_vec();
    arguments.extend(["-p", &port, "-l", "root"]);
    arguments.extend(more);
    run("ssh", &arguments, input)
}

pub(crate) fn notes(events: &[Event], wanted: &str) -> Vec<String> {
    let note = |event: &Event| match &event.detail {
        Detail::Note { name, value } if name.raw() == wanted => Some(value.raw().to_owned()),
        _ => None,
    };
    events.iter().filter_map(note).collect()
}

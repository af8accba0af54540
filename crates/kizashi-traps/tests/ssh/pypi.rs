//! Clients and scanners from PyPI, in an environment that is made once; where PyPI cannot be reached they are skipped with a printed line.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use kizashi_event::Detail;

use crate::difference::RealServer;
use crate::house::{commands, open, said};

/// Whether an earlier run made it whole.
fn made_before(programs: &Path) -> bool {
    let whole = Command::new(programs.join("python3"))
        .args(["-c", "import paramiko, asyncssh, ssh_audit, ssh"])
        .status();
    whole.is_ok_and(|status| status.success())
}

/// The environment's programs.
fn environment() -> Option<&'static Path> {
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pypi-ssh");
        let programs = folder.join("bin");
        let made = made_before(&programs) || {
            let install = "python3 -m venv \"$0\" && \"$0/bin/pip\" install --quiet paramiko asyncssh ssh-audit ssh-python";
            let status = Command::new("sh").args(["-c", install]).arg(&folder).status();
            status.is_ok_and(|status| status.success())
        };
        if !made {
            println!("skipped: PyPI could not be reached");
        }
        made.then_some(programs)
    });
    made.as_deref()
}

#[test]
fn paramiko_runs_commands_and_uploads() {
    const SCRIPT: &str = "
import paramiko, sys
client = paramiko.SSHClient()
client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
client.connect('127.0.0.1', port=int(sys.argv[1]), username='root', password='letmein9', allow_agent=False, look_for_keys=False)
_, out, _ = client.exec_command('echo by paramiko')
print(out.read().decode(), out.channel.recv_exit_status())
sftp = client.open_sftp()
with sftp.open('/tmp/p', 'wb') as file:
    file.write(b'harmless' * 9000)
print(sftp.stat('/tmp/p').st_size, sftp.listdir('/tmp'))
client.close()
";
    let Some(programs) = environment() else { return };
    let house = open();
    let output = Command::new("timeout")
        .arg("30")
        .arg(programs.join("python3"))
        .args(["-W", "ignore", "-c", SCRIPT, &house.port()])
        .output()
        .unwrap();
    let shown = said(&output);
    assert!(shown.contains("by paramiko\n 0") && shown.contains("72000 ['p']"), "{shown}");
    let events = house.close();
    let sizes: Vec<Option<u64>> = events
        .iter()
        .filter_map(|event| event.detail.payload())
        .map(|payload| payload.size)
        .collect();
    assert_eq!(sizes, [Some(72_000)]);
}

#[test]
fn asyncssh_runs_a_command_and_a_shell() {
    const SCRIPT: &str = "
import asyncio, asyncssh, sys
async def main():
    async with asyncssh.connect('127.0.0.1', int(sys.argv[1]), username='root', password='letmein9', known_hosts=None, client_keys=[], agent_path=None, config=[]) as client:
        result = await client.run('echo by asyncssh; exit 4')
        print(result.stdout, result.exit_status)
        shell = await client.create_process(term_type='xterm')
        shell.stdin.write('whoami\\nexit\\n')
        print(await shell.stdout.read())
asyncio.run(main())
";
    let Some(programs) = environment() else { return };
    let house = open();
    let output = Command::new("timeout")
        .arg("30")
        .arg(programs.join("python3"))
        .args(["-c", SCRIPT, &house.port()])
        .output()
        .unwrap();
    let shown = said(&output);
    assert!(shown.contains("by asyncssh\n 4"), "{shown}");
    assert_eq!(commands(&house.close()), ["echo by asyncssh; exit 4", "whoami", "exit"]);
}

#[test]
fn libssh_logs_in_runs_commands_and_transfers_files() {
    const SCRIPT: &str = "
import os, sys
from ssh import options
from ssh.session import Session
session = Session()
session.options_set(options.HOST, '127.0.0.1')
session.options_set(options.USER, 'root')
session.options_set_port(int(sys.argv[1]))
session.options_set(options.STRICTHOSTKEYCHECK, 'no')
session.connect()
session.userauth_password('root', 'letmein9')
channel = session.channel_new()
channel.open_session()
channel.request_exec('echo by libssh; exit 3')
said = b''
while True:
    size, data = channel.read()
    if size <= 0:
        break
    said += data
channel.close()
print(said.decode().strip(), channel.get_exit_status())
sftp = session.sftp_new()
sftp.init()
with sftp.open('/tmp/l', os.O_CREAT | os.O_WRONLY, 0o644) as file:
    file.write(b'harmless')
print(sftp.stat('/tmp/l').size)
";
    let Some(programs) = environment() else { return };
    let house = open();
    let output = Command::new("timeout")
        .arg("30")
        .arg(programs.join("python3"))
        .args(["-c", SCRIPT, &house.port()])
        .output()
        .unwrap();
    let shown = said(&output);
    assert!(shown.contains("by libssh 3\n8\n"), "{shown}");
    let events = house.close();
    assert_eq!(commands(&events), ["echo by libssh; exit 3"]);
    let client = events.iter().find_map(|event| match &event.detail {
        Detail::Client { version: Some(version), .. } => Some(version.raw().to_owned()),
        _ => None,
    });
    assert!(client.as_deref().is_some_and(|name| name.contains("libssh")), "{client:?}");
}

#[test]
fn ssh_audit_says_the_same_of_the_trap_and_of_the_sshd_installed_here() {
    let Some(programs) = environment() else { return };
    let house = open();
    let Some(real) = RealServer::start(house.folder()) else {
        println!("skipped: no sshd could be started");
        return;
    };
    let [ours, theirs] = [house.address, real.address].map(|address| {
        let output = Command::new("timeout")
            .arg("60")
            .arg(programs.join("ssh-audit"))
            .args(["-n", "--skip-rate-test", "-p", &address.port().to_string(), "127.0.0.1"])
            .output()
            .unwrap();
        // Each server has keys of its own, and stands at a port of its own.
        let keeps = |line: &&str| !line.contains("SHA256:") && !line.contains("target:");
        said(&output).lines().filter(keeps).map(str::to_owned).collect::<Vec<_>>()
    });
    let banner = |lines: &[String]| lines.iter().find(|line| line.contains("banner:")).cloned();
    if banner(&ours) != banner(&theirs) {
        println!("skipped: the sshd installed is another release than the one imitated");
        return;
    }
    assert!(ours.len() > 40, "{}", ours.join("\n"));
    assert_eq!(ours, theirs);
    house.close();
}

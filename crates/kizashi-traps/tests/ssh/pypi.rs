//! Clients and scanners from PyPI, in an environment that is made once; where PyPI cannot be reached they are skipped with a printed line.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use kizashi_event::Detail;
use kizashi_traps::{LoginSettings, WebServer};

use crate::difference::RealServer;
use crate::house::{commands, open, said, with_logins};

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

/// A channel's signal, exit and window by paramiko, which has no call for the first two.
const CHANNELS: &str = "
import paramiko, sys, time
def requested(channel, message):
    kind = message.get_text(); message.get_boolean()
    channel.seen = (kind, message.get_int() if kind == 'exit-status' else message.get_text()) if kind.startswith('exit') else getattr(channel, 'seen', None)
paramiko.Transport._channel_handler_table[98] = requested
def refused(channel, message):
    channel.event_ready = False; channel.event.set()
paramiko.Transport._channel_handler_table[100] = refused
def ask(channel, name, *fields):
    message = paramiko.Message()
    message.add_byte(bytes([98])); message.add_int(channel.remote_chanid); message.add_string(name); message.add_boolean(True)
    for field in fields: message.add_int(field) if isinstance(field, int) else message.add_string(field)
    channel._event_pending(); channel.transport._send_user_message(message); channel.event.wait(5)
    return channel.event_ready
def said(channel, wait=8):
    out, end = b'', time.time() + wait
    while time.time() < end and not channel.closed:
        if channel.recv_ready(): out += channel.recv(65536)
        else: time.sleep(0.02)
    return out
client = paramiko.SSHClient(); client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
client.connect('127.0.0.1', port=int(sys.argv[1]), username=sys.argv[2], password='letmein9', allow_agent=False, look_for_keys=False)
def command(text, *signals):
    channel = client.get_transport().open_session(); channel.exec_command(text); time.sleep(0.3)
    answers = [ask(channel, 'signal', name) for name in signals]
    said(channel, 3 if signals else 8)
    print(text, answers, getattr(channel, 'seen', None))
    channel.close()
";

fn channels(user: &str, acts: &str) -> Option<String> {
    let programs = environment()?;
    let accept = vec!["root:letmein9".parse().unwrap(), "wei:letmein9".parse().unwrap()];
    let settings = LoginSettings { accept, ..LoginSettings::default() };
    let house = with_logins(WebServer::NginxDebian12, settings);
    let output = Command::new("timeout")
        .arg("60")
        .arg(programs.join("python3"))
        .args(["-W", "ignore", "-c", &format!("{CHANNELS}{acts}"), &house.port(), user])
        .output()
        .unwrap();
    house.close();
    Some(said(&output))
}

/// As Debian 12's sshd answered the same (root's session has no monitor that could send a signal).
#[test]
fn a_signal_ends_a_users_command_and_is_refused_to_root() {
    let acts = "
command('sleep 20; echo done', 'TERM')
command('sleep 20', 'KILL')
command('sleep 20; echo done', 'FOO')
command('kill -9 $$')
command('exit 3')
";
    let Some(shown) = channels("wei", acts) else { return };
    let expected = "sleep 20; echo done [True] ('exit-signal', 'TERM')\nsleep 20 [True] ('exit-signal', 'KILL')\nsleep 20; echo done [False] None\nkill -9 $$ [] ('exit-signal', 'KILL')\nexit 3 [] ('exit-status', 3)\n";
    assert_eq!(shown, expected);
    let Some(shown) = channels("root", "command('sleep 20; echo done', 'TERM')") else { return };
    assert_eq!(shown, "sleep 20; echo done [False] None\n");
}

#[test]
fn a_window_and_its_changes_are_the_terminals() {
    let acts = "
channel = client.get_transport().open_session()
print('before', ask(channel, 'break', 500), ask(channel, 'signal', 'TERM'), ask(channel, 'env', 'LC_ALL', 'C'), ask(channel, 'env', 'FOO', 'x'), ask(channel, 'auth-agent-req@openssh.com'), ask(channel, 'auth-agent-req@openssh.com'))
channel.get_pty('xterm-256color', 132, 43); channel.invoke_shell(); said(channel, 1)
channel.send('echo $COLUMNS $LINES; stty size; echo $TERM $LC_ALL\\r'); print(said(channel, 1))
channel.resize_pty(100, 30); channel.send('echo $COLUMNS $LINES; stty size\\r'); print(said(channel, 1))
print('after', ask(channel, 'break', 500), ask(channel, 'env', 'LC_ALL', 'C'))
";
    let Some(shown) = channels("root", acts) else { return };
    assert!(shown.contains("before False False True False True False\n"), "{shown}");
    assert!(shown.contains("\\r132 43\\r\\n43 132\\r\\nxterm-256color C\\r\\n"), "{shown}");
    assert!(shown.contains("\\r100 30\\r\\n30 100\\r\\n"), "{shown}");
    assert!(shown.contains("after True False\n"), "{shown}");
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

//! SQL Server, Remote Desktop and WinRM before those who look for them and into them: nmap, hydra (whose RDP is FreeRDP's), FreeTDS' `tsql`, and from
//! PyPI (in environments under the build's temporary folder) python-tds, which carries TLS in packets of TDS, pywinrm and pypsrp, which seal by NTLM.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test fails by panicking and says what it skips"
)]

#[path = "support/house.rs"]
#[allow(dead_code, reason = "each test file uses a part of it")]
mod house;

#[path = "remote_windows/desktop.rs"]
mod desktop;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use house::{House, commands, installed, logins, said};
use kizashi_event::{Detail, Event};
use kizashi_traps::{Identity, LoginSettings};

/// A service that a weak password opens at the first try.
fn open(trap: &'static str) -> House {
    let logins = LoginSettings { tries: 1..=1, ..LoginSettings::default() };
    House::of_trap(trap, Identity::draw([1; 32]).with_logins(logins))
}

fn run(program: &str, arguments: &[&str], input: Option<&Path>) -> String {
    let mut command = Command::new("timeout");
    command.args(["90", program]).args(arguments);
    let input = input.map(|path| Stdio::from(std::fs::File::open(path).unwrap()));
    said(&command.stdin(input.unwrap_or_else(Stdio::null)).output().unwrap())
}

fn notes(events: &[Event], wanted: &str) -> Vec<String> {
    let note = |event: &Event| match &event.detail {
        Detail::Note { name, value } if name.raw() == wanted => Some(value.raw().to_owned()),
        _ => None,
    };
    events.iter().filter_map(note).collect()
}

fn python() -> Option<PathBuf> {
    house::python(
        "remote-windows-clients",
        "pytds, OpenSSL",
        &["python-tds>=1.16,<2", "pyOpenSSL>=25"],
    )
}

/// nmap's own probe of this name alone, to be sent to any port: all of them take half a minute.
fn one_probe(all: &str, name: &str) -> String {
    let start = format!("Probe TCP {name} ");
    let own = all.lines().skip_while(|line| !line.starts_with(&start));
    let own = own
        .enumerate()
        .take_while(|(at, line)| *at == 0 || !line.starts_with("Probe "))
        .map(|(_, line)| line);
    let lines: Vec<&str> =
        own.filter(|line| !line.starts_with("rarity") && !line.starts_with("fallback")).collect();
    format!("Probe TCP NULL q||\ntotalwaitms 100\n{}\nrarity 1\n", lines.join("\n"))
}

#[test]
fn nmap_names_the_servers_product_version_and_windows() {
    if !installed("nmap") {
        return;
    }
    let house = open("mssql");
    let port = house.port();
    let probes = house.folder().join("probes");
    let folder = "/usr/share/nmap/nmap-service-probes";
    std::fs::write(&probes, one_probe(&std::fs::read_to_string(folder).unwrap(), "ms-sql-s"))
        .unwrap();
    let arguments =
        ["-sV", "--versiondb", probes.to_str().unwrap(), "-Pn", "-n", "-p", &port, "127.0.0.1"];
    let text = run("nmap", &arguments, None);
    house.close();
    assert!(text.contains("ms-sql-s Microsoft SQL Server 20"), "{text}");
}

#[test]
fn hydra_finds_the_password_of_sa() {
    if !installed("hydra") {
        return;
    }
    let house = open("mssql");
    let list = house.folder().join("passwords");
    std::fs::write(&list, "kUq81xX\n123456\n").unwrap();
    let (list, port) = (list.to_str().unwrap().to_owned(), house.port());
    let text = run(
        "hydra",
        &["-I", "-t", "1", "-l", "sa", "-P", &list, "-s", &port, "127.0.0.1", "mssql"],
        None,
    );
    let events = house.close();
    assert!(text.contains("password: 123456"), "{text}");
    assert!(logins(&events).contains(&("sa".to_owned(), "kUq81xX".to_owned(), false)));
}

#[test]
fn tsql_switches_commands_on_and_runs_one() {
    if !installed("tsql") {
        return;
    }
    let house = open("mssql");
    let script = house.folder().join("script");
    std::fs::write(&script, "select @@version\nselect name from sys.databases\ngo\nexec sp_configure 'show advanced options', 1\nreconfigure\nexec sp_configure 'xp_cmdshell', 1\nreconfigure\ngo\nexec xp_cmdshell 'echo MZ>C:\\Windows\\Temp\\a.exe&type C:\\Windows\\Temp\\a.exe&whoami'\ngo\nselect * from nowhere\ngo\n").unwrap();
    let port = house.port();
    let text =
        run("tsql", &["-H", "127.0.0.1", "-p", &port, "-U", "sa", "-P", "123456"], Some(&script));
    let events = house.close();
    for part in [
        "Microsoft SQL Server 20",
        "\nmsdb\n",
        "changed from 0 to 1",
        "\nMZ\n",
        "nt authority\\system",
        "Invalid object name 'nowhere'",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let kept: Vec<_> = events.iter().filter_map(|event| event.detail.payload()).collect();
    assert!(kept.iter().any(|kept| kept.content == b"MZ\r\n"));
}

const VISIT: &str = r#"
import sys, pytds, pytds.tls, OpenSSL
port = int(sys.argv[1])
def connect(**more):
    return pytds.connect("127.0.0.1", port=port, user="sa", password="123456", autocommit=True, **more)
def context(cafile):
    made = OpenSSL.SSL.Context(OpenSSL.SSL.TLS_CLIENT_METHOD)
    made.set_verify(OpenSSL.SSL.VERIFY_NONE, lambda *_: True)
    return made
pytds.tls.create_context = context
with connect(cafile="any", validate_host=False, enc_login_only=True) as c, c.cursor() as q:
    def all(text, *values):
        q.execute(text, *values)
        return q.fetchall()
    assert all("select 1 + 1, 'ä', null")[0] == (2, "ä", None)
    assert all("select %s", ("it's \\ here",))[0][0] == "it's \\ here"
    q.execute("exec sp_configure 'show advanced options', 1; exec sp_configure 'xp_cmdshell', 1")
    lines = [line for (line,) in all("exec xp_cmdshell 'ver'")]
    assert any(line and line.startswith("Microsoft Windows [Version") for line in lines), lines
    program = "4d5a" + "90" * 50000
    q.execute("CREATE ASSEMBLY a FROM 0x" + program + " WITH PERMISSION_SET = UNSAFE")
print("done")
"#;

#[test]
fn python_tds_encrypts_its_login_and_brings_an_assembly() {
    let Some(python) = python() else { return };
    let house = open("mssql");
    let output = Command::new("timeout")
        .arg("60")
        .arg(python)
        .args(["-c", VISIT, &house.port()])
        .output()
        .unwrap();
    let events = house.close();
    let text = said(&output);
    assert!(text.contains("done"), "{text}");
    assert!(commands(&events).contains(&"ver".to_owned()));
    assert!(!notes(&events, "tls").is_empty(), "the login came in TLS");
    let kept: Vec<_> = events.iter().filter_map(|event| event.detail.payload()).collect();
    assert!(kept.iter().any(|kept| kept.size == Some(50_002) && kept.content.starts_with(b"MZ")));
}

#[test]
fn nmap_names_remote_desktop_and_reads_the_machines_name() {
    if !installed("nmap") {
        return;
    }
    let house = open("rdp");
    let port = house.port();
    let probes = house.folder().join("probes");
    let all = std::fs::read_to_string("/usr/share/nmap/nmap-service-probes").unwrap();
    std::fs::write(&probes, one_probe(&all, "TerminalServerCookie")).unwrap();
    let probes = probes.to_str().unwrap();
    let scripts = "+rdp-ntlm-info,+rdp-enum-encryption";
    let arguments = ["-sV", "--versiondb", probes, "--script", scripts, "-Pn", "-n", "-p", &port];
    let text = run("nmap", &[&arguments[..], &["127.0.0.1"]].concat(), None);
    house.close();
    for part in [
        "ms-wbt-server Microsoft Terminal Services",
        "Target_Name: WIN-",
        "CredSSP (NLA): SUCCESS",
        "Native RDP: SUCCESS",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn hydra_finds_the_password_of_remote_desktop_and_what_it_proves_is_told() {
    if !installed("hydra") {
        return;
    }
    let house = open("rdp");
    let list = house.folder().join("passwords");
    std::fs::write(&list, "kUq81xX\n123456\n").unwrap();
    let (list, port) = (list.to_str().unwrap().to_owned(), house.port());
    let arguments =
        ["-I", "-t", "1", "-l", "administrator", "-P", &list, "-s", &port, "127.0.0.1", "rdp"];
    let text = run("hydra", &arguments, None);
    let events = house.close();
    assert!(text.contains("password: 123456"), "{text}");
    let known = ("administrator".to_owned(), "123456".to_owned(), true);
    assert!(logins(&events).contains(&known), "{text}");
    let hashes = notes(&events, "netntlmv2");
    assert!(hashes.len() >= 2 && hashes[0].starts_with("administrator::"), "{hashes:?}");
}

const REMOTE: &str = r#"
import sys, warnings, winrm, winrm.exceptions
from pypsrp.client import Client
warnings.simplefilter("ignore")
port, program = int(sys.argv[1]), sys.argv[2]
name, word = "administrator", "123456"
plain, sealed = f"http://127.0.0.1:{port}/wsman", f"https://127.0.0.1:{port}/wsman"
for endpoint, transport in ((plain, "ntlm"), (plain, "basic"), (sealed, "ntlm")):
    s = winrm.Session(endpoint, auth=(name, word), transport=transport, server_cert_validation="ignore")
    ran = s.run_cmd("whoami & echo a>C:\\Windows\\Temp\\a.txt& type C:\\Windows\\Temp\\a.txt")
    assert ran.std_out.endswith(b"\\administrator\r\na\r\n") and ran.status_code == 0, ran.std_out
    assert s.run_ps("$pwd").std_out == b"C:\\Users\\Administrator\r\n"
    assert s.run_cmd("nonsense").std_err.startswith(b"'nonsense' is not recognized")
try:
    winrm.Session(plain, auth=(name, "kUq81xX"), transport="ntlm").run_cmd("whoami")
    assert False, "let in"
except winrm.exceptions.InvalidCredentialsError:
    pass
p = s.protocol
shell = p.open_shell()
command = p.run_command(shell, "cmd")
p.send_command_input(shell, command, "hostname\r\nexit\r\n")
out, err, status = p.get_command_output(shell, command)
assert b"WIN-" in out and status == 0, out
p.close_shell(shell)
for auth in ("ntlm", "negotiate"):
    with Client("127.0.0.1", port=port, username=name, password=word, ssl=False, auth=auth) as c:
        assert c.execute_cmd("hostname")[0].startswith("WIN-")
        out, streams, failed = c.execute_ps("hostname; (get-location).path")
        assert out.startswith("WIN-") and out.endswith("C:\\Users\\Administrator") and not failed, out
        out, streams, failed = c.execute_ps("Get-Nothing")
        assert "not recognized" in str(streams.error[0]), streams.error
with Client("127.0.0.1", port=port, username=name, password=word, ssl=False, auth="ntlm") as c:
    try:
        c.copy(program, "C:\\Windows\\Temp\\a.exe")
    except Exception:
        pass  # what the script prints at its end is more than this PowerShell knows
print("done")
"#;

#[test]
fn pywinrm_and_pypsrp_run_commands_sealed_by_ntlm_in_clear_and_in_tls() {
    let packages = ["pywinrm>=0.5,<1", "pypsrp>=0.8,<1"];
    let Some(python) = house::python("winrm-clients", "winrm, pypsrp", &packages) else { return };
    let house = open("winrm");
    let program = house.folder().join("a.exe");
    std::fs::write(&program, [b"MZ".as_slice(), &[0x90; 20_000]].concat()).unwrap();
    let arguments = ["-c", REMOTE, &house.port(), program.to_str().unwrap()];
    let text = run(python.to_str().unwrap(), &arguments, None);
    let events = house.close();
    assert!(text.contains("done"), "{text}");
    assert!(logins(&events).contains(&("administrator".to_owned(), "123456".to_owned(), true)));
    assert!(!notes(&events, "tls").is_empty() && !notes(&events, "netntlmv2").is_empty());
    let kept: Vec<_> = events.iter().filter_map(|event| event.detail.payload()).collect();
    assert!(kept.iter().any(|kept| kept.content == b"a\r\n"));
    let sizes: Vec<_> = kept.iter().map(|kept| (kept.size, kept.content.get(..2))).collect();
    // The file, and its SHA-1 in hexadecimal, which pypsrp sends after it.
    assert!(sizes.contains(&(Some(20_002 + 40), Some(b"MZ"))), "{sizes:?}");
}

#[test]
fn nmap_names_the_driver_under_remote_management() {
    if !installed("nmap") {
        return;
    }
    let house = open("winrm");
    let port = house.port();
    let probes = house.folder().join("probes");
    let all = std::fs::read_to_string("/usr/share/nmap/nmap-service-probes").unwrap();
    std::fs::write(&probes, one_probe(&all, "GetRequest")).unwrap();
    let arguments =
        ["-sV", "--versiondb", probes.to_str().unwrap(), "-Pn", "-n", "-p", &port, "127.0.0.1"];
    let text = run("nmap", &arguments, None);
    house.close();
    assert!(text.contains("Microsoft HTTPAPI httpd 2.0"), "{text}");
}

//! How whoever has a password goes on: impacket's psexec, smbexec, atexec and wmiexec, which are what most attackers' own tools were made from. Their commands run on
//! the pretended machine, and its answers must come back by the ways that these programs read them.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::house::{commands, said};
use super::{RELEASES, has_note, open, python};

/// Runs one of impacket's programs, whose ports are fixed, as its own file does.
const PROGRAM: &str = r#"
import importlib.machinery, importlib.util, logging, os, sys
program, port, words = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
path = os.path.join(os.path.dirname(sys.executable), program + ".py")
loader = importlib.machinery.SourceFileLoader(program, path)
module = importlib.util.module_from_spec(importlib.util.spec_from_loader(program, loader))
loader.exec_module(module)
from impacket.dcerpc.v5 import transport
from impacket.examples import logger
logger.init()
module.CODEC = "utf-8"
user, word, host = "administrator", "admin123", "127.0.0.1"
if program == "psexec":
    module.PSEXEC(words[0], None, None, None, port, user, word, serviceName="", remoteBinaryName=None).run(host, host)
elif program == "smbexec":
    module.CMDEXEC(user, word, doKerberos=False, mode="SHARE", share="C$", port=port, serviceName=None, shell_type=words[0]).run(host, host)
elif program == "wmiexec":
    from impacket.dcerpc.v5 import dcomrt
    from impacket.smbconnection import SMBConnection
    mapper = transport.DCERPCTransportFactory
    def at_mapper(binding):
        made = mapper(binding)
        made.set_dport(int(words[0]))
        return made
    dcomrt.transport.DCERPCTransportFactory = at_mapper
    module.SMBConnection = lambda name, address: SMBConnection(name, address, sess_port=port)
    module.WMIEXEC(words[1], user, word, share="ADMIN$", remoteHost=host, shell_type="cmd").run(host)
else:
    factory = transport.DCERPCTransportFactory
    def at_port(binding):
        made = factory(binding)
        made.set_dport(port)
        return made
    module.transport.DCERPCTransportFactory = at_port
    module.TSCH_EXEC(user, word, "", command=words[0]).play(host)
"#;

/// What it prints where this is typed.
fn program(python: &std::path::Path, words: &[&str], typed: &str) -> String {
    let mut child = Command::new("timeout")
        .args(["60", python.to_str().unwrap(), "-c", PROGRAM])
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    said(&child.wait_with_output().unwrap())
}

#[test]
fn psexec_brings_its_service_and_types_into_cmd_through_its_pipes() {
    let Some(python) = python() else { return };
    for seed in [RELEASES[0], RELEASES[2]] {
        let house = open("smb", seed);
        let port = house.port();
        let one = program(&python, &["psexec", &port, "hostname"], "");
        assert!(one.contains("WIN-"), "{one}");
        assert!(one.contains("finished with ErrorCode: 0, ReturnCode: 0"), "{one}");
        let typed = "whoami\necho MZ>C:\\Windows\\Temp\\a.exe\nnonsense\nexit\n";
        let shell = program(&python, &["psexec", &port, "cmd.exe"], typed);
        let events = house.close();
        for part in ["Microsoft Windows [Version ", "nt authority\\system", "not recognized"] {
            assert!(shell.contains(part), "{part}: {shell}");
        }
        let lines = commands(&events);
        for line in ["whoami", "echo MZ>C:\\Windows\\Temp\\a.exe", "nonsense", "exit"] {
            assert!(lines.iter().any(|found| found == line), "{line}: {lines:?}");
        }
        assert!(has_note(&events, "smb pipe", |name| name.starts_with("remcom_stdout")));
        let kept: Vec<_> = events.iter().filter_map(|event| event.detail.payload()).collect();
        assert!(kept.iter().any(|kept| kept.content == b"MZ\r\n"), "what cmd.exe wrote");
        let service = |content: &[u8]| content.starts_with(b"MZ") && content.len() > 50_000;
        assert_eq!(kept.iter().filter(|kept| service(&kept.content)).count(), 2, "RemCom itself");
    }
}

#[test]
fn smbexec_reads_what_its_lines_print_from_a_share() {
    let Some(python) = python() else { return };
    for seed in [RELEASES[0], RELEASES[1]] {
        let house = open("smb", seed);
        let port = house.port();
        let typed = "whoami\nnet user\nexit\n";
        let text = program(&python, &["smbexec", &port, "cmd"], typed);
        let powershell =
            program(&python, &["smbexec", &port, "powershell"], "(get-location).path\nexit\n");
        let events = house.close();
        assert!(text.contains("C:\\Windows\\system32>"), "{text}");
        assert!(text.contains("nt authority\\system") && text.contains("Administrator"), "{text}");
        assert!(powershell.contains("C:\\Windows\\system32"), "{powershell}");
        let lines = commands(&events);
        let ran = |start: &str| lines.iter().any(|line| line.starts_with(start));
        assert!(ran("whoami  > \\\\") || ran("whoami > \\\\"), "{lines:?}");
        assert!(ran("%COMSPEC% /Q /c echo whoami ^>"), "{lines:?}");
    }
}

#[test]
fn atexec_registers_a_task_under_seal_and_reads_what_it_printed() {
    let Some(python) = python() else { return };
    for seed in [RELEASES[0], RELEASES[2]] {
        let house = open("smb", seed);
        let text = program(&python, &["atexec", &house.port(), "(whoami & ver & nonsense)"], "");
        let events = house.close();
        for part in ["nt authority\\system", "Microsoft Windows [Version ", "not recognized"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let lines = commands(&events);
        let task = lines
            .iter()
            .any(|line| line.starts_with("cmd.exe /C (whoami & ver & nonsense) > %windir%"));
        assert!(task, "{lines:?}");
        assert!(has_note(&events, "task run", |_| true));
    }
}

/// It logs in at the share and at the mapper, and is refused where DCOM would give it an object: nothing here activates any. Its line it never
/// sends; that it came, by which account and password, and for what, is told.
#[test]
fn wmiexec_logs_in_and_is_refused_where_an_object_would_be_activated() {
    let Some(python) = python() else { return };
    for seed in [RELEASES[0], RELEASES[2]] {
        let (house, mapper) = (open("smb", seed), open("epmap", seed));
        let text = program(&python, &["wmiexec", &house.port(), &mapper.port(), "whoami"], "");
        let (at_share, at_mapper) = (house.close(), mapper.close());
        assert!(text.contains("rpc_s_access_denied"), "{text}");
        for events in [&at_share, &at_mapper] {
            let proved = has_note(events, "netntlmv2", |line| line.starts_with("administrator::"));
            assert!(proved, "{events:?}");
        }
        let logins = super::house::logins(&at_share);
        assert!(logins.iter().any(|(user, _, accepted)| user == "administrator" && *accepted));
        assert!(has_note(&at_mapper, "rpc bind", |name| name.contains("dcom activator")));
        assert!(has_note(&at_mapper, "dcom class", |class| class == "WbemLevel1Login (WMI)"));
        assert!(!has_note(&at_mapper, "rpc exploit", |_| true), "it is no overflow");
    }
}

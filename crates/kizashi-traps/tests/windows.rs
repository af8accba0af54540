//! Windows' file sharing and endpoint mapper before those who look for them: nmap, which must name the product and find it without MS17-010,
//! smbclient and rpcclient of Samba, and impacket, of which psexec and its kin are made.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says what it skips"
)]

#[path = "support/house.rs"]
#[allow(dead_code, reason = "each test file uses a part of it")]
mod house;

#[path = "windows/execution.rs"]
mod execution;
#[path = "windows/names.rs"]
mod names;
#[path = "windows/protection.rs"]
mod protection;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use house::{House, commands, installed, logins, said};
use kizashi_event::{Detail, Event};
use kizashi_traps::{Identity, LoginSettings};

/// Seeds whose installation is 2008 R2 (up to 2.1), 2012 R2 (3.0.2) and 2016 (3.1.1).
const RELEASES: [u8; 3] = [3, 2, 12];

fn open(trap: &'static str, seed: u8) -> House {
    let logins = LoginSettings { tries: 1..=1, ..LoginSettings::default() };
    House::of_trap(trap, Identity::draw([seed; 32]).with_logins(logins))
}

/// What a program says within a minute.
fn run(arguments: &[&str]) -> String {
    let output =
        Command::new("timeout").arg("60").args(arguments).stdin(Stdio::null()).output().unwrap();
    said(&output)
}

fn has_note(events: &[Event], wanted: &str, holds: impl Fn(&str) -> bool) -> bool {
    events.iter().any(|event| {
        matches!(&event.detail, Detail::Note { name, value }
            if name.raw() == wanted && holds(value.raw()))
    })
}

#[test]
fn nmap_names_the_products_and_finds_what_attackers_look_for() {
    if !installed("nmap") {
        return;
    }
    let house = open("smb", RELEASES[0]);
    let port = house.port();
    let ports = format!("smbport={port}");
    let scripts = "smb-protocols,smb-security-mode,smb-vuln-ms17-010,smb-enum-shares,smb-enum-users,smb2-security-mode";
    let text = run(&[
        "nmap",
        "-sV",
        "--script",
        scripts,
        "--script-args",
        &ports,
        "-Pn",
        "-n",
        "-p",
        &port,
        "127.0.0.1",
    ]);
    let events = house.close();
    for expected in [
        "Microsoft Windows Server 2008 R2 - 2012 microsoft-ds (workgroup: WORKGROUP)",
        "NT LM 0.12 (SMBv1)",
        "State: VULNERABLE",
        "message_signing: disabled",
        "Message signing enabled but not required",
        "Type: STYPE_DISKTREE_HIDDEN",
        "Administrator (RID: 500)",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(has_note(&events, "smb exploit", |value| value == "MS17-010 probe"));
    let house = open("epmap", RELEASES[0]);
    let port = house.port();
    let text = run(&["nmap", "-sV", "-Pn", "-n", "-p", &port, "127.0.0.1"]);
    house.close();
    assert!(text.contains("Microsoft Windows RPC"), "{text}");
}

#[test]
fn smbclient_looks_takes_and_leaves_files_in_every_version_and_its_login_is_told() {
    if !installed("smbclient") {
        return;
    }
    for (seed, newest) in RELEASES.into_iter().zip(["SMB2_10", "SMB3_02", "SMB3_11"]) {
        let house = open("smb", seed);
        let port = house.port();
        let (sent, got) = (house.folder().join("sent"), house.folder().join("got"));
        std::fs::write(&sent, "MZ a worm").unwrap();
        let first = format!(
            "put {} Temp\\worm.exe; ls Temp\\*; get win.ini {}",
            sent.display(),
            got.display()
        );
        for version in ["NT1", "SMB2_02", newest] {
            // SMB1 is not signed here, as Windows has it unless somebody asks.
            let old = version == "NT1";
            let protection = if old { "off" } else { "sign" };
            let last = if old {
                "del Temp\\worm.exe"
            } else {
                "rename Temp\\worm.exe Temp\\b.exe; del Temp\\b.exe"
            };
            let script = format!("{first}; {last}");
            let text = run(&[
                "smbclient",
                "//127.0.0.1/ADMIN$",
                "-p",
                &port,
                "-U",
                "administrator%admin123",
                &format!("--client-protection={protection}"),
                "--option=client min protocol=NT1",
                "-m",
                version,
                "-c",
                &script,
            ]);
            assert!(text.contains("worm.exe") && !text.contains("NT_STATUS"), "{version}: {text}");
            assert!(std::fs::read_to_string(&got).unwrap().contains("[fonts]"));
        }
        let listed = run(&["smbclient", "-N", "-L", "127.0.0.1", "-p", &port]);
        assert!(listed.contains("ADMIN$") && listed.contains("Remote IPC"), "{listed}");
        let refused = run(&[
            "smbclient",
            "//127.0.0.1/C$",
            "-p",
            &port,
            "-U",
            "administrator%kUq81xX",
            "-c",
            "ls",
        ]);
        assert!(refused.contains("NT_STATUS_LOGON_FAILURE"), "{refused}");
        let events = house.close();
        let login = ("administrator".to_owned(), "admin123".to_owned(), true);
        assert!(logins(&events).contains(&login));
        assert!(has_note(&events, "netntlmv2", |line| line.starts_with("administrator::")));
        let kept = events.iter().filter_map(|event| event.detail.payload());
        assert_eq!(kept.filter(|payload| payload.content == b"MZ a worm").count(), 3);
    }
}

#[test]
fn rpcclient_lists_accounts_and_names() {
    if !installed("rpcclient") {
        return;
    }
    let house = open("smb", RELEASES[0]);
    let port = house.port();
    let ask = |command: &str| {
        run(&["rpcclient", "-p", &port, "-U", "administrator%admin123", "127.0.0.1", "-c", command])
    };
    let asked =
        ask("srvinfo; enumdomusers; querydispinfo; queryuser 500; enumalsgroups builtin; lsaquery");
    for expected in [
        "os version      :\t6.1",
        "user:[Administrator] rid:[0x1f4]",
        "acb: 0x00000210",
        "Remote Desktop Users",
        "WORKGROUP",
    ] {
        assert!(asked.contains(expected), "{expected}: {asked}");
    }
    let named =
        ask("lookupnames administrator; lookupsids S-1-5-32-544; netshareenum; getusername");
    for expected in [
        "-500 (User: 1)",
        "BUILTIN\\Administrators (4)",
        "netname: C$",
        "Account Name: administrator",
    ] {
        assert!(named.contains(expected), "{expected}: {named}");
    }
    house.close();
}

fn python() -> Option<PathBuf> {
    house::python("windows-clients", "impacket", &["impacket>=0.12,<1"])
}

const VISIT: &str = r#"
import io, sys
from impacket.smbconnection import SMBConnection
from impacket.dcerpc.v5 import epm, lsad, lsat, scmr, transport
from impacket.dcerpc.v5.dcomrt import IObjectExporter
from impacket.dcerpc.v5.dtypes import MAXIMUM_ALLOWED
from impacket.dcerpc.v5.rpcrt import RPC_C_AUTHN_LEVEL_NONE
port, mapper = int(sys.argv[1]), sys.argv[2]
for dialect in (None, "NT LM 0.12"):
    c = SMBConnection("127.0.0.1", "127.0.0.1", sess_port=port, preferredDialect=dialect, timeout=30)
    c.login("administrator", "admin123")
    assert c.getServerName().startswith("WIN-") and not c.isGuestSession()
    assert "ADMIN$\0" in [s["shi1_netname"] for s in c.listShares()]
    assert "System32" in [f.get_longname() for f in c.listPath("C$", "\\Windows\\*")]
    c.putFile("ADMIN$", "evil.exe", io.BytesIO(b"MZ" + b"A" * 50000).read)
    got = io.BytesIO()
    c.getFile("ADMIN$", "evil.exe", got.write)
    assert got.getvalue() == b"MZ" + b"A" * 50000
    def pipe(name, uuid):
        d = transport.SMBTransport("127.0.0.1", port, name, smb_connection=c).get_dce_rpc()
        d.connect()
        d.bind(uuid)
        return d
    d = pipe(r"\svcctl", scmr.MSRPC_UUID_SCMR)
    manager = scmr.hROpenSCManagerW(d)["lpScHandle"]
    made = scmr.hRCreateServiceW(d, manager, "BTOB\0", "BTOB\0", lpBinaryPathName="%systemroot%\\evil.exe\0")
    service = made["lpServiceHandle"]
    scmr.hRStartServiceW(d, service)
    assert scmr.hRQueryServiceStatus(d, service)["lpServiceStatus"]["dwCurrentState"] == 4
    scmr.hRControlService(d, service, scmr.SERVICE_CONTROL_STOP)
    scmr.hRDeleteService(d, service)
    d = pipe(r"\lsarpc", lsat.MSRPC_UUID_LSAT)
    policy = lsad.hLsarOpenPolicy2(d, MAXIMUM_ALLOWED | lsat.POLICY_LOOKUP_NAMES)["PolicyHandle"]
    info = lsad.hLsarQueryInformationPolicy2(d, policy, lsad.POLICY_INFORMATION_CLASS.PolicyAccountDomainInformation)
    sid = info["PolicyInformation"]["PolicyAccountDomainInfo"]["DomainSid"].formatCanonical()
    try:
        names = lsat.hLsarLookupSids(d, policy, [f"{sid}-{n}" for n in range(500, 1500)])
    except lsat.DCERPCSessionError as error:
        assert "STATUS_SOME_NOT_MAPPED" in str(error)
        names = error.get_packet()
    assert [n["Name"] for n in names["TranslatedNames"]["Names"]][:2] == ["Administrator", "Guest"]
    c.deleteFile("ADMIN$", "evil.exe")
    c.logoff()
def tcp():
    d = transport.DCERPCTransportFactory(f"ncacn_ip_tcp:127.0.0.1[{mapper}]").get_dce_rpc()
    d.set_auth_level(RPC_C_AUTHN_LEVEL_NONE)
    d.connect()
    return d
entries = epm.hept_lookup(None, dce=tcp())
shown = [epm.PrintStringBinding(entry["tower"]["Floors"]) for entry in entries]
assert "ncacn_ip_tcp:127.0.0.1[49153]" in shown, shown
names = [b["aNetworkAddr"] for b in IObjectExporter(tcp()).ServerAlive2()]
assert any(name.startswith("WIN-") for name in names), names
print("done")
"#;

#[test]
fn what_psexec_is_made_of_starts_a_service_whose_command_and_program_are_kept() {
    let Some(python) = python() else { return };
    let (house, mapper) = (open("smb", RELEASES[0]), open("epmap", RELEASES[0]));
    let text = run(&[python.to_str().unwrap(), "-c", VISIT, &house.port(), &mapper.port()]);
    let events = house.close();
    mapper.close();
    assert_eq!(text.trim(), "done");
    assert_eq!(commands(&events), ["%systemroot%\\evil.exe"; 2]);
    let programs = events.iter().filter_map(|event| event.detail.payload());
    assert_eq!(programs.filter(|payload| payload.size == Some(50_002)).count(), 2);
}

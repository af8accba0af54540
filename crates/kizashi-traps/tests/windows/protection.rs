//! Messages that are signed and encrypted as clients want it, whose keys follow from a password that the trap knows.

use super::house::logins;
use super::{RELEASES, has_note, open, python, run};
use crate::house::installed;

fn smbclient(port: &str, protection: &[&str], script: &str) -> String {
    let mut words = vec!["smbclient", "//127.0.0.1/ADMIN$", "-p", port];
    words.extend(["-U", "administrator%admin123", "-c", script]);
    words.extend(protection);
    run(&words)
}

#[test]
fn smbclient_has_everything_encrypted_where_the_release_can_and_is_refused_where_not() {
    if !installed("smbclient") {
        return;
    }
    for (seed, version) in
        [(RELEASES[1], "SMB3_02"), (RELEASES[1], "SMB3_00"), (RELEASES[2], "SMB3_11")]
    {
        let house = open("smb", seed);
        let (sent, got) = (house.folder().join("sent"), house.folder().join("got"));
        std::fs::write(&sent, "MZ hidden").unwrap();
        let script = format!("put {} a.exe; ls a.*; get a.exe {}", sent.display(), got.display());
        let text =
            smbclient(&house.port(), &["--client-protection=encrypt", "-m", version], &script);
        assert!(text.contains("a.exe") && !text.contains("NT_STATUS"), "{version}: {text}");
        assert_eq!(std::fs::read(&got).unwrap(), b"MZ hidden");
        let events = house.close();
        assert!(has_note(&events, "smb2", |value| value == "encrypted"));
        let kept = events.iter().filter_map(|event| event.detail.payload());
        assert_eq!(kept.filter(|payload| payload.content == b"MZ hidden").count(), 1);
    }
    let house = open("smb", RELEASES[0]);
    let text = smbclient(&house.port(), &["--client-protection=encrypt"], "ls");
    assert!(text.contains("server doesn't support SMB3 encryption"), "{text}");
    assert!(logins(&house.close()).iter().all(|(user, ..)| user == "administrator"));
}

const ENCRYPTED: &str = r#"
import io, sys
from impacket.smb3structs import SMB2_DIALECT_30, SMB2_DIALECT_311
from impacket.smbconnection import SMBConnection
dialect = {"30": SMB2_DIALECT_30, "311": SMB2_DIALECT_311}[sys.argv[2]]
c = SMBConnection("127.0.0.1", "127.0.0.1", sess_port=int(sys.argv[1]), preferredDialect=dialect, timeout=30)
c.login("administrator", "admin123")
low = c._SMBConnection
assert low._Connection["SupportsEncryption"] and low._Session["SessionFlags"] & 4, "encrypts"
c.putFile("ADMIN$", "evil.exe", io.BytesIO(b"MZ" + b"A" * 90000).read)
got = io.BytesIO()
c.getFile("ADMIN$", "evil.exe", got.write)
assert got.getvalue()[:60000] == b"MZ" + b"A" * 59998 and len(got.getvalue()) == 90002, len(got.getvalue())
assert "ADMIN$\0" in [s["shi1_netname"] for s in c.listShares()]
c.logoff()
print("done")
"#;

#[test]
fn impacket_encrypts_all_that_it_says() {
    let Some(python) = python() else { return };
    for (seed, dialect) in [(RELEASES[1], "30"), (RELEASES[2], "311")] {
        let house = open("smb", seed);
        let text = run(&[python.to_str().unwrap(), "-c", ENCRYPTED, &house.port(), dialect]);
        let events = house.close();
        assert!(text.contains("done"), "{dialect}: {text}");
        assert!(has_note(&events, "smb2", |value| value == "encrypted"));
    }
}

#[test]
fn smbclient_signs_in_the_oldest_version_where_it_must() {
    if !installed("smbclient") {
        return;
    }
    let house = open("smb", RELEASES[0]);
    let got = house.folder().join("got");
    for logs_in in ["client use spnego=yes", "client use spnego=no"] {
        let text = smbclient(
            &house.port(),
            &[
                "-m",
                "NT1",
                "--option=client min protocol=NT1",
                "--option=client signing=required",
                &format!("--option={logs_in}"),
            ],
            &format!("ls win.ini; get win.ini {}", got.display()),
        );
        assert!(text.contains("win.ini") && !text.contains("NT_STATUS"), "{logs_in}: {text}");
        assert!(std::fs::read_to_string(&got).unwrap().contains("[fonts]"));
        std::fs::remove_file(&got).unwrap();
    }
    house.close();
}

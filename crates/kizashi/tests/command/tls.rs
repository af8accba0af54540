//! TLS through the whole program: the handshake inside the sandbox, the fingerprint in the store.

use std::process::Command;
use std::time::Duration;

use crate::support::{Folder, Running, eventually, text};

#[test]
fn a_visitor_over_tls_is_served_in_the_sandbox_and_his_fingerprint_is_counted() {
    let folder = Folder::new();
    let up = Running::up(&folder);
    let port = up.address("https").port();
    for versions in [&["--tls-max", "1.2"][..], &["--tlsv1.3"]] {
        let page = Command::new("curl")
            .args(["-sk", "--max-time", "10", "-o", "/dev/null", "-w", "%{http_code}"])
            .arg(format!("https://127.0.0.1:{port}/"))
            .args(versions)
            .output()
            .unwrap();
        let page = String::from_utf8_lossy(&page.stdout).into_owned();
        // Which page it is was drawn for this installation; none of them fails.
        let status: u16 = page[..3].parse().unwrap();
        assert!((200..500).contains(&status), "{page}");
    }
    let certificate = |port: u16| {
        let script = format!(
            "openssl s_client -connect 127.0.0.1:{port} </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256"
        );
        let printed = Command::new("sh").args(["-c", &script]).output().unwrap();
        String::from_utf8_lossy(&printed.stdout).into_owned()
    };
    let before = certificate(port);
    assert!(before.contains("Fingerprint="), "{before}");
    eventually("fingerprints of both hellos", Duration::from_secs(8), || {
        let top = text(&folder, &["top", "fingerprints", "--data", "data"]);
        (top.contains("ja4:t12i") && top.contains("ja4:t13i")).then_some(())
    });
    up.stop();
    let again = Running::start(&folder, &["up", "--data", "data"]);
    assert_eq!(certificate(again.address("https").port()), before, "after a restart");
    again.stop();
}

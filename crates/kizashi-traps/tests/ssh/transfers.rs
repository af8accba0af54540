//! Files by SFTP and scp, both ways.

use kizashi_event::PayloadOrigin;

use crate::house::{OPTIONS, installed, notes, open, run, said};

fn options<'a>(port: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = OPTIONS.to_vec();
    arguments.extend(["-P", port]);
    arguments.extend(more);
    arguments
}

#[test]
fn a_file_put_by_sftp_is_captured_and_can_be_got_back() {
    if !installed("sftp") || !installed("sshpass") {
        return;
    }
    let house = open();
    let content: Vec<u8> = (0..50_000_u32).flat_map(u32::to_be_bytes).collect();
    let (small, large, back) = ("small", "large", "back");
    let path = |name: &str| house.folder().join(name).to_str().unwrap().to_owned();
    std::fs::write(path(small), &content[..20_000]).unwrap();
    std::fs::write(path(large), &content).unwrap();
    let script = format!(
        "pwd\nmkdir /tmp/d\nput -p {} /tmp/d/one\nput {} /var/tmp/two\nchmod 755 /tmp/d/one\nrename /tmp/d/one /tmp/d/three\nls -l /tmp/d\nget /tmp/d/three {}\nget /etc/nothing {}\n",
        path(small),
        path(large),
        path(back),
        path("shadow")
    );
    let port = house.port();
    let output = run("sftp", &options(&port, &["root@127.0.0.1"]), &script);
    let shown = said(&output);
    assert!(shown.contains("Remote working directory: /root"), "{shown}");
    assert!(shown.contains("-rwxr-xr-x") && shown.contains("three"), "{shown}");
    assert!(
        shown.contains("/etc/nothing\" not found") || shown.contains("No such file"),
        "{shown}"
    );
    assert_eq!(std::fs::read(path(back)).unwrap(), &content[..20_000], "{shown}");
    let events = house.close();
    let mut kept: Vec<(String, Option<u64>)> = events
        .iter()
        .filter_map(|event| event.detail.payload())
        .map(|payload| {
            assert_eq!(payload.origin, PayloadOrigin::Upload);
            (payload.name.as_ref().unwrap().raw().to_owned(), payload.size)
        })
        .collect();
    kept.sort();
    let sizes: Vec<Option<u64>> = kept.iter().map(|(_, size)| *size).collect();
    assert_eq!(sizes, [Some(20_000), Some(200_000)], "{kept:?}");
    assert!(kept[0].0.starts_with("/tmp/d/") && kept[1].0 == "/var/tmp/two", "{kept:?}");
    assert_eq!(notes(&events, "ssh subsystem"), ["sftp"]);
}

#[test]
fn scp_brings_a_file_by_both_of_its_protocols() {
    if !installed("scp") || !installed("sshpass") {
        return;
    }
    for protocol in ["-O", "-s"] {
        let house = open();
        let path = house.folder().join("bot");
        std::fs::write(&path, b"harmless").unwrap();
        let port = house.port();
        let more = [protocol, path.to_str().unwrap(), "root@127.0.0.1:/tmp/bot"];
        let output = run("scp", &options(&port, &more), "");
        assert!(output.status.success(), "{protocol}: {}", said(&output));
        let more = [protocol, "root@127.0.0.1:/etc/nothing", path.to_str().unwrap()];
        let output = run("scp", &options(&port, &more), "");
        assert!(!output.status.success());
        assert!(said(&output).contains("No such file"), "{protocol}: {}", said(&output));
        let events = house.close();
        let kept: Vec<&str> = events
            .iter()
            .filter_map(|event| event.detail.payload())
            .map(|payload| payload.name.as_ref().unwrap().raw())
            .collect();
        assert_eq!(kept, ["/tmp/bot"], "{protocol}");
    }
}

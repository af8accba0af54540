//! Debian's `adb` against the box: connect, shell, push, pull, install; nmap, which must name the model.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use kizashi_event::{Detail, Event};
use kizashi_traps::{Identity, KeyRule, LoginSettings};

use crate::house::{House, commands, installed, run};

fn of(seed: u8, logins: LoginSettings) -> House {
    House::of_trap("adb", Identity::draw([seed; 32]).with_logins(logins))
}

/// An installation whose box answers a greeting with these bytes somewhere.
fn seed_where(wanted: &[u8]) -> u8 {
    let found = (0..60).find(|seed| {
        let house = of(*seed, LoginSettings::default());
        let mut stream = TcpStream::connect(house.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
            .write_all(b"CNXN\0\0\0\x01\0\0\x10\0\x07\0\0\0\x32\x02\0\0\xbc\xb1\xa7\xb1host::\0")
            .unwrap();
        let mut answer = [0; 512];
        let mut count = stream.read(&mut answer).unwrap();
        while count < 30 {
            count += stream.read(&mut answer[count..]).unwrap();
        }
        drop(stream);
        house.close();
        answer[..count].windows(wanted.len()).any(|window| window == wanted)
    });
    found.expect("one of sixty installations")
}

fn open() -> House {
    of(seed_where(b"ro.product.name=p201;"), LoginSettings::default())
}

/// Name, fingerprint and whether it got in, of each key that was offered.
fn keys(events: &[Event]) -> Vec<(String, String, bool)> {
    let key = |event: &Event| match &event.detail {
        Detail::Login { username: Some(name), public_key: Some(key), accepted, .. } => {
            Some((name.raw().to_owned(), key.raw().to_owned(), *accepted))
        }
        _ => None,
    };
    events.iter().filter_map(key).collect()
}

#[test]
fn a_box_that_wants_a_key_is_offered_adbs_own_and_lets_it_in_where_the_owner_allows_it() {
    if !installed("adb") {
        return;
    }
    let seed = seed_where(b"AUTH\x01\0\0\0");
    let house = of(seed, LoginSettings { tries: 1..=1, ..LoginSettings::default() });
    let text = adb(
        &house,
        "adb shell 'echo out; echo err >&2; exit 7' 2>/dev/null; echo status $?
         adb shell stat -c %s /init.rc
         adb exec-out echo raw | od -c | head -1
         adb pull /none /tmp 2>&1 | tail -1",
    );
    let told = keys(&house.close());
    assert!(text.contains("out\nstatus 7\n"), "{text}");
    assert!(text.contains("r   a   w  \\n"), "{text}");
    assert!(text.contains("No such file or directory"), "{text}");
    let [(name, key, true)] = told.as_slice() else { panic!("{told:?}") };
    assert!(name.contains('@') && key.starts_with("SHA256:"), "{told:?}");
    // Refused, the client stays outside.
    let logins = LoginSettings { keys: KeyRule::Never, ..LoginSettings::default() };
    let house = of(seed, logins);
    let port = house.port();
    let folder = house.folder().display().to_string();
    let text = run(
        "bash",
        &[
            "-c",
            &format!(
                "export HOME={folder} ADB_SERVER_SOCKET=localfilesystem:{folder}/adb
         adb connect 127.0.0.1:{port} >&2
         for turn in $(seq 100); do adb devices | grep -q unauthorized && break; sleep 0.1; done
         adb devices; adb kill-server"
            ),
        ],
    );
    let told = keys(&house.close());
    assert!(text.contains("unauthorized"), "{text}");
    assert!(!told.is_empty() && told.iter().all(|(.., accepted)| !accepted), "{told:?}");
}

/// Runs adb with a server of this test's own, which ends with it.
fn adb(house: &House, script: &str) -> String {
    let folder = house.folder().display();
    let port = house.port();
    let whole = format!(
        "export HOME={folder} ADB_SERVER_SOCKET=localfilesystem:{folder}/adb
         adb connect 127.0.0.1:{port} >&2
         for turn in $(seq 100); do adb devices | grep -q 'device$' && break; sleep 0.1; done
         {script}
         adb kill-server"
    );
    run("bash", &["-c", &whole])
}

#[test]
fn adb_pushes_a_program_installs_a_package_and_runs_lines() {
    if !installed("adb") {
        return;
    }
    let house = open();
    let folder = house.folder().to_owned();
    std::fs::write(folder.join("ufo.apk"), [b"PK\x03\x04".as_slice(), &[7; 70_000]].concat())
        .unwrap();
    let local = folder.join("ufo.apk").display().to_string();
    let text = adb(
        &house,
        &format!(
            "adb shell 'id; uname -m; pwd'
             adb shell getprop ro.product.name
             adb push {local} /data/local/tmp/ufo.apk
             adb shell 'pm install /data/local/tmp/ufo.apk; pm list packages | grep -c package:'
             adb shell am start -n com.ufo.miner/com.example.test.MainActivity
             adb pull /data/local/tmp/ufo.apk {folder}/back >&2
             cmp {local} {folder}/back && echo same",
            folder = folder.display()
        ),
    );
    let events = house.close();
    for part in [
        "uid=0(root)",
        "armv7l",
        "Success",
        "Starting: Intent { cmp=com.ufo.miner/com.example.test.MainActivity }",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(
        commands(&events).iter().any(|line| line.contains("pm install")),
        "{:?}",
        commands(&events)
    );
    let kept = events.iter().filter_map(|event| event.detail.payload());
    let pushed = kept.filter(|kept| {
        kept.name.as_ref().is_some_and(|name| name.raw() == "/data/local/tmp/ufo.apk")
    });
    assert_eq!(pushed.map(|kept| kept.size).collect::<Vec<_>>(), [Some(70_004)]);
}

#[test]
fn nmap_names_the_daemon_and_the_model() {
    if !installed("nmap") {
        return;
    }
    let house = open();
    let address = house.at_usual_port(5_555);
    let text = run("nmap", &["-sV", "-Pn", "-n", "-p", "5555", &address]);
    house.close();
    let line = text.lines().find(|line| line.contains("/tcp")).unwrap_or_default();
    assert!(
        line.contains("Android Debug Bridge device (name: ") && line.contains("model: "),
        "{text}"
    );
}

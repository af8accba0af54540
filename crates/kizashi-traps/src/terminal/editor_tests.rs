use super::super::history::HISTORY_BYTES;
use super::*;

const MANNER: Manner = Manner { brackets: true };

/// An editor that remembers these lines, and what the screen got of the keys.
fn keys(history: &[&str], keys: &[u8]) -> (Editor, String, Vec<Edited>) {
    let mut editor = Editor::default();
    editor.history.recollect(history.iter().map(|line| line.as_bytes().to_vec()).collect());
    let (mut shown, mut done) = (Vec::new(), Vec::new());
    for key in keys {
        match editor.press(*key, MANNER, &mut shown) {
            Edited::Typed => {}
            other => done.push(other),
        }
    }
    (editor, String::from_utf8(shown).unwrap(), done)
}

/// What bash 5.2.15 of Debian 12 sent in a pseudo-terminal of `xterm`.
#[test]
fn the_screen_gets_what_bash_sends() {
    for (history, typed, expected) in [
        (&[][..], &b"echo hi\r"[..], "echo hi\r\n\x1b[?2004l\r"),
        (&["echo one"], b"\x1b[A", "echo one"),
        (&["echo hi", "echo one"], b"\x1b[A\x1bOA", "echo one\x08\x08\x08\x1b[1Phi"),
        (&["echo hi", "echo one"], b"\x10\x10\x0e", "echo one\x08\x08\x08\x1b[1Phi\x08\x08one"),
        (&[], b"abcd\x1b[D\x1b[DX", "abcd\x08\x08\x1b[1@X"),
        (&[], b"abcd\x02\x02\x01Y\x05", "abcd\x08\x08\x08\x08\x1b[1@Yabcd"),
        (&[], b"foo bar\x17\x7f\x19", "foo bar\x08\x08\x08\x1b[K\x08 \x08bar"),
        (&[], b"abc\x15", "abc\x08\x08\x08\x1b[K"),
        (&[], b"\x0c", "\x1b[H\x1b[2J"),
        (&[], b"foobar\x01\x1b[3~\x1b[F", "foobar\x08\x08\x08\x08\x08\x08\x1b[1Poobar"),
        (&[], b"abc\x03", "abc^C\x1b[?2004l\r\x1b[?2004h\x1b[?2004l\r"),
        (&[], b"\x04", "\x1b[?2004l\r\r\n"),
        (&[], b"\x1b[200~id\x1b[201~\r", "\x1b[7mid\x1b[27m\x08\x08id\r\n\x1b[?2004l\r"),
        (&[], b"hi\x14", "hi\x08\x08ih"),
        (&[], b"\x7f\x1b[Z\x07", "\x07\x07\x07"),
        (&[], b"\x1a\x1c\0", ""),
    ] {
        let (_, shown, _) = keys(history, typed);
        assert_eq!(shown, expected, "{}", typed.escape_ascii());
    }
}

#[test]
fn a_line_is_what_was_edited_and_is_remembered() {
    let (mut editor, _, done) = keys(&["id"], b"wgt\x1b[De\x1b[C x\x7fy\r");
    assert_eq!(done, [Edited::Line(b"wget y".to_vec())]);
    assert_eq!(editor.history.lines(), [&b"id"[..], b"wget y"]);
    let mut shown = Vec::new();
    for key in b"half\x1b[A\x1b[A\x1b[B\x1b[B" {
        editor.press(*key, MANNER, &mut shown);
    }
    assert_eq!(editor.take_rest(), b"half", "what was typed comes back below the last line");
}

#[test]
fn pasted_lines_are_one_text_and_run_at_enter() {
    let (editor, shown, done) = keys(&[], b"\x1b[200~echo a\recho b\n\x1b[201~\r");
    assert_eq!(done, [Edited::Line(b"echo a\necho b\n".to_vec())]);
    assert_eq!(shown, "echo a\r\necho b\r\n\r\n\x1b[?2004l\r");
    assert_eq!(editor.memory(), b"echo a\necho b\n".len());
}

#[test]
fn completions_are_inserted_or_listed_as_bash_does() {
    let names = |names: &[&str]| names.iter().map(|name| name.as_bytes().to_vec()).collect();
    let found = |word: usize, found: &[&str]| Completions {
        word,
        found: names(found),
        prompt: b"P$ ".to_vec(),
        screen: 80,
    };
    let complete = |editor: &mut Editor, completions: Completions| {
        let mut shown = Vec::new();
        assert_eq!(editor.press(9, MANNER, &mut shown), Edited::Complete);
        editor.complete(completions, 80, &mut shown);
        String::from_utf8(shown).unwrap()
    };
    let (mut editor, ..) = keys(&[], b"ls /et");
    assert_eq!(complete(&mut editor, found(3, &["/etc/"])), "c/");
    let (mut editor, ..) = keys(&[], b"whoa");
    assert_eq!(complete(&mut editor, found(4, &["whoami"])), "mi ");
    let (mut editor, ..) = keys(&[], b"/etc/pas");
    assert_eq!(complete(&mut editor, found(8, &["/etc/passwd", "/etc/passwd-"])), "\x07swd");
    let (mut editor, ..) = keys(&[], b"who");
    assert_eq!(complete(&mut editor, found(3, &["who", "whoami"])), "\x07");
    assert_eq!(
        complete(&mut editor, found(3, &["who", "whoami"])),
        "\r\nwho     whoami  \r\nP$ who"
    );
    let many: Vec<String> = (0..200).map(|number| format!("a{number:03}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let (mut editor, ..) = keys(&[], b"x; ");
    complete(&mut editor, found(0, &["b", "c"]));
    let asked = complete(&mut editor, found(0, &many));
    assert_eq!(asked, "\x07a");
    editor.press(21, MANNER, &mut Vec::new());
    complete(&mut editor, found(0, &["b", "c"]));
    let mut shown = Vec::new();
    let mut unlike = many.clone();
    unlike.push("b");
    assert_eq!(
        complete(&mut editor, found(0, &unlike)),
        "\r\nDisplay all 201 possibilities? (y or n)"
    );
    editor.press(b'n', MANNER, &mut shown);
    assert_eq!(shown, b"\r\nP$ ");
}

#[test]
fn what_is_typed_or_pasted_without_end_is_held_to_its_bounds() {
    let (editor, ..) = keys(&[], &[b'x'; 100_000]);
    assert_eq!(editor.memory(), LINE);
    let (mut editor, ..) = keys(&[], &[&b"\x1b[200~"[..], &[b'y'; 100_000]].concat());
    assert!(editor.memory() <= LINE + 2 * PASTE_END.len());
    for key in PASTE_END {
        editor.press(*key, MANNER, &mut Vec::new());
    }
    assert_eq!(editor.take_rest(), [b'y'; LINE]);
    let line = [&[b'z'; 4_000][..], b"\r"].concat();
    for key in line.repeat(10) {
        editor.press(key, MANNER, &mut Vec::new());
    }
    assert!(editor.memory() <= HISTORY_BYTES);
    let (editor, ..) = keys(&[], &[&b"\x1b["[..], &[b';'; 1_000]].concat());
    assert!(editor.sequence.len() <= SEQUENCE);
}

/// What a screen of one row shows, and where its cursor is: enough of a terminal for what readline sends of a row.
fn row(sent: &str) -> (String, usize) {
    let (mut row, mut at) = (Vec::new(), 0);
    let mut rest = sent;
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        match letter {
            '\r' => at = 0,
            '\x08' => at -= 1,
            '\x07' => {}
            '\x1b' => {
                let end =
                    rest.find(|letter: char| letter.is_alphabetic() || letter == '@').unwrap();
                let count = rest[1..end].parse::<usize>().unwrap_or(1);
                match &rest[end..=end] {
                    "K" => row.truncate(at),
                    "P" => drop(row.drain(at..at + count)),
                    "@" => drop(row.splice(at..at, vec![' '; count])),
                    "C" => at += count,
                    _ => {}
                }
                rest = &rest[end + 1..];
            }
            letter => {
                if at == row.len() {
                    row.push(letter);
                } else {
                    row[at] = letter;
                }
                at += 1;
            }
        }
    }
    (row.into_iter().collect(), at)
}

/// Keys typed at a prompt where the shell knows lines of earlier sessions, and the row after them.
fn searched(typed: &[u8]) -> (String, usize, Vec<Edited>) {
    let mut editor = Editor::default();
    let (mut shown, mut done) = (b"root@h:~# ".to_vec(), Vec::new());
    for key in typed {
        match editor.press(*key, MANNER, &mut shown) {
            Edited::Typed => {}
            Edited::Recollect => {
                let lines = ["uname -a", "ls -la /tmp", "cat /proc/cpuinfo", "ls /etc"];
                let lines = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
                editor.recollect(lines, b"root@h:~# ".to_vec(), &mut shown);
            }
            other => done.push(other),
        }
    }
    let (row, at) = row(&String::from_utf8(shown).unwrap());
    (row, at, done)
}

/// Rows as bash 5.2.15 of Debian 12 left them for the same keys.
#[test]
fn a_search_backwards_leaves_the_row_that_bash_leaves() {
    for (typed, expected, at) in [
        (&b"\x12"[..], "(reverse-i-search)`': ", 22),
        (b"\x12l", "(reverse-i-search)`l': ls /etc", 23),
        (b"\x12ls\x12", "(reverse-i-search)`ls': ls -la /tmp", 24),
        (b"\x12ls\x12\x12", "(failed reverse-i-search)`ls': ls -la /tmp", 31),
        (b"\x12cpu", "(reverse-i-search)`cpu': cat /proc/cpuinfo", 35),
        (b"\x12cpu\x1b[CX", "root@h:~# cat /proc/cXpuinfo", 22),
        (b"ab\x12uq\x07", "root@h:~# ab", 12),
        (b"ab\x12", "(reverse-i-search)`': ab", 24),
        (b"\x12/e\x05", "root@h:~# ls /etc", 17),
        (b"\x12/e\x05\x15", "root@h:~# ", 10),
        (b"xy\x01\x12l\x12", "(reverse-i-search)`l': ls -la /tmp", 27),
        (b"\x12un\x01", "root@h:~# uname -a", 10),
        (b"\x1b[A\x1b[A\x1b[A", "root@h:~# ls -la /tmp", 21),
    ] {
        let (row, cursor, _) = searched(typed);
        assert_eq!((row.as_str(), cursor), (expected, at), "{}", typed.escape_ascii());
    }
}

#[test]
fn what_a_search_found_runs_at_enter_and_control_c_leaves_it() {
    assert_eq!(searched(b"\x12cpu\r").2, [Edited::Line(b"cat /proc/cpuinfo".to_vec())]);
    assert_eq!(searched(b"\x12cpu\x03id\r").2, [Edited::Interrupt, Edited::Line(b"id".to_vec())]);
    assert_eq!(
        searched(b"\x12un\r\x12\x12\r").2,
        [Edited::Line(b"uname -a".to_vec()), Edited::Line(b"uname -a".to_vec())]
    );
}

#[test]
fn a_search_and_earlier_lines_are_held_to_bounds() {
    let mut editor = Editor::default();
    let lines = vec![vec![b'x'; 4_000]; 1_000];
    let mut shown = Vec::new();
    assert_eq!(editor.press(18, MANNER, &mut shown), Edited::Recollect);
    editor.recollect(lines, Vec::new(), &mut shown);
    for _ in 0..2_000 {
        shown.clear();
        editor.press(b'x', MANNER, &mut shown);
    }
    assert!(editor.memory() < 16 * 1024, "{} bytes", editor.memory());
}

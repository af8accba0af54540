//! Files: what is written by SELECT … INTO is kept as a payload under its path; a client's own file is never asked for.

use kizashi_event::{Detail, HostileText, PayloadOrigin};

use super::{Next, Scene, machine};
use crate::capture::Capture;
use crate::mysql::answer::Answer;
use crate::mysql::tokens::{Kind, Token};
use crate::sql::{MysqlRelease, Value};

/// Folders into which the server may write, as careless owners leave them: its own, and everybody's.
const WRITABLE: [&[u8]; 5] =
    [b"/usr/lib/mysql/plugin/", b"/var/lib/mysql/", b"/tmp/", b"/var/tmp/", b"/dev/shm/"];
/// Digits of a hexadecimal literal that is kept as a payload.
const LONG_LITERAL: usize = 512;

/// SELECT … INTO OUTFILE and DUMPFILE.
pub(super) fn select_into(scene: &mut Scene<'_>, text: &[u8], words: &[Token]) -> Option<Next> {
    let at = words
        .windows(2)
        .position(|pair| pair[0].is("into") && (pair[1].is("outfile") || pair[1].is("dumpfile")))?;
    let Kind::Text(path) = &words.get(at + 2)?.kind else { return None };
    // What says how lines end stands after the path; a FROM may too.
    let from = words[at + 3..].iter().find(|token| token.is("from"));
    let rest = from.map_or(&b""[..], |from| &text[from.start..]);
    let selected = [&text[..words[at].start], b" ", rest].concat();
    scene.class("file written");
    let dump = words[at + 1].is("dumpfile");
    let content = match literal(words).filter(|_| at == 2) {
        Some(content) => vec![vec![Value::Bytes(content)]],
        None => match scene.select(&selected).0 {
            Ok(rows) => rows.rows,
            Err(error) => return Some(Answer::from(error).into()),
        },
    };
    Some(write(scene, path, &content, dump).into())
}

fn write(scene: &mut Scene<'_>, path: &[u8], rows: &[Vec<Value>], dump: bool) -> Answer {
    let content = if dump {
        rows.first().into_iter().flatten().flat_map(Value::bytes).collect()
    } else {
        let line = |row: &Vec<Value>| {
            let fields: Vec<Vec<u8>> = row.iter().map(Value::bytes).collect();
            [fields.join(&b'\t').as_slice(), b"\n"].concat()
        };
        rows.iter().flat_map(line).collect::<Vec<u8>>()
    };
    let mut payload = Capture::of(&content).finish(PayloadOrigin::Sent);
    payload.name = Some(HostileText::from_bytes(path));
    scene.out.tell(Detail::Payload(Box::new(payload)));
    let release = scene.identity.mysql_release();
    let refused = |number: u8, reason: &str| {
        let (start, reason) =
            (b"Can't create/write to file '", release.system_error(number, reason));
        Answer::Error(1, [&start[..], path, b"' (", reason.as_bytes(), b")"].concat())
    };
    let there = scene.copy.files.contains(path)
        || machine(scene.identity, scene.visit, scene.now).files().stat(path, true).is_ok();
    if there {
        return Answer::Error(1086, [b"File '", path, b"' already exists"].concat());
    }
    let relative = path.first() != Some(&b'/');
    if !relative && !WRITABLE.iter().any(|folder| path.starts_with(folder)) {
        return refused(13, "Permission denied");
    }
    if dump && rows.len() > 1 {
        return Answer::error(1172, "Result consisted of more than one row");
    }
    if !scene.copy.admits(path.len()) {
        return refused(28, "No space left on device");
    }
    scene.copy.files.insert(path.to_vec());
    Answer::Done(rows.len() as u64)
}

/// LOAD DATA: a client's file is not wanted, one of the server's is not there.
pub(super) fn load(scene: &mut Scene<'_>, words: &[Token]) -> Answer {
    let release = scene.identity.mysql_release();
    if words.iter().take(5).any(|token| token.is("local")) {
        scene.class("client's file");
        return match release {
            MysqlRelease::MariaDb => Answer::error(
                4166,
                "The used command is not allowed because the MariaDB server or client has disabled the local infile capability",
            ),
            MysqlRelease::V5_7 => {
                Answer::error(1148, "The used command is not allowed with this MySQL version")
            }
            MysqlRelease::V8_4 => Answer::error(
                3948,
                "Loading local data is disabled; this must be enabled on both the client and server sides",
            ),
        };
    }
    let path = words.iter().find_map(|token| match &token.kind {
        Kind::Text(path) => Some(path.as_slice()),
        _ => None,
    });
    let (start, reason) =
        (b"Can't get stat of '", release.system_error(2, "No such file or directory"));
    let path = path.unwrap_or_default();
    Answer::Error(13, [&start[..], path, b"' (", reason.as_bytes(), b")"].concat())
}

/// The bytes of a long hexadecimal literal, `0x7f45…` or `X'7f45…'`: mostly a library for the plugin folder.
pub(in crate::mysql) fn literal(words: &[Token]) -> Option<Vec<u8>> {
    words.iter().enumerate().find_map(|(at, token)| {
        let digits = match &token.kind {
            Kind::Word(small, _) => small.strip_prefix(b"0x")?,
            Kind::Text(text)
                if at > 0 && (words[at - 1].is("x") || words[at - 1].is_sign(b'(')) =>
            {
                text
            }
            _ => return None,
        };
        (digits.len() >= LONG_LITERAL).then_some(())?;
        let digit =
            |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        digits.chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
    })
}

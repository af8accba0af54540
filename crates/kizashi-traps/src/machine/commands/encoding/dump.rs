//! `od`, `hexdump`, `xxd`.

use super::{Call, Finish};

/// How `od` writes a unit: size in bytes, letter of its base, width of its column.
fn unit(kind: &str) -> Option<(usize, char, usize)> {
    let mut characters = kind.chars();
    let letter = characters.next()?;
    let size: usize = match characters.as_str() {
        "" if letter == 'c' || letter == 'a' => 1,
        "" => 4,
        "C" => 1,
        "S" => 2,
        "I" | "L" => 4,
        size => {
            size.trim_end_matches('z').parse().ok().filter(|size| [1, 2, 4, 8].contains(size))?
        }
    };
    let width = match (letter, size) {
        ('c' | 'a', _) => 4,
        ('x', size) => 1 + 2 * size,
        ('o', 1) => 4,
        ('o', 2) => 7,
        ('o', 4) => 12,
        ('d' | 'u', 1) => {
            if letter == 'd' {
                5
            } else {
                4
            }
        }
        ('d' | 'u', 2) => {
            if letter == 'd' {
                7
            } else {
                6
            }
        }
        ('d' | 'u', 4) => {
            if letter == 'd' {
                12
            } else {
                11
            }
        }
        ('d' | 'u' | 'o', 8) => 23,
        _ => return None,
    };
    Some((size, letter, width))
}

fn od_unit(bytes: &[u8], size: usize, letter: char) -> String {
    let mut padded = [0_u8; 8];
    padded[..bytes.len().min(8)].copy_from_slice(&bytes[..bytes.len().min(8)]);
    let value = u64::from_le_bytes(padded);
    match letter {
        'x' => format!("{value:0width$x}", width = size * 2),
        'o' => format!("{value:0width$o}", width = (size * 8).div_ceil(3)),
        'u' => value.to_string(),
        'd' => {
            let shift = 64 - 8 * u32::try_from(size).unwrap_or(8);
            ((value << shift).cast_signed() >> shift).to_string()
        }
        _ => match bytes[0] {
            0 => "\\0".to_owned(),
            7 => "\\a".to_owned(),
            8 => "\\b".to_owned(),
            9 => "\\t".to_owned(),
            10 => "\\n".to_owned(),
            11 => "\\v".to_owned(),
            12 => "\\f".to_owned(),
            13 => "\\r".to_owned(),
            byte @ 32..=126 => char::from(byte).to_string(),
            byte => format!("{byte:03o}"),
        },
    }
}

fn size(text: &str) -> Option<usize> {
    let (digits, factor) = match text.strip_suffix('k') {
        Some(digits) => (digits, 1_024),
        None => (text.strip_suffix('b').unwrap_or(text), if text.ends_with('b') { 512 } else { 1 }),
    };
    let value = match digits.strip_prefix("0x") {
        Some(hex) => usize::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some(value.saturating_mul(factor))
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
pub(super) fn od(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "A:t:N:j:w:vcxobdahils",
        &[
            ("address-radix", b'A'),
            ("format", b't'),
            ("read-bytes", b'N'),
            ("skip-bytes", b'j'),
            ("output-duplicates", b'v'),
            ("width", b'w'),
        ],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let mut kinds: Vec<String> =
        given.values(b't').map(|kind| String::from_utf8_lossy(kind).into_owned()).collect();
    for (letter, kind) in [
        (b'c', "c"),
        (b'x', "x2"),
        (b'o', "o2"),
        (b'b', "o1"),
        (b'd', "u2"),
        (b'h', "x2"),
        (b'i', "d4"),
        (b'l', "d8"),
        (b's', "d2"),
        (b'a', "a"),
    ] {
        if given.has(letter) {
            kinds.push(kind.to_owned());
        }
    }
    if kinds.is_empty() {
        kinds.push("o2".to_owned());
    }
    // `z` behind a type shows the text of the row as well.
    let legend = kinds.iter().any(|kind| kind.len() > 1 && kind.ends_with('z'));
    let kinds: Vec<String> =
        kinds.into_iter().map(|kind| kind.trim_end_matches('z').to_owned()).collect();
    let Some(units) = kinds.iter().map(|kind| unit(kind)).collect::<Option<Vec<_>>>() else {
        return call.fail(&format!("invalid character in type string '{}'", kinds[0]), 1);
    };
    let (files, status) = call.read_all(&given.rest);
    if files.is_empty() {
        return Finish::Status(status);
    }
    let bytes: Vec<u8> = files.into_iter().flat_map(|(_, bytes)| bytes).collect();
    let skip = given.text(b'j').and_then(|text| size(&text)).unwrap_or(0).min(bytes.len());
    let count =
        given.text(b'N').and_then(|text| size(&text)).unwrap_or(usize::MAX).min(bytes.len() - skip);
    let bytes = &bytes[skip..skip + count];
    let width = given.text(b'w').and_then(|text| size(&text)).unwrap_or(16).clamp(1, 256);
    let radix = given.text(b'A').unwrap_or_else(|| "o".to_owned());
    let address = |at: usize| match &radix[..] {
        "x" => format!("{at:06x}"),
        "d" => format!("{at:07}"),
        "n" => String::new(),
        _ => format!("{at:07o}"),
    };
    rows(call, bytes, width, given.has(b'v'), skip, &address, &|row| {
        units
            .iter()
            .map(|(size, letter, column)| {
                let mut text: String = row
                    .chunks(*size)
                    .map(|unit| format!("{:>column$}", od_unit(unit, *size, *letter)))
                    .collect();
                if legend {
                    let missing = (width - row.len()).div_ceil(*size) * column;
                    text.push_str(&format!("{}  >{}<", " ".repeat(missing), readable(row)));
                }
                text
            })
            .collect()
    });
    Finish::Status(status)
}

/// Rows with their addresses; a row like the one before becomes one star.
fn rows(
    call: &mut Call<'_>,
    bytes: &[u8],
    width: usize,
    every: bool,
    start: usize,
    address: &dyn Fn(usize) -> String,
    show: &dyn Fn(&[u8]) -> Vec<String>,
) {
    let mut before: Option<&[u8]> = None;
    let mut starred = false;
    for (place, row) in bytes.chunks(width).enumerate() {
        if before == Some(row) && !every {
            if !starred {
                call.out(b"*\n");
            }
            starred = true;
            continue;
        }
        (before, starred) = (Some(row), false);
        for (number, text) in show(row).into_iter().enumerate() {
            let head = address(start + place * width);
            let head = if number == 0 { head } else { " ".repeat(head.len()) };
            call.line(&format!("{head}{text}"));
        }
        if call.is_full() {
            return;
        }
    }
    let end = address(start + bytes.len());
    if !end.is_empty() {
        call.line(&end);
    }
}

fn readable(row: &[u8]) -> String {
    row.iter().map(|byte| if (32..127).contains(byte) { char::from(*byte) } else { '.' }).collect()
}

pub(super) fn hexdump(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "bcCdoxvn:s:e:",
        &[("canonical", b'C'), ("length", b'n'), ("skip", b's'), ("no-squeezing", b'v')],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let (files, status) = call.read_all(&given.rest);
    if files.is_empty() {
        call.complain("all input file arguments failed");
        return Finish::Status(1);
    }
    let bytes: Vec<u8> = files.into_iter().flat_map(|(_, bytes)| bytes).collect();
    let skip = given.text(b's').and_then(|text| size(&text)).unwrap_or(0).min(bytes.len());
    let count =
        given.text(b'n').and_then(|text| size(&text)).unwrap_or(usize::MAX).min(bytes.len() - skip);
    let bytes = &bytes[skip..skip + count];
    if given.value(b'e').is_some_and(|format| format.windows(4).any(|window| window == b"%02x")) {
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        call.out(text.as_bytes());
        return Finish::Status(status);
    }
    let canonical = given.has(b'C') || call.base_name() == b"hd";
    if bytes.is_empty() {
        return Finish::Status(status);
    }
    let address =
        move |at: usize| if canonical { format!("{at:08x}") } else { format!("{at:07x}") };
    rows(call, bytes, 16, given.has(b'v'), skip, &address, &|row| {
        if canonical {
            let half =
                |part: &[u8]| part.iter().map(|byte| format!("{byte:02x} ")).collect::<String>();
            let (left, right) = row.split_at(row.len().min(8));
            return vec![format!("  {:24} {:24} |{}|", half(left), half(right), readable(row))];
        }
        let words: String = row
            .chunks(2)
            .map(|pair| format!(" {:02x}{:02x}", pair.get(1).copied().unwrap_or(0), pair[0]))
            .collect();
        vec![
            format!("{words:40}").trim_end().to_owned()
                + &" ".repeat(40_usize.saturating_sub(words.len())),
        ]
    });
    Finish::Status(status)
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
pub(super) fn xxd(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "prl:s:c:g:ui",
        &[("plain", b'p'), ("revert", b'r'), ("len", b'l')],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let (files, status) = call.read_all(given.rest.get(..1).unwrap_or_default());
    if status > 0 {
        return Finish::Status(2);
    }
    let bytes: Vec<u8> = files.into_iter().flat_map(|(_, bytes)| bytes).collect();
    if given.has(b'i') {
        // Twelve bytes a row, as a C array has them.
        let rows: Vec<String> = bytes
            .chunks(12)
            .map(|row| {
                format!(
                    "  {}",
                    row.iter().map(|byte| format!("0x{byte:02x}")).collect::<Vec<_>>().join(", ")
                )
            })
            .collect();
        call.line(&rows.join(",\n"));
        return Finish::Status(0);
    }
    if given.has(b'r') {
        let made = if given.has(b'p') {
            unhex(&bytes)
        } else {
            bytes.split(|byte| *byte == b'\n').flat_map(reverted).collect()
        };
        call.out(&made);
        return Finish::Status(status);
    }
    let skip = given.text(b's').and_then(|text| size(&text)).unwrap_or(0).min(bytes.len());
    let count =
        given.text(b'l').and_then(|text| size(&text)).unwrap_or(usize::MAX).min(bytes.len() - skip);
    let bytes = &bytes[skip..skip + count];
    let width = given
        .number(b'c')
        .and_then(|width| usize::try_from(width).ok())
        .filter(|width| (1..=256).contains(width))
        .unwrap_or(if given.has(b'p') { 30 } else { 16 });
    for (place, row) in bytes.chunks(width).enumerate() {
        if given.has(b'p') {
            call.line(&row.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
            continue;
        }
        let group = given
            .number(b'g')
            .and_then(|group| usize::try_from(group).ok())
            .filter(|group| *group > 0)
            .unwrap_or(2);
        let words: Vec<String> = row
            .chunks(group)
            .map(|word| word.iter().map(|byte| format!("{byte:02x}")).collect())
            .collect();
        let column = width * 2 + width.div_ceil(group) - 1;
        call.line(&format!(
            "{:08x}: {:column$}  {}",
            skip + place * width,
            words.join(" "),
            readable(row)
        ));
    }
    Finish::Status(status)
}

fn unhex(text: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = text
        .iter()
        .filter_map(|byte| char::from(*byte).to_digit(16))
        .filter_map(|digit| u8::try_from(digit).ok())
        .collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// A line of `xxd`'s own form.
fn reverted(line: &[u8]) -> Vec<u8> {
    let Some(colon) = line.iter().position(|byte| *byte == b':') else { return Vec::new() };
    let rest = &line[colon + 1..];
    let end =
        rest.windows(2).skip(1).position(|pair| pair == b"  ").map_or(rest.len(), |end| end + 1);
    unhex(&rest[..end])
}

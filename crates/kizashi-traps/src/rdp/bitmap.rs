//! Pictures as rectangles of 16 bits a point, made short by runs ([MS-RDPBCGR], 3.1.9): of all its orders a colour's run and a row of colours,
//! which is all that drawn surfaces and letters need.

/// Points of a rectangle's side.
pub(super) const SIDE: u16 = 64;
/// A run shorter than this is written as the colours that it is of.
const WORTH: usize = 4;

/// Points of a rectangle as they go out: the lowest row first.
pub(super) fn shortened(points: &[u16]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut at = 0;
    let mut plain = 0;
    while at < points.len() {
        let run = points[at..].iter().take_while(|point| **point == points[at]).count();
        if run >= WORTH {
            colours(&points[plain..at], &mut bytes);
            order(0x60, 0xf3, run, &mut bytes);
            bytes.extend(points[at].to_le_bytes());
            plain = at + run;
        }
        at += run;
    }
    colours(&points[plain..], &mut bytes);
    bytes
}

fn colours(points: &[u16], bytes: &mut Vec<u8>) {
    if points.is_empty() {
        return;
    }
    order(0x80, 0xf4, points.len(), bytes);
    bytes.extend(points.iter().flat_map(|point| point.to_le_bytes()));
}

/// An order's head: its length in five bits, in a byte after it, or in two after its long form.
fn order(code: u8, long: u8, length: usize, bytes: &mut Vec<u8>) {
    match length {
        1..=31 => bytes.push(code | u8::try_from(length).unwrap_or(0)),
        32..=287 => bytes.extend([code, u8::try_from(length - 32).unwrap_or(0)]),
        _ => {
            bytes.push(long);
            bytes.extend(u16::try_from(length).unwrap_or(0).to_le_bytes());
        }
    }
}

/// A rectangle with its place, as an update has it (2.2.9.1.1.3.1.2.2).
pub(super) fn rectangle(
    (left, top): (u16, u16),
    (width, height): (u16, u16),
    points: &[u16],
) -> Vec<u8> {
    let short = shortened(points);
    let length = u16::try_from(short.len()).unwrap_or(0);
    let fields = [
        left,
        top,
        left + width - 1,
        top + height - 1,
        width,
        height,
        16,
        // Shortened, with a head of its own.
        1,
        length + 8,
        0,
        length,
        width * 2,
        width * height * 2,
    ];
    let mut bytes: Vec<u8> = fields.iter().flat_map(|field| field.to_le_bytes()).collect();
    bytes.extend(short);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The two orders read back.
    fn lengthened(mut bytes: &[u8]) -> Vec<u16> {
        let mut points = Vec::new();
        while let [code, rest @ ..] = bytes {
            let (is_run, length, rest) = match code {
                0xf3 | 0xf4 => {
                    (*code == 0xf3, usize::from(u16::from_le_bytes([rest[0], rest[1]])), &rest[2..])
                }
                0x60 | 0x80 => (*code == 0x60, usize::from(rest[0]) + 32, &rest[1..]),
                _ => (code & 0xe0 == 0x60, usize::from(code & 0x1f), rest),
            };
            let colours = if is_run { 1 } else { length };
            let read =
                rest[..2 * colours].chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
            if is_run {
                points.extend(read.flat_map(|colour| vec![colour; length]));
            } else {
                points.extend(read);
            }
            bytes = &rest[2 * colours..];
        }
        points
    }

    #[test]
    fn runs_and_rows_of_every_length_come_back_as_they_were() {
        for length in [1, 3, 4, 31, 32, 287, 288, 4_096] {
            let run = vec![7; length];
            let mixed: Vec<u16> = (0..length).map(|at| at as u16).collect();
            for points in [run.clone(), mixed.clone(), [run.clone(), mixed.clone(), run].concat()] {
                assert_eq!(lengthened(&shortened(&points)), points, "{length}");
            }
        }
        assert_eq!(shortened(&[9; 4_096]).len(), 5);
    }
}

//! What is said after the password (1.3.1.1): a licence that is not needed, what both sides can, that the connection is ready, then pictures from here and
//! input from there. Each is a few fields; what a client says of himself here changes nothing for a picture that stands still.

use super::wire::SERVER;

/// Of this connection's share; the server's number is in it.
const SHARE: u32 = 0x0001_03ea;

/// Kinds of share control PDUs, and of data in them (2.2.8.1.1.1).
const DEMAND_ACTIVE: u16 = 0x11;
pub(super) const CONFIRM_ACTIVE: u16 = 0x13;
pub(super) const DATA: u16 = 0x17;
const UPDATE: u8 = 2;
pub(super) const CONTROL: u8 = 20;
pub(super) const INPUT: u8 = 28;
pub(super) const SYNCHRONIZE: u8 = 31;
pub(super) const REFRESH: u8 = 33;
pub(super) const SHUTDOWN: u8 = 36;
const SAVE_SESSION: u8 = 38;
pub(super) const FONT_LIST: u8 = 39;
const FONT_MAP: u8 = 40;

/// No licence is asked for (2.2.1.12).
pub(super) fn licence() -> Vec<u8> {
    // An error that says that all is well, and no state that follows.
    let mut bytes = vec![0xff, 0x03, 16, 0];
    bytes.extend(7_u32.to_le_bytes());
    bytes.extend(2_u32.to_le_bytes());
    bytes.extend([4, 0, 0, 0]);
    bytes
}

fn control(kind: u16, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 6).unwrap_or(u16::MAX);
    [&length.to_le_bytes()[..], &kind.to_le_bytes(), &SERVER.to_le_bytes(), content].concat()
}

fn data(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 18).unwrap_or(u16::MAX);
    let mut bytes = SHARE.to_le_bytes().to_vec();
    bytes.extend([0, 1]);
    bytes.extend(length.to_le_bytes());
    bytes.extend([kind, 0, 0, 0]);
    bytes.extend(content);
    control(DATA, &bytes)
}

/// A capability (2.2.1.13.1.1.1): its kind and its fields of 16 bits.
fn capability(kind: u16, fields: &[u16]) -> Vec<u8> {
    let length = u16::try_from(4 + 2 * fields.len()).unwrap_or(0);
    let mut bytes = [kind.to_le_bytes(), length.to_le_bytes()].concat();
    bytes.extend(fields.iter().flat_map(|field| field.to_le_bytes()));
    bytes
}

/// What this server can, for a screen of this size.
pub(super) fn demand_active((width, height): (u16, u16)) -> Vec<u8> {
    // General: Windows NT, version 5 of the protocol; fast-path output, long credentials; a screen can be asked for anew.
    let general = [1, 3, 0x0200, 0, 0, 0x0005, 0, 0, 0, 0x0101];
    let bitmap = [16, 1, 1, 1, width, height, 0, 1, 1, 0, 1, 0];
    let mut order = [0_u16; 42];
    // Saved parts of a desktop, one level of orders, none of which is ever sent.
    (order[10], order[11], order[13], order[15]) = (1, 20, 1, 0x22);
    (order[32], order[36], order[37], order[40]) = (0x06a1, 0x4240, 0x000f, 0x04e4);
    let mut input = [0_u16; 42];
    // Scan codes, extended pointers, Unicode, fast-path input.
    input[0] = 0x35;
    let sets = [
        capability(9, &[SERVER, 0]),
        capability(1, &general),
        capability(2, &bitmap),
        capability(3, &order),
        capability(10, &[6, 0]),
        capability(8, &[1, 25, 25]),
        capability(13, &input),
        capability(20, &[0, 0, 1_600, 0]),
        capability(14, &[1, 0]),
    ];
    let all = sets.concat();
    let mut bytes = SHARE.to_le_bytes().to_vec();
    bytes.extend(4_u16.to_le_bytes());
    bytes.extend(u16::try_from(all.len() + 4).unwrap_or(0).to_le_bytes());
    bytes.extend(b"RDP\0");
    bytes.extend(u16::try_from(sets.len()).unwrap_or(0).to_le_bytes());
    bytes.extend([0, 0]);
    bytes.extend(all);
    bytes.extend([0; 4]);
    control(DEMAND_ACTIVE, &bytes)
}

pub(super) fn synchronize(user: u16) -> Vec<u8> {
    data(SYNCHRONIZE, &[1_u16.to_le_bytes(), user.to_le_bytes()].concat())
}

/// An answer to a client's wish for control: that both have it, or that it is his.
pub(super) fn controls(asked: u16, user: u16) -> Vec<u8> {
    // Asked for (1), granted (2), together (4).
    let mut bytes = if asked == 1 { 2_u16 } else { 4 }.to_le_bytes().to_vec();
    let (grant, id) = if asked == 1 { (user, u32::from(SERVER)) } else { (0, 0) };
    bytes.extend(grant.to_le_bytes());
    bytes.extend(id.to_le_bytes());
    data(CONTROL, &bytes)
}

pub(super) fn font_map() -> Vec<u8> {
    data(FONT_MAP, &[0, 0, 0, 0, 3, 0, 4, 0])
}

/// Somebody is logged on (2.2.10.1.1.3).
pub(super) fn logged_on() -> Vec<u8> {
    data(SAVE_SESSION, &[&2_u32.to_le_bytes()[..], &[0; 576]].concat())
}

/// Rectangles of a bitmap (2.2.9.1.1.3.1.2).
pub(super) fn bitmaps(count: u16, rectangles: &[u8]) -> Vec<u8> {
    data(UPDATE, &[&1_u16.to_le_bytes()[..], &count.to_le_bytes(), rectangles].concat())
}

/// A PDU of a client's: its kind, for data the kind of that, and what is in it.
pub(super) fn read(bytes: &[u8]) -> Option<(u16, u8, &[u8])> {
    let kind = u16::from_le_bytes(*bytes.get(2..)?.first_chunk()?);
    if kind != DATA {
        return Some((kind, 0, bytes.get(6..)?));
    }
    Some((kind, *bytes.get(14)?, bytes.get(18..)?))
}

/// A client's data, for tests.
#[cfg(test)]
pub(super) fn client_data(kind: u8, content: &[u8]) -> Vec<u8> {
    data(kind, content)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths that the specification gives.
    #[test]
    fn capabilities_have_the_lengths_that_clients_look_for() {
        let bytes = demand_active((800, 600));
        let mut rest = &bytes[6 + 4 + 2 + 2 + 4 + 4..];
        let mut lengths = Vec::new();
        while rest.len() > 4 {
            let length = usize::from(u16::from_le_bytes([rest[2], rest[3]]));
            lengths.push((rest[0], length));
            rest = &rest[length..];
        }
        let expected =
            [(9, 8), (1, 24), (2, 28), (3, 88), (10, 8), (8, 10), (13, 88), (20, 12), (14, 8)];
        assert_eq!((lengths.as_slice(), rest), (&expected[..], &[0; 4][..]));
    }

    #[test]
    fn what_is_too_short_is_no_data() {
        let whole = client_data(FONT_LIST, &[1, 2]);
        assert_eq!(read(&whole), Some((DATA, FONT_LIST, &[1, 2][..])));
        (0..18).for_each(|end| assert_eq!(read(&whole[..end]), None, "{end}"));
    }
}

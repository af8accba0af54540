//! Frames of the data link layer: a head and blocks of sixteen bytes, each with its sum (IEEE 1815, clause 9).

use crate::framed::Frame;

/// Start, length, control, addresses and their sum.
pub(super) const HEAD: usize = 10;
const BLOCK: usize = 16;

/// The longest frame: 250 bytes of a user's in sixteen blocks.
pub(super) const LONGEST: usize = HEAD + 250 + 2 * 16;

/// CRC-16/DNP.
pub(super) fn sum(bytes: &[u8]) -> [u8; 2] {
    let mut sum = 0_u16;
    for byte in bytes {
        sum ^= u16::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ 0xa6bc } else { sum >> 1 };
        }
    }
    (!sum).to_le_bytes()
}

pub(super) fn frame(held: &[u8]) -> Frame {
    let start = &held[..held.len().min(2)];
    if !b"\x05\x64".starts_with(start) {
        return Frame::Foreign;
    }
    let Some(head) = held.get(..HEAD) else { return Frame::More };
    let length = usize::from(head[2]);
    if length < 5 || sum(&head[..8]) != head[8..] {
        return Frame::Foreign;
    }
    let user = length - 5;
    Frame::Whole(HEAD + user + 2 * user.div_ceil(BLOCK))
}

/// What the head of a whole frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) control: u8,
    pub(super) destination: u16,
    pub(super) source: u16,
}

impl Head {
    pub(super) fn of(frame: &[u8]) -> Option<Self> {
        let head = frame.get(..HEAD)?;
        let address = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
        Some(Self { control: head[3], destination: address(4), source: address(6) })
    }
}

/// A user's bytes; `None` where a sum is wrong.
pub(super) fn user(frame: &[u8]) -> Option<Vec<u8>> {
    let mut user = Vec::new();
    for block in frame.get(HEAD..)?.chunks(BLOCK + 2) {
        let (bytes, told) = block.split_at_checked(block.len().checked_sub(2)?)?;
        if sum(bytes) != *told {
            return None;
        }
        user.extend_from_slice(bytes);
    }
    Some(user)
}

/// A frame, with 250 bytes of a user's at most.
pub(super) fn written(head: Head, user: &[u8]) -> Vec<u8> {
    let user = user.get(..250).unwrap_or(user);
    let length = u8::try_from(user.len() + 5).unwrap_or(u8::MAX);
    let mut frame = vec![0x05, 0x64, length, head.control];
    frame.extend(head.destination.to_le_bytes());
    frame.extend(head.source.to_le_bytes());
    let told = sum(&frame);
    frame.extend(told);
    for block in user.chunks(BLOCK) {
        frame.extend(block);
        frame.extend(sum(block));
    }
    frame
}

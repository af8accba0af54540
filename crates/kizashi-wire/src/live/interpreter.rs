//! An interpreter of classic BPF for the tests: what the kernel does with a program, from its documentation and not from its code.
//! A load beyond the packet ends the program with 0, as the kernel does it.

use super::assembler::{Instruction, code};
use super::filter::{HARDWARE_TYPE, INTERFACE, PACKET_TYPE, PROTOCOL, VLAN_TAG_PRESENT};

/// What the kernel knows of a packet beside its bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) packet_type: u32,
    pub(super) interface: u32,
    pub(super) hardware_type: u32,
    pub(super) is_tagged: bool,
    pub(super) protocol: u32,
}

impl Default for Known {
    /// A packet to us from an Ethernet.
    fn default() -> Self {
        Self { packet_type: 0, interface: 2, hardware_type: 1, is_tagged: false, protocol: 0x0800 }
    }
}

/// Bytes of the packet as a number, where it has them.
fn part(packet: &[u8], place: u32, width: usize) -> Option<u32> {
    let bytes = packet.get(place as usize..)?.get(..width)?;
    Some(bytes.iter().fold(0, |value, byte| (value << 8) | u32::from(*byte)))
}

/// What a loading instruction brings.
fn read(packet: &[u8], known: &Known, (what, k): (u16, u32), x: u32) -> Option<u32> {
    let load = |place, width| part(packet, place, width);
    match (what, k) {
        (code::LOAD_WORD, PACKET_TYPE) => Some(known.packet_type),
        (code::LOAD_WORD, INTERFACE) => Some(known.interface),
        (code::LOAD_WORD, HARDWARE_TYPE) => Some(known.hardware_type),
        (code::LOAD_WORD, VLAN_TAG_PRESENT) => Some(u32::from(known.is_tagged)),
        (code::LOAD_WORD, PROTOCOL) => Some(known.protocol),
        (code::LOAD_WORD, place) => load(place, 4),
        (code::LOAD_HALF, place) => load(place, 2),
        (code::LOAD_BYTE, place) => load(place, 1),
        (code::LOAD_HALF_AT_X, place) => load(place + x, 2),
        (code::LOAD_BYTE_AT_X, place) => load(place + x, 1),
        (other, _) => panic!("instruction {other:#x}"),
    }
}

/// How many bytes the program wants of the packet.
pub(super) fn run(program: &[Instruction], packet: &[u8], known: &Known) -> u32 {
    let (mut at, mut a, mut x, mut cells) = (0, 0_u32, 0_u32, [0_u32; 16]);
    loop {
        let Instruction { code: what, jump_true, jump_false, operand: k } = program[at];
        at += 1;
        let jump = |holds: bool| usize::from(if holds { jump_true } else { jump_false });
        let loaded = match (what, k) {
            (code::SET_X_TO_HEADER, place) => match part(packet, place, 1) {
                Some(byte) => {
                    x = 4 * (byte & 15);
                    Some(a)
                }
                None => None,
            },
            (code::RECALL, cell) => Some(cells[cell as usize]),
            (code::SUBTRACT_X, _) => Some(a.wrapping_sub(x)),
            (code::ADD, k) => Some(a.wrapping_add(k)),
            (code::TAKE_FROM_X, _) => Some(x),
            (code::AND, k) => Some(a & k),
            (code::SHIFT_RIGHT, k) => Some(a >> k),
            (code::SET_X, k) => {
                x = k;
                Some(a)
            }
            (code::TAKE_TO_X, _) => {
                x = a;
                Some(a)
            }
            (code::STORE, cell) => {
                cells[cell as usize] = a;
                Some(a)
            }
            (code::JUMP, k) => {
                at += k as usize;
                Some(a)
            }
            (code::JUMP_EQUAL, k) => {
                at += jump(a == k);
                Some(a)
            }
            (code::JUMP_GREATER, k) => {
                at += jump(a > k);
                Some(a)
            }
            (code::JUMP_GREATER_OR_EQUAL, k) => {
                at += jump(a >= k);
                Some(a)
            }
            (code::JUMP_ANY_BIT, k) => {
                at += jump(a & k != 0);
                Some(a)
            }
            (code::RETURN, k) => return k,
            (code::RETURN_A, _) => return a,
            (other, place) => read(packet, known, (other, place), x),
        };
        let Some(value) = loaded else { return 0 };
        a = value;
    }
}

//! Which packets the kernel gives us, as a program of classic BPF that it runs for each: what begins something, what answers it, and of
//! the conversations of this machine nothing. It sees packets from the network's header on (`SOCK_DGRAM`), so that links need not be
//! told apart; VLAN tags are the kernel's own business by then.
//!
//! | to us | by us |
//! |---|---|
//! | TCP without ACK (SYN, and what scanners send), SYN-ACK, RST; on a trap's port also an ACK without content, which completes an opening | SYN, SYN-ACK, RST: what we began, what we answered |
//! | UDP, but where a trap takes it | its first 8 bytes: what we began |
//! | ICMP but that of the neighbourhood | echo requests |
//! | of a real service: first segments, SYN-ACK, the first 8 bytes of UDP | of a real service: SYN |

use super::assembler::{Assembler, Instruction, Label, code};
use super::ports::PortSet;

/// What the kernel knows of a packet (`SKF_AD_OFF` and what is added to it in `linux/filter.h`).
const ANCILLARY: u32 = 0u32.wrapping_sub(0x1000);
pub(super) const PROTOCOL: u32 = ANCILLARY;
pub(super) const PACKET_TYPE: u32 = ANCILLARY + 4;
pub(super) const INTERFACE: u32 = ANCILLARY + 8;
pub(super) const HARDWARE_TYPE: u32 = ANCILLARY + 28;
pub(super) const VLAN_TAG_PRESENT: u32 = ANCILLARY + 48;

/// `PACKET_HOST` and `PACKET_OUTGOING` of `linux/if_packet.h`.
const TO_US: u32 = 0;
const BY_US: u32 = 4;
/// `ARPHRD_LOOPBACK`.
const LOOPBACK: u32 = 772;
const IPV4: u32 = 0x0800;
const IPV6: u32 = 0x86dd;

/// Bytes of a packet that are wanted: headers of TCP with all options, of a datagram what recognition reads, of an error what it quotes.
const HEADERS: u32 = 120;
const DATAGRAM: u32 = 2_048;
const MESSAGE: u32 = 576;

/// Ranges of ports of one transport at most.
const MOST_RANGES: usize = 128;
/// Interfaces named or left out at most.
pub const MOST_INTERFACES: usize = 64;

/// Cells of memory.
const DIRECTION: u32 = 0;
const LENGTH: u32 = 1;

const ACK: u32 = 0x10;
const SYN: u32 = 0x02;
const RST: u32 = 0x04;

/// Whose a port is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners {
    /// Traps', which tell their visitors themselves.
    pub trapped: PortSet,
    /// Real services'.
    pub services: PortSet,
}

/// Where packets are taken, by the kernel's numbers of interfaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interfaces {
    /// These alone.
    Only(Vec<u32>),
    /// All but loopback and these, which are parts of others; a packet with a VLAN's tag comes again on the VLAN's own.
    AllBut(Vec<u32>),
}

/// What a filter lets through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where.
    pub interfaces: Interfaces,
    /// Whose TCP ports are.
    pub tcp: Owners,
    /// Whose UDP ports are.
    pub udp: Owners,
}

/// There is no filter for this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "ports of traps and services lie in too many separate ranges for a filter (at most {MOST_RANGES} of TCP and of UDP, {MOST_INTERFACES} interfaces)"
)]
pub struct TooMuch;

/// Where the program leads.
struct Ends {
    drop: Label,
    headers: Label,
    datagram: Label,
    first_bytes: Label,
    message: Label,
}

/// Where a port's owner leads.
#[derive(Clone, Copy)]
struct Doors {
    free: Label,
    trapped: Label,
    service: Label,
}

/// Writes the program.
///
/// # Errors
/// Where it would be longer than the kernel takes.
pub fn filter(plan: &Plan) -> Result<Vec<Instruction>, TooMuch> {
    let mut a = Assembler::default();
    let ends = Ends {
        drop: a.label(),
        headers: a.label(),
        datagram: a.label(),
        first_bytes: a.label(),
        message: a.label(),
    };
    interfaces(&mut a, &plan.interfaces, ends.drop)?;
    let (tcp, udp) = (a.label(), a.label());
    network(&mut a, (tcp, udp), &ends);
    a.place(tcp);
    transport(&mut a, &plan.tcp, tcp_doors, &ends)?;
    a.place(udp);
    transport(&mut a, &plan.udp, udp_doors, &ends)?;
    a.place(ends.headers);
    a.give(HEADERS);
    a.place(ends.datagram);
    a.give(DATAGRAM);
    a.place(ends.first_bytes);
    a.put(code::TAKE_FROM_X, 0);
    a.put(code::ADD, 8);
    a.put(code::RETURN_A, 0);
    a.place(ends.message);
    a.give(MESSAGE);
    a.place(ends.drop);
    a.give(0);
    a.assemble().ok_or(TooMuch)
}

fn interfaces(a: &mut Assembler, interfaces: &Interfaces, drop: Label) -> Result<(), TooMuch> {
    let (Interfaces::Only(numbers) | Interfaces::AllBut(numbers)) = interfaces;
    if numbers.len() > MOST_INTERFACES {
        return Err(TooMuch);
    }
    if let Interfaces::Only(numbers) = interfaces {
        let taken = a.label();
        a.put(code::LOAD_WORD, INTERFACE);
        for number in numbers {
            a.compare_or_next(code::JUMP_EQUAL, *number, taken);
        }
        a.jump(drop);
        a.place(taken);
        return Ok(());
    }
    a.put(code::LOAD_WORD, HARDWARE_TYPE);
    a.compare_or_next(code::JUMP_EQUAL, LOOPBACK, drop);
    a.put(code::LOAD_WORD, VLAN_TAG_PRESENT);
    a.compare_or_next(code::JUMP_GREATER, 0, drop);
    a.put(code::LOAD_WORD, INTERFACE);
    for number in numbers {
        a.compare_or_next(code::JUMP_EQUAL, *number, drop);
    }
    Ok(())
}

/// Direction and network; leaves X at the transport's header.
fn network(a: &mut Assembler, (tcp, udp): (Label, Label), ends: &Ends) {
    let (directed, four, six, icmp, icmp_six) =
        (a.label(), a.label(), a.label(), a.label(), a.label());
    a.put(code::LOAD_WORD, PACKET_TYPE);
    a.put(code::STORE, DIRECTION);
    a.compare_or_next(code::JUMP_EQUAL, TO_US, directed);
    a.require(code::JUMP_EQUAL, BY_US, ends.drop);
    a.place(directed);
    a.put(code::LOAD_WORD, PROTOCOL);
    a.compare_or_next(code::JUMP_EQUAL, IPV4, four);
    a.compare(code::JUMP_EQUAL, IPV6, six, ends.drop);

    a.place(four);
    // Later pieces have no transport's header.
    a.put(code::LOAD_HALF, 6);
    a.compare_or_next(code::JUMP_ANY_BIT, 0x1fff, ends.drop);
    a.put(code::SET_X_TO_HEADER, 0);
    a.put(code::LOAD_HALF, 2);
    a.put(code::SUBTRACT_X, 0);
    a.put(code::STORE, LENGTH);
    a.put(code::LOAD_BYTE, 9);
    a.compare_or_next(code::JUMP_EQUAL, 6, tcp);
    a.compare_or_next(code::JUMP_EQUAL, 17, udp);
    a.compare(code::JUMP_EQUAL, 1, icmp, ends.drop);

    a.place(six);
    a.put(code::LOAD_HALF, 4);
    a.put(code::STORE, LENGTH);
    a.put(code::SET_X, 40);
    a.put(code::LOAD_BYTE, 6);
    a.compare_or_next(code::JUMP_EQUAL, 6, tcp);
    a.compare_or_next(code::JUMP_EQUAL, 17, udp);
    a.compare_or_next(code::JUMP_EQUAL, 58, icmp_six);
    // Extension headers are rare and take a loop to follow, which a program has not: whoever dissects decides.
    for extension in [0, 43, 44, 60] {
        a.compare_or_next(code::JUMP_EQUAL, extension, ends.datagram);
    }
    a.jump(ends.drop);

    a.place(icmp);
    message(a, &[8], None, ends);
    a.place(icmp_six);
    message(a, &[128], Some(&[1, 2, 3, 4, 128, 129, 139]), ends);
}

/// ICMP: by us these kinds, to us those, or all.
fn message(a: &mut Assembler, by_us: &[u32], to_us: Option<&[u32]>, ends: &Ends) {
    let inbound = a.label();
    a.put(code::RECALL, DIRECTION);
    a.compare_or_next(code::JUMP_EQUAL, TO_US, inbound);
    a.put(code::LOAD_BYTE_AT_X, 0);
    for kind in by_us {
        a.compare_or_next(code::JUMP_EQUAL, *kind, ends.message);
    }
    a.jump(ends.drop);
    a.place(inbound);
    let Some(to_us) = to_us else {
        a.jump(ends.message);
        return;
    };
    a.put(code::LOAD_BYTE_AT_X, 0);
    for kind in to_us {
        a.compare_or_next(code::JUMP_EQUAL, *kind, ends.message);
    }
    a.jump(ends.drop);
}

/// Finds out whose our port is, in both directions, and goes through its door.
fn transport(
    a: &mut Assembler,
    owners: &Owners,
    doors: fn(&mut Assembler, bool, Doors, &Ends),
    ends: &Ends,
) -> Result<(), TooMuch> {
    let services = owners.services.without(&owners.trapped);
    let mut ranges: Vec<(u16, u16, bool)> = Vec::new();
    ranges.extend(owners.trapped.ranges().iter().map(|(first, last)| (*first, *last, true)));
    ranges.extend(services.ranges().iter().map(|(first, last)| (*first, *last, false)));
    ranges.sort_unstable();
    if ranges.len() > MOST_RANGES {
        return Err(TooMuch);
    }
    let outbound = a.label();
    a.put(code::RECALL, DIRECTION);
    a.require(code::JUMP_EQUAL, TO_US, outbound);
    for (is_inbound, port) in [(true, 2), (false, 0)] {
        if !is_inbound {
            a.place(outbound);
        }
        let to = Doors { free: a.label(), trapped: a.label(), service: a.label() };
        a.put(code::LOAD_HALF_AT_X, port);
        find_owner(a, &ranges, to);
        doors(a, is_inbound, to, ends);
    }
    Ok(())
}

/// A search by halves: a packet costs the logarithm of how many ranges there are.
fn find_owner(a: &mut Assembler, ranges: &[(u16, u16, bool)], doors: Doors) {
    match ranges {
        [] => a.jump(doors.free),
        [(first, last, is_trapped)] => {
            let owner = if *is_trapped { doors.trapped } else { doors.service };
            a.require(code::JUMP_GREATER_OR_EQUAL, u32::from(*first), doors.free);
            a.compare(code::JUMP_GREATER, u32::from(*last), doors.free, owner);
        }
        _ => {
            let (lower, upper) = ranges.split_at(ranges.len() / 2);
            let (above, below) = (a.label(), a.label());
            let middle = upper.first().map_or(0, |(first, ..)| u32::from(*first));
            a.compare(code::JUMP_GREATER_OR_EQUAL, middle, above, below);
            a.place(below);
            find_owner(a, lower, doors);
            a.place(above);
            find_owner(a, upper, doors);
        }
    }
}

fn tcp_doors(a: &mut Assembler, is_inbound: bool, doors: Doors, ends: &Ends) {
    const FLAGS: u32 = 13;
    a.place(doors.service);
    a.put(code::LOAD_BYTE_AT_X, FLAGS);
    a.put(code::AND, SYN | ACK);
    if is_inbound {
        a.compare_or_next(code::JUMP_EQUAL, SYN | ACK, ends.headers);
    }
    a.compare(code::JUMP_EQUAL, SYN, ends.headers, ends.drop);
    if !is_inbound {
        a.place(doors.free);
        a.place(doors.trapped);
        a.put(code::LOAD_BYTE_AT_X, FLAGS);
        a.compare(code::JUMP_ANY_BIT, SYN | RST, ends.headers, ends.drop);
        return;
    }
    a.place(doors.free);
    a.put(code::LOAD_BYTE_AT_X, FLAGS);
    a.require(code::JUMP_ANY_BIT, ACK, ends.headers);
    a.compare(code::JUMP_ANY_BIT, SYN | RST, ends.headers, ends.drop);
    a.place(doors.trapped);
    a.put(code::LOAD_BYTE_AT_X, FLAGS);
    a.require(code::JUMP_ANY_BIT, ACK, ends.headers);
    a.compare_or_next(code::JUMP_ANY_BIT, SYN | RST, ends.headers);
    // Nothing but the header: what follows on an opening. What is said after it is the trap's to tell.
    a.put(code::LOAD_BYTE_AT_X, 12);
    a.put(code::AND, 0xf0);
    a.put(code::SHIFT_RIGHT, 2);
    a.put(code::TAKE_TO_X, 0);
    a.put(code::RECALL, LENGTH);
    a.put(code::SUBTRACT_X, 0);
    a.compare(code::JUMP_EQUAL, 0, ends.headers, ends.drop);
}

fn udp_doors(a: &mut Assembler, is_inbound: bool, doors: Doors, ends: &Ends) {
    a.place(doors.trapped);
    a.jump(ends.drop);
    a.place(doors.service);
    a.jump(if is_inbound { ends.first_bytes } else { ends.drop });
    a.place(doors.free);
    a.jump(if is_inbound { ends.datagram } else { ends.first_bytes });
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;

//! Packets and captures built field by field.

use std::net::IpAddr;

pub(crate) const VISITOR: &str = "198.18.0.9";
pub(crate) const OURS: &str = "192.0.2.1";

pub(crate) const SYN: u8 = 2;
pub(crate) const ACK: u8 = 16;
pub(crate) const SYN_ACK: u8 = 18;
pub(crate) const RST: u8 = 4;
pub(crate) const FIN_ACK: u8 = 17;
pub(crate) const PSH_ACK: u8 = 24;

/// The options of Linux: segment size 1460, selective acknowledgements, timestamps, scale 7.
pub(crate) const LINUX: &[u8] = &[2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7];

pub(crate) fn sum(bytes: &[u8]) -> u16 {
    let mut total: u32 = bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0)))
        .sum();
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    !u16::try_from(total).unwrap()
}

/// A TCP segment.
#[derive(Clone)]
pub(crate) struct Tcp {
    pub(crate) ports: (u16, u16),
    pub(crate) sequence: u32,
    pub(crate) acknowledgement: u32,
    pub(crate) flags: u8,
    pub(crate) window: u16,
    pub(crate) options: Vec<u8>,
    pub(crate) payload: Vec<u8>,
}

impl Tcp {
    pub(crate) fn new(ports: (u16, u16), flags: u8, sequence: u32, acknowledgement: u32) -> Self {
        let options = if flags == SYN { LINUX.to_vec() } else { Vec::new() };
        Self {
            ports,
            sequence,
            acknowledgement,
            flags,
            window: 64_240,
            options,
            payload: Vec::new(),
        }
    }

    pub(crate) fn with(mut self, payload: &[u8]) -> Self {
        self.payload = payload.to_vec();
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        assert_eq!(self.options.len() % 4, 0);
        let mut bytes = Vec::new();
        bytes.extend(self.ports.0.to_be_bytes());
        bytes.extend(self.ports.1.to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.acknowledgement.to_be_bytes());
        bytes.push(u8::try_from((5 + self.options.len() / 4) << 4).unwrap());
        bytes.push(self.flags);
        bytes.extend(self.window.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(&self.options);
        bytes.extend(&self.payload);
        bytes
    }
}

pub(crate) fn udp(ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).unwrap();
    let mut bytes = Vec::new();
    bytes.extend(ports.0.to_be_bytes());
    bytes.extend(ports.1.to_be_bytes());
    bytes.extend(length.to_be_bytes());
    bytes.extend([0; 2]);
    bytes.extend(payload);
    bytes
}

pub(crate) fn icmp(kind: u8, code: u8, identifier: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, code, 0, 0];
    bytes.extend(identifier.to_be_bytes());
    bytes.extend([0, 1]);
    bytes.extend(body);
    bytes
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().to_vec(),
    }
}

/// Puts the transport's sum where it belongs.
fn finish(protocol: u8, source: IpAddr, destination: IpAddr, mut transport: Vec<u8>) -> Vec<u8> {
    let place = match protocol {
        6 => 16,
        17 => 6,
        1 | 58 => 2,
        _ => return transport,
    };
    let mut covered = Vec::new();
    if protocol != 1 {
        covered.extend(octets(source));
        covered.extend(octets(destination));
        covered.extend([0, protocol]);
        covered.extend(u16::try_from(transport.len()).unwrap().to_be_bytes());
    }
    if transport.len() < place + 2 {
        return transport;
    }
    covered.extend(&transport);
    transport[place..place + 2].copy_from_slice(&sum(&covered).to_be_bytes());
    transport
}

/// An IP packet around a transport's bytes.
#[derive(Clone, Copy)]
pub(crate) struct Ip {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) time_to_live: u8,
    pub(crate) identification: u16,
    /// IPv4's flags and place among fragments.
    pub(crate) fragment: u16,
}

impl Ip {
    pub(crate) fn between(source: &str, destination: &str) -> Self {
        Self {
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
            time_to_live: 64,
            identification: 7,
            fragment: 0x4000,
        }
    }

    pub(crate) fn inbound() -> Self {
        Self::between(VISITOR, OURS)
    }

    pub(crate) fn outbound() -> Self {
        Self::between(OURS, VISITOR)
    }

    pub(crate) fn tcp(self, segment: &Tcp) -> Vec<u8> {
        self.carry(6, segment.bytes())
    }

    pub(crate) fn udp(self, ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
        self.carry(17, udp(ports, payload))
    }

    /// The packet with right sums.
    pub(crate) fn carry(self, protocol: u8, transport: Vec<u8>) -> Vec<u8> {
        let transport = finish(protocol, self.source, self.destination, transport);
        self.carry_raw(protocol, &transport)
    }

    pub(crate) fn carry_raw(self, protocol: u8, transport: &[u8]) -> Vec<u8> {
        if self.source.is_ipv6() {
            let mut bytes = vec![0x60, 0, 0, 0];
            bytes.extend(u16::try_from(transport.len()).unwrap().to_be_bytes());
            bytes.extend([protocol, self.time_to_live]);
            bytes.extend(octets(self.source));
            bytes.extend(octets(self.destination));
            bytes.extend(transport);
            return bytes;
        }
        let mut head = vec![0x45, 0];
        head.extend(u16::try_from(20 + transport.len()).unwrap().to_be_bytes());
        head.extend(self.identification.to_be_bytes());
        head.extend(self.fragment.to_be_bytes());
        head.extend([self.time_to_live, protocol, 0, 0]);
        head.extend(octets(self.source));
        head.extend(octets(self.destination));
        let right = sum(&head).to_be_bytes();
        head[10..12].copy_from_slice(&right);
        head.extend(transport);
        head
    }
}

pub(crate) fn ethernet(packet: &[u8]) -> Vec<u8> {
    let kind: [u8; 2] = if packet[0] >> 4 == 6 { [0x86, 0xdd] } else { [8, 0] };
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2][..], &kind, packet].concat()
}

/// A classic capture of frames a second apart, from 2026-01-01 on.
pub(crate) fn pcap(link: u16, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(0xa1b2_c3d4_u32.to_le_bytes());
    file.extend([2, 0, 4, 0]);
    file.extend([0; 8]);
    file.extend(262_144_u32.to_le_bytes());
    file.extend(u32::from(link).to_le_bytes());
    for (number, frame) in frames.iter().enumerate() {
        let length = u32::try_from(frame.len()).unwrap();
        file.extend((1_767_225_600 + u32::try_from(number).unwrap()).to_le_bytes());
        file.extend(250_000_u32.to_le_bytes());
        file.extend(length.to_le_bytes());
        file.extend(length.to_le_bytes());
        file.extend(frame);
    }
    file
}

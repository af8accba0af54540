//! TCP's header (RFC 9293) and its options in the order in which they stand, which tells systems apart.

use kizashi_event::bytes::{be16, be32};

use super::{Fault, Faults};

/// The flags of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags(pub u8);

impl Flags {
    const FIN: u8 = 1;
    const SYN: u8 = 2;
    const RST: u8 = 4;
    const PSH: u8 = 8;
    const ACK: u8 = 16;
    const URG: u8 = 32;

    /// The sender has no more to say.
    #[must_use]
    pub const fn fin(self) -> bool {
        self.0 & Self::FIN != 0
    }

    /// Begins a connection.
    #[must_use]
    pub const fn syn(self) -> bool {
        self.0 & Self::SYN != 0
    }

    /// Breaks a connection off.
    #[must_use]
    pub const fn rst(self) -> bool {
        self.0 & Self::RST != 0
    }

    /// Wants the receiver to be told at once.
    #[must_use]
    pub const fn psh(self) -> bool {
        self.0 & Self::PSH != 0
    }

    /// The acknowledgement number counts.
    #[must_use]
    pub const fn ack(self) -> bool {
        self.0 & Self::ACK != 0
    }

    /// The urgent pointer counts.
    #[must_use]
    pub const fn urg(self) -> bool {
        self.0 & Self::URG != 0
    }

    /// Congestion notification (RFC 3168): ECE or CWR.
    #[must_use]
    pub const fn ecn(self) -> bool {
        self.0 & 0xc0 != 0
    }
}

/// The fields of a segment's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpHeader {
    /// The sender's port.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
    /// Sequence number of the first byte.
    pub sequence: u32,
    /// The next byte that is expected.
    pub acknowledgement: u32,
    /// Flags.
    pub flags: Flags,
    /// The four bits between header length and flags.
    pub reserved: u8,
    /// The window as it stands in the header.
    pub window: u16,
    /// The urgent pointer.
    pub urgent: u16,
}

/// A segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Its header.
    pub header: TcpHeader,
    /// The options' bytes.
    pub options: &'a [u8],
    /// What is carried, as far as it came.
    pub payload: &'a [u8],
}

impl Segment<'_> {
    /// The sequence number behind everything that the segment holds.
    #[must_use]
    pub fn end(&self) -> u32 {
        let flags = self.header.flags;
        let length = u32::try_from(self.payload.len()).unwrap_or(u32::MAX);
        self.header.sequence.wrapping_add(length).wrapping_add(u32::from(flags.syn()))
    }
}

pub(super) fn read<'a>(bytes: &'a [u8], faults: &mut Faults) -> Result<Segment<'a>, Fault> {
    let Some((head, _)) = bytes.split_first_chunk::<20>() else { return Err(Fault::TransportCut) };
    let length = usize::from(head[12] >> 4) * 4;
    // Ports, numbers and flags are known whatever the length says.
    let (options, payload) = match (bytes.get(20..length), bytes.get(length..)) {
        (Some(options), Some(payload)) => (options, payload),
        _ => {
            faults.add(Fault::TcpHeaderLength);
            (&[][..], &[][..])
        }
    };
    let header = TcpHeader {
        source_port: u16::from_be_bytes([head[0], head[1]]),
        destination_port: u16::from_be_bytes([head[2], head[3]]),
        sequence: u32::from_be_bytes([head[4], head[5], head[6], head[7]]),
        acknowledgement: u32::from_be_bytes([head[8], head[9], head[10], head[11]]),
        flags: Flags(head[13]),
        reserved: head[12] & 15,
        window: u16::from_be_bytes([head[14], head[15]]),
        urgent: u16::from_be_bytes([head[18], head[19]]),
    };
    Ok(Segment { header, options, payload })
}

/// Options of a header at most: each takes a byte at least.
const MOST_OPTIONS: usize = 40;

/// The options of a segment, their kinds in the order sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpOptions {
    kinds: [u8; MOST_OPTIONS],
    count: u8,
    /// The maximum segment size.
    pub segment_size: Option<u16>,
    /// The window's scale.
    pub scale: Option<u8>,
    /// The timestamps: the sender's and the echo.
    pub timestamps: Option<(u32, u32)>,
    /// Bytes behind the end of options.
    pub padding: u8,
    /// Whether one of these bytes is not 0.
    pub padding_filled: bool,
    /// Whether an option's length is wrong.
    pub is_broken: bool,
}

impl TcpOptions {
    /// Reads options as far as they can be believed.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let mut options = Self {
            kinds: [0; MOST_OPTIONS],
            count: 0,
            segment_size: None,
            scale: None,
            timestamps: None,
            padding: 0,
            padding_filled: false,
            is_broken: false,
        };
        let mut rest = bytes.get(..bytes.len().min(MOST_OPTIONS)).unwrap_or_default();
        while let Some((&kind, behind)) = rest.split_first() {
            if let Some(place) = options.kinds.get_mut(usize::from(options.count)) {
                *place = kind;
                options.count += 1;
            }
            rest = match kind {
                0 => {
                    options.padding = u8::try_from(behind.len()).unwrap_or(u8::MAX);
                    options.padding_filled = behind.iter().any(|byte| *byte != 0);
                    break;
                }
                1 => behind,
                _ => {
                    let length = usize::from(behind.first().copied().unwrap_or_default());
                    let (Some(body), Some(next)) = (rest.get(2..length), rest.get(length..)) else {
                        options.is_broken = true;
                        break;
                    };
                    options.take(kind, body);
                    next
                }
            };
        }
        options
    }

    fn take(&mut self, kind: u8, body: &[u8]) {
        match (kind, body.len()) {
            (2, 2) => self.segment_size = be16(body, 0),
            (3, 1) => self.scale = body.first().copied(),
            (8, 8) => self.timestamps = be32(body, 0).zip(be32(body, 4)),
            (4, 0) => {}
            (2 | 3 | 4 | 8, _) => self.is_broken = true,
            _ => {}
        }
    }

    /// The kinds in the order sent.
    #[must_use]
    pub fn kinds(&self) -> &[u8] {
        self.kinds.get(..usize::from(self.count)).unwrap_or_default()
    }
}

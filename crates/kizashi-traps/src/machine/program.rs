//! The machine's own programs, as bytes: an ELF header and a first program header that are right for its architecture (System V ABI and
//! its processor supplements), then bytes that mean nothing. Loaders read the header to choose what to drop.

/// A processor architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Architecture {
    X86_64,
    /// Big-endian.
    Mips,
    /// Little-endian.
    Mipsel,
    Arm,
}

struct Shape {
    wide: bool,
    big: bool,
    machine: u16,
    flags: u32,
    interpreter: &'static str,
}

impl Architecture {
    const fn shape(self) -> Shape {
        match self {
            Self::X86_64 => Shape {
                wide: true,
                big: false,
                machine: 62,
                flags: 0,
                interpreter: "/lib64/ld-linux-x86-64.so.2",
            },
            Self::Mips => Shape {
                wide: false,
                big: true,
                machine: 8,
                flags: 0x5000_1007,
                interpreter: "/lib/ld-uClibc.so.0",
            },
            Self::Mipsel => Shape {
                wide: false,
                big: false,
                machine: 8,
                flags: 0x7000_1007,
                interpreter: "/lib/ld-uClibc.so.0",
            },
            Self::Arm => Shape {
                wide: false,
                big: false,
                machine: 40,
                flags: 0x0500_0200,
                interpreter: "/lib/ld-uClibc.so.0",
            },
        }
    }

    /// What `uname -m` says.
    pub(crate) const fn machine(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            // The kernel's word is the same for both orders.
            Self::Mips | Self::Mipsel => "mips",
            Self::Arm => "armv7l",
        }
    }

    /// What `file` says of the machine's own programs.
    pub(crate) const fn number(self) -> (u8, u8, u16) {
        let shape = self.shape();
        (if shape.wide { 2 } else { 1 }, if shape.big { 2 } else { 1 }, shape.machine)
    }
}

/// A program's bytes; the same node always has the same.
pub(crate) fn bytes(architecture: Architecture, node: u32, size: u32) -> Vec<u8> {
    let size = size as usize;
    let mut bytes = head(&architecture.shape(), size);
    bytes.reserve(size.saturating_sub(bytes.len()));
    let mut state = u64::from(node).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let word = state.to_le_bytes();
        // Machine code has many zeros and small numbers.
        let masked = if state & 6 == 0 { [word[0], 0, 0, 0, word[4] & 15, 0, 0, 0] } else { word };
        bytes.extend(masked);
    }
    bytes.truncate(size);
    bytes
}

/// A program for a processor that the machine does not have: 32 bits, the ELF machine and the byte order that are asked for.
pub(crate) fn foreign(machine: u16, big: bool, size: u32) -> Vec<u8> {
    let wide = matches!(machine, 62 | 183);
    let mut shape = if wide { Architecture::X86_64.shape() } else { Architecture::Mips.shape() };
    (shape.big, shape.machine, shape.flags) = (big, machine, 0);
    let mut bytes = bytes(Architecture::X86_64, u32::from(machine), size);
    let head = head(&shape, size as usize);
    let length = head.len().min(bytes.len());
    bytes[..length].copy_from_slice(&head[..length]);
    bytes
}

fn head(shape: &Shape, size: usize) -> Vec<u8> {
    let half = |value: u16| if shape.big { value.to_be_bytes() } else { value.to_le_bytes() };
    let word = |value: u32| if shape.big { value.to_be_bytes() } else { value.to_le_bytes() };
    let address = |value: u32| {
        let mut bytes = Vec::with_capacity(8);
        if shape.wide {
            bytes.extend(u64::from(value).to_le_bytes());
        } else {
            bytes.extend(word(value));
        }
        bytes
    };
    let header: u32 = if shape.wide { 64 } else { 52 };
    let entry: u16 = if shape.wide { 56 } else { 32 };
    let sections =
        u32::try_from(size.saturating_sub(28 * if shape.wide { 64 } else { 40 })).unwrap_or(0) & !7;
    let mut bytes = vec![
        0x7f,
        b'E',
        b'L',
        b'F',
        if shape.wide { 2 } else { 1 },
        if shape.big { 2 } else { 1 },
        1,
    ];
    bytes.resize(16, 0);
    // Debian's programs are position-independent; the devices' are not.
    bytes.extend(half(if shape.wide { 3 } else { 2 }));
    bytes.extend(half(shape.machine));
    bytes.extend(word(1));
    bytes.extend(address(if shape.wide { 0x6ab0 } else { 0x0040_3f10 }));
    bytes.extend(address(header));
    bytes.extend(address(sections));
    bytes.extend(word(shape.flags));
    let sizes = if shape.wide { [64, entry, 13, 64, 28, 27] } else { [52, entry, 7, 40, 28, 27] };
    sizes.into_iter().for_each(|size| bytes.extend(half(size)));
    // The first program header: the interpreter, whose name follows.
    let place = header + u32::from(entry);
    let length = u32::try_from(shape.interpreter.len() + 1).unwrap_or(0);
    bytes.extend(word(3));
    if shape.wide {
        bytes.extend(word(4));
        [place, place, place, length, length, 1]
            .into_iter()
            .for_each(|value| bytes.extend(address(value)));
    } else {
        [place, 0x0040_0000 + place, 0x0040_0000 + place, length, length, 4, 1]
            .into_iter()
            .for_each(|value| bytes.extend(word(value)));
    }
    bytes.extend_from_slice(shape.interpreter.as_bytes());
    bytes.extend([0; 5]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_architecture_has_a_header_that_loaders_understand() {
        let fields = |architecture| {
            let bytes = bytes(architecture, 7, 4_000);
            (bytes[4], bytes[5], [bytes[18], bytes[19]], bytes.len())
        };
        assert_eq!(fields(Architecture::Mips), (1, 2, [0, 8], 4_000));
        assert_eq!(fields(Architecture::Mipsel), (1, 1, [8, 0], 4_000));
        assert_eq!(fields(Architecture::Arm), (1, 1, [40, 0], 4_000));
        assert_eq!(fields(Architecture::X86_64), (2, 1, [62, 0], 4_000));
        assert_eq!(bytes(Architecture::Arm, 7, 900), bytes(Architecture::Arm, 7, 900));
    }
}

//! A captured sample as people of the field pass them on: a zip of one file, under the password "infected", in the encryption that
//! every unzip opens (PKWARE's of 1989, APPNOTE.TXT 6.1). It keeps nothing secret: it keeps the sample from being run, scanned
//! or indexed by accident. The same sample gives the same bytes, so that two exports can be compared.

use std::io::{self, Write as _};

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// The field's password.
pub(crate) const PASSWORD: &str = "infected";

const VERSION: u16 = 20;
const ENCRYPTED: u16 = 1;
const DEFLATE: u16 = 8;
/// 1980-01-01, the format's first day: a sample has no time of its own.
const DATE: u16 = 0x0021;
/// Bytes before the data that only the key stream passes over; the last lets a tool tell a wrong password.
const LEAD: usize = 12;
/// Made on Unix, which is what gives the mode below its meaning.
const MADE_BY: u16 = (3 << 8) | VERSION;
/// A regular file, 0400: what is unpacked is not executable.
const MODE: u32 = 0o100_400 << 16;

/// The zip of one file. `name` is plain ASCII without slashes; `lead` fills the bytes before the data and may be anything.
///
/// # Errors
/// When the content is larger than the format holds (4 GiB).
pub(crate) fn pack(name: &str, content: &[u8], lead: &[u8]) -> io::Result<Vec<u8>> {
    let sum = crc32(content);
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content)?;
    let packed = encoder.finish()?;
    let mut data: Vec<u8> =
        lead.iter().copied().chain(std::iter::repeat(0)).take(LEAD - 1).collect();
    data.push(sum.to_le_bytes()[3]);
    data.extend(packed);
    Keys::of(PASSWORD).encrypt(&mut data);

    let too_large = |_| io::Error::new(io::ErrorKind::InvalidInput, "too large for a zip");
    let sizes = (
        u32::try_from(data.len()).map_err(too_large)?,
        u32::try_from(content.len()).map_err(too_large)?,
    );
    let name_length =
        u16::try_from(name.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut common = Vec::new();
    for word in [VERSION, ENCRYPTED, DEFLATE, 0, DATE] {
        common.extend(word.to_le_bytes());
    }
    for number in [sum, sizes.0, sizes.1] {
        common.extend(number.to_le_bytes());
    }
    common.extend(name_length.to_le_bytes());
    common.extend([0; 2]);

    let mut zip = b"PK\x03\x04".to_vec();
    zip.extend(&common);
    zip.extend(name.as_bytes());
    zip.extend(data);
    let directory_at = u32::try_from(zip.len()).map_err(too_large)?;
    let mut directory = b"PK\x01\x02".to_vec();
    directory.extend(MADE_BY.to_le_bytes());
    directory.extend(&common);
    directory.extend([0; 6]);
    directory.extend(MODE.to_le_bytes());
    directory.extend([0; 4]);
    directory.extend(name.as_bytes());
    let directory_length = u32::try_from(directory.len()).map_err(too_large)?;
    zip.extend(directory);
    zip.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    zip.extend(directory_length.to_le_bytes());
    zip.extend(directory_at.to_le_bytes());
    zip.extend([0; 2]);
    Ok(zip)
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(bytes);
    sum.sum()
}

/// One step of CRC-32 over a bare state, as the cipher uses it.
fn crc_step(state: u32, byte: u8) -> u32 {
    let mut crc = (state ^ u32::from(byte)) & 0xff;
    for _ in 0..8 {
        crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    }
    crc ^ (state >> 8)
}

/// The cipher's state.
struct Keys(u32, u32, u32);

impl Keys {
    fn of(password: &str) -> Self {
        let mut keys = Self(0x1234_5678, 0x2345_6789, 0x3456_7890);
        password.bytes().for_each(|byte| keys.update(byte));
        keys
    }

    fn update(&mut self, plain: u8) {
        self.0 = crc_step(self.0, plain);
        self.1 = self.1.wrapping_add(self.0 & 0xff).wrapping_mul(134_775_813).wrapping_add(1);
        self.2 = crc_step(self.2, self.1.to_le_bytes()[3]);
    }

    fn encrypt(mut self, bytes: &mut [u8]) {
        for byte in bytes {
            let plain = *byte;
            let wide = (self.2 | 2) & 0xffff;
            *byte ^= (wide.wrapping_mul(wide ^ 1)).to_le_bytes()[1];
            self.update(plain);
        }
    }
}

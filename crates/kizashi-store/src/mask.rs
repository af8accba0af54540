//! Captured bytes never lie on the disk as they came: the content is compressed, and it and its readable beginning are XORed with a
//! fixed mask. That hides nothing from whoever reads this; it keeps virus scanners from taking the database for a sample and
//! away, and nothing that is cut out of the file by a careless hand runs.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

/// Sixteen bytes, so that no scanner's trial of single-byte masks finds through; part of the database's layout.
const MASK: [u8; 16] = [
    0xb5, 0x1d, 0xe7, 0x42, 0x9c, 0x63, 0xf8, 0x2b, 0xd1, 0x76, 0x8e, 0x35, 0xca, 0x59, 0xa4, 0x93,
];

/// Masks, or takes the mask off.
pub(crate) fn apply(bytes: &mut [u8]) {
    for (byte, mask) in bytes.iter_mut().zip(MASK.iter().cycle()) {
        *byte ^= mask;
    }
}

/// Gives SQL the function `masked(blob)`, which it lacks, for the step that masks what an older database holds.
pub(crate) fn teach(connection: &Connection) -> rusqlite::Result<()> {
    connection.create_scalar_function(
        "masked",
        1,
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC,
        |context| {
            let mut bytes: Option<Vec<u8>> = context.get(0)?;
            if let Some(bytes) = &mut bytes {
                apply(bytes);
            }
            Ok(bytes)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_is_as_before_and_once_leaves_no_byte() {
        let plain: Vec<u8> = (0..=255).collect();
        let mut bytes = plain.clone();
        apply(&mut bytes);
        assert!(plain.iter().zip(&bytes).all(|(before, after)| before != after));
        apply(&mut bytes);
        assert_eq!(bytes, plain);
    }
}

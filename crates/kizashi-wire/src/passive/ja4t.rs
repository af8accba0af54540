//! JA4T, a fingerprint of the first segment by its window, its options in order, segment size and scale, as described by FoxIO
//! (<https://github.com/FoxIO-LLC/ja4>, technical details of JA4T): `64240_2-1-3-1-1-4_1460_8`, with `00` for what is not there.
//! Bytes behind the end of options count as further ends: `…-4-0-0`.

use std::fmt::Write as _;

use super::Syn;

/// The fingerprint, without its kind in front.
#[must_use]
pub fn ja4t(syn: &Syn) -> String {
    let mut text = syn.tcp.window.to_string();
    let padding = std::iter::repeat_n(&0, usize::from(syn.options.padding));
    let mut between = '_';
    for kind in syn.options.kinds().iter().chain(padding) {
        let _ = write!(text, "{between}{kind}");
        between = '-';
    }
    if between == '_' {
        text.push_str("_00");
    }
    match syn.options.segment_size {
        Some(size) => {
            let _ = write!(text, "_{size}");
        }
        None => text.push_str("_00"),
    }
    match syn.options.scale {
        Some(scale) => {
            let _ = write!(text, "_{scale}");
        }
        None => text.push_str("_00"),
    }
    text
}

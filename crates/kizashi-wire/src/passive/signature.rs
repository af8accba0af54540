//! A text that holds what the first segment shows of a system, in the form that p0f 3 documents for its `raw_sig`
//! (<https://lcamtuf.coredump.cx/p0f3/README>, section 5): version, time to live as it came and guessed distance, length of IP options,
//! segment size, window and scale, options in order, quirks, whether there is a payload. The print that is counted by is the same with
//! the guessed initial time to live alone, as p0f's own database has it, so that the way between is no part of it.

use std::fmt::Write as _;

use super::Syn;

/// The least usual initial time to live that is not less than what came.
#[must_use]
pub const fn initial_time_to_live(seen: u8) -> u8 {
    match seen {
        0..=32 => 32,
        33..=64 => 64,
        65..=128 => 128,
        129..=255 => 255,
    }
}

/// How many routers seem to lie between.
#[must_use]
pub const fn distance(seen: u8) -> u8 {
    initial_time_to_live(seen) - seen
}

/// The largest packet that the sender's link takes, where the segment size that he offers tells it.
#[must_use]
pub fn largest_packet(syn: &Syn) -> Option<u16> {
    let headers = if syn.ip.source.is_ipv4() { 40 } else { 60 };
    syn.options.segment_size.filter(|size| *size > 0).map(|size| size.saturating_add(headers))
}

/// The signature of the first segment of a connection.
#[must_use]
pub fn signature(syn: &Syn) -> String {
    let seen = syn.ip.time_to_live;
    with_time_to_live(syn, &format!("{seen}+{}", distance(seen)))
}

/// The signature without what the way did to it.
#[must_use]
pub fn tcp_print(syn: &Syn) -> String {
    with_time_to_live(syn, &initial_time_to_live(syn.ip.time_to_live).to_string())
}

fn with_time_to_live(syn: &Syn, time_to_live: &str) -> String {
    let (ip, tcp, options) = (&syn.ip, &syn.tcp, &syn.options);
    let version = if ip.source.is_ipv4() { 4 } else { 6 };
    let size = options.segment_size.unwrap_or_default();
    let mut text = format!("{version}:{time_to_live}:{}:{size}:", ip.options_length);
    put_window(&mut text, tcp.window, size);
    let _ = write!(text, ",{}:", options.scale.unwrap_or_default());
    put_layout(&mut text, syn);
    text.push(':');
    put_quirks(&mut text, syn);
    text.push(':');
    text.push(if syn.has_payload { '+' } else { '0' });
    text
}

/// A window that is a multiple of the segment size, or of the packet size, is what a system makes of its buffers.
fn put_window(text: &mut String, window: u16, size: u16) {
    let packet = size.saturating_add(40);
    let _ = match (window, size) {
        (1.., 100..) if window.is_multiple_of(size) => write!(text, "mss*{}", window / size),
        (1.., 100..) if window.is_multiple_of(packet) => write!(text, "mtu*{}", window / packet),
        _ => write!(text, "{window}"),
    };
}

/// The options' names in the order sent.
pub(super) fn layout(syn: &Syn) -> String {
    let mut text = String::new();
    put_layout(&mut text, syn);
    text
}

fn put_layout(text: &mut String, syn: &Syn) {
    for (place, kind) in syn.options.kinds().iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        let _ = match kind {
            0 => write!(text, "eol+{}", syn.options.padding),
            1 => write!(text, "nop"),
            2 => write!(text, "mss"),
            3 => write!(text, "ws"),
            4 => write!(text, "sok"),
            5 => write!(text, "sack"),
            8 => write!(text, "ts"),
            other => write!(text, "?{other}"),
        };
    }
}

fn put_quirks(text: &mut String, syn: &Syn) {
    let (ip, tcp, options) = (&syn.ip, &syn.tcp, &syn.options);
    let flags = tcp.flags;
    let (own, peer) = options.timestamps.unwrap_or((1, 0));
    let has_identification = ip.identification.is_some_and(|id| id != 0);
    let quirks = [
        ("df", ip.dont_fragment),
        ("id+", ip.dont_fragment && has_identification),
        ("id-", !ip.dont_fragment && ip.identification == Some(0)),
        ("ecn", flags.ecn() || ip.traffic_class & 3 != 0),
        ("0+", ip.reserved_flag),
        ("flow", ip.flow_label != 0),
        ("seq-", tcp.sequence == 0),
        ("ack+", !flags.ack() && tcp.acknowledgement != 0),
        ("ack-", flags.ack() && tcp.acknowledgement == 0),
        ("uptr+", !flags.urg() && tcp.urgent != 0),
        ("urgf+", flags.urg()),
        ("pushf+", flags.psh()),
        ("ts1-", own == 0),
        ("ts2+", !flags.ack() && peer != 0),
        ("opt+", options.padding_filled),
        ("exws", options.scale.is_some_and(|scale| scale > 14)),
        ("bad", options.is_broken),
    ];
    let mut is_first = true;
    for (name, _) in quirks.iter().filter(|(_, holds)| *holds) {
        if !std::mem::take(&mut is_first) {
            text.push(',');
        }
        text.push_str(name);
    }
}

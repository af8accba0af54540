//! Every parser of hostile bytes under one name each: any input, no result, must not panic. cargo-fuzz calls these entries from
//! `fuzz_targets/`; the gate, which has no nightly, calls the same ones over the seeds and changes of them
//! (`crates/kizashi/tests/fuzzing.rs` takes this file in).

use std::ops::ControlFlow;

use kizashi_detect::changefinder::ChangeFinder;
use kizashi_detect::gamma_poisson::{Kind, KindId, Prior, SeriesId, Watch};
use kizashi_detect::silence::{self, Silences};
use kizashi_intake::{Format, Options};

/// A parser of hostile bytes.
pub type Entry = fn(&[u8]);

/// All of them; each has a file of its name in `fuzz_targets/`.
pub const ENTRIES: [(&str, Entry); 50] = [
    ("trap_session", trap_session),
    ("http_wire", kizashi_traps::fuzz::http_wire),
    ("http2_wire", kizashi_traps::fuzz::http2_wire),
    ("websocket", kizashi_traps::fuzz::websocket),
    ("web_rules", kizashi_traps::fuzz::web_rules),
    ("site_program", kizashi_traps::fuzz::site_program),
    ("sql", kizashi_traps::fuzz::sql),
    ("php", kizashi_traps::fuzz::php),
    ("ssh_wire", kizashi_traps::fuzz::ssh_wire),
    ("telnet_wire", kizashi_traps::fuzz::telnet_wire),
    ("redis", kizashi_traps::fuzz::redis),
    ("elasticsearch", kizashi_traps::fuzz::elasticsearch),
    ("memcached", kizashi_traps::fuzz::memcached),
    ("mssql", kizashi_traps::fuzz::mssql),
    ("mongodb", kizashi_traps::fuzz::mongodb),
    ("mysql", kizashi_traps::fuzz::mysql),
    ("postgresql", kizashi_traps::fuzz::postgresql),
    ("radmin_wire", kizashi_traps::fuzz::radmin_wire),
    ("rdp_wire", kizashi_traps::fuzz::rdp_wire),
    ("smtp_wire", kizashi_traps::fuzz::smtp_wire),
    ("framed", kizashi_traps::fuzz::framed),
    ("ntlm_token", kizashi_traps::fuzz::ntlm_token),
    ("adb", kizashi_traps::fuzz::adb),
    ("vnc", kizashi_traps::fuzz::vnc),
    ("rpc_calls", kizashi_traps::fuzz::rpc_calls),
    ("smb_wire", kizashi_traps::fuzz::smb_wire),
    ("winrm_wire", kizashi_traps::fuzz::winrm_wire),
    ("wins_wire", kizashi_traps::fuzz::wins_wire),
    ("recognise", kizashi_traps::fuzz::recognise),
    ("datagrams", kizashi_traps::fuzz::datagrams),
    ("machine", kizashi_traps::fuzz::machine),
    ("windows_machine", kizashi_traps::fuzz::windows_machine),
    ("file_facts", kizashi_traps::fuzz::file_facts),
    ("frames", kizashi_event::stream::fuzz),
    ("frame_payload", frame_payload),
    ("fleet_record", kizashi_fleet::record::fuzz),
    ("fleet_share", kizashi_fleet::detectors::fuzz),
    ("recording", recording),
    ("likeness", kizashi_event::likeness::fuzz),
    ("client_hello", kizashi_event::fingerprint::fuzz),
    ("intake", intake),
    ("wire_frame", kizashi_wire::fuzz::frame),
    ("capture", kizashi_wire::fuzz::capture),
    ("name_answers", kizashi_wire::fuzz::names),
    ("web_request", kizashi_web::fuzz::request),
    ("mail_server", kizashi_notify::fuzz::mail_server),
    ("feed", kizashi_notify::fuzz::feed),
    ("owner_text", owner_text),
    ("places", kizashi_store::places::fuzz),
    ("detect", detect),
];

/// A whole session of the trap that the first line names, or of one that the length chooses.
pub fn trap_session(bytes: &[u8]) {
    let traps = kizashi_traps::registry();
    let line = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (name, rest) = bytes.split_at(line);
    let named = traps.iter().find(|trap| trap.name.as_bytes() == name);
    match named {
        Some(trap) => kizashi_traps::fuzz::session(trap, &rest[1..]),
        None => kizashi_traps::fuzz::session(&traps[bytes.len() % traps.len()], bytes),
    }
}

/// An event's payload in a frame with a right sum: what a trap that was taken over could send.
pub fn frame_payload(bytes: &[u8]) {
    let mut frame = Vec::new();
    kizashi_event::stream::put_event(1, bytes, &mut frame);
    kizashi_event::stream::fuzz(&frame);
}

/// A part of a terminal's recording, as a trap that was taken over could send it.
pub fn recording(bytes: &[u8]) {
    let held: usize = kizashi_event::frames(bytes).iter().map(|frame| frame.bytes.len()).sum();
    assert!(held <= bytes.len());
}

/// A log, in the format found and then in every format by force.
pub fn intake(bytes: &[u8]) {
    for format in std::iter::once(None).chain(Format::ALL.map(Some)) {
        let options = Options { format, ..Options::default() };
        let mut events = 0;
        let report = kizashi_intake::import_reader("fuzz", bytes, &options, &mut |_| {
            events += 1;
            ControlFlow::Continue(())
        });
        assert_eq!(report.counts.events, events);
    }
}

/// What an owner writes into the configuration or the command line.
pub fn owner_text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    kizashi_traps::fuzz::port_list(text);
    let _ = text.parse::<kizashi_intake::ColumnMapping>();
    let _ = text.parse::<kizashi_event::Key>();
    let _ = kizashi_event::Timestamp::parse(text);
    let _ = kizashi_event::Port::parse(text);
    let _ = kizashi_event::PayloadHash::parse(text);
}

/// Everything that detection keeps.
type Detectors = (Watch, Silences, ChangeFinder);

/// Bins as an attacker may shape them, with silences of any length, and detection saved and read again anywhere between. A byte says
/// what comes: below 128 a bin of so many series (its low four bits), each a byte of number and a byte of count; 128 that detection
/// is saved and read again; above, a silence of two to the power of its low six bits.
pub fn detect(bytes: &[u8]) {
    let Some(mut detectors) = detectors() else { return };
    let mut leaps = 0;
    let mut rest = bytes.iter().copied();
    while let Some(what) = rest.next() {
        match what {
            128 => {
                let Ok(saved) = postcard::to_allocvec(&detectors) else { return };
                let Ok(read) = postcard::from_bytes::<Detectors>(&saved) else {
                    panic!("what was saved is not read")
                };
                assert!(read == detectors, "what was read is not what was saved");
                detectors = read;
            }
            129.. => {
                let bins = 1_u64 << (what & 63);
                detectors.0.skip(bins);
                let ticks = u32::try_from(bins).unwrap_or(u32::MAX);
                // A leap is thousands of ticks: some are enough.
                if detectors.1.is_settled() && leaps < 4 {
                    leaps += 1;
                    detectors.1.leap(ticks);
                } else {
                    detectors.1.pass(ticks);
                }
            }
            series => {
                let mut one = || Some((u32::from(rest.next()?), count(rest.next()?)));
                let bin: Vec<(u32, u32)> = (0..series & 15).map_while(|_| one()).collect();
                close(&mut detectors, &bin);
            }
        }
    }
    for series in (0..256).map(SeriesId) {
        let explained = detectors.0.explain(series, None);
        assert!(explained.is_none_or(
            |numbers| numbers.log_m.is_none_or(f64::is_finite) && !numbers.windows.is_empty()
        ));
    }
}

fn detectors() -> Option<Detectors> {
    let prior = Some(Prior { shape: 0.3, rate: 2.0 });
    let kinds = [Kind { share: 0.5, prior: None }, Kind { share: 0.5, prior }];
    let mut watch = Watch::with_kinds(Default::default(), &kinds).ok()?;
    (200..256).for_each(|series| watch.introduce(SeriesId(series), KindId(1), prior));
    let settings = silence::Settings {
        ticks_a_false_alarm: 1_008.0,
        least_days: 1,
        least_active: 1,
        experience: 24.0,
        hold: 0,
    };
    Some((watch, Silences::new(settings).ok()?, ChangeFinder::new(Default::default()).ok()?))
}

/// Small counts as they are, the largest beyond every bound.
fn count(byte: u8) -> u32 {
    match byte {
        0..=250 => u32::from(byte),
        251..=253 => 1 << (byte - 231),
        _ => u32::MAX,
    }
}

fn close((watch, silences, finder): &mut Detectors, bin: &[(u32, u32)]) {
    let counts: Vec<(SeriesId, u32)> =
        bin.iter().map(|(id, count)| (SeriesId(*id), *count)).collect();
    let report = watch.close_bin(&counts);
    for (_, evidence) in &report.evaluated {
        assert!(
            evidence.log_m.is_finite()
                && evidence.days.is_finite()
                && evidence.expected.is_finite()
        );
    }
    for alarm in &report.alarms {
        assert!(
            alarm.sources >= 3 && alarm.ratio_low <= alarm.ratio && alarm.ratio <= alarm.ratio_high
        );
    }
    let active: Vec<u32> = bin.iter().map(|(id, _)| *id).collect();
    for silence in silences.tick(&active).silent {
        assert!(silence.log_chance.is_finite() && !active.contains(&silence.series));
    }
    let sum: f64 = bin.iter().map(|(_, count)| f64::from(*count)).sum();
    let scored = finder.step(sum);
    assert!(scored.change.is_none_or(f64::is_finite));
}

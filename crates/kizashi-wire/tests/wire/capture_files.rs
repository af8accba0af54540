//! Capture files of every form, whole and cut.

use std::io::{self, Read, Write as _};

use kizashi_event::Timestamp;
use kizashi_wire::{Broken, CaptureReader, CaptureWriter, Next, is_capture};

use crate::hand_made::*;

/// What a file holds: time in microseconds, link and bytes of each frame; and how it ends.
type Frames = Vec<(i64, u16, Vec<u8>)>;

fn read(file: impl Read) -> (Frames, Option<Broken>, usize, u64) {
    let mut reader = CaptureReader::new(file);
    let mut frames = Vec::new();
    let broken = loop {
        match reader.next_frame().unwrap() {
            Next::Frame(frame) => {
                frames.push((frame.time.micros(), frame.link.0, frame.bytes.to_vec()));
            }
            Next::Marked(..) => panic!("nobody marked it"),
            Next::End => break None,
            Next::Broken(broken) => break Some(broken),
        }
    };
    (frames, broken, reader.left_over(), reader.lost())
}

fn frames() -> Vec<Vec<u8>> {
    (0..5_u16)
        .map(|n| ethernet(&Ip::inbound().udp((4_000, n), &vec![b'x'; usize::from(n) * 7])))
        .collect()
}

fn expected() -> Frames {
    let time = |n: usize| (1_767_225_600 + i64::try_from(n).unwrap()) * Timestamp::SECOND + 250_000;
    frames().into_iter().enumerate().map(|(n, frame)| (time(n), 1, frame)).collect()
}

/// The classic form in another byte order and resolution.
fn pcap_in(big: bool, nano: bool) -> Vec<u8> {
    let word = |number: u32| if big { number.to_be_bytes() } else { number.to_le_bytes() };
    let half = |number: u16| if big { number.to_be_bytes() } else { number.to_le_bytes() };
    let mut file = Vec::new();
    file.extend(word(if nano { 0xa1b2_3c4d } else { 0xa1b2_c3d4 }));
    file.extend(half(2));
    file.extend(half(4));
    file.extend([0; 8]);
    file.extend(word(262_144));
    file.extend(word(1));
    for (time, _, frame) in expected() {
        file.extend(word(u32::try_from(time / Timestamp::SECOND).unwrap()));
        file.extend(word(if nano { 250_000_999 } else { 250_000 }));
        let length = u32::try_from(frame.len()).unwrap();
        file.extend(word(length));
        file.extend(word(length));
        file.extend(frame);
    }
    file
}

struct Ng {
    big: bool,
    file: Vec<u8>,
}

impl Ng {
    fn new(big: bool) -> Self {
        let mut ng = Self { big, file: Vec::new() };
        ng.section();
        ng
    }

    fn word(&self, number: u32) -> [u8; 4] {
        if self.big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn half(&self, number: u16) -> [u8; 2] {
        if self.big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn block(&mut self, kind: u32, mut body: Vec<u8>) {
        body.resize(body.len().next_multiple_of(4), 0);
        let length = self.word(u32::try_from(body.len() + 12).unwrap());
        let kind = self.word(kind);
        self.file.extend(kind);
        self.file.extend(length);
        self.file.extend(body);
        self.file.extend(length);
    }

    fn section(&mut self) {
        let body = [&self.word(0x1a2b_3c4d)[..], &self.half(1), &[0, 0], &[0xff; 8]].concat();
        self.block(0x0a0d_0d0a, body);
    }

    fn interface(&mut self, link: u16, snapshot: u32, options: &[(u16, Vec<u8>)]) {
        let mut body = [&self.half(link)[..], &[0, 0], &self.word(snapshot)].concat();
        for (code, value) in options {
            body.extend(self.half(*code));
            body.extend(self.half(u16::try_from(value.len()).unwrap()));
            body.extend(value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        self.block(1, body);
    }

    fn packet(&mut self, interface: u32, ticks: u64, frame: &[u8]) {
        let (high, low) =
            (u32::try_from(ticks >> 32).unwrap(), u32::try_from(ticks & 0xffff_ffff).unwrap());
        let length = u32::try_from(frame.len()).unwrap();
        let words = [interface, high, low, length, length].map(|number| self.word(number));
        self.block(6, [&words.concat()[..], frame].concat());
    }
}

#[test]
fn the_classic_form_is_read_in_both_orders_and_resolutions() {
    for big in [false, true] {
        for nano in [false, true] {
            let file = pcap_in(big, nano);
            assert!(is_capture(&file));
            assert_eq!(read(&file[..]), (expected(), None, 0, 0), "big {big} nano {nano}");
        }
    }
}

#[test]
fn the_next_generation_is_read_with_every_block_and_clock() {
    for big in [false, true] {
        let mut ng = Ng::new(big);
        let offset = if big { 100_i64.to_be_bytes() } else { 100_i64.to_le_bytes() };
        ng.interface(1, 0, &[(2, b"eth0".to_vec()), (9, vec![9]), (0, vec![])]);
        ng.interface(101, 40, &[(9, vec![0x80 | 10]), (14, offset.to_vec()), (0, vec![])]);
        ng.interface(1, 0, &[]);
        ng.block(5, vec![0; 12]);
        ng.block(0x0bad, vec![7; 300_000]);
        ng.packet(0, 1_700_000_000_123_456_789, b"nano-frame");
        ng.packet(1, 1_700_000_000 * 1_024 + 512, b"binary clock");
        ng.packet(2, 1_700_000_000_000_001, b"micro");
        let original = ng.word(6);
        ng.block(3, [&original[..], b"simple"].concat());
        ng.packet(9, 0, b"no such interface");
        // Another section forgets the interfaces, in another order.
        ng.big = !big;
        ng.section();
        ng.interface(113, 0, &[]);
        ng.packet(0, 5, b"cooked");
        let second = 1_700_000_000 * Timestamp::SECOND;
        let wanted: Frames = vec![
            (second + 123_456, 1, b"nano-frame".to_vec()),
            (second + 100 * Timestamp::SECOND + 500_000, 101, b"binary clock".to_vec()),
            (second + 1, 1, b"micro".to_vec()),
            (second + 1, 1, b"simple".to_vec()),
            (5, 113, b"cooked".to_vec()),
        ];
        assert_eq!(read(&ng.file[..]), (wanted, None, 0, 1));
    }
}

#[test]
fn a_capture_cut_at_any_byte_gives_its_whole_frames_and_counts_the_rest() {
    let mut ng = Ng::new(false);
    ng.interface(1, 0, &[]);
    for (time, _, frame) in expected() {
        ng.packet(0, u64::try_from(time).unwrap(), &frame);
    }
    for file in [pcap(1, &frames()), ng.file] {
        for end in 0..=file.len() {
            let (found, broken, left, _) = read(&file[..end]);
            assert_eq!(broken, None, "cut at {end}");
            assert_eq!(found, expected()[..found.len()], "cut at {end}");
            let again = read(&file[..end - left]);
            assert_eq!((again.0, again.2), (found, 0), "what is left over at {end} is no record");
        }
    }
}

/// Cut at any byte a capture of a real tool gives what is whole before it, and the rest is counted.
#[test]
fn a_tools_capture_cut_at_any_byte_is_imported_as_far_as_it_is_whole() {
    let whole = include_bytes!("../captures/curl.pcap");
    let mut before = 0;
    for end in 0..=whole.len() {
        let mut observer = crate::observing::observer(&["198.18.0.1", "2001:db8::1"]);
        let mut told = 0_u64;
        let sink = &mut |_| {
            told += 1;
            std::ops::ControlFlow::Continue(())
        };
        let report =
            kizashi_wire::import_reader("x", &whole[..end], &mut observer, &mut |_| {}, sink);
        observer.finish(sink);
        assert_eq!(report.fault, None, "cut at {end}");
        assert_eq!(observer.counts().frames, report.frames);
        assert_eq!(report.bytes + report.left_over, end as u64, "every byte is read or left over");
        assert!(report.frames >= before, "cut at {end}");
        (before, _) = (report.frames, told);
    }
    assert!(before > 20);
}

#[test]
fn what_we_write_is_read_again_with_its_events_and_ids_of_others_are_not_believed() {
    let mark = kizashi_event::EventId(0x0123_4567_89ab_cdef);
    let packet = Ip::inbound().udp((4_000, 53), b"x");
    let time = Timestamp::from_micros(1_767_225_600_123_456);
    let mut writer = CaptureWriter::new(Vec::new(), "made anew").unwrap();
    writer.packet(time, &packet, 0, "\u{5146} hostile", Some(mark)).unwrap();
    writer.packet(time, &packet, 9, &"x".repeat(70_000), None).unwrap();
    let file = writer.finish().unwrap();
    let marks = |file: &[u8]| {
        let mut reader = CaptureReader::new(file);
        let mut marks = Vec::new();
        loop {
            match reader.next_frame().unwrap() {
                Next::Frame(frame) => marks.push((frame.time, frame.original_length, None)),
                Next::Marked(frame, mark) => {
                    assert_eq!(frame.bytes, packet);
                    marks.push((frame.time, frame.original_length, Some(mark)));
                }
                Next::End => return marks,
                Next::Broken(broken) => panic!("{broken}"),
            }
        }
    };
    let length = u32::try_from(packet.len()).unwrap();
    assert_eq!(marks(&file), [(time, length, Some(mark)), (time, length + 9, None)]);
    let place = file.windows(14).position(|bytes| bytes == b"kizashi export").unwrap();
    let mut others = file;
    others[place] = b'K';
    assert_eq!(marks(&others), [(time, length, None), (time, length + 9, None)]);
}

#[test]
fn packed_captures_are_told_by_their_first_bytes() {
    let plain = pcap(1, &frames());
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&plain).unwrap();
    let zst = zstd::encode_all(&plain[..], 1).unwrap();
    for packed in [plain, gz.finish().unwrap(), zst] {
        assert!(kizashi_wire::begins_capture(&packed));
        let mut observer = crate::observing::observer(&[]);
        let sink = &mut |_| std::ops::ControlFlow::Continue(());
        let report =
            kizashi_wire::import_reader("x", &packed[..], &mut observer, &mut |_| {}, sink);
        assert_eq!((report.frames, report.fault), (5, None));
    }
    assert!(!kizashi_wire::begins_capture(b"{\"eventid\":1}"));
}

#[test]
fn lying_lengths_end_the_reading_with_what_came_before() {
    let mut file = pcap(1, &frames());
    let second = 24 + 16 + frames()[0].len();
    file[second + 8..second + 12].copy_from_slice(&u32::MAX.to_le_bytes());
    let (found, broken, ..) = read(&file[..]);
    assert_eq!((found, broken), (expected()[..1].to_vec(), Some(Broken::RecordLength)));
    let mut ng = Ng::new(false);
    ng.interface(1, 0, &[]);
    ng.packet(0, 1, b"1234");
    let end = ng.file.len();
    ng.file[end - 4..].copy_from_slice(&[0; 4]);
    assert_eq!(read(&ng.file[..]).1, Some(Broken::BlockLength));
    for length in [0_u32, 11, 13, 8] {
        let mut file = Ng::new(false).file;
        file.extend([1, 0, 0, 0]);
        file.extend(length.to_le_bytes());
        file.extend([0; 32]);
        assert_eq!(read(&file[..]).1, Some(Broken::BlockLength), "{length}");
    }
    assert_eq!(read(&b"GET / HTTP/1.1\r\n\r\n"[..]).1, Some(Broken::Magic));
}

/// Gives its bytes one by one, with an end after each, as a growing file does.
struct Growing<'a>(&'a [u8], bool);

impl Read for Growing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        match self.0.split_first() {
            Some((first, rest)) if self.1 => {
                buffer[0] = *first;
                self.0 = rest;
                Ok(1)
            }
            _ => Ok(0),
        }
    }
}

#[test]
fn a_file_that_grows_byte_by_byte_gives_each_frame_once() {
    let file = pcap(1, &frames());
    let mut reader = CaptureReader::new(Growing(&file, false));
    let mut found = 0;
    for _ in 0..2 * file.len() + 10 {
        if let Next::Frame(frame) = reader.next_frame().unwrap() {
            assert_eq!(frame.bytes, frames()[found]);
            found += 1;
        }
    }
    assert_eq!(found, 5);
}

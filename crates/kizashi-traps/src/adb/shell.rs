//! The shell's second protocol (`shell,v2`, AOSP's `adb/shell_service.h`): packets of a kind, a length and data, by which standard output, errors
//! and the exit status are told apart. Before Android 7 a shell is a terminal and nothing else.

/// Kinds of packets.
const INPUT: u8 = 0;
const OUTPUT: u8 = 1;
const ERRORS: u8 = 2;
const EXIT: u8 = 3;
const CLOSE_INPUT: u8 = 4;
const HEAD: usize = 5;
/// Bytes of one packet that are taken.
const LONGEST: usize = 64 * 1024;

/// How a shell's stream is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    /// There is a terminal, whose lines end in both.
    pub(super) terminal: bool,
    pub(super) packets: bool,
}

impl Form {
    /// What a service asks for: `shell`, `exec` or `shell,v2,TERM=xterm,raw`, with a line or without.
    pub(super) fn of(service: &[u8], has_line: bool, is_new: bool) -> Self {
        let mut words = service.split(|byte| *byte == b',');
        let name = words.next().unwrap_or_default();
        let words: Vec<&[u8]> = words.collect();
        let says = |word: &[u8]| words.contains(&word);
        let terminal = match () {
            () if name == b"exec" || says(b"raw") => false,
            () => !has_line || !is_new || says(b"pty"),
        };
        Self { terminal, packets: is_new && says(b"v2") }
    }

    /// What was printed, as it is sent.
    pub(super) fn write(self, output: &[u8], errors: &[u8]) -> Vec<u8> {
        if self.terminal {
            let shown = with_returns(&[output, errors].concat());
            return if self.packets { packet(OUTPUT, &shown) } else { shown };
        }
        if !self.packets {
            return [output, errors].concat();
        }
        [packet(OUTPUT, output), packet(ERRORS, errors)].concat()
    }

    /// What is said at the end.
    pub(super) fn exit(self, status: u8) -> Vec<u8> {
        if self.packets { packet(EXIT, &[status]) } else { Vec::new() }
    }
}

/// Nothing where there is nothing.
fn packet(kind: u8, data: &[u8]) -> Vec<u8> {
    if data.is_empty() {
        return Vec::new();
    }
    let length = u32::try_from(data.len()).unwrap_or(0).to_le_bytes();
    [&[kind][..], &length, data].concat()
}

fn with_returns(shown: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(shown.len());
    for byte in shown {
        if *byte == b'\n' && text.last() != Some(&b'\r') {
            text.push(b'\r');
        }
        text.push(*byte);
    }
    text
}

/// What a visitor sends into a shell.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Given {
    Input(Vec<u8>),
    End,
}

/// Puts packets together.
#[derive(Default)]
pub(super) struct Packets {
    held: Vec<u8>,
}

impl Packets {
    /// The packets that are whole now; `None` where one is none.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Option<Vec<Given>> {
        self.held.extend_from_slice(bytes);
        let mut given = Vec::new();
        while let Some(head) = self.held.first_chunk::<HEAD>() {
            let [kind, length @ ..] = *head;
            let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
            if length > LONGEST {
                return None;
            }
            if self.held.len() < HEAD + length {
                break;
            }
            let rest = self.held.split_off(HEAD + length);
            let whole = std::mem::replace(&mut self.held, rest);
            match kind {
                INPUT => given.push(Given::Input(whole[HEAD..].to_vec())),
                CLOSE_INPUT => given.push(Given::End),
                // The window's size, and what is unknown.
                _ => {}
            }
        }
        Some(given)
    }

    pub(super) fn memory(&self) -> usize {
        self.held.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_raw_on_new_boxes_and_a_terminals_on_old_ones() {
        let of = |service: &[u8], line, new| {
            let form = Form::of(service, line, new);
            (form.terminal, form.packets)
        };
        assert_eq!(of(b"shell", true, false), (true, false));
        assert_eq!(of(b"shell", true, true), (false, false));
        assert_eq!(of(b"shell", false, true), (true, false));
        assert_eq!(of(b"exec", true, false), (false, false));
        assert_eq!(of(b"shell,v2,TERM=xterm,raw", true, true), (false, true));
        assert_eq!(of(b"shell,v2,pty", true, true), (true, true));
    }

    #[test]
    fn packets_come_out_whole_however_they_are_cut_and_a_length_that_lies_ends_it() {
        let sent = [packet(INPUT, b"id\n"), vec![CLOSE_INPUT, 0, 0, 0, 0]].concat();
        let mut packets = Packets::default();
        let mut given = Vec::new();
        for byte in &sent {
            given.extend(packets.take(&[*byte]).unwrap());
        }
        assert_eq!(given, [Given::Input(b"id\n".to_vec()), Given::End]);
        assert!(Packets::default().take(&[0, 255, 255, 255, 255]).is_none());
    }

    #[test]
    fn output_errors_and_status_are_told_apart() {
        let form = Form { terminal: false, packets: true };
        let said = [form.write(b"a\n", b"b"), form.exit(3)].concat();
        assert_eq!(said, b"\x01\x02\0\0\0a\n\x02\x01\0\0\0b\x03\x01\0\0\0\x03");
    }
}

//! Signals by name and number (signal(7), x86-64; the same on ARM, and as near as anybody looks on MIPS), and what shells say of whom they
//! killed (glibc's `strsignal`, which bash and dash print).

/// A signal's number.
pub(crate) type Signal = u8;

pub(crate) const INTERRUPT: Signal = 2;
pub(crate) const QUIT: Signal = 3;
pub(crate) const KILL: Signal = 9;
pub(crate) const SEGMENTATION: Signal = 11;
pub(crate) const PIPE: Signal = 13;
pub(crate) const TERMINATE: Signal = 15;
pub(crate) const STOP_TYPED: Signal = 20;
pub(crate) const WINDOW: Signal = 28;

const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// The first and the last of the real-time signals that glibc leaves to programs.
const REAL_TIME: std::ops::RangeInclusive<u8> = 34..=64;

/// All names with their numbers, in the order of `kill -l`.
pub(crate) fn all() -> impl Iterator<Item = (Signal, String)> {
    let plain = (1..).zip(NAMES).map(|(number, name)| (number, name.to_owned()));
    plain.chain(REAL_TIME.map(|number| {
        let name = match number {
            34 => "RTMIN".to_owned(),
            64 => "RTMAX".to_owned(),
            35..=49 => format!("RTMIN+{}", number - 34),
            _ => format!("RTMAX-{}", 64 - number),
        };
        (number, name)
    }))
}

/// The signal that a word of `kill` or `trap` names: a number, or a name with or without `SIG`, in any case.
pub(crate) fn named(word: &[u8]) -> Option<Signal> {
    let text = std::str::from_utf8(word).ok()?.to_ascii_uppercase();
    if let Ok(number) = text.parse::<u8>() {
        return (number <= 64).then_some(number);
    }
    let name = text.strip_prefix("SIG").unwrap_or(&text);
    all().find(|(_, known)| known == name).map(|(number, _)| number)
}

/// The name without `SIG`.
pub(crate) fn name(signal: Signal) -> Option<String> {
    all().find(|(number, _)| *number == signal).map(|(_, name)| name)
}

/// Whether a process that does nothing about it dies of it.
pub(crate) const fn kills(signal: Signal) -> bool {
    !matches!(signal, 0 | 17..=23 | 28) && signal <= 64
}

/// What a shell says of a child that died of it.
pub(crate) const fn description(signal: Signal) -> &'static str {
    match signal {
        1 => "Hangup",
        2 => "Interrupt",
        3 => "Quit",
        4 => "Illegal instruction",
        5 => "Trace/breakpoint trap",
        6 => "Aborted",
        7 => "Bus error",
        8 => "Floating point exception",
        9 => "Killed",
        10 => "User defined signal 1",
        11 => "Segmentation fault",
        12 => "User defined signal 2",
        13 => "Broken pipe",
        14 => "Alarm clock",
        15 => "Terminated",
        16 => "Stack fault",
        24 => "CPU time limit exceeded",
        25 => "File size limit exceeded",
        26 => "Virtual timer expired",
        27 => "Profiling timer expired",
        29 => "I/O possible",
        30 => "Power failure",
        31 => "Bad system call",
        _ => "Real-time signal",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_known_by_number_and_by_either_name() {
        for word in [&b"15"[..], b"TERM", b"SIGTERM", b"sigterm", b"term"] {
            assert_eq!(named(word), Some(TERMINATE));
        }
        assert_eq!((named(b"FOO"), named(b"65"), named(b"\xff")), (None, None, None));
        assert_eq!(name(KILL).as_deref(), Some("KILL"));
        assert_eq!(all().count(), 62);
    }
}

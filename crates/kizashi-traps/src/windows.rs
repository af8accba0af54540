//! The Windows machine that this installation pretends to be where a protocol is Windows' own (SMB, RPC, RDP, WinRM, SQL Server, NetBIOS): one name,
//! one release, one security identifier, so that no two ports contradict each other. A server in a workgroup, as most that stand bare on the
//! Internet are, and of a release that worms of MS17-010 look for. Versions: Microsoft, "Windows Server release information".

use kizashi_event::Timestamp;

use crate::Identity;
use crate::draw::Draw;

/// Seconds from 1601, where Windows' times begin, to 1970.
const EPOCH: i64 = 11_644_473_600;
const DAY: u64 = 86_400;
/// What people call a share.
const SHARES: [&str; 8] =
    ["Public", "Shared", "Data", "Transfer", "Scans", "Common", "Backup", "Exchange"];

/// The release of Windows Server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WindowsRelease {
    /// 2008 R2 Standard with Service Pack 1: 6.1, build 7601.
    Server2008R2,
    /// 2012 R2 Standard: 6.3, build 9600.
    Server2012R2,
    /// 2016 Standard: 10.0, build 14393.
    Server2016,
}

impl WindowsRelease {
    /// Half are 2008 R2, which is what exploits of MS17-010 were written for.
    const DRAWN: [Self; 4] =
        [Self::Server2008R2, Self::Server2012R2, Self::Server2008R2, Self::Server2016];

    /// Major and minor version and build, as NTLMSSP and others tell them.
    pub(crate) const fn version(self) -> (u8, u8, u16) {
        match self {
            Self::Server2008R2 => (6, 1, 7601),
            Self::Server2012R2 => (6, 3, 9600),
            Self::Server2016 => (10, 0, 14393),
        }
    }

    /// Its name: `Windows Server 2008 R2 Standard`.
    #[allow(dead_code, reason = "of the services that show it on a screen")]
    pub(crate) const fn product(self) -> &'static str {
        match self {
            Self::Server2008R2 => "Windows Server 2008 R2 Standard",
            Self::Server2012R2 => "Windows Server 2012 R2 Standard",
            Self::Server2016 => "Windows Server 2016 Standard",
        }
    }

    /// What SMB1 says as the native operating system.
    pub(crate) const fn native_system(self) -> &'static str {
        match self {
            Self::Server2008R2 => "Windows Server 2008 R2 Standard 7601 Service Pack 1",
            Self::Server2012R2 => "Windows Server 2012 R2 Standard 9600",
            Self::Server2016 => "Windows Server 2016 Standard 14393",
        }
    }

    /// What SMB1 says as the native LAN manager.
    pub(crate) const fn lan_manager(self) -> &'static str {
        match self {
            Self::Server2008R2 => "Windows Server 2008 R2 Standard 6.1",
            Self::Server2012R2 => "Windows Server 2012 R2 Standard 6.3",
            // The version of the registry, which stopped at 6.3.
            Self::Server2016 => "Windows Server 2016 Standard 6.3",
        }
    }
}

/// The machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Windows {
    pub(crate) release: WindowsRelease,
    /// As Windows Setup names a machine; in a workgroup it is also the name of its domain of accounts, in NetBIOS and in DNS.
    pub(crate) computer: String,
    pub(crate) workgroup: &'static str,
    /// Of its network card.
    pub(crate) hardware: [u8; 6],
    /// What makes its accounts' identifiers its own: `S-1-5-21-` these three.
    pub(crate) authority: [u32; 3],
    /// The share that somebody made, a folder of this name at the drive's root.
    pub(crate) share: &'static str,
    /// Its SMB server's and its RPC objects'.
    pub(crate) guid: [u8; 16],
    /// Length of its life between restarts, in seconds, and when one of them was.
    uptime: (u64, u64),
}

impl Windows {
    fn draw(seed: &[u8; 32]) -> Self {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        let name = Draw::new(seed, "netbios name");
        let mut computer = "WIN-".to_owned();
        computer
            .extend((0..11).map(|place| char::from(name.one_of(place, LETTERS).unwrap_or(b'A'))));
        let mut hardware = [0x00, 0x50, 0x56, 0, 0, 0];
        hardware[3..].copy_from_slice(&name.number(11).to_be_bytes()[..3]);
        let share = Draw::new(seed, "windows share").one_of(0, &SHARES).unwrap_or("Public");
        let draw = Draw::new(seed, "windows");
        let word = |place| u32::try_from(draw.number(place) >> 32).unwrap_or(0) | 0x0400_0000;
        let mut guid = [0; 16];
        guid[..8].copy_from_slice(&draw.number(4).to_le_bytes());
        guid[8..].copy_from_slice(&draw.number(5).to_le_bytes());
        // Version 4 (RFC 9562), as Windows makes them.
        guid[7] = (guid[7] & 0x0f) | 0x40;
        guid[8] = (guid[8] & 0x3f) | 0x80;
        let period = (20 + draw.below(6, 40)) * DAY;
        Self {
            release: draw.one_of(0, &WindowsRelease::DRAWN).unwrap_or(WindowsRelease::Server2008R2),
            computer,
            workgroup: "WORKGROUP",
            hardware,
            authority: [word(1), word(2), word(3)],
            share,
            guid,
            uptime: (period, draw.below(7, period)),
        }
    }

    /// When it was last started: it restarts every few weeks, as for updates.
    pub(crate) fn started(&self, now: Timestamp) -> Timestamp {
        let (period, offset) = self.uptime;
        let seconds = u64::try_from(now.seconds()).unwrap_or(0);
        let up = (seconds.wrapping_sub(offset)) % period;
        Timestamp::from_seconds(now.seconds().saturating_sub(i64::try_from(up).unwrap_or(0)))
    }
}

/// A time as Windows writes it: steps of 100 ns since 1601.
pub(crate) fn file_time(time: Timestamp) -> u64 {
    let since = time.micros().saturating_add(EPOCH.saturating_mul(1_000_000));
    u64::try_from(since).unwrap_or(0).saturating_mul(10)
}

/// Text as Windows writes it.
pub(crate) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Reads such text; what is none becomes U+FFFD, and half a character at the end is dropped.
pub(crate) fn from_utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

impl Identity {
    /// The Windows machine, the same on every port.
    pub(crate) fn windows(&self) -> Windows {
        Windows::draw(self.seed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installation_is_always_the_same_windows_and_another_is_another() {
        let (one, again) = (Identity::draw([3; 32]).windows(), Identity::draw([3; 32]).windows());
        assert_eq!(one, again);
        let other = Identity::draw([4; 32]).windows();
        assert_ne!(one.computer, other.computer);
        assert_ne!(one.guid, other.guid);
        assert!(one.computer.len() == 15, "a NetBIOS name's length");
    }

    #[test]
    fn it_was_started_before_now_and_stays_so_until_it_starts_again() {
        let windows = Identity::draw([3; 32]).windows();
        let now = Timestamp::from_seconds(1_795_582_440);
        let started = windows.started(now);
        assert!(started <= now && now.seconds() - started.seconds() < 60 * 86_400);
        assert_eq!(windows.started(Timestamp::from_seconds(started.seconds() + 5)), started);
    }

    #[test]
    fn times_and_text_are_written_as_windows_writes_them() {
        assert_eq!(file_time(Timestamp::from_seconds(0)), 116_444_736_000_000_000);
        assert_eq!(utf16("aß"), [0x61, 0, 0xdf, 0]);
        assert_eq!(from_utf16(&[0x61, 0, 0x00, 0xd8, 0x62]), "a\u{fffd}");
    }
}

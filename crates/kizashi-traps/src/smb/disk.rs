//! The pretended disk `C:`. What a visitor writes or deletes is kept with his copy of the Windows machine, so that a command finds what came by a share
//! and a share what a command wrote. What a program of Windows' own holds is never read; what is on the share is a small office's, of which every
//! installation draws its own.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use kizashi_event::{Timestamp, one_source};

use crate::Identity;
use crate::capture::Capture;
use crate::draw::Draw;
use crate::login::Memory;
use crate::machine::Change;
use crate::rpc::Share;
use crate::windows::file_time;

/// Visitors who attacked by MS17-010 that are remembered, in each of two generations.
const EXPLOITED: usize = 2_048;
/// Characters of a path.
pub(super) const LONGEST_PATH: usize = 260;

/// What something on the disk is.
#[derive(Clone, Debug)]
pub(super) enum Body {
    Folder,
    /// A text of ours.
    Text(String),
    /// In use by Windows, or readable by nobody: its size.
    Closed(u64),
    /// A visitor's: its size, and what is kept of it.
    Written(u64, Arc<Capture>),
}

/// Something on the disk.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// From the root of the disk, as it is written: `Windows\System32`.
    pub(super) path: String,
    pub(super) body: Body,
    /// When it was written last, as Windows counts.
    pub(super) time: u64,
}

impl Entry {
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('\\').next().unwrap_or_default()
    }

    pub(super) const fn is_folder(&self) -> bool {
        matches!(self.body, Body::Folder)
    }

    pub(super) fn size(&self) -> u64 {
        match &self.body {
            Body::Folder => 0,
            Body::Text(text) => text.len() as u64,
            Body::Closed(size) | Body::Written(size, _) => *size,
        }
    }

    /// Attributes: a folder, or a file that wants archiving.
    pub(super) const fn attributes(&self) -> u32 {
        if self.is_folder() { 0x10 } else { 0x20 }
    }

    /// Its number, which is made of its path.
    pub(super) fn index(&self) -> u64 {
        self.path.to_lowercase().bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }) & 0xffff_ffff
    }
}

/// The disk of an installation, with its visitors' changes.
#[derive(Default)]
pub(crate) struct Installed {
    disk: OnceLock<Vec<Entry>>,
    shares: OnceLock<Arc<Vec<Share>>>,
    exploited: OnceLock<Mutex<Memory<IpAddr, ()>>>,
}

impl Installed {
    /// The shares: Windows' own, and the one that somebody made.
    pub(super) fn shares(&self, identity: &Identity) -> Arc<Vec<Share>> {
        Arc::clone(self.shares.get_or_init(|| {
            const HIDDEN: u32 = 0x8000_0000;
            let share = |name: &str, kind, remark, path: &str| Share {
                name: name.to_owned(),
                kind,
                remark,
                path: path.to_owned(),
            };
            let own = identity.windows().share;
            Arc::new(vec![
                share("ADMIN$", HIDDEN, "Remote Admin", "C:\\Windows"),
                share("C$", HIDDEN, "Default share", "C:\\"),
                share("IPC$", HIDDEN | 3, "Remote IPC", ""),
                share(own, 0, "", &format!("C:\\{own}")),
            ])
        }))
    }

    fn base(&self, identity: &Identity) -> &[Entry] {
        self.disk.get_or_init(|| drawn(identity))
    }

    fn exploited(&self) -> &Mutex<Memory<IpAddr, ()>> {
        self.exploited.get_or_init(|| Mutex::new(Memory::new(EXPLOITED)))
    }

    /// This visitor has sent an exploit of MS17-010: what he then looks for is there.
    pub(super) fn exploits(&self, visitor: IpAddr) {
        self.exploited().lock().unwrap_or_else(PoisonError::into_inner).of(one_source(visitor));
    }

    pub(super) fn is_exploited_by(&self, visitor: IpAddr) -> bool {
        let known = self.exploited().lock().unwrap_or_else(PoisonError::into_inner);
        known.knows(one_source(visitor))
    }

    /// What is at this path for this visitor.
    pub(super) fn find(
        &self,
        identity: &Identity,
        visitor: IpAddr,
        now: Timestamp,
        path: &str,
    ) -> Option<Entry> {
        if path.is_empty() {
            let time = file_time(identity.set_up());
            return Some(Entry { path: String::new(), body: Body::Folder, time });
        }
        let whole = on_drive(path);
        let machines = identity.windows_machines();
        let change = machines.with(visitor, now, |kept| kept.disk.change(&whole));
        let body = match change {
            Some((Change::Deleted, _)) => return None,
            Some((Change::Folder, time)) => (Body::Folder, time),
            Some((Change::File(content), time)) => {
                (Body::Written(content.size(), Arc::new(content)), time)
            }
            None => {
                let same = |entry: &&Entry| entry.path.eq_ignore_ascii_case(path);
                return self.base(identity).iter().find(same).cloned();
            }
        };
        let time = file_time(Timestamp::from_seconds(body.1));
        Some(Entry { path: path.to_owned(), body: body.0, time })
    }

    /// What is in a folder, in the order of names; of what he wrote without its content.
    pub(super) fn list(
        &self,
        identity: &Identity,
        visitor: IpAddr,
        now: Timestamp,
        folder: &str,
    ) -> Vec<Entry> {
        let inside = |entry: &&Entry| {
            let parent = entry.path.rsplit_once('\\').map_or("", |(parent, _)| parent);
            parent.eq_ignore_ascii_case(folder)
        };
        let mut found: Vec<Entry> = self.base(identity).iter().filter(inside).cloned().collect();
        identity.windows_machines().with(visitor, now, |kept| {
            found.retain(|entry| kept.disk.change(&on_drive(&entry.path)).is_none());
            for (path, size, time) in kept.disk.written_in(&on_drive(folder)) {
                let body = size.map_or(Body::Folder, |size| Body::Written(size, Arc::default()));
                let time = file_time(Timestamp::from_seconds(time));
                let path = path.get(ROOT.len()..).unwrap_or_default().to_owned();
                found.push(Entry { path, body, time });
            }
        });
        found.sort_by_key(|entry| entry.name().to_lowercase());
        found
    }
}

/// Where the disk is on the machine that is behind other services' logins.
const ROOT: &str = "C:\\";

fn on_drive(path: &str) -> String {
    format!("{ROOT}{path}")
}

/// A visitor wrote or made this; whether there was room.
pub(super) fn put(identity: &Identity, visitor: IpAddr, now: Timestamp, entry: &Entry) -> bool {
    let path = on_drive(&entry.path);
    identity.windows_machines().with(visitor, now, |kept| match &entry.body {
        Body::Folder => kept.disk.make_folder(&path, now.seconds()),
        Body::Written(_, content) => kept.disk.put(&path, Capture::clone(content), now.seconds()),
        // One of Windows' own under another name.
        Body::Text(text) => kept.disk.put(&path, Capture::of(text.as_bytes()), now.seconds()),
        Body::Closed(_) => kept.disk.put(&path, Capture::default(), now.seconds()),
    })
}

/// A visitor deleted what is at this path.
pub(super) fn delete(identity: &Identity, visitor: IpAddr, now: Timestamp, path: &str) {
    identity.windows_machines().with(visitor, now, |kept| kept.disk.remove(&on_drive(path)));
}

/// What every Windows Server has, as far as anybody looks: a size is that of 2008 R2's where it is a file of Windows'.
const SYSTEM: &[(&str, Option<u64>)] = &[
    ("inetpub", None),
    ("inetpub\\wwwroot", None),
    ("pagefile.sys", Some(4_294_967_296)),
    ("PerfLogs", None),
    ("Program Files", None),
    ("Program Files\\Common Files", None),
    ("Program Files\\Internet Explorer", None),
    ("Program Files (x86)", None),
    ("ProgramData", None),
    ("Users", None),
    ("Users\\Administrator", None),
    ("Users\\Administrator\\Desktop", None),
    ("Users\\Administrator\\Documents", None),
    ("Users\\Administrator\\Downloads", None),
    ("Users\\Public", None),
    ("Users\\Public\\Documents", None),
    ("Windows", None),
    ("Windows\\explorer.exe", Some(2_872_320)),
    ("Windows\\notepad.exe", Some(193_536)),
    ("Windows\\regedit.exe", Some(427_008)),
    ("Windows\\System32", None),
    ("Windows\\System32\\cmd.exe", Some(345_088)),
    ("Windows\\System32\\config", None),
    ("Windows\\System32\\config\\SAM", Some(262_144)),
    ("Windows\\System32\\config\\SECURITY", Some(262_144)),
    ("Windows\\System32\\config\\SOFTWARE", Some(38_797_312)),
    ("Windows\\System32\\config\\SYSTEM", Some(12_058_624)),
    ("Windows\\System32\\drivers", None),
    ("Windows\\System32\\drivers\\etc", None),
    ("Windows\\System32\\drivers\\srv.sys", Some(468_480)),
    ("Windows\\System32\\kernel32.dll", Some(1_163_264)),
    ("Windows\\System32\\ntdll.dll", Some(1_736_608)),
    ("Windows\\System32\\svchost.exe", Some(27_136)),
    ("Windows\\System32\\tasks", None),
    ("Windows\\SysWOW64", None),
    ("Windows\\Tasks", None),
    ("Windows\\Temp", None),
];

const HOSTS: &str = "# Copyright (c) 1993-2009 Microsoft Corp.\r\n#\r\n# This is a sample HOSTS file used by Microsoft TCP/IP for Windows.\r\n#\r\n\
# localhost name resolution is handled within DNS itself.\r\n#\t127.0.0.1       localhost\r\n#\t::1             localhost\r\n";
const WIN_INI: &str = "; for 16-bit app support\r\n[fonts]\r\n[extensions]\r\n[mci extensions]\r\n[files]\r\n[Mail]\r\nMAPI=1\r\n";

fn drawn(identity: &Identity) -> Vec<Entry> {
    let draw = Draw::new(identity.seed(), "windows disk");
    let set_up = file_time(identity.set_up());
    let mut entries: Vec<Entry> = SYSTEM
        .iter()
        .map(|(path, size)| Entry {
            path: (*path).to_owned(),
            body: size.map_or(Body::Folder, Body::Closed),
            time: set_up,
        })
        .collect();
    let mut text = |path: String, content: String| {
        entries.push(Entry { path, body: Body::Text(content), time: set_up });
    };
    text("Windows\\System32\\drivers\\etc\\hosts".to_owned(), HOSTS.to_owned());
    text("Windows\\win.ini".to_owned(), WIN_INI.to_owned());
    entries.extend(office(identity, identity.windows().share, draw));
    entries
}

/// A small office's files, written in the year after the server was set up.
fn office(identity: &Identity, share: &str, draw: Draw<'_>) -> Vec<Entry> {
    const ITEMS: [&str; 8] = [
        "Toner HP 26A",
        "Paper A4 80g",
        "Switch 24p",
        "UPS battery",
        "Monitor 24\"",
        "Keyboard",
        "Label roll 62mm",
        "Docking station",
    ];
    const FOLDERS: [&str; 6] = ["Accounting", "IT", "Scans", "Templates", "HR", "Projects"];
    let windows = identity.windows();
    let time = |place: u64| {
        let later = i64::try_from(draw.below(place, 365 * 86_400)).unwrap_or(0);
        file_time(Timestamp::from_seconds(identity.set_up().seconds() + later))
    };
    let mut entries = vec![Entry { path: share.to_owned(), body: Body::Folder, time: time(0) }];
    let first = usize::try_from(draw.below(1, 3)).unwrap_or(0);
    let folders = &FOLDERS[first..first + 3];
    for (place, folder) in (2..).zip(folders) {
        let path = format!("{share}\\{folder}");
        entries.push(Entry { path: path.clone(), body: Body::Folder, time: time(place) });
        let year = 2_018 + draw.below(place + 10, 6);
        let mut list = String::from("Date;Item;Quantity;Price\r\n");
        for line in 0..8 {
            let at = place * 100 + line * 8;
            let item = draw.one_of(at, &ITEMS).unwrap_or("");
            let (month, day) = (1 + draw.below(at + 1, 12), 1 + draw.below(at + 2, 28));
            let (count, price) = (1 + draw.below(at + 3, 12), 490 + draw.below(at + 4, 20_000));
            let line = format!(
                "{year}-{month:02}-{day:02};{item};{count};{}.{:02}\r\n",
                price / 100,
                price % 100
            );
            list.push_str(&line);
        }
        let path = format!("{path}\\orders_{year}.csv");
        entries.push(Entry { path, body: Body::Text(list), time: time(place + 20) });
    }
    let backup = format!(
        "@echo off\r\nrem nightly copy, runs as task \"backup\"\r\nset SRC=C:\\{share}\r\nset DST=D:\\Backup\\{}\r\nrobocopy %SRC% %DST% /MIR /R:1 /W:1 /LOG:C:\\Windows\\Temp\\backup.log\r\n",
        windows.computer
    );
    entries.push(Entry {
        path: format!("{share}\\backup.bat"),
        body: Body::Text(backup),
        time: time(40),
    });
    entries
}

/// What a share is on the disk, from its root; `None` for that of pipes.
pub(super) fn on_disk(share: &Share) -> Option<String> {
    share.path.strip_prefix("C:\\").map(str::to_owned)
}

/// A path below a share's, made plain: no empty part, no `.`; `..` is refused.
pub(super) fn below(root: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = root.split('\\').filter(|part| !part.is_empty()).collect();
    for part in path.split(['\\', '/']) {
        match part {
            "" | "." => {}
            ".." => return None,
            part if part.contains(['*', '?', '"', '<', '>', '|', ':']) => return None,
            part => parts.push(part),
        }
    }
    let path = parts.join("\\");
    (path.chars().count() <= LONGEST_PATH).then_some(path)
}

/// Whether a name fits a pattern of `*` and `?` (MS-FSA 2.1.4.4; `<`, `>` and `"` are DOS' own forms of them).
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().take(LONGEST_PATH).collect();
    let name: Vec<char> = name.to_lowercase().chars().collect();
    // Where the pattern can stand after so many characters of the name.
    let mut at = vec![false; pattern.len() + 1];
    at[0] = true;
    let skip = |at: &mut Vec<bool>| {
        for (place, letter) in pattern.iter().enumerate() {
            if at[place] && matches!(letter, '*' | '<') {
                at[place + 1] = true;
            }
        }
    };
    skip(&mut at);
    for letter in &name {
        let mut next = vec![false; pattern.len() + 1];
        for (place, wanted) in pattern.iter().enumerate() {
            if !at[place] {
                continue;
            }
            match wanted {
                '*' | '<' => next[place] = true,
                '?' | '>' => next[place + 1] = true,
                '"' if *letter == '.' => next[place + 1] = true,
                wanted if wanted == letter => next[place + 1] = true,
                _ => {}
            }
        }
        skip(&mut next);
        at = next;
    }
    at[pattern.len()] || matches!(pattern.as_slice(), ['*', '.', '*'])
}

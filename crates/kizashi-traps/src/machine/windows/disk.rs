//! Drive C: what every Windows Server has, as far as anybody looks, and what a visitor wrote, by path in small letters. Content is hashed whole
//! and kept up to a bound; each content is told once.

use std::collections::BTreeMap;

use kizashi_event::{HostileText, Payload, PayloadOrigin};

use super::facts::Facts;
use crate::capture::Capture;

/// Files and folders that one visitor may make.
const MOST_WRITTEN: usize = 48;
/// Bytes of all their content that are kept, and of one path.
const MOST_BYTES: usize = 96 * 1024;
const LONGEST_PATH: usize = 260;

/// Folders that are there, by the names of what is in them.
const FOLDERS: [(&str, &str); 16] = [
    ("C:\\", "PerfLogs|Program Files|Program Files (x86)|ProgramData|Users|Windows"),
    ("C:\\PerfLogs", ""),
    (
        "C:\\Program Files",
        "Common Files|internet explorer|Microsoft SQL Server|Windows Defender|WindowsPowerShell",
    ),
    (
        "C:\\Program Files (x86)",
        "Common Files|Internet Explorer|Microsoft SQL Server|Microsoft.NET|WindowsPowerShell",
    ),
    ("C:\\Program Files\\Microsoft SQL Server", "80|90|Client SDK"),
    ("C:\\ProgramData", "Microsoft|Package Cache|regid.1991-06.com.microsoft"),
    ("C:\\Users", "Administrator|Public"),
    (
        "C:\\Users\\Administrator",
        "Contacts|Desktop|Documents|Downloads|Favorites|Links|Music|Pictures",
    ),
    ("C:\\Users\\Administrator\\Desktop", ""),
    ("C:\\Users\\Administrator\\Documents", ""),
    ("C:\\Users\\Administrator\\Downloads", ""),
    ("C:\\Users\\Public", "Documents|Downloads|Music|Pictures|Videos"),
    (
        "C:\\Windows",
        "addins|appcompat|AppReadiness|assembly|Boot|debug|Fonts|Globalization|Help|IME|INF|Logs|Microsoft.NET|Prefetch|System32|SysWOW64|Tasks|Temp|WinSxS",
    ),
    ("C:\\Windows\\Temp", ""),
    ("C:\\Windows\\System32", "config|drivers|spool|Tasks|wbem|WindowsPowerShell"),
    ("C:\\Windows\\System32\\drivers", "etc"),
];

const PROGRAMS: [(&str, u64); 12] = [
    ("C:\\Windows\\explorer.exe", 4_337_880),
    ("C:\\Windows\\notepad.exe", 254_464),
    ("C:\\Windows\\regedit.exe", 358_400),
    ("C:\\Windows\\System32\\certutil.exe", 1_557_504),
    ("C:\\Windows\\System32\\cmd.exe", 278_528),
    ("C:\\Windows\\System32\\cscript.exe", 163_840),
    ("C:\\Windows\\System32\\ftp.exe", 58_368),
    ("C:\\Windows\\System32\\mshta.exe", 14_848),
    ("C:\\Windows\\System32\\net.exe", 60_928),
    ("C:\\Windows\\System32\\sethc.exe", 105_984),
    ("C:\\Windows\\System32\\taskkill.exe", 109_568),
    ("C:\\Windows\\System32\\whoami.exe", 73_728),
];

const HOSTS: &str = "# Copyright (c) 1993-2009 Microsoft Corp.\r\n#\r\n# This is a sample HOSTS file used by Microsoft TCP/IP for Windows.\r\n#\r\n# localhost name resolution is handled within DNS itself.\r\n#\t127.0.0.1       localhost\r\n#\t::1             localhost\r\n";
const WIN_INI: &str = "; for 16-bit app support\r\n[fonts]\r\n[extensions]\r\n[mci extensions]\r\n[files]\r\n[Mail]\r\nMAPI=1\r\n";

const TEXTS: [(&str, &str); 2] =
    [("C:\\Windows\\System32\\drivers\\etc\\hosts", HOSTS), ("C:\\Windows\\win.ini", WIN_INI)];

/// What a visitor put there.
struct Written {
    /// As he wrote it.
    path: String,
    /// None for a folder.
    content: Option<Capture>,
    modified: i64,
    told: bool,
}

/// One thing in a folder.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) folder: bool,
    pub(super) size: u64,
    pub(super) modified: i64,
}

/// What a visitor made of a path.
#[derive(Clone)]
pub(crate) enum Change {
    Deleted,
    Folder,
    File(Capture),
}

#[derive(Default)]
pub(crate) struct Disk {
    written: BTreeMap<String, Written>,
    /// What was there and was deleted, in small letters.
    deleted: Vec<String>,
}

/// A path from a folder on, without `.` and `..`.
pub(super) fn absolute(folder: &str, path: &str) -> String {
    let path: String = path.trim().trim_matches('"').replace('/', "\\");
    let path = path.chars().take(LONGEST_PATH).collect::<String>();
    let letter = path.chars().next().filter(char::is_ascii_alphabetic);
    let whole = match letter.filter(|_| path.chars().nth(1) == Some(':')) {
        Some(_) => path,
        None if path.starts_with('\\') => format!("{}{path}", folder.get(..2).unwrap_or("C:")),
        None => format!("{folder}\\{path}"),
    };
    let (drive, rest) = whole.split_once(':').unwrap_or(("C", &whole));
    let mut parts: Vec<&str> = Vec::new();
    for part in rest.split('\\') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part.trim_end()),
        }
    }
    format!("{}:\\{}", drive.to_ascii_uppercase(), parts.join("\\"))
}

/// Folder and name of a path.
pub(super) fn split(path: &str) -> (String, &str) {
    let (folder, name) = path.rsplit_once('\\').unwrap_or(("C:", path));
    let folder = if folder.len() == 2 { format!("{folder}\\") } else { folder.to_owned() };
    (folder, name)
}

fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn folders(facts: &Facts) -> impl Iterator<Item = (String, String)> {
    let instance = facts.sql_server_folder();
    let sql = "C:\\Program Files\\Microsoft SQL Server";
    let own = [
        ("C:\\".to_owned(), facts.windows.share.to_owned()),
        (format!("C:\\{}", facts.windows.share), String::new()),
        (sql.to_owned(), instance.to_owned()),
        (format!("{sql}\\{instance}"), "MSSQL".to_owned()),
        (
            format!("{sql}\\{instance}\\MSSQL"),
            "Backup|Binn|DATA|Install|JOBS|Log|repldata".to_owned(),
        ),
    ];
    FOLDERS.iter().map(|(path, names)| ((*path).to_owned(), (*names).to_owned())).chain(own)
}

impl Disk {
    fn is_deleted(&self, path: &str) -> bool {
        self.deleted.contains(&path.to_lowercase())
    }

    pub(super) fn is_folder(&self, path: &str, facts: &Facts) -> bool {
        if let Some(written) = self.written.get(&path.to_lowercase()) {
            return written.content.is_none();
        }
        if self.is_deleted(path) {
            return false;
        }
        let (folder, name) = split(path);
        folders(facts).any(|(there, names)| {
            same(&there, path)
                || same(&there, &folder) && names.split('|').any(|there| same(there, name))
        })
    }

    /// Whether a file is there.
    pub(super) fn is_file(&self, path: &str) -> bool {
        self.written.get(&path.to_lowercase()).map_or_else(
            || !self.is_deleted(path) && own_size(path).is_some(),
            |written| written.content.is_some(),
        )
    }

    /// Whether a visitor wrote this file.
    pub(super) fn is_written(&self, path: &str) -> bool {
        self.written.get(&path.to_lowercase()).is_some_and(|written| written.content.is_some())
    }

    pub(super) fn read(&self, path: &str) -> Option<Vec<u8>> {
        if let Some(written) = self.written.get(&path.to_lowercase()) {
            return written.content.as_ref().map(|content| content.content().to_vec());
        }
        if self.is_deleted(path) || !self.is_file(path) {
            return None;
        }
        let text = TEXTS.iter().find(|(there, _)| same(there, path));
        // A program begins as every program does.
        Some(
            text.map_or_else(
                || b"MZ\x90\0\x03\0\0\0".to_vec(),
                |(_, text)| text.as_bytes().to_vec(),
            ),
        )
    }

    /// What is in a folder; nothing where there is none.
    pub(super) fn list(&self, path: &str, facts: &Facts) -> Option<Vec<Entry>> {
        if !self.is_folder(path, facts) {
            return None;
        }
        let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
        let mut add = |name: &str, folder: bool, size: u64, modified: i64| {
            let entry = Entry { name: name.to_owned(), folder, size, modified };
            entries.insert(name.to_lowercase(), entry);
        };
        let inside = |name: &str| {
            if path.ends_with('\\') { format!("{path}{name}") } else { format!("{path}\\{name}") }
        };
        for (_, names) in folders(facts).filter(|(there, _)| same(there, path)) {
            for name in names.split('|').filter(|name| !name.is_empty()) {
                if !self.is_deleted(&inside(name)) {
                    add(name, true, 0, facts.installed);
                }
            }
        }
        let own = PROGRAMS.iter().map(|(path, size)| (*path, *size));
        let texts = TEXTS.iter().map(|(path, text)| (*path, text.len() as u64));
        for (file, size) in own.chain(texts) {
            let (folder, name) = split(file);
            if same(&folder, path) && !self.is_deleted(file) {
                add(name, false, size, facts.installed);
            }
        }
        for written in self.written.values() {
            let (folder, name) = split(&written.path);
            if same(&folder, path) {
                let size = written.content.as_ref().map_or(0, Capture::size);
                add(name, written.content.is_none(), size, written.modified);
            }
        }
        Some(entries.into_values().collect())
    }

    /// Writes or lengthens a file; `false` where it cannot be written. Where there is no room, what was written is hashed and not kept.
    pub(super) fn write(&mut self, path: &str, bytes: &[u8], append: bool, now: i64) -> bool {
        let key = path.to_lowercase();
        let known = self.written.contains_key(&key);
        let is_drive = path.len() <= 3 || !path.starts_with("C:\\");
        if is_drive || !known && self.written.len() >= MOST_WRITTEN {
            return false;
        }
        self.deleted.retain(|deleted| *deleted != key);
        let held: usize = self.held();
        let entry = self.written.entry(key).or_insert_with(|| Written {
            path: path.to_owned(),
            content: Some(Capture::default()),
            modified: now,
            told: false,
        });
        let Some(content) = &mut entry.content else { return false };
        let before = content.content().len();
        if !append {
            *content = Capture::default();
        }
        let freed = if append { 0 } else { before };
        content.feed_within(bytes, MOST_BYTES.saturating_sub(held - freed));
        entry.modified = now;
        entry.told = false;
        true
    }

    /// A file that the machine itself brought: no capture.
    pub(super) fn bring(&mut self, path: &str, bytes: &[u8], now: i64) -> bool {
        let written = self.write(path, bytes, false, now);
        if let Some(entry) = self.written.get_mut(&path.to_lowercase()) {
            entry.told = true;
        }
        written
    }

    pub(crate) fn make_folder(&mut self, path: &str, now: i64) -> bool {
        let key = path.to_lowercase();
        if self.written.contains_key(&key) || self.written.len() >= MOST_WRITTEN {
            return false;
        }
        self.deleted.retain(|deleted| *deleted != key);
        let folder = Written { path: path.to_owned(), content: None, modified: now, told: true };
        self.written.insert(key, folder);
        true
    }

    /// What the visitor made of what is at this path, and when in seconds.
    pub(crate) fn change(&self, path: &str) -> Option<(Change, i64)> {
        if let Some(written) = self.written.get(&path.to_lowercase()) {
            let change = written.content.clone().map_or(Change::Folder, Change::File);
            return Some((change, written.modified));
        }
        self.is_deleted(path).then_some((Change::Deleted, 0))
    }

    /// What he wrote in a folder: path, size (`None` of a folder) and when.
    pub(crate) fn written_in(&self, folder: &str) -> Vec<(String, Option<u64>, i64)> {
        let here = self.written.values().filter(|written| same(&split(&written.path).0, folder));
        here.map(|written| {
            let size = written.content.as_ref().map(Capture::size);
            (written.path.clone(), size, written.modified)
        })
        .collect()
    }

    /// A file that came by another way and was told there. Where there is no room, what was written longest ago is forgotten.
    pub(crate) fn put(&mut self, path: &str, content: Capture, now: i64) -> bool {
        let key = path.to_lowercase();
        if !self.written.contains_key(&key) && self.written.len() >= MOST_WRITTEN {
            return false;
        }
        self.deleted.retain(|deleted| *deleted != key);
        self.written.remove(&key);
        while self.held() + content.content().len() > MOST_BYTES {
            let with_content = self.written.iter().filter(|(_, written)| {
                written.content.as_ref().is_some_and(|content| !content.content().is_empty())
            });
            let oldest = with_content.min_by_key(|(_, written)| written.modified);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else { break };
            self.written.remove(&oldest);
        }
        let written =
            Written { path: path.to_owned(), content: Some(content), modified: now, told: true };
        self.written.insert(key, written);
        true
    }

    /// Copies or moves a visitor's file, or what the machine has.
    pub(super) fn copy(&mut self, from: &str, to: &str, now: i64) -> bool {
        match self.written.get(&from.to_lowercase()).and_then(|file| file.content.clone()) {
            Some(content) => {
                let bytes = content.content().to_vec();
                // The content was told when it was written.
                self.bring(to, &bytes, now)
            }
            None => match self.read(from) {
                Some(bytes) => self.bring(to, &bytes, now),
                None => false,
            },
        }
    }

    /// Deletes what another way has found.
    pub(crate) fn remove(&mut self, path: &str) {
        let key = path.to_lowercase();
        if self.written.remove(&key).is_none() && self.deleted.len() < MOST_WRITTEN {
            self.deleted.push(key);
        }
    }

    /// Deletes a file or folder; what was not told yet must be told before.
    pub(super) fn delete(&mut self, path: &str, facts: &Facts) -> bool {
        let key = path.to_lowercase();
        if self.written.remove(&key).is_some() {
            return true;
        }
        let there = self.is_file(path) || self.is_folder(path, facts);
        let room = self.deleted.len() < MOST_WRITTEN;
        if there && room {
            self.deleted.push(key);
        }
        there
    }

    /// What was written and not told.
    pub(super) fn take_untold(&mut self) -> Vec<Payload> {
        let untold = self.written.values_mut().filter(|written| !written.told);
        untold
            .filter_map(|written| {
                written.told = true;
                let content = written.content.clone().filter(|content| content.size() > 0)?;
                let mut payload = content.finish(PayloadOrigin::Redirect);
                payload.name = Some(HostileText::from(written.path.as_str()));
                Some(payload)
            })
            .collect()
    }

    fn held(&self) -> usize {
        let contents = self.written.values().filter_map(|written| written.content.as_ref());
        contents.map(|content| content.content().len()).sum()
    }
}

/// The size of a file that the machine has.
fn own_size(path: &str) -> Option<u64> {
    let program = PROGRAMS.iter().find(|(there, _)| same(there, path)).map(|(_, size)| *size);
    let text = TEXTS.iter().find(|(there, _)| same(there, path));
    program.or_else(|| text.map(|(_, text)| text.len() as u64))
}

//! What sshd is configured to do (`sshd_config(5)`): by which ports people log in, and whether passwords get them in. The first value of a
//! setting counts, `Include` stands where it stands, ports add up. Read as text and never run; what cannot be read says nothing.

use std::path::{Path, PathBuf};

/// Bytes of one file that are read.
const LONGEST_FILE: u64 = 1 << 20;
/// Files read at most, so that files that include each other come to an end.
const MOST_FILES: usize = 64;

/// sshd's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sshd {
    /// The ports by which people log in, each once: those that are named, or 22.
    pub(crate) ports: Vec<u16>,
    /// Whether anybody gets in by a password: a `Match` that lets some in lets passwords in.
    pub(crate) takes_passwords: bool,
}

impl Sshd {
    /// That of the machine whose root this is; `None` where there is no such file: there is no sshd to protect then but one that
    /// listens, which is found otherwise.
    pub(crate) fn of(root: &Path) -> Option<Self> {
        let file = root.join("etc/ssh/sshd_config");
        if !file.exists() {
            return None;
        }
        let (mut found, mut left) = (Found::default(), MOST_FILES);
        found.read(root, &file, &mut left);
        if found.ports.is_empty() {
            found.ports.push(22);
        }
        // A file there that is not included yet may be with the next restart, and a port too many that is kept does no harm.
        let (mut beside, mut left) = (Found::default(), MOST_FILES);
        for file in included(root, "/etc/ssh/sshd_config.d/*") {
            beside.read(root, &file, &mut left);
        }
        let takes_passwords = found.takes_passwords();
        let mut ports: Vec<u16> = found.ports.into_iter().chain(beside.ports).collect();
        ports.sort_unstable();
        ports.dedup();
        Some(Self { ports, takes_passwords })
    }
}

/// What is said, as far as it was read.
#[derive(Debug, Default)]
struct Found {
    ports: Vec<u16>,
    password: Option<bool>,
    keyboard: Option<bool>,
    pam: Option<bool>,
    /// Whether a `Match` lets some in by password.
    matched: bool,
    in_match: bool,
}

impl Found {
    fn takes_passwords(&self) -> bool {
        let password = self.password.unwrap_or(true);
        let keyboard = self.keyboard.unwrap_or(true) && self.pam.unwrap_or(false);
        password || keyboard || self.matched
    }

    /// Reads a file and those that it includes, while any are `left`.
    fn read(&mut self, root: &Path, file: &Path, left: &mut usize) {
        let Some(rest) = left.checked_sub(1) else { return };
        *left = rest;
        let text = text(file);
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            let mut words =
                line.split(|c: char| c.is_whitespace() || c == '=').filter(|w| !w.is_empty());
            let (Some(name), Some(value)) = (words.next(), words.next()) else { continue };
            let (name, value) = (name.to_ascii_lowercase(), value.trim_matches('"'));
            if name == "include" {
                included(root, value).iter().for_each(|file| self.read(root, file, left));
            } else {
                self.take(&name, value);
            }
        }
    }

    fn take(&mut self, name: &str, value: &str) {
        let yes = value.eq_ignore_ascii_case("yes");
        match name {
            "port" => self.ports.extend(value.parse::<u16>().ok()),
            "listenaddress" => self.ports.extend(port_of_address(value)),
            "match" => self.in_match = !value.eq_ignore_ascii_case("all"),
            "passwordauthentication" if self.in_match => self.matched |= yes,
            "passwordauthentication" => _ = self.password.get_or_insert(yes),
            "kbdinteractiveauthentication" | "challengeresponseauthentication"
                if !self.in_match =>
            {
                self.keyboard.get_or_insert(yes);
            }
            "usepam" if !self.in_match => _ = self.pam.get_or_insert(yes),
            _ => {}
        }
    }
}

/// `host:port` and `[::1]:port`; an IPv6 address without brackets has no port behind it.
fn port_of_address(value: &str) -> Option<u16> {
    let (host, port) = value.rsplit_once(':')?;
    if host.contains(':') && !host.ends_with(']') {
        return None;
    }
    port.parse().ok()
}

fn text(path: &Path) -> String {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    if let Ok(file) = std::fs::File::open(path) {
        // What could be read of it counts.
        let _ = file.take(LONGEST_FILE).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The files of an `Include`: a name, or a folder's `*` with an ending, in the order of their names.
fn included(root: &Path, pattern: &str) -> Vec<PathBuf> {
    let absolute =
        if pattern.starts_with('/') { pattern.to_owned() } else { format!("/etc/ssh/{pattern}") };
    let path = root.join(absolute.trim_start_matches('/'));
    let Some((before, ending)) = absolute.split_once('*') else { return vec![path] };
    let (Some((folder, begins)), false) = (before.rsplit_once('/'), ending.contains(['*', '/']))
    else {
        return Vec::new();
    };
    let folder = root.join(folder.trim_start_matches('/'));
    let fits = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(begins) && name.ends_with(ending))
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(fits).collect();
    files.sort();
    files.truncate(MOST_FILES);
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_machine::Made;

    fn passwords(files: &[(&str, &str)]) -> Option<bool> {
        Sshd::of(Made::new(files).root()).map(|sshd| sshd.takes_passwords)
    }

    #[test]
    fn sshds_first_word_counts_wherever_it_stands() {
        let main = "etc/ssh/sshd_config";
        assert_eq!(passwords(&[]), None);
        assert_eq!(passwords(&[(main, "# nothing\n")]), Some(true), "sshd's own default");
        assert_eq!(passwords(&[(main, "PasswordAuthentication no\n")]), Some(false));
        assert_eq!(
            passwords(&[(main, "passwordauthentication=no\nPasswordAuthentication yes")]),
            Some(false)
        );
        assert_eq!(
            passwords(&[(main, "PasswordAuthentication no\nUsePAM yes\n")]),
            Some(true),
            "by keyboard"
        );
        let closed = "PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM yes\n";
        assert_eq!(passwords(&[(main, closed)]), Some(false));
        let matched = format!("{closed}Match Address 192.0.2.0/24\n  PasswordAuthentication yes\n");
        assert_eq!(passwords(&[(main, &matched)]), Some(true));
        let include = "Include /etc/ssh/sshd_config.d/*.conf\nPasswordAuthentication yes\n";
        let keys = ("etc/ssh/sshd_config.d/10-keys.conf", closed);
        assert_eq!(passwords(&[(main, include), keys]), Some(false));
        assert_eq!(
            passwords(&[(main, include), ("etc/ssh/sshd_config.d/10-keys.txt", closed)]),
            Some(true)
        );
        assert_eq!(
            passwords(&[(main, "Include /etc/ssh/sshd_config\n")]),
            Some(true),
            "an end to circles"
        );
    }

    #[test]
    fn every_port_that_sshd_is_told_of_is_found_in_whatever_file() {
        let main = "etc/ssh/sshd_config";
        let ports =
            |files: &[(&str, &str)]| Sshd::of(Made::new(files).root()).map(|sshd| sshd.ports);
        let text = "# Port 1\nPort 2222\nport=2200\nListenAddress 192.0.2.1:2201\nListenAddress ::\nListenAddress [2001:db8::1]:2202\nListenAddress 2001:db8::9\nPort x\nSubsystem sftp a:9\n";
        assert_eq!(ports(&[(main, text)]), Some(vec![2200, 2201, 2202, 2222]));
        assert_eq!(ports(&[(main, "")]), Some(vec![22]), "sshd's own default");
        assert_eq!(ports(&[]), None);
        let other = ("etc/ssh/other/a.conf", "Port 2022\n");
        assert_eq!(ports(&[(main, "Include other/*.conf\n"), other]), Some(vec![2022]));
        let beside = ("etc/ssh/sshd_config.d/port.conf", "Port 22022\n");
        assert_eq!(
            ports(&[(main, "Port 22\n"), beside]),
            Some(vec![22, 22022]),
            "also where it is not included yet"
        );
    }
}

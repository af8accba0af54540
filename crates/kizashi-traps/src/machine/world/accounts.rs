//! `/etc/passwd`, `/etc/group` and `/etc/shadow` in the form that Debian's base-passwd and the usual packages make them.

use super::World;

/// System accounts: name, user, group, comment, home, shell.
const SYSTEM: [(&str, u32, u32, &str, &str, &str); 19] = [
    ("root", 0, 0, "root", "/root", "/bin/bash"),
    ("daemon", 1, 1, "daemon", "/usr/sbin", "/usr/sbin/nologin"),
    ("bin", 2, 2, "bin", "/bin", "/usr/sbin/nologin"),
    ("sys", 3, 3, "sys", "/dev", "/usr/sbin/nologin"),
    ("sync", 4, 65534, "sync", "/bin", "/bin/sync"),
    ("games", 5, 60, "games", "/usr/games", "/usr/sbin/nologin"),
    ("man", 6, 12, "man", "/var/cache/man", "/usr/sbin/nologin"),
    ("lp", 7, 7, "lp", "/var/spool/lpd", "/usr/sbin/nologin"),
    ("mail", 8, 8, "mail", "/var/mail", "/usr/sbin/nologin"),
    ("news", 9, 9, "news", "/var/spool/news", "/usr/sbin/nologin"),
    ("uucp", 10, 10, "uucp", "/var/spool/uucp", "/usr/sbin/nologin"),
    ("proxy", 13, 13, "proxy", "/bin", "/usr/sbin/nologin"),
    ("www-data", 33, 33, "www-data", "/var/www", "/usr/sbin/nologin"),
    ("backup", 34, 34, "backup", "/var/backups", "/usr/sbin/nologin"),
    ("list", 38, 38, "Mailing List Manager", "/var/list", "/usr/sbin/nologin"),
    ("irc", 39, 39, "ircd", "/run/ircd", "/usr/sbin/nologin"),
    ("_apt", 42, 65534, "", "/nonexistent", "/usr/sbin/nologin"),
    ("nobody", 65534, 65534, "nobody", "/nonexistent", "/usr/sbin/nologin"),
    ("systemd-network", 998, 998, "systemd Network Management", "/", "/usr/sbin/nologin"),
];

const LATE: [(&str, u32, u32, &str, &str, &str); 3] = [
    ("messagebus", 100, 107, "", "/nonexistent", "/usr/sbin/nologin"),
    ("sshd", 101, 65534, "", "/run/sshd", "/usr/sbin/nologin"),
    ("systemd-timesync", 997, 997, "systemd Time Synchronization", "/", "/usr/sbin/nologin"),
];

const GROUPS: [(&str, u32); 40] = [
    ("root", 0),
    ("daemon", 1),
    ("bin", 2),
    ("sys", 3),
    ("adm", 4),
    ("tty", 5),
    ("disk", 6),
    ("lp", 7),
    ("mail", 8),
    ("news", 9),
    ("uucp", 10),
    ("man", 12),
    ("proxy", 13),
    ("kmem", 15),
    ("dialout", 20),
    ("fax", 21),
    ("voice", 22),
    ("cdrom", 24),
    ("floppy", 25),
    ("tape", 26),
    ("sudo", 27),
    ("audio", 29),
    ("dip", 30),
    ("www-data", 33),
    ("backup", 34),
    ("operator", 37),
    ("list", 38),
    ("irc", 39),
    ("src", 40),
    ("shadow", 42),
    ("utmp", 43),
    ("video", 44),
    ("sasl", 45),
    ("plugdev", 46),
    ("staff", 50),
    ("games", 60),
    ("users", 100),
    ("nogroup", 65534),
    ("systemd-journal", 999),
    ("crontab", 101),
];

impl World {
    fn all_accounts(&self) -> Vec<(String, u32, u32, String, String, &'static str)> {
        let owned = |(name, uid, gid, comment, home, shell): &(
            &str,
            u32,
            u32,
            &str,
            &str,
            &'static str,
        )| {
            ((*name).to_owned(), *uid, *gid, (*comment).to_owned(), (*home).to_owned(), *shell)
        };
        let mut all: Vec<_> = SYSTEM.iter().chain(&LATE).map(owned).collect();
        if let Some(user) = self.user {
            all.push((
                user.to_owned(),
                1000,
                1000,
                format!("{user},,,"),
                format!("/home/{user}"),
                "/bin/bash",
            ));
        }
        all
    }

    /// Whether mail for this name would be delivered here.
    pub(crate) fn has_account(&self, name: &str) -> bool {
        self.all_accounts().iter().any(|account| account.0 == name)
    }

    pub(super) fn passwd(&self) -> String {
        if self.persona == super::Persona::Android {
            return "root:x:0:0:root:/:/system/bin/sh\nsystem:x:1000:1000::/:/system/bin/sh\nshell:x:2000:2000::/:/system/bin/sh\n".to_owned();
        }
        if self.persona.is_device() {
            return "root:x:0:0:root:/root:/bin/sh\nadmin:x:0:0:admin:/root:/bin/sh\nnobody:x:99:99:nobody:/:/bin/false\n".to_owned();
        }
        let line =
            |(name, uid, gid, comment, home, shell): &(String, u32, u32, String, String, &str)| {
                format!("{name}:x:{uid}:{gid}:{comment}:{home}:{shell}\n")
            };
        self.all_accounts().iter().map(line).collect()
    }

    pub(super) fn group(&self) -> String {
        if self.persona.is_device() {
            if self.persona == super::Persona::Android {
                return "root:x:0:\nsystem:x:1000:\nshell:x:2000:\n".to_owned();
            }
            return "root:x:0:root,admin\nnobody:x:99:\n".to_owned();
        }
        let mut text: String = GROUPS
            .iter()
            .map(|(name, gid)| {
                let members =
                    self.user.filter(|_| *name == "sudo" || *name == "adm").unwrap_or_default();
                format!("{name}:x:{gid}:{members}\n")
            })
            .collect();
        text.push_str(
            "systemd-network:x:998:\nsystemd-timesync:x:997:\nmessagebus:x:107:\n_ssh:x:102:\n",
        );
        if let Some(user) = self.user {
            text.push_str(&format!("{user}:x:1000:\n"));
        }
        text
    }

    /// Password hashes in yescrypt's or MD5-crypt's form, of nothing: their digests are drawn.
    pub(super) fn shadow(&self) -> String {
        const LETTERS: &[u8] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let draw = self.draw("shadow");
        let word = |from: u64, length: u64| -> String {
            (from..from + length)
                .filter_map(|place| draw.one_of(place, LETTERS))
                .map(char::from)
                .collect()
        };
        if self.persona.is_device() {
            return format!(
                "root:$1${}${}:17660:0:99999:7:::\nadmin:$1${}${}:17660:0:99999:7:::\nnobody:*:17660:0:99999:7:::\n",
                word(0, 8),
                word(10, 22),
                word(40, 8),
                word(50, 22)
            );
        }
        let day = self.set_up / 86_400;
        let old = self.system.id == "ubuntu" && self.system.version_id == "20.04";
        let mut text = String::new();
        for (place, (name, uid, ..)) in self.all_accounts().into_iter().enumerate() {
            let place = place as u64 * 200;
            let hash = match uid {
                0 | 1000 if old => format!("$6${}${}", word(place, 16), word(place + 20, 86)),
                0 | 1000 => format!("$y$j9T${}${}", word(place, 22), word(place + 30, 43)),
                100 | 101 | 997 | 998 => "!".to_owned(),
                _ => "*".to_owned(),
            };
            let rest = if hash == "!" { "::::::" } else { "0:99999:7:::" };
            text.push_str(&format!("{name}:{hash}:{day}:{rest}\n"));
        }
        text
    }
}

//! Services, packages, schedules, accounts, and interpreters in their simplest forms.

use std::time::Duration;

use super::{Call, Finish, Moment};
use crate::machine::files::{Fault, Who};
use crate::machine::world::calendar;

/// Services by their names in systemd, and their daemons.
const SERVICES: [(&str, &str, &str); 9] = [
    ("cron", "cron", "Regular background program processing daemon"),
    ("dbus", "dbus-daemon", "D-Bus System Message Bus"),
    ("nginx", "nginx", "A high performance web server and a reverse proxy server"),
    ("apache2", "apache2", "The Apache HTTP Server"),
    ("rsyslog", "rsyslogd", "System Logging Service"),
    ("ssh", "sshd", "OpenBSD Secure Shell server"),
    ("systemd-journald", "systemd-journal", "Journal Service"),
    ("systemd-logind", "systemd-logind", "User Login Management"),
    ("systemd-timesyncd", "systemd-timesyn", "Network Time Synchronization"),
];

fn service(call: &Call<'_>, name: &str) -> Option<(&'static str, u32, &'static str)> {
    let name = name.strip_suffix(".service").unwrap_or(name);
    let name = if name == "sshd" { "ssh" } else { name };
    let (unit, process, text) = SERVICES.iter().find(|(unit, ..)| *unit == name)?;
    let daemon = call.kernel.world.daemons.iter().find(|daemon| daemon.name == *process)?;
    Some((unit, daemon.number, text))
}

pub(super) fn systemctl(call: &mut Call<'_>) -> Finish {
    let words: Vec<String> =
        call.arguments().iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    if words.iter().any(|word| word == "--version") {
        let version = call.kernel.world.system.systemd;
        call.line(&format!("systemd {version}\n+PAM +AUDIT +SELINUX +APPARMOR +IMA +SMACK +SECCOMP +GCRYPT -GNUTLS +OPENSSL +ACL +BLKID +CURL +ELFUTILS +FIDO2 +IDN2 -IDN +IPTC +KMOD +LIBCRYPTSETUP +LIBFDISK +PCRE2 -PWQUALITY +P11KIT +QRENCODE +TPM2 +BZIP2 +LZ4 +XZ +ZLIB +ZSTD -BPF_FRAMEWORK -XKBCOMMON +UTMP +SYSVINIT default-hierarchy=unified"));
        return Finish::Status(0);
    }
    let plain: Vec<&str> =
        words.iter().map(String::as_str).filter(|word| !word.starts_with('-')).collect();
    let (verb, units) =
        plain.split_first().map_or(("list-units", &[][..]), |(verb, units)| (*verb, units));
    match verb {
        "status" if !units.is_empty() => units
            .iter()
            .map(|unit| status(call, unit))
            .max()
            .map_or(Finish::Status(0), Finish::Status),
        "is-active" | "is-enabled" => {
            let found = units.first().and_then(|unit| service(call, unit));
            call.line(match (verb, found.is_some()) {
                ("is-active", true) => "active",
                ("is-active", false) => "inactive",
                (_, true) => "enabled",
                _ => "disabled",
            });
            Finish::Status(if found.is_some() {
                0
            } else if verb == "is-active" {
                3
            } else {
                1
            })
        }
        "list-units" | "list-unit-files" | "status" => list_units(call),
        "daemon-reload" | "daemon-reexec" | "mask" | "unmask" | "preset" => Finish::Status(0),
        "start" | "stop" | "restart" | "reload" | "enable" | "disable" | "kill" | "try-restart"
        | "force-reload" => change(call, verb, units),
        "reboot" | "poweroff" | "halt" => Finish::Ends,
        other => {
            call.err(format!("Unknown command verb {other}.\n").as_bytes());
            Finish::Status(1)
        }
    }
}

fn list_units(call: &mut Call<'_>) -> Finish {
    call.line("  UNIT                        LOAD   ACTIVE SUB     DESCRIPTION");
    let mut count = 0;
    for (unit, ..) in SERVICES {
        if let Some((unit, _, text)) = service(call, unit) {
            count += 1;
            call.line(&format!("  {:<27} loaded active running {text}", format!("{unit}.service")));
        }
    }
    call.line(&format!("\nLOAD   = Reflects whether the unit definition was properly loaded.\nACTIVE = The high-level unit activation state, i.e. generalization of SUB.\nSUB    = The low-level unit activation state, values depend on unit type.\n{count} loaded units listed. Pass --all to see loaded but inactive units, too.\nTo show all installed unit files use 'systemctl list-unit-files'."));
    Finish::Status(0)
}

fn status(call: &mut Call<'_>, name: &str) -> u8 {
    let Some((unit, number, text)) = service(call, name) else {
        let shown =
            if name.ends_with(".service") { name.to_owned() } else { format!("{name}.service") };
        call.err(format!("Unit {shown} could not be found.\n").as_bytes());
        return 4;
    };
    let started = call.kernel.world.boot(call.kernel.now()) + 6;
    let moment = calendar(started);
    let days = (call.kernel.seconds() - started) / 86_400;
    let age = if days >= 60 {
        format!("{} months {} days ago", days / 30, days % 30)
    } else if days >= 7 {
        format!("{} weeks {} days ago", days / 7, days % 7)
    } else {
        format!("{days} days ago")
    };
    call.line(&format!(
        "● {unit}.service - {text}\n     Loaded: loaded (/lib/systemd/system/{unit}.service; enabled; preset: enabled)\n     Active: active (running) since {} {:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC; {age}\n   Main PID: {number} ({})\n      Tasks: 1 (limit: 2307)\n     Memory: 5.9M\n        CPU: 1min 12.318s\n     CGroup: /system.slice/{unit}.service",
        moment.short_day(),
        moment.year,
        moment.month,
        moment.day,
        moment.hour,
        moment.minute,
        moment.second,
        unit
    ));
    0
}

fn change(call: &mut Call<'_>, verb: &str, units: &[&str]) -> Finish {
    let Some(unit) = units.first() else {
        call.err(b"Too few arguments.\n");
        return Finish::Status(1);
    };
    if !call.who.is_root() {
        call.err(format!("Failed to {verb} {unit}.service: Interactive authentication required.\nSee system logs and 'systemctl status {unit}.service' for details.\n").as_bytes());
        return Finish::Status(1);
    }
    let own = call.find_unit(unit);
    if service(call, unit).is_none() && !own {
        let shown = if unit.contains('.') { (*unit).to_owned() } else { format!("{unit}.service") };
        let text = match verb {
            "enable" | "disable" => {
                format!("Failed to {verb} unit: Unit file {shown} does not exist.\n")
            }
            "stop" => format!("Failed to stop {shown}: Unit {shown} not loaded.\n"),
            _ => format!("Failed to {verb} {shown}: Unit {shown} not found.\n"),
        };
        call.err(text.as_bytes());
        return Finish::Status(if verb == "enable" || verb == "disable" { 1 } else { 5 });
    }
    if verb == "enable" && own {
        call.err(format!("Created symlink /etc/systemd/system/multi-user.target.wants/{unit}.service → /etc/systemd/system/{unit}.service.\n").as_bytes());
    }
    Finish::Status(0)
}

impl Call<'_> {
    /// Whether the visitor wrote a unit of this name.
    fn find_unit(&self, unit: &str) -> bool {
        let name = unit.strip_suffix(".service").unwrap_or(unit);
        ["/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system"].iter().any(
            |folder| {
                self.kernel
                    .files
                    .find(format!("{folder}/{name}.service").as_bytes(), true, Who::ROOT)
                    .is_ok()
            },
        )
    }
}

pub(super) fn old_service(call: &mut Call<'_>) -> Finish {
    let words: Vec<String> =
        call.arguments().iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    match &words[..] {
        [] => {
            call.err(b"Usage: service < option > | --status-all | [ service_name [ command | --full-restart ] ]\n");
            Finish::Status(1)
        }
        [option] if option == "--status-all" => {
            for (unit, ..) in SERVICES {
                if service(call, unit).is_some() {
                    call.line(&format!(" [ + ]  {unit}"));
                }
            }
            Finish::Status(0)
        }
        [name, rest @ ..] => {
            if rest.first().is_some_and(|verb| verb == "status") {
                return Finish::Status(status(call, name));
            }
            if service(call, name).is_none() {
                call.err(format!("{name}: unrecognized service\n").as_bytes());
                return Finish::Status(1);
            }
            Finish::Status(0)
        }
    }
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
pub(super) fn crontab(call: &mut Call<'_>) -> Finish {
    let given = match call.options("u:lreic:", &[], 1) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let user =
        given.value(b'u').map_or_else(|| call.kernel.user_name(call.who.uid), <[u8]>::to_vec);
    let shown = String::from_utf8_lossy(&user).into_owned();
    if given.has(b'u') && !call.who.is_root() {
        call.err(b"must be privileged to use -u\n");
        return Finish::Status(1);
    }
    if call.kernel.account(&user).is_none() {
        call.err(format!("crontab:  user `{shown}' unknown\n").as_bytes());
        return Finish::Status(1);
    }
    let path = [b"/var/spool/cron/crontabs/", &user[..]].concat();
    let none = if call.is_busybox() {
        format!("crontab: can't open '{shown}': No such file or directory\n")
    } else {
        format!("no crontab for {shown}\n")
    };
    if given.has(b'l') {
        return match call.kernel.read_path(b"/", &path, Who::ROOT) {
            Ok(bytes) => {
                call.out(&bytes);
                Finish::Status(0)
            }
            Err(_) => refused(call, &none),
        };
    }
    let now = call.kernel.seconds();
    if given.has(b'r') {
        let removed = call
            .kernel
            .files
            .place(&path, true, Who::ROOT)
            .and_then(|place| call.kernel.files.remove(&place, Who::ROOT, now));
        return match removed {
            Ok(()) => Finish::Status(0),
            Err(_) => refused(call, &none),
        };
    }
    if given.has(b'e') {
        call.err(format!("{none}/usr/bin/sensible-editor: 25: editor: not found\ncrontab: \"/usr/bin/sensible-editor\" exited with status 127\n").as_bytes());
        return Finish::Status(1);
    }
    let bytes = match given.rest.first() {
        Some(file) => match call.read(file) {
            Ok(bytes) => bytes,
            Err(fault) => {
                let file = String::from_utf8_lossy(file).into_owned();
                call.err(format!("{file}: {fault}\n").as_bytes());
                return Finish::Status(1);
            }
        },
        None => call.input(),
    };
    if call.is_console() {
        return Finish::Status(0);
    }
    let written = call
        .kernel
        .open_for_writing(b"/", &path, false, 0o600, Who::ROOT)
        .and_then(|(node, path)| call.kernel.write(node, 0, &bytes, &path));
    Finish::Status(u8::from(written.is_err()))
}

/// Said as an error, status 1.
fn refused(call: &mut Call<'_>, text: &str) -> Finish {
    call.err(text.as_bytes());
    Finish::Status(1)
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
pub(super) fn useradd(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "mMrNUDlou:g:G:d:s:c:p:k:e:f:b:hHS",
        &[
            ("create-home", b'm'),
            ("home", b'd'),
            ("shell", b's'),
            ("uid", b'u'),
            ("gid", b'g'),
            ("groups", b'G'),
            ("password", b'p'),
            ("system", b'r'),
            ("disabled-password", b'D'),
            ("gecos", b'c'),
            ("non-unique", b'o'),
            ("force-badname", b'H'),
            ("disabled-login", b'D'),
        ],
        2,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let Some(name) = given.rest.first().cloned() else {
        call.err(
            b"Usage: useradd [options] LOGIN\n       useradd -D\n       useradd -D [options]\n",
        );
        return Finish::Status(2);
    };
    let shown = String::from_utf8_lossy(&name).into_owned();
    if !call.who.is_root() {
        call.complain("Permission denied.\nuseradd: cannot lock /etc/passwd; try again later.");
        return Finish::Status(1);
    }
    if call.kernel.account(&name).is_some() {
        return call.fail(&format!("user '{shown}' already exists"), 9);
    }
    let uid = given.number(b'u').and_then(|uid| u32::try_from(uid).ok()).unwrap_or_else(|| {
        call.kernel
            .accounts()
            .iter()
            .map(|account| account.uid)
            .filter(|uid| (1_000..60_000).contains(uid))
            .max()
            .unwrap_or(999)
            + 1
    });
    let home = given.text(b'd').unwrap_or_else(|| format!("/home/{shown}"));
    let shell = given.text(b's').unwrap_or_else(|| "/bin/sh".to_owned());
    let rows = [
        ("/etc/passwd", format!("{shown}:x:{uid}:{uid}::{home}:{shell}\n")),
        ("/etc/shadow", format!("{shown}:!:{}:0:99999:7:::\n", call.kernel.seconds() / 86_400)),
        ("/etc/group", format!("{shown}:x:{uid}:\n")),
    ];
    for (path, row) in rows {
        let written = call
            .kernel
            .open_for_writing(b"/", path.as_bytes(), true, 0o644, Who::ROOT)
            .and_then(|(node, path)| {
                let end = call.kernel.files.node(node).size();
                call.kernel.write(node, end, row.as_bytes(), &path)
            });
        if written.is_err() {
            return call.fail("cannot lock /etc/passwd; try again later.", 1);
        }
    }
    let now = call.kernel.seconds();
    if given.has(b'm') || call.base_name() == b"adduser" {
        let made = call.kernel.files.place(home.as_bytes(), true, Who::ROOT).and_then(|place| {
            call.kernel
                .files
                .create_folder(&place, 0o755, Who { uid, gid: uid }, now)
                .or(Err(Fault::Exists))
        });
        drop(made);
    }
    if call.base_name() == b"adduser" {
        call.line(&format!("Adding user `{shown}' ...\nAdding new group `{shown}' ({uid}) ...\nAdding new user `{shown}' ({uid}) with group `{shown} ({uid})' ...\nCreating home directory `{home}' ..."));
    }
    Finish::Status(0)
}

pub(super) fn usermod(call: &mut Call<'_>) -> Finish {
    let Some(name) = call.arguments().last().cloned() else {
        call.err(b"Usage: usermod [options] LOGIN\n");
        return Finish::Status(2);
    };
    let shown = String::from_utf8_lossy(&name).into_owned();
    if !call.who.is_root() {
        return call.fail("Permission denied.", 1);
    }
    if call.kernel.account(&name).is_none() {
        return call.fail(&format!("user '{shown}' does not exist"), 6);
    }
    Finish::Status(0)
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
pub(super) fn dpkg(call: &mut Call<'_>) -> Finish {
    let words: Vec<String> =
        call.arguments().iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    let packages = super::super::packages(call.kernel.world.system);
    let wanted: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
    match words.first().map(String::as_str) {
        Some("-l" | "--list") => {
            call.line("Desired=Unknown/Install/Remove/Purge/Hold\n| Status=Not/Inst/Conf-files/Unpacked/halF-conf/Half-inst/trig-aWait/Trig-pend\n|/ Err?=(none)/Reinst-required (Status,Err: uppercase=bad)\n||/ Name           Version                 Architecture Description\n+++-==============-=======================-============-=================================");
            let mut found = 0;
            for (name, version) in packages {
                if wanted.is_empty()
                    || wanted.iter().any(|pattern| {
                        crate::machine::shell::pattern::Pattern::of(pattern.as_bytes())
                            .matches(name.as_bytes())
                    })
                {
                    found += 1;
                    call.line(&format!("ii  {name:<14} {version:<23} amd64        {name}"));
                }
            }
            if found == 0 {
                let shown = wanted.first().map_or("", |name| name.as_str());
                call.err(format!("dpkg-query: no packages found matching {shown}\n").as_bytes());
                return Finish::Status(1);
            }
            Finish::Status(0)
        }
        Some("-s" | "--status") => match packages
            .iter()
            .find(|(name, _)| wanted.first().is_some_and(|wanted| wanted == name))
        {
            Some((name, version)) => {
                call.line(&format!("Package: {name}\nStatus: install ok installed\nPriority: optional\nArchitecture: amd64\nVersion: {version}"));
                Finish::Status(0)
            }
            None => {
                let shown = wanted.first().map_or("", |name| name.as_str());
                call.err(format!("dpkg-query: package '{shown}' is not installed and no information is available\nUse dpkg --info (= dpkg-deb --info) to examine archive files.\n").as_bytes());
                Finish::Status(1)
            }
        },
        Some("--print-architecture") => {
            call.line("amd64");
            Finish::Status(0)
        }
        Some("--get-selections") => {
            for (name, _) in packages {
                call.line(&format!("{name}\t\t\t\t\tinstall"));
            }
            Finish::Status(0)
        }
        Some("--version") => {
            call.line("Debian 'dpkg' package management program version 1.21.22 (amd64).");
            Finish::Status(0)
        }
        Some("-i" | "--install") => call.fail(
            &format!(
                "error: cannot access archive '{}': No such file or directory",
                wanted.first().map_or("", |name| name.as_str())
            ),
            2,
        ),
        _ => {
            call.err(b"dpkg: error: need an action option\n\nUse dpkg --help for help about installing and deinstalling packages [*];\nUse 'apt' or 'aptitude' for user-friendly package management;\n");
            Finish::Status(2)
        }
    }
}

fn later(after: u64, text: String, error: bool) -> Moment {
    Moment { after: Duration::from_millis(after), text: text.into_bytes(), error }
}

/// What comes before each change.
const LISTS: &str = "Reading package lists... Done\nBuilding dependency tree... Done\nReading state information... Done\n";
const NOTHING: &str = "0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n";

pub(super) fn apt(call: &mut Call<'_>) -> Finish {
    let words: Vec<String> = call
        .arguments()
        .iter()
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .filter(|word| !word.starts_with('-'))
        .collect();
    let (verb, names) =
        words.split_first().map_or(("", &[][..]), |(verb, names)| (verb.as_str(), names));
    if !call.who.is_root()
        && matches!(verb, "update" | "install" | "upgrade" | "remove" | "purge" | "autoremove")
    {
        let lock = if verb == "update" {
            "/var/lib/apt/lists/lock"
        } else {
            "/var/lib/dpkg/lock-frontend"
        };
        call.err(format!("E: Could not open lock file {lock} - open (13: Permission denied)\nE: Unable to lock directory, are you root?\n").as_bytes());
        return Finish::Status(100);
    }
    match verb {
        "update" => apt_update(call),
        "install" => apt_install(call, names),
        "upgrade" | "dist-upgrade" | "full-upgrade" | "autoremove" => Finish::Slow(
            vec![later(800, format!("{LISTS}Calculating upgrade... Done\n{NOTHING}"), false)],
            0,
        ),
        "autoclean" | "clean" => Finish::Status(0),
        "remove" | "purge" => {
            let name = names.first().map_or("", String::as_str);
            Finish::Slow(
                vec![later(
                    600,
                    format!("{LISTS}Package '{name}' is not installed, so not removed\n{NOTHING}"),
                    false,
                )],
                0,
            )
        }
        "" => {
            call.line("apt 2.6.1 (amd64)\nUsage: apt [options] command");
            Finish::Status(0)
        }
        other => {
            call.err(format!("E: Invalid operation {other}\n").as_bytes());
            Finish::Status(100)
        }
    }
}

/// The lists cannot be fetched: names are not resolved.
fn apt_update(call: &Call<'_>) -> Finish {
    let system = call.kernel.world.system;
    let (mirror, folder) = if system.is_debian() {
        ("deb.debian.org", "debian")
    } else {
        ("archive.ubuntu.com", "ubuntu")
    };
    let name = system.codename;
    let moments = vec![
        later(0, format!("Ign:1 http://{mirror}/{folder} {name} InRelease\n"), false),
        later(
            4_000,
            format!(
                "Err:1 http://{mirror}/{folder} {name} InRelease\n  Temporary failure resolving '{mirror}'\n"
            ),
            false,
        ),
        later(500, "Reading package lists... Done\n".to_owned(), false),
        later(
            0,
            format!(
                "W: Failed to fetch http://{mirror}/{folder}/dists/{name}/InRelease  Temporary failure resolving '{mirror}'\nW: Some index files failed to download. They have been ignored, or old ones used instead.\n"
            ),
            true,
        ),
    ];
    Finish::Slow(moments, 0)
}

fn apt_install(call: &Call<'_>, names: &[String]) -> Finish {
    let known = super::super::packages(call.kernel.world.system);
    let version =
        |name: &String| known.iter().find(|(found, _)| found == name).map(|(_, version)| *version);
    let mut moments = vec![later(600, LISTS.to_owned(), false)];
    let missing: Vec<&String> = names.iter().filter(|name| version(name).is_none()).collect();
    if missing.is_empty() {
        moments.extend(names.iter().map(|name| {
            later(
                0,
                format!(
                    "{name} is already the newest version ({}).\n",
                    version(name).unwrap_or_default()
                ),
                false,
            )
        }));
        moments.push(later(0, NOTHING.to_owned(), false));
        return Finish::Slow(moments, 0);
    }
    moments.extend(
        missing
            .iter()
            .map(|name| later(100, format!("E: Unable to locate package {name}\n"), true)),
    );
    Finish::Slow(moments, 100)
}

pub(super) fn ssh(call: &mut Call<'_>) -> Finish {
    let given = match call.leading_options("vVqNfTtp:i:o:l:L:R:D:46ACXYbcFJmn", &[], 255) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    if given.has(b'V') {
        let version = call.kernel.world.system.openssh;
        call.err(format!("{version}\n").as_bytes());
        return Finish::Status(0);
    }
    let Some(host) = given.rest.first().map(|host| String::from_utf8_lossy(host).into_owned())
    else {
        call.err(b"usage: ssh [-46AaCfGgKkMNnqsTtVvXxYy] [-B bind_interface] [-b bind_address]\n           [-c cipher_spec] [-D [bind_address:]port] [-E log_file]\n           [-e escape_char] [-F configfile] [-I pkcs11] [-i identity_file]\n           [-J destination] [-L address] [-l login_name] [-m mac_spec]\n           [-O ctl_cmd] [-o option] [-p port] [-R address] [-S ctl_path]\n           [-W host:port] [-w local_tun[:remote_tun]] destination [command [argument ...]]\n");
        return Finish::Status(255);
    };
    call.kernel.note("ssh", host.as_bytes());
    let host = host.rsplit('@').next().unwrap_or_default().to_owned();
    let port = given.text(b'p').unwrap_or_else(|| "22".to_owned());
    Finish::Slow(
        vec![later(
            5_000,
            format!("ssh: connect to host {host} port {port}: Connection timed out\n"),
            true,
        )],
        255,
    )
}

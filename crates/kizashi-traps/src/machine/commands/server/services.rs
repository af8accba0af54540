//! systemd's commands: `systemctl`, `service`, `journalctl` and their kin, over the daemons that the machine has.
//!
//! A visitor's own unit files are seen; nothing is started or stopped, the daemons being what the whole installation shares. Texts are
//! those of systemd 252 and init-system-helpers 1.65.

use std::fmt::Write as _;

use super::super::{Call, Finish};
use crate::machine::files::Who;
use crate::machine::world::calendar;

/// A service that is installed.
struct Service {
    name: &'static str,
    description: &'static str,
    /// The daemon that belongs to it; none for one that ran once.
    daemon: Option<&'static str>,
}

const SERVICES: [Service; 14] = [
    Service { name: "apache2", description: "The Apache HTTP Server", daemon: Some("apache2") },
    Service {
        name: "cron",
        description: "Regular background program processing daemon",
        daemon: Some("cron"),
    },
    Service { name: "dbus", description: "D-Bus System Message Bus", daemon: Some("dbus-daemon") },
    Service { name: "getty@tty1", description: "Getty on tty1", daemon: Some("agetty") },
    Service { name: "inetd", description: "Internet superserver", daemon: Some("inetd") },
    Service { name: "networking", description: "Raise network interfaces", daemon: None },
    Service {
        name: "nginx",
        description: "A high performance web server and a reverse proxy server",
        daemon: Some("nginx"),
    },
    Service { name: "rsyslog", description: "System Logging Service", daemon: Some("rsyslogd") },
    Service { name: "ssh", description: "OpenBSD Secure Shell server", daemon: Some("sshd") },
    Service {
        name: "systemd-journald",
        description: "Journal Service",
        daemon: Some("systemd-journal"),
    },
    Service {
        name: "systemd-logind",
        description: "User Login Management",
        daemon: Some("systemd-logind"),
    },
    Service {
        name: "systemd-timesyncd",
        description: "Network Time Synchronization",
        daemon: Some("systemd-timesyn"),
    },
    Service {
        name: "systemd-udevd",
        description: "Rule-based Manager for Device Events and Files",
        daemon: Some("systemd-udevd"),
    },
    Service {
        name: "unattended-upgrades",
        description: "Unattended Upgrades Shutdown",
        daemon: Some("unattended-upgr"),
    },
];

fn text(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

/// A unit's whole name.
fn unit(word: &[u8]) -> String {
    let name = text(word);
    if [".service", ".target", ".timer", ".socket", ".mount"]
        .iter()
        .any(|kind| name.ends_with(kind))
    {
        name
    } else {
        format!("{name}.service")
    }
}

/// The services of this machine.
fn installed(call: &Call<'_>) -> Vec<&'static Service> {
    let runs = |daemon: &str| call.kernel.world.daemons.iter().any(|found| found.name == daemon);
    SERVICES.iter().filter(|service| service.daemon.is_none_or(runs)).collect()
}

fn find(call: &Call<'_>, unit: &str) -> Option<&'static Service> {
    let name = unit.strip_suffix(".service")?;
    let name = if name == "sshd" { "ssh" } else { name };
    installed(call).into_iter().find(|service| service.name == name)
}

/// Whether the visitor wrote a unit file of this name.
fn has_file(call: &Call<'_>, unit: &str) -> bool {
    ["/etc/systemd/system", "/usr/lib/systemd/system"].iter().any(|folder| {
        call.kernel.files.find(format!("{folder}/{unit}").as_bytes(), true, Who::ROOT).is_ok()
    })
}

pub(super) fn systemctl(call: &mut Call<'_>) -> Finish {
    let mut words: Vec<Vec<u8>> = Vec::new();
    let mut property = None;
    let mut arguments = call.arguments().iter();
    while let Some(word) = arguments.next() {
        match &word[..] {
            b"-p" | b"-t" | b"-n" | b"-o" | b"-H" | b"--property" | b"--type" => {
                let value = arguments.next().map(|value| text(value));
                property = if word == b"-p" { value } else { property };
            }
            b"--version" => {
                let version = call.kernel.world.system.systemd;
                call.line(&format!("systemd {version}\n+PAM +AUDIT +SELINUX +APPARMOR +IMA +SMACK +SECCOMP +GCRYPT -GNUTLS +OPENSSL +ACL +BLKID +CURL +ELFUTILS +FIDO2 +IDN2 -IDN +IPTC +KMOD +LIBCRYPTSETUP +LIBFDISK +PCRE2 -PWQUALITY +P11KIT +QRENCODE +TPM2 +BZIP2 +LZ4 +XZ +ZLIB +ZSTD -BPF_FRAMEWORK -XKBCOMMON +UTMP +SYSVINIT default-hierarchy=unified"));
                return Finish::Status(0);
            }
            [b'-', ..] => {}
            _ => words.push(word.clone()),
        }
    }
    let verb = words.first().map_or_else(|| "list-units".to_owned(), |word| text(word));
    let units: Vec<String> = words.iter().skip(1).map(|word| unit(word)).collect();
    match &verb[..] {
        "list-units" | "list-unit-files" => list(call, &verb, &units),
        "status" if units.is_empty() => machine_status(call),
        "status" => units.iter().fold(Finish::Status(0), |_, unit| status(call, unit)),
        "is-active" | "is-failed" => is_active(call, &units),
        "is-enabled" => is_enabled(call, &units),
        "show" => show(call, &units, property.as_deref()),
        "cat" => cat(call, &units),
        "get-default" => said(call, "graphical.target"),
        "is-system-running" => said(call, "running"),
        "daemon-reload" | "daemon-reexec" | "reset-failed" | "set-default" => Finish::Status(0),
        "start" | "stop" | "restart" | "reload" | "try-restart" | "kill" => {
            change(call, &verb, &units)
        }
        "enable" | "disable" | "mask" | "unmask" => enable(call, &verb, &units),
        "reboot" | "poweroff" | "halt" => Finish::Ends,
        _ => {
            call.err(format!("Unknown command verb {verb}.\n").as_bytes());
            Finish::Status(1)
        }
    }
}

fn said(call: &mut Call<'_>, word: &str) -> Finish {
    call.line(word);
    Finish::Status(0)
}

fn list(call: &mut Call<'_>, verb: &str, units: &[String]) -> Finish {
    let services: Vec<_> = installed(call)
        .into_iter()
        .filter(|service| units.is_empty() || units.contains(&format!("{}.service", service.name)))
        .collect();
    if verb == "list-unit-files" {
        let width = services.iter().map(|service| service.name.len() + 8).max().unwrap_or(9).max(9);
        call.line(&format!("{:<width$} STATE   PRESET", "UNIT FILE"));
        for service in &services {
            call.line(&format!("{:<width$} enabled enabled", format!("{}.service", service.name)));
        }
        call.line(&format!("\n{} unit files listed.", services.len()));
        return Finish::Status(0);
    }
    let width = services.iter().map(|service| service.name.len() + 8).max().unwrap_or(4).max(4);
    call.line(&format!("  {:<width$} LOAD   ACTIVE SUB     DESCRIPTION", "UNIT"));
    for service in &services {
        let state = if service.daemon.is_some() { "running" } else { "exited" };
        call.line(&format!(
            "  {:<width$} loaded active {state:<7} {}",
            format!("{}.service", service.name),
            service.description
        ));
    }
    call.line(&format!("\nLOAD   = Reflects whether the unit definition was properly loaded.\nACTIVE = The high-level unit activation state, i.e. generalization of SUB.\nSUB    = The low-level unit activation state, values depend on unit type.\n{} loaded units listed. Pass --all to see loaded but inactive units, too.\nTo show all installed unit files use 'systemctl list-unit-files'.", services.len()));
    Finish::Status(0)
}

fn machine_status(call: &mut Call<'_>) -> Finish {
    let host = call.kernel.world.host.clone();
    let since = when(call.kernel.world.boot(call.kernel.now()));
    call.line(&format!("● {host}\n    State: running\n    Units: 238 loaded (incl. loaded aliases)\n     Jobs: 0 queued\n   Failed: 0 units\n    Since: {since}; {} ago", ago(call)));
    Finish::Status(0)
}

/// `Sat 2026-11-28 12:38:05 UTC`.
fn when(seconds: i64) -> String {
    let time = calendar(seconds);
    format!(
        "{} {}-{:02}-{:02} {:02}:{:02}:{:02} UTC",
        time.short_day(),
        time.year,
        time.month,
        time.day,
        time.hour,
        time.minute,
        time.second
    )
}

/// How long the machine is up, in systemd's words.
fn ago(call: &Call<'_>) -> String {
    let (seconds, _) = call.kernel.world.uptime(call.kernel.now());
    let (months, days, hours, minutes) = (
        seconds / 2_629_800,
        seconds % 2_629_800 / 86_400,
        seconds / 3_600 % 24,
        seconds / 60 % 60,
    );
    let plural =
        |count: i64, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    if months > 0 {
        format!("{} {}", plural(months, "month"), plural(days, "day"))
    } else if seconds > 7 * 86_400 {
        format!(
            "{} {}",
            plural(seconds / 604_800, "week"),
            plural(seconds % 604_800 / 86_400, "day")
        )
    } else if days > 0 {
        plural(days, "day")
    } else if hours > 0 {
        format!("{hours}h {minutes}min")
    } else {
        format!("{minutes}min {}s", seconds % 60)
    }
}

fn status(call: &mut Call<'_>, unit: &str) -> Finish {
    let Some(service) = find(call, unit) else {
        if has_file(call, unit) {
            call.line(&format!("○ {unit}\n     Loaded: loaded (/etc/systemd/system/{unit}; disabled; preset: enabled)\n     Active: inactive (dead)"));
            return Finish::Status(3);
        }
        call.err(format!("Unit {unit} could not be found.\n").as_bytes());
        return Finish::Status(4);
    };
    let boot = call.kernel.world.boot(call.kernel.now());
    let daemon = service.daemon.and_then(|name| {
        call.kernel.world.daemons.iter().find(|daemon| daemon.name == name).cloned()
    });
    let start = daemon.as_ref().map_or(4, |daemon| i64::from(daemon.after));
    let state = if daemon.is_some() { "running" } else { "exited" };
    let mut shown = format!(
        "● {0}.service - {1}\n     Loaded: loaded (/lib/systemd/system/{0}.service; enabled; preset: enabled)\n     Active: active ({state}) since {2}; {3} ago\n",
        service.name,
        service.description,
        when(boot + start),
        ago(call)
    );
    if let Some(daemon) = daemon {
        let _ = writeln!(shown, "   Main PID: {} ({})", daemon.number, daemon.name);
        let _ = writeln!(
            shown,
            "      Tasks: 1 (limit: 2306)\n     Memory: {}.{}M\n        CPU: 1.{:03}s",
            daemon.resident_kb / 1_024,
            daemon.resident_kb % 1_024 / 103,
            daemon.number % 1_000
        );
        let _ = writeln!(
            shown,
            "     CGroup: /system.slice/{}.service\n             └─{} {}",
            service.name,
            daemon.number,
            if daemon.command.contains(':') {
                format!("\"{}\"", daemon.command)
            } else {
                daemon.command.to_owned()
            }
        );
    }
    call.out(shown.as_bytes());
    Finish::Status(0)
}

fn is_active(call: &mut Call<'_>, units: &[String]) -> Finish {
    let mut any = false;
    for unit in units {
        let active = find(call, unit).is_some() || unit.ends_with(".target");
        any |= active;
        call.line(if active { "active" } else { "inactive" });
    }
    Finish::Status(if any { 0 } else { 3 })
}

fn is_enabled(call: &mut Call<'_>, units: &[String]) -> Finish {
    let mut status = 1;
    for unit in units {
        if find(call, unit).is_some() {
            call.line("enabled");
            status = 0;
        } else if has_file(call, unit) {
            call.line("disabled");
        } else {
            call.err(
                format!("Failed to get unit file state for {unit}: No such file or directory\n")
                    .as_bytes(),
            );
        }
    }
    Finish::Status(status)
}

fn show(call: &mut Call<'_>, units: &[String], property: Option<&str>) -> Finish {
    for unit in units {
        let service = find(call, unit);
        let daemon = service
            .and_then(|service| service.daemon)
            .and_then(|name| call.kernel.world.daemons.iter().find(|daemon| daemon.name == name));
        let active = service.is_some();
        let all = [
            ("Id", unit.clone()),
            ("LoadState", if active { "loaded" } else { "not-found" }.to_owned()),
            ("ActiveState", if active { "active" } else { "inactive" }.to_owned()),
            (
                "SubState",
                if daemon.is_some() {
                    "running"
                } else if active {
                    "exited"
                } else {
                    "dead"
                }
                .to_owned(),
            ),
            ("MainPID", daemon.map_or(0, |daemon| daemon.number).to_string()),
            ("UnitFileState", if active { "enabled" } else { "" }.to_owned()),
        ];
        let wanted =
            |name: &str| property.is_none_or(|list| list.split(',').any(|one| one == name));
        for (name, value) in all.iter().filter(|(name, _)| wanted(name)) {
            call.line(&format!("{name}={value}"));
        }
    }
    Finish::Status(0)
}

fn cat(call: &mut Call<'_>, units: &[String]) -> Finish {
    for unit in units {
        let path = format!("/etc/systemd/system/{unit}");
        if let Ok(bytes) = call.read(path.as_bytes()) {
            call.line(&format!("# {path}"));
            call.out(&bytes);
        } else if let Some(service) = find(call, unit) {
            call.line(&format!("# /lib/systemd/system/{unit}\n[Unit]\nDescription={}\n\n[Service]\nKillMode=process\n\n[Install]\nWantedBy=multi-user.target", service.description));
        } else {
            call.err(format!("No files found for {unit}.\n").as_bytes());
            return Finish::Status(1);
        }
    }
    Finish::Status(0)
}

fn change(call: &mut Call<'_>, verb: &str, units: &[String]) -> Finish {
    if units.is_empty() {
        call.err(b"Too few arguments.\n");
        return Finish::Status(1);
    }
    if !call.who.is_root() {
        call.err(format!("Failed to {verb} {}: Interactive authentication required.\nSee system logs and 'systemctl status {}' for details.\n", units[0], units[0]).as_bytes());
        return Finish::Status(4);
    }
    let mut status = 0;
    for unit in units {
        if find(call, unit).is_none() && !has_file(call, unit) {
            let missing = if matches!(verb, "stop" | "kill") { "loaded" } else { "found" };
            call.err(format!("Failed to {verb} {unit}: Unit {unit} not {missing}.\n").as_bytes());
            status = 5;
        }
    }
    Finish::Status(status)
}

fn enable(call: &mut Call<'_>, verb: &str, units: &[String]) -> Finish {
    for unit in units {
        if find(call, unit).is_some() {
            continue;
        }
        if !has_file(call, unit) {
            call.err(
                format!("Failed to {verb} unit: Unit file {unit} does not exist.\n").as_bytes(),
            );
            return Finish::Status(1);
        }
        let link = format!("/etc/systemd/system/multi-user.target.wants/{unit}");
        if verb == "enable" {
            call.err(format!("Created symlink {link} → /etc/systemd/system/{unit}.\n").as_bytes());
        }
    }
    Finish::Status(0)
}

pub(super) fn service(call: &mut Call<'_>) -> Finish {
    let words = call.arguments().to_vec();
    match &words[..] {
        [] => {
            call.err(b"Usage: service < option > | --status-all | [ service_name [ command | --full-restart ] ]\n");
            Finish::Status(1)
        }
        [all, ..] if all == b"--status-all" => {
            for service in installed(call) {
                call.line(&format!(" [ + ]  {}", service.name));
            }
            Finish::Status(0)
        }
        [name, verb, ..] => by_script(call, name, verb),
        [name] => {
            let name = text(name);
            call.err(format!("Usage: /etc/init.d/{name} {{start|stop|reload|force-reload|restart|try-restart|status}}\n").as_bytes());
            Finish::Status(1)
        }
    }
}

fn by_script(call: &mut Call<'_>, name: &[u8], verb: &[u8]) -> Finish {
    let unit = unit(name);
    match verb {
        b"status" => status(call, &unit),
        _ => change(call, &text(verb), &[unit]),
    }
}

pub(super) fn journalctl(call: &mut Call<'_>) -> Finish {
    let longs = [
        ("unit", b'u'),
        ("lines", b'n'),
        ("follow", b'f'),
        ("no-pager", b'q'),
        ("boot", b'b'),
        ("since", b'S'),
        ("vacuum-time", b'V'),
        ("vacuum-size", b'V'),
        ("rotate", b'R'),
        ("dmesg", b'k'),
        ("priority", b'p'),
        ("disk-usage", b'D'),
    ];
    let given = match super::options_without_hint(call, "u:n:fqbS:VRkp:Dxero:", &longs) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let known = given.value(b'u').is_none_or(|name| find(call, &unit(name)).is_some());
    let log = if known {
        call.kernel.read_path(b"/", b"/var/log/syslog", Who::ROOT).unwrap_or_default()
    } else {
        Vec::new()
    };
    let lines: Vec<&[u8]> =
        log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    if given.has(b'V') || given.has(b'R') {
        return Finish::Status(0);
    }
    if lines.is_empty() {
        call.line("-- No entries --");
        return Finish::Status(0);
    }
    let count =
        given.number(b'n').and_then(|count| usize::try_from(count).ok()).unwrap_or(lines.len());
    for line in lines.iter().skip(lines.len().saturating_sub(count)) {
        call.out(&[line, &b"\n"[..]].concat());
    }
    Finish::Status(0)
}

pub(super) fn hostnamectl(call: &mut Call<'_>) -> Finish {
    let given = match super::options_without_hint(
        call,
        "HMt",
        &[("static", b't'), ("transient", b't'), ("pretty", b't')],
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let world = std::sync::Arc::clone(&call.kernel.world);
    if given.has(b't') || given.rest.first().is_some_and(|word| word == b"hostname") {
        return said(call, &world.host);
    }
    let number = |place| world.draw("machine id").number(place);
    let rows = [
        ("Static hostname", world.host.clone()),
        ("Icon name", "computer-vm".to_owned()),
        ("Chassis", "vm 🖴".to_owned()),
        ("Machine ID", format!("{:016x}{:016x}", number(0), number(1))),
        ("Boot ID", format!("{:016x}{:016x}", number(2), number(3))),
        ("Virtualization", "kvm".to_owned()),
        ("Operating System", world.system.pretty.to_owned()),
        ("Kernel", format!("Linux {}", world.system.kernel)),
        ("Architecture", "x86-64".to_owned()),
        ("Hardware Vendor", "QEMU".to_owned()),
        ("Hardware Model", "Standard PC _i440FX + PIIX, 1996_".to_owned()),
    ];
    // Names end at one column, as systemd's tables have them.
    for (name, value) in rows {
        call.line(&format!("{name:>16}: {value}"));
    }
    Finish::Status(0)
}

pub(super) fn timedatectl(call: &mut Call<'_>) -> Finish {
    if let Err(finish) = super::options_without_hint(call, "HMap:", &[("no-pager", b'a')]) {
        return finish;
    }
    let now = call.kernel.seconds();
    let time = when(now);
    let bare = time.trim_end_matches(" UTC");
    call.line(&format!("               Local time: {time}\n           Universal time: {time}\n                 RTC time: {bare}\n                Time zone: Etc/UTC (UTC, +0000)\nSystem clock synchronized: yes\n              NTP service: active\n          RTC in local TZ: no"));
    Finish::Status(0)
}

pub(super) fn runlevel(call: &mut Call<'_>) -> Finish {
    said(call, "N 5")
}

/// `loginctl`, `localectl` and others that bots hardly use: their errors, and nothing.
pub(super) fn quiet(call: &mut Call<'_>) -> Finish {
    match super::options_without_hint(call, "qvH:M:pr", &[("no-pager", b'q'), ("quiet", b'q')]) {
        Ok(_) => Finish::Status(0),
        Err(finish) => finish,
    }
}

pub(super) fn detect_virt(call: &mut Call<'_>) -> Finish {
    match super::options_without_hint(
        call,
        "cvqr",
        &[("container", b'c'), ("vm", b'v'), ("quiet", b'q')],
    ) {
        Ok(given) if given.has(b'c') => {
            call.line("none");
            Finish::Status(1)
        }
        Ok(_) => said(call, "kvm"),
        Err(finish) => finish,
    }
}

/// `shutdown`, `reboot` and `init` with their words.
pub(super) fn shutdown(call: &mut Call<'_>) -> Finish {
    match super::options_without_hint(
        call,
        "hrPHckfpw",
        &[("help", b'?'), ("halt", b'H'), ("poweroff", b'P'), ("reboot", b'r'), ("no-wall", b'w')],
    ) {
        Ok(given) if given.has(b'c') => Finish::Status(0),
        Ok(_) => Finish::Ends,
        Err(finish) => finish,
    }
}

pub(super) fn init(call: &mut Call<'_>) -> Finish {
    match call.arguments().first().map(|word| &word[..]) {
        None => {
            let name = text(call.base_name());
            call.err(format!("{name}: required argument missing.\n").as_bytes());
            Finish::Status(1)
        }
        Some(b"0" | b"6") => Finish::Ends,
        Some(_) => Finish::Status(0),
    }
}

pub(super) fn update_rc(call: &mut Call<'_>) -> Finish {
    let Some(name) =
        call.arguments().iter().find(|word| word.first() != Some(&b'-')).map(|word| text(word))
    else {
        call.err(b"update-rc.d: error: not enough arguments\n");
        return Finish::Status(1);
    };
    if call.kernel.files.find(format!("/etc/init.d/{name}").as_bytes(), true, call.who).is_err()
        && find(call, &unit(name.as_bytes())).is_none()
    {
        call.err(format!("update-rc.d: error: unable to read /etc/init.d/{name}\n").as_bytes());
        return Finish::Status(1);
    }
    Finish::Status(0)
}

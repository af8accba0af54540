//! Packages: `dpkg`, `apt`, `lsb_release`. Bots ask what is there and install what they need, which no mirror gives them here.

use super::super::{Call, Finish, Moment};
use super::installed_packages as packages;
use std::time::Duration;

fn text(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

/// What a package is, in dpkg's words.
fn summary(package: &str) -> &'static str {
    match package {
        "adduser" => "add and remove users and groups",
        "apt" => "commandline package manager",
        "base-files" => "Debian base system miscellaneous files",
        "bash" => "GNU Bourne Again SHell",
        "coreutils" => "GNU core utilities",
        "cron" => "process scheduling daemon",
        "curl" => "command line tool for transferring data with URL syntax",
        "dash" => "POSIX-compliant shell",
        "dpkg" => "Debian package management system",
        "openssh-server" => "secure shell (SSH) server, for secure access from remote machines",
        "perl" => "Larry Wall's Practical Extraction and Report Language",
        "python3" => "interactive high-level object-oriented language (default python3 version)",
        "sudo" => "Provide limited super user privileges to specific users",
        "systemd" => "system and service manager",
        "wget" => "retrieves files from the web",
        _ => "part of the system",
    }
}

pub(super) fn dpkg(call: &mut Call<'_>) -> Finish {
    let words: Vec<String> = call.arguments().iter().map(|word| text(word)).collect();
    let names = &words[1.min(words.len())..];
    match words.first().map(String::as_str) {
        Some("-l" | "--list") => list(call, names),
        Some("-s" | "--status") => status(call, names),
        Some("-S" | "--search") => search(call, names),
        Some("--print-architecture") => {
            call.line("amd64");
            Finish::Status(0)
        }
        Some("--get-selections") => {
            for (name, _) in packages(call.kernel.world.system) {
                call.line(&format!("{name}\t\t\t\t\t\tinstall"));
            }
            Finish::Status(0)
        }
        Some("--version") => {
            call.line("Debian 'dpkg' package management program version 1.21.22 (amd64).\nThis is free software; see the GNU General Public License version 2 or\nlater for copying conditions. There is NO warranty.");
            Finish::Status(0)
        }
        Some("--configure" | "--audit" | "-C") => Finish::Status(0),
        Some("-i" | "--install") => {
            for name in names {
                let path = name.clone().into_bytes();
                if let Err(fault) = call.read(&path) {
                    call.err(
                        format!("dpkg: error: cannot access archive '{name}': {fault}\n")
                            .as_bytes(),
                    );
                    return Finish::Status(2);
                }
                call.err(format!("dpkg-deb: error: '{name}' is not a Debian format archive\ndpkg: error processing archive {name} (--install):\n dpkg-deb --control subprocess returned error exit status 2\nErrors were encountered while processing:\n {name}\n").as_bytes());
            }
            Finish::Status(1)
        }
        _ => {
            call.err(b"dpkg: error: need an action option\n\nType dpkg --help for help about installing and deinstalling packages [*];\nUse 'apt' or 'aptitude' for user-friendly package management;\nType dpkg -Dhelp for a list of dpkg debug flag values;\nType dpkg --force-help for a list of forcing options;\nType dpkg-deb --help for help about manipulating *.deb files;\n\nOptions marked [*] produce a lot of output - pipe it through 'less' or 'more' !\n");
            Finish::Status(2)
        }
    }
}

fn list(call: &mut Call<'_>, names: &[String]) -> Finish {
    let all = packages(call.kernel.world.system);
    let chosen: Vec<_> = all
        .into_iter()
        .filter(|(name, _)| {
            names.is_empty()
                || names.iter().any(|wanted| {
                    wanted.trim_matches('*') == *name
                        || wanted.contains('*') && name.contains(wanted.trim_matches('*'))
                })
        })
        .collect();
    for name in names
        .iter()
        .filter(|name| !name.contains('*') && chosen.iter().all(|(found, _)| found != name))
    {
        call.err(format!("dpkg-query: no packages found matching {name}\n").as_bytes());
    }
    if chosen.is_empty() {
        return Finish::Status(1);
    }
    let width = |of: fn(&(&'static str, &'static str)) -> usize, least: usize| {
        chosen.iter().map(of).max().unwrap_or(least).max(least)
    };
    let (name_width, version_width) =
        (width(|(name, _)| name.len(), 14), width(|(_, version)| version.len(), 12));
    call.line("Desired=Unknown/Install/Remove/Purge/Hold\n| Status=Not/Inst/Conf-files/Unpacked/halF-conf/Half-inst/trig-aWait/Trig-pend\n|/ Err?=(none)/Reinst-required (Status,Err: uppercase=bad)");
    call.line(&format!(
        "||/ {:<name_width$} {:<version_width$} Architecture Description",
        "Name", "Version"
    ));
    call.line(&format!(
        "+++-{}-{}-============-=================================",
        "=".repeat(name_width),
        "=".repeat(version_width)
    ));
    for (name, version) in &chosen {
        call.line(&format!(
            "ii  {name:<name_width$} {version:<version_width$} amd64        {}",
            summary(name)
        ));
    }
    Finish::Status(0)
}

fn status(call: &mut Call<'_>, names: &[String]) -> Finish {
    let all = packages(call.kernel.world.system);
    let mut code = 0;
    for name in names {
        let Some((_, version)) = all.iter().find(|(found, _)| found == name) else {
            call.err(format!("dpkg-query: package '{name}' is not installed and no information is available\nUse dpkg --info (= dpkg-deb --info) to examine archive files.\n").as_bytes());
            code = 1;
            continue;
        };
        let essential =
            if ["bash", "coreutils", "dash", "dpkg", "base-files"].contains(&name.as_str()) {
                "Essential: yes\n"
            } else {
                ""
            };
        call.line(&format!("Package: {name}\n{essential}Status: install ok installed\nPriority: optional\nSection: admin\nInstalled-Size: 7164\nArchitecture: amd64\nVersion: {version}\nDescription: {}", summary(name)));
    }
    Finish::Status(code)
}

fn search(call: &mut Call<'_>, names: &[String]) -> Finish {
    let mut code = 0;
    for path in names {
        let known = call.kernel.files.find(path.as_bytes(), true, call.who).is_ok();
        let name = path.rsplit('/').next().unwrap_or_default();
        let package = match name {
            "bash" | "curl" | "wget" | "dash" | "sudo" | "dpkg" => name,
            "ps" | "top" | "free" | "kill" => "procps",
            "sshd" => "openssh-server",
            "ssh" | "scp" => "openssh-client",
            "grep" | "sed" | "tar" | "gzip" | "findutils" => name,
            _ => "coreutils",
        };
        if known && path.starts_with('/') {
            call.line(&format!("{package}: {path}"));
        } else {
            call.err(format!("dpkg-query: no path found matching pattern {path}\n").as_bytes());
            code = 1;
        }
    }
    Finish::Status(code)
}

pub(super) fn dpkg_query(call: &mut Call<'_>) -> Finish {
    let words: Vec<String> = call.arguments().iter().map(|word| text(word)).collect();
    let format = words
        .iter()
        .find_map(|word| word.strip_prefix("-f=").or_else(|| word.strip_prefix("--showformat=")))
        .map(str::to_owned);
    let names: Vec<String> = words.iter().filter(|word| !word.starts_with('-')).cloned().collect();
    if words.iter().any(|word| word == "-l" || word == "--list") {
        return list(call, &names);
    }
    if words.iter().any(|word| word == "-s") {
        return status(call, &names);
    }
    let all = packages(call.kernel.world.system);
    let mut code = 0;
    for name in &names {
        if all.iter().all(|(found, _)| found != name) {
            call.err(format!("dpkg-query: no packages found matching {name}\n").as_bytes());
            code = 1;
        }
    }
    for (name, version) in all
        .into_iter()
        .filter(|(name, _)| names.is_empty() || names.iter().any(|wanted| wanted == name))
    {
        let line = match &format {
            Some(format) => format
                .replace("\\n", "\n")
                .replace("\\t", "\t")
                .replace("${Package}", name)
                .replace("${Version}", version)
                .replace("${Status}", "install ok installed")
                .replace("${binary:Package}", name),
            None => format!("{name}\t{version}\n"),
        };
        call.out(line.as_bytes());
    }
    Finish::Status(code)
}

const APT_GET: &str = "apt 2.6.1 (amd64)\nUsage: apt-get [options] command\n       apt-get [options] install|remove pkg1 [pkg2 ...]\n       apt-get [options] source pkg1 [pkg2 ...]\n\napt-get is a command line interface for retrieval of packages\nand information about them from authenticated sources and\nfor installation, upgrade and removal of packages together\nwith their dependencies.\n\nMost used commands:\n  update - Retrieve new lists of packages\n  upgrade - Perform an upgrade\n  install - Install new packages (pkg is libc6 not libc6.deb)\n  reinstall - Reinstall packages (pkg is libc6 not libc6.deb)\n  remove - Remove packages\n  purge - Remove packages and config files\n  autoremove - Remove automatically all unused packages\n  dist-upgrade - Distribution upgrade, see apt-get(8)\n  dselect-upgrade - Follow dselect selections\n  build-dep - Configure build-dependencies for source packages\n  satisfy - Satisfy dependency strings\n  clean - Erase downloaded archive files\n  autoclean - Erase old downloaded archive files\n  check - Verify that there are no broken dependencies\n  source - Download source archives\n  download - Download the binary package into the current directory\n  changelog - Download and display the changelog for the given package\n\nSee apt-get(8) for more information about the available commands.\nConfiguration options and syntax is detailed in apt.conf(5).\nInformation about how to configure sources can be found in sources.list(5).\nPackage and version choices can be expressed via apt_preferences(5).\nSecurity details are available in apt-secure(8).\n                                        This APT has Super Cow Powers.\n";

pub(super) fn apt(call: &mut Call<'_>) -> Finish {
    let tool = text(call.base_name());
    let words: Vec<String> = call.arguments().iter().map(|word| text(word)).collect();
    let mut names = words.iter().filter(|word| !word.starts_with('-'));
    if let Some(option) =
        words.iter().find(|word| word.starts_with("--no-such") || *word == "--nosuch")
    {
        let text = format!(
            "Command line option {option} is not understood in combination with the other options"
        );
        call.err(
            if tool == "apt" {
                format!("\x1b[1;31mE: \x1b[0m{text}\x1b[0m\n")
            } else {
                format!("E: {text}\n")
            }
            .as_bytes(),
        );
        return Finish::Status(100);
    }
    let verb = names.next().cloned();
    let names: Vec<String> = names.cloned().collect();
    if tool == "apt" && !call.terminal && !matches!(verb.as_deref(), None | Some("help")) {
        call.err(b"\nWARNING: apt does not have a stable CLI interface. Use with caution in scripts.\n\n");
    }
    match verb.as_deref() {
        None => {
            call.out(APT_GET.replace("apt-get", &tool).as_bytes());
            Finish::Status(u8::from(tool == "apt-get"))
        }
        Some("update") => update(call),
        Some("install" | "reinstall" | "remove" | "purge") => install(call, &names),
        Some("list") => {
            call.line("Listing...");
            let codename = call.kernel.world.system.codename;
            for (name, version) in packages(call.kernel.world.system) {
                call.line(&format!("{name}/{codename},now {version} amd64 [installed]"));
            }
            Finish::Status(0)
        }
        Some(
            "upgrade" | "dist-upgrade" | "full-upgrade" | "autoremove" | "clean" | "autoclean"
            | "check",
        ) => {
            call.line("Reading package lists...\nBuilding dependency tree...\nReading state information...\nCalculating upgrade...\n0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.");
            Finish::Status(0)
        }
        Some("search" | "show" | "policy" | "showhold" | "hold" | "unhold" | "showmanual") => {
            Finish::Status(0)
        }
        Some(other) => {
            call.err(format!("E: Invalid operation {other}\n").as_bytes());
            Finish::Status(100)
        }
    }
}

fn refused(call: &mut Call<'_>) -> Finish {
    call.err(b"E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)\nE: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), are you root?\n");
    Finish::Status(100)
}

fn update(call: &mut Call<'_>) -> Finish {
    if !call.who.is_root() {
        return refused(call);
    }
    let system = call.kernel.world.system;
    let (host, path) = if system.is_debian() {
        ("deb.debian.org", "debian")
    } else {
        ("archive.ubuntu.com", "ubuntu")
    };
    let lines = [
        format!("Ign:1 http://{host}/{path} {} InRelease\n", system.codename),
        format!(
            "Err:1 http://{host}/{path} {} InRelease\n  Temporary failure resolving '{host}'\n",
            system.codename
        ),
        "Reading package lists...\n".to_owned(),
    ];
    let mut moments: Vec<Moment> = lines
        .into_iter()
        .map(|text| Moment {
            after: Duration::from_millis(4_000),
            text: text.into_bytes(),
            error: false,
        })
        .collect();
    let warning = format!(
        "W: Failed to fetch http://{host}/{path}/dists/{}/InRelease  Temporary failure resolving '{host}'\nW: Some index files failed to download. They have been ignored, or old ones used instead.\n",
        system.codename
    );
    moments.push(Moment {
        after: Duration::from_millis(200),
        text: warning.into_bytes(),
        error: true,
    });
    Finish::Slow(moments, 0)
}

fn install(call: &mut Call<'_>, names: &[String]) -> Finish {
    if !call.who.is_root() {
        return refused(call);
    }
    call.line(
        "Reading package lists...\nBuilding dependency tree...\nReading state information...",
    );
    let all = packages(call.kernel.world.system);
    let mut code = 0;
    for name in names {
        if let Some((_, version)) = all.iter().find(|(found, _)| found == name) {
            call.line(&format!("{name} is already the newest version ({version})."));
        } else {
            call.err(format!("E: Unable to locate package {name}\n").as_bytes());
            code = 100;
        }
    }
    if code == 0 {
        call.line("0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.");
    }
    Finish::Status(code)
}

pub(super) fn lsb_release(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "vidrcas",
        &[
            ("id", b'i'),
            ("description", b'd'),
            ("release", b'r'),
            ("codename", b'c'),
            ("all", b'a'),
            ("short", b's'),
        ],
        2,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let system = call.kernel.world.system;
    if !system.is_debian() || given.has(b'v') || !b"idrca".iter().any(|letter| given.has(*letter)) {
        call.err(b"No LSB modules are available.\n");
    }
    let short_name = system.name.split(' ').next().unwrap_or_default();
    let rows = [
        (b'i', "Distributor ID", short_name),
        (b'd', "Description", system.pretty),
        (b'r', "Release", system.version_id),
        (b'c', "Codename", system.codename),
    ];
    for (letter, name, value) in rows {
        if given.has(letter) || given.has(b'a') {
            call.line(&if given.has(b's') {
                value.to_owned()
            } else {
                format!("{name}:\t{value}")
            });
        }
    }
    Finish::Status(0)
}

pub(super) fn alternatives(call: &mut Call<'_>) -> Finish {
    let words: Vec<String> = call.arguments().iter().map(|word| text(word)).collect();
    match &words[..] {
        [verb, name, ..] if verb == "--list" || verb == "--display" => {
            call.err(
                format!("update-alternatives: error: no alternatives for {name}\n").as_bytes(),
            );
            Finish::Status(2)
        }
        [] => {
            call.err(b"update-alternatives: need --display, --query, --list, --get-selections, --config, --set, --set-selections, --install, --remove, --all, --remove-all or --auto\n\nUse 'update-alternatives --help' for program usage information.\n");
            Finish::Status(2)
        }
        _ => Finish::Status(0),
    }
}

//! What programs do: one function a command, files by theme. A command is given its words, its input and the visitor's view of the
//! machine; it answers with output, errors and a status, or with what must come next (another command, a pause, a question).

mod awk;
mod call;
mod encoding;
mod files;
pub(crate) mod meter;
mod options;
mod output;
pub(crate) mod regex;
mod server;
mod system;
mod text;

use std::time::Duration;

pub(crate) use call::{Answers, Call, Input, Said};
pub(super) use files::links;
pub(crate) use options::Given;
pub(crate) use server::iptables::Filter;
pub(crate) use text::Page;

use super::files::Who;
use super::kernel::Kernel;
use super::program::Architecture;
use super::shell::Kind;
use super::signal::Signal;
use super::world::{Dialect, System};

/// Where a program stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// `/usr/bin` of a server, `/bin` of a device.
    Usual,
    /// `/usr/sbin`, `/sbin`.
    Administration,
    /// `/usr/bin` of both.
    Other,
}

/// On which machines a program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    Both,
    Server,
    Device,
}

/// A program.
#[derive(Clone, Copy)]
pub(crate) struct Command {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&mut Call<'_>) -> Finish,
    pub(crate) place: Place,
    pub(crate) on: On,
}

/// On both kinds of machine, in the usual place.
const fn usual(name: &'static str, run: fn(&mut Call<'_>) -> Finish) -> Command {
    Command { name, run, place: Place::Usual, on: On::Both }
}

/// On both, in `/usr/bin`.
const fn other(name: &'static str, run: fn(&mut Call<'_>) -> Finish) -> Command {
    Command { name, run, place: Place::Other, on: On::Both }
}

/// On both, for administrators.
const fn administration(name: &'static str, run: fn(&mut Call<'_>) -> Finish) -> Command {
    Command { name, run, place: Place::Administration, on: On::Both }
}

/// On servers alone.
const fn server(name: &'static str, run: fn(&mut Call<'_>) -> Finish) -> Command {
    Command { name, run, place: Place::Usual, on: On::Server }
}

/// On devices alone.
const fn device(name: &'static str, run: fn(&mut Call<'_>) -> Finish) -> Command {
    Command { name, run, place: Place::Usual, on: On::Device }
}

/// What comes after a command's function.
pub(crate) enum Finish {
    Status(u8),
    /// Input goes to output until its end.
    Stream,
    Sleep(Duration),
    /// Output that takes its time, then the status.
    Slow(Vec<Moment>, u8),
    /// The same command goes on in its next turn.
    Further(Further),
    /// Another command in this one's place.
    Replace(Replacement),
    /// Commands one after the other.
    Each(Vec<Vec<Vec<u8>>>),
    /// A text that is looked at page by page.
    Page(Box<Page>),
    /// A shell, by this command's words.
    Shell,
    Ask(Box<Question>),
    /// A shell of another account's.
    Become {
        who: Account,
        command: Option<Vec<u8>>,
        login: bool,
    },
    /// The session ends, as when the machine goes down.
    Ends,
    /// This signal goes to all that runs at the console.
    KillGroup(Signal),
    /// The shell that runs this command gets this signal.
    KillShell(Signal),
}

/// How a command goes on.
pub(crate) type Further = Box<dyn FnOnce(&mut Call<'_>) -> Finish + Send>;

/// A piece of output after a pause.
pub(crate) struct Moment {
    pub(crate) after: Duration,
    pub(crate) text: Vec<u8>,
    pub(crate) error: bool,
}

/// Another command.
pub(crate) struct Replacement {
    pub(crate) words: Vec<Vec<u8>>,
    pub(crate) set: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) who: Option<Who>,
}

/// What answers do.
pub(crate) type Answered = Box<dyn FnOnce(&mut Kernel, &[Vec<u8>]) -> (Vec<u8>, u8) + Send>;

/// Prompts, and what their answers do: text for the terminal and a status.
pub(crate) struct Question {
    pub(crate) prompts: Vec<Vec<u8>>,
    pub(crate) then: Answered,
}

/// A line of `/etc/passwd`.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) name: Vec<u8>,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) home: Vec<u8>,
    pub(crate) shell: Vec<u8>,
}

const THEMES: &[&[Command]] = &[
    output::COMMANDS,
    text::COMMANDS,
    text::FILTERS,
    awk::COMMANDS,
    encoding::COMMANDS,
    files::LISTING,
    files::CHANGING,
    files::COPYING,
    system::COMMANDS,
    system::NETWORK,
    system::SHELLS,
    server::SERVICES,
    server::PACKAGES,
    server::ACCOUNTS,
    server::NETWORK,
    server::HARDWARE,
    server::OTHERS,
];

fn all() -> impl Iterator<Item = &'static Command> {
    THEMES.iter().flat_map(|theme| theme.iter())
}

/// The programs of a machine, and where they stand.
pub(crate) fn programs(dialect: Dialect) -> impl Iterator<Item = (&'static str, Place)> {
    let absent = if dialect == Dialect::BusyBox { On::Server } else { On::Device };
    all().filter(move |command| command.on != absent).map(|command| (command.name, command.place))
}

/// The program of this name.
pub(crate) fn named(name: &[u8]) -> Option<&'static str> {
    all().find(|command| command.name.as_bytes() == name).map(|command| command.name)
}

/// Whether BusyBox has an applet of this name.
pub(crate) fn is_applet(name: &[u8]) -> bool {
    applet(name).is_some()
}

fn applet(name: &[u8]) -> Option<&'static Command> {
    all().find(|command| {
        command.name.as_bytes() == name && command.on != On::Server && command.name != "busybox"
    })
}

/// Runs a program by its name.
pub(crate) fn run(program: &str, call: &mut Call<'_>) -> Finish {
    if program == "busybox" {
        return busybox(call);
    }
    match all().find(|command| command.name == program && command.on != On::Device) {
        Some(command) => (command.run)(call),
        None => Finish::Status(0),
    }
}

/// BusyBox, by the name it is called by or by its first word.
fn busybox(call: &mut Call<'_>) -> Finish {
    call.dialect = Dialect::BusyBox;
    let own = call.base_name().to_vec();
    if own != b"busybox" {
        return match applet(&own) {
            Some(command) => (command.run)(call),
            None => not_an_applet(call, &own),
        };
    }
    call.words = &call.words[1..];
    let Some(name) = call.words.first().cloned() else {
        call.words = BUSYBOX;
        return busybox_usage(call);
    };
    match &name[..] {
        b"--list" | b"--list-full" => {
            let mut names: Vec<&str> = all()
                .filter(|command| command.on != On::Server)
                .map(|command| command.name)
                .collect();
            names.sort_unstable();
            names.dedup();
            call.out((names.join("\n") + "\n").as_bytes());
            Finish::Status(0)
        }
        b"--help" => busybox_usage(call),
        b"busybox" => busybox(call),
        _ => match applet(super::files::base_name(&name)) {
            Some(command) => (command.run)(call),
            None => not_an_applet(call, &name),
        },
    }
}

const BUSYBOX: &[Vec<u8>] = &[];

fn not_an_applet(call: &mut Call<'_>, name: &[u8]) -> Finish {
    call.err(&[name, b": applet not found\n"].concat());
    Finish::Status(127)
}

fn busybox_usage(call: &mut Call<'_>) -> Finish {
    let mut names: Vec<&str> =
        all().filter(|command| command.on != On::Server).map(|command| command.name).collect();
    names.sort_unstable();
    names.dedup();
    let mut text = format!(
        "{}\nBusyBox is copyrighted by many authors between 1998-2012.\nLicensed under GPLv2. See source distribution for detailed\ncopyright notices.\n\nUsage: busybox [function [arguments]...]\n   or: busybox --list\n   or: function [arguments]...\n\n\tBusyBox is a multi-call binary that combines many common Unix\n\tutilities into a single executable.  Most people will create a\n\tlink to busybox for each function they wish to use and BusyBox\n\twill act like whatever it was invoked as.\n\nCurrently defined functions:\n",
        call.kernel.world.system.busybox
    );
    let mut line = String::from("\t");
    for (place, name) in names.iter().enumerate() {
        let piece = if place + 1 < names.len() { format!("{name}, ") } else { (*name).to_owned() };
        if line.len() + piece.len() > 70 {
            text.push_str(line.trim_end());
            text.push('\n');
            line = String::from("\t");
        }
        line.push_str(&piece);
    }
    text.push_str(&line);
    text.push_str("\n\n");
    call.out(text.as_bytes());
    Finish::Status(0)
}

/// Whether a shell of this kind runs the command itself.
pub(crate) fn is_shells_own(name: &[u8], kind: Kind) -> bool {
    match name {
        b"echo" | b"printf" | b"test" | b"[" | b"true" | b"false" | b"pwd" | b"kill" => true,
        b"[[" => kind == Kind::Ash,
        _ => false,
    }
}

/// Whether an ELF is one for this machine.
pub(crate) fn is_for(elf: &[u8], architecture: Architecture) -> bool {
    let (class, order, machine) = architecture.number();
    let Some([low, high]) = elf.get(18..20).and_then(|bytes| <[u8; 2]>::try_from(bytes).ok())
    else {
        return false;
    };
    let found = if elf.get(5) == Some(&2) {
        u16::from_be_bytes([low, high])
    } else {
        u16::from_le_bytes([low, high])
    };
    // x86-64 runs i386 as well.
    (elf.get(4) == Some(&class) && elf.get(5) == Some(&order) && found == machine)
        || (machine == 62 && found == 3)
}

/// The text of `/var/lib/dpkg/status`.
pub(crate) fn package_status(system: &System) -> String {
    let row = |(name, version): (&str, &str)| {
        format!(
            "Package: {name}\nStatus: install ok installed\nPriority: optional\nArchitecture: amd64\nVersion: {version}\n\n"
        )
    };
    packages(system).into_iter().map(row).collect()
}

/// Names and versions.
type Packages = &'static [(&'static str, &'static str)];

const DEBIAN_11: Packages = &[
    ("adduser", "3.118+deb11u1"),
    ("apt", "2.2.4"),
    ("base-files", "11.1+deb11u11"),
    ("bash", "5.1-2+deb11u1"),
    ("coreutils", "8.32-4+b1"),
    ("cron", "3.0pl1-137"),
    ("curl", "7.74.0-1.3+deb11u13"),
    ("dash", "0.5.11+git20200708+dd9ef66-5"),
    ("dpkg", "1.20.13"),
    ("openssh-server", "1:8.4p1-5+deb11u7"),
    ("perl", "5.32.1-4+deb11u3"),
    ("python3", "3.9.2-3"),
    ("sudo", "1.9.5p2-3+deb11u1"),
    ("systemd", "247.3-7+deb11u5"),
    ("wget", "1.21-1+deb11u1"),
];
const DEBIAN_12: Packages = &[
    ("adduser", "3.134"),
    ("apt", "2.6.1"),
    ("base-files", "12.4+deb12u8"),
    ("bash", "5.2.15-2+b7"),
    ("coreutils", "9.1-1"),
    ("cron", "3.0pl1-162"),
    ("curl", "7.88.1-10+deb12u8"),
    ("dash", "0.5.12-2"),
    ("dpkg", "1.21.22"),
    ("openssh-server", "1:9.2p1-2+deb12u10"),
    ("perl", "5.36.0-7+deb12u1"),
    ("python3", "3.11.2-1+b1"),
    ("sudo", "1.9.13p3-1+deb12u1"),
    ("systemd", "252.31-1~deb12u1"),
    ("wget", "1.21.3-1+b2"),
];
const UBUNTU_20: Packages = &[
    ("adduser", "3.118ubuntu2"),
    ("apt", "2.0.10"),
    ("base-files", "11ubuntu5.8"),
    ("bash", "5.0-6ubuntu1.2"),
    ("coreutils", "8.30-3ubuntu2"),
    ("cron", "3.0pl1-136ubuntu1"),
    ("curl", "7.68.0-1ubuntu2.25"),
    ("dash", "0.5.10.2-6"),
    ("dpkg", "1.19.7ubuntu3.2"),
    ("openssh-server", "1:8.2p1-4ubuntu0.13"),
    ("perl", "5.30.0-9ubuntu0.5"),
    ("python3", "3.8.2-0ubuntu2"),
    ("sudo", "1.8.31-1ubuntu1.5"),
    ("systemd", "245.4-4ubuntu3.24"),
    ("wget", "1.20.3-1ubuntu2.1"),
];
const UBUNTU_22: Packages = &[
    ("adduser", "3.118ubuntu5"),
    ("apt", "2.4.15ubuntu0.1"),
    ("base-files", "12ubuntu4.7"),
    ("bash", "5.1-6ubuntu1.1"),
    ("coreutils", "8.32-4.1ubuntu1.4"),
    ("cron", "3.0pl1-137ubuntu3"),
    ("curl", "7.81.0-1ubuntu1.30"),
    ("dash", "0.5.11+git20210903+057cd650a4ed-3build1"),
    ("dpkg", "1.21.1ubuntu2.6"),
    ("openssh-server", "1:8.9p1-3ubuntu0.18"),
    ("perl", "5.34.0-3ubuntu1.10"),
    ("python3", "3.10.6-1~22.04.1"),
    ("sudo", "1.9.9-1ubuntu2.7"),
    ("systemd", "249.11-0ubuntu3.23"),
    ("wget", "1.21.2-2ubuntu1.5"),
];
const UBUNTU_24: Packages = &[
    ("adduser", "3.137ubuntu1"),
    ("apt", "2.7.14build2"),
    ("base-files", "13ubuntu10.1"),
    ("bash", "5.2.21-2ubuntu4"),
    ("coreutils", "9.4-3ubuntu6"),
    ("cron", "3.0pl1-184ubuntu2"),
    ("curl", "8.5.0-2ubuntu10.5"),
    ("dash", "0.5.12-6ubuntu5"),
    ("dpkg", "1.22.6ubuntu6.1"),
    ("openssh-server", "1:9.6p1-3ubuntu13.20"),
    ("perl", "5.38.2-3.2build2"),
    ("python3", "3.12.3-0ubuntu2"),
    ("sudo", "1.9.15p5-3ubuntu5"),
    ("systemd", "255.4-1ubuntu8.4"),
    ("wget", "1.21.4-1ubuntu4.1"),
];

/// Packages that are installed, with their versions.
pub(crate) fn packages(system: &System) -> Vec<(&'static str, &'static str)> {
    let packages = match system.version_id {
        "11" => DEBIAN_11,
        "12" => DEBIAN_12,
        "20.04" => UBUNTU_20,
        "22.04" => UBUNTU_22,
        _ => UBUNTU_24,
    };
    packages.to_vec()
}

impl Kernel {
    /// An account by its name, as `/etc/passwd` now has it.
    pub(crate) fn account(&mut self, name: &[u8]) -> Option<Account> {
        self.accounts().into_iter().find(|account| account.name == name)
    }

    pub(crate) fn accounts(&mut self) -> Vec<Account> {
        let text = self.read_path(b"/", b"/etc/passwd", Who::ROOT).unwrap_or_default();
        text.split(|byte| *byte == b'\n').filter_map(account_of).collect()
    }

    /// A user's name by his number.
    pub(crate) fn user_name(&mut self, uid: u32) -> Vec<u8> {
        if uid == 0 {
            return b"root".to_vec();
        }
        let found = self.accounts().into_iter().find(|account| account.uid == uid);
        found.map_or_else(|| uid.to_string().into_bytes(), |account| account.name)
    }

    /// A group's name by its number.
    pub(crate) fn group_name(&mut self, gid: u32) -> Vec<u8> {
        if gid == 0 {
            return b"root".to_vec();
        }
        self.groups()
            .into_iter()
            .find(|(_, number, _)| *number == gid)
            .map_or_else(|| gid.to_string().into_bytes(), |(name, ..)| name)
    }

    /// Name, number and members of each group.
    pub(crate) fn groups(&mut self) -> Vec<(Vec<u8>, u32, Vec<Vec<u8>>)> {
        let text = self.read_path(b"/", b"/etc/group", Who::ROOT).unwrap_or_default();
        let group = |line: &[u8]| {
            let mut fields = line.split(|byte| *byte == b':');
            let name = fields.next()?.to_vec();
            let number = std::str::from_utf8(fields.nth(1)?).ok()?.parse().ok()?;
            let members = fields
                .next()
                .unwrap_or_default()
                .split(|byte| *byte == b',')
                .filter(|member| !member.is_empty())
                .map(<[u8]>::to_vec);
            Some((name, number, members.collect()))
        };
        text.split(|byte| *byte == b'\n').filter_map(group).collect()
    }
}

fn account_of(line: &[u8]) -> Option<Account> {
    let fields: Vec<&[u8]> = line.split(|byte| *byte == b':').collect();
    let [name, _, uid, gid, _, home, shell] = fields[..] else { return None };
    let number = |text: &[u8]| std::str::from_utf8(text).ok()?.parse().ok();
    Some(Account {
        name: name.to_vec(),
        uid: number(uid)?,
        gid: number(gid)?,
        home: home.to_vec(),
        shell: shell.to_vec(),
    })
}

#[cfg(test)]
mod tests;

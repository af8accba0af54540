//! Commands that only servers have, beside those of the other themes: services, packages, accounts, tables of cron, the network by
//! iproute2, what the machine is made of, remote shells, and interpreters as far as one-liners go.

mod accounts;
mod hardware;
pub(crate) mod iptables;
mod network;
mod packages;
mod python;
mod reach;
mod remote;
mod schedule;
mod scripts;
mod services;
mod small;
mod stty;
mod terminal;

use super::options::Given;
use super::{Call, Command, Finish, On, Place, packages as installed_packages, server};
use crate::machine::files::Who;

/// On servers, for administrators.
const fn admin(name: &'static str, run: fn(&mut Call<'_>) -> Finish) -> Command {
    Command { name, run, place: Place::Administration, on: On::Server }
}

pub(super) const SERVICES: &[Command] = &[
    server("systemctl", services::systemctl),
    admin("service", services::service),
    server("journalctl", services::journalctl),
    server("hostnamectl", services::hostnamectl),
    server("timedatectl", services::timedatectl),
    server("loginctl", services::quiet),
    server("systemd-detect-virt", services::detect_virt),
    admin("runlevel", services::runlevel),
    admin("shutdown", services::shutdown),
    admin("init", services::init),
    admin("telinit", services::init),
    admin("update-rc.d", services::update_rc),
    server("crontab", schedule::crontab),
    server("at", schedule::at),
];

pub(super) const PACKAGES: &[Command] = &[
    server("dpkg", packages::dpkg),
    server("dpkg-query", packages::dpkg_query),
    server("apt", packages::apt),
    server("apt-get", packages::apt),
    server("apt-cache", packages::apt),
    server("apt-mark", packages::apt),
    server("lsb_release", packages::lsb_release),
    server("update-alternatives", packages::alternatives),
];

pub(super) const ACCOUNTS: &[Command] = &[
    admin("useradd", accounts::useradd),
    admin("userdel", accounts::userdel),
    admin("usermod", accounts::usermod),
    admin("groupadd", accounts::groupadd),
    admin("adduser", accounts::adduser),
    server("chage", accounts::chage),
    server("getent", accounts::getent),
    server("lastlog", accounts::lastlog),
    server("lastb", accounts::lastb),
    server("logname", accounts::logname),
    admin("visudo", accounts::visudo),
];

pub(super) const NETWORK: &[Command] = &[
    server("ip", network::ip),
    server("ss", network::ss),
    server("ping", reach::ping),
    server("nslookup", reach::lookup),
    server("dig", reach::lookup),
    server("host", reach::lookup),
    server("traceroute", reach::traceroute),
    admin("iptables", iptables::iptables),
    server("nc", reach::nc),
    server("ssh", remote::ssh),
    server("scp", remote::scp),
    server("ssh-keygen", remote::keygen),
    admin("sshd", remote::sshd),
];

pub(super) const HARDWARE: &[Command] = &[
    server("lspci", hardware::lspci),
    server("lsblk", hardware::lsblk),
    admin("fdisk", hardware::fdisk),
    admin("blkid", hardware::blkid),
    server("vmstat", hardware::vmstat),
    admin("sysctl", hardware::sysctl),
    server("getconf", hardware::getconf),
    admin("modprobe", hardware::modprobe),
    admin("lsmod", hardware::lsmod),
    admin("dmidecode", hardware::dmidecode),
    admin("swapon", hardware::nothing),
    admin("swapoff", hardware::nothing),
    server("locale", hardware::locale),
];

pub(super) const OTHERS: &[Command] = &[
    server("tty", terminal::tty),
    server("nsenter", terminal::nsenter),
    admin("capsh", terminal::capsh),
    server("stty", stty::stty),
    server("tput", terminal::tput),
    server("mesg", terminal::mesg),
    server("write", terminal::write),
    server("wall", terminal::wall),
    server("logger", terminal::logger),
    server("screen", terminal::screen),
    server("script", terminal::script),
    server("vi", terminal::editor),
    server("vim", terminal::editor),
    server("nano", terminal::editor),
    server("man", terminal::man),
    server("lsof", small::lsof),
    server("fuser", small::fuser),
    server("pstree", small::pstree),
    server("renice", small::renice),
    server("ionice", small::prefix),
    server("taskset", small::prefix),
    admin("chroot", small::chroot),
    server("shuf", small::shuf),
    server("join", small::join),
    server("expand", small::expand),
    server("unexpand", small::expand),
    server("factor", small::factor),
    server("numfmt", small::numfmt),
    server("namei", small::namei),
    server("fallocate", small::fallocate),
    server("ldd", small::ldd),
    server("cpio", small::cpio),
    server("python3", python::python),
    server("perl", scripts::perl),
    server("openssl", scripts::openssl),
];

/// Options, where a wrong one is told without the line that points to the help.
fn options_without_hint(
    call: &mut Call<'_>,
    letters: &str,
    longs: &[(&str, u8)],
) -> Result<Given, Finish> {
    let mut inner =
        Call::new(call.kernel, call.words, call.folder, call.who, super::Input::Bytes(Vec::new()));
    let given = inner.options(letters, longs, 1);
    let said = inner.into_said().0;
    given.map_err(|_| {
        let first = said.bytes.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
        call.err(first);
        Finish::Status(1)
    })
}

/// Writes a whole file of the machine's, as root.
fn put(call: &mut Call<'_>, path: &[u8], bytes: &[u8]) {
    put_from(call, b"/", path, bytes);
}

fn put_from(call: &mut Call<'_>, folder: &[u8], path: &[u8], bytes: &[u8]) {
    // What does not fit is lost, as on a full disk.
    let opened = call.kernel.open_for_writing(folder, path, false, 0o600, Who::ROOT);
    let _ = opened.and_then(|(node, path)| call.kernel.write(node, 0, bytes, &path));
}

fn set_mode(call: &mut Call<'_>, path: &[u8], mode: u16, uid: u32, gid: u32) {
    if let Ok(id) = call.kernel.files.find(path, true, Who::ROOT)
        && let Ok(node) = call.kernel.files.change(id)
    {
        (node.mode, node.uid, node.gid) = (mode, uid, gid);
    }
}

fn make_folder(call: &mut Call<'_>, path: &[u8], mode: u16, uid: u32, gid: u32) {
    let now = call.kernel.seconds();
    let made = call
        .kernel
        .files
        .place(path, true, Who::ROOT)
        .and_then(|place| call.kernel.files.create_folder(&place, mode, Who::ROOT, now));
    if made.is_ok() {
        set_mode(call, path, mode, uid, gid);
    }
}

fn remove(call: &mut Call<'_>, path: &[u8]) {
    let now = call.kernel.seconds();
    let place = call.kernel.files.place(path, false, Who::ROOT);
    let _ = place.and_then(|place| call.kernel.files.remove(&place, Who::ROOT, now));
}

fn base64(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&super::encoding::encode(bytes)).trim_end_matches('=').to_owned()
}

fn from_base64(text: &[u8]) -> Vec<u8> {
    super::encoding::decode(text, true).0
}

/// A checksum by its name: `md5`, `sha1`, `sha256`, `sha512`.
fn digest(name: &str, bytes: &[u8]) -> Option<String> {
    ["md5", "sha1", "sha256", "sha512"]
        .contains(&name)
        .then(|| super::encoding::digest_of(format!("{name}sum").as_bytes(), bytes))
}

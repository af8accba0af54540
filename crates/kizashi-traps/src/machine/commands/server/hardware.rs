//! What a machine is made of and how it is set: `lspci`, `lsblk`, `vmstat`, `sysctl`, `getconf`, `modprobe`. Miners look for graphics cards
//! and ask for huge pages.

use super::super::{Call, Finish};
use crate::machine::files::Who;

fn text(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

pub(super) fn lspci(call: &mut Call<'_>) -> Finish {
    if let Err(finish) = call.options("nvkmtbDs:d:xqi", &[], 1) {
        return finish;
    }
    call.line("00:00.0 Host bridge: Intel Corporation 440FX - 82441FX PMC [Natoma] (rev 02)\n00:01.0 ISA bridge: Intel Corporation 82371SB PIIX3 ISA [Natoma/Triton II]\n00:01.1 IDE interface: Intel Corporation 82371SB PIIX3 IDE [Natoma/Triton II]\n00:01.3 Bridge: Intel Corporation 82371AB/EB/MB PIIX4 ACPI (rev 03)\n00:02.0 Display controller: Red Hat, Inc. Virtio 1.0 GPU (rev 01)\n00:03.0 Ethernet controller: Red Hat, Inc. Virtio network device\n00:04.0 SCSI storage controller: Red Hat, Inc. Virtio block device\n00:05.0 Unclassified device [00ff]: Red Hat, Inc. Virtio memory balloon");
    Finish::Status(0)
}

pub(super) fn lsblk(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "adnfo:lpbSmt",
        &[("nodeps", b'd'), ("noheadings", b'n'), ("output", b'o'), ("fs", b'f')],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    for name in &given.rest {
        if ![&b"/dev/vda"[..], b"/dev/vda1", b"vda"].contains(&&name[..]) {
            let shown = text(name);
            return call.fail(&format!("{shown}: not a block device"), 32);
        }
    }
    let gigabytes = call.kernel.world.hardware.disk_kb / 1_048_576;
    if !given.has(b'n') {
        call.line("NAME   MAJ:MIN RM  SIZE RO TYPE MOUNTPOINTS");
    }
    call.line(&format!("vda    254:0    0 {:>4}G  0 disk ", gigabytes + 1));
    if !given.has(b'd') {
        call.line(&format!("└─vda1 254:1    0 {gigabytes:>4}G  0 part /"));
    }
    Finish::Status(0)
}

/// `fdisk`, `blkid`, `hdparm`: asked of a device that is not there.
pub(super) fn fdisk(call: &mut Call<'_>) -> Finish {
    let given = match call.options("lus:o:", &[("list", b'l')], 1) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    if let Some(path) = given
        .rest
        .first()
        .filter(|path| call.kernel.files.find(&call.path(path), true, call.who).is_err())
    {
        let shown = text(path);
        return call.fail(&format!("cannot open {shown}: No such file or directory"), 1);
    }
    let kb = call.kernel.world.hardware.disk_kb;
    call.line(&format!("Disk /dev/vda: {} GiB, {} bytes, {} sectors\nUnits: sectors of 1 * 512 = 512 bytes\nSector size (logical/physical): 512 bytes / 512 bytes\nI/O size (minimum/optimal): 512 bytes / 512 bytes\nDisklabel type: gpt", kb / 1_048_576, kb * 1_024, kb * 2));
    Finish::Status(0)
}

pub(super) fn blkid(call: &mut Call<'_>) -> Finish {
    if call.arguments().iter().any(|word| word.starts_with(b"/") && word != b"/dev/vda1") {
        return Finish::Status(2);
    }
    let id = call.kernel.world.disk_id();
    call.line(&format!(
        "/dev/vda1: UUID=\"{id}\" BLOCK_SIZE=\"4096\" TYPE=\"ext4\" PARTUUID=\"{}\"",
        &id[..8.min(id.len())]
    ));
    Finish::Status(0)
}

pub(super) fn vmstat(call: &mut Call<'_>) -> Finish {
    if let Err(finish) = call.options("afmnsdDp:S:twVy", &[], 1) {
        return finish;
    }
    let memory = call.kernel.memory();
    call.line("procs -----------memory---------- ---swap-- -----io---- -system-- ------cpu-----\n r  b   swpd   free   buff  cache   si   so    bi    bo   in   cs us sy id wa st");
    call.line(&format!(
        " 1  0      0 {:>6} {:>6} {:>6}    0    0     3    14   41   66  0  0 99  0  0",
        memory.free,
        memory.buffers,
        memory.cached + memory.reclaimable
    ));
    Finish::Status(0)
}

pub(super) fn sysctl(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "anwpqeNbA",
        &[
            ("all", b'a'),
            ("values", b'n'),
            ("write", b'w'),
            ("load", b'p'),
            ("quiet", b'q'),
            ("system", b'p'),
        ],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    if given.has(b'p') {
        return load(call, given.rest.first().map_or(b"/etc/sysctl.conf", |path| &path[..]));
    }
    let mut status = 0;
    for word in &given.rest {
        let (name, value) = match word.iter().position(|byte| *byte == b'=') {
            Some(place) => (text(&word[..place]), Some(text(&word[place + 1..]))),
            None => (text(word), None),
        };
        if !setting(
            call,
            name.trim(),
            value.as_deref().map(str::trim),
            given.has(b'n'),
            given.has(b'q'),
        ) {
            status = 1;
        }
    }
    Finish::Status(status)
}

/// Shows or sets one; whether it is there.
fn setting(call: &mut Call<'_>, name: &str, value: Option<&str>, bare: bool, quiet: bool) -> bool {
    let path = format!("/proc/sys/{}", name.replace('.', "/"));
    let known = call.kernel.read_path(b"/", path.as_bytes(), Who::ROOT).ok();
    // Of those that miners set, some are not among the files.
    let known = known.or_else(|| {
        (name == "vm.nr_hugepages" || name == "vm.swappiness").then(|| b"0\n".to_vec())
    });
    let Some(old) = known else {
        call.complain(&format!("cannot stat {path}: No such file or directory"));
        return false;
    };
    if value.is_some() && !call.who.is_root() {
        call.complain(&format!("permission denied on key \"{name}\""));
        return false;
    }
    let old = text(&old);
    let shown = value.unwrap_or_else(|| old.trim_end());
    if bare {
        call.line(shown);
    } else if !quiet {
        call.line(&format!("{name} = {shown}"));
    }
    true
}

fn load(call: &mut Call<'_>, path: &[u8]) -> Finish {
    let Ok(file) = call.read(path) else {
        let shown = text(path);
        return call.fail(&format!("cannot open \"{shown}\": No such file or directory"), 255);
    };
    for line in text(&file).lines().filter(|line| !line.trim_start().starts_with(['#', ';'])) {
        if let Some((name, value)) = line.split_once('=') {
            setting(call, name.trim(), Some(value.trim()), false, false);
        }
    }
    Finish::Status(0)
}

pub(super) fn getconf(call: &mut Call<'_>) -> Finish {
    let Some(name) = call.arguments().first().map(|word| text(word)) else {
        call.err(b"Usage: getconf [-v specification] variable_name [pathname]\n       getconf -a [pathname]\n");
        return Finish::Status(2);
    };
    let processors = call.kernel.world.hardware.processors.to_string();
    let pages = (call.kernel.world.hardware.memory_kb / 4).to_string();
    let value = match name.as_str() {
        "LONG_BIT" => "64",
        "PAGESIZE" | "PAGE_SIZE" => "4096",
        "_NPROCESSORS_ONLN" | "_NPROCESSORS_CONF" => processors.as_str(),
        "_PHYS_PAGES" => pages.as_str(),
        "ARG_MAX" => "2097152",
        "CLK_TCK" => "100",
        "GNU_LIBC_VERSION" => "glibc 2.36",
        "PATH" => "/bin:/usr/bin",
        "NAME_MAX" => "255",
        "OPEN_MAX" => "1024",
        _ => {
            call.err(format!("getconf: Unrecognized variable `{name}'\n").as_bytes());
            return Finish::Status(2);
        }
    };
    call.line(value);
    Finish::Status(0)
}

pub(super) fn modprobe(call: &mut Call<'_>) -> Finish {
    let name =
        call.arguments().iter().find(|word| word.first() != Some(&b'-')).map(|word| text(word));
    let Some(name) = name else {
        call.err(b"modprobe: ERROR: missing parameters. See -h.\n");
        return Finish::Status(1);
    };
    if !call.who.is_root() {
        call.err(
            format!("modprobe: ERROR: could not insert '{name}': Operation not permitted\n")
                .as_bytes(),
        );
        return Finish::Status(1);
    }
    if [
        "msr",
        "tun",
        "fuse",
        "loop",
        "overlay",
        "br_netfilter",
        "ip_tables",
        "xt_conntrack",
        "cpuid",
    ]
    .contains(&name.as_str())
    {
        return Finish::Status(0);
    }
    let kernel = call.kernel.world.system.kernel;
    call.err(
        format!("modprobe: FATAL: Module {name} not found in directory /lib/modules/{kernel}\n")
            .as_bytes(),
    );
    Finish::Status(1)
}

pub(super) fn lsmod(call: &mut Call<'_>) -> Finish {
    call.line("Module                  Size  Used by\nbinfmt_misc            28672  1\nvirtio_balloon         24576  0\nevdev                  28672  2\nsg                     40960  0\nfuse                  176128  1\nip_tables              36864  0\nx_tables               61440  1 ip_tables\next4                  995328  1\nvirtio_net             73728  0\nvirtio_blk             28672  2\nvirtio_pci             24576  0");
    Finish::Status(0)
}

pub(super) fn dmidecode(call: &mut Call<'_>) -> Finish {
    let keyword =
        call.arguments().windows(2).find(|pair| pair[0] == b"-s").map(|pair| text(&pair[1]));
    match keyword.as_deref() {
        Some("system-manufacturer") => call.line("QEMU"),
        Some("system-product-name") => call.line("Standard PC (i440FX + PIIX, 1996)"),
        Some("bios-vendor") => call.line("SeaBIOS"),
        Some(other) => {
            call.err(format!("Invalid string keyword: {other}\nValid string keywords are:\n  bios-vendor\n  bios-version\n  bios-release-date\n  system-manufacturer\n  system-product-name\n  system-version\n  system-serial-number\n  system-uuid\n").as_bytes());
            return Finish::Status(2);
        }
        None => call.line("# dmidecode 3.4\nGetting SMBIOS data from sysfs.\nSMBIOS 2.8 present.\n9 structures occupying 446 bytes."),
    }
    Finish::Status(0)
}

/// `swapon --show` and `swapoff -a` of a machine without swap.
pub(super) fn nothing(_: &mut Call<'_>) -> Finish {
    Finish::Status(0)
}

pub(super) fn locale(call: &mut Call<'_>) -> Finish {
    let language = call.variable(b"LANG").map_or_else(|| "C.UTF-8".to_owned(), text);
    if call.arguments().first().is_some_and(|word| word == b"-a") {
        call.line("C\nC.utf8\nPOSIX");
        return Finish::Status(0);
    }
    call.line(&format!("LANG={language}\nLANGUAGE="));
    for name in [
        "CTYPE",
        "NUMERIC",
        "TIME",
        "COLLATE",
        "MONETARY",
        "MESSAGES",
        "PAPER",
        "NAME",
        "ADDRESS",
        "TELEPHONE",
        "MEASUREMENT",
        "IDENTIFICATION",
    ] {
        call.line(&format!("LC_{name}=\"{language}\""));
    }
    call.line("LC_ALL=");
    Finish::Status(0)
}

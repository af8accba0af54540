//! Devices, disks, modules and settings of the kernel's.

use super::{Call, Finish};
use crate::machine::files::Who;

pub(super) fn lspci(call: &mut Call<'_>) -> Finish {
    for line in [
        "00:00.0 Host bridge: Intel Corporation 440FX - 82441FX PMC [Natoma] (rev 02)",
        "00:01.0 ISA bridge: Intel Corporation 82371SB PIIX3 ISA [Natoma/Triton II]",
        "00:01.1 IDE interface: Intel Corporation 82371SB PIIX3 IDE [Natoma/Triton II]",
        "00:01.3 Bridge: Intel Corporation 82371AB/EB/MB PIIX4 ACPI (rev 03)",
        "00:02.0 VGA compatible controller: Cirrus Logic GD 5446",
        "00:03.0 Ethernet controller: Red Hat, Inc. Virtio network device",
        "00:04.0 SCSI storage controller: Red Hat, Inc. Virtio block device",
        "00:05.0 Unclassified device [00ff]: Red Hat, Inc. Virtio memory balloon",
    ] {
        call.line(line);
    }
    Finish::Status(0)
}

pub(super) fn lsusb(call: &mut Call<'_>) -> Finish {
    call.line("Bus 001 Device 001: ID 1d6b:0001 Linux Foundation 1.1 root hub");
    Finish::Status(0)
}

/// A size as `lsblk` writes it.
fn gigabytes(kb: u64) -> String {
    let tenths = kb * 10 / 1_048_576;
    if tenths % 10 == 0 {
        format!("{}G", tenths / 10)
    } else {
        format!("{}.{}G", tenths / 10, tenths % 10)
    }
}

pub(super) fn lsblk(call: &mut Call<'_>) -> Finish {
    let kb = call.kernel.world.hardware.disk_kb;
    call.line("NAME   MAJ:MIN RM  SIZE RO TYPE MOUNTPOINTS");
    let size = gigabytes(kb + 20_000);
    call.line(&format!("vda    254:0    0 {size:>5}  0 disk "));
    let size = gigabytes(kb);
    call.line(&format!("└─vda1 254:1    0 {size:>5}  0 part /"));
    Finish::Status(0)
}

pub(super) fn blkid(call: &mut Call<'_>) -> Finish {
    let id = call.kernel.world.disk_id();
    call.line(&format!(
        "/dev/vda1: UUID=\"{id}\" BLOCK_SIZE=\"4096\" TYPE=\"ext4\" PARTUUID=\"{}-01\"",
        &id[..8]
    ));
    Finish::Status(0)
}

pub(super) fn fdisk(call: &mut Call<'_>) -> Finish {
    let lists = call.arguments().iter().any(|word| word == b"-l");
    if !call.who.is_root() {
        return call.fail("cannot open /dev/vda: Permission denied", 1);
    }
    if !lists {
        return call.usage("[-ul] [-C CYLINDERS] [-H HEADS] [-S SECTORS] [-b SSZ] DISK");
    }
    if call.is_busybox() {
        return Finish::Status(0);
    }
    let sectors = call.kernel.world.hardware.disk_kb * 2;
    let identifier = call.kernel.world.disk_id();
    let size = sectors as f64 / 2_097_152.0;
    call.line(&format!("Disk /dev/vda: {size:.2} GiB, {} bytes, {} sectors\nUnits: sectors of 1 * 512 = 512 bytes\nSector size (logical/physical): 512 bytes / 512 bytes\nI/O size (minimum/optimal): 512 bytes / 512 bytes\nDisklabel type: dos\nDisk identifier: 0x{}\n\nDevice     Boot Start      End  Sectors Size Id Type\n/dev/vda1  *     2048 {} {} {} 83 Linux", (sectors + 2_048) * 512, sectors + 2_048, &identifier[..8], sectors + 2_047, sectors, gigabytes(sectors / 2)));
    Finish::Status(0)
}

pub(super) fn lsmod(call: &mut Call<'_>) -> Finish {
    call.line("Module                  Size  Used by");
    let rows: &[(&str, &str, &str)] = if call.is_busybox() {
        &[("rt2860v2_ap", "1234567", "0")]
    } else {
        &[
            ("tcp_diag", "16384", "0"),
            ("inet_diag", "24576", "1 tcp_diag"),
            ("binfmt_misc", "28672", "1"),
            ("kvm_intel", "380928", "0"),
            ("virtio_balloon", "28672", "0"),
            ("virtio_net", "73728", "0"),
            ("virtio_blk", "28672", "2"),
            ("ext4", "983040", "1"),
            ("jbd2", "167936", "1 ext4"),
        ]
    };
    for (name, size, used) in rows {
        call.line(&format!("{name:<22} {size:>7}  {used}"));
    }
    Finish::Status(0)
}

pub(super) fn modprobe(call: &mut Call<'_>) -> Finish {
    let Some(name) = call
        .arguments()
        .iter()
        .find(|word| word.first() != Some(&b'-'))
        .map(|name| String::from_utf8_lossy(name).into_owned())
    else {
        return Finish::Status(0);
    };
    let kernel = call.kernel.world.system.kernel;
    match (call.base_name(), call.is_busybox()) {
        (_, true) => call.fail(&format!("can't insert '{name}': No such file or directory"), 1),
        (b"insmod", false) => {
            call.fail(&format!("ERROR: could not load module {name}: No such file or directory"), 1)
        }
        (b"rmmod", false) => call.fail(&format!("ERROR: Module {name} is not currently loaded"), 1),
        _ if name == "msr" => Finish::Status(0),
        _ => call
            .fail(&format!("FATAL: Module {name} not found in directory /lib/modules/{kernel}"), 1),
    }
}

pub(super) fn sysctl(call: &mut Call<'_>) -> Finish {
    let given =
        match call.options("wnpaeqN", &[("write", b'w'), ("system", b'p'), ("all", b'a')], 1) {
            Ok(given) => given,
            Err(finish) => return finish,
        };
    let mut status = 0;
    for word in &given.rest {
        let text = String::from_utf8_lossy(word).into_owned();
        let (name, value) = text
            .split_once('=')
            .map_or((text.trim(), None), |(name, value)| (name.trim(), Some(value.trim())));
        let path = format!("/proc/sys/{}", name.replace('.', "/"));
        if let Some(value) = value {
            if call.who.is_root() {
                call.line(&format!("{name} = {value}"));
            } else {
                call.complain(&format!("permission denied on key '{name}'"));
                status = 255;
            }
            continue;
        }
        match call.kernel.read_path(b"/", path.as_bytes(), Who::ROOT) {
            Ok(bytes) => {
                let value = String::from_utf8_lossy(&bytes).trim().to_owned();
                let line = if given.has(b'n') { value } else { format!("{name} = {value}") };
                call.line(&line);
            }
            Err(_) => {
                call.complain(&format!("cannot stat {path}: No such file or directory"));
                status = 255;
            }
        }
    }
    Finish::Status(status)
}

pub(super) fn dmidecode(call: &mut Call<'_>) -> Finish {
    if !call.who.is_root() {
        call.err(b"# dmidecode 3.4\n/sys/firmware/dmi/tables/smbios_entry_point: Permission denied\nScanning /dev/mem for entry point.\n/dev/mem: Permission denied\n");
        return Finish::Status(1);
    }
    let kernel = call.kernel.world.draw("dmi").number(0);
    call.line(&format!("# dmidecode 3.4\nGetting SMBIOS data from sysfs.\nSMBIOS 2.8 present.\n9 structures occupying 411 bytes.\nTable at 0x000F5A20.\n\nHandle 0x0100, DMI type 1, 27 bytes\nSystem Information\n\tManufacturer: QEMU\n\tProduct Name: Standard PC (i440FX + PIIX, 1996)\n\tVersion: pc-i440fx-7.2\n\tSerial Number: Not Specified\n\tUUID: {:08x}-{:04x}-4000-8000-{:012x}\n\tWake-up Type: Power Switch\n\tSKU Number: Not Specified\n\tFamily: Not Specified\n", kernel >> 32, kernel & 0xffff, kernel & 0xffff_ffff_ffff));
    Finish::Status(0)
}

pub(super) fn vmstat(call: &mut Call<'_>) -> Finish {
    let memory = call.kernel.memory();
    call.line("procs -----------memory---------- ---swap-- -----io---- -system-- ------cpu-----\n r  b   swpd   free   buff  cache   si   so    bi    bo   in   cs us sy id wa st");
    call.line(&format!(
        " 1  0      0 {:6} {:6} {:6}    0    0     4    11   48   92  0  0 99  0  0",
        memory.free,
        memory.buffers,
        memory.cached + memory.reclaimable
    ));
    Finish::Status(0)
}

pub(super) fn iptables(call: &mut Call<'_>) -> Finish {
    if !call.who.is_root() {
        return call.fail("v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)", 4);
    }
    let lists = call.arguments().is_empty()
        || call.arguments().iter().any(|word| {
            matches!(&word[..], b"-L" | b"-nL" | b"-S" | b"-vnL" | b"-nvL" | b"--list")
        });
    if call.arguments().iter().any(|word| word == b"-S") {
        call.line("-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT");
    } else if lists && !call.arguments().is_empty() {
        call.line("Chain INPUT (policy ACCEPT)\ntarget     prot opt source               destination         \n\nChain FORWARD (policy ACCEPT)\ntarget     prot opt source               destination         \n\nChain OUTPUT (policy ACCEPT)\ntarget     prot opt source               destination         ");
    } else if call.arguments().is_empty() {
        call.err(b"iptables v1.8.9 (nf_tables): no command specified\nTry `iptables -h' or 'iptables --help' for more information.\n");
        return Finish::Status(2);
    }
    Finish::Status(0)
}

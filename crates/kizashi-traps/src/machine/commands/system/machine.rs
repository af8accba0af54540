//! The machine itself: `uname`, `free`, `mount`, `lscpu` and their kin.

use super::{Call, Finish};

pub(super) fn uname(call: &mut Call<'_>) -> Finish {
    let longs = [
        ("all", b'a'),
        ("kernel-name", b's'),
        ("nodename", b'n'),
        ("kernel-release", b'r'),
        ("kernel-version", b'v'),
        ("machine", b'm'),
        ("processor", b'p'),
        ("hardware-platform", b'i'),
        ("operating-system", b'o'),
    ];
    let given = match call.options("asnrvmpio", &longs, 1) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    if let Some(extra) = given.rest.first() {
        let shown = String::from_utf8_lossy(extra).into_owned();
        if call.is_busybox() {
            return call.usage("[-amnrspvio]");
        }
        call.complain(&format!("extra operand ‘{shown}’"));
        return call.usage("");
    }
    let world = std::sync::Arc::clone(&call.kernel.world);
    let machine = world.architecture.machine();
    let all = given.has(b'a');
    let ubuntu = world.system.id == "ubuntu";
    let mut words: Vec<&str> = Vec::new();
    let none = !all && !b"snrvmpio".iter().any(|letter| given.has(*letter));
    for (letter, word) in [
        (b's', "Linux"),
        (b'n', &world.host[..]),
        (b'r', world.system.kernel),
        (b'v', world.system.build),
        (b'm', machine),
    ] {
        if all || given.has(letter) || none && letter == b's' {
            words.push(word);
        }
    }
    // Debian's coreutils know no processor, and -a leaves out what is unknown; Ubuntu's know it.
    let processor = if ubuntu { machine } else { "unknown" };
    for letter in [b'p', b'i'] {
        if given.has(letter) || all && ubuntu {
            words.push(processor);
        }
    }
    if all || given.has(b'o') {
        words.push("GNU/Linux");
    }
    let text = words.join(" ");
    call.line(&text);
    Finish::Status(0)
}

pub(super) fn hostname(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "fsidIyAF:b",
        &[
            ("fqdn", b'f'),
            ("short", b's'),
            ("ip-address", b'i'),
            ("all-ip-addresses", b'I'),
            ("file", b'F'),
        ],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    if !given.rest.is_empty() || given.has(b'F') {
        if !call.who.is_root() {
            return call.fail("you must be root to change the host name", 1);
        }
        return Finish::Status(0);
    }
    let text = match given.last_of(b"iId") {
        Some(b'i') => "127.0.1.1".to_owned(),
        Some(b'I') => format!("{} ", call.kernel.address()),
        Some(_) => String::new(),
        None => call.kernel.world.host.clone(),
    };
    call.line(&text);
    Finish::Status(0)
}

pub(super) fn nproc(call: &mut Call<'_>) -> Finish {
    if let Err(finish) =
        call.options("i:", &[("all", b'a'), ("ignore", b'i'), ("help", b'?'), ("version", b'?')], 1)
    {
        return finish;
    }
    let count = call.kernel.world.hardware.processors;
    call.line(&count.to_string());
    Finish::Status(0)
}

/// What procps says to a wrong option of `free`.
const FREE: &str = "\nUsage:\n free [options]\n\nOptions:\n -b, --bytes         show output in bytes\n     --kilo          show output in kilobytes\n     --mega          show output in megabytes\n     --giga          show output in gigabytes\n     --tera          show output in terabytes\n     --peta          show output in petabytes\n -k, --kibi          show output in kibibytes\n -m, --mebi          show output in mebibytes\n -g, --gibi          show output in gibibytes\n     --tebi          show output in tebibytes\n     --pebi          show output in pebibytes\n -h, --human         show human-readable output\n     --si            use powers of 1000 not 1024\n -l, --lohi          show detailed low and high memory statistics\n -t, --total         show total for RAM + swap\n -v, --committed     show committed memory and commit limit\n -s N, --seconds N   repeat printing every N seconds\n -c N, --count N     repeat printing N times, then exit\n -w, --wide          wide output\n\n     --help     display this help and exit\n -V, --version  output version information and exit\n\nFor more details see free(1).\n";

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
pub(super) fn free(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "bkmghtwls:c:",
        &[
            ("human", b'h'),
            ("mega", b'm'),
            ("giga", b'g'),
            ("kilo", b'k'),
            ("bytes", b'b'),
            ("total", b't'),
            ("wide", b'w'),
            ("si", b'l'),
        ],
        1,
    ) {
        Ok(given) => given,
        Err(finish) if call.is_busybox() => return finish,
        Err(_) => {
            call.unsay_last_line();
            call.err(FREE.as_bytes());
            return Finish::Status(1);
        }
    };
    let memory = call.kernel.memory();
    let unit = given.last_of(b"bkmgh").unwrap_or(b'k');
    let show = |kb: u64| match unit {
        b'b' => (kb * 1_024).to_string(),
        b'm' => (kb / 1_024).to_string(),
        b'g' => (kb / 1_048_576).to_string(),
        b'h' => readable(kb),
        _ => kb.to_string(),
    };
    let cache = memory.buffers + memory.cached + memory.reclaimable;
    if call.is_busybox() {
        if !call.kernel.world.persona.is_device() {
            call.line(
                "              total        used        free      shared  buff/cache   available",
            );
            let row = |values: &[u64]| {
                values.iter().map(|value| format!("{:>12}", show(*value))).collect::<String>()
            };
            let used = memory.total - memory.available;
            call.line(&format!(
                "Mem:     {}",
                row(&[memory.total, used, memory.free, memory.shared, cache, memory.available])
            ));
            call.line(&format!("Swap:    {}", row(&[memory.swap, 0, memory.swap])));
            return Finish::Status(0);
        }
        call.line("             total       used       free     shared    buffers     cached");
        let used = memory.total - memory.free;
        call.line(&format!(
            "Mem:  {:>12} {:>10} {:>10} {:>10} {:>10} {:>10}",
            show(memory.total),
            show(used),
            show(memory.free),
            show(memory.shared),
            show(memory.buffers),
            show(memory.cached)
        ));
        let programs = used - memory.buffers - memory.cached;
        call.line(&format!(
            "-/+ buffers/cache: {:>10} {:>10}",
            show(programs),
            show(memory.total - programs)
        ));
        call.line(&format!("Swap: {:>12} {:>10} {:>10}", 0, 0, 0));
        return Finish::Status(0);
    }
    call.line("               total        used        free      shared  buff/cache   available");
    let row = |name: &str, values: &[u64]| {
        format!(
            "{name:<8}{}",
            values.iter().map(|value| format!("{:>12}", show(*value))).collect::<String>()
        )
        .replacen(' ', "", 0)
    };
    // procps 4 counts as used what is not available; procps 3 what is neither free nor cache.
    let used = if call.kernel.world.system.version_id == "20.04" {
        memory.used()
    } else {
        memory.total - memory.available
    };
    call.line(&row(
        "Mem:",
        &[memory.total, used, memory.free, memory.shared, cache, memory.available],
    ));
    call.line(&row("Swap:", &[memory.swap, 0, memory.swap]));
    if given.has(b't') {
        call.line(&row("Total:", &[memory.total + memory.swap, used, memory.free + memory.swap]));
    }
    Finish::Status(0)
}

/// As `free -h` writes: `1.9Gi`, `512Mi`, `0B`.
fn readable(kb: u64) -> String {
    if kb == 0 {
        return "0B".to_owned();
    }
    let mut value = kb as f64;
    for unit in ["Ki", "Mi", "Gi", "Ti"] {
        if value < 9.95 {
            return format!("{value:.1}{unit}");
        }
        if value < 1_024.0 {
            return format!("{value:.0}{unit}");
        }
        value /= 1_024.0;
    }
    format!("{value:.0}Pi")
}

pub(super) fn mount(call: &mut Call<'_>) -> Finish {
    let words: Vec<&Vec<u8>> =
        call.arguments().iter().filter(|word| word.first() != Some(&b'-')).collect();
    if words.is_empty() || call.arguments().first().is_some_and(|word| word == b"-l") {
        let text: String = call
            .kernel
            .mounts()
            .into_iter()
            .map(|mount| {
                format!(
                    "{} on {} type {} ({})\n",
                    mount.device,
                    mount.folder,
                    mount.kind,
                    mount.options.replace("SIZE", &mount.blocks.to_string())
                )
            })
            .collect();
        call.out(text.as_bytes());
        return Finish::Status(0);
    }
    let hint = "\n       dmesg(1) may have more information after failed mount system call.";
    if !call.who.is_root() {
        return call.fail("only root can do that", 1);
    }
    let remount =
        call.arguments().iter().any(|word| word.windows(7).any(|window| window == b"remount"));
    match words.last() {
        Some(target)
            if remount && call.kernel.files.find(&call.path(target), true, call.who).is_ok()
                || call.arguments().iter().any(|word| word == b"-a") =>
        {
            Finish::Status(0)
        }
        Some(target) => {
            let shown = String::from_utf8_lossy(target).into_owned();
            if call.kernel.files.find(&call.path(target), true, call.who).is_err() {
                let text = if call.is_busybox() {
                    format!(
                        "mounting {} on {shown} failed: No such file or directory",
                        String::from_utf8_lossy(words[0])
                    )
                } else {
                    format!("{shown}: mount point does not exist.{hint}")
                };
                return call.fail(&text, if call.is_busybox() { 255 } else { 32 });
            }
            let device = String::from_utf8_lossy(words[0]).into_owned();
            if words.len() > 1
                && device.starts_with('/')
                && !call.is_busybox()
                && call.kernel.files.find(device.as_bytes(), true, call.who).is_err()
            {
                return call
                    .fail(&format!("{shown}: special device {device} does not exist.{hint}"), 32);
            }
            Finish::Status(0)
        }
        None => Finish::Status(0),
    }
}

pub(super) fn umount(call: &mut Call<'_>) -> Finish {
    let Some(target) = call.arguments().iter().find(|word| word.first() != Some(&b'-')) else {
        return if call.is_busybox() {
            call.usage("[OPTIONS] FILESYSTEM|DIRECTORY")
        } else {
            call.fail("bad usage\nTry 'umount --help' for more information.", 1)
        };
    };
    let shown = String::from_utf8_lossy(target).into_owned();
    let known =
        call.kernel.mounts().iter().any(|mount| mount.folder == shown || mount.device == shown);
    let there = call.kernel.files.find(&call.path(target), true, call.who).is_ok();
    match (known, call.is_busybox()) {
        (true, true) => call.fail(&format!("can't unmount {shown}: Device or resource busy"), 1),
        (true, false) => call.fail(&format!("{shown}: target is busy."), 32),
        (false, true) => call.fail(&format!("can't unmount {shown}: Invalid argument"), 1),
        (false, false) => call.fail(
            &format!(
                "{shown}: {}",
                if there { "not mounted." } else { "no mount point specified." }
            ),
            32,
        ),
    }
}

pub(super) fn dmesg(call: &mut Call<'_>) -> Finish {
    let world = std::sync::Arc::clone(&call.kernel.world);
    if !call.who.is_root() && world.system.id == "ubuntu" {
        return call.fail("read kernel buffer failed: Operation not permitted", 1);
    }
    let hardware = &world.hardware;
    let version = call.kernel.version_text();
    let mut lines = vec![version.trim_end().to_owned()];
    if world.persona.is_device() {
        lines.push(format!("CPU: {} [{:08x}]", hardware.processor.model, 0x410f_c075));
        lines.push(format!(
            "Memory: {}k/{}k available",
            hardware.memory_kb - 6_000,
            hardware.memory_kb
        ));
        lines.push("Creating 6 MTD partitions on \"hi_sfc\":".to_owned());
        lines.push("VFS: Mounted root (jffs2 filesystem) on device 31:5.".to_owned());
    } else {
        lines.push(
            "Command line: ".to_owned()
                + &format!(
                    "BOOT_IMAGE=/boot/vmlinuz-{} root=UUID={} ro quiet",
                    world.system.kernel,
                    world.disk_id()
                ),
        );
        lines.push("BIOS-provided physical RAM map:".to_owned());
        lines.push("Hypervisor detected: KVM".to_owned());
        lines.push(format!(
            "tsc: Detected {}.{:03} MHz processor",
            hardware.processor.khz / 1_000,
            hardware.processor.khz % 1_000
        ));
        lines.push(format!(
            "smpboot: CPU0: {} (family: {:#x}, model: {:#x}, stepping: {:#x})",
            hardware.processor.model,
            hardware.processor.family,
            hardware.processor.number,
            hardware.processor.stepping
        ));
        lines.push(
            "EXT4-fs (vda1): mounted filesystem with ordered data mode. Quota mode: none."
                .to_owned(),
        );
        lines.push(format!("virtio_net virtio0 {}: renamed from eth0", hardware.interface));
    }
    let mut time = 0_u64;
    for (place, line) in lines.iter().enumerate() {
        call.line(&format!("[{:5}.{:06}] {line}", time / 1_000_000, time % 1_000_000));
        time += world.draw("dmesg").below(place as u64, 400_000);
    }
    Finish::Status(0)
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
pub(super) fn lscpu(call: &mut Call<'_>) -> Finish {
    if let Err(finish) = call.options(
        "abBcCeJpsxy",
        &[("all", b'a'), ("json", b'J'), ("parse", b'p'), ("extended", b'e'), ("online", b'b')],
        1,
    ) {
        return finish;
    }
    let world = std::sync::Arc::clone(&call.kernel.world);
    let (hardware, processor) = (&world.hardware, world.hardware.processor);
    let count = hardware.processors;
    let bogomips = processor.khz / 5;
    let intel = processor.vendor == "GenuineIntel";
    let rows = [
        ("Architecture:", "x86_64".to_owned()),
        ("  CPU op-mode(s):", "32-bit, 64-bit".to_owned()),
        ("  Address sizes:", "40 bits physical, 48 bits virtual".to_owned()),
        ("  Byte Order:", "Little Endian".to_owned()),
        ("CPU(s):", count.to_string()),
        (
            "  On-line CPU(s) list:",
            if count > 1 { format!("0-{}", count - 1) } else { "0".to_owned() },
        ),
        ("Vendor ID:", processor.vendor.to_owned()),
        ("  Model name:", processor.model.to_owned()),
        ("    CPU family:", processor.family.to_string()),
        ("    Model:", processor.number.to_string()),
        ("    Thread(s) per core:", "1".to_owned()),
        ("    Core(s) per socket:", "1".to_owned()),
        ("    Socket(s):", count.to_string()),
        ("    Stepping:", processor.stepping.to_string()),
        ("    BogoMIPS:", format!("{}.{:02}", bogomips / 100, bogomips % 100)),
        ("    Flags:", processor.flags.to_owned()),
        ("Virtualization features:", String::new()),
        ("  Hypervisor vendor:", "KVM".to_owned()),
        ("  Virtualization type:", "full".to_owned()),
        ("Caches (sum of all):", String::new()),
        (
            "  L1d:",
            format!("{} KiB ({count} instance{})", 32 * count, if count > 1 { "s" } else { "" }),
        ),
        (
            "  L1i:",
            format!("{} KiB ({count} instance{})", 32 * count, if count > 1 { "s" } else { "" }),
        ),
        (
            "  L2:",
            format!("{} MiB ({count} instance{})", 4 * count, if count > 1 { "s" } else { "" }),
        ),
        ("NUMA:", String::new()),
        ("  NUMA node(s):", "1".to_owned()),
        (
            "  NUMA node0 CPU(s):",
            if count > 1 { format!("0-{}", count - 1) } else { "0".to_owned() },
        ),
        ("Vulnerabilities:", String::new()),
        ("  Meltdown:", if intel { "Mitigation; PTI" } else { "Not affected" }.to_owned()),
        (
            "  Spectre v1:",
            "Mitigation; usercopy/swapgs barriers and __user pointer sanitization".to_owned(),
        ),
        ("  Spectre v2:", "Mitigation; Retpolines".to_owned()),
    ];
    for (name, value) in rows {
        // Without a terminal util-linux indents nothing and uses one column more.
        let line = if call.terminal {
            format!("{name:<25} {value}")
        } else {
            format!("{:<40} {value}", name.trim_start())
        };
        call.line(line.trim_end());
    }
    Finish::Status(0)
}

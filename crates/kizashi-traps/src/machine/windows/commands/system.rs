//! What the machine is and what runs on it.

use super::Call;
use crate::machine::windows::{Printed, Shell};
use crate::machine::world::calendar;

/// Processes that run on every such server: name, number, session, kilobytes.
const PROCESSES: [(&str, u32, u32, u32); 22] = [
    ("System Idle Process", 0, 0, 8),
    ("System", 4, 0, 140),
    ("smss.exe", 276, 0, 1_208),
    ("csrss.exe", 376, 0, 4_944),
    ("wininit.exe", 456, 0, 5_216),
    ("csrss.exe", 464, 1, 4_200),
    ("winlogon.exe", 528, 1, 8_920),
    ("services.exe", 584, 0, 9_336),
    ("lsass.exe", 592, 0, 15_208),
    ("svchost.exe", 696, 0, 14_044),
    ("svchost.exe", 740, 0, 10_196),
    ("LogonUI.exe", 848, 1, 44_312),
    ("dwm.exe", 868, 1, 34_120),
    ("svchost.exe", 888, 0, 22_480),
    ("svchost.exe", 944, 0, 17_592),
    ("svchost.exe", 988, 0, 43_860),
    ("spoolsv.exe", 1_356, 0, 16_736),
    ("sqlwriter.exe", 1_688, 0, 8_192),
    ("sqlservr.exe", 1_732, 0, 312_480),
    ("SQLAGENT.EXE", 2_216, 0, 24_612),
    ("MsMpEng.exe", 2_404, 0, 98_764),
    ("msdtc.exe", 2_812, 0, 9_988),
];

/// What asks by this number itself.
const SHELL: [(&str, u32, u32, u32); 3] = [
    ("cmd.exe", 4_388, 0, 3_180),
    ("conhost.exe", 4_396, 0, 10_612),
    ("tasklist.exe", 4_420, 0, 7_840),
];

pub(super) fn hostname(shell: &mut Shell<'_>, _: &Call<'_>) -> Printed {
    Printed::ok(format!("{}\r\n", shell.machine.facts.host()))
}

pub(super) fn version(shell: &mut Shell<'_>, _: &Call<'_>) -> Printed {
    let version = shell.machine.facts.version();
    Printed::ok(format!("\r\nMicrosoft Windows [Version {version}]\r\n"))
}

fn is_system(shell: &Shell<'_>) -> bool {
    shell.machine.account.eq_ignore_ascii_case("nt authority\\system")
}

pub(super) fn whoami(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let account = shell.machine.account.clone();
    let identifier = if is_system(shell) {
        "S-1-5-18".to_owned()
    } else {
        shell.machine.facts.identifier_of(500)
    };
    let user = format!(
        "\r\nUSER INFORMATION\r\n----------------\r\n\r\nUser Name           SID     \r\n=================== ========\r\n{account:19} {identifier}\r\n"
    );
    let groups = "\r\nGROUP INFORMATION\r\n-----------------\r\n\r\nGroup Name                             Type             SID          Attributes                                        \r\n====================================== ================ ============ ==================================================\r\nBUILTIN\\Administrators                 Alias            S-1-5-32-544 Enabled by default, Enabled group, Group owner    \r\nEveryone                               Well-known group S-1-1-0      Mandatory group, Enabled by default, Enabled group\r\nNT AUTHORITY\\Authenticated Users       Well-known group S-1-5-11     Mandatory group, Enabled by default, Enabled group\r\nMandatory Label\\System Mandatory Level Label            S-1-16-16384                                                   \r\n";
    let privileges = "\r\nPRIVILEGES INFORMATION\r\n----------------------\r\n\r\nPrivilege Name                  Description                               State   \r\n=============================== ========================================= ========\r\nSeAssignPrimaryTokenPrivilege   Replace a process level token             Disabled\r\nSeTcbPrivilege                  Act as part of the operating system       Enabled \r\nSeBackupPrivilege               Back up files and directories             Disabled\r\nSeRestorePrivilege              Restore files and directories             Disabled\r\nSeDebugPrivilege                Debug programs                            Enabled \r\nSeChangeNotifyPrivilege         Bypass traverse checking                  Enabled \r\nSeImpersonatePrivilege          Impersonate a client after authentication Enabled \r\n";
    if call.has("all") {
        return Printed::ok([&user, groups, privileges].concat());
    }
    if call.has("priv") {
        return Printed::ok(privileges);
    }
    if call.has("groups") {
        return Printed::ok(groups);
    }
    if call.has("user") {
        return Printed::ok(user);
    }
    Printed::ok(format!("{account}\r\n"))
}

/// `11/29/2026, 9:05:00 AM`.
fn moment(seconds: i64) -> String {
    let time = calendar(seconds);
    let half = if time.hour < 12 { "AM" } else { "PM" };
    let hour = if time.hour % 12 == 0 { 12 } else { time.hour % 12 };
    format!(
        "{}/{}/{}, {hour}:{:02}:{:02} {half}",
        time.month, time.day, time.year, time.minute, time.second
    )
}

pub(super) fn date(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let time = calendar(shell.now.seconds());
    let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    let day = days.get(time.weekday).copied().unwrap_or("Sun");
    if call.rest.contains("/t") || call.rest.contains("/T") {
        return Printed::ok(format!("{day} {:02}/{:02}/{} \r\n", time.month, time.day, time.year));
    }
    Printed::ok(format!(
        "The current date is: {day} {:02}/{:02}/{} \r\nEnter the new date: (mm-dd-yy) \r\n",
        time.month, time.day, time.year
    ))
}

pub(super) fn information(shell: &mut Shell<'_>, _: &Call<'_>) -> Printed {
    let facts = &shell.machine.facts;
    let release = facts.windows.release;
    let build = facts.build();
    let pack = if build == 7_601 { "Service Pack 1" } else { "N/A" };
    let booted = facts.windows.started(shell.now).seconds();
    let [identifier, other, _] = facts.windows.authority;
    let identifier = identifier % 100_000;
    let lines = [
        ("Host Name", facts.host().to_owned()),
        ("OS Name", format!("Microsoft {}", release.product())),
        ("OS Version", format!("{} {pack} Build {build}", facts.version())),
        ("OS Manufacturer", "Microsoft Corporation".to_owned()),
        ("OS Configuration", "Standalone Server".to_owned()),
        ("OS Build Type", "Multiprocessor Free".to_owned()),
        ("Registered Owner", "Windows User".to_owned()),
        ("Registered Organization", String::new()),
        ("Product ID", format!("00429-00000-{identifier:05}-AA{:03}", other % 1_000)),
        ("Original Install Date", moment(facts.installed)),
        ("System Boot Time", moment(booted)),
        ("System Manufacturer", "VMware, Inc.".to_owned()),
        ("System Model", "VMware Virtual Platform".to_owned()),
        ("System Type", "x64-based PC".to_owned()),
        ("Processor(s)", "1 Processor(s) Installed.".to_owned()),
        ("", "[01]: Intel64 Family 6 Model 85 Stepping 7 GenuineIntel ~2295 Mhz".to_owned()),
        ("BIOS Version", "Phoenix Technologies LTD 6.00, 12/12/2018".to_owned()),
        ("Windows Directory", "C:\\Windows".to_owned()),
        ("System Directory", "C:\\Windows\\system32".to_owned()),
        ("Boot Device", "\\Device\\HarddiskVolume1".to_owned()),
        ("System Locale", "en-us;English (United States)".to_owned()),
        ("Input Locale", "en-us;English (United States)".to_owned()),
        ("Time Zone", "(UTC) Coordinated Universal Time".to_owned()),
        ("Total Physical Memory", "8,191 MB".to_owned()),
        ("Available Physical Memory", "4,862 MB".to_owned()),
        ("Virtual Memory: Max Size", "9,471 MB".to_owned()),
        ("Virtual Memory: Available", "5,930 MB".to_owned()),
        ("Virtual Memory: In Use", "3,541 MB".to_owned()),
        ("Page File Location(s)", "C:\\pagefile.sys".to_owned()),
        ("Domain", "WORKGROUP".to_owned()),
        ("Logon Server", "N/A".to_owned()),
        ("Hotfix(s)", "1 Hotfix(s) Installed.".to_owned()),
        ("", "[01]: KB3199986".to_owned()),
        ("Network Card(s)", "1 NIC(s) Installed.".to_owned()),
        ("", "[01]: Intel(R) 82574L Gigabit Network Connection".to_owned()),
        ("", "      Connection Name: Ethernet0".to_owned()),
        ("", "      DHCP Enabled:    No".to_owned()),
        ("", "      IP address(es)".to_owned()),
        ("", format!("      [01]: {}", facts.address)),
    ];
    let line = |(name, value): &(&str, String)| {
        let name = if name.is_empty() { String::new() } else { format!("{name}:") };
        format!("{name:26} {value}\r\n")
    };
    Printed::ok(format!("\r\n{}", lines.iter().map(line).collect::<String>()))
}

fn thousands(number: u32) -> String {
    if number < 1_000 {
        number.to_string()
    } else {
        format!("{},{:03}", number / 1_000, number % 1_000)
    }
}

pub(super) fn tasks(_: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let all = PROCESSES.iter().chain(&SHELL);
    if call.has("svc") {
        let line = |(name, number, ..): &(&str, u32, u32, u32)| {
            format!("{name:25} {number:>8} N/A                                         \r\n")
        };
        let head = format!(
            "\r\n{:25} {:>8} {:44}\r\n{} {} {}\r\n",
            "Image Name",
            "PID",
            "Services",
            "=".repeat(25),
            "=".repeat(8),
            "=".repeat(44)
        );
        return Printed::ok(head + &all.map(line).collect::<String>());
    }
    if call.after("fo").is_some_and(|form| form.eq_ignore_ascii_case("csv")) {
        let line = |(name, number, session, size): &(&str, u32, u32, u32)| {
            let kind = if *session == 0 { "Services" } else { "Console" };
            format!(
                "\"{name}\",\"{number}\",\"{kind}\",\"{session}\",\"{} K\"\r\n",
                thousands(*size)
            )
        };
        let head = if call.has("nh") {
            ""
        } else {
            "\"Image Name\",\"PID\",\"Session Name\",\"Session#\",\"Mem Usage\"\r\n"
        };
        return Printed::ok(head.to_owned() + &all.map(line).collect::<String>());
    }
    let head = format!(
        "\r\n{:25} {:>8} {:16} {:>11} {:>12}\r\n{} {} {} {} {}\r\n",
        "Image Name",
        "PID",
        "Session Name",
        "Session#",
        "Mem Usage",
        "=".repeat(25),
        "=".repeat(8),
        "=".repeat(16),
        "=".repeat(11),
        "=".repeat(12)
    );
    let line = |(name, number, session, size): &(&str, u32, u32, u32)| {
        let kind = if *session == 0 { "Services" } else { "Console" };
        format!("{name:25} {number:>8} {kind:16} {session:>11} {:>10} K\r\n", thousands(*size))
    };
    // A filter that names one process: `/fi "imagename eq x.exe"`.
    let wanted = call.after("fi").and_then(|filter| {
        filter.to_ascii_lowercase().strip_prefix("imagename eq ").map(str::to_owned)
    });
    let shown: String = all
        .filter(|(name, ..)| wanted.as_ref().is_none_or(|wanted| name.eq_ignore_ascii_case(wanted)))
        .map(line)
        .collect();
    if shown.is_empty() {
        return Printed::ok("INFO: No tasks are running which match the specified criteria.\r\n");
    }
    Printed::ok(head + &shown)
}

pub(super) fn kill(_: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let mut all = Printed::default();
    let named = call
        .words
        .windows(2)
        .filter(|pair| super::is_switch(&pair[0], "im") || super::is_switch(&pair[0], "pid"));
    for pair in named.take(16) {
        let wanted = pair[1].as_str();
        let found = PROCESSES.iter().find(|(name, number, ..)| {
            name.eq_ignore_ascii_case(wanted) || number.to_string() == wanted
        });
        match found {
            Some((name, number, ..)) => all.out.push_str(&format!(
                "SUCCESS: The process \"{name}\" with PID {number} has been terminated.\r\n"
            )),
            None => {
                all.err.push_str(&format!("ERROR: The process \"{wanted}\" not found.\r\n"));
                all.status = 128;
            }
        }
    }
    all
}

pub(super) fn sessions(_: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    if call.is(0, "user") || call.words.is_empty() {
        return Printed::failed(1, "No User exists for *\r\n");
    }
    Printed::ok(
        " SESSIONNAME       USERNAME                 ID  STATE   TYPE        DEVICE \r\n>services                                    0  Disc                        \r\n console                                     1  Conn                        \r\n rdp-tcp                                 65536  Listen                      \r\n",
    )
}

/// The few questions of wmic's that scripts ask.
#[expect(clippy::too_many_lines, reason = "one case after the other")]
pub(super) fn management(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let facts = &shell.machine.facts;
    let lower = call.rest.to_ascii_lowercase();
    let release = facts.windows.release;
    if lower.contains("process call create")
        || lower.contains("process") && lower.contains("create")
    {
        let line = call
            .rest
            .split_once(['"', '\''])
            .map_or("", |(_, line)| line.trim_end_matches(['"', '\'']));
        let line = line.to_owned();
        let _ = shell.line(&line, "");
        return Printed::ok(
            "Executing (Win32_Process)->Create()\r\r\n\r\r\nMethod execution successful.\r\r\n\r\r\nOut Parameters:\r\ninstance of __PARAMETERS\r\n{\r\n\tProcessId = 4512;\r\n\tReturnValue = 0;\r\n};\r\n\r\r\n",
        );
    }
    let columns = |rows: &[(&str, String)]| {
        let wide = |row: &(&str, String)| row.0.len().max(row.1.len()) + 2;
        let heads: String = rows.iter().map(|row| format!("{:1$}", row.0, wide(row))).collect();
        let values: String = rows.iter().map(|row| format!("{:1$}", row.1, wide(row))).collect();
        Printed::ok(format!("{heads}\r\r\n{values}\r\r\n\r\r\n"))
    };
    if lower.contains("os") && (lower.contains("caption") || lower.contains("version")) {
        return columns(&[
            ("Caption", format!("Microsoft {}", release.product())),
            ("Version", facts.version()),
        ]);
    }
    if lower.contains("cpu") {
        return columns(&[
            ("Name", "Intel(R) Xeon(R) Gold 6140 CPU @ 2.30GHz".to_owned()),
            ("NumberOfCores", "2".to_owned()),
        ]);
    }
    if lower.contains("computersystem") {
        return columns(&[
            ("Name", facts.host().to_owned()),
            ("TotalPhysicalMemory", "8589398016".to_owned()),
        ]);
    }
    if lower.contains("logicaldisk") {
        return columns(&[
            ("DeviceID", "C:".to_owned()),
            ("FreeSpace", "42839179264".to_owned()),
            ("Size", "64055410688".to_owned()),
        ]);
    }
    if lower.contains("useraccount") {
        return columns(&[("Name", "Administrator".to_owned()), ("SID", facts.identifier_of(500))]);
    }
    if lower.contains("process") {
        let rows: String = PROCESSES
            .iter()
            .map(|(name, number, ..)| format!("{name:20}  {number:9}  \r\r\n"))
            .collect();
        return Printed::ok(format!("{:20}  {:9}  \r\r\n{rows}\r\r\n", "Name", "ProcessId"));
    }
    if lower.contains("antivirusproduct") {
        return Printed::failed(
            44_210,
            "Node - ".to_owned()
                + facts.host()
                + "\r\nERROR:\r\nDescription = Invalid namespace\r\n",
        );
    }
    Printed::failed(44_135, format!("{} - Alias not found.\r\n", call.word(0)))
}

//! Services, scheduled tasks and the registry.

use super::Call;
use crate::machine::windows::store::{add_made, made, unmake};
use crate::machine::windows::{Facts, Printed, Shell};

/// Services that run: the name, and the name that is shown.
const RUNNING: [(&str, &str); 14] = [
    ("BFE", "Base Filtering Engine"),
    ("CryptSvc", "Cryptographic Services"),
    ("Dhcp", "DHCP Client"),
    ("Dnscache", "DNS Client"),
    ("EventLog", "Windows Event Log"),
    ("LanmanServer", "Server"),
    ("LanmanWorkstation", "Workstation"),
    ("MSSQLSERVER", "SQL Server (MSSQLSERVER)"),
    ("RpcSs", "Remote Procedure Call (RPC)"),
    ("Schedule", "Task Scheduler"),
    ("SQLSERVERAGENT", "SQL Server Agent (MSSQLSERVER)"),
    ("TermService", "Remote Desktop Services"),
    ("WinDefend", "Windows Defender Service"),
    ("WinRM", "Windows Remote Management (WS-Management)"),
];

fn found(name: &str) -> Option<(&'static str, &'static str)> {
    RUNNING
        .into_iter()
        .find(|(short, long)| short.eq_ignore_ascii_case(name) || long.eq_ignore_ascii_case(name))
}

/// `net start` and `net stop`.
pub(super) fn net(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let verb = call.word(0).to_ascii_lowercase();
    let name = call.word(1);
    if name.is_empty() {
        let rows: String = RUNNING.iter().map(|(_, long)| format!("   {long}\r\n")).collect();
        return Printed::ok(format!(
            "These Windows services are started:\r\n\r\n{rows}\r\nThe command completed successfully.\r\n\r\n"
        ));
    }
    let made = made(&mut shell.kept.services, name).is_some();
    let Some(shown) =
        found(name).map(|(_, long)| long.to_owned()).or_else(|| made.then(|| name.to_owned()))
    else {
        return Printed::failed(
            2,
            "The service name is invalid.\r\n\r\nMore help is available by typing NET HELPMSG 2185.\r\n\r\n",
        );
    };
    match verb.as_str() {
        "start" if !made => Printed::failed(
            2,
            "The requested service has already been started.\r\n\r\nMore help is available by typing NET HELPMSG 2182.\r\n\r\n",
        ),
        "start" => Printed::ok(format!(
            "The {shown} service is starting.\r\nThe {shown} service was started successfully.\r\n\r\n"
        )),
        _ => Printed::ok(format!(
            "The {shown} service is stopping.\r\nThe {shown} service was stopped successfully.\r\n\r\n"
        )),
    }
}

pub(super) fn control(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let operands: Vec<&str> = call.operands().filter(|word| !word.starts_with("\\\\")).collect();
    let verb = operands.first().map_or(String::new(), |verb| verb.to_ascii_lowercase());
    let name = operands.get(1).copied().unwrap_or_default().to_owned();
    let known = found(&name).is_some() || made(&mut shell.kept.services, &name).is_some();
    let state = |name: &str, state: &str| {
        format!(
            "\r\nSERVICE_NAME: {name} \r\n        TYPE               : 10  WIN32_OWN_PROCESS  \r\n        STATE              : {state} \r\n        WIN32_EXIT_CODE    : 0  (0x0)\r\n        SERVICE_EXIT_CODE  : 0  (0x0)\r\n        CHECKPOINT         : 0x0\r\n        WAIT_HINT          : 0x0\r\n"
        )
    };
    match verb.as_str() {
        "create" => {
            let line = call.words.iter().position(|word| word.eq_ignore_ascii_case("binpath="));
            let line = line.map_or("", |at| call.word(at + 1));
            if !add_made(&mut shell.kept.services, &name, line) {
                return Printed::refused(
                    1073,
                    "[SC] CreateService FAILED 1073:\r\n\r\nThe specified service already exists.\r\n\r\n",
                );
            }
            Printed::ok("[SC] CreateService SUCCESS\r\n")
        }
        "query" | "queryex" if name.is_empty() || name.contains('=') => Printed::ok(
            RUNNING.iter().map(|(name, _)| state(name, "4  RUNNING")).collect::<String>(),
        ),
        _ if !known && !verb.is_empty() => Printed::refused(
            1060,
            format!(
                "[SC] {} FAILED 1060:\r\n\r\nThe specified service does not exist as an installed service.\r\n\r\n",
                if verb.starts_with("query") {
                    "EnumQueryServicesStatus:OpenService"
                } else {
                    "OpenService"
                }
            ),
        ),
        "query" | "queryex" => Printed::ok(state(&name, "4  RUNNING")),
        "start" => Printed::ok(state(&name, "2  START_PENDING")),
        "stop" => Printed::ok(state(&name, "3  STOP_PENDING")),
        "delete" => {
            unmake(&mut shell.kept.services, &name);
            Printed::ok("[SC] DeleteService SUCCESS\r\n")
        }
        "config" => Printed::ok("[SC] ChangeServiceConfig SUCCESS\r\n"),
        "qc" => Printed::ok(format!(
            "[SC] QueryServiceConfig SUCCESS\r\n\r\nSERVICE_NAME: {name}\r\n        TYPE               : 10  WIN32_OWN_PROCESS \r\n        START_TYPE         : 2   AUTO_START\r\n        ERROR_CONTROL      : 1   NORMAL\r\n        SERVICE_START_NAME : LocalSystem\r\n"
        )),
        _ => Printed::failed(
            1,
            "DESCRIPTION:\r\n        SC is a command line program used for communicating with the\r\n        Service Control Manager and services.\r\nUSAGE:\r\n        sc <server> [command] [service name] <option1> <option2>...\r\n",
        ),
    }
}

pub(super) fn tasks(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let name = call.after("tn").unwrap_or_default().trim_start_matches('\\').to_owned();
    let known = made(&mut shell.kept.tasks, &name).is_some();
    let missing = || Printed::failed(1, "ERROR: The system cannot find the file specified.\r\n");
    if call.has("create") {
        if name.is_empty() {
            return Printed::failed(
                1,
                "ERROR: Invalid syntax. Mandatory option 'tn' is missing.\r\nType \"SCHTASKS /CREATE /?\" for usage.\r\n",
            );
        }
        add_made(&mut shell.kept.tasks, &name, call.after("tr").unwrap_or_default());
        return Printed::ok(format!(
            "SUCCESS: The scheduled task \"{name}\" has successfully been created.\r\n"
        ));
    }
    if call.has("run") {
        return if known {
            Printed::ok(format!("SUCCESS: Attempted to run the scheduled task \"{name}\".\r\n"))
        } else {
            missing()
        };
    }
    if call.has("delete") {
        unmake(&mut shell.kept.tasks, &name);
        return if known {
            Printed::ok(format!(
                "SUCCESS: The scheduled task \"{name}\" was successfully deleted.\r\n"
            ))
        } else {
            missing()
        };
    }
    if call.has("query") && !name.is_empty() && !known {
        return missing();
    }
    if call.has("change") {
        return if known {
            Printed::ok(format!(
                "SUCCESS: The parameters of scheduled task \"{name}\" have been changed.\r\n"
            ))
        } else {
            missing()
        };
    }
    let rows: String = shell
        .kept
        .tasks
        .iter()
        .map(|task| format!("{:40} N/A                    Ready          \r\n", task.name))
        .collect();
    Printed::ok(format!(
        "\r\nFolder: \\\r\nTaskName                                 Next Run Time          Status         \r\n======================================== ====================== ===============\r\n{rows}Server Initial Configuration Task        N/A                    Disabled       \r\n"
    ))
}

pub(super) fn registry(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let verb = call.word(0).to_ascii_lowercase();
    let key = call.word(1).to_owned();
    let value = call.after("v").unwrap_or_default().to_owned();
    match verb.as_str() {
        "add" | "delete" | "import" | "load" | "save" | "copy" | "restore" | "unload" => {
            Printed::ok("The operation completed successfully.\r\n\r\n")
        }
        "query" => match value_of(&shell.machine.facts, &key, &value) {
            Some((kind, text)) => Printed::ok(format!(
                "\r\n{}\r\n    {value}    {kind}    {text}\r\n\r\n",
                full(&key)
            )),
            None if value.is_empty() && key.to_ascii_lowercase().ends_with("\\run") => {
                Printed::ok(format!(
                    "\r\n{}\r\n    SecurityHealth    REG_EXPAND_SZ    %ProgramFiles%\\Windows Defender\\MSASCuiL.exe\r\n\r\n",
                    full(&key)
                ))
            }
            None => Printed::failed(
                1,
                "ERROR: The system was unable to find the specified registry key or value.\r\n",
            ),
        },
        _ => Printed::failed(1, "ERROR: Invalid syntax.\r\nType \"REG /?\" for usage.\r\n"),
    }
}

/// The whole name of a key.
fn full(key: &str) -> String {
    let (root, rest) = key.split_once('\\').unwrap_or((key, ""));
    let root = match root.to_ascii_uppercase().as_str() {
        "HKLM" => "HKEY_LOCAL_MACHINE".to_owned(),
        "HKCU" => "HKEY_CURRENT_USER".to_owned(),
        other => other.to_owned(),
    };
    format!("{root}\\{rest}")
}

/// What the few values hold that scripts ask for.
pub(super) fn value_of(facts: &Facts, key: &str, value: &str) -> Option<(&'static str, String)> {
    let key = key.to_ascii_lowercase();
    let text = |text: &str| Some(("REG_SZ", text.to_owned()));
    let number = |number: u32| Some(("REG_DWORD", format!("{number:#x}")));
    match value.to_ascii_lowercase().as_str() {
        "productname" => text(facts.windows.release.product()),
        "currentbuild" | "currentbuildnumber" => text(&facts.build().to_string()),
        "currentversion" => text("6.3"),
        "computername" | "hostname" => text(facts.host()),
        "fdenytsconnections" => number(0),
        "portnumber" if key.contains("rdp-tcp") => number(3389),
        "userauthentication" => number(0),
        "enablelua" => number(1),
        "uselogoncredential" => None,
        _ => None,
    }
}

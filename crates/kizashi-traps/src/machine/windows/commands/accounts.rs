//! `net`: accounts, groups, services and shares.

use super::{Call, services};
use crate::machine::windows::store::add;
use crate::machine::windows::{Printed, Shell};

const DONE: &str = "The command completed successfully.\r\n\r\n";
const RULE: &str =
    "-------------------------------------------------------------------------------\r\n";
const OWN: [&str; 3] = ["Administrator", "DefaultAccount", "Guest"];

pub(super) fn net(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    match call.word(0).to_ascii_lowercase().as_str() {
        "user" | "users" => users(shell, call),
        "localgroup" => groups(shell, call),
        "group" => Printed::failed(
            3515,
            "This command can be used only on a Windows Domain Controller.\r\n\r\nMore help is available by typing NET HELPMSG 3515.\r\n\r\n",
        ),
        "start" | "stop" | "pause" | "continue" => services::net(shell, call),
        "view" => Printed::failed(
            6118,
            "System error 6118 has occurred.\r\n\r\nThe list of servers for this workgroup is not currently available\r\n\r\n",
        ),
        "share" => Printed::ok(format!(
            "\r\nShare name   Resource                        Remark\r\n\r\n{RULE}C$           C:\\                             Default share                     \r\nIPC$                                         Remote IPC                        \r\nADMIN$       C:\\Windows                      Remote Admin                      \r\n{DONE}"
        )),
        "use" => Printed::ok(
            "New connections will be remembered.\r\n\r\nThere are no entries in the list.\r\n\r\n",
        ),
        "accounts" => Printed::ok(format!(
            "Force user logoff how long after time expires?:       Never\r\nMinimum password age (days):                          0\r\nMaximum password age (days):                          42\r\nMinimum password length:                              0\r\nLength of password history maintained:                None\r\nLockout threshold:                                    Never\r\nLockout duration (minutes):                           30\r\nLockout observation window (minutes):                 30\r\nComputer role:                                        SERVER\r\n{DONE}"
        )),
        "config" => Printed::ok(format!(
            "The following running services can be controlled:\r\n\r\n   Server\r\n   Workstation\r\n\r\n{DONE}"
        )),
        "session" | "sessions" => Printed::ok("There are no entries in the list.\r\n\r\n"),
        "time" => Printed::failed(
            3912,
            "Could not locate a time-server.\r\n\r\nMore help is available by typing NET HELPMSG 3912.\r\n\r\n",
        ),
        _ => Printed::failed(
            1,
            "The syntax of this command is:\r\n\r\nNET\r\n    [ ACCOUNTS | COMPUTER | CONFIG | CONTINUE | FILE | GROUP | HELP |\r\n      HELPMSG | LOCALGROUP | PAUSE | SESSION | SHARE | START |\r\n      STATISTICS | STOP | TIME | USE | USER | VIEW ]\r\n",
        ),
    }
}

fn is_user(shell: &Shell<'_>, name: &str) -> bool {
    let mut made = shell.kept.accounts.iter().map(String::as_str);
    OWN.iter().any(|own| own.eq_ignore_ascii_case(name))
        || made.any(|own| own.eq_ignore_ascii_case(name))
}

fn no_user() -> Printed {
    Printed::failed(
        2,
        "The user name could not be found.\r\n\r\nMore help is available by typing NET HELPMSG 2221.\r\n\r\n",
    )
}

fn users(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let name = call.operands().nth(1).map(str::to_owned);
    let Some(name) = name else {
        let names: Vec<String> =
            OWN.iter().map(|own| (*own).to_owned()).chain(shell.kept.accounts.clone()).collect();
        let rows: String = names
            .chunks(3)
            .map(|row| row.iter().map(|name| format!("{name:25}")).collect::<String>() + "\r\n")
            .collect();
        // The system's own account has no server to ask, and says so.
        let system = shell.machine.account.starts_with("nt ");
        let host = if system { "" } else { shell.machine.facts.host() };
        let end =
            if system { "The command completed with one or more errors.\r\n\r\n" } else { DONE };
        return Printed::ok(format!("\r\nUser accounts for \\\\{host}\r\n\r\n{RULE}{rows}{end}"));
    };
    if call.has("add") {
        if is_user(shell, &name) {
            return Printed::failed(
                2,
                "The account already exists.\r\n\r\nMore help is available by typing NET HELPMSG 2224.\r\n\r\n",
            );
        }
        add(&mut shell.kept.accounts, &name);
        return Printed::ok(DONE);
    }
    if !is_user(shell, &name) {
        return no_user();
    }
    if call.has("delete") || call.has("del") {
        shell.kept.accounts.retain(|own| !own.eq_ignore_ascii_case(&name));
        return Printed::ok(DONE);
    }
    let changes = call.operands().nth(2).is_some()
        || call.words.iter().any(|word| word.to_ascii_lowercase().starts_with("/active"));
    if changes {
        return Printed::ok(DONE);
    }
    let group = if name.eq_ignore_ascii_case("administrator")
        || shell.kept.administrators.iter().any(|own| own.eq_ignore_ascii_case(&name))
    {
        "*Administrators"
    } else {
        "*Users"
    };
    Printed::ok(format!(
        "User name                    {name}\r\nFull Name                    \r\nComment                      \r\nUser's comment               \r\nCountry/region code          000 (System Default)\r\nAccount active               Yes\r\nAccount expires              Never\r\n\r\nPassword required            Yes\r\nUser may change password     Yes\r\n\r\nWorkstations allowed         All\r\nLogon script                 \r\nUser profile                 \r\nHome directory               \r\n\r\nLogon hours allowed          All\r\n\r\nLocal Group Memberships      {group:21}\r\nGlobal Group memberships     *None                 \r\n{DONE}"
    ))
}

fn groups(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let group = call.operands().nth(1).map(str::to_owned);
    let Some(group) = group else {
        let names = [
            "Administrators",
            "Backup Operators",
            "Event Log Readers",
            "Guests",
            "IIS_IUSRS",
            "Power Users",
            "Remote Desktop Users",
            "Remote Management Users",
            "SQLServer2005SQLBrowserUser",
            "Users",
        ];
        let rows: String = names.iter().map(|name| format!("*{name}\r\n")).collect();
        return Printed::ok(format!(
            "\r\nAliases for \\\\{}\r\n\r\n{RULE}{rows}{DONE}",
            shell.machine.facts.host()
        ));
    };
    let member = call.operands().nth(2).map(str::to_owned);
    let is_administrators = group.eq_ignore_ascii_case("administrators");
    if let Some(member) = member {
        if call.has("add") {
            if !is_user(shell, &member) {
                return Printed::failed(
                    2,
                    format!(
                        "There is no such global user or group: {member}.\r\n\r\nMore help is available by typing NET HELPMSG 3783.\r\n\r\n"
                    ),
                );
            }
            if is_administrators && !add(&mut shell.kept.administrators, &member) {
                return Printed::failed(
                    2,
                    "System error 1378 has occurred.\r\n\r\nThe specified account name is already a member of the group.\r\n\r\n",
                );
            }
        } else {
            shell.kept.administrators.retain(|own| !own.eq_ignore_ascii_case(&member));
        }
        return Printed::ok(DONE);
    }
    let members: Vec<String> = if is_administrators {
        std::iter::once("Administrator".to_owned())
            .chain(shell.kept.administrators.clone())
            .collect()
    } else {
        Vec::new()
    };
    let rows: String = members.iter().map(|name| format!("{name}\r\n")).collect();
    Printed::ok(format!(
        "Alias name     {group}\r\nComment        \r\n\r\nMembers\r\n\r\n{RULE}{rows}{DONE}"
    ))
}

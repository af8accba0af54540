//! `kizashi ports`: the rules that lead every TCP port to the catch-all, applied, shown, removed.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::cli::{self, PortsCall};
use crate::config::Config;
use crate::failure::Failure;
use crate::ports::nft::{self, Standing};
use crate::ports::{Kept, Plan, Reason, TABLE, keeper, may_change_rules, rules};
use crate::supervisor::owner;
use crate::supervisor::ports::{Held, PortsState};
use crate::terminal::Terminal;

/// How long the rules may take to stand.
const STANDS_WITHIN: Duration = Duration::from_secs(20);
/// How often that is asked.
const ASK_EVERY: Duration = Duration::from_millis(50);
/// What stands for the listener's port while there is none.
const SOME_PORT: u16 = 61_000;
/// Ports of one reason that are printed.
const SHOWN: usize = 40;

/// Does what is asked.
pub(crate) fn run(call: &PortsCall, terminal: &mut Terminal) -> Result<(), Failure> {
    match call {
        PortsCall::Apply(call) => apply(call, terminal),
        PortsCall::Show(call) => show(call, terminal),
        PortsCall::Remove(call) => remove(call, terminal),
    }
}

/// How things are for the Kizashi over this folder.
fn running(folder: &Path) -> Result<PortsState, Failure> {
    let state = owner::ask(folder, "ports")?;
    serde_json::from_str(&state).map_err(|_| {
        Failure::Asked(
            "what the Kizashi that runs says is not understood; is it of another version?"
                .to_owned(),
        )
    })
}

/// The plan of what runs, or of the configuration where nothing does, and what is left alone: by the rules that stand, or by those that
/// would be made now.
fn plan_of(folder: &Path, config: Option<&Path>) -> Result<(Plan, Option<Held>, Kept), Failure> {
    let (plan, held, kept) = if owner::runs(folder) {
        let state = running(folder)?;
        (state.plan, Some(state.held), state.kept)
    } else {
        (Plan::of(&Config::load(config)?, SOME_PORT, Vec::new()), None, None)
    };
    let kept = kept.map_or_else(|| Kept::now(&plan), Ok)?;
    Ok((plan, held, kept))
}

fn apply(call: &cli::PortsApply, terminal: &mut Terminal) -> Result<(), Failure> {
    let folder = &call.data.data;
    if call.dry_run {
        let (plan, held, kept) = plan_of(folder, call.config.as_deref())?;
        print(&plan, &kept, held.is_some(), terminal)?;
        if !may_change_rules() {
            return terminal.line("# not checked: that takes root");
        }
        nft::check(&rules(&plan, &kept, "kizashi-tried")?)?;
        return terminal.line("# checked: the kernel takes them");
    }
    if matches!(running(folder)?.held, Held::Stand | Held::Applying) {
        return terminal.line("the rules stand already");
    }
    if !may_change_rules() {
        return Err(Failure::Asked(
            "to change the machine's rules takes root; call `sudo kizashi ports apply`".to_owned(),
        ));
    }
    keeper::start(owner::hold_ports(folder)?, Stdio::null())?;
    let began = Instant::now();
    while began.elapsed() < STANDS_WITHIN {
        match running(folder)?.held {
            Held::Stand => {
                return terminal.line(
                    "done: every TCP port that no real service uses is the catch-all's, until Kizashi ends or `kizashi ports remove`",
                );
            }
            Held::Refused(reason) => return Err(Failure::Asked(reason)),
            Held::No | Held::Applying | Held::Lost => std::thread::sleep(ASK_EVERY),
        }
    }
    Err(Failure::Asked(
        "the rules do not stand yet; `sudo kizashi ports show` tells how it goes on".to_owned(),
    ))
}

fn show(call: &cli::PortsShow, terminal: &mut Terminal) -> Result<(), Failure> {
    let (plan, held, kept) = plan_of(&call.data.data, call.config.as_deref())?;
    let standing = nft::standing();
    let (stands, packets) = match &standing {
        // Another's rules under our name, or those of a Kizashi over another folder, are not these.
        Standing::Stands(text) => {
            (Some(text.contains(&format!(":{} ", plan.listener))), packets(text))
        }
        Standing::Absent => (Some(false), None),
        Standing::Unknown(_) => (None, None),
    };
    if call.json {
        let text = rules(&plan, &kept, TABLE[1])?;
        let kept: Vec<_> = Reason::ALL
            .iter()
            .flat_map(|reason| kept.with(*reason).into_iter().map(move |port| (port, *reason)))
            .map(|(port, reason)| json!({"port": port, "reason": reason}))
            .collect();
        return terminal.json(&json!({
            "running": held.is_some(),
            "held": held.as_ref().map(word),
            "stands": stands,
            "packets": packets,
            "listener": held.is_some().then_some(plan.listener),
            "kept": kept,
            "interfaces": plan.interfaces,
            "networks": plan.networks,
            "rules": text,
        }));
    }
    print(&plan, &kept, held.is_some(), terminal)?;
    terminal.line(&match (stands, packets, &standing) {
        (Some(true), Some(packets), _) => {
            format!("# they stand; {packets} packets were led to the catch-all")
        }
        (Some(true), None, _) => "# they stand".to_owned(),
        (Some(false), _, Standing::Stands(_)) => {
            "# another table of that name stands; `sudo kizashi ports remove` takes it away"
                .to_owned()
        }
        (_, _, Standing::Unknown(reason)) => {
            format!("# whether they stand is not known here ({reason}); root may ask")
        }
        _ => "# they do not stand".to_owned(),
    })?;
    match held {
        Some(Held::Refused(reason)) => terminal.line(&format!("# they were refused: {reason}")),
        Some(Held::Lost) => terminal.line("# whoever held them is gone"),
        _ => Ok(()),
    }
}

const fn word(held: &Held) -> &'static str {
    match held {
        Held::No => "no",
        Held::Applying => "applying",
        Held::Stand => "stands",
        Held::Refused(_) => "refused",
        Held::Lost => "lost",
    }
}

fn packets(listed: &str) -> Option<u64> {
    listed.split("counter packets ").nth(1)?.split(' ').next()?.parse().ok()
}

/// The rules as nft takes them, with what they leave alone before them.
fn print(plan: &Plan, kept: &Kept, runs: bool, terminal: &mut Terminal) -> Result<(), Failure> {
    if !runs {
        terminal.line(&format!(
            "# no Kizashi runs over this folder: {SOME_PORT} stands for a port that a start picks"
        ))?;
    }
    for reason in Reason::ALL {
        let ports = kept.with(reason);
        if !ports.is_empty() {
            let more = ports.len().saturating_sub(SHOWN);
            let mut shown: Vec<String> = ports.iter().take(SHOWN).map(u16::to_string).collect();
            shown.extend((more > 0).then(|| format!("{more} more")));
            terminal.line(&format!("# left alone, {}: {}", reason.shown(), shown.join(", ")))?;
        }
    }
    let text = rules(plan, kept, TABLE[1])?;
    text.lines().try_for_each(|line| terminal.line(&line.replace('\t', "    ")))
}

fn remove(call: &cli::PortsRemove, terminal: &mut Terminal) -> Result<(), Failure> {
    let folder = &call.data.data;
    if call.dry_run {
        return terminal.line(&match nft::standing() {
            Standing::Stands(text) => text,
            Standing::Absent => "there are no rules to remove".to_owned(),
            Standing::Unknown(reason) => format!("what stands is not known here ({reason})"),
        });
    }
    let asked = owner::runs(folder).then(|| owner::ask(folder, "ports remove"));
    if let Some(Ok(done)) = &asked {
        terminal.line(done)?;
    }
    match (nft::standing(), asked) {
        (Standing::Stands(_), None | Some(Ok(_))) => {
            nft::delete()?;
            terminal.line("a table that no running Kizashi held is gone")
        }
        (Standing::Stands(_) | Standing::Unknown(_), Some(Err(failure))) => Err(failure),
        (Standing::Absent, None | Some(Err(_))) => terminal.line("there are no rules to remove"),
        (Standing::Absent | Standing::Unknown(_), Some(Ok(_))) => Ok(()),
        (Standing::Unknown(reason), None) => Err(Failure::Asked(format!(
            "whether rules stand is not known here ({reason}); call `sudo kizashi ports remove`"
        ))),
    }
}

//! `kizashi install` and `kizashi uninstall`: Kizashi as a service of this machine.

use std::path::Path;

use crate::cli;
use crate::config::Config;
use crate::failure::Failure;
use crate::install::{self, Done, Machine, Step};
use crate::listening::Plan;
use crate::ports::nft::{self, Standing};
use crate::sshd::Sshd;
use crate::terminal::Terminal;

/// Installs the running program as a service.
pub(crate) fn install(call: &cli::Install, terminal: &mut Terminal) -> Result<(), Failure> {
    let machine = Machine { root: call.root.clone() };
    if machine.is_packaged() {
        return Err(Failure::Asked(
            "a package has installed Kizashi already; `systemctl status kizashi` shows it"
                .to_owned(),
        ));
    }
    let config = machine.at(install::CONFIG);
    let config = if config.exists() { Config::load(Some(&config))? } else { Config::default() };
    let connection = std::env::var("SSH_CONNECTION").ok();
    install::refuse_to_lock_out(
        &Plan::of(&config)?.named_ports(),
        &Sshd::of(Path::new("/")).map(|sshd| sshd.ports).unwrap_or_default(),
        &install::listening_here(),
        connection.as_deref(),
    )?;
    let program = std::env::current_exe().map_err(|error| {
        Failure::Asked(format!(
            "the program cannot find its own file ({error}), which it is told by /proc; mount that (`mount -t proc proc /proc`) and call install again"
        ))
    })?;
    take(
        &install::installation(&machine, &program, config.traps.all_ports),
        call.dry_run,
        terminal,
    )?;
    if !call.dry_run {
        terminal.line("")?;
        terminal.line(&if machine.has_systemd() {
            format!(
                "installed; the settings are in {}, the address of the dashboard is the last line of `journalctl -u kizashi -g dashboard`",
                install::CONFIG
            )
        } else {
            format!(
                "installed, but not started, for systemd does not run here: start `kizashi up --config {} --data {}` by what does",
                install::CONFIG,
                install::DATA
            )
        })?;
    }
    terminal.line(install::how_to_move_sshd())
}

/// Takes the service away again.
pub(crate) fn uninstall(call: &cli::Uninstall, terminal: &mut Terminal) -> Result<(), Failure> {
    let machine = Machine { root: call.root.clone() };
    if machine.is_packaged() {
        return Err(Failure::Asked(
            "a package has installed Kizashi; remove it by `sudo apt remove kizashi`".to_owned(),
        ));
    }
    take(&install::removal(&machine, call.purge), call.dry_run, terminal)?;
    // Rules go with the process that holds them; what a kernel or another Kizashi left is taken here.
    if !call.dry_run
        && call.root == Path::new("/")
        && matches!(nft::standing(), Standing::Stands(_))
    {
        nft::delete()?;
        terminal.line("done: delete the table inet kizashi of nftables")?;
    }
    if !call.purge && machine.at(install::DATA).exists() {
        terminal.line(&format!(
            "what was recorded is still in {0}, and the settings in {1}; `sudo rm -r {0} {1}` and `sudo userdel kizashi` remove them too",
            machine.at(install::DATA).display(),
            machine.at("/etc/kizashi").display()
        ))?;
    }
    Ok(())
}

fn take(steps: &[Step], dry_run: bool, terminal: &mut Terminal) -> Result<(), Failure> {
    for step in steps {
        if dry_run {
            terminal.line(&format!("would {step}"))?;
        } else if step.take()? == Done::Changed {
            terminal.line(&format!("done: {step}"))?;
        }
    }
    Ok(())
}

/// The folder of the data when nobody names one: `./kizashi-data`, or the installed service's where only that is there.
pub(crate) fn default_data() -> std::path::PathBuf {
    let here = Path::new(crate::config::DEFAULT_DATA);
    let installed = Path::new(install::DATA);
    if !here.exists() && installed.join("kizashi.db").exists() { installed } else { here }
        .to_owned()
}

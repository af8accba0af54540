//! Who holds the rules: a process of its own, which does nothing else. The table is made with nft's flag `owner`: the kernel deletes it
//! when the socket that made it is closed, however that process ends. The keeper holds such an nft by its input, and watches a socket
//! to the supervisor; so whichever of the three is killed, the rules are gone, and nothing has to be cleaned up by anybody.
//!
//! The supervisor gives up root after it started the keeper, and cannot tell it anything then but to apply and to end. The ports in
//! use are looked up by the keeper itself. When the rules stand it gives up its own rights too.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use super::nft::{self, Standing, TRIED};
use super::{Kept, Plan, TABLE, rules};
use crate::failure::Failure;
use crate::sandbox::privileges::{self, User};

/// The order to apply.
pub(crate) const APPLY: &str = "apply";
/// What is said once the rules stand, with the ports that they leave alone behind it; anything else is a sentence of what is wrong.
pub(crate) const DONE: &str = "done ";
/// Bytes of a plan at most.
const LONGEST_PLAN: u64 = 1 << 20;
/// How long nft may take.
const STANDS_WITHIN: Duration = Duration::from_secs(5);
/// How often it is asked.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// Starts a keeper with the rights of this process, at the other end of a socket to the supervisor.
pub(crate) fn start(end: UnixStream, stderr: Stdio) -> std::io::Result<Child> {
    Command::new("/proc/self/exe")
        .arg0("kizashi")
        .arg("ports-keeper")
        .env_clear()
        .envs(std::env::var_os("SSH_CONNECTION").map(|value| ("SSH_CONNECTION", value)))
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(end)))
        .stdout(Stdio::null())
        .stderr(stderr)
        // The terminal's Ctrl-C is for the supervisor; the end of that is the end of this.
        .process_group(0)
        .spawn()
}

/// The keeper's process: a plan, the order to apply, and then until the socket is closed.
pub(crate) fn run() -> Result<(), Failure> {
    let _ = rustix::thread::set_name(c"kizashi-ports");
    let mut supervisor = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    let mut lines = BufReader::new(supervisor.try_clone()?.take(LONGEST_PLAN));
    let (mut plan, mut order) = (String::new(), String::new());
    lines.read_line(&mut plan)?;
    lines.read_line(&mut order)?;
    let Ok(plan) = serde_json::from_str::<Plan>(&plan) else { return Err(alone()) };
    if order.trim_end() != APPLY {
        return Ok(());
    }
    let (mut nft, input, kept) = match stand(&plan) {
        Ok(holding) => holding,
        Err(failure) => {
            writeln!(supervisor, "{failure}")?;
            return Ok(());
        }
    };
    give_up_rights();
    let kept = serde_json::to_string(&kept).map_err(std::io::Error::from)?;
    writeln!(supervisor, "{DONE}{kept}")?;
    std::thread::Builder::new().name("supervisor".to_owned()).spawn(move || {
        // Whatever comes is the end; nothing is what ends a supervisor that was killed.
        let _ = supervisor.read(&mut [0; 1]);
        drop(input);
    })?;
    nft.wait()?;
    Ok(())
}

/// Applies the rules and gives the nft that owns them, and what they leave alone.
fn stand(plan: &Plan) -> Result<(Child, ChildStdin, Kept), Failure> {
    let kept = Kept::now(plan)?;
    nft::check(&rules(plan, &kept, TRIED)?)?;
    if let Standing::Stands(_) = nft::standing() {
        return Err(Failure::Asked(
            "a table of rules of that name stands already; `kizashi ports remove` takes it away"
                .to_owned(),
        ));
    }
    let text = rules(plan, &kept, TABLE[1])?;
    let mut child = nft::command()?
        .arg("-i")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let gone = || Failure::Asked("nft ended before the rules stood".to_owned());
    let mut input = child.stdin.take().ok_or_else(gone)?;
    // It reads line by line and applies each at once.
    writeln!(input, "{}", text.replace(['\n', '\t'], " "))?;
    let began = Instant::now();
    while began.elapsed() < STANDS_WITHIN {
        if let Standing::Stands(_) = nft::standing() {
            return Ok((child, input, kept));
        }
        if child.try_wait()?.is_some() {
            return Err(gone());
        }
        std::thread::sleep(ASK_EVERY);
    }
    drop(input);
    let _ = child.kill();
    Err(Failure::Asked("nft did not apply the rules; `kizashi ports show` prints them".to_owned()))
}

/// From now on this process only waits.
fn give_up_rights() {
    if let Some(user) = User::to_become()
        && let Err(error) = user.become_it()
    {
        tracing::warn!("the process that holds the rules keeps its rights: {error}");
    }
    let _ = privileges::drop_capabilities();
    let _ = privileges::no_new_privileges();
}

fn alone() -> Failure {
    Failure::Asked("this call is for `kizashi up --all-ports` itself, which starts it".to_owned())
}

//! What signals do to a shell: the one at the console, which the kernel or `sshd` sends them to, and those that kill themselves (bash(1),
//! SIGNALS; what bash 5.2 was seen to do).

use super::super::escape::quote;
use super::super::{Flow, Origin, Shell, Unwind};
use crate::machine::signal::{self, Signal};

impl Shell {
    /// What a pipeline's outcome is for the shell at the console, to which signals come while it runs: with a trap for the signal, or one
    /// that it ignores itself, it goes on when what it waited for is gone.
    pub(super) async fn after_signals(&mut self, flow: Flow) -> Flow {
        let deferred = self.console.lock().deferred.take();
        match (flow, deferred) {
            (Err(Unwind::Signalled(signal)), _) => {
                if let Some(command) = self.trap_for(signal) {
                    let _ =
                        self.write(2, &[signal::description(signal).as_bytes(), b"\n"].concat());
                    self.status = 128 + signal;
                    Box::pin(self.source(&command)).await?;
                    return Ok(self.set_status(128 + signal));
                }
                if signal == signal::QUIT && !self.is_typed_to() {
                    return self.child_died(signal);
                }
                Err(Unwind::Signalled(signal))
            }
            // It came while something ran that the shell waited for, and gives up the rest of the line.
            (Ok(_), Some(signal)) => Err(Unwind::Signalled(signal)),
            (flow, _) => flow,
        }
    }

    /// Whether people type to it.
    fn is_typed_to(&self) -> bool {
        self.origin == Origin::Interactive && self.is_terminal(0)
    }

    /// The command of a trap; none where the signal is ignored.
    pub(crate) fn trap_for(&self, signal: Signal) -> Option<Vec<u8>> {
        let name = signal::name(signal)?;
        self.traps.get(name.as_bytes()).filter(|command| !command.is_empty()).cloned()
    }

    /// A child died of a signal: says so, and gives the status for it.
    pub(super) fn child_died(&self, signal: Signal) -> Flow {
        if self.becomes {
            return Err(Unwind::Died(signal));
        }
        let quiet = matches!(signal, signal::INTERRUPT | signal::PIPE);
        if !quiet {
            let description = signal::description(signal).as_bytes();
            if self.is_bash() && !self.is_typed_to() {
                let (number, words) =
                    self.with(|kernel| (kernel.last_process(), kernel.current_line.clone()));
                let words: Vec<Vec<u8>> = words.iter().map(|word| quote(word)).collect();
                let words = words.join(&b' ');
                let text = format!("{number:5} {:<24}", signal::description(signal));
                self.complain(&[text.as_bytes(), &words].concat());
            } else {
                let _ = self.write(2, &[description, b"\n"].concat())?;
            }
        }
        Ok(128_u8.saturating_add(signal))
    }

    /// `kill` of this shell itself, by a command of its own.
    pub(super) async fn kill_self(&mut self, sent: Signal) -> Flow {
        let ignored = signal::name(sent)
            .and_then(|name| self.traps.get(name.as_bytes()).map(Vec::is_empty))
            .unwrap_or(false);
        if let Some(command) = self.trap_for(sent).filter(|_| sent != signal::KILL) {
            Box::pin(self.source(&command)).await?;
            return Ok(0);
        }
        let survives = match sent {
            signal::KILL => false,
            _ if ignored || !signal::kills(sent) => true,
            // bash takes no SIGQUIT, and one that people type to no SIGTERM either.
            signal::QUIT => self.is_bash(),
            signal::TERMINATE => self.is_typed_to(),
            _ => false,
        };
        if survives {
            return Ok(0);
        }
        if sent == signal::INTERRUPT && self.is_typed_to() {
            return Err(Unwind::Signalled(sent));
        }
        Err(Unwind::Died(sent))
    }
}

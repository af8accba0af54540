//! Redirections.

use super::super::ast::{Action, Redirection};
use super::super::{Handle, Kind, Shell, Source, Unwind};
use crate::machine::files::{Fault, Who, absolute};
use crate::machine::kernel::Kernel;

/// Bytes of a file that a redirection reads.
const READ: usize = 64 * 1024;

impl Shell {
    /// Applies redirections to the descriptors; `false` when one failed, which was said.
    pub(super) async fn redirect(&mut self, redirections: &[Redirection]) -> Result<bool, Unwind> {
        for redirection in redirections {
            if !self.redirect_one(redirection).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn redirect_one(&mut self, redirection: &Redirection) -> Result<bool, Unwind> {
        let number = redirection.descriptor;
        match &redirection.action {
            Action::Read(word) | Action::ReadWrite(word) => {
                let path = self.text(word).await?;
                self.open_reading(number, &path, matches!(redirection.action, Action::ReadWrite(_)))
            }
            Action::Write { target, append, both } => {
                let path = self.text(target).await?;
                let exists = self.with(|kernel| {
                    kernel
                        .files
                        .find(&absolute(&self.folder, &path), true, self.who)
                        .is_ok_and(|id| kernel.files.node(id).is_regular())
                });
                if self.options.no_clobber && exists && !*append {
                    self.complain_of(&path, "cannot overwrite existing file");
                    return Ok(false);
                }
                let opened = self.open_writing(number, &path, *append)?;
                if opened
                    && *both
                    && let Some(handle) = self.descriptors.get(number).cloned()
                {
                    self.descriptors.set(2, handle);
                }
                Ok(opened)
            }
            Action::Copy(word) => {
                let text = self.text(word).await?;
                self.copy_descriptor(number, &text)
            }
            Action::Text { word, newline } => {
                let mut text = self.text(word).await?;
                if *newline {
                    text.push(b'\n');
                }
                self.descriptors.set(number, Handle::Source(Source::shared(text)));
                Ok(true)
            }
        }
    }

    fn open_reading(&mut self, number: u8, path: &[u8], writes: bool) -> Result<bool, Unwind> {
        if writes
            && !is_connection(path)
            && self
                .with(|kernel| kernel.files.find(&absolute(&self.folder, path), true, self.who))
                .is_err()
        {
            return self.open_writing(number, path, true);
        }
        if is_connection(path) && self.is_bash() {
            self.refuse_connection(path);
            return Ok(false);
        }
        let own = self.is_own_terminal(path);
        if own || matches!(path, b"/dev/stdin" | b"/dev/fd/0" | b"/proc/self/fd/0") {
            if own {
                self.descriptors.set(number, Handle::Console { error: false });
            }
            return Ok(true);
        }
        let read = self.with(|kernel| kernel.read_for_redirection(&self.folder, path, self.who));
        match read {
            Ok(mut bytes) => {
                bytes.truncate(READ);
                self.descriptors.set(number, Handle::Source(Source::shared(bytes)));
                Ok(true)
            }
            Err(fault) => {
                self.redirection_failed(path, false, fault);
                Ok(false)
            }
        }
    }

    fn open_writing(&mut self, number: u8, path: &[u8], append: bool) -> Result<bool, Unwind> {
        match path {
            _ if self.is_own_terminal(path) => {
                self.descriptors.set(number, Handle::Console { error: false });
                return Ok(true);
            }
            b"/dev/stdout" | b"/dev/stderr" | b"/dev/fd/1" | b"/dev/fd/2" | b"/proc/self/fd/1"
            | b"/proc/self/fd/2" => {
                let from = if path.ends_with(b"1") || path.ends_with(b"out") { 1 } else { 2 };
                if let Some(handle) = self.descriptors.get(from).cloned() {
                    self.descriptors.set(number, handle);
                }
                return Ok(true);
            }
            _ if self.is_bash() && is_connection(path) => {
                self.refuse_connection(path);
                return Ok(false);
            }
            _ => {}
        }
        let mode = 0o666 & !self.umask;
        let opened =
            self.with(|kernel| kernel.open_for_writing(&self.folder, path, append, mode, self.who));
        match opened {
            Ok((node, path)) => {
                self.descriptors.set(number, Handle::file(node, path, append));
                Ok(true)
            }
            Err(fault) => {
                self.redirection_failed(path, true, fault);
                Ok(false)
            }
        }
    }

    /// Whether a path is that of the session's terminal.
    fn is_own_terminal(&self, path: &[u8]) -> bool {
        let tty = self.console.lock().terminal;
        matches!(path, b"/dev/tty" | b"/dev/console")
            || tty.is_some_and(|tty| tty.path().as_bytes() == path)
    }

    /// bash connects to nobody: an address refuses, a name is not found.
    fn refuse_connection(&self, path: &[u8]) {
        self.with(|kernel| kernel.tell_address(path));
        let host =
            String::from_utf8_lossy(path.split(|byte| *byte == b'/').nth(3).unwrap_or_default())
                .into_owned();
        if host.parse::<std::net::IpAddr>().is_ok() || host == "localhost" {
            let _ = self.write(2, b"bash: connect: Connection refused\n");
            self.complain_of(path, "Connection refused");
        } else {
            self.complain_of(host.as_bytes(), "Temporary failure in name resolution");
            self.complain_of(path, "Invalid argument");
        }
    }

    fn copy_descriptor(&mut self, number: u8, text: &[u8]) -> Result<bool, Unwind> {
        if text == b"-" {
            self.descriptors.close(number);
            return Ok(true);
        }
        let from =
            std::str::from_utf8(text).ok().and_then(|text| text.trim_end_matches('-').parse().ok());
        match from.and_then(|from| self.descriptors.get(from).cloned()) {
            Some(handle) => {
                self.descriptors.set(number, handle);
                Ok(true)
            }
            None => {
                match self.kind {
                    Kind::Bash if from.is_none() => self.complain_of(text, "ambiguous redirect"),
                    _ => self.complain_of(text, "Bad file descriptor"),
                }
                Ok(false)
            }
        }
    }
}

/// bash's `/dev/tcp/host/port`.
fn is_connection(path: &[u8]) -> bool {
    path.starts_with(b"/dev/tcp/") || path.starts_with(b"/dev/udp/")
}

impl Kernel {
    fn read_for_redirection(
        &mut self,
        folder: &[u8],
        path: &[u8],
        who: Who,
    ) -> Result<Vec<u8>, Fault> {
        match self.read_path(folder, path, who) {
            // A shell opens a folder and fails when it reads, which is the same to most scripts.
            Err(Fault::IsAFolder) => Ok(Vec::new()),
            read => read,
        }
    }
}

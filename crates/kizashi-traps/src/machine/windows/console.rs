//! cmd.exe at the other end of two pipes, as remote shells start it (winrs, RemCom, PsExec): a greeting, a prompt, lines as they come. Where its input is
//! no console it writes each line after the prompt that it read it at, as it does in batch files.

use kizashi_event::Timestamp;

use super::{LONGEST, WindowsMachine, WindowsSaid};
use crate::windows::WindowsRelease;

/// Bytes that one call prints.
const PRINTED: usize = 64 * 1024;
/// Details of one call.
const DETAILS: usize = 64;

/// One such cmd.exe.
pub(crate) struct WindowsConsole {
    machine: WindowsMachine,
    /// What came of a line that has not ended.
    line: Vec<u8>,
    echoes: bool,
    over: bool,
}

impl WindowsConsole {
    /// Starts it; what it prints first.
    pub(crate) fn open(machine: WindowsMachine, echoes: bool) -> (Self, String) {
        let console = Self { machine, line: Vec::new(), echoes, over: false };
        let facts = &console.machine.facts;
        let rights = match facts.windows.release {
            WindowsRelease::Server2008R2 => {
                "Copyright (c) 2009 Microsoft Corporation.  All rights reserved."
            }
            WindowsRelease::Server2012R2 => "(c) 2013 Microsoft Corporation. All rights reserved.",
            WindowsRelease::Server2016 => "(c) 2016 Microsoft Corporation. All rights reserved.",
        };
        let version = facts.version();
        let text = format!(
            "Microsoft Windows [Version {version}]\r\n{rights}\r\n\r\n{}",
            console.prompt()
        );
        (console, text)
    }

    fn prompt(&self) -> String {
        format!("{}>", self.machine.folder)
    }

    /// Lines are typed; what they print, and the prompt after each.
    pub(crate) fn type_in(&mut self, bytes: &[u8], now: Timestamp) -> WindowsSaid {
        let mut all = WindowsSaid::default();
        for byte in bytes {
            if self.over {
                break;
            }
            match byte {
                b'\n' => self.runs(now, &mut all),
                b'\r' => {}
                _ if self.line.len() < LONGEST => self.line.push(*byte),
                _ => {}
            }
        }
        all
    }

    fn runs(&mut self, now: Timestamp, all: &mut WindowsSaid) {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line).into_owned();
        let mut output = String::new();
        if self.echoes {
            output.push_str(&format!("{line}\r\n"));
        }
        if !line.trim().is_empty() {
            let said = self.machine.run(&line, now);
            output.push_str(&said.output);
            if all.errors.len() < PRINTED {
                all.errors.push_str(&said.errors);
            }
            all.status = said.status;
            let room = DETAILS.saturating_sub(all.details.len());
            all.details.extend(said.details.into_iter().take(room));
            let word = line.trim().split(char::is_whitespace).next().unwrap_or_default();
            self.over = word.eq_ignore_ascii_case("exit");
        }
        if !self.over {
            output.push_str(&format!("\r\n{}", self.prompt()));
        }
        if all.output.len() < PRINTED {
            all.output.push_str(&output);
        }
    }

    /// `exit` was typed.
    pub(crate) const fn is_over(&self) -> bool {
        self.over
    }

    pub(crate) fn memory(&self) -> usize {
        self.line.len() + self.machine.memory()
    }
}

//! What stands behind a login, as the protocols in front of it see it: a program that is given input and prints, with a terminal or
//! without. Telnet and SSH both speak to a [`Program`] and to nothing else of the machine, so that one machine serves both.

mod keyboard;
mod on_machine;

use std::time::Duration;

use kizashi_event::{Detail, Timestamp};

use crate::machine::Machine;
pub(crate) use keyboard::{Key, Keyboard};
use on_machine::OnMachine;

/// A terminal's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) columns: u16,
    pub(crate) rows: u16,
}

/// What a program printed and what is to be told of it, since this was last taken.
#[derive(Debug, Default)]
pub(crate) struct Printed {
    /// Lines end in LF alone: the terminal's line discipline makes CR LF of it.
    pub(crate) out: Vec<u8>,
    /// Of a program without a terminal; with one, errors are in `out`.
    pub(crate) err: Vec<u8>,
    pub(crate) told: Vec<Detail>,
}

/// What a program does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It waits for input.
    Waits,
    /// It goes on after this pause, in which no input is given; at once, where it is zero, when what it printed has left.
    Again(Duration),
    /// It ended with this status.
    Ended(u8),
}

/// A program running for a visitor: a login shell, or one command.
pub(crate) trait Program: Send {
    /// Input: with a terminal whole lines with their LF, without one bytes as they come.
    fn give(&mut self, bytes: &[u8]);

    /// No more input will come.
    fn end_of_input(&mut self);

    /// Control-C.
    fn interrupt(&mut self);

    /// Runs until it waits, pauses or ends. Called once after it was made and after each of the above.
    fn run(&mut self, now: Timestamp, printed: &mut Printed) -> Progress;

    /// The visitor is gone: what he wrote is told now, and what he typed of a line.
    fn leave(&mut self, unfinished: &[u8], now: Timestamp, told: &mut Vec<Detail>);

    /// Whether what is typed now is not to be shown, as at a password's prompt.
    fn hides_input(&self) -> bool {
        false
    }

    /// Bytes of the visitor's that are held.
    fn memory(&self) -> usize;
}

/// The program that a login gets: this one command, or a login shell without it.
pub(crate) fn program(
    machine: &Machine,
    on_terminal: bool,
    command: Option<&[u8]>,
) -> Box<dyn Program> {
    Box::new(OnMachine::new(machine, on_terminal, command))
}

/// What a terminal's line discipline makes of output: LF becomes CR LF.
pub(crate) fn on_screen(text: &[u8]) -> Vec<u8> {
    let mut shown = Vec::with_capacity(text.len() + 16);
    for byte in text {
        if *byte == b'\n' {
            shown.push(b'\r');
        }
        shown.push(*byte);
    }
    shown
}

//! The trap's own machine, as one installation of Debian 12 has it.

use std::sync::Arc;

use kizashi_traps::{Identity, Machine, Persona, WebServer};

use super::answer::Answer;
use super::reference;
use super::shape::Identity as Words;

/// The trap's machine, asked line by line, each in a fresh copy
pub struct Trap(Arc<Identity>);

impl Default for Trap {
    fn default() -> Self {
        Self(Arc::new(Identity::draw([7; 32]).with_web_server(WebServer::NginxDebian12)))
    }
}

impl Trap {
    /// What it says to a line
    #[must_use]
    pub fn answer(&self, line: &str) -> Answer {
        let said = Machine::run_for_comparison(&self.0, Persona::Server, line.as_bytes(), b"");
        Answer::new(i32::from(said.status), &said.output, &said.errors)
    }

    /// What it says of itself
    #[must_use]
    pub fn identity(&self) -> Words {
        reference::identity(|question| Some(self.answer(question)))
    }
}

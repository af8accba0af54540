//! The working folder.

use super::super::{Flow, Kind, Shell};
use crate::machine::files::{Fault, absolute, normal};

impl Shell {
    pub(super) fn change_folder(&mut self, words: &[Vec<u8>]) -> Flow {
        let words: Vec<&Vec<u8>> = words
            .iter()
            .filter(|word| !matches!(&word[..], b"-L" | b"-P" | b"--" | b"-e"))
            .collect();
        if words.len() > 1 && self.is_bash() {
            self.complain(b"cd: too many arguments");
            return Ok(1);
        }
        let (target, shown) = match words.first().map(|word| &word[..]) {
            None => match self.variables.value(b"HOME") {
                Some(home) => (home.to_vec(), false),
                None if self.is_bash() => {
                    self.complain(b"cd: HOME not set");
                    return Ok(1);
                }
                None => return Ok(0),
            },
            Some(b"-") => match self.variables.value(b"OLDPWD") {
                Some(old) => (old.to_vec(), true),
                None => {
                    if self.is_bash() {
                        self.complain(b"cd: OLDPWD not set");
                        return Ok(1);
                    }
                    return Ok(0);
                }
            },
            Some(word) => (word.to_vec(), false),
        };
        match self.enter_folder(&target) {
            Ok(()) => {
                if shown {
                    self.say(&[&self.folder[..], b"\n"].concat())?;
                }
                Ok(0)
            }
            Err(fault) => {
                match self.kind {
                    Kind::Bash => self.complain(
                        &[b"cd: ", &target[..], b": ", fault.to_string().as_bytes()].concat(),
                    ),
                    Kind::Dash => self.complain(&[b"cd: can't cd to ", &target[..]].concat()),
                    Kind::Ash => self.complain(
                        &[b"cd: can't cd to ", &target[..], b": ", fault.to_string().as_bytes()]
                            .concat(),
                    ),
                }
                Ok(if self.kind == Kind::Dash { 2 } else { 1 })
            }
        }
    }

    fn enter_folder(&mut self, target: &[u8]) -> Result<(), Fault> {
        let path = normal(&absolute(&self.folder, target));
        let who = self.who;
        self.with(|kernel| {
            let id = kernel.files.find(&absolute(&self.folder, target), true, who)?;
            let node = kernel.files.node(id);
            if !node.is_folder() {
                return Err(Fault::NotAFolder);
            }
            if node.permits(who, 1) { Ok(()) } else { Err(Fault::Denied) }
        })?;
        let old = std::mem::replace(&mut self.folder, path);
        self.variables.set_exported(b"OLDPWD", &old);
        self.variables.set_exported(b"PWD", &self.folder.clone());
        Ok(())
    }

    /// `pushd` and `popd`, of which only one folder is remembered; `dirs` shows the one.
    pub(super) fn folder_stack(&mut self, name: &[u8], words: &[Vec<u8>]) -> Flow {
        let status = match name {
            b"pushd" => self.change_folder(words)?,
            b"popd" if self.variables.value(b"OLDPWD").is_none() => {
                self.complain(b"popd: directory stack empty");
                return Ok(1);
            }
            b"popd" => {
                let old = self.variables.value(b"OLDPWD").unwrap_or(b"/").to_vec();
                self.change_folder(&[old])?
            }
            _ => 0,
        };
        if status == 0 {
            let mut shown = self.prompt_text(b"\\w");
            if name == b"pushd" {
                let here = self.folder.clone();
                let old = self.variables.value(b"OLDPWD").unwrap_or(b"/").to_vec();
                self.folder = old;
                let before = self.prompt_text(b" \\w");
                self.folder = here;
                shown.extend(before);
            }
            shown.push(b'\n');
            self.say(&shown)?;
        }
        Ok(status)
    }
}

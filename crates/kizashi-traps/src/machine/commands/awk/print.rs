//! Where `print` and `printf` of `awk` write: the output, files, commands that run afterwards.

use super::run::{Flow, LENGTH, Machine, special};
use super::syntax::{Expression, Target};

/// Files and commands that are written to.
const FILES: usize = 16;

impl Machine<'_, '_> {
    pub(super) fn print(&mut self, values: &[Expression], target: &Target) -> Flow {
        let format = self.text_of(special::OFMT);
        let mut texts = Vec::new();
        for value in values {
            match self.evaluate(value) {
                Ok(value) => texts.push(value.text(&format)),
                Err(flow) => return flow,
            }
        }
        let mut line = if values.is_empty() {
            self.whole_record()
        } else {
            texts.join(&self.text_of(special::OFS)[..])
        };
        line.extend(self.text_of(special::ORS));
        self.write(&line, target)
    }

    pub(super) fn printf(&mut self, values: &[Expression], target: &Target) -> Result<Flow, Flow> {
        let text = self.formatted(values)?;
        Ok(self.write(&text, target))
    }

    fn write(&mut self, text: &[u8], target: &Target) -> Flow {
        let conversion = self.text_of(special::CONVFMT);
        let (expression, append) = match target {
            Target::Output => {
                self.call.out(text);
                return Flow::Normal;
            }
            Target::File(name) => (name, false),
            Target::Append(name) => (name, true),
            Target::Command(name) => {
                let command = match self.evaluate(name) {
                    Ok(command) => command.text(&conversion),
                    Err(flow) => return flow,
                };
                self.give_command(command, text);
                return Flow::Normal;
            }
        };
        let name = match self.evaluate(expression) {
            Ok(name) => name.text(&conversion),
            Err(flow) => return flow,
        };
        match &name[..] {
            b"/dev/stdout" | b"-" => self.call.out(text),
            b"/dev/stderr" => self.call.err(text),
            _ => return self.write_file(name, append, text),
        }
        Flow::Normal
    }

    pub(super) fn give_command(&mut self, command: Vec<u8>, text: &[u8]) {
        if let Some((_, given)) =
            self.commands.iter_mut().find(|(known, given)| *known == command && !given.is_empty())
        {
            given.extend_from_slice(&text[..text.len().min(LENGTH.saturating_sub(given.len()))]);
        } else if self.commands.len() < FILES {
            self.commands.push((command, text.to_vec()));
        }
    }

    fn write_file(&mut self, name: Vec<u8>, append: bool, text: &[u8]) -> Flow {
        let known = self.written.contains(&name);
        if !known && self.written.len() >= FILES {
            return Flow::Exit;
        }
        self.writes += 1;
        if self.writes <= self.call.answers.writes {
            // It did so before it began again.
            if !known {
                self.written.push(name);
            }
            return Flow::Normal;
        }
        self.call.answers.writes = self.writes;
        let opened = self.call.kernel.open_for_writing(
            self.call.folder,
            &name,
            append || known,
            0o666 & !self.call.umask,
            self.call.who,
        );
        let written = opened.and_then(|(node, path)| {
            let offset = self.call.kernel.files.node(node).size();
            self.call.kernel.write(node, offset, text, &path)
        });
        let shown = String::from_utf8_lossy(&name).into_owned();
        if !known {
            self.written.push(name);
        }
        match written {
            Ok(_) => Flow::Normal,
            Err(fault) => Flow::Fatal(format!("cannot open \"{shown}\" for output ({fault})")),
        }
    }
}

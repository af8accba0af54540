//! Simple commands: what stands in front of them, and which of function, builtin and program they are (XCU 2.9.1).

use super::super::ast::{Assignment, Simple, Value, literal};
use super::super::variables::Content;
use super::super::{Boxed, Flow, Shell, Unwind, arrays};
use crate::machine::commands;

/// Functions called inside one another.
const CALLS: u32 = 24;

impl Shell {
    pub(super) async fn simple(&mut self, simple: &Simple) -> Flow {
        self.line = simple.line;
        let words = self.fields(&simple.words).await?;
        let words = self.aliased(simple, words);
        // Without redirections of its own what `exec` opened within it (`eval`, a function) stays open.
        let saved = (!simple.redirections.is_empty()).then(|| self.descriptors.clone());
        let flow = self.simple_redirected(simple, words).await;
        if let Some(descriptors) = self.kept_descriptors.take().or(saved) {
            self.descriptors = descriptors;
        }
        let status = flow?;
        self.status = status;
        Ok(status)
    }

    async fn simple_redirected(&mut self, simple: &Simple, words: Vec<Vec<u8>>) -> Flow {
        if words.is_empty() {
            if !self.redirect(&simple.redirections).await? {
                return Ok(1);
            }
            // A substitution's status is the command's.
            self.status =
                if simple.assignments.iter().any(has_substitution) { self.status } else { 0 };
            for assignment in &simple.assignments {
                self.assignment(assignment).await?;
            }
            return Ok(if simple.assignments.iter().any(has_substitution) {
                self.status
            } else {
                0
            });
        }
        if self.options.trace {
            let shown: Vec<Vec<u8>> =
                words.iter().map(|word| super::super::escape::quote(word)).collect();
            self.write(2, &[b"+ ", &shown.join(&b' ')[..], b"\n"].concat())?;
        }
        if words[0] == b"exec" && words.len() == 1 {
            return self.permanent(simple).await;
        }
        if !self.redirect(&simple.redirections).await? {
            return Ok(1);
        }
        let mut set = Vec::new();
        for assignment in &simple.assignments {
            if let Value::One(word) = &assignment.value {
                set.push((assignment.name.clone(), self.text(word).await?));
            }
        }
        self.call(words, set).await
    }

    /// `exec` without a command: its redirections stay.
    async fn permanent(&mut self, simple: &Simple) -> Flow {
        if !self.redirect(&simple.redirections).await? {
            return Ok(1);
        }
        let kept = self.descriptors.clone();
        self.kept_descriptors = Some(kept);
        Ok(0)
    }

    fn aliased(&self, simple: &Simple, mut words: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        let plain =
            simple.words.first().and_then(literal).is_some_and(|text| words.first() == Some(&text));
        if plain
            && !self.aliases.is_empty()
            && let Some(text) = words.first().and_then(|name| self.aliases.get(name))
        {
            let replaced: Vec<Vec<u8>> = text
                .split(u8::is_ascii_whitespace)
                .filter(|word| !word.is_empty())
                .map(<[u8]>::to_vec)
                .collect();
            words.splice(..1, replaced);
        }
        words
    }

    /// Runs a command by its words, with variables set for it alone.
    pub(crate) fn call(
        &mut self,
        words: Vec<Vec<u8>>,
        set: Vec<(Vec<u8>, Vec<u8>)>,
    ) -> Boxed<'_, Flow> {
        Box::pin(async move {
            let Some(name) = words.first().cloned() else { return Ok(0) };
            if let Some(body) = self.functions.get(&name).cloned() {
                return self.function(&body, words, set).await;
            }
            if self.is_builtin(&name) {
                let before: Vec<_> = set
                    .iter()
                    .map(|(name, _)| {
                        (
                            name.clone(),
                            self.variables.get(name).map(|variable| variable.content.clone()),
                        )
                    })
                    .collect();
                for (name, value) in &set {
                    self.assign(name, value)?;
                }
                let flow = self.builtin(&name, &words[1..]).await;
                for (name, content) in before {
                    match content {
                        Some(content) => drop(self.variables.put(&name, content)),
                        None => drop(self.variables.unset(&name)),
                    }
                }
                return flow;
            }
            let flow = self.external(words, set).await;
            self.know_window(false);
            flow
        })
    }

    async fn function(
        &mut self,
        body: &super::super::ast::Command,
        words: Vec<Vec<u8>>,
        set: Vec<(Vec<u8>, Vec<u8>)>,
    ) -> Flow {
        if self.calls >= CALLS {
            // bash's stack overflows far later, and then all ends.
            return Err(Unwind::Crashed);
        }
        self.calls += 1;
        let positional =
            std::mem::replace(&mut self.positional, words.into_iter().skip(1).collect());
        self.variables.enter();
        let loops = std::mem::take(&mut self.loops);
        for (name, value) in &set {
            self.variables.make_local(name);
            self.assign(name, value)?;
        }
        let flow = self.command(body).await;
        self.loops = loops;
        self.variables.leave();
        self.positional = positional;
        self.calls -= 1;
        match flow {
            Err(Unwind::Return(status)) => Ok(status),
            flow => flow,
        }
    }

    pub(super) async fn assignment(&mut self, assignment: &Assignment) -> Result<(), Unwind> {
        let name = &assignment.name;
        match &assignment.value {
            Value::One(word) => {
                let mut value = self.text(word).await?;
                if let Some(index) = &assignment.index {
                    let text = self.text(index).await?;
                    if self.variables.is_map(name) {
                        if assignment.append {
                            let old = self.named(name, &text);
                            value = [old, value].concat();
                        }
                        return self
                            .variables
                            .set_named(name, &text, &value)
                            .map_err(|_| Unwind::Killed);
                    }
                    let place = u64::try_from(self.arithmetic(&text)?).unwrap_or(0);
                    return self
                        .variables
                        .set_member(name, place, &value)
                        .map_err(|_| Unwind::Killed);
                }
                if assignment.append {
                    value = [self.scalar(name).unwrap_or_default(), value].concat();
                }
                self.assign(name, &value)?;
            }
            Value::Many(words) => {
                let values = self.fields(words).await?;
                if self.variables.is_map(name) {
                    return self.assign_map(name, &values, assignment.append);
                }
                let old = match self.variables.get(name).map(|variable| &variable.content) {
                    Some(Content::Many(values)) if assignment.append => values.clone(),
                    Some(Content::One(value)) if assignment.append => {
                        std::collections::BTreeMap::from([(0, value.clone())])
                    }
                    _ => std::collections::BTreeMap::new(),
                };
                let start = old.last_key_value().map_or(0, |(last, _)| last + 1);
                let mut all = old;
                all.extend(
                    values
                        .into_iter()
                        .enumerate()
                        .map(|(place, value)| (start + place as u64, value)),
                );
                self.variables.put(name, Content::Many(all)).map_err(|_| Unwind::Killed)?;
            }
        }
        Ok(())
    }

    /// A member by its name, or nothing.
    fn named(&self, name: &[u8], key: &[u8]) -> Vec<u8> {
        match self.variables.get(name).map(|variable| &variable.content) {
            Some(Content::Map(values)) => values.get(key).cloned().unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    /// `name=([key]=value …)` of an array by name; keys and values in turn are taken too, as bash 5.1 does.
    pub(crate) fn assign_map(
        &mut self,
        name: &[u8],
        members: &[Vec<u8>],
        append: bool,
    ) -> Result<(), Unwind> {
        let mut all = match self.variables.get(name).map(|variable| &variable.content) {
            Some(Content::Map(values)) if append => values.clone(),
            _ => std::collections::BTreeMap::new(),
        };
        let mut words = members.iter();
        while let Some(word) = words.next() {
            match arrays::member(word) {
                Some((key, value)) => all.insert(key.to_vec(), value.to_vec()),
                None => all.insert(word.clone(), words.next().cloned().unwrap_or_default()),
            };
        }
        self.variables.put(name, Content::Map(all)).map_err(|_| Unwind::Killed)
    }

    /// Whether the name is one of this shell's own commands.
    pub(crate) fn is_builtin(&self, name: &[u8]) -> bool {
        super::super::builtin::is_special(name, self.kind)
            || commands::is_shells_own(name, self.kind)
    }
}

fn has_substitution(assignment: &Assignment) -> bool {
    use super::super::ast::Part;
    fn any(word: &[Part]) -> bool {
        word.iter().any(|part| match part {
            Part::Command(_) => true,
            Part::Double(parts) => any(parts),
            _ => false,
        })
    }
    matches!(&assignment.value, Value::One(word) if any(word))
}

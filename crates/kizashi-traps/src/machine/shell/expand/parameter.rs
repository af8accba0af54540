//! Parameters and what `${…}` makes of them.

use super::super::ast::{Operation, Parameter, Word};
use super::super::variables::{Content, Refused};
use super::super::{Boxed, Kind, Origin, Shell, Unwind, arrays, escape};
use super::Fields;
use super::pattern::Pattern;
use crate::machine::commands::meter::Meter;

/// A parameter's value: nothing, one text, or the members of a list.
enum Found {
    Unset,
    One(Vec<u8>),
    Many { members: Vec<Vec<u8>>, joined: bool },
}

impl Shell {
    /// Adds a parameter's value to the fields.
    pub(super) fn parameter<'a>(
        &'a mut self,
        parameter: &'a Parameter,
        fields: &'a mut Fields,
        quoted: bool,
    ) -> Boxed<'a, Result<(), Unwind>> {
        Box::pin(async move {
            let mut name = parameter.name.clone();
            if parameter.indirect {
                name = self.scalar(&name).unwrap_or_default();
            }
            let found = self.find(&name, parameter.index.as_ref()).await?;
            if let Operation::Fallback { kind, colon, word } = &parameter.operation {
                return self.fallback(&name, found, (*kind, *colon, word), fields, quoted).await;
            }
            if matches!(found, Found::Unset)
                && self.options.no_unset
                && !matches!(parameter.operation, Operation::Length)
            {
                let text = if self.is_bash() { "unbound variable" } else { "parameter not set" };
                self.complain_of(&name, text);
                return Err(Unwind::Exit(if self.is_bash() { 127 } else { 2 }));
            }
            let made = self.operate(&name, found, &parameter.operation).await?;
            self.add(made, fields, quoted)
        })
    }

    fn add(&self, found: Found, fields: &mut Fields, quoted: bool) -> Result<(), Unwind> {
        match found {
            Found::Unset => Ok(()),
            Found::One(value) if quoted => fields.add(&value, true),
            Found::One(value) => fields.add_split(&value),
            Found::Many { members, joined } if quoted && joined => {
                let separator = self
                    .variables
                    .value(b"IFS")
                    .map_or_else(|| b" ".to_vec(), |value| value.iter().take(1).copied().collect());
                fields.add(&members.join(&separator[..]), true)
            }
            Found::Many { members, .. } => {
                for (place, member) in members.iter().enumerate() {
                    if place > 0 && fields.splits {
                        fields.end();
                    } else if place > 0 {
                        fields.add(b" ", quoted)?;
                    }
                    fields.open.kept |= quoted;
                    if quoted { fields.add(member, true)? } else { fields.add_split(member)? }
                }
                Ok(())
            }
        }
    }

    async fn find(&mut self, name: &[u8], index: Option<&Word>) -> Result<Found, Unwind> {
        if matches!(name, b"@" | b"*") {
            return Ok(Found::Many { members: self.positional.clone(), joined: name == b"*" });
        }
        let Some(index) = index else {
            return Ok(self.scalar(name).map_or(Found::Unset, Found::One));
        };
        let text = self.text(index).await?;
        if name == b"BASH_VERSINFO" && self.is_bash() {
            let version = self.with(|kernel| kernel.world.system.bash);
            let members: Vec<Vec<u8>> = version
                .split(['.', '(', ')', '-'])
                .filter(|part| !part.is_empty())
                .chain(["x86_64-pc-linux-gnu"])
                .map(|part| part.as_bytes().to_vec())
                .collect();
            let place = usize::try_from(self.arithmetic(&text).unwrap_or(0)).unwrap_or(0);
            return Ok(members.get(place).cloned().map_or(Found::Unset, Found::One));
        }
        if let Some(Content::Map(values)) =
            self.variables.get(name).map(|variable| variable.content.clone())
        {
            if matches!(&text[..], b"@" | b"*") {
                let members =
                    arrays::ordered(&values).into_iter().map(|(_, value)| value.clone()).collect();
                return Ok(Found::Many { members, joined: text == b"*" });
            }
            return Ok(values.get(&text).cloned().map_or(Found::Unset, Found::One));
        }
        let members = match self.variables.get(name).map(|variable| variable.content.clone()) {
            Some(Content::Many(values)) => values,
            Some(Content::One(value)) => std::collections::BTreeMap::from([(0, value)]),
            Some(Content::Map(_)) | None => std::collections::BTreeMap::new(),
        };
        if matches!(&text[..], b"@" | b"*") {
            return Ok(Found::Many {
                members: members.into_values().collect(),
                joined: text == b"*",
            });
        }
        let mut place = self.arithmetic(&text)?;
        if place < 0 {
            place += members
                .last_key_value()
                .map_or(0, |(last, _)| i64::try_from(*last).unwrap_or(0) + 1);
        }
        let member = u64::try_from(place).ok().and_then(|place| members.get(&place).cloned());
        Ok(member.map_or(Found::Unset, Found::One))
    }

    /// The value of a variable or special parameter.
    pub(crate) fn scalar(&self, name: &[u8]) -> Option<Vec<u8>> {
        let number = |number: u64| Some(number.to_string().into_bytes());
        match name {
            b"?" => number(self.status.into()),
            b"$" => number(self.process.into()),
            b"#" => number(self.positional.len() as u64),
            b"!" => (self.background > 0).then(|| self.background.to_string().into_bytes()),
            b"-" => Some(match (self.is_bash(), self.origin) {
                (true, Origin::Argument) => b"hBc".to_vec(),
                (true, Origin::Script) => b"hB".to_vec(),
                (true, Origin::Interactive) => b"himBHs".to_vec(),
                (false, _) => b"smi".to_vec(),
            }),
            b"0" => Some(self.label.clone()),
            b"@" | b"*" => Some(self.positional.join(&b' ')),
            _ if name.first().is_some_and(u8::is_ascii_digit) => {
                let place: usize = std::str::from_utf8(name).ok()?.parse().ok()?;
                self.positional.get(place.checked_sub(1)?).cloned()
            }
            b"LINENO" => number(self.line.into()),
            b"RANDOM" if self.kind != Kind::Dash => {
                number(self.with(super::super::Kernel::random) & 0x7fff)
            }
            b"SECONDS" if self.is_bash() => number(
                self.with(|kernel| kernel.now().seconds() - kernel.login.seconds()).unsigned_abs(),
            ),
            b"EPOCHSECONDS" if self.is_bash() => {
                number(self.with(|kernel| kernel.seconds()).unsigned_abs())
            }
            b"UID" | b"EUID" if self.is_bash() => number(self.who.uid.into()),
            b"BASHPID" if self.is_bash() => number((self.process + self.forks).into()),
            b"HOSTNAME" | b"OSTYPE" | b"MACHTYPE" | b"HOSTTYPE" | b"BASH_VERSION" | b"BASH"
                if self.is_bash() && self.variables.get(name).is_none() =>
            {
                let world = self.with(|kernel| std::sync::Arc::clone(&kernel.world));
                Some(match name {
                    b"HOSTNAME" => world.host.clone().into_bytes(),
                    b"OSTYPE" => b"linux-gnu".to_vec(),
                    b"MACHTYPE" => b"x86_64-pc-linux-gnu".to_vec(),
                    b"HOSTTYPE" => b"x86_64".to_vec(),
                    b"BASH" => b"/bin/bash".to_vec(),
                    _ => world.system.bash.as_bytes().to_vec(),
                })
            }
            b"PPID" => number(
                self.with(|kernel| kernel.files.processes.first().copied().unwrap_or(1)).into(),
            ),
            _ => self.variables.value(name).map(<[u8]>::to_vec),
        }
    }

    async fn fallback(
        &mut self,
        name: &[u8],
        found: Found,
        (kind, colon, word): (u8, bool, &Word),
        fields: &mut Fields,
        quoted: bool,
    ) -> Result<(), Unwind> {
        let missing = match &found {
            Found::Unset => true,
            Found::One(value) => colon && value.is_empty(),
            Found::Many { members, .. } => {
                members.is_empty() || colon && members.iter().all(Vec::is_empty)
            }
        };
        match (kind, missing) {
            (b'+', true) => Ok(()),
            (b'+', false) | (b'-', true) => self.parts(word, fields, quoted).await,
            (b'=', true) => {
                let value = self.text(word).await?;
                self.assign(name, &value)?;
                self.add(Found::One(value), fields, quoted)
            }
            (b'?', true) => {
                let mut text = self.text(word).await?;
                if text.is_empty() {
                    text = if self.is_bash() && colon {
                        b"parameter null or not set".to_vec()
                    } else {
                        b"parameter not set".to_vec()
                    };
                }
                self.complain(&[name, b": ", &text].concat());
                Err(Unwind::Exit(if self.is_bash() { 127 } else { 2 }))
            }
            _ => self.add(found, fields, quoted),
        }
    }

    /// Sets a variable; says so when it may not be.
    pub(crate) fn assign(&mut self, name: &[u8], value: &[u8]) -> Result<(), Unwind> {
        match self.variables.set(name, value) {
            Ok(()) => Ok(()),
            Err(Refused::Full) => Err(Unwind::Killed),
            Err(Refused::ReadOnly) => {
                match self.kind {
                    Kind::Bash => self.complain_of(name, "readonly variable"),
                    _ => self.complain_of(name, "is read only"),
                }
                Err(Unwind::Abort(if self.is_bash() { 1 } else { 2 }))
            }
        }
    }

    async fn operate(
        &mut self,
        name: &[u8],
        found: Found,
        operation: &Operation,
    ) -> Result<Found, Unwind> {
        match operation {
            Operation::Plain | Operation::Fallback { .. } => Ok(found),
            Operation::Length => Ok(Found::One(length(&found).to_string().into_bytes())),
            Operation::Keys => {
                let keys = match self.variables.get(name).map(|variable| &variable.content) {
                    Some(Content::Many(values)) => {
                        values.keys().map(|key| key.to_string().into_bytes()).collect()
                    }
                    Some(Content::Map(values)) => {
                        arrays::ordered(values).into_iter().map(|(key, _)| key.clone()).collect()
                    }
                    Some(Content::One(_)) => vec![b"0".to_vec()],
                    None => Vec::new(),
                };
                Ok(Found::Many { members: keys, joined: false })
            }
            Operation::Slice { offset, length } => self.slice(found, offset, length.as_ref()).await,
            Operation::Remove { suffix, longest, pattern } => {
                let pattern = self.pattern(pattern).await?;
                let meter = Meter::default();
                let made = each(found, |value| remove(value, &pattern, *suffix, *longest, &meter));
                self.spend(meter.steps()).await?;
                Ok(made)
            }
            Operation::Replace { all, anchor, pattern, with } => {
                let pattern = self.pattern(pattern).await?;
                let with = self.text(with).await?;
                let meter = Meter::default();
                let made =
                    each(found, |value| replace(value, &pattern, &with, (*all, *anchor), &meter));
                self.spend(meter.steps()).await?;
                Ok(made)
            }
            Operation::Case { upper, all } => {
                Ok(each(found, |value| change_case(value, *upper, *all)))
            }
            Operation::Transform(kind) => {
                let kind = *kind;
                Ok(each(found, |value| match kind {
                    b'Q' => escape::quote_always(value),
                    b'U' => value.to_ascii_uppercase(),
                    b'L' => value.to_ascii_lowercase(),
                    b'E' => escape::ansi_c(value),
                    _ => value.to_vec(),
                }))
            }
        }
    }

    async fn slice(
        &mut self,
        found: Found,
        offset: &Word,
        length: Option<&Word>,
    ) -> Result<Found, Unwind> {
        let offset = self.text(offset).await?;
        let offset = self.arithmetic(&offset)?;
        let length = match length {
            Some(word) => {
                let text = self.text(word).await?;
                Some(self.arithmetic(&text)?)
            }
            None => None,
        };
        Ok(match found {
            Found::Unset => Found::Unset,
            Found::One(value) => {
                let (start, end) = bounds(value.len(), offset, length);
                Found::One(value[start..end].to_vec())
            }
            Found::Many { members, joined } => {
                let mut members = members;
                if offset >= 0 && self.positional == members && !members.is_empty() {
                    members.insert(0, self.label.clone());
                }
                let (start, end) = bounds(members.len(), offset, length);
                Found::Many { members: members[start..end].to_vec(), joined }
            }
        })
    }
}

fn length(found: &Found) -> usize {
    match found {
        Found::Unset => 0,
        Found::One(value) => {
            std::str::from_utf8(value).map_or(value.len(), |text| text.chars().count())
        }
        Found::Many { members, .. } => members.len(),
    }
}

fn each(found: Found, change: impl Fn(&[u8]) -> Vec<u8>) -> Found {
    match found {
        Found::Unset => Found::Unset,
        Found::One(value) => Found::One(change(&value)),
        Found::Many { members, joined } => {
            Found::Many { members: members.iter().map(|member| change(member)).collect(), joined }
        }
    }
}

/// Where a slice begins and ends.
fn bounds(size: usize, offset: i64, length: Option<i64>) -> (usize, usize) {
    let whole = i64::try_from(size).unwrap_or(i64::MAX);
    let start = if offset < 0 { whole.saturating_add(offset) } else { offset };
    if start < 0 || start > whole {
        return (0, 0);
    }
    let end = match length {
        None => whole,
        Some(length) if length < 0 => whole.saturating_add(length).max(start),
        Some(length) => start.saturating_add(length).min(whole),
    };
    (usize::try_from(start).unwrap_or(0), usize::try_from(end).unwrap_or(0))
}

/// The longest texts on which a pattern is tried at every end, and at every beginning and end.
const TRIED: usize = 1_024;
const REPLACED: usize = 400;

fn remove(value: &[u8], pattern: &Pattern, suffix: bool, longest: bool, meter: &Meter) -> Vec<u8> {
    let size = value.len().min(TRIED);
    let ends: Vec<usize> = if longest { (0..=size).rev().collect() } else { (0..=size).collect() };
    for length in ends {
        let (part, rest) = if suffix {
            let cut = value.len() - length;
            (&value[cut..], &value[..cut])
        } else {
            (&value[..length], &value[length..])
        };
        if pattern.matches_within(part, meter) {
            return rest.to_vec();
        }
    }
    value.to_vec()
}

fn replace(
    value: &[u8],
    pattern: &Pattern,
    with: &[u8],
    (all, anchor): (bool, u8),
    meter: &Meter,
) -> Vec<u8> {
    if let Some(text) = pattern.text() {
        meter.take(value.len());
        return replace_text(value, &text, with, all, anchor);
    }
    if value.len() > REPLACED {
        return value.to_vec();
    }
    let longest = |start: usize| {
        (start + 1..=value.len())
            .rev()
            .find(|end| !meter.is_empty() && pattern.matches_within(&value[start..*end], meter))
    };
    let mut made = Vec::new();
    let mut at = 0;
    while at < value.len() {
        let found = match anchor {
            b'%' => pattern.matches_within(&value[at..], meter).then_some(value.len()),
            b'#' if at > 0 => None,
            _ => longest(at),
        };
        match found {
            Some(end) => {
                made.extend_from_slice(with);
                at = end;
                if !all {
                    break;
                }
            }
            None => {
                made.push(value[at]);
                at += 1;
            }
        }
    }
    made.extend_from_slice(&value[at..]);
    made
}

/// The same where the pattern is a text.
fn replace_text(value: &[u8], text: &[u8], with: &[u8], all: bool, anchor: u8) -> Vec<u8> {
    let mut made = Vec::new();
    let mut at = 0;
    while at < value.len() && !text.is_empty() {
        let rest = &value[at..];
        let here = match anchor {
            b'#' => at == 0 && rest.starts_with(text),
            b'%' => rest == text,
            _ => rest.starts_with(text),
        };
        if here {
            made.extend_from_slice(with);
            at += text.len();
            if !all {
                break;
            }
        } else {
            made.push(value[at]);
            at += 1;
        }
    }
    made.extend_from_slice(&value[at..]);
    made
}

fn change_case(value: &[u8], upper: bool, all: bool) -> Vec<u8> {
    let mut value = value.to_vec();
    let end = if all { value.len() } else { value.len().min(1) };
    if upper {
        value[..end].make_ascii_uppercase();
    } else {
        value[..end].make_ascii_lowercase();
    }
    value
}

//! From words to fields: braces, tildes, parameters, substitutions, arithmetic, then splitting, patterns, quote removal (XCU 2.6). A field
//! remembers of each byte whether it was quoted.

mod arithmetic;
mod braces;
mod parameter;
mod paths;
pub(crate) mod pattern;

use super::ast::{List, Part, Word};
use super::{Boxed, Flow, Shell, Unwind, WORDS};
use crate::machine::commands::meter::Meter;

/// Bytes of an expansion that take as long as a step.
const BYTES: usize = 128;

/// A word being made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Field {
    pub(crate) text: Vec<u8>,
    /// Of each byte, whether patterns and splitting leave it alone.
    pub(crate) quoted: Vec<bool>,
    /// There were quotes, so that it is a field though it is empty.
    pub(crate) kept: bool,
}

impl Field {
    fn push(&mut self, bytes: &[u8], quoted: bool) {
        self.text.extend_from_slice(bytes);
        self.quoted.resize(self.text.len(), quoted);
    }
}

/// Fields under construction.
struct Fields {
    done: Vec<Field>,
    open: Field,
    bytes: usize,
    separators: Vec<u8>,
    /// Whether unquoted expansions are split.
    splits: bool,
}

impl Fields {
    fn add(&mut self, bytes: &[u8], quoted: bool) -> Result<(), Unwind> {
        self.bytes += bytes.len();
        if self.bytes > WORDS {
            return Err(Unwind::Killed);
        }
        self.open.push(bytes, quoted);
        Ok(())
    }

    fn end(&mut self) {
        let field = std::mem::take(&mut self.open);
        if !field.text.is_empty() || field.kept {
            self.done.push(field);
        }
    }

    /// An unquoted expansion's value, split (XCU 2.6.5).
    fn add_split(&mut self, bytes: &[u8]) -> Result<(), Unwind> {
        if !self.splits {
            return self.add(bytes, false);
        }
        let mut after_blank = false;
        for byte in bytes {
            if !self.separators.contains(byte) {
                after_blank = false;
                self.add(&[*byte], false)?;
                continue;
            }
            let blank = byte.is_ascii_whitespace();
            if !blank && !after_blank && self.open.text.is_empty() {
                self.open.kept = true;
            }
            self.end();
            after_blank = blank;
        }
        Ok(())
    }
}

impl Shell {
    /// The fields of these words.
    pub(crate) async fn fields(&mut self, words: &[Word]) -> Result<Vec<Vec<u8>>, Unwind> {
        let mut all = Vec::new();
        let mut bytes = 0;
        for word in words {
            let braced = if self.is_bash() { braces::expand(word) } else { None };
            let list: &[Word] = braced.as_deref().unwrap_or(std::slice::from_ref(word));
            for word in list {
                self.step().await?;
                let split = self.split_word(word).await?;
                let length: usize = split.iter().map(|field| field.text.len()).sum();
                let work = length / BYTES + split.len() / 8;
                self.spend(u32::try_from(work).unwrap_or(u32::MAX)).await?;
                for field in split {
                    let meter = Meter::default();
                    let names = self.path_names(field, &meter);
                    self.spend(meter.steps()).await?;
                    for name in names {
                        bytes += name.len() + 1;
                        if bytes > WORDS {
                            return Err(self.too_long());
                        }
                        all.push(name);
                    }
                }
            }
        }
        Ok(all)
    }

    fn too_long(&mut self) -> Unwind {
        self.complain(b"Argument list too long");
        Unwind::Abort(126)
    }

    async fn split_word(&mut self, word: &Word) -> Result<Vec<Field>, Unwind> {
        let separators =
            self.variables.value(b"IFS").map_or_else(|| b" \t\n".to_vec(), <[u8]>::to_vec);
        let mut fields =
            Fields { done: Vec::new(), open: Field::default(), bytes: 0, separators, splits: true };
        self.parts(word, &mut fields, false).await?;
        fields.end();
        Ok(fields.done)
    }

    /// A word as one field, unsplit, its quoting known.
    pub(crate) async fn one_field(&mut self, word: &Word) -> Result<Field, Unwind> {
        let mut fields = Fields {
            done: Vec::new(),
            open: Field::default(),
            bytes: 0,
            separators: Vec::new(),
            splits: false,
        };
        self.parts(word, &mut fields, false).await?;
        let length: usize = fields.bytes;
        self.spend(u32::try_from(length / BYTES).unwrap_or(u32::MAX)).await?;
        let mut whole = Field::default();
        for (place, field) in fields.done.iter().chain(std::iter::once(&fields.open)).enumerate() {
            if place > 0 {
                whole.push(b" ", true);
            }
            whole.text.extend_from_slice(&field.text);
            whole.quoted.extend_from_slice(&field.quoted);
        }
        Ok(whole)
    }

    /// A word as one text.
    pub(crate) async fn text(&mut self, word: &Word) -> Result<Vec<u8>, Unwind> {
        Ok(self.one_field(word).await?.text)
    }

    /// A word as a pattern.
    pub(crate) async fn pattern(&mut self, word: &Word) -> Result<pattern::Pattern, Unwind> {
        let field = self.one_field(word).await?;
        Ok(pattern::Pattern::new(&field.text, &field.quoted))
    }

    fn parts<'a>(
        &'a mut self,
        word: &'a [Part],
        fields: &'a mut Fields,
        quoted: bool,
    ) -> Boxed<'a, Result<(), Unwind>> {
        Box::pin(async move {
            for part in word {
                match part {
                    Part::Text(text) => fields.add(text, quoted)?,
                    Part::Quoted(text) => {
                        fields.open.kept = true;
                        fields.add(text, true)?;
                    }
                    Part::Double(parts) => {
                        // `"$@"` without parameters is no field at all.
                        fields.open.kept |=
                            !is_all_parameters(parts) || !self.positional.is_empty();
                        self.parts(parts, fields, true).await?;
                    }
                    Part::Parameter(parameter) => self.parameter(parameter, fields, quoted).await?,
                    Part::Command(list) => {
                        let output = self.substitution(list).await?;
                        if quoted {
                            fields.add(&output, true)?;
                        } else {
                            fields.add_split(&output)?;
                        }
                    }
                    Part::Arithmetic(word) => {
                        let text = self.text(word).await?;
                        let value = self.arithmetic(&text)?.to_string();
                        if quoted {
                            fields.add(value.as_bytes(), true)?;
                        } else {
                            fields.add_split(value.as_bytes())?;
                        }
                    }
                    Part::Tilde(name) => {
                        let home = self.home(name);
                        fields.add(&home, true)?;
                    }
                    Part::Process(list) => {
                        let path = self.process_substitution(list).await?;
                        fields.add(&path, true)?;
                    }
                }
            }
            Ok(())
        })
    }

    fn home(&self, name: &[u8]) -> Vec<u8> {
        match name {
            b"" => match self.variables.value(b"HOME") {
                Some(home) => home.to_vec(),
                None => b"/root".to_vec(),
            },
            b"+" => self.folder.clone(),
            b"-" => self.variables.value(b"OLDPWD").unwrap_or(b"~-").to_vec(),
            name => match self.with(|kernel| kernel.account(name)) {
                Some(account) => account.home,
                None => [b"~", name].concat(),
            },
        }
    }

    /// What a list prints, without the newlines at its end.
    async fn substitution(&mut self, list: &List) -> Result<Vec<u8>, Unwind> {
        let (mut output, status) = self.captured(list).await?;
        self.status = status;
        output.retain(|byte| *byte != 0);
        while output.last() == Some(&b'\n') {
            output.pop();
        }
        Ok(output)
    }

    /// What a list prints, and its status.
    async fn captured(&mut self, list: &List) -> Result<(Vec<u8>, u8), Unwind> {
        if !self.may_nest() {
            return Ok((Vec::new(), 254));
        }
        let sink = super::descriptors::Sink::default();
        let mut child = self.child();
        child.descriptors.set(1, super::Handle::Sink(sink.clone()));
        let flow: Flow = child.list(list).await;
        let status = self.child_status(flow)?;
        Ok((sink.take(), status))
    }

    /// `<(list)`: the output as a file's name.
    async fn process_substitution(&mut self, list: &List) -> Result<Vec<u8>, Unwind> {
        let (output, _) = self.captured(list).await?;
        self.substitutions = self.substitutions.wrapping_add(1);
        let number = 63 - self.depth.min(20) - u32::from(self.substitutions % 20);
        let path = format!("/dev/fd/{number}").into_bytes();
        let who = self.who;
        let hidden = self.with(|kernel| {
            let now = kernel.seconds();
            // `/dev/fd` leads nowhere here, so the output stands in the shared-memory folder under the same name.
            let hidden = [b"/dev/shm/.fd", path.get(8..).unwrap_or_default()].concat();
            let Ok(place) = kernel.files.place(&hidden, true, who) else { return path };
            let id = match place.node {
                Some(id) => {
                    let _ = kernel.files.truncate(id, &hidden, now);
                    Some(id)
                }
                None => kernel.files.create_file(&place, &hidden, 0o600, who, now).ok(),
            };
            if let Some(id) = id {
                let _ = kernel.write_as(id, 0, &output, &hidden, false, false);
            }
            hidden
        });
        Ok(hidden)
    }
}

/// `"$@"` alone, or `"${a[@]}"`.
fn is_all_parameters(parts: &[Part]) -> bool {
    matches!(parts, [Part::Parameter(parameter)] if parameter.name == b"@")
}

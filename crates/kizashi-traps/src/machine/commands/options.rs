//! Options on a command line, as getopt_long reads them: letters joined, values behind or inside, options after operands.

use super::{Call, Finish};

/// What was given.
#[derive(Debug, Default)]
pub(crate) struct Given {
    options: Vec<(u8, Vec<u8>)>,
    /// What is no option.
    pub(crate) rest: Vec<Vec<u8>>,
}

impl Given {
    pub(crate) fn has(&self, letter: u8) -> bool {
        self.options.iter().any(|(found, _)| *found == letter)
    }

    /// The value given last.
    pub(crate) fn value(&self, letter: u8) -> Option<&[u8]> {
        self.options.iter().rev().find(|(found, _)| *found == letter).map(|(_, value)| &value[..])
    }

    pub(crate) fn values(&self, letter: u8) -> impl Iterator<Item = &[u8]> {
        self.options.iter().filter(move |(found, _)| *found == letter).map(|(_, value)| &value[..])
    }

    pub(crate) fn text(&self, letter: u8) -> Option<String> {
        self.value(letter).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    pub(crate) fn number(&self, letter: u8) -> Option<u64> {
        self.text(letter).and_then(|text| text.parse().ok())
    }

    /// The last of these letters that was given.
    pub(crate) fn last_of(&self, letters: &[u8]) -> Option<u8> {
        self.options.iter().rev().map(|(letter, _)| *letter).find(|letter| letters.contains(letter))
    }
}

impl Call<'_> {
    /// Reads options: `letters` as getopt has them, `longs` with the letter that each means.
    pub(crate) fn options(
        &mut self,
        letters: &str,
        longs: &[(&str, u8)],
        status: u8,
    ) -> Result<Given, Finish> {
        self.options_of(self.arguments(), letters, longs, status, true)
    }

    /// The same, where the first operand ends the options.
    pub(crate) fn leading_options(
        &mut self,
        letters: &str,
        longs: &[(&str, u8)],
        status: u8,
    ) -> Result<Given, Finish> {
        self.options_of(self.arguments(), letters, longs, status, false)
    }

    /// The same of other arguments than the command was given, for tools that take some words in a form of their own.
    pub(crate) fn options_among(
        &mut self,
        arguments: &[Vec<u8>],
        letters: &str,
        longs: &[(&str, u8)],
        status: u8,
    ) -> Result<Given, Finish> {
        self.options_of(arguments, letters, longs, status, true)
    }

    fn options_of(
        &mut self,
        words: &[Vec<u8>],
        letters: &str,
        longs: &[(&str, u8)],
        status: u8,
        permuted: bool,
    ) -> Result<Given, Finish> {
        let letters = letters.as_bytes();
        let takes = |letter: u8| {
            letters
                .iter()
                .position(|found| *found == letter)
                .map(|place| letters.get(place + 1) == Some(&b':'))
        };
        let mut given = Given::default();
        let mut at = 0;
        while let Some(word) = words.get(at) {
            at += 1;
            if word == b"--" {
                given.rest.extend_from_slice(&words[at..]);
                break;
            }
            if let Some(long) = word.strip_prefix(b"--") {
                at += self.long_option(long, words.get(at), longs, &takes, &mut given, status)?;
                continue;
            }
            if word.len() < 2 || word[0] != b'-' {
                given.rest.push(word.clone());
                if !permuted {
                    given.rest.extend_from_slice(&words[at..]);
                    break;
                }
                continue;
            }
            for (place, letter) in word.iter().enumerate().skip(1) {
                match takes(*letter).filter(|_| *letter != b':') {
                    None => return Err(self.invalid_option(*letter, status)),
                    Some(false) => given.options.push((*letter, Vec::new())),
                    Some(true) => {
                        let inner = &word[place + 1..];
                        let value = if inner.is_empty() {
                            words.get(at).cloned()
                        } else {
                            Some(inner.to_vec())
                        };
                        at += usize::from(inner.is_empty());
                        let Some(value) = value else {
                            self.complain(&format!(
                                "option requires an argument -- '{}'",
                                char::from(*letter)
                            ));
                            return Err(if self.is_busybox() {
                                self.usage("")
                            } else {
                                self.hint(status)
                            });
                        };
                        given.options.push((*letter, value));
                        break;
                    }
                }
            }
        }
        Ok(given)
    }

    fn hint(&mut self, status: u8) -> Finish {
        let name = String::from_utf8_lossy(self.name()).into_owned();
        self.err(format!("Try '{name} --help' for more information.\n").as_bytes());
        Finish::Status(status)
    }

    /// How many words beside the option were taken.
    fn long_option(
        &mut self,
        long: &[u8],
        next: Option<&Vec<u8>>,
        longs: &[(&str, u8)],
        takes: &dyn Fn(u8) -> Option<bool>,
        given: &mut Given,
        status: u8,
    ) -> Result<usize, Finish> {
        let (name, value) = match long.iter().position(|byte| *byte == b'=') {
            Some(place) => (&long[..place], Some(long[place + 1..].to_vec())),
            None => (long, None),
        };
        let exact = longs.iter().find(|(known, _)| known.as_bytes() == name);
        let found = exact.or_else(|| {
            longs.iter().find(|(known, _)| !name.is_empty() && known.as_bytes().starts_with(name))
        });
        let Some((_, letter)) = found else {
            let shown = String::from_utf8_lossy(name).into_owned();
            self.complain(&format!("unrecognized option '--{shown}'"));
            return Err(if self.is_busybox() { self.usage("") } else { self.hint(status) });
        };
        if takes(*letter) == Some(true) && value.is_none() {
            given.options.push((*letter, next.cloned().unwrap_or_default()));
            return Ok(1);
        }
        given.options.push((*letter, value.unwrap_or_default()));
        Ok(0)
    }
}

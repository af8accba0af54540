//! A line of cmd.exe: commands joined by `&`, `&&`, `||` and `|`, in groups, with redirections (`cmd /?`). A caret takes the meaning from
//! what follows it; between double quotes only the quote itself means anything.

/// How deep groups stand in one another.
const DEPTH: u32 = 16;
/// Commands of a line.
const STEPS: usize = 256;

/// How a command hangs together with the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joint {
    Always,
    And,
    Or,
    Pipe,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    Command(String),
    Group(Vec<Step>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    File {
        path: String,
        append: bool,
    },
    /// `2>&1` or `1>&2`.
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Redirect {
    /// Of what is printed as errors, and not of the output.
    pub(super) errors: bool,
    pub(super) target: Target,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) joint: Joint,
    pub(super) body: Body,
    pub(super) redirects: Vec<Redirect>,
}

struct Parser {
    text: Vec<char>,
    at: usize,
    depth: u32,
    steps: usize,
}

/// The commands of a line.
pub(super) fn parse(text: &str) -> Vec<Step> {
    let mut parser = Parser { text: text.chars().collect(), at: 0, depth: 0, steps: 0 };
    let mut steps = parser.steps();
    // A bracket that nothing opened ends nothing.
    while parser.at < parser.text.len() && parser.steps < STEPS {
        parser.at += 1;
        steps.extend(parser.steps());
    }
    steps
}

impl Parser {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    fn spaces(&mut self) {
        while self.peek(0).is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn steps(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut joint = Joint::Always;
        loop {
            self.steps += 1;
            if self.steps > STEPS {
                self.at = self.text.len();
                return steps;
            }
            let (body, redirects) = self.step();
            if body != Body::Command(String::new()) || !redirects.is_empty() {
                steps.push(Step { joint, body, redirects });
            }
            joint = match (self.peek(0), self.peek(1)) {
                (Some('&'), Some('&')) => {
                    self.at += 2;
                    Joint::And
                }
                (Some('|'), Some('|')) => {
                    self.at += 2;
                    Joint::Or
                }
                (Some('|'), _) => {
                    self.at += 1;
                    Joint::Pipe
                }
                (Some('&' | '\n' | '\r'), _) => {
                    self.at += 1;
                    Joint::Always
                }
                _ => return steps,
            };
        }
    }

    /// A command or group with its redirections, up to what joins it to the next.
    fn step(&mut self) -> (Body, Vec<Redirect>) {
        let mut redirects = Vec::new();
        self.spaces();
        while self.peek(0) == Some('@') {
            self.at += 1;
            self.spaces();
        }
        let mut group = None;
        if self.peek(0) == Some('(') && self.depth < DEPTH {
            self.at += 1;
            self.depth += 1;
            group = Some(self.steps());
            self.depth -= 1;
            if self.peek(0) == Some(')') {
                self.at += 1;
            }
        }
        let mut text = String::new();
        let mut quoted = false;
        while let Some(letter) = self.peek(0) {
            match letter {
                '"' => quoted = !quoted,
                '^' if !quoted => {
                    self.at += 1;
                    text.extend(self.peek(0).filter(|next| !"\r\n".contains(*next)));
                    self.at += 1;
                    continue;
                }
                '\r' | '\n' => break,
                '&' | '|' if !quoted => break,
                ')' if !quoted && self.depth > 0 => break,
                '>' if !quoted => {
                    redirects.push(self.redirect(&mut text));
                    continue;
                }
                '<' if !quoted => {
                    self.at += 1;
                    self.word();
                    continue;
                }
                _ => {}
            }
            text.push(letter);
            self.at += 1;
        }
        match group {
            Some(steps) => (Body::Group(steps), redirects),
            None if text.trim().is_empty() => (Body::Command(String::new()), redirects),
            None => (Body::Command(text), redirects),
        }
    }

    fn redirect(&mut self, text: &mut String) -> Redirect {
        let number = text.chars().next_back().filter(|last| "12".contains(*last));
        // `echo 1>x` redirects the first; `echo a1>x` prints the digit.
        let stands_alone = text.chars().rev().nth(1).is_none_or(char::is_whitespace);
        let errors = number == Some('2') && stands_alone;
        if number.is_some() && stands_alone {
            text.pop();
        }
        self.at += 1;
        if self.peek(0) == Some('&') && matches!(self.peek(1), Some('1' | '2')) {
            self.at += 2;
            return Redirect { errors, target: Target::Other };
        }
        let append = self.peek(0) == Some('>');
        self.at += usize::from(append);
        Redirect { errors, target: Target::File { path: self.word(), append } }
    }

    fn word(&mut self) -> String {
        while matches!(self.peek(0), Some(' ' | '\t')) {
            self.at += 1;
        }
        let mut word = String::new();
        let mut quoted = false;
        while let Some(letter) = self.peek(0) {
            match letter {
                '"' => quoted = !quoted,
                '^' if !quoted => {}
                ' ' | '\t' | '\r' | '\n' | '&' | '|' | '>' | '<' | ')' if !quoted => break,
                _ => word.push(letter),
            }
            self.at += 1;
        }
        word
    }
}

/// Words of a command, without their quotes.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted, mut begun) = (String::new(), false, false);
    for letter in text.chars() {
        match letter {
            '"' => {
                quoted = !quoted;
                begun = true;
            }
            _ if letter.is_whitespace() && !quoted => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            _ => {
                word.push(letter);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

//! Transact-SQL's words, and where one statement ends and the next begins: nothing need stand between two.

/// Words of a batch, and characters of it that are read.
const MOST: usize = 8_192;
pub(super) const LONGEST: usize = 48 * 1024;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A bare word.
    Word(String),
    /// A name in brackets.
    Name(String),
    /// A text in quotes.
    Text(String),
    /// `0x…`.
    Bytes(Vec<u8>),
    Number(String),
    /// `@name` or `@@name`, in small letters.
    Variable(String),
    Sign(char),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
}

impl Token {
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(&self.kind, Kind::Word(found) if found.eq_ignore_ascii_case(word))
    }

    pub(super) fn is_sign(&self, sign: char) -> bool {
        self.kind == Kind::Sign(sign)
    }

    /// What it names or says.
    pub(super) fn text(&self) -> String {
        match &self.kind {
            Kind::Word(text)
            | Kind::Name(text)
            | Kind::Text(text)
            | Kind::Number(text)
            | Kind::Variable(text) => text.clone(),
            Kind::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Kind::Sign(sign) => sign.to_string(),
        }
    }
}

/// The words of a text; comments are left out.
#[expect(clippy::too_many_lines, reason = "one case after the other")]
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let letters: Vec<char> = text.chars().take(LONGEST).collect();
    let mut found = Vec::new();
    let mut at = 0;
    let is_word = |letter: char| letter.is_alphanumeric() || "_$#@".contains(letter);
    while let Some(letter) = letters.get(at).copied() {
        if found.len() >= MOST {
            break;
        }
        let next = letters.get(at + 1).copied();
        let run = |from: usize, fits: &dyn Fn(char) -> bool| {
            from + letters[from..].iter().take_while(|letter| fits(**letter)).count()
        };
        let kind = match (letter, next) {
            _ if letter.is_whitespace() || letter == '\0' => {
                at += 1;
                continue;
            }
            ('-', Some('-')) => {
                at = run(at, &|letter| letter != '\n');
                continue;
            }
            ('/', Some('*')) => {
                let rest = &letters[at + 2..];
                let end = rest.windows(2).position(|pair| pair == ['*', '/']);
                at = end.map_or(letters.len(), |end| at + end + 4);
                continue;
            }
            ('\'' | '"', _) => Kind::Text(quoted(&letters, &mut at, letter)),
            ('[', _) => Kind::Name(quoted(&letters, &mut at, ']')),
            ('n' | 'N', Some('\'')) => {
                at += 1;
                Kind::Text(quoted(&letters, &mut at, '\''))
            }
            ('0', Some('x' | 'X')) => {
                let end = run(at + 2, &|letter| letter.is_ascii_hexdigit());
                let digits: Vec<u8> = letters[at + 2..end]
                    .iter()
                    .filter_map(|digit| u8::try_from(digit.to_digit(16)?).ok())
                    .collect();
                at = end;
                Kind::Bytes(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
            }
            ('0'..='9', _) => {
                let end = run(at, &|letter| letter.is_ascii_digit() || letter == '.');
                let text = letters[at..end].iter().collect();
                at = end;
                Kind::Number(text)
            }
            _ if is_word(letter) => {
                let end = run(at, &is_word);
                let text: String = letters[at..end].iter().collect();
                at = end;
                if letter == '@' { Kind::Variable(text.to_lowercase()) } else { Kind::Word(text) }
            }
            _ => {
                at += 1;
                Kind::Sign(letter)
            }
        };
        found.push(Token { kind });
    }
    found
}

/// A text up to its closing mark, which twice means itself.
fn quoted(letters: &[char], at: &mut usize, close: char) -> String {
    let mut text = String::new();
    *at += 1;
    while let Some(letter) = letters.get(*at).copied() {
        *at += 1;
        if letter == close {
            if letters.get(*at) != Some(&close) {
                break;
            }
            *at += 1;
        }
        text.push(letter);
    }
    text
}

/// Words that begin a statement.
const BEGINNINGS: [&str; 36] = [
    "select",
    "insert",
    "update",
    "delete",
    "create",
    "alter",
    "drop",
    "exec",
    "execute",
    "declare",
    "set",
    "use",
    "if",
    "while",
    "begin",
    "end",
    "print",
    "reconfigure",
    "go",
    "bulk",
    "waitfor",
    "backup",
    "restore",
    "shutdown",
    "grant",
    "revoke",
    "deny",
    "truncate",
    "kill",
    "dbcc",
    "return",
    "else",
    "commit",
    "rollback",
    "raiserror",
    "merge",
];

/// Cuts a batch into statements.
pub(super) fn statements(tokens: &[Token]) -> Vec<&[Token]> {
    let mut found = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Sign('(') => depth += 1,
            Kind::Sign(')') => depth = depth.saturating_sub(1),
            Kind::Sign(';') if depth == 0 => {
                found.push(&tokens[start..at]);
                start = at + 1;
            }
            Kind::Word(_) if depth == 0 && at > start => {
                let begins = BEGINNINGS.iter().any(|word| token.is(word));
                if begins && !goes_on(&tokens[start..at], token) {
                    found.push(&tokens[start..at]);
                    start = at;
                }
            }
            _ => {}
        }
    }
    found.push(tokens.get(start..).unwrap_or_default());
    found.retain(|statement| !statement.is_empty());
    found
}

/// Whether a word that could begin a statement belongs to the one before it.
fn goes_on(before: &[Token], token: &Token) -> bool {
    let Some(first) = before.first() else { return false };
    let last = before.last();
    let after = |words: &[&str]| last.is_some_and(|last| words.iter().any(|word| last.is(word)));
    let is_any = |words: &[&str]| words.iter().any(|word| token.is(word));
    let has = |words: &[&str]| before.iter().any(|token| words.iter().any(|word| token.is(word)));
    if last.is_some_and(|last| last.is_sign('.') || last.is_sign(',') || last.is_sign('='))
        || after(&["union", "all", "except", "intersect", "as", "for", "on"])
    {
        return true;
    }
    if first.is("insert") {
        return is_any(&["select", "exec", "execute"])
            && !has(&["values", "select", "exec", "execute"]);
    }
    if first.is("update") || first.is("merge") {
        return token.is("set") && !has(&["set"]);
    }
    if first.is("create") || first.is("alter") {
        let routine = ["procedure", "proc", "function", "trigger", "view"];
        return before.get(1).is_some_and(|second| routine.iter().any(|word| second.is(word)))
            || first.is("alter") && is_any(&["set", "drop"]) && !has(&["set", "drop"]);
    }
    if ["grant", "revoke", "deny"].iter().any(|word| first.is(word)) {
        return !has(&["to", "from"]);
    }
    false
}

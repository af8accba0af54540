//! Functions of time. Values are MariaDB's texts, `2026-11-29 01:11:08`; a clock is what the query was given.

use kizashi_event::Timestamp;

use super::super::error::SqlError;
use super::super::evaluate::Engine;
use super::super::value::Value;
use super::Found;

/// The moment as MariaDB writes it.
pub(in super::super) fn moment(now: Timestamp) -> String {
    let text = now.rfc3339();
    format!("{} {}", text.get(..10).unwrap_or_default(), text.get(11..19).unwrap_or_default())
}

pub(super) fn call(engine: &Engine<'_>, name: &[u8], values: &[Value]) -> Found {
    let now = engine.server.now;
    let text = moment(now);
    const PARTS: [&[u8]; 13] = [
        b"year",
        b"month",
        b"day",
        b"dayofmonth",
        b"hour",
        b"minute",
        b"second",
        b"quarter",
        b"date",
        b"time",
        b"unix_timestamp",
        b"to_seconds",
        b"to_days",
    ];
    const MADE: [&[u8]; 9] = [
        b"timestampadd",
        b"timestampdiff",
        b"date_format",
        b"date_add",
        b"date_sub",
        b"datediff",
        b"from_unixtime",
        b"str_to_date",
        b"last_day",
    ];
    Some(Ok(match (name, values) {
        (
            b"now" | b"sysdate" | b"current_timestamp" | b"localtime" | b"localtimestamp"
            | b"utc_timestamp",
            _,
        ) => Value::text(text),
        (b"curdate" | b"current_date" | b"utc_date", _) => Value::text(&text[..10]),
        (b"curtime" | b"current_time" | b"utc_time", _) => Value::text(&text[11..]),
        (b"unix_timestamp", []) => Value::Integer(now.seconds().into()),
        _ if PARTS.contains(&name) => match values {
            [Value::Null] => Value::Null,
            [value] => part(name, &value.bytes()),
            _ => return Some(Err(SqlError::parameters(name))),
        },
        _ if MADE.contains(&name) => match values.last() {
            Some(value) if !value.is_null() => Value::Text(value.bytes()),
            _ => Value::Null,
        },
        _ => return None,
    }))
}

fn part(name: &[u8], text: &[u8]) -> Value {
    let digits = |from: usize, to: usize| {
        let digits = text.get(from..to)?;
        std::str::from_utf8(digits).ok()?.trim().parse::<i128>().ok()
    };
    let number = match name {
        b"year" => digits(0, 4),
        b"month" => digits(5, 7),
        b"day" | b"dayofmonth" => digits(8, 10),
        b"hour" => digits(11, 13),
        b"minute" => digits(14, 16),
        b"second" => digits(17, 19),
        b"quarter" => digits(5, 7).map(|month| (month + 2) / 3),
        b"date" => return text.get(..10).map_or(Value::Null, |date| Value::text(date.to_vec())),
        b"time" => return text.get(11..).map_or(Value::Null, |time| Value::text(time.to_vec())),
        _ => days(text).map(|days| match name {
            b"to_days" => days,
            b"to_seconds" => days * 86_400,
            _ => (days - 719_528) * 86_400,
        }),
    };
    number.map_or(Value::Null, Value::Integer)
}

/// Days since the year 0, of `2026-11-29`, `20261129` or `950501`.
fn days(text: &[u8]) -> Option<i128> {
    let digits: Vec<i128> = text
        .iter()
        .filter(|byte| byte.is_ascii_digit())
        .take(8)
        .map(|b| i128::from(b - b'0'))
        .collect();
    let number = |digits: &[i128]| digits.iter().fold(0, |all, digit| all * 10 + digit);
    let (year, month, day) = match digits.len() {
        6 => (1900 + number(&digits[..2]), number(&digits[2..4]), number(&digits[4..])),
        8 => (number(&digits[..4]), number(&digits[4..6]), number(&digits[6..])),
        _ => return None,
    };
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    Some(365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day + 59 + 1)
}

//! Functions of numbers.

use super::super::error::SqlError;
use super::super::evaluate::{Engine, bits};
use super::super::value::Value;
use super::Found;

const KNOWN: [&[u8]; 34] = [
    b"abs",
    b"sign",
    b"floor",
    b"ceil",
    b"ceiling",
    b"round",
    b"truncate",
    b"mod",
    b"pow",
    b"power",
    b"sqrt",
    b"exp",
    b"ln",
    b"log",
    b"log2",
    b"log10",
    b"pi",
    b"sin",
    b"cos",
    b"tan",
    b"cot",
    b"asin",
    b"acos",
    b"atan",
    b"degrees",
    b"radians",
    b"greatest",
    b"least",
    b"conv",
    b"bin",
    b"oct",
    b"bit_count",
    b"crc32",
    b"nullif",
];

pub(super) fn call(name: &[u8], values: &[Value]) -> Found {
    if !KNOWN.contains(&name) {
        return None;
    }
    if name == b"nullif" {
        let [a, b] = values else { return Some(Err(SqlError::parameters(name))) };
        let same = a.compare(b).is_some_and(std::cmp::Ordering::is_eq);
        return Some(Ok(if same { Value::Null } else { a.clone() }));
    }
    if values.iter().any(Value::is_null) {
        return Some(Ok(Value::Null));
    }
    let found = whole(name, values).or_else(|| real(name, values));
    Some(found.unwrap_or_else(|| Err(SqlError::parameters(name))))
}

fn whole(name: &[u8], values: &[Value]) -> Found {
    let integer = |number: f64| Value::Integer(number.clamp(-1e18, 1.8e19) as i128);
    Some(Ok(match (name, values) {
        (b"abs", [Value::Integer(number)]) => Value::Integer(number.abs()),
        (b"abs", [value]) => Value::Real(value.number().abs()),
        (b"sign", [value]) => {
            let number = value.number();
            Value::Integer(i128::from(number > 0.0) - i128::from(number < 0.0))
        }
        (b"floor", [value]) => integer(value.number().floor()),
        (b"ceil" | b"ceiling", [value]) => integer(value.number().ceil()),
        (b"round", [value]) => integer(value.number().round()),
        (b"round" | b"truncate", [value, digits]) => {
            let digits = i32::try_from(digits.integer()).unwrap_or(0).clamp(-20, 20);
            let scale = 10_f64.powi(digits);
            let scaled = value.number() * scale;
            let scaled = if name == b"round" { scaled.round() } else { scaled.trunc() };
            match (value, digits) {
                (Value::Integer(_), 0..) => value.clone(),
                (_, 0..) => Value::Decimal(scaled / scale, u8::try_from(digits).unwrap_or(0)),
                _ => integer(scaled / scale),
            }
        }
        (b"mod", [Value::Integer(a), Value::Integer(b)]) => {
            a.checked_rem(*b).map_or(Value::Null, Value::Integer)
        }
        (b"greatest", [_, _, ..]) => best(values, std::cmp::Ordering::is_gt),
        (b"least", [_, _, ..]) => best(values, std::cmp::Ordering::is_lt),
        (b"conv", [value, from, to]) => conv(&value.bytes(), from.integer(), to.integer()),
        (b"bin", [value]) => Value::text(format!("{:b}", bits(value))),
        (b"oct", [value]) => Value::text(format!("{:o}", bits(value))),
        (b"bit_count", [value]) => Value::Integer(bits(value).count_ones().into()),
        (b"crc32", [value]) => {
            let mut sum = flate2::Crc::new();
            sum.update(&value.bytes());
            Value::Integer(sum.sum().into())
        }
        _ => return None,
    }))
}

fn best(values: &[Value], wins: fn(std::cmp::Ordering) -> bool) -> Value {
    let mut best = &values[0];
    for value in values {
        if value.compare(best).is_some_and(wins) {
            best = value;
        }
    }
    best.clone()
}

fn conv(text: &[u8], from: i128, to: i128) -> Value {
    let base =
        |base: i128| u32::try_from(base.unsigned_abs()).ok().filter(|b| (2..=36).contains(b));
    let (Some(from), Some(to)) = (base(from), base(to)) else { return Value::Null };
    let digits = text.iter().map_while(|byte| char::from(*byte).to_digit(from));
    let mut number = digits.fold(0_u64, |number, digit| {
        number.saturating_mul(u64::from(from)).saturating_add(u64::from(digit))
    });
    let mut result = Vec::new();
    loop {
        let digit = u32::try_from(number % u64::from(to)).unwrap_or(0);
        result.push(char::from_digit(digit, to).unwrap_or('0').to_ascii_uppercase() as u8);
        number /= u64::from(to);
        if number == 0 {
            break;
        }
    }
    result.reverse();
    Value::Text(result)
}

fn real(name: &[u8], values: &[Value]) -> Found {
    let numbers: Vec<f64> = values.iter().map(Value::number).collect();
    let result = match (name, numbers.as_slice()) {
        (b"mod", [a, b]) => a % b,
        (b"pow" | b"power", [a, b]) => a.powf(*b),
        (b"exp", [a]) => a.exp(),
        (b"cot", [a]) => 1.0 / a.tan(),
        (b"sqrt", [a]) => a.sqrt(),
        (b"ln" | b"log", [a]) if *a > 0.0 => a.ln(),
        (b"log", [base, a]) if *a > 0.0 && *base > 0.0 => a.log(*base),
        (b"log2", [a]) if *a > 0.0 => a.log2(),
        (b"log10", [a]) if *a > 0.0 => a.log10(),
        (b"ln" | b"log" | b"log2" | b"log10", [..]) => return Some(Ok(Value::Null)),
        (b"pi", []) => return Some(Ok(Value::Decimal(std::f64::consts::PI, 6))),
        (b"sin", [a]) => a.sin(),
        (b"cos", [a]) => a.cos(),
        (b"tan", [a]) => a.tan(),
        (b"asin", [a]) => a.asin(),
        (b"acos", [a]) => a.acos(),
        (b"atan", [a]) => a.atan(),
        (b"degrees", [a]) => a.to_degrees(),
        (b"radians", [a]) => a.to_radians(),
        _ => return None,
    };
    if result.is_nan() {
        return Some(Ok(Value::Null));
    }
    if result.is_infinite() {
        let inner = values.iter().map(|value| String::from_utf8_lossy(&value.bytes()).into_owned());
        let inner: String = inner.collect::<Vec<_>>().join(",").chars().take(80).collect();
        let name = String::from_utf8_lossy(name);
        return Some(Err(SqlError::range("DOUBLE", &format!("{name}({inner})"))));
    }
    Some(Ok(Value::Real(result)))
}

/// The generator of MySQL's RAND, whose numbers from a seed are always the same.
pub(super) fn rand(engine: &mut Engine<'_>, call: usize, seed: Option<i128>) -> f64 {
    const MAXIMUM: u32 = 0x3fff_ffff;
    let server = engine.server;
    let (first, second) = engine.random.entry(call).or_insert_with(|| {
        let seed = seed.map_or(server.chance, |seed| seed as u32);
        (
            seed.wrapping_mul(0x10001).wrapping_add(55_555_555) % MAXIMUM,
            seed.wrapping_mul(0x1000_0001) % MAXIMUM,
        )
    });
    let next = (u64::from(*first) * 3 + u64::from(*second)) % u64::from(MAXIMUM);
    *first = u32::try_from(next).unwrap_or(0);
    *second = u32::try_from((next + u64::from(*second) + 33) % u64::from(MAXIMUM)).unwrap_or(0);
    f64::from(*first) / f64::from(MAXIMUM)
}

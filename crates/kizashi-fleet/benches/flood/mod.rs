//! What a flood of log-ins looks like, for each bench that measures by one.

use kizashi_event::Detail;

/// What the event of this number tells: each four are a connection, a log-in, a command, its end.
pub(crate) fn told(number: u64) -> Detail {
    match number % 4 {
        0 => Detail::Connect,
        1 => Detail::Login {
            username: Some("root".into()),
            password: Some(format!("password{}", number % 977).as_str().into()),
            public_key: None,
            accepted: number.is_multiple_of(8),
        },
        2 => Detail::Command { line: "uname -s -v -n -r -m".into(), known: Some(true) },
        _ => Detail::Close { duration_ms: Some(number % 30_000), received: Some(number % 900) },
    }
}

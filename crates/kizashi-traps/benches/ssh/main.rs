//! What a visitor costs, in processor time: SSH logins and Telnet sessions beside Cowrie 3.1.4; SSH logins against what the key exchange
//! and the host key's signature alone take, Telnet sessions against a server that only sends the same bytes; what idle sessions hold.
//!
//! `cargo bench -p kizashi-traps --bench ssh`; Cowrie comes from PyPI into `target/cowrie`, or a folder given after `--`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark fails by panicking and prints its figures"
)]

mod bare;
mod beside;
mod cost;
mod replay;
mod server;

use std::path::PathBuf;

/// The middle one of three or more.
fn median(rates: &[f64]) -> f64 {
    let mut rates = rates.to_vec();
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [mode, log] = words.as_slice()
        && mode == "serve"
    {
        return server::serve(log);
    }
    if words.first().is_some_and(|word| word == "bare") {
        return bare::serve();
    }
    let target = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/cowrie");
    let folder = words.first().map_or(target, PathBuf::from);
    let alone = replay::measure();
    println!("per second of processor time");
    println!("{:<52} {:>9.0}", "key exchange and signature alone", alone.bare);
    println!(
        "{:<52} {:>9.0}  {:.0} % of that",
        "SSH login, without a socket",
        alone.logins,
        100.0 * alone.share
    );
    let (limit, [ours, theirs]) = beside::measure(&folder);
    let limit = median(&limit);
    for (name, ours, theirs) in
        [("SSH login", &ours.ssh, &theirs.ssh), ("Telnet session", &ours.telnet, &theirs.telnet)]
    {
        let (ours, theirs) = (median(ours), median(theirs));
        println!(
            "{:<52} {ours:>9.0}  Cowrie {theirs:.0}: {:.1} times{}",
            format!("{name}, over a socket, events written as JSON"),
            ours / theirs,
            if name == "SSH login" {
                format!("; {:.0} % of key exchange and signature", 100.0 * ours / alone.bare)
            } else {
                format!(
                    "; {:.0} % of {limit:.0}, a server that only sends the same bytes",
                    100.0 * ours / limit
                )
            }
        );
    }
    println!("an idle SSH login holds {} bytes", alone.bytes_held);
}

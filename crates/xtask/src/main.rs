//! `cargo xtask`: work on Kizashi's own sources, in Rust so that it needs nothing installed. `new-trap NAME PORT` begins a trap
//! (docs/adding-a-protocol.md).

mod new_trap;
mod source;

use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "cargo xtask new-trap NAME PORT
  begins a trap: a folder in crates/kizashi-traps/src that speaks a small protocol and keeps the contract already,
  its lines in the registry and in the fuzzer; docs/adding-a-protocol.md tells the rest";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["new-trap", name, port] => match new_trap::begin(&root, name, port) {
            Ok(next) => {
                say(&next);
                ExitCode::SUCCESS
            }
            Err(problem) => {
                say(&format!("error: {problem}"));
                ExitCode::FAILURE
            }
        },
        _ => {
            say(USAGE);
            ExitCode::from(2)
        }
    }
}

#[expect(clippy::print_stdout, reason = "a command for developers")]
fn say(text: &str) {
    println!("{text}");
}

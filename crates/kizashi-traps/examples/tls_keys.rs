//! Prints RSA keys for TLS tests: `cargo run -p kizashi-traps --example tls_keys > …/test-keys.txt`.
#![allow(clippy::print_stdout, reason = "this is what it is for")]

fn main() -> Result<(), kizashi_traps::RsaKeyError> {
    println!("{}", kizashi_traps::TlsKeys::generate([7; 32])?.to_text());
    Ok(())
}

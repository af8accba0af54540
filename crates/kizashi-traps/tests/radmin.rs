//! Radmin before those who look for it: nmap, which must name the product, and hydra with a list of passwords.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says what it skips"
)]

#[path = "support/house.rs"]
#[allow(dead_code, reason = "each test file uses a part of it")]
mod house;

use std::process::Command;

use house::{House, installed, said};
use kizashi_event::Detail;
use kizashi_traps::{Identity, LoginSettings};

fn open() -> House {
    let logins = LoginSettings { tries: 1..=1, ..LoginSettings::default() };
    House::of_trap("radmin", Identity::draw([1; 32]).with_logins(logins))
}

#[test]
fn nmap_names_the_product_and_its_security() {
    if !installed("nmap") {
        return;
    }
    let house = open();
    let output = Command::new("timeout")
        .args([
            "120",
            "nmap",
            "-sV",
            "--version-all",
            "-Pn",
            "-n",
            "-p",
            &house.port(),
            "127.0.0.1",
        ])
        .output();
    house.close();
    let text = said(&output.unwrap());
    assert!(text.contains("Famatech Radmin 2.X (Radmin Authentication)"), "{text}");
}

#[test]
fn hydra_finds_the_weak_password_and_each_that_it_tried_is_told() {
    if !installed("hydra") {
        return;
    }
    let house = open();
    let list = house.folder().join("passwords");
    std::fs::write(&list, "kUq81xX\n12345678\n").unwrap();
    let output = Command::new("timeout")
        .args(["60", "hydra", "-I", "-t", "1", "-l", "nobody", "-P"])
        .arg(&list)
        .args(["-s", &house.port(), "127.0.0.1", "radmin2"])
        .output();
    let events = house.close();
    let text = said(&output.unwrap());
    assert!(text.contains("password: 12345678"), "{text}");
    let tried: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.detail {
            Detail::Login { password, accepted, .. } => {
                Some((password.as_ref().map(|text| text.raw().to_owned()), *accepted))
            }
            _ => None,
        })
        .collect();
    assert!(tried.contains(&(None, false)), "one that is on no list: {tried:?}");
    assert!(tried.contains(&(Some("12345678".to_owned()), true)), "{tried:?}");
}

//! Begins a trap: a copy of the smallest one that keeps the contract (`kizashi-traps/src/contract/example`, which the gate tests),
//! under another name, with its lines wherever a trap has one. What it then says is the author's.

use std::path::{Path, PathBuf};

use crate::source::{Lost, before, with_line, with_word};

/// The name that is put in the place of `example`, at most.
const LONGEST_NAME: usize = 20;

/// Why no trap was begun.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NewTrapError {
    #[error("`{0}` is no name: small letters and digits, a letter first, {LONGEST_NAME} at most")]
    Name(String),
    #[error("`{0}` is no port: a number from 1 to 65535")]
    Port(String),
    #[error("{0} is there already")]
    Exists(String),
    #[error("{0}")]
    Lost(#[from] Lost),
    #[error("{path}: {error}")]
    File { path: String, error: std::io::Error },
}

/// A file that is to be written.
struct Change {
    path: PathBuf,
    text: String,
}

/// Writes the trap `name` on `port` into the sources at `root`; what to do next. Nothing is written unless all of it can be.
pub(crate) fn begin(root: &Path, name: &str, port: &str) -> Result<String, NewTrapError> {
    let begins = name.starts_with(|letter: char| letter.is_ascii_lowercase());
    let spelt = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if !begins || !spelt || name.len() > LONGEST_NAME || name == "example" {
        return Err(NewTrapError::Name(name.to_owned()));
    }
    let number: u16 = port
        .parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| NewTrapError::Port(port.to_owned()))?;
    let traps = root.join("crates/kizashi-traps/src");
    if traps.join(name).exists() {
        return Err(NewTrapError::Exists(format!("crates/kizashi-traps/src/{name}")));
    }
    let mut changes = copies(&traps.join("contract/example"), &traps.join(name), name, number)?;
    changes.extend(registered(&traps, name)?);
    changes.extend(fuzzed(root, name)?);
    for change in changes {
        if let Some(folder) = change.path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| at(folder, error))?;
        }
        std::fs::write(&change.path, change.text).map_err(|error| at(&change.path, error))?;
    }
    Ok(next(name))
}

fn at(path: &Path, error: std::io::Error) -> NewTrapError {
    NewTrapError::File { path: path.display().to_string(), error }
}

fn read(path: &Path) -> Result<String, NewTrapError> {
    std::fs::read_to_string(path).map_err(|error| at(path, error))
}

/// Every file of the example under its new name.
fn copies(from: &Path, to: &Path, name: &str, port: u16) -> Result<Vec<Change>, NewTrapError> {
    let mut changes = Vec::new();
    for entry in std::fs::read_dir(from).map_err(|error| at(from, error))? {
        let path = entry.map_err(|error| at(from, error))?.path();
        let Some(file) = path.file_name() else { continue };
        if path.is_dir() {
            changes.extend(copies(&path, &to.join(file), name, port)?);
        } else {
            // Where a privileged port is asked for, one that anybody may open stands in for it.
            let open_to_all = if port < 1024 { 10_000 + port } else { port };
            let text = read(&path)?
                .replace(
                    "unprivileged: &[Port::tcp(4999)]",
                    &format!("unprivileged: &[Port::tcp({open_to_all})]"),
                )
                .replace("4999", &port.to_string())
                .replace("example", name);
            changes.push(Change { path: to.join(file), text });
        }
    }
    Ok(changes)
}

/// The trap's lines in its crate.
fn registered(traps: &Path, name: &str) -> Result<Vec<Change>, NewTrapError> {
    let (library, registry, fuzz) =
        (traps.join("lib.rs"), traps.join("registry.rs"), traps.join("fuzz.rs"));
    let entry = format!(
        "/// The wire of `{name}`.\npub fn {name}_wire(bytes: &[u8]) {{\n    crate::{name}::fuzz(bytes);\n}}\n\n"
    );
    let registered = with_word(&read(&registry)?, "use crate::{", '}', name)?;
    // The one that takes any port stays last.
    let registered = before(&registered, "any::TRAP", &format!("{name}::TRAP, "))?;
    Ok(vec![
        Change {
            text: with_line(&read(&library)?, "mod ", &format!("mod {name};"))?,
            path: library,
        },
        Change { text: registered, path: registry },
        Change { text: before(&read(&fuzz)?, "/// The list of ports.", &entry)?, path: fuzz },
    ])
}

/// The trap's parser among the fuzzer's entries.
fn fuzzed(root: &Path, name: &str) -> Result<Vec<Change>, NewTrapError> {
    const COUNT: &str = "pub const ENTRIES: [(&str, Entry); ";
    let (list, manifest) = (root.join("fuzz/src/lib.rs"), root.join("fuzz/Cargo.toml"));
    let text = read(&list)?;
    let start = text.find(COUNT).ok_or(Lost(COUNT))? + COUNT.len();
    let end = start + text[start..].find(']').ok_or(Lost(COUNT))?;
    let count: usize = text[start..end].parse().map_err(|_| Lost(COUNT))?;
    let text = format!("{}{}{}", &text[..start], count + 1, &text[end..]);
    let entry = format!("    (\"{name}_wire\", kizashi_traps::fuzz::{name}_wire),\n");
    let target = format!(
        "#![no_main]\nlibfuzzer_sys::fuzz_target!(|bytes: &[u8]| kizashi_traps::fuzz::{name}_wire(bytes));\n"
    );
    let binary = format!(
        "[[bin]]\nname = \"{name}_wire\"\npath = \"fuzz_targets/{name}_wire.rs\"\ntest = false\ndoc = false\nbench = false\n\n"
    );
    Ok(vec![
        Change { text: before(&text, "    (\"recognise\"", &entry)?, path: list },
        Change {
            text: before(&read(&manifest)?, "# What no target calls", &binary)?,
            path: manifest,
        },
        Change { text: target, path: root.join(format!("fuzz/fuzz_targets/{name}_wire.rs")) },
    ])
}

fn next(name: &str) -> String {
    format!(
        "`{name}` speaks and is tested. Next:
  cargo fmt --all
  KIZASHI_BLESS=1 cargo test -p kizashi-traps --lib {name}::
  cargo test -p kizashi-traps --lib {name}:: contract::
then make it the product that it imitates: docs/adding-a-protocol.md"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A copy of what the generator reads and writes.
    fn copy(name: &str) -> PathBuf {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let copy =
            std::env::temp_dir().join(format!("kizashi-xtask-{name}-{}", std::process::id()));
        let traps = Path::new("crates/kizashi-traps/src");
        let mut files = vec![PathBuf::from("fuzz/src/lib.rs"), PathBuf::from("fuzz/Cargo.toml")];
        files.extend(["lib.rs", "registry.rs", "fuzz.rs"].map(|file| traps.join(file)));
        for folder in [traps.join("contract/example"), traps.join("contract/example/transcripts")] {
            let entries = std::fs::read_dir(root.join(&folder)).unwrap();
            let names = entries.map(|entry| entry.unwrap().file_name());
            files.extend(
                names.map(|name| folder.join(name)).filter(|file| root.join(file).is_file()),
            );
        }
        for file in files {
            std::fs::create_dir_all(copy.join(&file).parent().unwrap()).unwrap();
            std::fs::copy(root.join(&file), copy.join(&file)).unwrap();
        }
        copy
    }

    #[test]
    fn a_new_trap_has_its_files_and_its_line_wherever_traps_are_listed() {
        let root = copy("new");
        begin(&root, "finger", "79").unwrap();
        let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
        for file in
            ["doc.md", "mod.rs", "session.rs", "tests.rs", "wire.rs", "transcripts/login.txt"]
        {
            let text = read(&format!("crates/kizashi-traps/src/finger/{file}"));
            assert!(!text.contains("example") && !text.contains("4999"), "{file}:\n{text}");
        }
        let trap = read("crates/kizashi-traps/src/finger/mod.rs");
        assert!(trap.contains("Port::tcp(79)") && trap.contains("Port::tcp(10079)"), "{trap}");
        assert!(read("crates/kizashi-traps/src/lib.rs").contains("\nmod finger;\n"));
        let registry = read("crates/kizashi-traps/src/registry.rs");
        assert!(registry.contains("finger::TRAP, any::TRAP"), "{registry}");
        assert_eq!(registry.matches("finger").count(), 2, "{registry}");
        assert!(
            read("fuzz/src/lib.rs").contains("(\"finger_wire\", kizashi_traps::fuzz::finger_wire)")
        );
        let again = begin(&root, "finger", "79").unwrap_err().to_string();
        assert!(again.contains("is there already"), "{again}");
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn a_name_or_port_that_is_none_writes_nothing() {
        let root = copy("refused");
        for (name, port) in [
            ("", "79"),
            ("Finger", "79"),
            ("../finger", "79"),
            ("finger", "0"),
            ("finger", "70000"),
        ] {
            assert!(begin(&root, name, port).is_err(), "{name} {port}");
        }
        assert!(!root.join("crates/kizashi-traps/src/finger").exists());
        std::fs::remove_dir_all(root).unwrap();
    }
}

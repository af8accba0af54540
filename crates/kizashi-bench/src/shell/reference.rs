//! The real Debian: `scripts/reference-machine` boots it in namespaces of its own and runs each line in a fresh copy.
//!
//! Only root may make such namespaces, and the first call makes the root by debootstrap (about four minutes). What it said is kept
//! in `target/`, by line, so that a second call asks only what is new.

use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use thiserror::Error;

use super::answer::{Answer, Kept, STOPPED};
use super::shape::Identity;

/// How long a line may take in the reference, in seconds
pub const SECONDS_A_LINE: u32 = 12;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/reference-machine");
const SCRIPT_TEXT: &str = include_str!("../../scripts/reference-machine");

/// Questions whose answers are the machine itself, and what stands for each answer
pub const WHO: [(&str, &str); 7] = [
    ("busybox | head -n 1 | cut -d' ' -f1-4", "<busybox>"),
    ("cut -d' ' -f4- /proc/version | sed 's/ #.*//'", "<compiler>"),
    ("uname -v", "<version>"),
    ("uname -r", "<kernel>"),
    ("grep -m1 'model name' /proc/cpuinfo | cut -d: -f2", "<processor>"),
    ("hostname", "<host>"),
    ("ip route show default | awk '{print $5}'", "<interface>"),
];

/// Why the reference gave no answers
#[derive(Debug, Error)]
pub enum ReferenceError {
    /// The script or a line could not be started
    #[error("could not run {SCRIPT}: {0}")]
    Run(#[from] io::Error),
    /// The machine could not be made or did not boot
    #[error(
        "the reference Debian did not start ({0}); it needs root, debootstrap and a Debian mirror"
    )]
    Start(String),
}

/// What a machine says of itself, from its answers to [`WHO`]
#[must_use]
pub fn identity(answer: impl Fn(&str) -> Option<Answer>) -> Identity {
    let mut identity: Identity = Vec::new();
    for (question, stands) in WHO {
        let Some(answer) = answer(question).filter(|answer| answer.status == 0) else { continue };
        let word = Answer::readable(&answer.stdout).trim().to_owned();
        if word.len() >= 3 && !word.contains('\n') {
            identity.push((word, stands));
        }
    }
    identity
}

/// The real Debian, or what it said before
pub struct Reference {
    folder: PathBuf,
    kept: Kept,
    machine: Option<(Child, String)>,
}

impl Reference {
    /// What was kept in a folder; boots nothing yet
    #[must_use]
    pub fn open(folder: &Path) -> Self {
        let script = xxhash_rust::xxh3::xxh3_64(SCRIPT_TEXT.as_bytes());
        let kept = Kept::open(&folder.join(format!("answers-{script:016x}.json")));
        Self { folder: folder.to_owned(), kept, machine: None }
    }

    /// What Debian says to a line
    ///
    /// # Errors
    /// When the machine cannot be made, booted or asked.
    pub fn answer(&mut self, line: &str) -> Result<Answer, ReferenceError> {
        if let Some(answer) = self.kept.get(line) {
            return Ok(answer.clone());
        }
        let pid = self.boot()?;
        let output = Command::new(SCRIPT)
            .args(["line", &pid, &SECONDS_A_LINE.to_string(), line])
            .stdin(Stdio::null())
            .output()?;
        let status = output.status.code().unwrap_or(STOPPED);
        let answer = Answer::new(status, &without_own_marks(&output.stdout), &output.stderr);
        self.kept.keep(line, answer.clone());
        Ok(answer)
    }

    /// What Debian says of itself
    ///
    /// # Errors
    /// As [`Reference::answer`].
    pub fn identity(&mut self) -> Result<Identity, ReferenceError> {
        for (question, _) in WHO {
            self.answer(question)?;
        }
        let mut identity = identity(|question| self.kept.get(question).cloned());
        // The interface is one end of a cable between namespaces, which a server's is not.
        identity.insert(0, ("@if2".to_owned(), ""));
        identity.insert(0, (" link-netnsid 0".to_owned(), ""));
        Ok(identity)
    }

    /// Keeps what was said for the next time
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep(&self) -> io::Result<()> {
        self.kept.write()
    }

    fn boot(&mut self) -> Result<String, ReferenceError> {
        if let Some((_, pid)) = &self.machine {
            return Ok(pid.clone());
        }
        let made = Command::new(SCRIPT).arg("build").arg(&self.folder).status()?;
        if !made.success() {
            let log = self.folder.join("log");
            return Err(ReferenceError::Start(format!(
                "making its root failed, see {}",
                log.display()
            )));
        }
        let mut child = Command::new(SCRIPT)
            .arg("up")
            .arg(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut said)?;
        }
        let Some(pid) = said.trim().strip_prefix("up ").map(str::to_owned) else {
            return Err(ReferenceError::Start("it did not boot".to_owned()));
        };
        self.machine = Some((child, pid.clone()));
        Ok(pid)
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        if let Some((child, pid)) = &mut self.machine {
            // The first process of the namespace takes all others with it.
            let _ = Command::new("kill").args(["-9", pid]).status();
            let _ = child.wait();
        }
    }
}

/// Output without what the reference has and a server has not: the variable that lets `systemctl` work in a copy, and the copy of
/// the kernel's settings
fn without_own_marks(stdout: &[u8]) -> Vec<u8> {
    let own = |line: &[u8]| {
        let text = String::from_utf8_lossy(line);
        text.starts_with("SYSTEMD_IGNORE_CHROOT=")
            || (text.starts_with("tmpfs") && text.contains(" /proc/sys"))
    };
    stdout
        .split_inclusive(|byte| *byte == b'\n')
        .filter(|line| !own(line))
        .flatten()
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_masked_by_what_it_says_of_itself() {
        let said = |question: &str| match question {
            "hostname" => Some(Answer::new(0, b"srv01\n", b"")),
            "uname -r" => Some(Answer::new(127, b"", b"not found")),
            _ => None,
        };
        assert_eq!(identity(said), [("srv01".to_owned(), "<host>")]);
    }

    #[test]
    fn what_only_the_reference_has_is_left_out() {
        let output = b"tmpfs 12G 12M 12G 1% /proc/sys\nSYSTEMD_IGNORE_CHROOT=1\ntmpfs 12G 0 12G 0% /dev/shm\n";
        assert_eq!(without_own_marks(output), b"tmpfs 12G 0 12G 0% /dev/shm\n");
    }
}

//! The owner's way in while Kizashi runs: a Unix socket in the data folder, for this user and root alone (SO_PEERCRED). One line of
//! request, one line of answer.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

use super::child::News;
use crate::failure::Failure;

/// The socket's name in the data folder.
const FILE: &str = "kizashi.sock";
/// What somebody says who then holds the rules for all ports by this very connection.
const HOLD_PORTS: &str = "ports hold";
/// Bytes of a request at most.
const LONGEST_REQUEST: u64 = 128;
/// How long a request may take to come.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long an answer may take.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);

/// Listens. The caller knows that no other Kizashi has the folder.
pub(super) fn listen(folder: &Path, news: mpsc::Sender<News>) -> std::io::Result<()> {
    let path = folder.join(FILE);
    // A socket of a Kizashi that was killed is in the way.
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // One after the other: owners are few.
            let _ = tokio::time::timeout(PATIENCE + ANSWERED_WITHIN, answer(stream, &news)).await;
        }
    });
    Ok(())
}

async fn answer(mut stream: UnixStream, news: &mpsc::Sender<News>) -> std::io::Result<()> {
    let peer = stream.peer_cred()?.uid();
    if peer != 0 && peer != rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    let (reading, mut writing) = stream.split();
    let mut request = String::new();
    let mut reading = tokio::io::BufReader::new(reading.take(LONGEST_REQUEST));
    tokio::time::timeout(PATIENCE, reading.read_line(&mut request)).await??;
    if request.trim() == HOLD_PORTS {
        let _ = news.send(News::Held(stream)).await;
        return Ok(());
    }
    let (told, answered) = oneshot::channel();
    if news.send(News::Asked(request.trim().to_owned(), told)).await.is_ok()
        && let Ok(line) = answered.await
    {
        writing.write_all(format!("{line}\n").as_bytes()).await?;
    }
    Ok(())
}

/// Whether a Kizashi runs over this folder.
pub(crate) fn runs(folder: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(folder.join(FILE)).is_ok()
}

/// Connects to the Kizashi that runs over this folder, to hold the rules for all ports by it.
pub(crate) fn hold_ports(folder: &Path) -> std::io::Result<std::os::unix::net::UnixStream> {
    let mut stream = std::os::unix::net::UnixStream::connect(folder.join(FILE))?;
    writeln!(stream, "{HOLD_PORTS}")?;
    Ok(stream)
}

/// Asks the Kizashi that runs over this folder.
pub(crate) fn ask(folder: &Path, request: &str) -> Result<String, Failure> {
    let path: PathBuf = folder.join(FILE);
    let absent = |_| {
        Failure::Asked(format!(
            "no Kizashi runs over {}; start it with `kizashi up`, or name the folder with --data",
            folder.display()
        ))
    };
    let mut stream = std::os::unix::net::UnixStream::connect(&path).map_err(absent)?;
    stream.set_read_timeout(Some(ANSWERED_WITHIN))?;
    writeln!(stream, "{request}")?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    let answer = answer.trim();
    match answer.strip_prefix("done: ") {
        Some(done) => Ok(done.to_owned()),
        None if answer.is_empty() => Err(Failure::Asked(
            "Kizashi gave no answer; only its own user and root are heard".to_owned(),
        )),
        None => Err(Failure::Asked(answer.to_owned())),
    }
}

//! What this machine would enforce, found out by starting the children and asking them: no guess from version numbers.

use std::net::TcpListener;
use std::os::fd::AsFd as _;
use std::time::Duration;

use tokio::sync::mpsc;

use super::child::{Child, News, Role};
use super::messages::{CaptureSetup, Confined, CoreSetup, FromCore, TrapSetup};
use crate::capture::Eyes;
use crate::failure::Failure;
use crate::sandbox::Protection;

/// How long a child may take to say what it gave up.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// Starts a trap, a core and, where a socket could be had, a capture that only shut themselves in, and gives what they could give up.
pub(crate) fn probe(
    core: CoreSetup,
    trap: &TrapSetup,
    capture: Option<(CaptureSetup, Eyes)>,
) -> Result<Vec<Protection>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let folder = core.config.data.clone();
        let (sender, mut news) = mpsc::channel(8);
        let child = Child::start((Role::Trap, 1), &folder, sender.clone()).map_err(not_started)?;
        child.send(trap, &[]).await?;
        let said = heard(&mut news).await?;
        let Confined(mut protections) =
            serde_json::from_slice(&said).map_err(std::io::Error::from)?;
        child.kill();
        if let Some((setup, eyes)) = capture {
            let (sender, mut news) = mpsc::channel(8);
            let child = Child::start((Role::Capture, 3), &folder, sender).map_err(not_started)?;
            child.send(&setup, &[eyes.socket.as_fd()]).await?;
            let said = heard(&mut news).await?;
            let Confined(more) = serde_json::from_slice(&said).map_err(std::io::Error::from)?;
            protections.extend(more);
        }
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let (sender, mut news) = mpsc::channel(8);
        let child = Child::start((Role::Core, 2), &folder, sender).map_err(not_started)?;
        child.send(&CoreSetup { probe: true, ..core }, &[listener.as_fd()]).await?;
        if let Ok(FromCore::Ready { protections: more, .. }) =
            serde_json::from_slice(&heard(&mut news).await?)
        {
            protections.extend(more);
        }
        Ok(protections)
    })
}

#[allow(clippy::needless_pass_by_value, reason = "what `map_err` gives")]
fn not_started(error: std::io::Error) -> Failure {
    Failure::Asked(format!("no process could be started to try the protections ({error})"))
}

async fn heard(news: &mut mpsc::Receiver<News>) -> Result<Vec<u8>, Failure> {
    match tokio::time::timeout(ANSWERS_WITHIN, news.recv()).await {
        Ok(Some(News::Said(_, bytes))) => Ok(bytes),
        _ => Err(Failure::Asked(
            "a process that only shuts itself in did not answer; please report it".to_owned(),
        )),
    }
}

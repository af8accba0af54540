//! The live feed as server-sent events (WHATWG HTML, 9.2): `event` (`{"events": […], "skipped": n}`, at most four a second
//! and 150 events each), `sign`, and `status` every two seconds. A page that reads too slowly holds up nobody: its stream
//! waits, what is published meanwhile is lost to it, and it is told how many events that were.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{self, KeepAlive, Sse};
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_stream::wrappers::ReceiverStream;

use crate::Tokens;
use crate::error::ApiError;
use crate::feed::{Batch, FeedItem, MOST_ITEMS};
use crate::server::App;

/// Streams open at once at most.
pub(crate) const MOST_STREAMS: usize = 24;
const BETWEEN_BATCHES: Duration = Duration::from_millis(250);
const BETWEEN_STATUSES: Duration = Duration::from_secs(2);
const BETWEEN_SIGNS_OF_LIFE: Duration = Duration::from_secs(15);

type Line = Result<sse::Event, Infallible>;

#[derive(Serialize)]
struct EventsLine {
    events: Vec<FeedItem>,
    skipped: u64,
}

/// `GET /api/v1/feed`.
pub(crate) async fn feed(State(app): State<Arc<App>>) -> Result<impl IntoResponse, ApiError> {
    let permit = Arc::clone(&app.streams).try_acquire_owned().map_err(|_| {
        ApiError::new(
            axum::http::StatusCode::SERVICE_UNAVAILABLE,
            format!("{MOST_STREAMS} pages are open already: close one"),
        )
    })?;
    // One line in the channel, some in the socket's buffer: what a slow page has not read stays small.
    let (lines, stream) = mpsc::channel(1);
    let (events, signs) = app.feed.subscribe();
    let page = Page {
        tokens: app.access.watch(),
        app,
        lines,
        events,
        signs,
        waiting: Vec::new(),
        skipped: 0,
        _permit: permit,
    };
    tokio::spawn(page.run());
    Ok(Sse::new(ReceiverStream::new(stream))
        .keep_alive(KeepAlive::new().interval(BETWEEN_SIGNS_OF_LIFE)))
}

/// One open page.
struct Page {
    app: Arc<App>,
    /// New tokens end it: what opened it may not be one any more.
    tokens: watch::Receiver<Tokens>,
    lines: mpsc::Sender<Line>,
    events: Receiver<Arc<Batch>>,
    signs: Receiver<Arc<str>>,
    waiting: Vec<FeedItem>,
    skipped: u64,
    _permit: OwnedSemaphorePermit,
}

/// The page is gone, or the feed is.
struct Ended;

impl Page {
    async fn run(mut self) {
        while self.turn_until_status().await.is_ok() {}
    }

    /// Sends the status, then what comes until the next one is due.
    async fn turn_until_status(&mut self) -> Result<(), Ended> {
        if let Ok(status) = self.app.recent_status().await {
            self.send("status", &status).await?;
        }
        let next = Instant::now() + BETWEEN_STATUSES;
        let mut batches = interval(BETWEEN_BATCHES);
        batches.set_missed_tick_behavior(MissedTickBehavior::Delay);
        batches.reset();
        loop {
            tokio::select! {
                () = self.lines.closed() => return Err(Ended),
                _ = self.tokens.changed() => return Err(Ended),
                () = tokio::time::sleep_until(next) => {
                    return self.send_waiting().await;
                }
                _ = batches.tick() => self.send_waiting().await?,
                batch = self.events.recv() => self.take(batch)?,
                sign = self.signs.recv() => match sign {
                    Ok(json) => self.send("sign", &json).await?,
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return Err(Ended),
                },
            }
        }
    }

    fn take(&mut self, batch: Result<Arc<Batch>, RecvError>) -> Result<(), Ended> {
        match batch {
            Ok(batch) => {
                self.skipped += batch.skipped;
                self.waiting.extend(batch.items.iter().cloned());
                let excess = self.waiting.len().saturating_sub(MOST_ITEMS);
                self.waiting.drain(..excess);
                self.skipped += excess as u64;
            }
            // How many events a lost publication held is not known any more: at least one.
            Err(RecvError::Lagged(lost)) => self.skipped += lost,
            Err(RecvError::Closed) => return Err(Ended),
        }
        Ok(())
    }

    async fn send_waiting(&mut self) -> Result<(), Ended> {
        if self.waiting.is_empty() && self.skipped == 0 {
            return Ok(());
        }
        let line = EventsLine {
            events: std::mem::take(&mut self.waiting),
            skipped: std::mem::take(&mut self.skipped),
        };
        self.app.feed.count_dropped(line.skipped);
        match serde_json::to_string(&line) {
            Ok(json) => self.send("event", &json).await,
            Err(_) => Ok(()),
        }
    }

    async fn send(&self, name: &str, json: &str) -> Result<(), Ended> {
        let line = sse::Event::default().event(name).data(json);
        self.lines.send(Ok(line)).await.map_err(|_| Ended)
    }
}

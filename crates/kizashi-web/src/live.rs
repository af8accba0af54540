//! The live feed as server-sent events (WHATWG HTML, 9.2): `event` (`{"events": […], "skipped": n}`, at most four a second
//! and 150 events each), `sign`, and `status` every two seconds. A page that reads too slowly holds up nobody: its stream
//! waits, what is published meanwhile is lost to it, and it is told how many events that were. A page that comes back with
//! `Last-Event-ID` gets what it missed, as far as that is kept (`resume.rs`).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
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
use crate::resume::{Numbered, Told};
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
#[utoipa::path(get, path = "/api/v1/feed", tag = "state", summary = "What happens now, as server-sent events",
    params(("last-event-id" = Option<String>, Header, description = "The id read last: what came since is sent first, as far as it is kept")),
    responses((status = 200, description = "Lines `event`, `sign` and `status`", body = String, content_type = "text/event-stream",
        example = "event: event\ndata: {\"events\": [], \"skipped\": 3}\nid: 5eed5eed-17\n\n")))]
pub(crate) async fn feed(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<impl IntoResponse + use<>, ApiError> {
    let permit = Arc::clone(&app.streams).try_acquire_owned().map_err(|_| {
        ApiError::new(
            axum::http::StatusCode::SERVICE_UNAVAILABLE,
            format!("{MOST_STREAMS} pages are open already: close one"),
        )
    })?;
    // One line in the channel, some in the socket's buffer: what a slow page has not read stays small.
    let (lines, stream) = mpsc::channel(1);
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let subscribed = app.feed.subscribe(last);
    let page = Page {
        tokens: app.access.watch(),
        app,
        lines,
        events: subscribed.events,
        signs: subscribed.signs,
        waiting: Vec::new(),
        skipped: subscribed.lost,
        last: None,
        _permit: permit,
    };
    tokio::spawn(page.run(subscribed.missed));
    Ok(Sse::new(ReceiverStream::new(stream))
        .keep_alive(KeepAlive::new().interval(BETWEEN_SIGNS_OF_LIFE)))
}

/// One open page.
struct Page {
    app: Arc<App>,
    /// New tokens end it: what opened it may not be one any more.
    tokens: watch::Receiver<Tokens>,
    lines: mpsc::Sender<Line>,
    events: Receiver<Numbered<Arc<Batch>>>,
    signs: Receiver<Numbered<Arc<str>>>,
    waiting: Vec<FeedItem>,
    skipped: u64,
    /// The last publication that was taken.
    last: Option<u64>,
    _permit: OwnedSemaphorePermit,
}

/// The page is gone, or the feed is.
struct Ended;

impl Page {
    async fn run(mut self, missed: Vec<Numbered<Told>>) {
        if self.catch_up(missed).await.is_ok() {
            while self.turn_until_status().await.is_ok() {}
        }
    }

    /// Sends what was published while the page was away.
    async fn catch_up(&mut self, missed: Vec<Numbered<Told>>) -> Result<(), Ended> {
        for Numbered { number, told } in missed {
            match told {
                Told::Events(batch) => {
                    self.take(Ok(Numbered { number, told: batch }))?;
                    self.send_waiting().await?;
                }
                Told::Sign(json) => self.send_sign(Numbered { number, told: json }).await?,
            }
        }
        Ok(())
    }

    /// Events that were published before a sign go before it, so that the sign's id stands for both.
    async fn send_sign(&mut self, sign: Numbered<Arc<str>>) -> Result<(), Ended> {
        while let Ok(batch) = self.events.try_recv() {
            self.take(Ok(batch))?;
        }
        self.send_waiting().await?;
        self.last = self.last.max(Some(sign.number));
        self.send("sign", &sign.told, true).await
    }

    /// Sends the status, then what comes until the next one is due.
    async fn turn_until_status(&mut self) -> Result<(), Ended> {
        if let Ok(status) = self.app.recent_status().await {
            self.send("status", &status, false).await?;
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
                    Ok(sign) => self.send_sign(sign).await?,
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return Err(Ended),
                },
            }
        }
    }

    fn take(&mut self, batch: Result<Numbered<Arc<Batch>>, RecvError>) -> Result<(), Ended> {
        match batch {
            Ok(Numbered { number, told: batch }) => {
                self.last = self.last.max(Some(number));
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
            Ok(json) => self.send("event", &json, true).await,
            Err(_) => Ok(()),
        }
    }

    /// Sends a line; `told` where it carries publications, so that the page can come back after them.
    async fn send(&self, name: &str, json: &str, told: bool) -> Result<(), Ended> {
        let mut line = sse::Event::default().event(name).data(json);
        if let Some(last) = self.last.filter(|_| told) {
            line = line.id(self.app.feed.id_of(last));
        }
        self.lines.send(Ok(line)).await.map_err(|_| Ended)
    }
}

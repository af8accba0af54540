//! The service as a whole: routes, what they share, and the way they are put on a listener.
//!
//! Bounds: queries at once and their time, streams, connections in all and of one source, the size of a request and the time for
//! its head and for the handshake of TLS. A query
//! that takes too long is answered as such; its thread goes on to its end, and its place stays taken until then.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::error::ApiError;
use crate::shares::{Share, Shares};
use crate::throttle::Throttle;
use crate::{
    Access, Encryption, FeedSender, Observatory, ReadError, access, api, assets, compress,
    condition, export, items, live, marks, metrics, openapi, payloads, search, sensors, sessions,
    settings, shared,
};

/// Queries at once.
const MOST_QUERIES: usize = 4;
/// The time for a query, with the wait for its turn.
const QUERY_TIME: Duration = Duration::from_secs(10);
/// Statuses younger than this are given out again.
const STATUS_AGE: Duration = Duration::from_millis(1_500);
/// The body of a request at most: a token.
const MOST_BODY: usize = 1_024;
/// The head of a request at most.
const MOST_HEAD: usize = 32 * 1_024;
/// The time for the head of a request, and for which an idle connection is kept.
const HEAD_TIME: Duration = Duration::from_secs(20);
/// The time for the handshake of TLS.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// Connections at once; more wait in the listener's queue.
const MOST_CONNECTIONS: usize = 128;

/// Where a request comes from, put beside it by [`serve`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// What the requests share.
pub(crate) struct App {
    observatory: Arc<dyn Observatory>,
    queries: Arc<Semaphore>,
    status: Mutex<Option<(Instant, Arc<str>)>>,
    pub(crate) feed: FeedSender,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) access: Access,
    pub(crate) throttle: Throttle,
}

impl App {
    /// Asks the observatory on a thread of its own.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Observatory) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let busy = || {
            ApiError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the store is busy: wait a moment and try again",
            )
        };
        let answer = async {
            let permit = Arc::clone(&self.queries).acquire_owned().await.map_err(|_| busy())?;
            let observatory = Arc::clone(&self.observatory);
            tokio::task::spawn_blocking(move || {
                let _until_done: OwnedSemaphorePermit = permit;
                question(observatory.as_ref())
            })
            .await
            .map_err(|error| {
                tracing::error!(%error, "a query of the dashboard broke down");
                ApiError::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the query broke down: please report this with the log",
                )
            })?
            .map_err(ApiError::from)
        };
        timeout(QUERY_TIME, answer).await.unwrap_or_else(|_| Err(busy()))
    }

    /// The status as JSON, at most [`STATUS_AGE`] old: however many pages are open, the store is asked once.
    pub(crate) async fn recent_status(&self) -> Result<Arc<str>, ApiError> {
        let mut kept = self.status.lock().await;
        if let Some((made, json)) = kept.as_ref()
            && made.elapsed() < STATUS_AGE
        {
            return Ok(Arc::clone(json));
        }
        let status = self.ask(|observatory| observatory.status()).await?;
        let mut json = serde_json::to_value(&status).unwrap_or_default();
        json["feed_dropped"] = self.feed.dropped().into();
        let json: Arc<str> = Arc::from(json.to_string());
        *kept = Some((Instant::now(), Arc::clone(&json)));
        Ok(json)
    }

    /// Lets go of the status that was kept, after something in it was changed.
    pub(crate) async fn forget_status(&self) {
        *self.status.lock().await = None;
    }
}

/// The dashboard's page and API over an observatory, fed by `feed`, opened as `access` says.
pub fn router(
    observatory: Arc<dyn Observatory>,
    feed: FeedSender,
    access: impl Into<Access>,
) -> Router {
    let app = Arc::new(App {
        observatory,
        queries: Arc::new(Semaphore::new(MOST_QUERIES)),
        status: Mutex::new(None),
        feed,
        streams: Arc::new(Semaphore::new(live::MOST_STREAMS)),
        access: access.into(),
        throttle: Throttle::default(),
    });
    let routes = Router::new()
        .route("/api/v1/status", get(api::status))
        .route("/api/v1/top", get(api::top))
        .route("/api/v1/series", get(api::series))
        .route("/api/v1/day", get(api::day))
        .route("/api/v1/signs", get(api::signs))
        .route("/api/v1/signs/{id}", get(api::sign))
        .route("/api/v1/events", get(api::events))
        .route("/api/v1/sessions", get(sessions::sessions))
        .route("/api/v1/sessions/{id}", get(sessions::session))
        .route("/api/v1/feed", get(live::feed))
        .route("/api/v1/key", get(items::key))
        .route("/api/v1/ranking", get(items::ranking))
        .route("/api/v1/captured", get(items::captured))
        .route("/api/v1/search", get(search::search))
        .route("/api/v1/complete", get(search::complete))
        .route("/api/v1/export", get(export::export))
        .route("/api/v1/lists", get(items::lists))
        .route(
            "/api/v1/signs/{id}/mark",
            post(marks::mark).layer(DefaultBodyLimit::max(marks::MOST_BODY)),
        )
        .route("/api/v1/health", get(condition::health))
        .route("/api/v1/payloads/{sha256}", get(payloads::page))
        .route("/api/v1/payloads/{sha256}/find", get(payloads::find))
        .route("/api/v1/payloads/{sha256}/sample", get(payloads::sample))
        .route("/api/v1/sensors", get(sensors::sensors))
        .route("/api/v1/sensors/ports", get(sensors::ports))
        .route("/api/v1/sensors/hours", get(sensors::hours))
        .route("/api/v1/sensors/ranking", get(sensors::ranking))
        .route("/api/v1/settings", get(settings::settings).post(settings::set))
        .route("/api/v1/channels", get(settings::channels))
        .route("/api/v1/channels/test", post(settings::test))
        .route("/api/v1/openapi.json", get(openapi::document))
        .route("/metrics", get(metrics::metrics))
        .route("/share/{*path}", get(shared::document))
        .route("/sign-in", get(access::sign_in_page).post(access::sign_in));
    assets::routes(routes)
        .fallback(|| async {
            ApiError::new(StatusCode::NOT_FOUND, "there is nothing at this address")
        })
        .method_not_allowed_fallback(|| async {
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "this address can only be read")
        })
        .layer(DefaultBodyLimit::max(MOST_BODY))
        .layer(from_fn_with_state(Arc::clone(&app), access::guard))
        .layer(from_fn(compress::answers))
        .layer(from_fn(access::harden))
        .with_state(app)
}

/// Serves `router` on `listener` (which the caller bound) until `shutdown` is done, over TLS where `encryption` says with what.
/// Open connections are then cut: they only read.
///
/// # Errors
/// When the listener itself fails.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    encryption: Option<Encryption>,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let shares = Shares::default();
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await.ok();
            (place, listener.accept().await)
        };
        tokio::select! {
            () = &mut shutdown => return Ok(()),
            Some(_ended) = connections.join_next() => {}
            (place, accepted) = next => match accepted {
                Ok((stream, address)) => {
                    let Some(share) = shares.take(address.ip()) else { continue };
                    let visit = Visit { peer: Peer(address.ip()), _held: (place, share) };
                    connections.spawn(receive(stream, router.clone(), encryption.clone(), visit));
                }
                Err(error) if is_passing(&error) => {
                    tracing::warn!(%error, "the dashboard could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                Err(error) => return Err(error),
            },
        }
    }
}

/// Errors of one connection, or of a moment without free descriptors or memory, end nothing.
fn is_passing(error: &io::Error) -> bool {
    const NO_PROCESS_DESCRIPTORS: i32 = 24;
    const NO_SYSTEM_DESCRIPTORS: i32 = 23;
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
            | io::ErrorKind::OutOfMemory
    ) || matches!(error.raw_os_error(), Some(NO_PROCESS_DESCRIPTORS | NO_SYSTEM_DESCRIPTORS))
}

/// One connection: where it comes from, and the places that it takes until it ends.
struct Visit {
    peer: Peer,
    _held: (Option<OwnedSemaphorePermit>, Share),
}

async fn receive(stream: TcpStream, router: Router, encryption: Option<Encryption>, visit: Visit) {
    // Small answers, and a feed that shall show at once.
    let _ = stream.set_nodelay(true);
    let Some(encryption) = encryption else { return converse(stream, router, visit).await };
    match timeout(HANDSHAKE_TIME, encryption.acceptor.accept(stream)).await {
        Ok(Ok(stream)) => converse(stream, router, visit).await,
        Ok(Err(error)) => tracing::debug!(%error, "a visitor of the dashboard spoke no TLS"),
        Err(_) => tracing::debug!("a visitor of the dashboard took too long for TLS"),
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin, router: Router, visit: Visit) {
    let inner = TowerToHyperService::new(router);
    let peer = visit.peer;
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(peer);
        inner.call(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(MOST_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the dashboard ended early");
    }
}

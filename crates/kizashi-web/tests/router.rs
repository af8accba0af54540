//! The dashboard's promises to a browser and to its owner, checked over made-up answers without a socket where possible.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test, a broken assumption shall stop it"
)]

#[path = "router/api.rs"]
mod api;

use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode};
use kizashi_event::{Detail, Event, EventId, HostileText, Key, KeyKind, Port, Service, Timestamp};
use kizashi_signs::{Advisory, Language};
use kizashi_store::{Evidence, Span};
use kizashi_web::{
    Access, BinLength, Channels, FeedSender, ItemPage, Mark, MarkChange, Observatory, OwnSettings,
    ReadError, Search, SearchPage, Series, Setting, SettingsChange, SignPage, Status, StoreStatus,
    Token, Tokens, TopRow, router, serve,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::ServiceExt;

const HOSTILE: &str = "<img src=x onerror=alert(1)>\u{202e}\u{1b}[2J";

/// Answers at once, except that a ranking of commands takes `slow`, and counts the queries under way.
#[derive(Default)]
struct MadeUp {
    slow: Duration,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
    statuses: AtomicUsize,
    promise: AtomicUsize,
}

impl Observatory for MadeUp {
    fn status(&self) -> Result<Status, ReadError> {
        self.statuses.fetch_add(1, Ordering::SeqCst);
        Ok(Status {
            version: "0.0.0".to_owned(),
            now: Timestamp::from_seconds(1_700_000_000),
            uptime_seconds: 5,
            demo: true,
            store: StoreStatus { events: 7, ..StoreStatus::default() },
            listeners: Vec::new(),
            series_watched: 3,
            false_alarms_per_week: 1.0,
            traps: None,
        })
    }

    fn top(&self, kind: KeyKind, _: Span, limit: usize) -> Result<Vec<TopRow>, ReadError> {
        if kind == KeyKind::Command {
            let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_under_way.fetch_max(now, Ordering::SeqCst);
            std::thread::sleep(self.slow);
            self.under_way.fetch_sub(1, Ordering::SeqCst);
        }
        let row = TopRow::of_ranked(&kizashi_store::Ranked {
            key: Key::new(kind, HOSTILE),
            events: limit as u64,
            sessions: 0,
            sources: 1,
            first: Timestamp::from_seconds(0),
            last: Timestamp::from_seconds(1),
        });
        Ok(vec![row])
    }

    fn series(&self, key: &Key, bin: BinLength, _: Span) -> Result<Series, ReadError> {
        if key.kind == KeyKind::Total {
            return Err(ReadError::Failed("the store is gone: look at the disk".to_owned()));
        }
        Ok(Series {
            key: key.clone(),
            label: "label".to_owned(),
            bin_seconds: bin.seconds(),
            points: Vec::new(),
            signs: Vec::new(),
            complete: false,
        })
    }

    fn signs(&self, limit: usize) -> Result<Vec<Value>, ReadError> {
        Ok(vec![json!({ "id": "one", "limit": limit })])
    }

    fn sign(&self, id: &str, language: Language) -> Result<Option<SignPage>, ReadError> {
        assert_ne!(id, "break", "a query that breaks down");
        Ok((id == "one").then(|| SignPage {
            sign: json!({ "id": "one" }),
            advisory: Advisory { language, ..Advisory::default() },
            evidence: Evidence { users: vec![(HOSTILE.to_owned(), 3)], ..Evidence::default() },
        }))
    }

    fn recent(&self, limit: usize) -> Result<Vec<Event>, ReadError> {
        Ok((0..limit as u64).map(event).collect())
    }

    fn item(&self, key: &Key) -> Result<ItemPage, ReadError> {
        Ok(ItemPage {
            key: key.to_string(),
            kind: key.kind,
            text: key.text.to_string(),
            label: String::new(),
            totals: None,
            place: None,
            captured: None,
            lists: Vec::new(),
            sources: Vec::new(),
            beside: Vec::new(),
            events: Vec::new(),
            sessions: Vec::new(),
            signs: Vec::new(),
        })
    }

    fn search(
        &self,
        search: &Search,
        _: Option<Timestamp>,
        limit: usize,
    ) -> Result<SearchPage, ReadError> {
        assert!(limit <= 200);
        Ok(SearchPage { looked_at: search.terms.len() as u64, ..SearchPage::default() })
    }

    fn settings(&self) -> Result<OwnSettings, ReadError> {
        let value = self.promise.load(Ordering::SeqCst) as f64 / 100.0;
        let promise = Setting { value, in_file: 1.0, on_page: true, least: 0.01, most: 100.0 };
        Ok(OwnSettings { false_alarms_per_week: promise, ..OwnSettings::default() })
    }

    fn set(&self, change: &SettingsChange) -> Result<OwnSettings, ReadError> {
        let number = change.false_alarms_per_week.unwrap_or(1.0);
        self.promise.store((number * 100.0) as usize, Ordering::SeqCst);
        self.settings()
    }

    fn test_channels(&self) -> Result<Channels, ReadError> {
        self.channels()
    }

    fn content(&self, sha256: &str) -> Result<Option<Vec<u8>>, ReadError> {
        Ok((sha256 == "0".repeat(64)).then(|| b"<script>".to_vec()))
    }

    fn sample(&self, sha256: &str) -> Result<Option<Vec<u8>>, ReadError> {
        self.content(sha256)
    }

    fn mark(&self, id: &str, change: &MarkChange) -> Result<Option<Mark>, ReadError> {
        let now = Timestamp::from_seconds(1_700_000_000);
        change.check(now).map_err(ReadError::Unanswerable)?;
        Ok((id == "one").then(|| Mark::default().changed_by(change, now)))
    }
}

fn event(number: u64) -> Event {
    Event {
        time: Timestamp::from_seconds(1_700_000_000),
        id: EventId(number),
        sensor: Arc::from("here"),
        session: None,
        source: [192, 0, 2, 1].into(),
        source_port: 0,
        destination: None,
        port: Port::tcp(22),
        service: Service::known("ssh"),
        detail: Detail::Command { line: HostileText::from(HOSTILE), known: None },
    }
}

fn token() -> Token {
    Token::from_random([0xab; 24])
}

fn dashboard() -> Router {
    router(Arc::new(MadeUp::default()), FeedSender::new(), token())
}

fn signed_in(path: &str) -> Request<Body> {
    Request::get(path)
        .header("host", "127.0.0.1:7777")
        .header("cookie", format!("other=1; kizashi-7777={}", token().text()))
        .body(Body::empty())
        .unwrap()
}

async fn ask(router: &Router, request: Request<Body>) -> Response<Body> {
    router.clone().oneshot(request).await.unwrap()
}

async fn body_of(response: Response<Body>) -> String {
    String::from_utf8(to_bytes(response.into_body(), 1 << 22).await.unwrap().to_vec()).unwrap()
}

async fn json_of(router: &Router, path: &str) -> (StatusCode, Value) {
    let response = ask(router, signed_in(path)).await;
    let status = response.status();
    (status, serde_json::from_str(&body_of(response).await).unwrap())
}

fn unsigned(path: &str) -> Request<Body> {
    Request::get(path).header("host", "localhost:7777").body(Body::empty()).unwrap()
}

#[tokio::test]
async fn without_the_token_nothing_but_the_way_in_is_shown() {
    let dashboard = dashboard();
    for path in [
        "/",
        "/app.js",
        "/style.css",
        "/api/v1/status",
        "/api/v1/feed",
        "/nothing",
        "/?token=",
        "/?token=abab",
    ] {
        let response = ask(&dashboard, unsigned(path)).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert!(!response.headers().contains_key("set-cookie"), "{path}");
    }
    for path in ["/sign-in", "/sign-in.css"] {
        assert_eq!(ask(&dashboard, unsigned(path)).await.status(), StatusCode::OK, "{path}");
    }
    let page = body_of(ask(&dashboard, unsigned("/")).await).await;
    assert!(page.contains("<form") && !page.contains("app.js"));
}

#[tokio::test]
async fn the_token_is_changed_for_a_strict_cookie_and_leaves_the_address() {
    let dashboard = dashboard();
    let by_address = unsigned(&format!("/?token={}", token().text()));
    let by_form = Request::post("/sign-in")
        .header("host", "localhost:7777")
        .body(Body::from(format!("token={}", token().text())))
        .unwrap();
    for request in [by_address, by_form] {
        let response = ask(&dashboard, request).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert_eq!(response.headers()["location"], "/");
        let cookie = response.headers()["set-cookie"].to_str().unwrap();
        assert!(cookie.starts_with("kizashi-7777="));
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"));
    }
    assert_eq!(ask(&dashboard, signed_in("/")).await.status(), StatusCode::OK);
    let wrong = Request::post("/sign-in")
        .header("host", "localhost:7777")
        .body(Body::from("token=abababababababababab"))
        .unwrap();
    assert_eq!(ask(&dashboard, wrong).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_foreign_host_name_reads_nothing_even_with_the_token() {
    for host in ["rebound.example", "192.0.2.7:7777"] {
        for path in ["/", "/sign-in", "/api/v1/status", "/?token=abababababababababababab"] {
            let request = Request::get(path)
                .header("host", host)
                .header("cookie", format!("kizashi-7777={}", token().text()))
                .body(Body::empty())
                .unwrap();
            let response = ask(&dashboard(), request).await;
            assert_eq!(response.status(), StatusCode::MISDIRECTED_REQUEST, "{host}{path}");
        }
    }
}

#[tokio::test]
async fn another_page_of_this_machine_cannot_use_the_api() {
    for (site, expected) in [
        ("same-origin", StatusCode::OK),
        ("none", StatusCode::OK),
        ("same-site", StatusCode::FORBIDDEN),
        ("cross-site", StatusCode::FORBIDDEN),
    ] {
        let mut request = signed_in("/api/v1/status");
        request.headers_mut().insert("sec-fetch-site", site.parse().unwrap());
        assert_eq!(ask(&dashboard(), request).await.status(), expected, "{site}");
    }
}

#[tokio::test]
async fn every_answer_carries_the_strict_policy() {
    let dashboard = dashboard();
    let requests = [
        signed_in("/"),
        signed_in("/app.js"),
        signed_in("/api/v1/status"),
        signed_in("/nothing"),
        unsigned("/"),
        unsigned("/sign-in"),
        Request::get("/").header("host", "rebound.example").body(Body::empty()).unwrap(),
        Request::delete("/api/v1/top")
            .header("host", "localhost:7777")
            .header("cookie", format!("kizashi-7777={}", token().text()))
            .body(Body::empty())
            .unwrap(),
    ];
    for request in requests {
        let path = request.uri().to_string();
        let response = ask(&dashboard, request).await;
        let headers = response.headers();
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"),
            "{path}"
        );
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
        assert_eq!(headers["cross-origin-opener-policy"], "same-origin", "{path}");
        assert_eq!(headers["cross-origin-resource-policy"], "same-origin", "{path}");
        assert!(headers.contains_key("cache-control"), "{path}");
    }
}

#[tokio::test]
async fn a_file_that_the_browser_has_is_not_sent_again() {
    let dashboard = dashboard();
    let first = ask(&dashboard, signed_in("/style.css")).await;
    let tag = first.headers()["etag"].clone();
    let mut again = signed_in("/style.css");
    again.headers_mut().insert("if-none-match", tag);
    assert_eq!(ask(&dashboard, again).await.status(), StatusCode::NOT_MODIFIED);
    let mut other = signed_in("/style.css");
    other.headers_mut().insert("if-none-match", "\"0\"".parse().unwrap());
    assert_eq!(ask(&dashboard, other).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_browser_that_takes_gzip_gets_the_same_file_in_fewer_bytes() {
    let dashboard = dashboard();
    let plain = ask(&dashboard, signed_in("/style.css")).await;
    let mut request = signed_in("/style.css");
    request.headers_mut().insert("accept-encoding", "gzip, br".parse().unwrap());
    let packed = ask(&dashboard, request).await;
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    assert_ne!(packed.headers()["etag"], plain.headers()["etag"], "another form, another tag");
    let (plain, packed) = (
        to_bytes(plain.into_body(), usize::MAX).await.unwrap(),
        to_bytes(packed.into_body(), usize::MAX).await.unwrap(),
    );
    let mut whole = Vec::new();
    flate2::read::GzDecoder::new(packed.as_ref()).read_to_end(&mut whole).unwrap();
    assert!(whole == plain && packed.len() * 2 < plain.len());
}

#[tokio::test]
async fn before_anything_came_the_day_is_empty_and_calls_nothing_usual() {
    let (status, day) = json_of(&dashboard(), "/api/v1/day?limit=3").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(day["hours"], json!([]));
    assert_eq!((&day["days"], &day["events"]), (&json!(0), &json!({ "now": 0.0 })));
}

#[tokio::test]
async fn wrong_parameters_are_refused_with_what_is_allowed() {
    let dashboard = dashboard();
    for (path, allowed) in [
        ("/api/v1/top?kind=colours", "passwords"),
        ("/api/v1/top?limit=0", "1 to 1000"),
        ("/api/v1/top?limit=x", "1 to 1000"),
        ("/api/v1/top?since=yesterday", "RFC 3339"),
        ("/api/v1/top?since=2026-02-01T00:00:00Z&until=2026-01-01T00:00:00Z", "before"),
        ("/api/v1/top?colour=red", "kind, key"),
        ("/api/v1/top?limit=1&limit=2", "once"),
        ("/api/v1/series", "tcp/445"),
        ("/api/v1/series?key=tcp/99999", "tcp/445"),
        ("/api/v1/series?key=tcp/445&bin=7m", "12h"),
        (
            "/api/v1/series?key=tcp/445&bin=10m&since=2016-01-01T00:00:00Z&until=2026-01-01T00:00:00Z",
            "bins",
        ),
    ] {
        let (status, answer) = json_of(&dashboard, path).await;
        let sentence = answer["error"].as_str().unwrap();
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}");
        assert!(sentence.contains(allowed), "{path}: {sentence}");
    }
    let (status, answer) = json_of(&dashboard, "/api/v1/series?key=total").await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer["error"], "the store is gone: look at the disk");
    assert_eq!(json_of(&dashboard, "/api/v1/signs/two").await.0, StatusCode::NOT_FOUND);
    assert_eq!(json_of(&dashboard, "/api/v2/top").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn answers_have_the_names_of_the_contract_and_limits_are_capped() {
    let dashboard = dashboard();
    let (_, top) = json_of(&dashboard, "/api/v1/top?kind=users&limit=999999").await;
    assert_eq!(top["rows"][0]["events"], 1_000);
    assert_eq!(top["rows"][0]["key"], HOSTILE);
    assert_eq!(top["rows"][0]["label"], "<img src=x onerror=alert(1)>\\u{202e}\\x1b[2J");
    assert_eq!(top["rows"][0]["first"], "1970-01-01T00:00:00.000000Z");
    assert!(top["rows"][0].get("spark").is_none());
    let (_, events) = json_of(&dashboard, "/api/v1/events?limit=9999").await;
    assert_eq!(events["events"].as_array().unwrap().len(), 200);
    assert_eq!(events["events"][0]["text"], HOSTILE);
    assert_eq!(json_of(&dashboard, "/api/v1/signs?limit=9999").await.1["signs"][0]["limit"], 500);
    let (_, page) = json_of(&dashboard, "/api/v1/signs/one").await;
    assert_eq!(page["evidence"]["users"][0], json!([HOSTILE, 3]));
    let (_, series) = json_of(&dashboard, "/api/v1/series?key=tcp/445&bin=1h").await;
    assert_eq!((&series["key"], &series["bin_seconds"]), (&json!("tcp/445"), &json!(3_600)));
    let (_, status) = json_of(&dashboard, "/api/v1/status").await;
    assert_eq!((&status["store"]["events"], &status["feed_dropped"]), (&json!(7), &json!(0)));
}

#[tokio::test]
async fn a_query_that_breaks_down_is_an_answer_and_the_next_one_works() {
    let dashboard = dashboard();
    for _ in 0..8 {
        let (status, _) = json_of(&dashboard, "/api/v1/signs/break").await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    }
    assert_eq!(json_of(&dashboard, "/api/v1/signs/one").await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_than_four_queries_run_at_once() {
    let made_up = Arc::new(MadeUp { slow: Duration::from_millis(60), ..MadeUp::default() });
    let dashboard =
        router(Arc::clone(&made_up) as Arc<dyn Observatory>, FeedSender::new(), token());
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let dashboard = dashboard.clone();
        all.spawn(
            async move { ask(&dashboard, signed_in("/api/v1/top?kind=commands")).await.status() },
        );
    }
    assert!(all.join_all().await.iter().all(|status| *status == StatusCode::OK));
    assert_eq!(made_up.most_under_way.load(Ordering::SeqCst), 4);
}

/// Reads the stream until it holds `wanted`, for five seconds at most.
async fn read_until(stream: &mut (impl AsyncReadExt + Unpin), wanted: &[&str]) -> String {
    let mut text = String::new();
    let mut chunk = [0; 65_536];
    tokio::time::timeout(Duration::from_secs(5), async {
        while !wanted.iter().all(|wanted| text.contains(wanted)) {
            let read = stream.read(&mut chunk).await.unwrap();
            assert_ne!(read, 0, "the stream ended: {text}");
            text.push_str(&String::from_utf8_lossy(&chunk[..read]));
        }
    })
    .await
    .unwrap_or_else(|_| panic!("{wanted:?} did not come: {text}"));
    text
}

async fn listening(made_up: &Arc<MadeUp>, feed: &FeedSender) -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let dashboard = router(Arc::clone(made_up) as Arc<dyn Observatory>, feed.clone(), token());
    tokio::spawn(serve(listener, dashboard, None, std::future::pending()));
    address
}

async fn open_feed(address: std::net::SocketAddr) -> tokio::net::TcpStream {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /api/v1/feed HTTP/1.1\r\nhost: {address}\r\ncookie: kizashi-{}={}\r\n\r\n",
        address.port(),
        token().text()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_tells_status_events_and_signs_and_counts_what_it_skips() {
    let (made_up, feed) = (Arc::new(MadeUp::default()), FeedSender::new());
    let address = listening(&made_up, &feed).await;
    let mut page = open_feed(address).await;
    read_until(&mut page, &["text/event-stream", "event: status", "\"feed_dropped\":0"]).await;
    let flood: Vec<Event> = (0..270).map(event).collect();
    feed.publish(&flood);
    feed.publish_sign(&json!({ "id": "new" }));
    let text = read_until(
        &mut page,
        &["event: event", "\"skipped\":120", "event: sign", "{\"id\":\"new\"}"],
    )
    .await;
    assert_eq!(text.matches("onerror").count(), 150);
    assert_eq!(feed.dropped(), 120);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_does_not_read_holds_up_neither_the_feed_nor_other_pages() {
    let (made_up, feed) = (Arc::new(MadeUp::default()), FeedSender::new());
    let began = std::time::Instant::now();
    let address = listening(&made_up, &feed).await;
    let _asleep = open_feed(address).await;
    let mut awake = open_feed(address).await;
    read_until(&mut awake, &["event: status"]).await;
    let flood: Vec<Event> = (0..50).map(event).collect();
    let start = std::time::Instant::now();
    for _ in 0..2_000 {
        feed.publish(&flood);
    }
    assert!(start.elapsed() < Duration::from_secs(5));
    read_until(&mut awake, &["event: event", "\"skipped\":"]).await;
    // One is good for a second and a half, and a machine may be slower than that.
    let ages = usize::try_from(began.elapsed().as_millis() / 1_500).unwrap();
    let statuses = made_up.statuses.load(Ordering::SeqCst);
    assert!((1..=1 + ages).contains(&statuses), "pages share one status: {statuses} of {ages}");
}

#[tokio::test(flavor = "multi_thread")]
async fn past_the_cap_of_open_pages_one_more_is_told_to_close_another() {
    let feed = FeedSender::new();
    let address = listening(&Arc::new(MadeUp::default()), &feed).await;
    let mut pages = Vec::new();
    for _ in 0..24 {
        let mut page = open_feed(address).await;
        read_until(&mut page, &["200 OK"]).await;
        pages.push(page);
    }
    let mut refused = open_feed(address).await;
    read_until(&mut refused, &["503 Service Unavailable", "close one"]).await;
    pages.pop();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut again = open_feed(address).await;
    read_until(&mut again, &["200 OK"]).await;
}

#[tokio::test]
async fn a_head_without_end_is_cut_off() {
    let address = listening(&Arc::new(MadeUp::default()), &FeedSender::new()).await;
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let endless = format!("GET / HTTP/1.1\r\nhost: {}", "a".repeat(40_000));
    let _ = stream.write_all(endless.as_bytes()).await;
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await;
    assert!(ended.is_ok(), "the connection stays open");
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"));
}

//! Who is let in at the dashboard's door: by role, by origin, at what pace, and over what.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test, a broken assumption shall stop it"
)]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use kizashi_event::{Event, Key, KeyKind};
use kizashi_store::{BinLength, Span};
use kizashi_web::{
    Access, CertifiedKey, Encryption, FeedSender, Observatory, ReadError, Series, SignPage, Status,
    Token, Tokens, TopRow, router, serve,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tower::ServiceExt as _;

/// Knows of no signs, and of nothing else at all.
struct Nothing;

fn gone<T>() -> Result<T, ReadError> {
    Err(ReadError::Failed("there is no store".to_owned()))
}

impl Observatory for Nothing {
    fn status(&self) -> Result<Status, ReadError> {
        gone()
    }
    fn top(&self, _: KeyKind, _: Span, _: usize) -> Result<Vec<TopRow>, ReadError> {
        gone()
    }
    fn series(&self, _: &Key, _: BinLength, _: Span) -> Result<Series, ReadError> {
        gone()
    }
    fn signs(&self, _: usize) -> Result<Vec<Value>, ReadError> {
        Ok(Vec::new())
    }
    fn sign(&self, _: &str, _: kizashi_signs::Language) -> Result<Option<SignPage>, ReadError> {
        gone()
    }
    fn recent(&self, _: usize) -> Result<Vec<Event>, ReadError> {
        gone()
    }
}

fn token(byte: u8) -> Token {
    Token::from_random([byte; 24])
}

fn access() -> Access {
    Access::on_loopback(Tokens { owner: token(1), viewer: Some(token(2)), feeds: Some(token(4)) })
}

fn dashboard(access: &Access) -> Router {
    router(Arc::new(Nothing), FeedSender::new(), access.clone())
}

async fn status_of(
    dashboard: &Router,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: String,
) -> StatusCode {
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost:7777");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    dashboard.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap().status()
}

fn cookie(token: &Token) -> String {
    format!("kizashi-7777={}", token.text())
}

#[tokio::test]
async fn a_viewer_reads_changes_nothing_and_sees_no_payload_and_a_replaced_token_opens_nothing() {
    let access = access();
    let dashboard = dashboard(&access);
    let ask = async |method: Method, path: &str, token: &Token| {
        let cookie = cookie(token);
        status_of(&dashboard, method, path, &[("cookie", &cookie)], String::new()).await
    };
    let (owner, viewer) = (token(1), token(2));
    assert_eq!(ask(Method::GET, "/api/v1/signs", &viewer).await, StatusCode::OK);
    assert_eq!(ask(Method::POST, "/api/v1/signs", &viewer).await, StatusCode::FORBIDDEN);
    assert_eq!(ask(Method::DELETE, "/", &viewer).await, StatusCode::FORBIDDEN);
    assert_eq!(ask(Method::GET, "/api/v1/payloads/00", &viewer).await, StatusCode::FORBIDDEN);
    assert_eq!(ask(Method::GET, "/api/v1/payloads/00", &owner).await, StatusCode::NOT_FOUND);
    assert_eq!(ask(Method::POST, "/api/v1/signs", &owner).await, StatusCode::METHOD_NOT_ALLOWED);
    access.replace(Tokens { owner: token(1), viewer: Some(token(3)), feeds: None });
    assert_eq!(ask(Method::GET, "/api/v1/signs", &viewer).await, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(Method::GET, "/api/v1/signs", &token(3)).await, StatusCode::OK);
}

#[tokio::test]
async fn no_other_page_signs_anybody_in_or_changes_anything_in_the_owners_name() {
    let dashboard = dashboard(&access());
    let form = || format!("token={}", token(1).text());
    for (headers, expected) in [
        (&[][..], StatusCode::SEE_OTHER),
        (&[("origin", "http://localhost:7777")], StatusCode::SEE_OTHER),
        (&[("origin", "null"), ("sec-fetch-site", "same-origin")], StatusCode::SEE_OTHER),
        (&[("origin", "http://localhost:8080")], StatusCode::FORBIDDEN),
        (&[("origin", "https://example.org")], StatusCode::FORBIDDEN),
        (&[("origin", "null")], StatusCode::FORBIDDEN),
        (&[("sec-fetch-site", "same-site")], StatusCode::FORBIDDEN),
        (&[("sec-fetch-site", "cross-site")], StatusCode::FORBIDDEN),
    ] {
        let found = status_of(&dashboard, Method::POST, "/sign-in", headers, form()).await;
        assert_eq!(found, expected, "{headers:?}");
    }
    let cookie = cookie(&token(1));
    let foreign = [("cookie", cookie.as_str()), ("origin", "http://localhost:8080")];
    let found = status_of(&dashboard, Method::POST, "/", &foreign, String::new()).await;
    assert_eq!(found, StatusCode::FORBIDDEN);
    let image = [("sec-fetch-dest", "image"), ("sec-fetch-site", "cross-site")];
    let link = format!("/?token={}", token(1).text());
    let found = status_of(&dashboard, Method::GET, &link, &image, String::new()).await;
    assert_eq!(found, StatusCode::FORBIDDEN);
}

#[tokio::test(start_paused = true)]
async fn wrong_tokens_are_slowed_down_and_who_is_in_stays_in() {
    let dashboard = dashboard(&access());
    let sign_in = async |token: &Token| {
        let form = format!("token={}", token.text());
        status_of(&dashboard, Method::POST, "/sign-in", &[], form).await
    };
    for _ in 0..10 {
        assert_eq!(sign_in(&token(9)).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(sign_in(&token(9)).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(sign_in(&token(1)).await, StatusCode::TOO_MANY_REQUESTS, "no guess is answered");
    let link = format!("/?token={}", token(1).text());
    let found = status_of(&dashboard, Method::GET, &link, &[], String::new()).await;
    assert_eq!(found, StatusCode::TOO_MANY_REQUESTS, "nor by the other way in");
    let cookie = cookie(&token(1));
    let signed_in = [("cookie", cookie.as_str())];
    let found = status_of(&dashboard, Method::GET, "/api/v1/signs", &signed_in, String::new());
    assert_eq!(found.await, StatusCode::OK);
    tokio::time::advance(std::time::Duration::from_secs(7)).await;
    assert_eq!(sign_in(&token(1)).await, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn over_tls_the_cookie_is_secure_and_plain_text_gets_nothing() {
    let pair = CertifiedKey::made_for(vec!["localhost".to_owned()]).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let page = dashboard(&access().encrypted());
    let encryption = Some(Encryption::with(&pair).unwrap());
    tokio::spawn(serve(listener, page, encryption, std::future::pending()));

    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pair.certificates.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(client));
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = connector.connect(name, stream).await.unwrap();
    let request = format!(
        "GET /?token={} HTTP/1.1\r\nhost: localhost:{}\r\nconnection: close\r\n\r\n",
        token(1).text(),
        address.port()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    assert!(answer.contains("__Host-kizashi-") && answer.contains("; Secure"), "{answer}");

    let mut plain = tokio::net::TcpStream::connect(address).await.unwrap();
    plain.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP"), "plain text was answered");
}

//! Who may read, and what a browser may do with what it reads.
//!
//! The dashboard shows everything the sensor knows, so a random token guards it: `/?token=…` (the address printed at start)
//! or the sign-in form changes it for a cookie. Requests under a foreign host name are refused (DNS rebinding), and every
//! answer carries a Content-Security-Policy under which nothing but the page's own files can load or run (CSP Level 3).

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::uri::Authority;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::assets;
use crate::error::ApiError;
use crate::server::App;

/// Under this policy a script, style, image, font or connection is the page's own or is nothing.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What reaches anyone: the way in.
const OPEN_PATHS: [&str; 2] = ["/sign-in", "/sign-in.css"];

/// The secret that opens the dashboard: 16 to 128 letters, digits, `-` or `_`.
#[derive(Clone)]
pub struct Token(Arc<str>);

/// The text cannot be a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a token: 16 to 128 letters, digits, - or _ are needed")]
pub struct TokenError;

impl Token {
    /// The token of 24 random bytes, in hexadecimal.
    #[must_use]
    pub fn from_random(bytes: [u8; 24]) -> Self {
        let mut text = String::with_capacity(48);
        for byte in bytes {
            let _ = write!(text, "{byte:02x}");
        }
        Self(Arc::from(text))
    }

    /// A token that was made before.
    ///
    /// # Errors
    /// When the text cannot be one.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if (16..=128).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(Arc::from(text)))
        } else {
            Err(TokenError)
        }
    }

    /// The token, for the address that is printed at start.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Whether `guess` is the token, in a time that tells nothing: both are hashed, and the hashes compared whole.
    fn is(&self, guess: &str) -> bool {
        let (own, theirs) = (Sha256::digest(self.0.as_bytes()), Sha256::digest(guess.as_bytes()));
        let difference = own.iter().zip(theirs.iter()).fold(0, |sum, (a, b)| sum | (a ^ b));
        std::hint::black_box(difference) == 0
    }
}

impl std::fmt::Debug for Token {
    /// Without the secret, so that it comes into no log.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Token(…)")
    }
}

/// Lets a request through to the page and the API, or answers it itself.
pub(crate) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let Some(authority) = loopback_authority(request.headers()) else {
        let why = "this dashboard answers under localhost, 127.0.0.1 and [::1] only";
        return ApiError::new(StatusCode::MISDIRECTED_REQUEST, why).into_response();
    };
    if OPEN_PATHS.contains(&path) {
        return next.run(request).await;
    }
    if path == "/"
        && request.method() == Method::GET
        && let Some(guess) = token_in(request.uri())
    {
        return enter(&app, &guess, &authority);
    }
    if !has_cookie(&app.token, request.headers(), &authority) {
        return refuse(path);
    }
    if path.starts_with("/api/") && is_from_elsewhere(request.headers()) {
        let why = "the API answers this dashboard's own page and programs, not other pages";
        return ApiError::new(StatusCode::FORBIDDEN, why).into_response();
    }
    next.run(request).await
}

/// Adds to every answer what keeps a browser from doing more with it than showing it.
pub(crate) async fn harden(request: Request, next: Next) -> Response {
    const HEADERS: [(HeaderName, &str); 6] = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ];
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// `GET /sign-in`.
pub(crate) async fn sign_in_page() -> Response {
    assets::sign_in(StatusCode::OK)
}

/// `POST /sign-in` with `token=…`.
pub(crate) async fn sign_in(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let guess = std::str::from_utf8(&body).ok().and_then(token_among);
    let authority = loopback_authority(&headers);
    match (guess, authority) {
        (Some(guess), Some(authority)) => enter(&app, &guess, &authority),
        _ => assets::sign_in(StatusCode::UNAUTHORIZED),
    }
}

/// Changes the right token for a cookie and leads to the page without the token in its address.
fn enter(app: &App, guess: &str, authority: &Authority) -> Response {
    if !app.token.is(guess) {
        return assets::sign_in(StatusCode::UNAUTHORIZED);
    }
    let cookie = format!(
        "{}={}; Path=/; HttpOnly; SameSite=Strict",
        cookie_name(authority),
        app.token.text()
    );
    let headers = [(header::SET_COOKIE, cookie.as_str()), (header::LOCATION, "/")];
    (StatusCode::SEE_OTHER, headers).into_response()
}

fn refuse(path: &str) -> Response {
    if path == "/" {
        return assets::sign_in(StatusCode::UNAUTHORIZED);
    }
    let why = "not signed in: open the address with the token that was printed at start";
    ApiError::new(StatusCode::UNAUTHORIZED, why).into_response()
}

/// The host that the browser believes to speak to, when it is this machine's own.
fn loopback_authority(headers: &HeaderMap) -> Option<Authority> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let authority: Authority = hosts.next()?.to_str().ok()?.parse().ok()?;
    if hosts.next().is_some() || authority.as_str().contains('@') {
        return None;
    }
    let host = authority.host();
    let is_own = host.eq_ignore_ascii_case("localhost")
        || host == "[::1]"
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    is_own.then_some(authority)
}

/// Cookies know no ports: two dashboards on one machine would sign each other out under one name.
fn cookie_name(authority: &Authority) -> String {
    format!("kizashi-{}", authority.port_u16().unwrap_or(80))
}

fn has_cookie(token: &Token, headers: &HeaderMap, authority: &Authority) -> bool {
    let name = cookie_name(authority);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .any(|(key, value)| key == name && token.is(value))
}

/// A page of another port of this machine is "same site", so that `SameSite` does not hold it (Fetch Metadata does).
fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-site")
        .is_some_and(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"))
}

fn token_in(uri: &Uri) -> Option<String> {
    token_among(uri.query()?)
}

/// A token has no character that a form or an address would encode; whatever is encoded is no token.
fn token_among(pairs: &str) -> Option<String> {
    pairs
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == "token")
        .map(|(_, value)| value.trim_matches('+').to_owned())
}

/// See [`crate::fuzz::request`].
pub(crate) fn fuzz_uri(uri: &Uri) {
    let _ = token_in(uri);
}

/// See [`crate::fuzz::request`]; whether the headers sign in.
pub(crate) fn fuzz_headers(token: &Token, headers: &HeaderMap) -> bool {
    let authority = loopback_authority(headers);
    let any = authority.unwrap_or_else(|| Authority::from_static("localhost:7777"));
    has_cookie(token, headers, &any)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority_of(host: &str) -> Option<Authority> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
        loopback_authority(&headers)
    }

    #[test]
    fn only_names_of_this_machine_are_answered() {
        for own in ["localhost", "LOCALHOST:7777", "127.0.0.1:7777", "127.9.9.9", "[::1]:80"] {
            assert!(authority_of(own).is_some(), "{own}");
        }
        for foreign in [
            "example.org",
            "localhost.example.org",
            "127.0.0.1.example.org:7777",
            "192.0.2.1",
            "[::2]",
            "user@localhost",
            "0.0.0.0",
        ] {
            assert!(authority_of(foreign).is_none(), "{foreign}");
        }
        let mut two = HeaderMap::new();
        two.append(header::HOST, HeaderValue::from_static("localhost"));
        two.append(header::HOST, HeaderValue::from_static("localhost"));
        assert!(
            loopback_authority(&two).is_none() && loopback_authority(&HeaderMap::new()).is_none()
        );
    }

    #[test]
    fn a_token_is_itself_and_nothing_else_and_shows_in_no_log() {
        let token = Token::from_random([7; 24]);
        assert!(token.is(&"07".repeat(24)));
        for wrong in ["", "07", &"07".repeat(25), &"08".repeat(24)] {
            assert!(!token.is(wrong));
        }
        assert_eq!(format!("{token:?}"), "Token(…)");
        assert!(Token::parse("too-short").is_err() && Token::parse(&"a b".repeat(9)).is_err());
        assert!(Token::parse(token.text()).is_ok());
    }
}

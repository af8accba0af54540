//! Who may read, and what a browser may do with what it reads.
//!
//! The dashboard shows everything the sensor knows, so random tokens guard it, one a [`Role`]: `/?token=…` (the address printed
//! at start) or the sign-in form changes one for a cookie, programs send theirs with each request (`Authorization: Bearer`, RFC 6750);
//! wrong ones are throttled. Requests under a foreign host name are refused
//! (DNS rebinding), so are those that another page made (by `Sec-Fetch-Site`, else by `Origin`; RFC 6265, 8.2), and every answer carries a Content-Security-Policy under which nothing but the page's own files can load or run (CSP Level 3).

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::uri::Authority;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::error::ApiError;
use crate::roles::SHARED;
use crate::server::{App, Peer};
use crate::{Access, Role, assets, shared};

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
    pub(crate) fn is(&self, guess: &str) -> bool {
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

/// Who asks, and what he believes to speak to.
#[derive(Clone)]
pub(crate) struct Asker {
    address: IpAddr,
    authority: Authority,
}

/// Lets a request through to the page and the API, or answers it itself.
pub(crate) async fn guard(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(authority) = own_authority(&app.access, request.headers()) else {
        return ApiError::new(StatusCode::MISDIRECTED_REQUEST, names_answered(&app.access))
            .into_response();
    };
    let address = request
        .extensions()
        .get::<Peer>()
        .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.0.to_canonical());
    let asker = Asker { address, authority };
    let (path, headers) = (request.uri().path(), request.headers());
    let is_guarded = path.starts_with("/api/") || !request.method().is_safe();
    if is_guarded && is_from_elsewhere(headers, &asker.authority) {
        return foreign();
    }
    if OPEN_PATHS.contains(&path) {
        request.extensions_mut().insert(asker);
        return next.run(request).await;
    }
    if path == "/"
        && request.method() == Method::GET
        && let Some(guess) = token_in(request.uri())
    {
        return if opens_a_page(headers) { enter(&app, &guess, &asker) } else { foreign() };
    }
    if path.starts_with(SHARED)
        && let Some(guess) = shared::token(headers, request.uri())
    {
        return match by_token(&app, &guess, &asker) {
            Some(role) if role.may(request.method(), path) => next.run(request).await,
            _ => ApiError::new(
                StatusCode::UNAUTHORIZED,
                "`kizashi token show --role feeds` prints the token that opens this",
            )
            .into_response(),
        };
    }
    let role = match bearer(headers) {
        Some(guess) => match role_by_bearer(&app, guess, &asker) {
            Ok(role) => Some(role),
            Err(refused) => return *refused,
        },
        None => role_by_cookie(&app.access, headers, &asker.authority),
    };
    let Some(role) = role else {
        return refuse(path);
    };
    if !role.may(request.method(), path) {
        let why =
            "a viewer reads what is shown and changes nothing: sign in with the owner's token";
        return ApiError::new(StatusCode::FORBIDDEN, why).into_response();
    }
    next.run(request).await
}

fn foreign() -> Response {
    let why = "the API answers this dashboard's own page and programs, not other pages";
    ApiError::new(StatusCode::FORBIDDEN, why).into_response()
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
        // What a visitor left behind is sent under a stricter policy of its own.
        headers.entry(name).or_insert(HeaderValue::from_static(value));
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
    Extension(asker): Extension<Asker>,
    body: Bytes,
) -> Response {
    match std::str::from_utf8(&body).ok().and_then(token_among) {
        Some(guess) => enter(&app, &guess, &asker),
        None => assets::sign_in(StatusCode::UNAUTHORIZED),
    }
}

/// Changes the right token for a cookie and leads to the page without the token in its address.
fn enter(app: &App, guess: &str, asker: &Asker) -> Response {
    if let Some(wait) = app.throttle.wait(asker.address) {
        return too_often(wait);
    }
    let Some(role) = app.access.role_of(guess) else {
        app.throttle.count_failure(asker.address);
        tracing::warn!(address = %asker.address, "a wrong token was tried at the dashboard");
        return assets::sign_in(StatusCode::UNAUTHORIZED);
    };
    tracing::info!(address = %asker.address, "the {} signed in at the dashboard", role.name());
    let name = cookie_name(&app.access, &asker.authority);
    let secure = if app.access.is_encrypted() { "; Secure" } else { "" };
    let cookie = format!("{name}={guess}; Path=/; HttpOnly; SameSite=Strict{secure}");
    let headers = [(header::SET_COOKIE, cookie.as_str()), (header::LOCATION, "/")];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// What a program signs in with.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn role_by_bearer(app: &App, guess: &str, asker: &Asker) -> Result<Role, Box<Response>> {
    // The right token is asked first: who guesses must not keep the owner's programs out.
    if let Some(role) = app.access.role_of(guess) {
        return Ok(role);
    }
    if let Some(wait) = app.throttle.wait(asker.address) {
        return Err(Box::new(too_often(wait)));
    }
    app.throttle.count_failure(asker.address);
    tracing::warn!(address = %asker.address, "a program tried a wrong token at the dashboard");
    Err(Box::new(refuse("/api/")))
}

/// Whose token a program sends. Wrong ones are counted as those of people are, and told as long as they are few; a right one is never held up.
fn by_token(app: &App, guess: &str, asker: &Asker) -> Option<Role> {
    let role = app.access.role_of(guess);
    if role.is_none() && app.throttle.wait(asker.address).is_none() {
        app.throttle.count_failure(asker.address);
        tracing::warn!(address = %asker.address, "a wrong token was tried at what is shared");
    }
    role
}

fn too_often(wait: Duration) -> Response {
    let seconds = wait.as_secs() + 1;
    let why = format!("too many wrong tokens: wait {seconds} s and try again");
    let refused = ApiError::new(StatusCode::TOO_MANY_REQUESTS, why);
    ([(header::RETRY_AFTER, seconds.to_string())], refused).into_response()
}

fn refuse(path: &str) -> Response {
    if path == "/" {
        return assets::sign_in(StatusCode::UNAUTHORIZED);
    }
    let why = "not signed in: open the address with the token that was printed at start";
    ApiError::new(StatusCode::UNAUTHORIZED, why).into_response()
}

/// The host that the browser believes to speak to, when it is one of ours.
fn own_authority(access: &Access, headers: &HeaderMap) -> Option<Authority> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let authority: Authority = hosts.next()?.to_str().ok()?.parse().ok()?;
    if hosts.next().is_some() || authority.as_str().contains('@') {
        return None;
    }
    let host = authority.host();
    let is_loopback = host.eq_ignore_ascii_case("localhost")
        || host == "[::1]"
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    let is_own = is_loopback
        || access.names().is_some_and(|names| {
            is_address(host) || names.iter().any(|name| host.eq_ignore_ascii_case(name))
        });
    is_own.then_some(authority)
}

fn is_address(host: &str) -> bool {
    let six = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    host.parse::<Ipv4Addr>().is_ok() || six.is_some_and(|six| six.parse::<Ipv6Addr>().is_ok())
}

fn names_answered(access: &Access) -> &'static str {
    if access.names().is_some() {
        "this dashboard answers under IP addresses and the names under [dashboard] in kizashi.toml only"
    } else {
        "this dashboard answers under localhost, 127.0.0.1 and [::1] only"
    }
}

/// Cookies know no ports: two dashboards on one machine would sign each other out under one name. Over TLS the prefix keeps another
/// host of the same domain from planting one (RFC 6265bis, 4.1.3).
fn cookie_name(access: &Access, authority: &Authority) -> String {
    if access.is_encrypted() {
        format!("__Host-kizashi-{}", authority.port_u16().unwrap_or(443))
    } else {
        format!("kizashi-{}", authority.port_u16().unwrap_or(80))
    }
}

fn role_by_cookie(access: &Access, headers: &HeaderMap, authority: &Authority) -> Option<Role> {
    let name = cookie_name(access, authority);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .find_map(|(_, value)| access.role_of(value))
}

/// A page of another port of this machine is "same site", so that `SameSite` does not hold it (Fetch Metadata does). Where a browser
/// sends no such header its `Origin` counts; a program sends neither.
fn is_from_elsewhere(headers: &HeaderMap, own: &Authority) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return !matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    headers.get(header::ORIGIN).is_some_and(|origin| {
        let host = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        !host.is_some_and(|(_, host)| host.eq_ignore_ascii_case(own.as_str()))
    })
}

/// Whether a link was opened, and not an image of another page that tries tokens in the owner's name.
fn opens_a_page(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-dest").is_none_or(|kind| kind == "document")
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
pub(crate) fn fuzz_headers(access: &Access, headers: &HeaderMap) -> bool {
    let authority = own_authority(access, headers);
    let any = authority.unwrap_or_else(|| Authority::from_static("localhost:7777"));
    role_by_cookie(access, headers, &any).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority_of(host: &str) -> Option<Authority> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
        own_authority(&loopback(), &headers)
    }

    fn loopback() -> Access {
        Access::from(Token::from_random([7; 24]))
    }

    #[test]
    fn bound_elsewhere_addresses_and_the_owners_names_are_answered_too_and_no_others() {
        let access = loopback().from_elsewhere(vec!["sensor.example.org".to_owned()]);
        let is_own = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
            own_authority(&access, &headers).is_some()
        };
        for own in ["localhost:7777", "192.0.2.1", "[2001:db8::1]:7777", "Sensor.example.org:7777"]
        {
            assert!(is_own(own), "{own}");
        }
        for foreign in ["example.org", "a.sensor.example.org", "192.0.2.1.example.org", "[x]"] {
            assert!(!is_own(foreign), "{foreign}");
        }
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
            own_authority(&loopback(), &two).is_none()
                && own_authority(&loopback(), &HeaderMap::new()).is_none()
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

//! Fetches one file from an address that the owner names: HTTP/1.1 (RFC 9112), over TLS 1.3 with the authorities that this system trusts.
//! Bounded in size and in time; from TLS it is never led to anything without. Only the command `kizashi geo update` does this: neither
//! of the processes that serve connects anywhere.

use std::future::poll_fn;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, HOST, LOCATION, USER_AGENT};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::failure::Failure;

/// Bytes that come at most.
const LONGEST: usize = 256 << 20;
/// How long a connection may take to be made.
const CONNECTS_WITHIN: Duration = Duration::from_secs(20);
/// How long all of it may take.
const COMES_WITHIN: Duration = Duration::from_secs(600);
/// How long nothing may come.
const SILENCE: Duration = Duration::from_secs(30);
/// How often an answer may point elsewhere.
const MOST_REDIRECTS: usize = 5;
/// Where systems keep the authorities that they trust: Debian and Alpine, Fedora, openSUSE.
const AUTHORITIES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
];

/// What an address answers with.
enum Answer {
    Content(Vec<u8>),
    Elsewhere(String),
}

/// Whether a text is the address of something to fetch.
pub(crate) fn is_address(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// Fetches what is at `address`.
pub(crate) fn fetch(address: &str) -> Result<Vec<u8>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let fetched = runtime.block_on(async {
        timeout(COMES_WITHIN, follow(address)).await.unwrap_or_else(|_| {
            Err(format!("it took longer than {} minutes", COMES_WITHIN.as_secs() / 60))
        })
    });
    fetched.map_err(|reason| {
        let shown = crate::screen::harmless(address);
        Failure::Asked(format!(
            "{shown} could not be fetched ({}); what was there before stays",
            crate::screen::harmless(&reason)
        ))
    })
}

async fn follow(address: &str) -> Result<Vec<u8>, String> {
    let mut at: Uri = address.parse().map_err(|_| "that is no address".to_owned())?;
    for _ in 0..=MOST_REDIRECTS {
        let next = match get(&at).await? {
            Answer::Content(content) => return Ok(content),
            Answer::Elsewhere(next) => next,
        };
        let next = elsewhere(&at, &next)?;
        if at.scheme_str() == Some("https") && next.scheme_str() != Some("https") {
            return Err("it points to an address without TLS".to_owned());
        }
        at = next;
    }
    Err("it points elsewhere again and again".to_owned())
}

/// Where an answer points, which may leave out the host (RFC 9110, 10.2.2).
fn elsewhere(from: &Uri, next: &str) -> Result<Uri, String> {
    let whole = match (next.strip_prefix('/'), from.scheme_str(), from.authority()) {
        (Some(_), Some(scheme), Some(authority)) if !next.starts_with("//") => {
            format!("{scheme}://{authority}{next}")
        }
        _ => next.to_owned(),
    };
    let unusable = || "it points to something that cannot be fetched".to_owned();
    if !is_address(&whole) {
        return Err(unusable());
    }
    whole.parse().map_err(|_| unusable())
}

async fn get(at: &Uri) -> Result<Answer, String> {
    let host = at.host().ok_or("that is no address")?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let encrypted = at.scheme_str() == Some("https");
    let port = at.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
    let connecting = async {
        let stream = TcpStream::connect((bare, port)).await.map_err(|error| error.to_string())?;
        if !encrypted {
            return Ok((stream, None));
        }
        let name = ServerName::try_from(bare.to_owned()).map_err(|error| error.to_string())?;
        Ok((stream, Some((connector()?, name))))
    };
    let (stream, security) = within(CONNECTS_WITHIN, connecting).await?;
    match security {
        None => exchange(stream, at).await,
        Some((connector, name)) => {
            let shaking =
                async { connector.connect(name, stream).await.map_err(|error| error.to_string()) };
            exchange(within(CONNECTS_WITHIN, shaking).await?, at).await
        }
    }
}

async fn within<T>(
    longest: Duration,
    work: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    timeout(longest, work).await.unwrap_or_else(|_| Err("it does not answer".to_owned()))
}

async fn exchange<S>(stream: S, at: &Uri) -> Result<Answer, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    tokio::spawn(async move {
        // Its end is told by the answer, or by its absence.
        let _ = connection.await;
    });
    let path = at.path_and_query().map_or("/", |path| path.as_str());
    let authority = at.authority().map_or("", |authority| authority.as_str());
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let request = Request::get(path)
        .header(HOST, host)
        .header(USER_AGENT, concat!("kizashi/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT, "*/*")
        .body(String::new())
        .map_err(|error| error.to_string())?;
    let sending = async { sender.send_request(request).await.map_err(|error| error.to_string()) };
    let response = within(SILENCE, sending).await?;
    let status = response.status();
    if status.is_redirection() {
        let next = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        return next
            .map(|next| Answer::Elsewhere(next.to_owned()))
            .ok_or_else(|| format!("it answers {status} and points nowhere"));
    }
    if status != hyper::StatusCode::OK {
        return Err(format!("it answers {status}"));
    }
    content(response).await.map(Answer::Content)
}

async fn content(response: Response<Incoming>) -> Result<Vec<u8>, String> {
    let mut body = response.into_body();
    let too_long = || format!("it is longer than {} MB", LONGEST >> 20);
    if body.size_hint().lower() > LONGEST as u64 {
        return Err(too_long());
    }
    let mut content = Vec::new();
    loop {
        let next = async {
            let frame = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
            frame.transpose().map_err(|error| error.to_string())
        };
        let Some(frame) = within(SILENCE, next).await? else { return Ok(content) };
        if let Ok(data) = frame.into_data() {
            if content.len() + data.len() > LONGEST {
                return Err(too_long());
            }
            content.extend_from_slice(&data);
        }
    }
}

/// TLS with the authorities of this system, or those of the file that `SSL_CERT_FILE` names, as other programs do.
fn connector() -> Result<TlsConnector, String> {
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let file = named.or_else(|| AUTHORITIES.iter().map(PathBuf::from).find(|path| path.exists()));
    let file = file.ok_or(
        "this system has no list of authorities to trust; install ca-certificates, or name one in SSL_CERT_FILE",
    )?;
    let certificates = CertificateDer::pem_file_iter(&file)
        .map_err(|error| format!("{}: {error}", file.display()))?;
    let mut trusted = RootCertStore::empty();
    trusted.add_parsable_certificates(certificates.filter_map(Result::ok));
    if trusted.is_empty() {
        return Err(format!("{} holds no authority to trust", file.display()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(trusted)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    /// A server that answers each connection with the next of these texts.
    fn serving(answers: Vec<String>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 1024];
                let _ = stream.read(&mut request);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        address
    }

    #[test]
    fn what_is_fetched_comes_whole_also_in_chunks_and_from_elsewhere() {
        let there =
            "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n".to_owned();
        let chunks =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
                .to_owned();
        let address = serving(vec![there, chunks]);
        assert_eq!(fetch(&address).unwrap(), b"abc");
    }

    #[test]
    fn an_answer_that_is_cut_too_long_or_a_refusal_is_told_and_gives_nothing() {
        let told = |answer: &str| fetch(&serving(vec![answer.to_owned()])).unwrap_err().to_string();
        assert!(told("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").contains("404"));
        assert!(told("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").contains("could not"));
        let long = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 1_u64 << 40);
        assert!(told(&long).contains("longer than"));
        assert!(told("HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n").contains("nowhere"));
        assert!(told("no HTTP").contains("could not be fetched"));
    }

    #[test]
    fn it_is_not_led_in_a_circle_nor_to_what_is_no_web_address() {
        let around = "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n".to_owned();
        assert!(
            fetch(&serving(vec![around; 9])).unwrap_err().to_string().contains("again and again")
        );
        let from: Uri = "https://example.org/a".parse().unwrap();
        assert!(elsewhere(&from, "file:///etc/passwd").is_err());
        assert!(elsewhere(&from, "//example.com/").is_err());
        assert_eq!(elsewhere(&from, "/b?c").unwrap().to_string(), "https://example.org/b?c");
    }
}

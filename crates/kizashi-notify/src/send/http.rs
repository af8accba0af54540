//! One request over HTTP/1.1 (RFC 9112), within TLS or not, a connection each. Bounded in size and in time; a redirect is an answer like
//! any other, and whoever asked decides.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, HOST, HeaderMap, LOCATION, RETRY_AFTER, USER_AGENT};
use hyper::{Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::{Answer, Method, Request, Trust, within};

/// Bytes of the head of an answer at most.
const LONGEST_HEAD: usize = 64 * 1024;

/// What an exchange may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of an answer's body at most; what is longer is an error.
    pub longest: usize,
    /// How long a connection may take to be made, and TLS after it.
    pub connects_within: Duration,
    /// How long nothing may come.
    pub silence: Duration,
}

/// Makes requests.
#[derive(Clone)]
pub struct HttpClient {
    trust: Trust,
}

impl HttpClient {
    /// A client that believes these certificates.
    #[must_use]
    pub const fn new(trust: Trust) -> Self {
        Self { trust }
    }

    pub(crate) const fn trust(&self) -> &Trust {
        &self.trust
    }

    /// One request and its answer, whatever the status.
    ///
    /// # Errors
    /// In half a sentence that names no address.
    pub async fn exchange(&self, request: &Request, limits: Limits) -> Result<Answer, String> {
        let at: Uri = request.url.parse().map_err(|_| "that is no address".to_owned())?;
        let stream = self.open(&at, limits).await?;
        let response = answered(stream, head(&at, request)?, limits).await?;
        let text = |name| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let (location, retry_after) = (text(LOCATION), retry_after(response.headers()));
        let status = response.status().as_u16();
        Ok(Answer { status, location, retry_after, body: response.into_body() })
    }

    /// A request that another library has made, its address in full and its headers as they are to be, and its answer with the whole body.
    ///
    /// # Errors
    /// In half a sentence that names no address.
    pub(crate) async fn carry<B>(
        &self,
        mut request: hyper::Request<B>,
        limits: Limits,
    ) -> Result<Response<Vec<u8>>, String>
    where
        B: hyper::body::Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>>
            + Send
            + 'static,
        B::Data: Send,
    {
        let at = request.uri().clone();
        let stream = self.open(&at, limits).await?;
        let path = at.path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = path.parse().map_err(|_| "that is no address".to_owned())?;
        if !request.headers().contains_key(HOST) {
            let authority = at.authority().map_or("", |authority| authority.as_str());
            let host = authority.parse().map_err(|_| "that is no address".to_owned())?;
            request.headers_mut().insert(HOST, host);
        }
        let (head, body) = answered(stream, request, limits).await?.into_parts();
        Ok(Response::from_parts(head, body))
    }

    /// A connection to where an address leads, within TLS where it says so.
    async fn open(&self, at: &Uri, limits: Limits) -> Result<Box<dyn Wire>, String> {
        let host = at.host().ok_or("that is no address")?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let encrypted = match at.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err("that is no address".to_owned()),
        };
        let port = at.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        let stream = connect(bare, port, limits.connects_within).await?;
        Ok(if encrypted {
            Box::new(within(limits.connects_within, self.trust.over(bare, stream)).await?)
        } else {
            Box::new(stream)
        })
    }
}

/// What a conversation goes over.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Wire for S {}

/// A connection.
pub(crate) async fn connect(host: &str, port: u16, longest: Duration) -> Result<TcpStream, String> {
    within(longest, async {
        TcpStream::connect((host, port)).await.map_err(|error| error.to_string())
    })
    .await
}

/// Sends a request and reads the whole answer.
async fn answered<B>(
    stream: Box<dyn Wire>,
    request: hyper::Request<B>,
    limits: Limits,
) -> Result<Response<Vec<u8>>, String>
where
    B: hyper::body::Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
    B::Data: Send,
{
    let mut builder = http1::Builder::new();
    builder.max_buf_size(LONGEST_HEAD);
    let shaking =
        async { builder.handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string()) };
    let (mut sender, connection) = within(limits.silence, shaking).await?;
    let connection = tokio::spawn(async move {
        // Its end is told by the answer, or by its absence.
        let _ = connection.await;
    });
    let result = async {
        let sending =
            async { sender.send_request(request).await.map_err(|error| error.to_string()) };
        let (head, body) = within(limits.silence, sending).await?.into_parts();
        Ok(Response::from_parts(head, content(body, limits).await?))
    }
    .await;
    connection.abort();
    result
}

fn head(at: &Uri, request: &Request) -> Result<hyper::Request<String>, String> {
    let path = at.path_and_query().map_or("/", |path| path.as_str());
    let authority = at.authority().map_or("", |authority| authority.as_str());
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let mut builder = match request.method {
        Method::Get => hyper::Request::get(path),
        Method::Post => hyper::Request::post(path),
        Method::Put => hyper::Request::put(path),
    };
    builder = builder
        .header(HOST, host)
        .header(USER_AGENT, concat!("kizashi/", env!("CARGO_PKG_VERSION")));
    if !request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(ACCEPT.as_str())) {
        builder = builder.header(ACCEPT, "*/*");
    }
    for (name, value) in &request.headers {
        builder = builder.header(*name, value);
    }
    builder.body(request.body.clone()).map_err(|_| "a header of it cannot be sent".to_owned())
}

/// Seconds alone: a receiver's date would need a clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    // Discord's has a fraction.
    text.split('.').next()?.trim().parse().ok().map(Duration::from_secs)
}

async fn content(mut body: Incoming, limits: Limits) -> Result<Vec<u8>, String> {
    let too_long = || {
        let bound = limits.longest;
        if bound >= 1 << 20 {
            format!("it is longer than {} MB", bound >> 20)
        } else {
            format!("it is longer than {} KB", bound >> 10)
        }
    };
    if body.size_hint().lower() > limits.longest as u64 {
        return Err(too_long());
    }
    let mut content = Vec::new();
    loop {
        let next = async {
            let frame = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
            frame.transpose().map_err(|error| error.to_string())
        };
        let Some(frame) = within(limits.silence, next).await? else { return Ok(content) };
        if let Ok(data) = frame.into_data() {
            if content.len() + data.len() > limits.longest {
                return Err(too_long());
            }
            content.extend_from_slice(&data);
        }
    }
}

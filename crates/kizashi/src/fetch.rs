//! Fetches one file from an address that the owner names: HTTP/1.1 (RFC 9112), over TLS 1.3 with the authorities that this system trusts.
//! Bounded in size and in time; from TLS it is never led to anything without. Only the command `kizashi geo update` does this: neither
//! of the processes that serve connects anywhere.

use std::time::Duration;

use hyper::Uri;
use kizashi_notify::send::{HttpClient, Limits, Request, Trust};
use tokio::time::timeout;

use crate::failure::Failure;

/// What one exchange may take.
const LIMITS: Limits = Limits {
    longest: 256 << 20,
    connects_within: Duration::from_secs(20),
    silence: Duration::from_secs(30),
};
/// How long all of it may take.
const COMES_WITHIN: Duration = Duration::from_secs(600);
/// How often an answer may point elsewhere.
const MOST_REDIRECTS: usize = 5;
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
    let client = HttpClient::new(Trust::read(None)?);
    let mut at: Uri = address.parse().map_err(|_| "that is no address".to_owned())?;
    for _ in 0..=MOST_REDIRECTS {
        let next = match get(&client, &at).await? {
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

async fn get(client: &HttpClient, at: &Uri) -> Result<Answer, String> {
    let answer = client.exchange(&Request::get(at.to_string()), LIMITS).await?;
    match answer.status {
        200 => Ok(Answer::Content(answer.body)),
        status @ 300..=399 => answer
            .location
            .map(Answer::Elsewhere)
            .ok_or_else(|| format!("it answers {status} and points nowhere")),
        status => Err(format!("it answers {status}")),
    }
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

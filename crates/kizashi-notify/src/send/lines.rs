//! Lines to a log server: a datagram each, or counted octets over TCP or TLS. Nothing comes back.

use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::net::UdpSocket;

use super::http::connect;
use super::{Lines, Transport, Trust, within};

/// Bytes of a datagram (RFC 5426: receivers take 2,048).
const LONGEST_DATAGRAM: usize = 2_048;
const CONNECTS_WITHIN: Duration = Duration::from_secs(15);

pub(super) async fn send(trust: &Trust, lines: &Lines) -> Result<(), String> {
    match lines.transport {
        Transport::Udp => datagrams(lines).await,
        Transport::Tcp => {
            counted(connect(&lines.host, lines.port, CONNECTS_WITHIN).await?, &lines.lines).await
        }
        Transport::Tls => {
            let stream = connect(&lines.host, lines.port, CONNECTS_WITHIN).await?;
            let stream = within(CONNECTS_WITHIN, trust.over(&lines.host, stream)).await?;
            counted(stream, &lines.lines).await
        }
    }
}

async fn datagrams(lines: &Lines) -> Result<(), String> {
    let sending = async {
        let mut found = tokio::net::lookup_host((lines.host.as_str(), lines.port)).await?;
        let to = found.next().ok_or(std::io::ErrorKind::NotFound)?;
        let from = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(from).await?;
        for line in &lines.lines {
            let mut end = line.len().min(LONGEST_DATAGRAM);
            while !line.is_char_boundary(end) {
                end -= 1;
            }
            socket.send_to(&line.as_bytes()[..end], to).await?;
        }
        Ok(())
    };
    within(CONNECTS_WITHIN, async {
        sending.await.map_err(|error: std::io::Error| error.to_string())
    })
    .await
}

async fn counted(mut stream: impl AsyncWrite + Unpin, lines: &[String]) -> Result<(), String> {
    let writing = async {
        for line in lines {
            stream.write_all(format!("{} {line}", line.len()).as_bytes()).await?;
        }
        stream.flush().await?;
        stream.shutdown().await
    };
    within(CONNECTS_WITHIN, async { writing.await.map_err(|error| error.to_string()) }).await
}

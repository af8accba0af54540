//! A client of hpfeeds (the Honeynet Project's broker protocol): the broker says its name and a nonce, the client proves its secret by SHA-1 over
//! both, and publishes. Messages are a length of four bytes, an operation, and fields that begin with their own length of one byte.
//! The broker answers no publication; an error is told before it hangs up, so a moment is waited for one.

use std::time::Duration;

use sha1::{Digest as _, Sha1};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::http::connect;
use super::{Publication, Trust, within};
use crate::channel::reason;

const ERROR: u8 = 0;
const INFO: u8 = 1;
const AUTH: u8 = 2;
const PUBLISH: u8 = 3;
/// Bytes of a broker's message at most.
const LONGEST: usize = 16 * 1024;
/// How long each step may take.
const STEP: Duration = Duration::from_secs(15);
/// How long an error is waited for.
const OBJECTS_WITHIN: Duration = Duration::from_secs(1);

pub(super) async fn send(trust: &Trust, publication: &Publication) -> Result<(), String> {
    let stream = connect(&publication.host, publication.port, STEP).await?;
    if publication.encrypted {
        converse(within(STEP, trust.over(&publication.host, stream)).await?, publication).await
    } else {
        converse(stream, publication).await
    }
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    publication: &Publication,
) -> Result<(), String> {
    let (operation, body) = within(STEP, receive(&mut stream)).await?;
    let nonce = match (operation, body.split_first()) {
        (INFO, Some((length, rest))) => {
            rest.get(usize::from(*length)..).ok_or("it does not speak hpfeeds")?.to_vec()
        }
        _ => return Err("it does not speak hpfeeds".to_owned()),
    };
    let proof = Sha1::new().chain_update(&nonce).chain_update(publication.secret.text()).finalize();
    let mut bytes = message(AUTH, &[field(&publication.ident).as_slice(), proof.as_slice()]);
    for payload in &publication.payloads {
        let (ident, channel) = (field(&publication.ident), field(&publication.channel));
        bytes.extend(message(PUBLISH, &[&ident, &channel, payload.as_bytes()]));
    }
    let writing = async { stream.write_all(&bytes).await.map_err(|error| error.to_string()) };
    within(STEP, writing).await?;
    match tokio::time::timeout(OBJECTS_WITHIN, receive(&mut stream)).await {
        Ok(Ok((ERROR, text))) => {
            Err(format!("the broker says: {}", reason(&String::from_utf8_lossy(&text))))
        }
        Ok(Err(_)) => Err("the broker hung up; are ident and secret right?".to_owned()),
        Ok(Ok(_)) | Err(_) => Ok(()),
    }
}

async fn receive(stream: &mut (impl AsyncRead + Unpin)) -> Result<(u8, Vec<u8>), String> {
    let failed = |error: std::io::Error| error.to_string();
    let length = usize::try_from(stream.read_u32().await.map_err(failed)?).unwrap_or(usize::MAX);
    if !(5..=LONGEST).contains(&length) {
        return Err("it does not speak hpfeeds".to_owned());
    }
    let operation = stream.read_u8().await.map_err(failed)?;
    let mut body = vec![0; length - 5];
    stream.read_exact(&mut body).await.map_err(failed)?;
    Ok((operation, body))
}

fn message(operation: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = 5 + parts.iter().map(|part| part.len()).sum::<usize>();
    let mut bytes = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes().to_vec();
    bytes.push(operation);
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
    bytes
}

fn field(text: &str) -> Vec<u8> {
    let text = text.as_bytes().get(..255).unwrap_or(text.as_bytes());
    let mut bytes = vec![u8::try_from(text.len()).unwrap_or(u8::MAX)];
    bytes.extend_from_slice(text);
    bytes
}

//! Entries for fuzzing: what strangers (receivers, feeds) send. Called by `fuzz/`; no part of what is used otherwise.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use kizashi_event::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::send::{Mail, Security, smtp_fuzz};

/// A stream that says what it is given and hears everything.
struct Says<'a>(&'a [u8]);

impl AsyncRead for Says<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let count = self.0.len().min(buffer.remaining());
        let (now, later) = self.0.split_at(count);
        buffer.put_slice(now);
        self.0 = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Says<'_> {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A mail server that says this, whatever it hears.
pub fn mail_server(says: &[u8]) {
    let mail = Mail {
        host: "localhost".to_owned(),
        port: 25,
        security: Security::None,
        login: None,
        from: "a@example.org".to_owned(),
        to: vec!["b@example.org".to_owned()],
        subject: String::new(),
        text: String::new(),
        html: None,
        message_id: String::new(),
        date: Timestamp::default(),
    };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else {
        return;
    };
    runtime.block_on(smtp_fuzz(Says(says), &mail));
}

/// A feed that says this.
pub fn feed(bytes: &[u8]) {
    for item in crate::feeds::parse(bytes).unwrap_or_default() {
        assert!(!item.title.contains(['\n', '\u{1b}', '<']), "{item:?}");
    }
}

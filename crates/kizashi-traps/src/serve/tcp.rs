//! TCP: the accept loop, which survives whatever accepting fails with, and the conversation, which keeps a session within its
//! trap's limits. Both are generic over the stream, so that tests run them in memory under a paused clock.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Port, canonical_ip};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::admission::Ticket;
use super::report::Report;
use super::{Ends, Shared, stopped};
use crate::trap::PIECE;
use crate::{Output, Session, Trap, Turn, Visit};

/// How long what a visitor sends is still read after the last reply, so that the reply is not lost in a reset.
const LINGER: Duration = Duration::from_secs(2);
/// The longest pause before a turn that a session may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The pause after a failure to accept: descriptors come back as sessions end.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Something that connections come from.
pub(super) trait Accept: Send {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>> + Send;

    /// The address that a connection came to.
    fn local(stream: &Self::Stream) -> Option<SocketAddr>;
}

impl Accept for TcpListener {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        Self::accept(self).await
    }

    fn local(stream: &TcpStream) -> Option<SocketAddr> {
        stream.local_addr().ok()
    }
}

/// Accepts until the stop, then waits for the sessions it began.
pub(super) async fn listen<A: Accept>(
    shared: Arc<Shared>,
    trap: &'static Trap,
    mut listener: A,
    address: SocketAddr,
    ends: Ends,
) {
    let Ends { closing, stop } = ends;
    let mut sessions = JoinSet::new();
    let mut stopping = Box::pin(stopped(closing));
    loop {
        let accepted = tokio::select! {
            () = &mut stopping => break,
            Some(_) = sessions.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let local = A::local(&stream).unwrap_or(address);
                receive_visitor(&shared, trap, stream, (peer, local), &stop, &mut sessions);
            }
            Err(error) if is_visitors_fault(&error) => {}
            Err(error) => {
                shared.counters.add_accept_errors(1);
                tracing::debug!(trap = trap.name, %address, %error, "accepting failed; trying again");
                tokio::select! {
                    () = &mut stopping => break,
                    () = tokio::time::sleep(BACK_OFF) => {}
                }
            }
        }
    }
    drop(listener);
    while sessions.join_next().await.is_some() {}
}

/// The connection died before it was taken, which says nothing about us.
fn is_visitors_fault(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

fn receive_visitor<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    shared: &Arc<Shared>,
    trap: &'static Trap,
    stream: S,
    (peer, local): (SocketAddr, SocketAddr),
    stop: &watch::Receiver<bool>,
    sessions: &mut JoinSet<()>,
) {
    let visit = Visit {
        source: canonical_ip(peer.ip()),
        destination: Some(canonical_ip(local.ip())),
        port: Port::tcp(local.port()),
        encrypted: false,
    };
    match shared.admission.admit(visit.source) {
        Err(refusal) => Report::refuse(shared, trap, visit, peer, refusal),
        Ok(ticket) => {
            let report = Report::begin(shared, trap, visit, peer);
            let session = (trap.begin)(&shared.setup.identity, visit);
            let (shared, stop) = (Arc::clone(shared), stop.clone());
            sessions.spawn(async move {
                let conversation = Conversation {
                    ticket,
                    crowding: false,
                    shared,
                    trap,
                    stream,
                    session,
                    out: Output::new(trap.service.clone()),
                    report,
                    ends: Instant::now() + trap.limits.duration,
                };
                conversation.hold(stop).await;
            });
        }
    }
}

/// One session on one stream.
pub(super) struct Conversation<S> {
    shared: Arc<Shared>,
    trap: &'static Trap,
    stream: S,
    session: Box<dyn Session>,
    out: Output,
    report: Report,
    ends: Instant,
    ticket: Ticket,
    /// Whether it holds more than its share while all together hold too much.
    crowding: bool,
}

/// Why a conversation is over.
enum Over {
    /// The visitor closed, or stopped reading.
    Visitor,
    /// Nothing came for too long.
    Silence,
    /// A limit of the trap.
    Limit,
    /// The session asked for it.
    Session,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conversation<S> {
    async fn hold(mut self, stop: watch::Receiver<bool>) {
        tokio::select! {
            () = stopped(stop) => {}
            () = self.talk() => {}
        }
        let now = self.shared.clock.now();
        self.session.end(now, &mut self.out);
        // A half request may still be answered to whoever only closed his sending side.
        let _ = self.send().await;
        self.report.pass_on(&mut self.out, self.trap.limits.details);
        self.report.close(self.out.service());
    }

    async fn talk(&mut self) {
        let now = self.shared.clock.now();
        self.session.open(now, &mut self.out);
        let over = loop {
            if let Some(over) = self.settle().await {
                break over;
            }
            match self.read(self.patience()).await {
                Ok(bytes) => self.take(&bytes),
                Err(over) => break over,
            }
        };
        if self.crowding {
            self.report.note_crowding(self.out.service());
        }
        match over {
            Over::Silence => {
                let now = self.shared.clock.now();
                self.session.idle(now, &mut self.out);
                let _ = self.send().await;
            }
            Over::Session => self.linger().await,
            Over::Visitor | Over::Limit => {}
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.report.took(bytes.len());
        let now = self.shared.clock.now();
        self.session.receive(bytes, now, &mut self.out);
        self.crowding = !self.ticket.holds(self.session.memory() + self.out.held());
    }

    /// Sends and tells all that the session has to say; gives the reason if that ends it.
    async fn settle(&mut self) -> Option<Over> {
        let limits = &self.trap.limits;
        loop {
            self.report.pass_on(&mut self.out, limits.details);
            if self.send().await.is_err() {
                return Some(Over::Visitor);
            }
            let Some(turn) = self.out.turn() else { break };
            let bytes = self.wait_for(turn).await;
            if !turn.pause.is_zero() && Instant::now() >= self.ends {
                return Some(Over::Limit);
            }
            self.take(&bytes);
        }
        if self.out.is_closing() {
            return Some(Over::Session);
        }
        let spent = self.crowding
            || self.report.received() >= limits.received
            || self.report.told() > u64::from(limits.details)
            || Instant::now() >= self.ends;
        spent.then_some(Over::Limit)
    }

    /// Waits until a session's turn has come; gives what came before that, where the session listens.
    async fn wait_for(&mut self, turn: Turn) -> Vec<u8> {
        let until = (Instant::now() + turn.pause.min(LONGEST_PAUSE)).min(self.ends);
        if turn.listens {
            match self.read(until).await {
                Ok(bytes) => return bytes,
                // Whoever has closed his sending side may still wait for what a program says.
                Err(Over::Visitor) if !turn.pause.is_zero() => {}
                Err(_) => return Vec::new(),
            }
        }
        if !turn.pause.is_zero() {
            tokio::time::sleep_until(until).await;
        }
        Vec::new()
    }

    /// When the visitor's silence becomes too long.
    fn patience(&self) -> Instant {
        let idle = self.trap.limits.idle;
        let idle = self.out.patience_asked().map_or(idle, |asked| asked.min(idle));
        (Instant::now() + idle).min(self.ends)
    }

    /// What came. A visitor who is silent costs no buffer: bytes are taken into one on the stack, and kept as long as they are.
    async fn read(&mut self, until: Instant) -> Result<Vec<u8>, Over> {
        let left = self.trap.limits.received.saturating_sub(self.report.received());
        let room = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE);
        let stream = &mut self.stream;
        let read = poll_fn(|context| {
            let mut space = [0; PIECE];
            let mut buffer = ReadBuf::new(&mut space[..room]);
            let polled = Pin::new(&mut *stream).poll_read(context, &mut buffer);
            polled.map_ok(|()| buffer.filled().to_vec())
        });
        match timeout_at(until, read).await {
            Err(_) => Err(Over::Silence),
            Ok(Ok(bytes)) if !bytes.is_empty() => Ok(bytes),
            Ok(_) => Err(Over::Visitor),
        }
    }

    /// A visitor who does not read is given as long as one who does not write.
    async fn send(&mut self) -> io::Result<()> {
        let reply = self.out.take_reply();
        if reply.is_empty() {
            return Ok(());
        }
        let until = (Instant::now() + self.trap.limits.idle).min(self.ends + LINGER);
        timeout_at(until, self.stream.write_all(&reply))
            .await
            .map_err(|_| io::ErrorKind::TimedOut)?
    }

    async fn linger(&mut self) {
        let until = Instant::now() + LINGER;
        if timeout_at(until, self.stream.shutdown()).await.is_err() {
            return;
        }
        while let Ok(bytes) = self.read(until).await {
            self.take(&bytes);
        }
    }
}

#[cfg(test)]
mod tests;

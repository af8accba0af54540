//! UDP: one task a socket. Datagrams of one address and port within half a minute are one session, so that a scanner's burst is one
//! visit. The table has caps of its own, equal to those of TCP: forged sources can at most fill it, and take no place from a
//! visitor over TCP. Replies leave only if the trap says so, and by the house's rule for them alone (`replies.rs`).

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Port, canonical_ip};
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

use super::admission::{Refusal, Ticket};
use super::report::Report;
use super::{Shared, stopped};
use crate::{DatagramReply, Output, Session, Trap, Visit};

/// No datagram is longer.
const DATAGRAM: usize = 65_535;
/// A session without datagrams for this long is over.
const FORGET: Duration = Duration::from_secs(30);
/// How often the table is looked through.
const SWEEP: Duration = Duration::from_secs(1);
/// The pause after a failure to receive.
const BACK_OFF: Duration = Duration::from_millis(20);

struct Flow {
    session: Box<dyn Session>,
    out: Output,
    report: Report,
    began: Instant,
    last: Instant,
    ticket: Ticket,
}

struct Socket {
    shared: Arc<Shared>,
    trap: &'static Trap,
    socket: UdpSocket,
    address: SocketAddr,
    flows: HashMap<SocketAddr, Flow>,
}

/// Receives until the stop.
pub(super) async fn listen(
    shared: Arc<Shared>,
    trap: &'static Trap,
    socket: UdpSocket,
    address: SocketAddr,
    stop: watch::Receiver<bool>,
) {
    let mut house = Socket { shared, trap, socket, address, flows: HashMap::new() };
    let mut stopping = Box::pin(stopped(stop));
    let mut sweep = tokio::time::interval(SWEEP);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut buffer = vec![0; DATAGRAM];
    loop {
        let received = tokio::select! {
            () = &mut stopping => break,
            _ = sweep.tick() => {
                house.forget(|flow| flow.last.elapsed() >= FORGET);
                continue;
            }
            received = house.socket.recv_from(&mut buffer) => received,
        };
        match received {
            Ok((count, peer)) => house.take(&buffer[..count], peer),
            Err(error) => {
                house.shared.counters.add_accept_errors(1);
                tracing::debug!(trap = trap.name, %address, %error, "receiving failed; trying again");
                tokio::select! {
                    () = &mut stopping => break,
                    () = tokio::time::sleep(BACK_OFF) => {}
                }
            }
        }
    }
    house.forget(|_| true);
}

impl Socket {
    fn take(&mut self, datagram: &[u8], peer: SocketAddr) {
        let limits = &self.trap.limits;
        let spent = |flow: &Flow| {
            flow.report.received() >= limits.received
                || flow.report.told() > u64::from(limits.details)
                || flow.began.elapsed() >= limits.duration
        };
        if self.flows.get(&peer).is_some_and(spent) {
            self.forget_one(peer);
        }
        if !self.flows.contains_key(&peer) && !self.begin(peer) {
            return;
        }
        let Some(flow) = self.flows.get_mut(&peer) else { return };
        flow.last = Instant::now();
        flow.report.took(datagram.len());
        flow.session.receive(datagram, self.shared.clock.now(), &mut flow.out);
        flow.report.pass_on(&mut flow.out, limits.details);
        let reply = flow.out.take_reply();
        let closing = flow.out.is_closing() || !flow.ticket.holds(flow.session.memory());
        if self.trap.datagrams == DatagramReply::NoLargerThanRequest && !reply.is_empty() {
            self.answer(&reply, datagram.len(), peer);
        }
        if closing {
            self.forget_one(peer);
        }
    }

    fn answer(&self, reply: &[u8], request: usize, peer: SocketAddr) {
        if self.shared.replies.admits(peer, request, reply.len()) {
            self.shared.counters.add_replies(1);
            // A full send queue drops the reply, as the network might.
            let _ = self.socket.try_send_to(reply, peer);
        } else {
            self.shared.counters.add_replies_withheld(1);
        }
    }

    /// Begins a session; `false` when a cap refuses it.
    fn begin(&mut self, peer: SocketAddr) -> bool {
        let destination =
            Some(self.address.ip()).filter(|ip| !ip.is_unspecified()).map(canonical_ip);
        let visit = Visit {
            source: canonical_ip(peer.ip()),
            destination,
            port: Port::udp(self.address.port()),
            encrypted: false,
        };
        let mut admitted = self.shared.flows.admit(visit.source);
        if admitted.as_ref().err() == Some(&Refusal::Source) {
            // A source that changes its port with each datagram pushes out its own oldest session, nobody else's.
            self.forget_oldest(visit.source);
            admitted = self.shared.flows.admit(visit.source);
        }
        let ticket = match admitted {
            Ok(ticket) => ticket,
            Err(refusal) => {
                Report::refuse(&self.shared, self.trap, visit, peer, refusal);
                return false;
            }
        };
        let report = Report::begin(&self.shared, self.trap, visit, peer);
        let mut session = (self.trap.begin)(&self.shared.setup.identity, visit);
        let mut out = Output::new(self.trap.service.clone());
        session.open(self.shared.clock.now(), &mut out);
        let now = Instant::now();
        let flow = Flow { session, out, report, began: now, last: now, ticket };
        self.flows.insert(peer, flow);
        true
    }

    fn forget_oldest(&mut self, source: IpAddr) {
        let of_source = self.flows.iter().filter(|(peer, _)| canonical_ip(peer.ip()) == source);
        let oldest = of_source.min_by_key(|(_, flow)| flow.last).map(|(peer, _)| *peer);
        if let Some(peer) = oldest {
            self.forget_one(peer);
        }
    }

    fn forget(&mut self, over: impl Fn(&Flow) -> bool) {
        let peers: Vec<SocketAddr> =
            self.flows.iter().filter(|(_, flow)| over(flow)).map(|(peer, _)| *peer).collect();
        peers.into_iter().for_each(|peer| self.forget_one(peer));
    }

    fn forget_one(&mut self, peer: SocketAddr) {
        if let Some(mut flow) = self.flows.remove(&peer) {
            flow.session.end(self.shared.clock.now(), &mut flow.out);
            flow.report.pass_on(&mut flow.out, self.trap.limits.details);
            flow.report.close(flow.out.service());
        }
    }
}

//! The house's rule for datagrams: the only place from which one is answered, whatever a trap says. A datagram's source may be forged, so
//! whoever is answered may be a victim who asked for nothing. Therefore:
//!
//! - a reply is never longer than its request (RFC 9000, 8.1 allows three times), and never so long that it leaves in fragments, each of
//!   which would have a header of its own: at the level of IP, too, no more bytes leave than came;
//! - a source gets [`OF_SOURCE`], its network [`OF_NETWORK`], all together [`OF_ALL`], and no more however much comes;
//! - nobody is answered who can be no visitor, or who would answer back for ever (CERT CA-1996-01).
//!
//! A table that is full answers nobody new. Buckets are kept as the time at which they are full again (GCRA, ITU-T I.371).

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kizashi_event::{canonical_ip, one_source, site_of};
use tokio::time::Instant;

use crate::datagram::MOST_REPLY;

/// So many replies at once, and one more after each pause.
#[derive(Clone, Copy, Debug)]
struct Rate {
    burst: u32,
    every: Duration,
}

/// One IPv4 address or 64 bits of IPv6: five a minute; ten in the first.
const OF_SOURCE: Rate = Rate { burst: 5, every: Duration::from_secs(12) };
/// 24 bits of IPv4, 48 of IPv6: twenty a minute, so that no network is flooded by way of its addresses.
const OF_NETWORK: Rate = Rate { burst: 20, every: Duration::from_secs(3) };
/// Everybody: twenty a second.
const OF_ALL: Rate = Rate { burst: 200, every: Duration::from_millis(50) };
/// Sources known at once, and as many networks.
const MOST_KNOWN: usize = 16_384;
/// How often a full table is looked through for who may be forgotten.
const SWEEP: Duration = Duration::from_secs(1);
/// Ports whose servers answer anything: echo, discard, systat, daytime, netstat, quote of the day, character generator; and none.
const ANSWER_ANYTHING: [u16; 8] = [0, 7, 9, 11, 13, 15, 17, 19];

/// When the bucket of each is full again.
#[derive(Default)]
struct Table {
    full_at: HashMap<IpAddr, Instant>,
    swept: Option<Instant>,
}

#[derive(Default)]
struct State {
    sources: Table,
    networks: Table,
    all: Option<Instant>,
}

/// Decides which replies leave.
#[derive(Default)]
pub(super) struct Replies {
    state: Mutex<State>,
}

impl Rate {
    /// The time at which a bucket is full again once one more is taken; `None` where there is none to take.
    fn take(self, full_at: Option<Instant>, now: Instant) -> Option<Instant> {
        let from = full_at.map_or(now, |at| at.max(now));
        let room = self.every * self.burst.saturating_sub(1);
        (from.duration_since(now) <= room).then(|| from + self.every)
    }
}

impl Table {
    /// Whether there is room for one more entry.
    fn room(&mut self, now: Instant) -> bool {
        if self.full_at.len() < MOST_KNOWN {
            return true;
        }
        if self.swept.is_none_or(|at| now.duration_since(at) >= SWEEP) {
            self.swept = Some(now);
            self.full_at.retain(|_, at| *at > now);
            self.full_at.shrink_to(1_024);
        }
        self.full_at.len() < MOST_KNOWN
    }

    fn next(&mut self, key: IpAddr, rate: Rate, now: Instant) -> Option<Instant> {
        let known = self.full_at.get(&key).copied();
        if known.is_none() && !self.room(now) {
            return None;
        }
        rate.take(known, now)
    }
}

impl Replies {
    /// Whether a reply of so many bytes to a request of so many may leave for this peer; counts it where it may.
    pub(super) fn admits(&self, peer: SocketAddr, request: usize, reply: usize) -> bool {
        let address = canonical_ip(peer.ip());
        if reply == 0 || reply > request.min(MOST_REPLY) || !may_be_a_visitor(address, peer.port())
        {
            return false;
        }
        let now = Instant::now();
        let (source, network) = (one_source(address), site_of(address));
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let of_source = state.sources.next(source, OF_SOURCE, now);
        let of_network = state.networks.next(network, OF_NETWORK, now);
        let (Some(of_source), Some(of_network), Some(of_all)) =
            (of_source, of_network, OF_ALL.take(state.all, now))
        else {
            return false;
        };
        state.sources.full_at.insert(source, of_source);
        state.networks.full_at.insert(network, of_network);
        state.all = Some(of_all);
        true
    }
}

fn may_be_a_visitor(address: IpAddr, port: u16) -> bool {
    let broadcast = matches!(address, IpAddr::V4(four) if four.is_broadcast());
    !(address.is_unspecified()
        || address.is_multicast()
        || broadcast
        || ANSWER_ANYTHING.contains(&port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(number: u32, port: u16) -> SocketAddr {
        SocketAddr::from((std::net::Ipv4Addr::from_bits(0x0a00_0000 + number), port))
    }

    fn left(replies: &Replies, peer: SocketAddr, tries: usize) -> usize {
        (0..tries).filter(|_| replies.admits(peer, 100, 100)).count()
    }

    #[tokio::test(start_paused = true)]
    async fn no_reply_is_longer_than_its_request_or_leaves_in_fragments() {
        let replies = Replies::default();
        assert!(!replies.admits(peer(1, 5_000), 10, 11));
        assert!(!replies.admits(peer(1, 5_000), 60_000, MOST_REPLY + 1));
        assert!(!replies.admits(peer(1, 5_000), 0, 0));
        assert!(replies.admits(peer(1, 5_000), 10, 10));
        assert!(replies.admits(peer(1, 5_000), 60_000, MOST_REPLY));
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_gets_a_few_a_minute_by_whatever_port_it_comes() {
        let replies = Replies::default();
        let sent = (0..1_000).filter(|n| replies.admits(peer(1, 5_000 + n), 100, 1)).count();
        assert_eq!(sent, 5);
        let mut in_an_hour = 0;
        for _ in 0..3_600 {
            tokio::time::advance(Duration::from_secs(1)).await;
            in_an_hour += left(&replies, peer(1, 5_000), 20);
        }
        assert_eq!(in_an_hour, 300, "five a minute");
    }

    #[tokio::test(start_paused = true)]
    async fn sixty_four_bits_of_ipv6_are_one_source() {
        let replies = Replies::default();
        let six = |host: u16| SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, host], 5_000));
        let sent = (0..100).filter(|host| replies.admits(six(*host), 100, 100)).count();
        assert_eq!(sent, 5);
        let mapped = |host: u16| SocketAddr::from(([0, 0, 0, 0, 0, 0xffff, 0x0a00, host], 5_000));
        assert_eq!(left(&replies, mapped(9), 9), 5);
        assert_eq!(left(&replies, peer(9, 5_000), 9), 0, "IPv4 in IPv6 clothes is the same source");
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_gets_its_share_however_many_of_its_addresses_are_forged() {
        let replies = Replies::default();
        let sent: usize = (0..256).map(|host| left(&replies, peer(host, 5_000), 5)).sum();
        assert_eq!(sent, 20);
        assert_eq!(left(&replies, peer(256, 5_000), 9), 5, "the next network has its own");
    }

    #[tokio::test(start_paused = true)]
    async fn everybody_together_gets_twenty_a_second_and_the_tables_stay_bounded() {
        let replies = Replies::default();
        let mut sent = 0;
        for second in 0..10_u32 {
            sent += (0..20_000)
                .filter(|n| replies.admits(peer((second * 20_000 + n) * 256, 5_000), 100, 100))
                .count();
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(sent, 200 + 9 * 20);
        let state = replies.state.lock().unwrap();
        assert!(state.sources.full_at.len() <= 380 && state.networks.full_at.len() <= 380);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_table_answers_nobody_new_until_somebody_may_be_forgotten() {
        let mut table = Table::default();
        let now = Instant::now();
        for number in 0..MOST_KNOWN as u32 {
            table.full_at.insert(peer(number, 1).ip(), now + OF_SOURCE.every);
        }
        let new = peer(u32::try_from(MOST_KNOWN).unwrap(), 1).ip();
        assert!(table.next(new, OF_SOURCE, now).is_none());
        assert!(table.next(peer(3, 1).ip(), OF_SOURCE, now).is_some(), "who is known is");
        let later = now + OF_SOURCE.every;
        assert!(table.next(new, OF_SOURCE, later).is_some());
        assert!(table.full_at.is_empty());
    }

    #[test]
    fn who_would_answer_for_ever_or_can_be_nobody_is_not_answered() {
        let replies = Replies::default();
        for text in ["198.51.100.7:7", "198.51.100.7:19", "0.0.0.0:53", "224.0.0.251:5353"] {
            assert!(!replies.admits(text.parse().unwrap(), 100, 50), "{text}");
        }
        for text in ["255.255.255.255:68", "[ff02::1]:5353", "[::]:53", "198.51.100.7:0"] {
            assert!(!replies.admits(text.parse().unwrap(), 100, 50), "{text}");
        }
    }
}

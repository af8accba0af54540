//! The form in which orders and what came of them travel: one body, packed by zstd and cut into pieces that each fit a message. Pieces go one
//! by one, each answered before the next, so that neither side ever holds more than one body of the other; a piece that comes again because its
//! answer was lost is known by its exchange and number. Each length is bounded before a byte is allocated for it, and each piece has a sum.
//!
//! A piece is 40 bytes of head (`KZD`, version, kind, three zeros, the hub's session, the exchange's number in it, which piece of how many,
//! bytes of the whole body once unpacked, XXH3 of the head before it and of what follows) and its bytes. Numbers are little-endian.
//!
//! A body is any number of entries, each a partition and what is said of it ([`super::talk`]), or what came of it (`postcard`, of
//! [`kizashi_signs::shares::LAYOUT`]; hub and detector are the same release).

use kizashi_signs::shares::Partition;
use serde::Serialize;
use xxhash_rust::xxh3::Xxh3;

use super::talk::{Came, Said};

/// The version of this form.
const VERSION: u8 = 2;
const MAGIC: [u8; 3] = *b"KZD";
/// Bytes of a piece's head.
const HEAD: usize = 40;
/// Bytes of a piece behind its head at most: with the head below what the servers' configuration lets through.
const MOST_PIECE: usize = 1 << 20;
/// Pieces of a body at most.
const MOST_PIECES: usize = 128;
/// Bytes of a body once unpacked at most.
pub(super) const MOST_UNPACKED: usize = 256 << 20;
/// zstd's level: the fastest of the usual ones.
const LEVEL: i32 = 1;

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of orders.
    Orders = 1,
    /// Of outcomes, which are asked for: it has no bytes.
    Want = 2,
    /// That a piece of orders came, and the next may: it has no bytes.
    Taken = 3,
    /// Of outcomes.
    Outcomes = 4,
    /// That the exchange is not known here (any more): it has no bytes.
    Lost = 5,
    /// That something is being worked on and the message is to be sent again: it has no bytes.
    Working = 6,
}

/// What came is no piece, or not of the body that is being put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PieceError {
    /// It does not begin as one does, or is cut short.
    #[error("what came is no message between hub and detector")]
    Form,
    /// Of another version.
    #[error(
        "a message of version {0} came, and version {VERSION} is spoken here; hub and detectors are to be the same release"
    )]
    Version(u8),
    /// Longer than any.
    #[error("a message came that is longer than any")]
    Long,
    /// The sum is wrong.
    #[error("a message came with a wrong sum")]
    Sum,
    /// What is in it cannot be read.
    #[error("a message came whose content cannot be read")]
    Body,
    /// What is in it is no answer to what was asked.
    #[error("an answer came that cannot be one to what was asked")]
    Answer,
}

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) kind: Kind,
    pub(super) session: u64,
    pub(super) exchange: u64,
    pub(super) at: u16,
    pub(super) of: u16,
    pub(super) unpacked: u32,
    pub(super) bytes: &'a [u8],
}

impl<'a> Piece<'a> {
    pub(super) fn read(message: &'a [u8]) -> Result<Self, PieceError> {
        if !message.starts_with(&MAGIC) {
            return Err(PieceError::Form);
        }
        let (head, bytes) = message.split_first_chunk::<HEAD>().ok_or(PieceError::Form)?;
        let [_, _, _, version, kind, zeros @ ..] = head;
        if *version != VERSION {
            return Err(PieceError::Version(*version));
        }
        let (words, _) = head.as_chunks::<8>();
        let [_, session, exchange, counts, sum] = words else { return Err(PieceError::Form) };
        if sum_of(&head[..HEAD - 8], bytes) != u64::from_le_bytes(*sum) {
            return Err(PieceError::Sum);
        }
        let [a0, a1, o0, o1, u0, u1, u2, u3] = *counts;
        let piece = Self {
            kind: match kind {
                1 => Kind::Orders,
                2 => Kind::Want,
                3 => Kind::Taken,
                4 => Kind::Outcomes,
                5 => Kind::Lost,
                6 => Kind::Working,
                _ => return Err(PieceError::Form),
            },
            session: u64::from_le_bytes(*session),
            exchange: u64::from_le_bytes(*exchange),
            at: u16::from_le_bytes([a0, a1]),
            of: u16::from_le_bytes([o0, o1]),
            unpacked: u32::from_le_bytes([u0, u1, u2, u3]),
            bytes,
        };
        let is_long = usize::from(piece.of) > MOST_PIECES
            || piece.unpacked as usize > MOST_UNPACKED
            || bytes.len() > MOST_PIECE;
        if is_long {
            return Err(PieceError::Long);
        }
        if zeros[..3] != [0; 3] || piece.at >= piece.of {
            return Err(PieceError::Form);
        }
        Ok(piece)
    }

    pub(super) fn to_message(self) -> Vec<u8> {
        let mut message = Vec::with_capacity(HEAD + self.bytes.len());
        message.extend_from_slice(&MAGIC);
        message.extend_from_slice(&[VERSION, self.kind as u8, 0, 0, 0]);
        message.extend_from_slice(&self.session.to_le_bytes());
        message.extend_from_slice(&self.exchange.to_le_bytes());
        message.extend_from_slice(&self.at.to_le_bytes());
        message.extend_from_slice(&self.of.to_le_bytes());
        message.extend_from_slice(&self.unpacked.to_le_bytes());
        let sum = sum_of(&message, self.bytes);
        message.extend_from_slice(&sum.to_le_bytes());
        message.extend_from_slice(self.bytes);
        message
    }

    /// The same exchange's piece without bytes.
    pub(super) const fn says(self, kind: Kind) -> Piece<'static> {
        let Self { session, exchange, at, of, unpacked, .. } = self;
        Piece { kind, session, exchange, at, of, unpacked, bytes: &[] }
    }
}

fn sum_of(head: &[u8], bytes: &[u8]) -> u64 {
    let mut sum = Xxh3::new();
    sum.update(head);
    sum.update(bytes);
    sum.digest()
}

/// The messages that carry a body.
pub(super) fn cut(
    kind: Kind,
    (session, exchange): (u64, u64),
    body: &[u8],
) -> Result<Vec<Vec<u8>>, PieceError> {
    let packed = zstd::bulk::compress(body, LEVEL).map_err(|_| PieceError::Body)?;
    let pieces: Vec<&[u8]> = packed.chunks(MOST_PIECE).collect();
    if pieces.len() > MOST_PIECES || body.len() > MOST_UNPACKED {
        return Err(PieceError::Long);
    }
    let of = u16::try_from(pieces.len()).map_err(|_| PieceError::Long)?;
    let unpacked = u32::try_from(body.len()).map_err(|_| PieceError::Long)?;
    let message = |(at, bytes): (u16, &[u8])| {
        Piece { kind, session, exchange, at, of, unpacked, bytes }.to_message()
    };
    Ok((0..).zip(pieces).map(message).collect())
}

/// A body that is being put together.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    session: u64,
    exchange: u64,
    of: u16,
    unpacked: u32,
    next: u16,
    packed: Vec<u8>,
}

/// What a piece did to a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Gathered {
    /// More are to come.
    More,
    /// It is whole.
    Whole(Vec<u8>),
}

impl Gathering {
    /// Begins with a body's first piece.
    pub(super) fn of(first: Piece<'_>) -> Self {
        Self {
            session: first.session,
            exchange: first.exchange,
            of: first.of,
            unpacked: first.unpacked,
            next: 0,
            packed: Vec::new(),
        }
    }

    /// Whether this is the piece that comes next, or the one that came last.
    pub(super) fn is_of(&self, piece: Piece<'_>) -> bool {
        (piece.session, piece.exchange, piece.of, piece.unpacked)
            == (self.session, self.exchange, self.of, self.unpacked)
            && (piece.at == self.next || piece.at + 1 == self.next)
    }

    /// Takes a piece.
    pub(super) fn take(&mut self, piece: Piece<'_>) -> Result<Gathered, PieceError> {
        if !self.is_of(piece) {
            return Err(PieceError::Form);
        }
        if piece.at == self.next {
            self.packed.extend_from_slice(piece.bytes);
            self.next += 1;
        }
        if self.next < self.of {
            return Ok(Gathered::More);
        }
        let unpacked = self.unpacked as usize;
        let body = zstd::bulk::decompress(&self.packed, unpacked).map_err(|_| PieceError::Body)?;
        if body.len() == unpacked { Ok(Gathered::Whole(body)) } else { Err(PieceError::Body) }
    }
}

/// An entry of a body.
pub(super) fn entry_of(entry: &impl Serialize) -> Option<Vec<u8>> {
    postcard::to_allocvec(entry).ok()
}

/// The orders of a body.
pub(super) fn orders_of(mut body: &[u8]) -> Result<Vec<(Partition, Said<'static>)>, PieceError> {
    let mut orders = Vec::new();
    while !body.is_empty() {
        let (entry, rest) = postcard::take_from_bytes(body).map_err(|_| PieceError::Body)?;
        orders.push(entry);
        body = rest;
    }
    Ok(orders)
}

/// The outcomes of a body: as many as are waited for.
pub(super) fn outcomes_of(
    mut body: &[u8],
    count: usize,
) -> Result<Vec<(Partition, Came)>, PieceError> {
    let mut outcomes = Vec::new();
    while !body.is_empty() && outcomes.len() < count {
        let (entry, rest) = postcard::take_from_bytes(body).map_err(|_| PieceError::Body)?;
        outcomes.push(entry);
        body = rest;
    }
    if body.is_empty() && outcomes.len() == count { Ok(outcomes) } else { Err(PieceError::Body) }
}

#[cfg(test)]
mod tests {
    use kizashi_signs::shares::Outcome;

    use super::super::noise;
    use super::*;

    #[test]
    fn a_body_of_any_length_comes_through_in_pieces_also_where_one_comes_twice() {
        for length in [0, 1, MOST_PIECE, 3 * MOST_PIECE + 5] {
            let body = noise(length);
            let messages = cut(Kind::Outcomes, (1, 2), &body).unwrap();
            assert!(messages.iter().all(|message| message.len() <= HEAD + MOST_PIECE));
            let mut gathering = Gathering::of(Piece::read(&messages[0]).unwrap());
            let mut whole = None;
            for message in messages.iter().flat_map(|message| [message, message]) {
                if let Gathered::Whole(body) =
                    gathering.take(Piece::read(message).unwrap()).unwrap()
                {
                    whole = Some(body);
                }
            }
            assert_eq!(whole, Some(body), "{length}");
        }
    }

    #[test]
    fn a_piece_of_another_body_or_out_of_turn_is_refused() {
        let messages = cut(Kind::Orders, (1, 2), &noise(3 * MOST_PIECE)).unwrap();
        let other = cut(Kind::Orders, (1, 3), &noise(3 * MOST_PIECE)).unwrap();
        let read = |message: &'_ Vec<u8>| Piece::read(message).map(|piece| piece.at);
        assert_eq!(read(&messages[1]), Ok(1));
        let mut gathering = Gathering::of(Piece::read(&messages[0]).unwrap());
        assert_eq!(gathering.take(Piece::read(&messages[0]).unwrap()), Ok(Gathered::More));
        assert_eq!(gathering.take(Piece::read(&other[1]).unwrap()), Err(PieceError::Form));
        assert_eq!(gathering.take(Piece::read(&messages[2]).unwrap()), Err(PieceError::Form));
        assert_eq!(gathering.take(Piece::read(&messages[1]).unwrap()), Ok(Gathered::More));
    }

    #[test]
    fn what_was_changed_on_the_way_is_refused_and_what_claims_to_be_huge_takes_no_room() {
        let message = cut(Kind::Orders, (1, 2), b"orders").unwrap().remove(0);
        for at in 0..message.len() {
            let mut changed = message.clone();
            changed[at] ^= 1;
            assert!(Piece::read(&changed).is_err(), "byte {at}");
        }
        assert_eq!(Piece::read(&message[..HEAD - 1]), Err(PieceError::Form));
        let claim = |of, unpacked| {
            let piece = Piece {
                kind: Kind::Orders,
                session: 1,
                exchange: 1,
                at: 0,
                of,
                unpacked,
                bytes: b"x",
            };
            let message = piece.to_message();
            Piece::read(&message).map(|_| ())
        };
        assert_eq!(claim(1, u32::MAX), Err(PieceError::Long));
        assert_eq!(claim(u16::MAX, 1), Err(PieceError::Long));
        assert_eq!(claim(0, 1), Err(PieceError::Form));
    }

    #[test]
    fn a_body_has_as_many_outcomes_as_are_waited_for_and_no_byte_more() {
        let came = |outcome| entry_of(&(4_u16, Came::Of(outcome)));
        let body = [came(Outcome::Done), came(Outcome::Refused)];
        let body: Vec<u8> = body.into_iter().flatten().flatten().collect();
        assert_eq!(outcomes_of(&body, 2).unwrap().len(), 2);
        assert_eq!(outcomes_of(&body, 1), Err(PieceError::Body));
        assert_eq!(outcomes_of(&body, 3), Err(PieceError::Body));
        assert_eq!(outcomes_of(&body[..body.len() - 1], 2), Err(PieceError::Body));
    }
}

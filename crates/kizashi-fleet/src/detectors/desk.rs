//! A detector's desk: where orders come in, and what came of them goes out. It has no network: what is to be read from the bucket of snapshots is asked for
//! before orders are obeyed, and what is to be put there is given out afterwards.

use kizashi_signs::shares::{Detector, Order, Outcome, Partition};

use super::bucket::Values;
use super::piece::{Gathered, Gathering, Kind, Piece, PieceError, cut, entry_of, orders_of};
use super::saved::{Absent, Mark, values_of, whole};
use super::talk::{Came, Said};

/// What is held, and the exchange that goes on.
#[derive(Debug, Default)]
pub(super) struct Desk {
    detector: Detector,
    session: u64,
    incoming: Option<Gathering>,
    /// The last exchange that was obeyed, and what came of it: it is not obeyed again where the answer was lost.
    obeyed: Option<(u64, Vec<Vec<u8>>)>,
}

/// What a message asks for.
pub(super) enum Heard {
    /// An answer, which is this.
    Says(Vec<u8>),
    /// That these orders are obeyed.
    Orders(Orders),
}

/// A body of orders, of one exchange.
pub(super) struct Orders {
    place: (u64, u64),
    said: Vec<(Partition, Said<'static>)>,
}

impl Orders {
    /// The snapshots that are wanted of the bucket.
    pub(super) fn wanted(&self) -> Vec<(Partition, Mark)> {
        let wanted = self.said.iter().filter_map(|(partition, said)| match said {
            Said::Resume(mark) => Some((*partition, *mark)),
            Said::Order(_) | Said::Keep { .. } => None,
        });
        wanted.collect()
    }
}

/// What came of orders.
pub(super) struct Obeyed {
    place: (u64, u64),
    came: Vec<(Partition, Came)>,
    /// What is to be put into the bucket, and of which of these it is the snapshot.
    values: Vec<(usize, Values)>,
}

impl Obeyed {
    /// What is to be put into the bucket.
    pub(super) fn take_values(&mut self) -> Vec<Values> {
        self.values.iter_mut().map(|(_, values)| std::mem::take(values)).collect()
    }

    /// Which of it the bucket has.
    pub(super) fn note(&mut self, put: &[bool]) {
        for ((at, _), has) in self.values.iter().zip(put) {
            if let Some((_, Came::Kept { in_bucket, .. })) = self.came.get_mut(*at) {
                *in_bucket = *has;
            }
        }
    }
}

impl Desk {
    /// Takes a message.
    pub(super) fn hear(&mut self, message: &[u8]) -> Result<Heard, PieceError> {
        let piece = Piece::read(message)?;
        if piece.session != self.session {
            // Another hub, or the same after a new start: what was held of the old one is nobody's.
            *self = Self { session: piece.session, ..Self::default() };
        }
        let known = self.obeyed.as_ref().filter(|(exchange, _)| *exchange == piece.exchange);
        let outcome = |at: usize| known.and_then(|(_, outcomes)| outcomes.get(at).cloned());
        let lost = || piece.says(Kind::Lost).to_message();
        Ok(Heard::Says(match piece.kind {
            Kind::Want => outcome(usize::from(piece.at)).unwrap_or_else(lost),
            Kind::Orders if known.is_some() && piece.at + 1 == piece.of => {
                outcome(0).unwrap_or_else(lost)
            }
            Kind::Orders if known.is_some() => piece.says(Kind::Taken).to_message(),
            Kind::Orders => return self.take(piece),
            Kind::Taken | Kind::Outcomes | Kind::Lost | Kind::Working => {
                return Err(PieceError::Form);
            }
        }))
    }

    fn take(&mut self, piece: Piece<'_>) -> Result<Heard, PieceError> {
        let goes_on = self.incoming.as_ref().is_some_and(|incoming| incoming.is_of(piece));
        if !goes_on {
            if piece.at != 0 {
                return Ok(Heard::Says(piece.says(Kind::Lost).to_message()));
            }
            self.incoming = Some(Gathering::of(piece));
        }
        let Some(incoming) = &mut self.incoming else { return Err(PieceError::Form) };
        match incoming.take(piece)? {
            Gathered::More => Ok(Heard::Says(piece.says(Kind::Taken).to_message())),
            Gathered::Whole(body) => {
                self.incoming = None;
                let place = (piece.session, piece.exchange);
                Ok(Heard::Orders(Orders { place, said: orders_of(&body)? }))
            }
        }
    }

    /// Obeys, given what the bucket has of what is wanted, in that order.
    pub(super) fn obey(&mut self, orders: Orders, found: Vec<Result<Vec<u8>, Absent>>) -> Obeyed {
        let mut found = found.into_iter();
        let mut obeyed = Obeyed { place: orders.place, came: Vec::new(), values: Vec::new() };
        for (partition, said) in orders.said {
            let came = match said {
                Said::Order(order) => Came::Of(self.detector.obey(partition, order)),
                Said::Resume(mark) => {
                    let found = found.next().unwrap_or(Err(Absent::Unreachable));
                    match found.and_then(|packed| whole(mark, &packed)) {
                        Ok(it) => Came::Of(self.detector.obey(partition, Order::Take(it.into()))),
                        Err(absent) => Came::Absent(absent),
                    }
                }
                Said::Keep { told } => match self.detector.obey(partition, Order::Save { told }) {
                    Outcome::Saved(snapshot) => {
                        let mark = Mark::of(&snapshot, told);
                        let values = mark.and_then(|mark| values_of(partition, mark, &snapshot));
                        let at = obeyed.came.len();
                        obeyed.values.extend(values.map(|values| (at, (partition, values))));
                        Came::Kept { snapshot, in_bucket: false }
                    }
                    other => Came::Of(other),
                },
            };
            obeyed.came.push((partition, came));
        }
        obeyed
    }

    /// The first message of what came of orders; the others are asked for.
    pub(super) fn answer(&mut self, obeyed: &Obeyed) -> Result<Vec<u8>, PieceError> {
        let entries = obeyed.came.iter().map(|came| entry_of(came).unwrap_or_default());
        let body: Vec<u8> = entries.collect::<Vec<_>>().concat();
        let messages = cut(Kind::Outcomes, obeyed.place, &body)?;
        let first = messages.first().cloned().ok_or(PieceError::Body)?;
        self.obeyed = Some((obeyed.place.1, messages));
        Ok(first)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use kizashi_signs::shares::{Part, Tell};

    use super::super::piece::outcomes_of;
    use super::super::saved::First;
    use super::*;

    fn orders(exchange: u64, said: &[Said<'_>]) -> Vec<u8> {
        orders_of_session(9, exchange, said)
    }

    fn orders_of_session(session: u64, exchange: u64, said: &[Said<'_>]) -> Vec<u8> {
        let entry = |said: &Said<'_>| entry_of(&(5_u16, said)).unwrap();
        let body: Vec<u8> = said.iter().flat_map(entry).collect();
        cut(Kind::Orders, (session, exchange), &body).unwrap().remove(0)
    }

    /// What lies in a bucket of this test: partition 5's snapshot.
    #[derive(Default)]
    struct Shelf(BTreeMap<Partition, Vec<u8>>);

    impl Shelf {
        /// Has a desk answer as a detector does.
        fn answer(&mut self, desk: &mut Desk, message: &[u8]) -> Vec<u8> {
            let orders = match desk.hear(message).unwrap() {
                Heard::Says(answer) => return answer,
                Heard::Orders(orders) => orders,
            };
            let get = |of: (Partition, Mark)| {
                let value = self.0.get(&of.0).ok_or(Absent::Missing)?;
                Ok(First::read(value, of)?.bytes.to_vec())
            };
            let found = orders.wanted().into_iter().map(get).collect();
            let mut obeyed = desk.obey(orders, found);
            let values = obeyed.take_values();
            obeyed.note(&vec![true; values.len()]);
            let first = |(partition, mut values): Values| (partition, values.remove(0));
            self.0.extend(values.into_iter().map(first));
            desk.answer(&obeyed).unwrap()
        }
    }

    fn came(answer: &[u8], count: usize) -> Vec<Came> {
        let piece = Piece::read(answer).unwrap();
        assert_eq!(piece.kind, Kind::Outcomes);
        let Gathered::Whole(body) = Gathering::of(piece).take(piece).unwrap() else { panic!() };
        outcomes_of(&body, count).unwrap().into_iter().map(|(_, came)| came).collect()
    }

    fn take() -> Said<'static> {
        Said::Order(Order::Take(Detector::snapshot_of(Part::default()).unwrap().into()))
    }

    fn tell() -> Said<'static> {
        let tells = vec![Tell::Bin(Default::default())];
        Said::Order(Order::Tell { from: 0, tells: tells.into(), answers: 0 })
    }

    const DONE: Came = Came::Of(Outcome::Done);
    const REFUSED: Came = Came::Of(Outcome::Refused);

    #[test]
    fn an_exchange_whose_answer_was_lost_is_answered_again_and_not_obeyed_again() {
        let (mut desk, mut shelf) = (Desk::default(), Shelf::default());
        let save = Said::Order(Order::Save { told: 0 });
        let answer = shelf.answer(&mut desk, &orders(1, &[take(), save]));
        assert_eq!(came(&answer, 2)[0], DONE);
        let once = shelf.answer(&mut desk, &orders(2, &[tell()]));
        assert_eq!(shelf.answer(&mut desk, &orders(2, &[tell()])), once, "as before");
        assert_eq!(came(&once, 1), [Came::Of(Outcome::Answers(Vec::new()))]);
        let third = shelf.answer(&mut desk, &orders(3, &[tell()]));
        assert_eq!(came(&third, 1), [REFUSED]);
    }

    #[test]
    fn a_hub_that_begins_anew_finds_nothing_held() {
        let (mut desk, mut shelf) = (Desk::default(), Shelf::default());
        shelf.answer(&mut desk, &orders(1, &[take()]));
        let other = orders_of_session(10, 1, &[Said::Keep { told: 0 }]);
        assert_eq!(came(&shelf.answer(&mut desk, &other), 1), [REFUSED]);
    }

    #[test]
    fn another_detector_goes_on_from_what_one_kept_and_from_nothing_else_that_lies_there() {
        let (mut one, mut other, mut shelf) = (Desk::default(), Desk::default(), Shelf::default());
        let answer = shelf.answer(&mut one, &orders(1, &[take(), Said::Keep { told: 0 }]));
        let Came::Kept { snapshot: first, in_bucket: true } = &came(&answer, 2)[1] else {
            panic!("kept")
        };
        let first = Mark::of(first, 0).unwrap();
        let later = orders(2, &[tell(), Said::Keep { told: 1 }]);
        let answer = shelf.answer(&mut one, &later);
        let Came::Kept { snapshot, .. } = came(&answer, 2).remove(1) else { panic!("kept") };
        let mark = Mark::of(&snapshot, 1).unwrap();
        let resume = |exchange, mark| orders(exchange, &[Said::Resume(mark), tell_from(1)]);
        let answer = shelf.answer(&mut other, &resume(1, first));
        assert_eq!(came(&answer, 2), [Came::Absent(Absent::Other), REFUSED], "it was overwritten");
        let answer = shelf.answer(&mut other, &resume(2, mark));
        assert_eq!(came(&answer, 2), [DONE, Came::Of(Outcome::Answers(Vec::new()))]);
        assert_eq!(
            other.detector.told(5),
            Some(2),
            "it goes on from there and heard what came since"
        );
        shelf.0.get_mut(&5).unwrap().pop();
        let answer = shelf.answer(&mut other, &resume(3, mark));
        assert_eq!(came(&answer, 2)[0], Came::Absent(Absent::Damaged));
        shelf.0.clear();
        let answer = shelf.answer(&mut other, &resume(4, mark));
        assert_eq!(came(&answer, 2)[0], Came::Absent(Absent::Missing));
    }

    fn tell_from(from: u64) -> Said<'static> {
        let tells = vec![Tell::Bin(Default::default())];
        Said::Order(Order::Tell { from, tells: tells.into(), answers: 0 })
    }
}

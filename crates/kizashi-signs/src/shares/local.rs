//! All parts in this process: one machine's way to its one part.

use kizashi_detect::gamma_poisson::Partition;
use kizashi_store::ClosedBin;

use super::{Answer, Answered, Ask, BinPart, Found, Look, Part, Readable, Seen, Shares};

/// Parts, and the bin that is being closed.
pub(crate) struct Local<'a> {
    pub(crate) parts: &'a mut [Part],
    pub(crate) bin: Option<&'a ClosedBin>,
}

/// Parts between bins.
pub(crate) struct Resting<'a>(pub(crate) &'a [Part]);

impl Readable for Local<'_> {
    fn look(&self, looks: Vec<(Partition, Look)>) -> Vec<Found> {
        let Some(bin) = self.bin else { return Resting(self.parts).look(looks) };
        let find = |(partition, look): (Partition, Look)| {
            let part = self.parts.get(usize::from(partition));
            part.map_or(Found(Seen::Is(false)), |part| part.look(&look, bin))
        };
        looks.into_iter().map(find).collect()
    }
}

impl Shares for Local<'_> {
    fn ask(&mut self, asks: Vec<(Partition, Ask)>) -> Vec<Answer> {
        let bin = self.bin;
        let answer = |(partition, ask): (Partition, Ask)| {
            let nobody = Answer(Answered::New(Vec::new()));
            let Some(part) = self.parts.get_mut(usize::from(partition)) else { return nobody };
            match bin {
                Some(bin) => part.answer(ask, bin),
                None => part.answer(ask, &BinPart::default()),
            }
        };
        asks.into_iter().map(answer).collect()
    }
}

impl Readable for Resting<'_> {
    fn look(&self, looks: Vec<(Partition, Look)>) -> Vec<Found> {
        let find = |(partition, look): (Partition, Look)| {
            let part = self.0.get(usize::from(partition));
            part.map_or(Found(Seen::Is(false)), |part| part.look(&look, &BinPart::default()))
        };
        looks.into_iter().map(find).collect()
    }
}

//! Who is asked what: things of many series dealt to the shares that hold them, and what comes back put in the order of before, so
//! that nothing depends on how many shares there are.

use super::holding::Partition;

/// Things by partition, and where each went.
#[derive(Debug)]
pub struct Deal<T> {
    hands: Vec<Vec<T>>,
    went_to: Vec<Partition>,
}

impl<T> Default for Deal<T> {
    fn default() -> Self {
        Self::new(0)
    }
}

impl<T> Deal<T> {
    /// Nothing, for so many partitions.
    #[must_use]
    pub fn new(partitions: usize) -> Self {
        Self { hands: (0..partitions).map(|_| Vec::new()).collect(), went_to: Vec::new() }
    }

    /// Gives a partition a thing for which one answer is expected.
    pub fn give(&mut self, partition: Partition, thing: T) {
        self.give_more(partition, thing);
        self.went_to.push(partition);
    }

    /// Gives a partition a thing that is answered together with one before.
    pub fn give_more(&mut self, partition: Partition, thing: T) {
        let at = usize::from(partition);
        if at >= self.hands.len() {
            self.hands.resize_with(at + 1, Vec::new);
        }
        if let Some(hand) = self.hands.get_mut(at) {
            hand.push(thing);
        }
    }

    /// What each partition got that got anything, lowest first, and the order in which answers are to be put.
    #[must_use]
    pub fn hands(self) -> (Vec<(Partition, Vec<T>)>, Order) {
        let hands = (0..).zip(self.hands).filter(|(_, hand)| !hand.is_empty()).collect();
        (hands, Order(self.went_to))
    }
}

/// The order in which things were dealt.
#[derive(Debug)]
pub struct Order(Vec<Partition>);

impl Order {
    /// Answers by partition, each in the order of its hand, as one list in the order of the deal. One that is missing ends it.
    #[must_use]
    pub fn gather<A>(self, answers: Vec<(Partition, Vec<A>)>) -> Vec<A> {
        let most = answers.iter().map(|(partition, _)| usize::from(*partition)).max().unwrap_or(0);
        let mut hands: Vec<std::vec::IntoIter<A>> = Vec::new();
        hands.resize_with(most + 1, || Vec::new().into_iter());
        for (partition, answers) in answers {
            if let Some(hand) = hands.get_mut(usize::from(partition)) {
                *hand = answers.into_iter();
            }
        }
        let next = |partition: Partition| hands.get_mut(usize::from(partition))?.next();
        self.0.into_iter().map_while(next).collect()
    }
}

//! The series of all shares in the order of first sight, where each is held, and the little of each that couples it to the others.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::super::holding::{Partition, Place};
use super::super::{KindId, SeriesId};

/// One series, as far as others need to know of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Slot {
    pub(super) id: SeriesId,
    pub(super) partition: Partition,
    pub(super) place: Place,
    pub(super) kind: KindId,
    /// Counts ever, as far as one needs to know: 0, 1, or 2 and more.
    sources: u8,
    /// Whether its hours are looked at.
    pub(super) busy: bool,
    /// The bin of its last count.
    pub(super) last: Option<u32>,
}

impl Slot {
    /// Whether anything ever came to it.
    pub(super) const fn was_counted(&self) -> bool {
        self.sources > 0
    }

    /// Whether two sources have come ever: before, no alarm is possible.
    pub(super) const fn is_watched(&self) -> bool {
        self.sources >= 2
    }

    /// Counts something in a bin.
    pub(super) fn touch(&mut self, bin: u32, count: u32) {
        self.sources = self.sources.saturating_add(count.min(2) as u8).min(2);
        self.last = Some(bin);
    }
}

/// Places of one partition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Room {
    next: Place,
    free: Vec<Place>,
}

impl Room {
    fn take(&mut self) -> Place {
        self.free.pop().unwrap_or_else(|| {
            self.next = self.next.saturating_add(1);
            self.next - 1
        })
    }
}

/// All series.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub(super) struct Slots {
    slots: Vec<Slot>,
    slot_of: HashMap<SeriesId, u32>,
    rooms: Vec<Room>,
}

#[derive(Serialize, Deserialize)]
struct Saved(Vec<Slot>, Vec<Room>);

impl Slots {
    pub(super) fn find(&self, id: SeriesId) -> Option<u32> {
        self.slot_of.get(&id).copied()
    }

    pub(super) fn of(&self, id: SeriesId) -> Option<&Slot> {
        self.get(self.find(id)?)
    }

    pub(super) fn get(&self, slot: u32) -> Option<&Slot> {
        self.slots.get(slot as usize)
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut Slot> {
        self.slots.get_mut(slot as usize)
    }

    /// In the order of first sight.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Slot> + Clone {
        self.slots.iter()
    }

    /// Partitions that hold anything, or held it.
    pub(super) const fn partitions(&self) -> usize {
        self.rooms.len()
    }

    #[allow(clippy::cast_possible_truncation, reason = "ids are 32-bit numbers, all different")]
    pub(super) fn find_or_add(&mut self, id: SeriesId, partition: Partition) -> u32 {
        if let Some(slot) = self.slot_of.get(&id) {
            return *slot;
        }
        let place = self.room(partition).take();
        let kind = KindId::default();
        let new = Slot { id, partition, place, kind, sources: 0, busy: false, last: None };
        self.slots.push(new);
        let slot = self.slots.len() as u32 - 1;
        self.slot_of.insert(id, slot);
        slot
    }

    /// Gives the slot of one series to another, which has none and is held by `partition`. It keeps its place among those whose
    /// hours are looked at. Where the old one was held.
    pub(super) fn replace(
        &mut self,
        slot: u32,
        id: SeriesId,
        to: Partition,
    ) -> Option<(Partition, Place)> {
        let old = self.slots.get(slot as usize)?;
        let (old_id, busy, was_at) = (old.id, old.busy, (old.partition, old.place));
        self.room(was_at.0).free.push(was_at.1);
        let place = self.room(to).take();
        let kind = KindId::default();
        self.slots[slot as usize] =
            Slot { id, partition: to, place, kind, sources: 0, busy, last: None };
        self.slot_of.remove(&old_id);
        self.slot_of.insert(id, slot);
        Some(was_at)
    }

    fn room(&mut self, partition: Partition) -> &mut Room {
        let at = usize::from(partition);
        if at >= self.rooms.len() {
            self.rooms.resize_with(at + 1, Room::default);
        }
        &mut self.rooms[at]
    }
}

impl From<Saved> for Slots {
    fn from(Saved(slots, rooms): Saved) -> Self {
        let slot_of = slots.iter().zip(0_u32..).map(|(slot, at)| (slot.id, at)).collect();
        Self { slots, slot_of, rooms }
    }
}

impl From<Slots> for Saved {
    fn from(slots: Slots) -> Self {
        Self(slots.slots, slots.rooms)
    }
}

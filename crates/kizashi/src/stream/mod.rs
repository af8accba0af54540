//! The stream of events between the two processes; its form is [`kizashi_event::stream`]. The trap's side keeps what is not yet
//! acknowledged, within a bound; the core's side believes nothing before it is checked, and acknowledges what is committed.

mod arrivals;
mod believed;
mod outbox;

pub(crate) use arrivals::{Arrivals, Captured, Counted};
pub(crate) use believed::{Expected, Teller};
pub(crate) use outbox::{MOST_BYTES, Outbox};

//! The stream of events between the two processes; its form is [`kizashi_event::stream`]. The trap's side keeps what is not yet
//! acknowledged, within a bound; the other side believes nothing before it is checked ([`kizashi_event::belief`]), and acknowledges what is
//! committed: to the store, or on a sensor of a fleet to its spool.

mod arrivals;
mod outbox;
mod sink;

pub(crate) use arrivals::{Arrivals, Captured, Counted};
pub(crate) use outbox::{MOST_BYTES, Outbox};
pub(crate) use sink::{Sink, SinkError, StoreSink};

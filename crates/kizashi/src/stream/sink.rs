//! Where checked events are kept for good: the store of one machine, or the spool of a fleet's sensor.

use kizashi_event::Event;
use kizashi_store::{Inlet, StoreError};
use kizashi_web::FeedSender;

/// Why events were not kept.
#[derive(Debug)]
pub(crate) enum SinkError {
    /// Nothing is kept any more: the process ends.
    Stopped,
    /// They may be given again, and then succeed.
    Failed(String),
}

/// Keeps events.
pub(crate) trait Sink: Send + Sync {
    /// Keeps them, whatever happens after this returns.
    fn commit(&self, events: &[Event]) -> Result<(), SinkError>;
}

/// The store, and whoever looks at the dashboard.
#[derive(Clone)]
pub(crate) struct StoreSink {
    pub(crate) inlet: Inlet,
    pub(crate) feed: FeedSender,
}

impl Sink for StoreSink {
    fn commit(&self, events: &[Event]) -> Result<(), SinkError> {
        self.inlet.commit(events.to_vec()).map_err(|error| match error {
            StoreError::Stopped => SinkError::Stopped,
            error => SinkError::Failed(error.to_string()),
        })?;
        self.feed.publish(events);
        Ok(())
    }
}

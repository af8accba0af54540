//! The HTTP API and the dashboard, in one binary with everything the page needs.
//!
//! What is shown comes from an [`Observatory`], which the command lays over the store, and from a [`FeedSender`], into
//! which it puts what happens now. [`router`] makes a service of both and [`serve`] puts it on a listener that the caller
//! bound, over TLS where it is told with what. The page is plain files, embedded as they are: compiling needs neither Node nor a build step.
//!
//! This room never binds, never writes to the store, never sends a byte to another origin, and never makes markup of text
//! that an attacker chose: texts leave it as JSON strings, and the page sets them as text.

mod access;
mod answers;
mod api;
mod assets;
mod compress;
mod condition;
mod encryption;
mod error;
mod export;
mod feed;
pub mod fuzz;
mod items;
mod live;
mod marks;
mod metrics;
mod observatory;
mod openapi;
mod payloads;
mod query;
mod resume;
mod roles;
mod search;
mod sensors;
mod server;
mod sessions;
mod settings;
mod shared;
mod shares;
mod throttle;
mod usual;

pub use access::{Token, TokenError};
pub use answers::{
    CaptureStatus, Listener, ScoredPoint, Series, SignMark, SignPage, Status, StoreStatus, TopRow,
    TrapStatus,
};
pub use condition::{Condition, Forecast, Retention, TrapSetting};
pub use encryption::{CertifiedKey, Encryption, EncryptionError};
pub use feed::{FeedItem, FeedSender};
pub use items::{Beside, Captured, ItemPage, KnownList, Place, looks_like};
pub use kizashi_store::BinLength;
pub use marks::{Mark, MarkChange};
pub use observatory::{Observatory, ReadError, SharedDocument};
pub use roles::{Access, Role, Tokens};
pub use search::{Moment, Search, SearchError, SearchPage, SearchTerm};
pub use sensors::{DetectorRow, SensorHours, SensorInFleet, SensorPorts, SensorRow};
pub use server::{router, serve};
pub use sessions::{SessionPage, SessionRow};
pub use settings::{
    ChannelResult, ChannelTest, Channels, OwnSettings, RetentionChange, RetentionSettings, Setting,
    SettingsChange, TrapSwitch, TrapSwitches,
};

//! From signs to people and to other programs.
//!
//! [`Notify`] is the owner's word on who is told what and when. The core puts a [`Notice`] of each sign into the [`Outbox`]'s folder; a
//! process of its own ([`Courier`]) plans messages from them, keeps each until it is delivered, and speaks to receivers. It has no
//! store and reads what attackers sent only as fields of signs.
//!
//! One file a channel (`channel/`): a channel makes a delivery of a message and judges the answer; it speaks to nobody itself, which
//! `send/` does. What every channel must hold: nothing that an attacker chose acts in it, be it markup, a mention, a header or a line.

pub mod archive;
pub mod channel;
mod courier;
pub mod feeds;
pub mod fuzz;
mod hours;
mod message;
mod notice;
mod outbox;
mod planner;
pub mod report;
mod secret;
pub mod send;
mod settings;
pub mod share;
pub mod sightings;
#[cfg(test)]
mod testing;
mod trial;

pub use courier::{Courier, Sent};
pub use kizashi_signs::Language;
pub use message::{Document, Letter, Message, Why};
pub use notice::{Background, Notice, Part, Story, severity_word};
pub use outbox::{Bulletin, Listed, Outbox, ReportToSend};
pub use secret::Secret;
pub use settings::{ChannelSettings, Notify};
pub use trial::{TestReport, TestResult, TestState, TestWish};

//! What every trap with a login shares: who gets in. One policy for SSH and Telnet, held by the [`crate::Identity`], so that a
//! password that one port takes the other takes too.

pub(crate) mod keys;
pub(crate) mod memory;
mod policy;
mod weak;

pub(crate) use memory::Memory;
pub use policy::{KeyRule, LoginPolicy, LoginSettings, PairPattern, PairPatternError};
pub(crate) use weak::weak_passwords;

//! One file a call of the command.

pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod fleet;
pub(crate) mod geo;
pub(crate) mod import;
pub(crate) mod install;
pub(crate) mod names;
pub(crate) mod notify;
pub(crate) mod payload;
pub(crate) mod play;
pub(crate) mod ports;
pub(crate) mod prior;
pub(crate) mod renew;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod score;
pub(crate) mod series;
pub(crate) mod sessions;
pub(crate) mod signs;
pub(crate) mod status;
pub(crate) mod token;
pub(crate) mod top;
pub(crate) mod up;
pub(crate) mod watch;

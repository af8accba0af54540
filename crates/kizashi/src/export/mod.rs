//! Forms of other tools in which events are written, one file a form.

pub(crate) mod cowrie;
pub(crate) mod pcap;

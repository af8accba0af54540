//! Decoy services. One folder a protocol: each speaks to one visitor at a time and tells what it saw; the house around them
//! accepts connections, keeps the limits and turns what was seen into events.
//!
//! - [`Trap`] and [`Session`]: what a protocol is. Bytes and the time go in; reply bytes and details come out. No socket, no
//!   clock, no file, so each dialogue is replayed exactly in tests.
//! - [`registry`]: every trap. Adding one is a folder and a line there.
//! - [`Identity`]: what this installation pretends to be, drawn once from a seed, the same on every port.
//! - [`Server`]: runs traps on sockets bound elsewhere, under [`Caps`] and each trap's [`Limits`].
//! - [`PortList`]: which ports, as the owner writes them.
//!
//! What is deliberately absent: no file is opened, no program run, no connection made; no bytes of a visitor are ever
//! interpreted beyond parsing; no datagram is answered but by the house's rule
//! (`serve/replies.rs`): with no more bytes than it had, and a few times a minute.

mod adb;
mod amplification;
mod amplifier;
mod any;
mod bacnet;
mod capture;
mod coap;
mod copies;
mod datagram;
mod dicom;
mod dnp3;
mod draw;
mod elasticsearch;
mod enip;
mod epmap;
mod finite_field;
mod framed;
mod ftp;
mod ftpdata;
mod hexadecimal;
mod hl7;
mod http;
mod http2;
mod https;
mod identity;
mod iec104;
mod ike;
mod imap;
mod ipp;
mod login;
mod machine;
mod mailbox;
mod memcached;
mod minecraft;
mod modbus;
mod mongodb;
mod mqtt;
mod mssql;
mod mysql;
mod netbios;
mod ntlm;
mod output;
mod php;
mod pop3;
mod ports;
mod postgresql;
mod pptp;
mod printer;
mod radmin;
mod randomness;
mod rdp;
mod recorder;
mod redis;
mod registry;
mod rpc;
mod rsync;
mod rtsp;
mod s7;
mod scram;
mod screen;
mod serve;
mod sip;
mod smb;
mod smtp;
mod snmp;
mod sql;
mod ssdp;
mod ssh;
mod teamviewer;
mod telnet;
mod terminal;
mod tftp;
mod tls;
mod trap;
mod vnc;
mod windows;
mod winrm;
mod wins;
mod x11;

#[cfg(test)]
mod contract;
pub mod fuzz;

pub use elasticsearch::ElasticsearchRelease;
pub use http::{DEFAULT_SITE, RuleProblem, WebRules, WebSites, WebSitesError};
pub use identity::{Identity, OperatingSystem, WebServer};
pub use login::{KeyRule, LoginPolicy, LoginSettings, PairPattern, PairPatternError};
pub use machine::{
    Comparison, Downloads, FileFault, FileStat, Machine, Opening, Persona, Process, Progress, Said,
    TerminalRequest, Transfer, Visitor,
};
pub use output::{Output, Seen, Turn};
pub use ports::{PortList, PortListError};
pub use redis::RedisRelease;
pub use registry::{registry, trap_named};
pub use serve::{
    BoundSocket, Caps, Clock, Counters, Ends, EventSink, Post, ServeError, Server, Setup,
};
pub use sql::MysqlRelease;
pub use ssh::{RsaHostKey, RsaKeyError};
pub use telnet::TelnetFace;
pub use tls::TlsKeys;
pub use trap::{DatagramReply, DefaultPorts, Limits, Session, Trap, Visit};

//! DCE-RPC (C706, MS-RPCE) as Windows' services speak it, over SMB's pipes and over TCP 135: what looks at a machine before it is attacked
//! (shares, accounts, policy), what a worm does once it is in (a service, a job), and what overflows of 2003 to 2008 are sent to. A call is
//! answered from what the installation is; nothing is ever executed. Each interface is a file; [`Connection`] is what they share.

mod accounts;
mod activation;
mod connection;
mod endpoint;
mod interface;
mod lsarpc;
mod ndr;
mod pdu;
mod samr;
mod srvsvc;
mod svcctl;
mod tasks;

#[cfg(test)]
pub(crate) mod client;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

pub(crate) use connection::Connection;

use crate::capture::Capture;
use crate::windows::Windows;
use crate::{Identity, Output, Visit};

/// What whoever calls may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rights {
    /// A null session: looks at names, as on a server that was never hardened.
    Nobody,
    Guest,
    Administrator,
}

/// Where calls come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Pipe,
    Tcp,
}

/// Who calls, and when.
pub(crate) struct Caller<'a> {
    pub(crate) identity: &'a Arc<Identity>,
    pub(crate) windows: &'a Windows,
    pub(crate) shares: &'a [Share],
    pub(crate) visit: Visit,
    pub(crate) now: Timestamp,
    pub(crate) rights: Rights,
    pub(crate) user: &'a str,
    pub(crate) way: Way,
}

/// A share, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) name: String,
    pub(crate) kind: u32,
    pub(crate) remark: &'static str,
    /// What it is on the disk: `C:\Windows`.
    pub(crate) path: String,
}

/// A call that is refused before it is one (`nca_s_…`, or an error of Windows').
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault(pub(crate) u32);

impl Fault {
    pub(crate) const NO_SUCH_OPERATION: Self = Self(0x1c01_0002);
    pub(crate) const BAD_STUB: Self = Self(0x0000_06f7);
    pub(crate) const ACCESS_DENIED: Self = Self(5);
    pub(crate) const CONTEXT_MISMATCH: Self = Self(0x1c00_001a);
    pub(crate) const UNKNOWN_INTERFACE: Self = Self(0x1c01_0003);
}

/// A call's results, or why there are none.
pub(crate) type Results = Result<Vec<u8>, Fault>;

/// Errors and statuses that results end with.
pub(crate) mod status {
    pub(crate) const OK: u32 = 0;
    pub(crate) const ERROR_FILE_NOT_FOUND: u32 = 2;
    pub(crate) const ERROR_ACCESS_DENIED: u32 = 5;
    pub(crate) const ERROR_INVALID_HANDLE: u32 = 6;
    pub(crate) const ERROR_INVALID_LEVEL: u32 = 124;
    pub(crate) const ERROR_SERVICE_REQUEST_TIMEOUT: u32 = 1053;
    pub(crate) const ERROR_SERVICE_ALREADY_RUNNING: u32 = 1056;
    pub(crate) const ERROR_SERVICE_DOES_NOT_EXIST: u32 = 1060;
    pub(crate) const ERROR_SERVICE_NOT_ACTIVE: u32 = 1062;
    pub(crate) const ERROR_SERVICE_EXISTS: u32 = 1073;
    pub(crate) const NERR_NET_NAME_NOT_FOUND: u32 = 2310;
    pub(crate) const SOME_NOT_MAPPED: u32 = 0x0000_0107;
    /// Of the task scheduler: there is nothing (`S_FALSE`), a task has not run yet, there is none, there is one.
    pub(crate) const NOTHING: u32 = 1;
    pub(crate) const HAS_NOT_RUN: u32 = 0x0004_1303;
    pub(crate) const FILE_NOT_FOUND: u32 = 0x8007_0002;
    pub(crate) const ALREADY_EXISTS: u32 = 0x8007_00b7;
    pub(crate) const INVALID_INFO_CLASS: u32 = 0xc000_0003;
    pub(crate) const INVALID_HANDLE: u32 = 0xc000_0008;
    pub(crate) const ACCESS_DENIED: u32 = 0xc000_0022;
    pub(crate) const NO_SUCH_USER: u32 = 0xc000_0064;
    pub(crate) const NONE_MAPPED: u32 = 0xc000_0073;
    pub(crate) const NO_SUCH_DOMAIN: u32 = 0xc000_00df;
}

pub(crate) fn note(out: &mut Output, name: &str, value: impl Into<HostileText>) {
    out.tell(Detail::Note { name: name.into(), value: value.into() });
}

pub(crate) fn command(out: &mut Output, line: &str) {
    out.tell(Detail::Command { line: HostileText::from(line), known: None });
}

/// Keeps bytes that are more than a call's arguments.
pub(crate) fn keep(out: &mut Output, bytes: &[u8], name: &str) {
    let mut payload = Capture::of(bytes).finish(PayloadOrigin::Sent);
    payload.name = Some(HostileText::from(name));
    out.tell(Detail::Payload(Box::new(payload)));
}

/// See [`crate::fuzz::rpc_calls`].
pub(crate) fn fuzz(bytes: &[u8]) {
    connection::fuzz(bytes);
}

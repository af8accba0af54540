//! Live capture without libpcap: packets of this machine as the kernel sees them, led through the same [`Observer`](crate::Observer) as files are.
//!
//! A packet socket is opened by whoever may (CAP_NET_RAW) and given its filter ([`Plan`], [`filter`]); a process that may nothing
//! makes the ring ([`Capture`]) and reads it. So that process can neither ask for other packets nor send any. What it tells is
//! metered ([`Rates`]) and counted ([`kizashi_event::stream::CaptureCounts`]).
//!
//! Not here: a clock (the time is told), a look into the system (whose ports are is told), any byte sent.

mod assembler;
mod filter;
#[cfg(test)]
mod interpreter;
mod meter;
mod ports;
mod ring;
mod system;
mod watch;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use kizashi_event::{Event, Timestamp, stream::CaptureCounts};
use rustix::net::{AddressFamily, SocketFlags, SocketType};

pub use assembler::Instruction;
pub use filter::{Interfaces, MOST_INTERFACES, Owners, Plan, TooMuch, filter};
pub use meter::Rates;
pub use ports::PortSet;
pub use watch::{Watch, WatchOptions};

/// Blocks of the ring that are read before time is looked at again.
const MOST_BLOCKS: usize = 64;

/// Opens a socket that could see every packet and takes none yet. Needs CAP_NET_RAW, as nothing after it does.
///
/// # Errors
/// Above all where this process may not.
pub fn open() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(rustix::net::socket_with(AddressFamily::PACKET, SocketType::DGRAM, flags, None)?)
}

/// Lets a socket take what the plan says, from now on.
///
/// # Errors
/// Where the plan makes no program, or the kernel refuses it.
pub fn aim(socket: BorrowedFd<'_>, plan: &Plan) -> io::Result<()> {
    let program = filter(plan).map_err(io::Error::other)?;
    system::attach_filter(socket, &program)?;
    system::bind_to_all(socket)
}

/// A socket that is read.
pub struct Capture {
    ring: ring::Ring,
    watch: Watch,
}

impl Capture {
    /// Makes the ring of an open socket, in the place of one that another process had.
    ///
    /// # Errors
    /// Where the kernel has no room, or knows no such ring (before Linux 3.2).
    pub fn new(socket: OwnedFd, watch: Watch) -> io::Result<Self> {
        Ok(Self { ring: ring::Ring::new(socket)?, watch })
    }

    /// Waits until there is something to read, at most so long.
    ///
    /// # Errors
    /// Where the socket is broken.
    pub fn wait(&self, longest: Duration) -> io::Result<()> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut sockets = [PollFd::new(self.ring.socket(), PollFlags::IN)];
        let longest = Timespec::try_from(longest).ok();
        match poll(&mut sockets, longest.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes what is there, and tells what is known by now.
    ///
    /// # Errors
    /// Where the kernel's figures cannot be read.
    pub fn turn(&mut self, now: Timestamp, sink: &mut dyn FnMut(Event)) -> io::Result<()> {
        let Self { ring, watch } = self;
        for _ in 0..MOST_BLOCKS {
            if !ring.read_block(&mut |frame| watch.frame(frame, sink)) {
                break;
            }
        }
        if watch.pass(now, sink) {
            let (passed, dropped) = ring.statistics()?;
            watch.note_kernel(passed, dropped);
        }
        Ok(())
    }

    /// What looks at the packets.
    pub const fn watch(&mut self) -> &mut Watch {
        &mut self.watch
    }

    /// What was seen so far.
    #[must_use]
    pub fn counts(&self) -> CaptureCounts {
        self.watch.counts()
    }
}

impl AsFd for Capture {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ring.socket().as_fd()
    }
}

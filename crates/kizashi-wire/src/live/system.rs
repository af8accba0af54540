//! What a packet socket takes of the system that no safe library offers: its options (packet(7)), and the ring that it shares with the
//! kernel. The only module of the workspace with `unsafe`, and nothing but that: each call hands over one value whose length is its
//! type's, and the ring gives out a block's bytes for as long as the block is ours by the kernel's own word.
//!
//! Why not without: a socket that is read by `recv` holds what `net.core.rmem_max` allows, some 500 small packets, which at 200,000 a
//! second is three milliseconds; only a right that a capture has no need for (CAP_NET_ADMIN) would widen it. A ring's size is free.

#![allow(unsafe_code)]

use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use super::assembler::Instruction;

/// Sets an option of a socket to a value of plain numbers.
fn set<T>(socket: BorrowedFd<'_>, level: i32, name: i32, value: &T) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<T>()).unwrap_or(0);
    // SAFETY: the pointer and the length are those of one live value, which the kernel reads during the call.
    let result = unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, name, std::ptr::from_ref(value).cast(), length)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Lets only those packets through that the program wants, from now on.
pub(super) fn attach_filter(socket: BorrowedFd<'_>, program: &[Instruction]) -> io::Result<()> {
    let mut filters: Vec<libc::sock_filter> = program
        .iter()
        .map(|one| libc::sock_filter {
            code: one.code,
            jt: one.jump_true,
            jf: one.jump_false,
            k: one.operand,
        })
        .collect();
    let length = u16::try_from(filters.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // The kernel copies `len` instructions during the call; `filters` lives until after it.
    let program = libc::sock_fprog { len: length, filter: filters.as_mut_ptr() };
    set(socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
}

/// Takes packets of all interfaces from now on. Bound to none of them, the socket has nowhere to send to.
pub(super) fn bind_to_all(socket: BorrowedFd<'_>) -> io::Result<()> {
    let all = libc::sockaddr_ll {
        sll_family: u16::try_from(libc::AF_PACKET).unwrap_or(0),
        sll_protocol: u16::try_from(libc::ETH_P_ALL).unwrap_or(0).to_be(),
        sll_ifindex: 0,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    let length = libc::socklen_t::try_from(size_of::<libc::sockaddr_ll>()).unwrap_or(0);
    // SAFETY: the address and its length are those of one live value.
    let result = unsafe { libc::bind(socket.as_raw_fd(), std::ptr::from_ref(&all).cast(), length) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Packets that passed the filter since this was last asked, and those of them that found no room.
pub(super) fn statistics(socket: BorrowedFd<'_>) -> io::Result<(u32, u32)> {
    let mut figures = libc::tpacket_stats_v3 { tp_packets: 0, tp_drops: 0, tp_freeze_q_cnt: 0 };
    let mut length = libc::socklen_t::try_from(size_of::<libc::tpacket_stats_v3>()).unwrap_or(0);
    // SAFETY: the kernel writes at most `length` bytes into one live value of plain numbers.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_STATISTICS,
            std::ptr::from_mut(&mut figures).cast(),
            &raw mut length,
        )
    };
    if result == 0 {
        Ok((figures.tp_packets, figures.tp_drops))
    } else {
        Err(io::Error::last_os_error())
    }
}

/// How large a ring is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) blocks: u32,
    /// Bytes; a multiple of the page.
    pub(super) block: u32,
    /// Milliseconds after which a block that is not full is ours all the same.
    pub(super) retire_after: u32,
}

/// Blocks of packets that the kernel fills and we give back.
pub(super) struct SharedRing {
    start: NonNull<u8>,
    shape: Shape,
}

impl SharedRing {
    /// Makes the socket's ring, in the place of one that a process before had.
    pub(super) fn new(socket: BorrowedFd<'_>, shape: Shape) -> io::Result<Self> {
        const FRAME: u32 = 2_048;
        let none = libc::tpacket_req3 {
            tp_block_size: 0,
            tp_block_nr: 0,
            tp_frame_size: 0,
            tp_frame_nr: 0,
            tp_retire_blk_tov: 0,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        };
        let ring = libc::tpacket_req3 {
            tp_block_size: shape.block,
            tp_block_nr: shape.blocks,
            tp_frame_size: FRAME,
            tp_frame_nr: shape.block / FRAME * shape.blocks,
            tp_retire_blk_tov: shape.retire_after,
            ..none
        };
        let third = libc::tpacket_versions::TPACKET_V3 as libc::c_int;
        set(socket, libc::SOL_PACKET, libc::PACKET_RX_RING, &none)?;
        set(socket, libc::SOL_PACKET, libc::PACKET_VERSION, &third)?;
        set(socket, libc::SOL_PACKET, libc::PACKET_RX_RING, &ring)?;
        let length = Self::length(shape);
        // SAFETY: a new mapping at a place of the kernel's choice touches no memory that there is.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                socket.as_raw_fd(),
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, shape })
    }

    const fn length(shape: Shape) -> usize {
        shape.block as usize * shape.blocks as usize
    }

    /// The word of a block by which it changes hands (`tpacket_hdr_v1.block_status`), 8 bytes from its beginning.
    fn status(&self, block: u32) -> Option<&AtomicU32> {
        const PLACE: usize = 8;
        if block >= self.shape.blocks {
            return None;
        }
        let place = block as usize * self.shape.block as usize + PLACE;
        // SAFETY: the place lies within the mapping, which lives as long as `self`, and is aligned to 8 bytes, since blocks are whole
        // pages. Both sides use the word as an atomic one.
        Some(unsafe { AtomicU32::from_ptr(self.start.as_ptr().add(place).cast()) })
    }

    /// The bytes of a block, if it is ours.
    pub(super) fn block(&mut self, block: u32) -> Option<&[u8]> {
        let is_ours = self.status(block)?.load(Ordering::Acquire) & libc::TP_STATUS_USER != 0;
        let place = block as usize * self.shape.block as usize;
        // SAFETY: the block lies within the mapping. Until its status is given back, which takes `&mut self` and so ends this borrow,
        // the kernel writes nothing into it.
        is_ours.then(|| unsafe {
            std::slice::from_raw_parts(
                self.start.as_ptr().add(place).cast_const(),
                self.shape.block as usize,
            )
        })
    }

    /// Gives a block back to the kernel.
    pub(super) fn give_back(&mut self, block: u32) {
        if let Some(status) = self.status(block) {
            status.store(libc::TP_STATUS_KERNEL, Ordering::Release);
        }
    }
}

impl Drop for SharedRing {
    fn drop(&mut self) {
        // SAFETY: the mapping is this one's alone, and nothing borrows from it any more.
        unsafe { libc::munmap(self.start.as_ptr().cast(), Self::length(self.shape)) };
    }
}

// SAFETY: the mapping belongs to no thread; who has the ring may read it.
unsafe impl Send for SharedRing {}

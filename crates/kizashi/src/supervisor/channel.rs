//! How the supervisor speaks to its children: messages of JSON over a Unix socket that keeps their bounds, with file descriptors
//! beside them (SCM_RIGHTS). A child finds its end as its standard input, so that nothing has to be made of a bare number.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixDatagram;

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg,
    sendmsg, socketpair,
};
use serde::Serialize;

/// Bytes of a message at most.
pub(crate) const LONGEST: usize = 64 * 1024;
/// Descriptors beside one message at most (the kernel's own bound is 253).
pub(crate) const MOST_DESCRIPTORS: usize = 128;

/// One end.
#[derive(Debug)]
pub(crate) struct Channel(OwnedFd);

/// What came: nothing when the other end is gone.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) bytes: Vec<u8>,
    pub(crate) descriptors: Vec<OwnedFd>,
}

impl Channel {
    /// Both ends: the supervisor's, which does not wait, and the child's. The first is given as a socket of datagrams, for
    /// the runtime knows no kind that is both connected and keeps bounds; the calls on it are the ones of this room.
    pub(crate) fn pair() -> std::io::Result<(UnixDatagram, OwnedFd)> {
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        rustix::io::ioctl_fionbio(&ours, true)?;
        Ok((UnixDatagram::from(ours), theirs))
    }

    /// The child's end.
    pub(crate) fn of_stdin() -> std::io::Result<Self> {
        Ok(Self(std::io::stdin().as_fd().try_clone_to_owned()?))
    }

    /// Sends a message.
    pub(crate) fn send(
        &self,
        message: &impl Serialize,
        descriptors: &[BorrowedFd<'_>],
    ) -> std::io::Result<()> {
        send(&self.0, message, descriptors)
    }

    /// Waits for a message; `None` when the other end is gone.
    pub(crate) fn receive(&self, buffer: &mut [u8]) -> std::io::Result<Option<Received>> {
        receive(&self.0, buffer)
    }
}

/// Sends a message.
pub(crate) fn send(
    socket: impl AsFd,
    message: &impl Serialize,
    descriptors: &[BorrowedFd<'_>],
) -> std::io::Result<()> {
    let bytes = serde_json::to_vec(message)?;
    if bytes.len() > LONGEST || descriptors.len() > MOST_DESCRIPTORS {
        return Err(std::io::ErrorKind::InvalidInput.into());
    }
    if descriptors.is_empty() {
        // A trap may send, but not to somebody and with nothing beside it.
        rustix::net::send(&socket, &bytes, SendFlags::NOSIGNAL)?;
        return Ok(());
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    if !beside.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(std::io::ErrorKind::InvalidInput.into());
    }
    sendmsg(&socket, &[IoSlice::new(&bytes)], &mut beside, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Takes a message; `None` when the other end is gone. What was cut short is an error.
pub(crate) fn receive(socket: impl AsFd, buffer: &mut [u8]) -> std::io::Result<Option<Received>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
    let mut beside = RecvAncillaryBuffer::new(&mut space);
    let got = loop {
        match recvmsg(&socket, &mut [IoSliceMut::new(buffer)], &mut beside, RecvFlags::CMSG_CLOEXEC)
        {
            Err(rustix::io::Errno::INTR) => {}
            got => break got?,
        }
    };
    let descriptors = beside
        .drain()
        .filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        })
        .flatten()
        .collect();
    if got.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
        return Err(std::io::Error::other(
            "a message was cut short; are there too few file descriptors?",
        ));
    }
    if got.bytes == 0 {
        return Ok(None);
    }
    let bytes = buffer.get(..got.bytes).unwrap_or_default().to_vec();
    Ok(Some(Received { bytes, descriptors }))
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_crosses_with_its_descriptors_and_an_end_that_is_gone_is_told() {
        let (ours, theirs) = Channel::pair().unwrap();
        let theirs = Channel(theirs);
        let file = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let many = vec![file.as_fd(); MOST_DESCRIPTORS];
        send(&ours, &"hello", &many).unwrap();
        let mut buffer = vec![0; LONGEST];
        let received = theirs.receive(&mut buffer).unwrap().unwrap();
        assert_eq!(
            (received.bytes.as_slice(), received.descriptors.len()),
            (&b"\"hello\""[..], MOST_DESCRIPTORS)
        );
        assert!(send(&ours, &"x".repeat(LONGEST), &[]).is_err());
        drop(ours);
        assert!(theirs.receive(&mut buffer).unwrap().is_none());
    }
}

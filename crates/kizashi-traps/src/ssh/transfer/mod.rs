//! Files that a visitor brings or asks for: by `scp`'s own protocol in a command, or by SFTP. What is brought is kept by its hash; the
//! disk that it seems to land on is the session's alone.

mod disk;
mod scp;
mod sftp;

use kizashi_event::{Detail, HostileText, PayloadOrigin};

use crate::capture::Capture;
use crate::terminal::Program;

/// The copy that this command asks for, if it is one that a copying client sends.
pub(super) fn scp(command: &[u8]) -> Option<Box<dyn Program>> {
    scp::Copy::asked(command).map(|copy| Box::new(copy) as Box<dyn Program>)
}

/// The subsystem of this name, for this user.
pub(super) fn sftp(user: &[u8]) -> Box<dyn Program> {
    Box::new(sftp::Server::new(user))
}

/// See [`crate::fuzz::ssh_transfer`].
pub(super) fn fuzz(bytes: &[u8]) {
    use crate::terminal::Printed;
    use kizashi_event::Timestamp;
    let now = Timestamp::from_seconds(1_800_000_000);
    for mut program in [sftp(b"root")].into_iter().chain(scp(b"scp -t /tmp")) {
        for piece in bytes.chunks(97) {
            program.give(piece);
            let _ = program.run(now, &mut Printed::default());
        }
        program.leave(b"", now, &mut Vec::new());
    }
}

/// A file that was brought; an empty one is nothing.
fn tell(path: &[u8], capture: Capture, told: &mut Vec<Detail>) {
    let mut payload = capture.finish(PayloadOrigin::Upload);
    if payload.size.unwrap_or(0) > 0 {
        payload.name = Some(HostileText::from_bytes(path));
        told.push(Detail::Payload(Box::new(payload)));
    }
}

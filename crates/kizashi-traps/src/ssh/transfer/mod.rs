//! Files that a visitor brings or asks for: by `scp`'s own protocol in a command, or by SFTP. They are those of the machine behind the
//! login, which tells by their hash what was brought.

mod scp;
mod sftp;

use super::program::Program;
use crate::machine::Transfer;

/// The copy that this command asks for, if it is one that a copying client sends.
pub(super) fn scp(command: &[u8], files: Transfer) -> Option<Box<dyn Program>> {
    scp::Copy::asked(command, files).map(|copy| Box::new(copy) as Box<dyn Program>)
}

/// The server of SFTP.
pub(super) fn sftp(files: Transfer) -> Box<dyn Program> {
    Box::new(sftp::Server::new(files))
}

/// See [`crate::fuzz::ssh_wire`].
pub(super) fn fuzz(bytes: &[u8]) {
    use crate::machine::{Progress, Said};
    use kizashi_event::Timestamp;
    let now = Timestamp::from_seconds(1_800_000_000);
    let machine = super::machine_for_fuzzing(now);
    let copy = scp(b"scp -t /tmp", machine.files());
    for mut program in [sftp(machine.files())].into_iter().chain(copy) {
        for piece in bytes.chunks(97) {
            program.give(piece);
            let mut turns = 0;
            while program.run(now, &mut Said::default())
                == Progress::Again(std::time::Duration::ZERO)
                && turns < 100
            {
                turns += 1;
            }
        }
    }
    let _ = machine.finish();
}

//! `TRANSACTION`, `TRANSACTION2` and `NT_TRANSACT` (MS-CIFS 2.2.4.33, 2.2.4.46, 2.2.4.62): parameters and data that stand anywhere in a message.

use super::{HEAD, Part, Request};
use crate::smb::bytes::{Fields, slice, u16_at};
use crate::smb::status::{self, Status};

/// `TRANS2_SESSION_SETUP`, which no client ever sent.
const SESSION_SETUP: u16 = 0x000e;

/// A transaction that came in one message.
pub(super) struct Transaction<'a> {
    pub(super) most_data: usize,
    pub(super) timeout: u32,
    pub(super) setup: &'a [u8],
    pub(super) parameters: &'a [u8],
    pub(super) data: &'a [u8],
}

impl<'a> Transaction<'a> {
    /// Of `TRANSACTION` and `TRANSACTION2`, whose words are alike.
    pub(super) fn read(request: &Request<'a>) -> Result<Self, Status> {
        let whole = request.whole;
        let part = |count: usize, offset: usize| {
            let (count, offset) = (request.u16(count)?, request.u16(offset)?);
            if count == 0 {
                return Ok(&whole[..0]);
            }
            slice(whole, offset.into(), count.into()).ok_or(status::INVALID_PARAMETER)
        };
        let count = usize::from(request.u8(26)?) * 2;
        Ok(Self {
            most_data: usize::from(request.u16(6)?),
            timeout: request.u32(12)?,
            setup: slice(request.words, 28, count).ok_or(status::INVALID_PARAMETER)?,
            parameters: part(18, 20)?,
            data: part(22, 24)?,
        })
    }

    pub(super) fn function(&self) -> u16 {
        u16_at(self.setup, 0).unwrap_or(0xffff)
    }
}

/// Whether it is DoublePulsar's way in.
pub(super) fn is_session_setup(request: &Request<'_>) -> bool {
    u16_at(request.words, 28) == Some(SESSION_SETUP)
}

/// What a transaction is answered with: parameters and data, each aligned to four.
pub(super) fn answer(command: u8, parameters: &[u8], data: &[u8]) -> Part {
    const WORDS: usize = 20;
    let start = HEAD + 1 + WORDS + 2;
    let parameters_at = start.next_multiple_of(4);
    let data_at = (parameters_at + parameters.len()).next_multiple_of(4);
    let words = Fields::default()
        .short_length(parameters.len())
        .short_length(data.len())
        .u16(0)
        .short_length(parameters.len())
        .short_length(parameters_at)
        .u16(0)
        .short_length(data.len())
        .short_length(data_at)
        .u16(0)
        .u8(0)
        .u8(0);
    let mut bytes = vec![0; parameters_at - start];
    bytes.extend(parameters);
    bytes.resize(data_at - start, 0);
    bytes.extend(data);
    Part::new(command, words, bytes)
}

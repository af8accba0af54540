//! Statuses of Windows NT that are answered (MS-ERREF 2.3.1).

/// A status.
pub(super) type Status = u32;

pub(super) const OK: Status = 0;
/// Comes later.
pub(super) const PENDING: Status = 0x0000_0103;
pub(super) const BUFFER_OVERFLOW: Status = 0x8000_0005;
pub(super) const NO_MORE_FILES: Status = 0x8000_0006;
pub(super) const NOT_IMPLEMENTED: Status = 0xc000_0002;
pub(super) const INVALID_INFO_CLASS: Status = 0xc000_0003;
pub(super) const INVALID_HANDLE: Status = 0xc000_0008;
pub(super) const INVALID_PARAMETER: Status = 0xc000_000d;
pub(super) const NO_SUCH_FILE: Status = 0xc000_000f;
pub(super) const INVALID_DEVICE_REQUEST: Status = 0xc000_0010;
pub(super) const END_OF_FILE: Status = 0xc000_0011;
pub(super) const MORE_PROCESSING_REQUIRED: Status = 0xc000_0016;
pub(super) const ACCESS_DENIED: Status = 0xc000_0022;
pub(super) const OBJECT_NAME_INVALID: Status = 0xc000_0033;
pub(super) const OBJECT_NAME_NOT_FOUND: Status = 0xc000_0034;
pub(super) const OBJECT_NAME_COLLISION: Status = 0xc000_0035;
pub(super) const OBJECT_PATH_NOT_FOUND: Status = 0xc000_003a;
pub(super) const LOGON_FAILURE: Status = 0xc000_006d;
pub(super) const DISK_FULL: Status = 0xc000_007f;
pub(super) const INSUFFICIENT_RESOURCES: Status = 0xc000_009a;
pub(super) const FILE_IS_A_DIRECTORY: Status = 0xc000_00ba;
pub(super) const NOT_SUPPORTED: Status = 0xc000_00bb;
pub(super) const PIPE_EMPTY: Status = 0xc000_00d9;
pub(super) const NETWORK_NAME_DELETED: Status = 0xc000_00c9;
pub(super) const BAD_NETWORK_NAME: Status = 0xc000_00cc;
pub(super) const REQUEST_NOT_ACCEPTED: Status = 0xc000_00d0;
pub(super) const NOT_A_DIRECTORY: Status = 0xc000_0103;
pub(super) const CANCELLED: Status = 0xc000_0120;
pub(super) const FILE_CLOSED: Status = 0xc000_0128;
pub(super) const PIPE_BROKEN: Status = 0xc000_014b;
pub(super) const USER_SESSION_DELETED: Status = 0xc000_0203;
/// What a server that lacks MS17-010 says to a peek at a pipe that is none.
pub(super) const INSUFF_SERVER_RESOURCES: Status = 0xc000_0205;
pub(super) const NOT_FOUND: Status = 0xc000_0225;
pub(super) const FS_DRIVER_REQUIRED: Status = 0xc000_019c;
/// An SMB1 command that there is not.
pub(super) const BAD_COMMAND: Status = 0x0016_0002;

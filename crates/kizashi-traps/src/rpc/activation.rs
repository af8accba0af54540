//! Activation in DCOM (MS-DCOM 3.1.2.5.2.3): whoever has a password asks for an object by its class, and the object runs his command. Nothing is
//! activated here; which class was asked for says which tool it is: impacket's wmiexec and PowerShell's CIM want WMI's login, its dcomexec one of three
//! others. The overflows of 2003 (MS03-026, MS03-039) are in the same calls, and came from whoever had no password.

use super::pdu::{Uuid, uuid};

/// A class as it stands in a request (MS-DCOM 2.2.22.2.1, `InstantiationInfoData`), and what it is.
const CLASSES: [(Uuid, &str); 4] = [
    (
        uuid(0x8bc3_f05e, 0xd86b, 0x11d0, [0xa0, 0x75, 0, 0xc0, 0x4f, 0xb6, 0x88, 0x20]),
        "WbemLevel1Login (WMI)",
    ),
    (
        uuid(0x49b2_791a, 0xb1ae, 0x4c90, [0x9b, 0x8e, 0xe8, 0x60, 0xba, 0x07, 0xf8, 0x89]),
        "MMC20.Application",
    ),
    (
        uuid(0x9ba0_5972, 0xf6a8, 0x11cf, [0xa4, 0x42, 0, 0xa0, 0xc9, 0x0a, 0x8f, 0x39]),
        "ShellWindows",
    ),
    (
        uuid(0xc08a_fd90, 0xf2a1, 0x11d1, [0x84, 0x55, 0, 0xa0, 0xc9, 0x1f, 0x38, 0x80]),
        "ShellBrowserWindow",
    ),
];

/// What is asked for, where it is one of the classes by which commands are run.
pub(super) fn class_of(stub: &[u8]) -> Option<&'static str> {
    let is_named = |class: &Uuid| stub.windows(class.len()).any(|bytes| bytes == class.as_slice());
    CLASSES.iter().find(|(class, _)| is_named(class)).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_found_wherever_it_stands_and_nothing_else_is_one() {
        for (class, name) in CLASSES {
            let stub = [&[0_u8; 37][..], &class, b"rest"].concat();
            assert_eq!(class_of(&stub), Some(name));
            assert_eq!(class_of(&stub[..45]), None);
        }
        assert_eq!(class_of(b""), None);
    }
}

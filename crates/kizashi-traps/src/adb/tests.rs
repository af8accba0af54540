use super::TRAP;
use super::wire::{
    AUTHENTICATE, CLOSE, CONNECT, Incoming, LONGEST, OPEN, READY, Reader, WRITE, message,
};
use crate::contract;

fn connect() -> Vec<u8> {
    message(CONNECT, 0x0100_0000, 4_096, b"host::\0")
}

fn open(stream: u32, service: &str) -> Vec<u8> {
    message(OPEN, stream, 0, format!("{service}\0").as_bytes())
}

/// A request of a stream of files.
fn request(id: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_le_bytes();
    [&id[..], &length, content].concat()
}

fn write_scripts() {
    let program = [b"\x7fELF\x01\x01\x01\0", &[0x90; 200][..]].concat();
    let sent = [
        request(b"STAT", b"/data/local/tmp/bot"),
        request(b"SEND", b"/data/local/tmp/bot,33261"),
        request(b"DATA", &program),
        [&b"DONE"[..], &1_500_000_000_u32.to_le_bytes()].concat(),
    ]
    .concat();
    contract::scripted(
        &TRAP,
        "push.txt",
        "A worm pushes a program, looks at it and starts it.",
        &[
            connect(),
            open(2, "sync:"),
            message(WRITE, 2, 1, &sent),
            message(READY, 2, 1, b""),
            message(WRITE, 2, 1, &request(b"QUIT", b"")),
            open(3, "shell:ls -l /data/local/tmp/bot; getprop ro.product.cpu.abi; id"),
            message(READY, 3, 2, b""),
            open(4, "shell:cd /data/local/tmp; sh -c 'echo started > log'; cat log; rm -f log"),
            message(READY, 4, 3, b""),
        ],
    );
    contract::scripted(
        &TRAP,
        "package.txt",
        "What ADB.Miner asks and does, and services that are refused.",
        &[
            [message(AUTHENTICATE, 3, 0, b"key"), connect()].concat(),
            open(7, "shell:pm path com.ufo.miner"),
            open(
                8,
                "shell:pm install /data/local/tmp/none.apk; am start -n com.ufo.miner/com.example.test.MainActivity",
            ),
            message(READY, 8, 2, b""),
            open(9, "reboot:"),
            open(10, "tcp:80:192.0.2.9"),
            open(11, "root:"),
            message(READY, 11, 3, b""),
            message(CLOSE, 77, 99, b""),
        ],
    );
    contract::scripted(
        &TRAP,
        "typed.txt",
        "A shell that is typed into.",
        &[
            connect(),
            open(5, "shell:"),
            message(READY, 5, 1, b""),
            message(WRITE, 5, 1, b"echx\x7fo hi\r"),
            message(READY, 5, 1, b""),
            message(WRITE, 5, 1, b"exit\r"),
            message(READY, 5, 1, b""),
        ],
    );
}

#[test]
fn every_transcript_holds_however_the_bytes_are_cut() {
    write_scripts();
    contract::replay_all(&TRAP);
}

#[test]
fn the_trap_keeps_the_contract() {
    contract::holds(&TRAP);
}

#[test]
fn a_message_whose_complement_or_length_lies_ends_the_connection() {
    let mut reader = Reader::default();
    reader.push(&connect());
    assert!(matches!(reader.next(), Incoming::Message(message) if message.data == b"host::\0"));
    let mut wrong = connect();
    wrong[20] ^= 1;
    reader.push(&wrong);
    assert!(matches!(reader.next(), Incoming::Broken));
    let mut reader = Reader::default();
    let mut long = message(WRITE, 1, 1, b"");
    long[12..16].copy_from_slice(&u32::try_from(LONGEST + 1).unwrap().to_le_bytes());
    reader.push(&long);
    assert!(matches!(reader.next(), Incoming::Broken));
}

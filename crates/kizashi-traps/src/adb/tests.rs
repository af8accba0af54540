use super::TRAP;
use super::wire::{
    AUTHENTICATE, CLOSE, CONNECT, Incoming, LONGEST, OPEN, READY, Reader, WRITE, message,
};
use crate::machine::AndroidModel;
use crate::{Identity, contract};

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

/// The first installation whose box is this one.
fn seed_of(product: &str) -> u8 {
    let is = |seed: &u8| {
        let identity = Identity::draw([*seed; 32]);
        AndroidModel::of(&identity).banner().contains(&format!("name={product};"))
    };
    (0..=u8::MAX).find(is).unwrap()
}

/// The one that wants a key, with what came after the first protocol.
fn write_of_the_new_box() {
    let input = |text: &[u8]| [&[0][..], &5_u32.to_le_bytes()[..], text].concat();
    contract::scripted_as(
        &TRAP,
        "second-shell.txt",
        "The shell's second protocol and the second form of STAT, on a box that wants a key.",
        &format!("seed: {}\n", seed_of("rk3328_box")),
        &[
            connect(),
            message(AUTHENTICATE, 2, 0, &[7; 256]),
            message(AUTHENTICATE, 3, 0, b"QUFBQUFBQUFBQUFB miner@vps\0"),
            message(AUTHENTICATE, 3, 0, b"QUFBQUFBQUFBQUFB miner@vps\0"),
            message(AUTHENTICATE, 3, 0, b"QUFBQUFBQUFBQUFB miner@vps\0"),
            open(2, "shell,v2,TERM=xterm,raw:echo a; echo b >&2; exit 3"),
            message(READY, 2, 1, b""),
            open(3, "shell,v2,raw:cat"),
            message(READY, 3, 2, b""),
            message(WRITE, 3, 2, &input(b"hello")),
            message(READY, 3, 2, b""),
            message(WRITE, 3, 2, &[4, 0, 0, 0, 0]),
            message(READY, 3, 2, b""),
            open(4, "sync:"),
            message(
                WRITE,
                4,
                3,
                &[request(b"STA2", b"/init.rc"), request(b"LST2", b"/none")].concat(),
            ),
        ],
    );
}

fn write_of_a_typist(settings: &str) {
    contract::scripted_as(
        &TRAP,
        "typed.txt",
        "A shell that is typed into.",
        settings,
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

fn write_scripts() {
    let old = format!("seed: {}\n", seed_of("dolphin_fvd_p1"));
    let program = [b"\x7fELF\x01\x01\x01\0", &[0x90; 200][..]].concat();
    let sent = [
        request(b"STAT", b"/data/local/tmp/bot"),
        request(b"SEND", b"/data/local/tmp/bot,33261"),
        request(b"DATA", &program),
        [&b"DONE"[..], &1_500_000_000_u32.to_le_bytes()].concat(),
    ]
    .concat();
    contract::scripted_as(
        &TRAP,
        "push.txt",
        "A worm pushes a program, looks at it and starts it.",
        &old,
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
    write_of_the_new_box();
    contract::scripted_as(
        &TRAP,
        "package.txt",
        "What ADB.Miner asks and does, and services that are refused.",
        &old,
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
    write_of_a_typist(&old);
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

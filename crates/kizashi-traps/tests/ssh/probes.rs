//! Dialogues that break the protocol before there are keys: lines, lengths, padding, messages out of place, exchanges that cannot be.

fn packet(payload: &[u8]) -> Vec<u8> {
    let padding = 4 + (8 - (payload.len() + 9) % 8) % 8;
    let length = u32::try_from(1 + payload.len() + padding).unwrap();
    [&length.to_be_bytes()[..], &[u8::try_from(padding).unwrap()], payload, &vec![0; padding]]
        .concat()
}

fn string(text: &[u8]) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_be_bytes()[..], text].concat()
}

fn kexinit(exchanges: &str, cipher: &str, guesses: u8) -> Vec<u8> {
    let mut payload = vec![20; 1];
    payload.extend([7; 16]);
    for list in [
        exchanges,
        "ssh-ed25519",
        cipher,
        cipher,
        "hmac-sha2-256",
        "hmac-sha2-256",
        "none",
        "none",
        "",
        "",
    ] {
        payload.extend(string(list.as_bytes()));
    }
    payload.push(guesses);
    payload.extend([0; 4]);
    payload
}

pub(crate) const NAME: &[u8] = b"SSH-2.0-probe\r\n";

/// What is sent, in pieces, under a name.
#[expect(clippy::too_many_lines, reason = "a list, one line or loop for each kind of fault")]
pub(crate) fn probes() -> Vec<(String, Vec<Vec<u8>>)> {
    let mut probes: Vec<(String, Vec<Vec<u8>>)> = Vec::new();
    let mut add = |name: &str, pieces: Vec<Vec<u8>>| probes.push((name.to_owned(), pieces));
    for line in [
        &b"SSH-1337-OpenSSH_9.0\r\n"[..],
        b"SSH-1.5-x\r\n",
        b"SSH-1.99-x\r\n",
        b"SSH-2.0-\r\n",
        b"SSH-2.0\r\n",
        b"SSH-2-x\r\n",
        b"ssh-2.0-x\r\n",
        b"SSH-2.0-x\n",
        b"SSH-2.0-x\r\r\n",
        b"SSH-2.0-a\rb\r\n",
        b"SSH-2.0-a\0b\r\n",
        b"SSH- 2.0-x\r\n",
        b"SSH-+2.0-x\r\n",
        b"SSH-02.00-x\r\n",
        b"SSH-2.5-x\r\n",
        b"SSH-3.0-x\r\n",
        b"SSH--2.0-x\r\n",
        b"SSH-2.0-Probe-1\r\n",
        b"SSH-2.0-SSH_Version_Mapper\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n",
        b"hello\nSSH-2.0-x\r\n",
        b"SSH-2.0-x",
    ] {
        add(&format!("line {}", line.escape_ascii()), vec![line.to_vec()]);
    }
    add("long line", vec![[&b"SSH-2.0-"[..], &[b'a'; 9_000], b"\r\n"].concat()]);
    let mut packets = |name: &str, pieces: Vec<Vec<u8>>| {
        let pieces = std::iter::once(NAME.to_vec()).chain(pieces).collect();
        add(name, pieces);
    };
    for length in [0_u32, 1, 4, 5, 8, 12, 13, 20, 262_144, 262_145, u32::MAX] {
        let bytes = [&length.to_be_bytes()[..], &[4; 24]].concat();
        packets(&format!("length {length}"), vec![bytes]);
    }
    packets("second line", vec![NAME.to_vec()]);
    for padding in [0_u8, 3, 4, 11, 12, 255] {
        let bytes = [&[0, 0, 0, 12, padding, 2][..], &[0; 10]].concat();
        packets(&format!("padding {padding}"), vec![bytes]);
    }
    for number in [
        0_u8, 1, 2, 3, 4, 5, 6, 7, 8, 19, 21, 29, 30, 31, 34, 49, 50, 60, 80, 90, 98, 100, 127,
        191, 192, 193, 200, 254, 255,
    ] {
        packets(&format!("first message {number}"), vec![packet(&[number, 0, 0, 0, 0])]);
    }
    let (plain, strict) = ("curve25519-sha256", "curve25519-sha256,kex-strict-c-v00@openssh.com");
    let chacha = "chacha20-poly1305@openssh.com";
    for exchanges in [plain, strict] {
        let begun = || packet(&kexinit(exchanges, chacha, 0));
        packets(&format!("{exchanges}: twice"), vec![begun(), begun()]);
        packets(&format!("{exchanges}: after an ignore"), vec![packet(&[2, 0, 0, 0, 0]), begun()]);
        for number in [2_u8, 3, 4, 5, 6, 19, 20, 21, 29, 31, 32, 34, 49, 50, 80, 192, 200] {
            let pieces = vec![begun(), packet(&[number, 0, 0, 0, 0])];
            packets(&format!("{exchanges}: then message {number}"), pieces);
        }
        for (name, public) in [
            ("short", string(&[9; 31])),
            ("long", string(&[9; 33])),
            ("zeros", string(&[0; 32])),
            ("none", Vec::new()),
            ("cut", vec![0, 0, 0, 32, 1, 2]),
            ("surplus", [string(&[9; 32]), vec![0]].concat()),
        ] {
            let pieces = vec![begun(), packet(&[&[30][..], &public].concat())];
            packets(&format!("{exchanges}: public value {name}"), pieces);
        }
    }
    let whole = kexinit(plain, chacha, 0);
    for cut in [1, 5, 17, 18, 21, 40, whole.len() - 5, whole.len() - 1] {
        packets(&format!("KEXINIT cut at {cut}"), vec![packet(&whole[..cut])]);
    }
    packets("KEXINIT with surplus", vec![packet(&[&whole[..], &[0]].concat())]);
    packets("nothing in common", vec![packet(&kexinit("none-such", chacha, 0))]);
    packets("no cipher in common", vec![packet(&kexinit(plain, "none-such", 0))]);
    packets("empty lists", vec![packet(&kexinit("", "", 0))]);
    packets("a zero in a list", vec![packet(&kexinit("a\0b,curve25519-sha256", chacha, 0))]);
    packets("a wrong guess", vec![packet(&kexinit(plain, chacha, 1)), packet(&[30, 0, 0, 0, 0])]);
    let gex = "diffie-hellman-group-exchange-sha256";
    for (least, wanted, most) in [
        (2048_u32, 1024_u32, 8192_u32),
        (1, 1, 1),
        (9000, 9000, 9000),
        (4096, 2048, 8192),
        (2048, 8192, 4096),
        (8192, 8192, 8192),
    ] {
        let sizes = [least, wanted, most].map(u32::to_be_bytes).concat();
        let request = packet(&[&[34][..], &sizes].concat());
        // Which prime is sent is drawn: only that one is, is compared.
        packets(
            &format!("{gex} {least} {wanted} {most}"),
            vec![packet(&kexinit(gex, chacha, 0)), request],
        );
    }
    packets(
        "old request for a group",
        vec![packet(&kexinit(gex, chacha, 0)), packet(&[30, 0, 0, 8, 0])],
    );
    let group = "diffie-hellman-group14-sha256";
    for (name, public) in
        [("0", vec![]), ("1", vec![1]), ("negative", vec![0x80]), ("small", vec![0x7f; 8])]
    {
        let value = packet(&[&[30][..], &string(&public)].concat());
        packets(&format!("{group} {name}"), vec![packet(&kexinit(group, chacha, 0)), value]);
    }
    probes
}

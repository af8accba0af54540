use proptest::prelude::*;

use super::*;

const WIDE: Bounds = Bounds { text: 8192, all: 32 * 1024, fields: 1000 };

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

fn shown(block: &Block) -> String {
    let line = |(name, value): &(Vec<u8>, Vec<u8>)| {
        format!("{}: {}\n", String::from_utf8_lossy(name), String::from_utf8_lossy(value))
    };
    block.fields.iter().map(line).collect()
}

/// RFC 7541, C.3 and C.4: three requests on one connection, without and with Huffman's code.
#[test]
fn the_requests_of_rfc_7541_are_read_as_it_reads_them() {
    let plain = [
        "828684410f7777772e6578616d706c652e636f6d",
        "828684be58086e6f2d6361636865",
        "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
    ];
    let coded = [
        "828684418cf1e3c2e5f23a6ba0ab90f4ff",
        "828684be5886a8eb10649cbf",
        "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
    ];
    for blocks in [plain, coded] {
        let mut decoder = Decoder::new();
        let mut read = |text: &str| shown(&decoder.block(&hex(text), WIDE).unwrap());
        let first = ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com\n";
        assert_eq!(read(blocks[0]), first);
        assert_eq!(read(blocks[1]), format!("{first}cache-control: no-cache\n"));
        let last = ":method: GET\n:scheme: https\n:path: /index.html\n:authority: www.example.com\ncustom-key: custom-value\n";
        assert_eq!(read(blocks[2]), last);
        assert_eq!(decoder.memory(), 164);
    }
}

/// RFC 7541, C.6: three answers with a table of 256 bytes, out of which entries fall.
#[test]
fn entries_fall_out_of_a_small_table_as_rfc_7541_has_it() {
    let mut decoder = Decoder::new();
    decoder.table.resize(256);
    let blocks = [
        "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
        "4883640effc1c0bf",
        "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
    ];
    let read: Vec<String> =
        blocks.iter().map(|text| shown(&decoder.block(&hex(text), WIDE).unwrap())).collect();
    assert!(read[1].starts_with(":status: 307\ncache-control: private\n"), "{}", read[1]);
    assert!(read[2].contains("content-encoding: gzip\nset-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1\n"));
    assert_eq!(decoder.memory(), 215);
}

#[test]
fn what_is_no_block_is_told_as_such() {
    for text in [
        "80",
        "ff ff ff ff ff ff",
        "c0",
        "40 05 61",
        "40 81",
        "41 81 00",
        "3f e2 1f",
        "82 20",
        "41 84 ff ff ff ff",
        "7f",
    ] {
        assert_eq!(Decoder::new().block(&hex(text), WIDE), Err(Broken), "{text}");
    }
}

/// CVE-2016-6581: twelve thousand times a field of four thousand bytes would be 48 megabytes.
#[test]
fn a_bomb_is_read_to_its_end_and_not_kept() {
    let mut bytes = vec![0x40, 1, b'x', 0x7f, 0x81, 0x1e];
    bytes.extend([b'a'; 3968]);
    bytes.extend([0xbe; 12_000]);
    let mut decoder = Decoder::new();
    let block = decoder.block(&bytes, WIDE).unwrap();
    assert!(block.overflowed);
    assert!(block.fields.len() <= 8, "{}", block.fields.len());
    assert!(decoder.memory() <= 4096);
}

/// What real servers sent (nginx 1.22.1; Apache httpd 2.4 by nghttp2 1.52) for their default page.
#[test]
fn blocks_are_written_as_the_servers_write_them() {
    let fields = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let nginx = Encoder::new(Habit::Forgetful).block(&fields(&[
        (":status", "405"),
        ("server", "nginx/1.22.1"),
        ("date", "Sun, 29 Nov 2026 01:20:21 GMT"),
    ]));
    assert!(
        nginx.starts_with(&hex(
            "4803343035 7689aa6355e580ae212e1f 6196dd6d5f4a09f5349fba82009c5001b8"
        )),
        "{nginx:02x?}"
    );
    let apache = Encoder::new(Habit::Remembering).block(&fields(&[
        (":status", "404"),
        ("content-length", "236"),
        ("content-type", "text/html; charset=iso-8859-1"),
    ]));
    assert_eq!(apache, hex("8d 0f0d03323336 5f95497ca589d34d1f6a1271d882a60320eb3cf36fac1f"));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_block_after_block(
        blocks in prop::collection::vec(
            prop::collection::vec(("[a-z-]{1,12}|:status|etag", "[ -~]{0,60}"), 0..12),
            1..5,
        ),
        forgetful: bool,
        allowed in 0_usize..6000,
    ) {
        let habit = if forgetful { Habit::Forgetful } else { Habit::Remembering };
        let (mut encoder, mut decoder) = (Encoder::new(habit), Decoder::new());
        for (place, fields) in blocks.iter().enumerate() {
            if place == 1 {
                encoder.allow(allowed);
            }
            let block = decoder.block(&encoder.block(fields), WIDE).unwrap();
            let read: Vec<(String, String)> = block.fields.into_iter().map(|(name, value)| {
                (String::from_utf8(name).unwrap(), String::from_utf8(value).unwrap())
            }).collect();
            prop_assert_eq!(fields, &read);
        }
    }

    #[test]
    fn any_text_survives_huffmans_code(text: Vec<u8>) {
        let mut coded = Vec::new();
        huffman::encode(&text, &mut coded);
        prop_assert_eq!(coded.len(), huffman::length(&text));
        prop_assert_eq!(huffman::decode(&coded), Some(text));
    }

    #[test]
    fn no_bytes_break_the_decoder_or_its_bounds(blocks: Vec<Vec<u8>>) {
        let mut decoder = Decoder::new();
        let bounds = Bounds { text: 100, all: 300, fields: 9 };
        for bytes in &blocks {
            if let Ok(block) = decoder.block(bytes, bounds) {
                let kept: usize = block.fields.iter().map(|(n, v)| n.len() + v.len()).sum();
                prop_assert!(kept <= bounds.all && block.fields.len() <= bounds.fields);
            }
            prop_assert!(decoder.memory() <= TABLE);
        }
    }
}

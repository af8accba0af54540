//! Known addresses, borders of ranges, and tables that are damaged.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

const PACKED: &[u8] = include_bytes!("../../data/countries.bin.zst");

fn of(address: &str) -> Option<String> {
    let country = Places::default().country(address.parse().unwrap());
    country.map(|code| code.to_string())
}

fn raw() -> Vec<u8> {
    zstd::decode_all(PACKED).unwrap()
}

/// A small table: Germany from 1.0.0.0 to 1.0.0.255, Japan from there to 1.0.255.255; Japan from 2400:: on for 32 bits.
fn small() -> Vec<u8> {
    let mut raw = b"kizashi countries 1\nmade up\n\x02DEJP".to_vec();
    let column = |raw: &mut Vec<u8>, ranges: &[(u64, u8)]| {
        raw.extend_from_slice(&(ranges.len() as u32).to_le_bytes());
        let mut last = 0;
        for (begin, _) in ranges {
            let mut distance = begin - last;
            last = *begin;
            while distance >= 0x80 {
                raw.push((distance & 0x7f) as u8 | 0x80);
                distance >>= 7;
            }
            raw.push(distance as u8);
        }
        raw.extend(ranges.iter().map(|(_, place)| *place));
    };
    column(&mut raw, &[(0, 0), (0x0100_0000, 1), (0x0100_0100, 2), (0x0101_0000, 0)]);
    column(&mut raw, &[(0x2400_0000 << 32, 2), (0x2400_0001 << 32, 0)]);
    raw
}

#[test]
fn addresses_whose_country_everybody_can_look_up_are_there() {
    // Universities, registries and telephone companies that never left their country.
    for (address, country) in [
        ("133.11.0.1", "JP"),         // University of Tokyo
        ("2001:200::1", "JP"),        // WIDE
        ("141.20.1.1", "DE"),         // Humboldt-Universität
        ("193.0.6.139", "NL"),        // RIPE NCC
        ("2001:67c:2e8:22::1", "NL"), // RIPE NCC
        ("18.9.22.69", "US"),         // MIT
        ("131.111.8.46", "GB"),       // Cambridge
        ("166.111.4.100", "CN"),      // Tsinghua
        ("200.160.2.3", "BR"),        // NIC.br
        ("::ffff:133.11.0.1", "JP"),  // the same in other clothes
    ] {
        assert_eq!(of(address).as_deref(), Some(country), "{address}");
    }
}

#[test]
fn addresses_that_nobody_has_on_the_internet_are_nowhere() {
    for address in [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.1.1",
        "172.16.0.1",
        "192.0.0.1",
        "192.0.2.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:10.0.0.1",
        "64:ff9b::1",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "2001::1",
        "2001:db8::1",
        "2002:102:304::1",
        "3fff::1",
        "5f00::1",
    ] {
        assert_eq!(of(address), None, "{address}");
    }
}

#[test]
fn every_country_of_the_table_has_a_name() {
    let raw = raw();
    let count = usize::from(raw.split(|byte| *byte == b'\n').nth(2).unwrap()[0]);
    assert!(count > 200, "{count}");
    let table = packed::read(PACKED).unwrap();
    let (four, six) = table.begins();
    let addresses = four.iter().map(|begin| Ipv4Addr::from_bits(*begin).into());
    let addresses = addresses
        .chain(six.iter().map(|begin| Ipv6Addr::from_bits(u128::from(*begin) << 64).into()));
    let codes: std::collections::BTreeSet<CountryCode> =
        addresses.filter_map(|address: IpAddr| table.find(address)).collect();
    assert_eq!(codes.len(), count);
    for code in codes {
        assert!(country_name(code.as_str()).is_some(), "{code}");
    }
    assert_eq!(country_name("DE"), Some("Germany"));
    assert_eq!(country_name("ZZ"), None);
}

#[test]
fn a_range_begins_at_its_first_address_and_ends_before_the_next() {
    let table = packed::parse(&small()).unwrap();
    let of = |address: &str| table.find(address.parse().unwrap()).map(|code| code.to_string());
    assert_eq!(of("0.255.255.255"), None);
    assert_eq!(of("1.0.0.0").as_deref(), Some("DE"));
    assert_eq!(of("1.0.0.255").as_deref(), Some("DE"));
    assert_eq!(of("1.0.1.0").as_deref(), Some("JP"));
    assert_eq!(of("1.0.255.255").as_deref(), Some("JP"));
    assert_eq!(of("1.1.0.0"), None);
    assert_eq!(of("255.255.255.255"), None);
    assert_eq!(of("23ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), None);
    assert_eq!(of("2400::").as_deref(), Some("JP"));
    assert_eq!(of("2400:0:ffff:ffff:ffff:ffff:ffff:ffff").as_deref(), Some("JP"));
    assert_eq!(of("2400:1::"), None);
}

#[test]
fn the_built_in_table_takes_a_few_megabytes_and_says_where_it_comes_from() {
    let places = Places::default();
    assert!(of("133.11.0.1").is_some());
    assert!(places.bytes() < 4 << 20, "{}", places.bytes());
    let head = String::from_utf8_lossy(&raw()[..200]).into_owned();
    assert!(head.contains("@ip-location-db/") && head.contains("PDDL-1.0"), "{head}");
    assert!(PACKED.len() < 1 << 20);
}

#[test]
fn a_table_cut_anywhere_is_refused() {
    let whole = small();
    assert!(packed::parse(&whole).is_ok());
    for length in 0..whole.len() {
        assert!(packed::parse(&whole[..length]).is_err(), "{length}");
    }
    assert_eq!(packed::parse(&[&whole[..], &[0]].concat()), Err(packed::Refused::MoreBehind));
}

#[test]
fn a_packed_table_that_unpacks_to_more_than_allowed_is_refused() {
    let bomb = zstd::encode_all(&vec![0_u8; 64 << 20][..], 1).unwrap();
    assert!(bomb.len() < 64 << 10);
    assert_eq!(packed::read(&bomb), Err(packed::Refused::TooLong));
}

/// Made by `mmdb-writer` (PyPI), which shares no code with the reader.
const NETWORKS: &[u8] = include_bytes!("../../../../fuzz/seeds/places/networks.mmdb");
/// The same as IPinfo writes it: countries and networks in one file.
const BOTH: &[u8] = include_bytes!("../../../../fuzz/seeds/places/both.mmdb");
/// The same as MaxMind writes it, of IPv4 alone.
const COUNTRIES: &[u8] = include_bytes!("../../../../fuzz/seeds/places/countries.mmdb");

#[test]
fn a_table_of_networks_tells_numbers_and_names_up_to_the_borders_of_a_network() {
    for (file, name) in [(NETWORKS, "Beispielnetz"), (BOTH, "Beispielnetz")] {
        let networks = Some(mmdb::networks_in(file.to_vec()).unwrap());
        let places = Places { countries: None, networks, scanners: None };
        let of = |address: &str| places.network(address.parse().unwrap());
        assert_eq!(of("133.11.0.0"), "AS64496");
        assert_eq!(of("133.11.255.255"), "AS64496");
        assert_eq!(of("::ffff:133.11.0.1"), "AS64496");
        assert_eq!(of("133.10.255.255"), "133.10.0.0/16");
        assert_eq!(of("133.12.0.0"), "133.12.0.0/16");
        assert_eq!(of("141.20.127.255"), "AS64497");
        assert_eq!(of("141.20.128.0"), "141.20.0.0/16");
        assert!(of("2001:200:ffff::1").starts_with("AS6449"));
        assert_eq!(of("2001:201::1"), "2001:201::/32");
        assert_eq!(of("10.0.0.1"), "10.0.0.0/16", "private addresses are in no system");
        assert_eq!(places.network_name("AS64497"), Some(name));
        assert_eq!(places.network_name("AS1"), None);
        assert_eq!(places.network_name("10.0.0.0/16"), None);
        assert!(
            places.country("133.11.0.1".parse().unwrap()).is_some(),
            "the built-in table stays"
        );
    }
}

#[test]
fn the_owners_countries_replace_those_that_are_built_in() {
    for (file, countries) in [(COUNTRIES, ["FR", "AT"]), (BOTH, ["JP", "FR"])] {
        let countries_in_file = Some(mmdb::countries_in(file.to_vec()).unwrap());
        let places = Places { countries: countries_in_file, networks: None, scanners: None };
        let of = |address: &str| places.country(address.parse().unwrap()).map(|c| c.to_string());
        assert_eq!(of("133.11.0.1").as_deref(), Some(countries[0]));
        assert_eq!(of("141.20.1.1").as_deref(), Some(countries[1]));
        assert_eq!(of("193.0.6.139"), None);
    }
}

#[test]
fn a_file_of_the_wrong_kind_is_refused() {
    assert_eq!(
        mmdb::networks_in(COUNTRIES.to_vec()).err().as_deref(),
        Some("it names no autonomous system")
    );
    assert_eq!(mmdb::countries_in(NETWORKS.to_vec()).err().as_deref(), Some("it names no country"));
    assert!(mmdb::countries_in(PACKED.to_vec()).is_err());
    assert!(mmdb::countries_in(Vec::new()).is_err());
}

/// A tree whose every node leads to itself on both sides would be walked two to the power of 128 times.
#[test]
fn a_tree_that_leads_back_into_itself_is_refused() {
    let mut file = NETWORKS.to_vec();
    file[..600].fill(0);
    assert!(mmdb::networks_in(file).is_err());
}

#[test]
fn an_mmdb_cut_anywhere_is_refused() {
    for file in [NETWORKS, BOTH, COUNTRIES] {
        for length in 0..file.len() {
            assert!(mmdb::networks_in(file[..length].to_vec()).is_err(), "{length}");
            assert!(mmdb::countries_in(file[..length].to_vec()).is_err(), "{length}");
        }
    }
}

proptest! {
    // Some damage is rare: a value that holds itself came in about one of a thousand files.
    #![proptest_config(ProptestConfig::with_cases(5_000))]
    #[test]
    fn a_damaged_mmdb_is_refused_or_answers_and_never_breaks(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        for file in [NETWORKS, BOTH, COUNTRIES] {
            let mut file = file.to_vec();
            for (at, byte) in &changes {
                let at = at.index(file.len());
                file[at] = *byte;
            }
            fuzz(&file);
        }
    }
}

proptest! {
    #[test]
    fn the_whole_table_cut_anywhere_is_refused_packed_or_not(part in 0.0..1.0_f64) {
        let raw = raw();
        let cut = |bytes: &[u8]| (bytes.len() as f64 * part) as usize;
        prop_assert!(packed::parse(&raw[..cut(&raw)]).is_err());
        prop_assert!(packed::read(&PACKED[..cut(PACKED)]).is_err());
    }

    #[test]
    fn counts_that_lie_are_refused(count in any::<u32>(), second in any::<bool>()) {
        let mut raw = small();
        let counts = [4_u32, 2].map(u32::to_le_bytes);
        let count_of_column = counts[usize::from(second)];
        let at = raw.windows(4).rposition(|four| four == count_of_column).unwrap();
        let there = u32::from_le_bytes(raw[at..at + 4].try_into().unwrap());
        prop_assume!(count != there);
        raw[at..at + 4].copy_from_slice(&count.to_le_bytes());
        prop_assert!(packed::parse(&raw).is_err());
    }

    #[test]
    fn a_damaged_table_is_refused_or_answers_and_never_breaks(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        address in any::<u128>(),
    ) {
        let mut raw = small();
        for (at, byte) in changes {
            let at = at.index(raw.len());
            raw[at] = byte;
        }
        if let Ok(table) = packed::parse(&raw) {
            table.find(Ipv6Addr::from_bits(address).into());
            table.find(Ipv4Addr::from_bits(address as u32).into());
        }
    }

    #[test]
    fn a_lookup_is_what_looking_through_all_ranges_finds(
        begins in prop::collection::btree_map(any::<u32>(), prop::option::of(0_u32..3), 0..50),
        address in any::<u32>(),
        at in any::<prop::sample::Index>(),
    ) {
        let mut column = ranges::Column::default();
        for (begin, value) in &begins {
            prop_assert!(column.begin(*begin, *value));
        }
        let table = ranges::Ranges::new(column, ranges::Column::default());
        let near = begins.keys().nth(at.index(begins.len().max(1))).copied().unwrap_or(address);
        for address in [address, near, near.wrapping_sub(1), near.wrapping_add(1)] {
            let expected = begins.range(..=address).next_back().and_then(|(_, value)| *value);
            prop_assert_eq!(table.find(Ipv4Addr::from_bits(address).into()), expected);
        }
    }
}

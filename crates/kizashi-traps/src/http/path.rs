//! The path of a target as the servers see it: decoded, dots and doubled slashes resolved. Only so much as is needed to know which
//! of the few pages is meant; no path ever reaches a file system.

use super::grammar::Grammar;

/// Path segments after decoding; `None` where the server answers 400 (broken escapes, or above the root).
pub(super) fn normalise(grammar: Grammar, target: &[u8]) -> Option<String> {
    let path = path_of(target);
    let decoded = percent_decode(grammar, path)?;
    let mut segments: Vec<&[u8]> = Vec::new();
    let pieces: Vec<&[u8]> = decoded.split(|byte| *byte == b'/').collect();
    for piece in &pieces {
        match *piece {
            b"" | b"." => {}
            b".." => {
                segments.pop()?;
            }
            name => segments.push(name),
        }
    }
    let directory = matches!(pieces.last(), Some(&(b"" | b"." | b"..")));
    let mut normal = String::new();
    for segment in &segments {
        normal.push('/');
        normal.push_str(&String::from_utf8_lossy(segment));
    }
    if directory {
        normal.push('/');
    }
    Some(normal)
}

/// The path inside an origin-form or absolute-form target, without query and fragment.
fn path_of(target: &[u8]) -> &[u8] {
    let scheme = target.windows(3).position(|window| window == b"://");
    let path = match scheme {
        Some(at) if !target.starts_with(b"/") => {
            let rest = &target[at + 3..];
            rest.iter().position(|byte| *byte == b'/').map_or(&b"/"[..], |slash| &rest[slash..])
        }
        _ => target,
    };
    path.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default()
}

fn percent_decode(grammar: Grammar, path: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|digit| char::from(digit).to_digit(16));
        let value = u8::try_from(digit()? * 16 + digit()?).ok()?;
        match (value, grammar) {
            (0, Grammar::Nginx) => return None,
            // httpd answers 404 to an encoded slash or nothing; no page is called so.
            (0 | b'/', Grammar::Apache) => decoded.push(1),
            _ => decoded.push(value),
        }
    }
    Some(decoded)
}

pub(super) fn has_whole_escapes(path: &[u8]) -> bool {
    percent_decode(Grammar::Netty, path).is_some()
}

/// Escapes resolved where they are whole, and left where they are not.
pub(super) fn decode(path: &[u8]) -> Vec<u8> {
    percent_decode(Grammar::Netty, path).unwrap_or_else(|| path.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(target: &str) -> Option<String> {
        normalise(Grammar::Nginx, target.as_bytes())
    }

    #[test]
    fn dots_slashes_escapes_and_absolute_targets_name_the_same_page() {
        for target in
            ["/", "//", "/a/..", "/./", "/%2e/", "/?q=/../..", "http://x.test", "http://x.test/?a"]
        {
            assert_eq!(normal(target).as_deref(), Some("/"), "{target}");
        }
        assert_eq!(normal("/a//b/../%63").as_deref(), Some("/a/c"));
    }

    #[test]
    fn above_the_root_and_broken_escapes_are_refused_as_measured() {
        for target in ["/../../etc/passwd", "/cgi-bin/.%2e/.%2e/.%2e/bin/sh", "/%zz", "/%4", "/%00"]
        {
            assert_eq!(normal(target), None, "{target}");
        }
        assert!(normalise(Grammar::Apache, b"/%00").is_some());
    }
}

//! How a client begins its HTTP/2 connection, in the form that Akamai published in 2017 ("Passive Fingerprinting of HTTP/2 Clients"):
//! `SETTINGS|WINDOW_UPDATE|PRIORITY|pseudo-header order`, as `1:65536;4:131072|12517377|3:0:0:201|m,p,a,s`.

use std::fmt::Write as _;

use super::frame::{Frame, Priority};

/// Settings and priorities shown.
const SHOWN: usize = 32;

/// What was seen up to the first request.
#[derive(Debug, Default)]
pub(super) struct Fingerprint {
    settings: Option<Vec<(u16, u32)>>,
    update: Option<u32>,
    priorities: Vec<(u32, Priority)>,
    text: Option<String>,
}

impl Fingerprint {
    /// The settings that came with an upgrade from HTTP/1.1.
    pub(super) fn upgraded(settings: Vec<(u16, u32)>) -> Self {
        Self { settings: Some(settings), ..Self::default() }
    }

    pub(super) fn look(&mut self, frame: &Frame) {
        match frame {
            _ if self.text.is_some() => {}
            Frame::Settings(Some(pairs)) if self.settings.is_none() => {
                self.settings = Some(pairs.iter().take(SHOWN).copied().collect());
            }
            Frame::WindowUpdate { stream: 0, increment } if self.update.is_none() => {
                self.update = Some(*increment);
            }
            Frame::Priority { stream, priority } if self.priorities.len() < SHOWN => {
                self.priorities.push((*stream, *priority));
            }
            _ => {}
        }
    }

    /// The fingerprint, fixed by the fields of the first request.
    pub(super) fn text(&mut self, fields: &[(Vec<u8>, Vec<u8>)]) -> &str {
        let Self { settings, update, priorities, text } = self;
        text.get_or_insert_with(|| {
            let pair = |(id, value): &(u16, u32)| format!("{id}:{value}");
            let settings: Vec<String> = settings.iter().flatten().map(pair).collect();
            let mut text = settings.join(";");
            match update {
                Some(update) => write!(text, "|{update}|"),
                None => write!(text, "|00|"),
            }
            .unwrap_or_default();
            let line = |(stream, priority): &(u32, Priority)| {
                let exclusive = u8::from(priority.exclusive);
                format!("{stream}:{exclusive}:{}:{}", priority.on, priority.weight)
            };
            let lines: Vec<String> = priorities.iter().map(line).collect();
            text.push_str(if lines.is_empty() { "0" } else { "" });
            text.push_str(&lines.join(","));
            let pseudo = fields.iter().filter_map(|(name, _)| match name.as_slice() {
                b":method" => Some("m"),
                b":authority" => Some("a"),
                b":scheme" => Some("s"),
                b":path" => Some("p"),
                b":protocol" => Some("t"),
                _ => None,
            });
            let pseudo: Vec<&str> = pseudo.take(SHOWN).collect();
            text.push('|');
            text.push_str(&pseudo.join(","));
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As two browsers were published to begin.
    #[test]
    fn two_browsers_look_as_akamai_has_them() {
        let order = |names: [&str; 4]| {
            names.map(|name| (format!(":{name}").into_bytes(), Vec::new())).to_vec()
        };
        let mut chrome = Fingerprint::default();
        let settings = vec![(1, 65_536), (3, 1000), (4, 6_291_456), (6, 262_144)];
        chrome.look(&Frame::Settings(Some(settings)));
        chrome.look(&Frame::WindowUpdate { stream: 0, increment: 15_663_105 });
        assert_eq!(
            chrome.text(&order(["method", "authority", "scheme", "path"])),
            "1:65536;3:1000;4:6291456;6:262144|15663105|0|m,a,s,p"
        );
        let mut firefox = Fingerprint::default();
        firefox.look(&Frame::Settings(Some(vec![(1, 65_536), (4, 131_072), (5, 16_384)])));
        firefox.look(&Frame::WindowUpdate { stream: 0, increment: 12_517_377 });
        for (stream, on, weight) in [(3, 0, 201), (5, 0, 101), (9, 7, 1)] {
            let priority = Priority { exclusive: false, on, weight };
            firefox.look(&Frame::Priority { stream, priority });
        }
        assert_eq!(
            firefox.text(&order(["method", "path", "authority", "scheme"])),
            "1:65536;4:131072;5:16384|12517377|3:0:0:201,5:0:0:101,9:0:7:1|m,p,a,s"
        );
    }
}

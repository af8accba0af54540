//! The texts that tell how a first segment looks, made once for each look: visitors are many, systems few.

use std::collections::HashMap;

use kizashi_event::HostileText;

use crate::passive::{Scanner, Syn, ja4t, scanner_of, signature, system_of};

/// Looks that are remembered; when there are more, all are made anew. Who forges them wins a few microseconds each.
const MOST_LOOKS: usize = 2_048;

/// What texts are made of.
type Look = [u8; 80];

#[derive(Debug)]
struct Texts {
    signature: HostileText,
    system: Option<HostileText>,
    ja4t: HostileText,
}

/// The texts of looks that were seen.
#[derive(Debug, Default)]
pub(super) struct Looks {
    known: HashMap<Look, Texts>,
    scanners: HashMap<&'static str, HostileText>,
}

impl Looks {
    /// The signature of a first segment, and what it is known as, each with its kind in front.
    pub(super) fn of(
        &mut self,
        syn: &Syn,
        odd: Option<&'static str>,
        has_cookie: bool,
    ) -> (HostileText, Vec<HostileText>) {
        let look = look(syn);
        if self.known.len() >= MOST_LOOKS && !self.known.contains_key(&look) {
            self.known.clear();
        }
        let texts = self.known.entry(look).or_insert_with(|| Texts {
            signature: signature(syn).into(),
            system: system_of(syn).map(|system| format!("os:{system}").into()),
            ja4t: format!("ja4t:{}", ja4t(syn)).into(),
        });
        let signature = texts.signature.clone();
        if let Some(odd) = odd {
            return (signature, vec![format!("probe:{odd}").into()]);
        }
        let scanner = scanner_of(syn).or(has_cookie.then_some(Scanner::Unicornscan));
        let scanner = scanner.map(|scanner| {
            let name = scanner.name();
            let text = self.scanners.entry(name);
            text.or_insert_with(|| format!("scanner:{name}").into()).clone()
        });
        // A scanner's packets are its own and no system's.
        let first = scanner.or_else(|| texts.system.clone());
        (signature, first.into_iter().chain([texts.ja4t.clone()]).collect())
    }
}

/// Everything that the texts depend on, and nothing that differs between packets of one look.
fn look(syn: &Syn) -> Look {
    let (ip, tcp, options) = (&syn.ip, &syn.tcp, &syn.options);
    let (own, peer) = options.timestamps.unwrap_or((1, 0));
    let flags = [
        ip.identification.is_some(),
        ip.identification == Some(0),
        ip.dont_fragment,
        ip.reserved_flag,
        ip.flow_label != 0,
        ip.traffic_class & 3 != 0,
        tcp.sequence == 0,
        tcp.acknowledgement == 0,
        tcp.urgent == 0,
        own == 0,
        peer == 0,
        options.padding_filled,
        options.is_broken,
        options.segment_size.is_some(),
        options.scale.is_some(),
        syn.has_payload,
    ];
    let bits = flags.iter().fold(0_u32, |bits, flag| (bits << 1) | u32::from(*flag));
    let mut look = [0; 80];
    let mut at = 0;
    let mut put = |part: &[u8]| {
        if let Some(place) = look.get_mut(at..at + part.len()) {
            place.copy_from_slice(part);
        }
        at += part.len();
    };
    put(&bits.to_le_bytes());
    put(&[ip.time_to_live, tcp.flags.0, options.scale.unwrap_or_default(), options.padding]);
    put(&ip.options_length.to_le_bytes());
    put(&tcp.window.to_le_bytes());
    put(&options.segment_size.unwrap_or_default().to_le_bytes());
    put(&[u8::try_from(options.kinds().len()).unwrap_or_default()]);
    put(options.kinds());
    look
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::*;
    use crate::dissect::{Flags, Fragment, IpHeader, TcpHeader, TcpOptions};

    proptest! {
        #[test]
        fn a_remembered_look_has_the_texts_that_would_be_made_anew(
            segments in prop::collection::vec(
                (any::<(u8, u8, bool, bool, u16)>(), any::<(u32, u32, u8, u8, u16, u16)>(), prop::collection::vec(0_u8..10, 0..8), any::<(bool, bool)>()),
                1..40,
            ),
        ) {
            let mut looks = Looks::default();
            for (ip, tcp, options, (is_six, has_payload)) in segments {
                let address: IpAddr = if is_six { "2001:db8::1" } else { "192.0.2.1" }.parse().unwrap();
                let ip = IpHeader {
                    source: address,
                    destination: address,
                    time_to_live: ip.0,
                    protocol: 6,
                    traffic_class: ip.1,
                    identification: (!is_six).then_some(ip.4 % 2),
                    dont_fragment: ip.2,
                    reserved_flag: ip.3,
                    flow_label: u32::from(ip.1 & 1),
                    options_length: u16::from(ip.1 & 4),
                    fragment: Fragment::Whole,
                };
                let tcp = TcpHeader {
                    source_port: 1,
                    destination_port: 2,
                    sequence: tcp.0 % 2,
                    acknowledgement: tcp.1 % 2,
                    flags: Flags(tcp.2),
                    reserved: tcp.3 & 1,
                    window: tcp.4,
                    urgent: tcp.5 % 2,
                };
                let syn = Syn { ip, tcp, options: TcpOptions::read(&options), has_payload };
                let (told, marks) = looks.of(&syn, None, false);
                let made = signature(&syn);
                prop_assert_eq!(told.raw(), made.as_str());
                let made = format!("ja4t:{}", ja4t(&syn));
                prop_assert_eq!(marks.last().unwrap().raw(), made.as_str());
            }
        }
    }
}

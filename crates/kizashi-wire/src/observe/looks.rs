//! The texts that tell how a first segment looks, made once for each look: visitors are many, systems few.

use std::collections::HashMap;
use std::sync::Arc;

use kizashi_event::HostileText;

use super::secret::Secret;
use super::tcp::OddProbe;
use crate::passive::{
    Scanner, Syn, distance, largest_packet, signature, system_of, tcp_print, tells_uptime,
};

/// Places for looks that are remembered, a power of two. One that another has the place of is made anew: who forges them wins a few
/// microseconds each.
const PLACES: usize = 2_048;

/// What texts are made of.
type Shape = [u8; 80];

/// What is told of a look.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) signature: HostileText,
    system: Option<HostileText>,
    print: HostileText,
    pub(super) distance: u8,
    pub(super) mtu: Option<u16>,
    /// Whether its clock begins when its system does.
    pub(super) tells_uptime: bool,
}

/// The texts of looks that were seen.
#[derive(Debug, Default)]
pub(super) struct Looks {
    secret: Secret,
    known: Vec<Option<(Shape, Arc<Look>)>>,
    scanners: HashMap<&'static str, HostileText>,
}

impl Looks {
    /// How a first segment looks.
    pub(super) fn of(&mut self, syn: &Syn) -> Arc<Look> {
        let shape = shape(syn);
        if self.known.is_empty() {
            self.known.resize_with(PLACES, || None);
        }
        let place = self.secret.hash(&shape) as usize & (PLACES - 1);
        let Some(place) = self.known.get_mut(place) else { return Arc::new(Look::of(syn)) };
        match place {
            Some((known, look)) if *known == shape => Arc::clone(look),
            _ => {
                let look = Arc::new(Look::of(syn));
                *place = Some((shape, Arc::clone(&look)));
                look
            }
        }
    }

    /// What an attempt is known as, each with its kind in front.
    pub(super) fn marks(
        &mut self,
        look: &Look,
        odd: Option<OddProbe>,
        scanner: Option<Scanner>,
    ) -> Vec<HostileText> {
        if let Some(odd) = odd {
            return vec![format!("probe:{}", odd.name()).into()];
        }
        let scanner = scanner.map(|scanner| {
            let name = scanner.name();
            let text = self.scanners.entry(name);
            text.or_insert_with(|| format!("scanner:{name}").into()).clone()
        });
        // A scanner's packets are its own and no system's.
        let first = scanner.or_else(|| look.system.clone());
        first.into_iter().chain([look.print.clone()]).collect()
    }
}

impl Look {
    fn of(syn: &Syn) -> Self {
        let system = system_of(syn);
        Self {
            signature: signature(syn).into(),
            system: system.map(|system| format!("os:{system}").into()),
            print: format!("tcp:{}", tcp_print(syn)).into(),
            distance: distance(syn.ip.time_to_live),
            mtu: largest_packet(syn),
            tells_uptime: system.is_some_and(tells_uptime),
        }
    }
}

/// Everything that the texts depend on, and nothing that differs between packets of one look.
fn shape(syn: &Syn) -> Shape {
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
    let mut shape = [0; 80];
    let mut at = 0;
    let mut put = |part: &[u8]| {
        if let Some(place) = shape.get_mut(at..at + part.len()) {
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
    shape
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
                let look = looks.of(&syn);
                let made = signature(&syn);
                prop_assert_eq!(look.signature.raw(), made.as_str());
                prop_assert_eq!((look.distance, look.mtu), (distance(syn.ip.time_to_live), largest_packet(&syn)));
                let made = format!("tcp:{}", tcp_print(&syn));
                let marks = looks.marks(&look, None, None);
                prop_assert_eq!(marks.last().unwrap().raw(), made.as_str());
            }
        }
    }
}

//! The program against what dissection says of the same packets, by our interpreter and, where this is root, by the kernel.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::Command;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::dissect::{Body, Dissected, Faults, Frame, LinkType, dissect};
use crate::live::interpreter::{Known, run};

fn plan() -> Plan {
    let ports = |list: &[u16]| PortSet::of(list.iter().copied());
    Plan {
        interfaces: Interfaces::AllBut(vec![7]),
        tcp: Owners {
            trapped: PortSet::of((20..=23).chain([80, 9_200])),
            services: PortSet::of([443, 9_201].into_iter().chain(30_000..30_010)),
        },
        udp: Owners { trapped: ports(&[53]), services: ports(&[443, 51_820]) },
    }
}

/// What the table at the head of the module says of a packet.
fn is_wanted(packet: &[u8], is_inbound: bool, plan: &Plan) -> bool {
    let frame = Frame {
        time: kizashi_event::Timestamp::from_seconds(0),
        link: LinkType::RAW,
        bytes: packet,
        original_length: u32::try_from(packet.len()).unwrap(),
    };
    let Dissected::Packet(packet) = dissect(&frame, &mut Faults::default()) else { return false };
    let own = |source, destination| if is_inbound { destination } else { source };
    match packet.body {
        Body::Tcp(segment) => {
            let (header, flags) = (segment.header, segment.header.flags);
            let port = own(header.source_port, header.destination_port);
            let is_answer = flags.syn() && flags.ack();
            if plan.tcp.trapped.has(port) && is_inbound {
                let is_bare = segment.payload.is_empty();
                !flags.ack() || flags.syn() || flags.rst() || is_bare
            } else if plan.tcp.services.has(port) && !plan.tcp.trapped.has(port) {
                (flags.syn() && !flags.ack()) || (is_inbound && is_answer)
            } else if is_inbound {
                !flags.ack() || flags.syn() || flags.rst()
            } else {
                flags.syn() || flags.rst()
            }
        }
        Body::Udp(datagram) => {
            let port = own(datagram.source_port, datagram.destination_port);
            let is_service = plan.udp.services.has(port);
            !plan.udp.trapped.has(port) && (is_inbound || !is_service)
        }
        Body::Icmp(message) => match (packet.ip.identification.is_some(), is_inbound) {
            (true, true) => true,
            (true, false) => message.kind == 8,
            (false, true) => matches!(message.kind, 1..=4 | 128 | 129 | 139),
            (false, false) => message.kind == 128,
        },
        Body::Fragment | Body::Other => false,
    }
}

#[derive(Clone, Debug)]
struct Made {
    is_six: bool,
    options: usize,
    protocol: u8,
    ports: (u16, u16),
    flags: u8,
    words: u8,
    content: usize,
}

impl Made {
    fn bytes(&self, source: IpAddr, destination: IpAddr, mark: u16) -> Vec<u8> {
        let mut rest = vec![0; self.content];
        let mut transport = Vec::new();
        transport.extend(self.ports.0.to_be_bytes());
        transport.extend(self.ports.1.to_be_bytes());
        match self.protocol {
            6 => {
                transport.extend([0, 0, 0, 1, 0, 0, 0, 0, self.words << 4, self.flags]);
                transport.extend([4, 0, 0, 0, 0, 0]);
                transport.resize(usize::from(self.words) * 4, 1);
            }
            17 => transport.extend(
                u16::try_from(8 + self.content).unwrap().to_be_bytes().into_iter().chain([0, 0]),
            ),
            _ => {
                transport = vec![self.flags % 18, 0, 0, 0, 0, 1, 0, 1];
                if self.is_six {
                    transport[0] = if self.flags.is_multiple_of(2) {
                        self.flags % 6
                    } else {
                        125 + self.flags % 16
                    };
                }
            }
        }
        transport.append(&mut rest);
        let length = transport.len();
        let mut packet = match (source, destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let header = 20 + 4 * self.options;
                let total = u16::try_from(header + length).unwrap();
                let mut packet = vec![0x45 + u8::try_from(self.options).unwrap(), 0];
                packet.extend(total.to_be_bytes());
                packet.extend(mark.to_be_bytes());
                packet.extend([0, 0, 64, self.protocol, 0, 0]);
                packet.extend(source.octets());
                packet.extend(destination.octets());
                packet.resize(header, 1);
                packet
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let [high, low] = mark.to_be_bytes();
                let mut packet = vec![0x60, 0, high, low];
                packet.extend(u16::try_from(length).unwrap().to_be_bytes());
                packet.extend([if self.protocol == 1 { 58 } else { self.protocol }, 64]);
                packet.extend(source.octets());
                packet.extend(destination.octets());
                packet
            }
            _ => unreachable!(),
        };
        packet.extend(transport);
        packet
    }
}

fn made() -> impl Strategy<Value = Made> {
    let port = || {
        prop_oneof![
            prop::sample::select(vec![
                19_u16, 20, 21, 23, 24, 53, 80, 443, 9_200, 9_201, 9_202, 29_999, 30_000, 30_009,
                30_010, 51_820
            ]),
            any::<u16>(),
        ]
    };
    let protocol = prop::sample::select(vec![6_u8, 6, 6, 17, 17, 1]);
    let shape = (any::<bool>(), 0_usize..6, protocol, (port(), port()));
    (shape, any::<u8>(), 5_u8..12, prop_oneof![Just(0), 0_usize..100]).prop_map(
        |((is_six, options, protocol, ports), flags, words, content)| Made {
            is_six,
            options,
            protocol,
            ports,
            flags,
            words,
            content,
        },
    )
}

fn ends(is_six: bool) -> (IpAddr, IpAddr) {
    if is_six {
        (
            Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 1).into(),
            Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 2).into(),
        )
    } else {
        (Ipv4Addr::new(198, 18, 77, 1).into(), Ipv4Addr::new(198, 18, 77, 2).into())
    }
}

proptest! {
    #[test]
    fn the_filter_lets_through_what_dissection_says_and_nothing_else(made in made(), is_inbound in any::<bool>()) {
        let (plan, (source, destination)) = (plan(), ends(made.is_six));
        let program = filter(&plan).unwrap();
        let packet = made.bytes(source, destination, 1);
        let known = Known {
            packet_type: if is_inbound { TO_US } else { BY_US },
            protocol: if made.is_six { IPV6 } else { IPV4 },
            ..Known::default()
        };
        let given = run(&program, &packet, &known);
        prop_assert_eq!(given > 0, is_wanted(&packet, is_inbound, &plan), "{:?}", made);
        // What a real service is sent never comes to us but for the head of it.
        let own = if is_inbound { made.ports.1 } else { made.ports.0 };
        if made.protocol == 17 && plan.udp.services.has(own) && given > 0 {
            prop_assert_eq!(given as usize, packet.len() - made.content);
        }
        // Elsewhere nothing is taken at all.
        for elsewhere in [
            Known { hardware_type: LOOPBACK, ..known },
            Known { interface: 7, ..known },
            Known { is_tagged: true, ..known },
            Known { packet_type: 1, ..known },
            Known { packet_type: 3, ..known },
            Known { protocol: 0x0806, ..known },
        ] {
            prop_assert_eq!(run(&program, &packet, &elsewhere), 0);
        }
    }

    #[test]
    fn a_packet_cut_anywhere_ends_the_filter_and_harms_nothing(made in made(), at in 0_usize..80) {
        let (source, destination) = ends(made.is_six);
        let packet = made.bytes(source, destination, 1);
        let known = Known { protocol: if made.is_six { IPV6 } else { IPV4 }, ..Known::default() };
        run(&filter(&plan()).unwrap(), &packet[..at.min(packet.len())], &known);
    }
}

#[test]
fn later_pieces_are_left_out_and_extension_headers_left_to_dissection() {
    let program = filter(&plan()).unwrap();
    let made = Made {
        is_six: false,
        options: 0,
        protocol: 17,
        ports: (1, 9),
        flags: 0,
        words: 5,
        content: 8,
    };
    let (source, destination) = ends(false);
    let mut later = made.bytes(source, destination, 1);
    later[7] = 3;
    assert_eq!(run(&program, &later, &Known::default()), 0);
    let (source, destination) = ends(true);
    let known = Known { protocol: IPV6, ..Known::default() };
    for (next, given) in [(0, DATAGRAM), (44, DATAGRAM), (50, 0), (89, 0)] {
        let mut packet = Made { is_six: true, ..made.clone() }.bytes(source, destination, 1);
        packet[6] = next;
        assert_eq!(run(&program, &packet, &known), given, "{next}");
    }
}

#[test]
fn named_interfaces_alone_are_taken_also_with_a_tag() {
    let only = Plan { interfaces: Interfaces::Only(vec![3, 4]), ..plan() };
    let program = filter(&only).unwrap();
    let made = Made {
        is_six: false,
        options: 0,
        protocol: 6,
        ports: (1, 9),
        flags: 2,
        words: 5,
        content: 0,
    };
    let (source, destination) = ends(false);
    let packet = made.bytes(source, destination, 1);
    for (interface, given) in [(2, 0), (3, HEADERS), (4, HEADERS), (5, 0)] {
        let known = Known { interface, is_tagged: true, ..Known::default() };
        assert_eq!(run(&program, &packet, &known), given, "{interface}");
    }
}

#[test]
fn any_set_of_ports_within_the_bound_makes_a_program_and_a_larger_one_is_refused() {
    let scattered = |count: u16| PortSet::of((0..count).map(|number| number * 7 + 1));
    let most = u16::try_from(MOST_RANGES).unwrap();
    let with = |count| {
        let owners = Owners { services: scattered(count), ..Owners::default() };
        Plan { tcp: owners.clone(), udp: owners, ..plan() }
    };
    let program = filter(&with(most)).unwrap();
    let (source, destination) = ends(false);
    for port in 0..most * 7 {
        let made = Made {
            is_six: false,
            options: 0,
            protocol: 6,
            ports: (1, port),
            flags: 4,
            words: 5,
            content: 0,
        };
        let given = run(&program, &made.bytes(source, destination, 1), &Known::default());
        assert_eq!(given == 0, port % 7 == 1, "{port}: only a service's refusals are left out");
    }
    assert_eq!(filter(&with(most + 1)), Err(TooMuch));
}

/// Two network namespaces with a cable between, for as long as this lives.
struct Cable(String);

impl Cable {
    fn lay() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: only root may make network namespaces");
            return None;
        }
        let cable = Self(format!("kzf{}", std::process::id()));
        let name = &cable.0;
        let (one, two) = (format!("{name}a"), format!("{name}b"));
        let lines = [
            format!("netns add {one}"),
            format!("netns add {two}"),
            format!(
                "-n {one} link add v0 address 02:00:00:00:77:01 type veth peer name v0 address 02:00:00:00:77:02 netns {two}"
            ),
            format!("-n {one} addr add 198.18.77.1/24 dev v0"),
            format!("-n {two} addr add 198.18.77.2/24 dev v0"),
            format!("-n {one} addr add fd77::1/64 dev v0 nodad"),
            format!("-n {two} addr add fd77::2/64 dev v0 nodad"),
            format!("-n {one} link set v0 up"),
            format!("-n {two} link set v0 up"),
            // Who asks first for an address may have what waits for it dropped.
            format!("-n {one} neigh add 198.18.77.2 lladdr 02:00:00:00:77:02 dev v0"),
            format!("-n {one} neigh add fd77::2 lladdr 02:00:00:00:77:02 dev v0"),
        ];
        for line in &lines {
            let done = Command::new("ip").args(line.split_whitespace()).status();
            if !done.is_ok_and(|status| status.success()) {
                println!("skipped: `ip {line}` failed");
                return None;
            }
        }
        Some(cable)
    }

    /// Does something in one of them.
    fn inside<T: Send>(&self, end: &str, what: impl FnOnce() -> T + Send) -> T {
        let path = format!("/run/netns/{}{end}", self.0);
        std::thread::scope(|scope| {
            let inside = scope.spawn(|| {
                use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
                use std::os::fd::AsFd as _;
                let space = std::fs::File::open(path).unwrap();
                move_into_link_name_space(space.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
                what()
            });
            inside.join().unwrap()
        })
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for end in ["a", "b"] {
            let _ = Command::new("ip").args(["netns", "del", &format!("{}{end}", self.0)]).status();
        }
    }
}

/// Packets are sent by raw sockets, which write what they are given but for sums that they complete.
#[test]
fn the_kernel_lets_through_what_the_interpreter_does() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    use rustix::net::{AddressFamily, SendFlags, SocketType, ipproto, sendto, socket};
    let Some(cable) = Cable::lay() else { return };
    let mut runner = TestRunner::deterministic();
    let all: Vec<Made> =
        (0..600).map(|_| made().new_tree(&mut runner).unwrap().current()).collect();
    let plan = plan();
    let program = filter(&plan).unwrap();
    let mut ring = cable.inside("b", || {
        let socket = crate::live::open().unwrap();
        crate::live::aim(std::os::fd::AsFd::as_fd(&socket), &plan).unwrap();
        crate::live::ring::Ring::new(socket).unwrap()
    });
    let mut wanted = std::collections::BTreeMap::new();
    cable.inside("a", || {
        let raw = |family| socket(family, SocketType::RAW, Some(ipproto::RAW)).unwrap();
        let (four, six) = (raw(AddressFamily::INET), raw(AddressFamily::INET6));
        for (made, mark) in all.iter().zip(1_u16..) {
            let (source, destination) = ends(made.is_six);
            let packet = made.bytes(source, destination, mark);
            let known =
                Known { protocol: if made.is_six { IPV6 } else { IPV4 }, ..Known::default() };
            let socket = if made.is_six { &six } else { &four };
            sendto(socket, &packet, SendFlags::empty(), &SocketAddr::new(destination, 0)).unwrap();
            let given = run(&program, &packet, &known) as usize;
            if given > 0 {
                wanted.insert((made.is_six, mark), given.min(packet.len()));
            }
        }
    });
    assert!(wanted.len() > 100, "{}", wanted.len());
    let mut came = std::collections::BTreeMap::new();
    let began = Instant::now();
    while came != wanted && began.elapsed() < Duration::from_secs(10) {
        let taken = ring.read_block(&mut |frame| {
            let Dissected::Packet(packet) = dissect(frame, &mut Faults::default()) else { return };
            let is_six = packet.ip.identification.is_none();
            if packet.ip.source == ends(is_six).0 {
                let mark = packet.ip.identification.unwrap_or(packet.ip.flow_label as u16);
                // What the kernel of the sender says for itself has no mark.
                if mark != 0 && usize::from(mark) <= all.len() {
                    came.insert((is_six, mark), frame.bytes.len());
                }
            }
        });
        if !taken {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    assert_eq!(came, wanted);
    let (passed, dropped) = ring.statistics().unwrap();
    assert!(passed >= wanted.len() as u64 && dropped == 0, "{passed}, {dropped}");
}

"""Packets of every kind that is read, and many that lie, made by scapy into the classic capture named first (Ethernet)."""
import sys

from scapy.all import (
    ARP, Dot1AD, Dot1Q, Ether, GRE, ICMP, ICMPv6DestUnreach, ICMPv6EchoRequest, IP, IPOption, IPv6, IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, PPP, PPPoE, Padding, Raw, SCTP, TCP, UDP, fragment, wrpcap)

# Named, so that nobody is asked for them.
link = Ether(src="02:00:00:00:00:02", dst="02:00:00:00:00:01")
V, O, V6, O6 = "198.18.0.9", "192.0.2.1", "2001:db8::9", "2001:db8::1"
four, six = IP(src=V, dst=O, id=7), IPv6(src=V6, dst=O6)


def both(transport):
    return [four / transport, six / transport]


sound = []
# Every flag, alone and in pairs, and the bits above them.
for flags in [0] + [1 << n for n in range(9)] + [0x12, 0x29, 0x3F, 0x1FF]:
    sound += both(TCP(sport=40000, dport=80, seq=1, ack=2, flags=flags, window=flags + 1))
for seq, ack, window, urgent in [(0, 0, 0, 0), (2**32 - 1, 2**31, 65535, 65535), (1, 0, 1024, 7)]:
    sound += both(TCP(sport=1, dport=65535, seq=seq, ack=ack, window=window, urgptr=urgent, flags="SU"))
for options in [
    [("MSS", 1460)],
    [("MSS", 1460), ("NOP", None), ("WScale", 8), ("NOP", None), ("NOP", None), ("SAckOK", b"")],
    [("MSS", 65495), ("SAckOK", b""), ("Timestamp", (2**32 - 1, 1)), ("NOP", None), ("WScale", 14)],
    [("MSS", 1460), ("NOP", None), ("WScale", 6), ("NOP", None), ("NOP", None), ("Timestamp", (9, 0)), ("SAckOK", b""), ("EOL", None)],
    [("NOP", None)] * 40,
    [("MSS", 536)] * 10,
    [("WScale", 10), ("NOP", None), ("MSS", 265), ("Timestamp", (2**32 - 1, 0)), ("SAckOK", b"")],
]:
    sound += both(TCP(sport=40000, dport=443, flags="S", options=options))
for size in [0, 1, 2, 1399, 8960]:
    sound += both(TCP(sport=40000, dport=25, flags="PA", seq=5, ack=6) / Raw(b"j" * size))
    sound += both(UDP(sport=40000, dport=5060) / Raw(b"u" * size))
for kind, code in [(8, 0), (0, 0), (13, 0), (17, 0)]:
    sound.append(four / ICMP(type=kind, code=code))
sound += [four / ICMP(type=3, code=3) / IP(src=O, dst=V) / UDP(sport=53, dport=4000), six / ICMPv6EchoRequest(),
          six / ICMPv6DestUnreach(code=4) / IPv6(src=O6, dst=V6) / UDP(sport=53, dport=4000)]
for ttl in [1, 33, 64, 128, 255]:
    sound += [IP(src=V, dst=O, ttl=ttl, id=ttl, flags="DF") / TCP(dport=22), IPv6(src=V6, dst=O6, hlim=ttl) / TCP(dport=22)]
sound.append(IP(src=V, dst=O, options=[IPOption(b"\x94\x04\x00\x00"), IPOption(b"\x01")]) / TCP(dport=23, flags="S"))
sound += [
    six / IPv6ExtHdrHopByHop() / TCP(dport=23, flags="S"),
    six / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / IPv6ExtHdrRouting() / UDP(dport=69) / Raw(b"x"),
    six / IPv6ExtHdrFragment(offset=0, m=0, id=1) / TCP(dport=24, flags="S"),
]
# Fragments in order, backwards, overlapping (teardrop), and of one another's place.
whole = four / UDP(sport=40000, dport=40001) / Raw(bytes(range(256)) * 12)
pieces = fragment(whole, 512)
sound += pieces + pieces[::-1]
sound += [IP(src=V, dst=O, id=9, flags="MF", frag=0) / UDP(sport=7, dport=7, len=100) / Raw(b"a" * 48),
          IP(src=V, dst=O, id=9, frag=3, proto=17) / Raw(b"b" * 40), IP(src=V, dst=O, id=9, frag=0) / UDP(sport=8, dport=8) / Raw(b"c" * 16)]
sound += [four / SCTP(), four / GRE() / IP(src=O, dst=V) / TCP()]

framed = [link / packet for packet in sound]
framed += [link / Dot1Q(vlan=5) / four / TCP(dport=81), link / Dot1AD(vlan=7) / Dot1Q(vlan=5) / six / TCP(dport=82),
           link / PPPoE(sessionid=1) / PPP() / four / TCP(dport=83), link / four / TCP(dport=84) / Padding(b"\0" * 20), link / ARP()]

# What lies: lengths, versions, sums, headers cut short at every byte.
tcp = bytes(link / four / TCP(dport=90, flags="S", options=[("MSS", 1460), ("NOP", None), ("WScale", 8)]))
udp = bytes(link / six / UDP(dport=91) / Raw(b"x" * 9))
liars = [tcp[:n] for n in range(14, len(tcp))] + [udp[:n] for n in range(14, len(udp))]
for base in (tcp, udp):
    for at in range(12, len(base)):
        for value in (0, 1, 0x7F, 0xFF):
            liars.append(base[:at] + bytes([value]) + base[at + 1:])
framed += [Ether(bytes(one)) if len(one) >= 14 else Raw(one) for one in liars]
wrpcap(sys.argv[1], framed)
print(len(sound) + 5, len(liars))

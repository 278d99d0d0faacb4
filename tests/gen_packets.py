#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Packets for the parser's test, each with the answer that it must get.

    gen_packets.py DIRECTORY

writes LINK.pcap and LINK.expect for each link type: every link type, encapsulation, network header and
transport, and all combinations of two of them. The answers come from how a packet was put together, never from
reading it again. Headers are written by scapy one at a time and joined here: building whole packets in scapy
would take minutes. Seeded: the same files each time.

A line of LINK.expect belongs to one packet of LINK.pcap, counted from 0, and to the sets of tunnels to take off
("masks": bit m stands for decapsulate == m) that give this answer:

    N MASKS ip NAME version bytes src dst protocol port_src port_dst flags mac_src mac_dst vlans A C P END
    N MASKS not_ip NAME END

A: both addresses lie before this offset, C: the chain of IPv6 extension headers does, P: so do the ports.
END: what lies behind is padding. MASKS may be empty: a header that decides only where a cut hides its tunnel.
"""

import itertools
import random
import struct
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from scapy.contrib.erspan import ERSPAN_II, ERSPAN_III, ERSPAN_PlatformSpecific
from scapy.contrib.gtp import GTP_U_Header
from scapy.contrib.mpls import MPLS
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (ICMPv6EchoRequest, IPv6, IPv6ExtHdrFragment,
                                IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, MIP6MH_BRR)
from scapy.layers.ipsec import AH
from scapy.layers.l2 import ARP, GRE, CookedLinux, CookedLinuxV2, Dot1Q, Ether
from scapy.layers.ppp import PPPoE
from scapy.layers.sctp import SCTP
from scapy.layers.vxlan import VXLAN

RNG = random.Random(131279)
GRE_BIT, ERSPAN_BIT, VXLAN_BIT, IPIP_BIT, GTPU_BIT = 1, 2, 4, 8, 16
NO_FLOW = 1
MAC_NONE = 2**64 - 1


@dataclass(frozen=True)
class Level:
    """One possible answer: an IP header and its transport, or not_ip. Offsets from the packet's start."""
    ip: bool
    bit: int = 0         # the tunnel between this header and the next level; 0: there is no next
    link: tuple = None   # (source MAC, destination MAC, VLANs), None: as the level above has it
    answer: tuple = ()   # version bytes src dst protocol port_src port_dst flags
    offsets: tuple = ()  # A, C, P


@dataclass(frozen=True)
class Packet:
    data: bytes
    ids: dict            # how a lower layer names this one: "et", "ppp", "family", "proto", "gre"
    levels: tuple
    end: int             # of what is meant to be there
    tags: tuple = ()     # VLANs that the next Ethernet header outside takes for its own
    name: str = ""

    def under(self, header, ids, name, pad=b""):
        """This packet behind a header, and before padding."""
        n = len(header)
        levels = tuple(replace(v, offsets=tuple(o + n for o in v.offsets)) for v in self.levels)
        return replace(self, data=header + self.data + pad, ids=ids, levels=levels, end=self.end + n,
                       name=name + "/" + self.name)

    def first(self, **changes):
        return replace(self, levels=(replace(self.levels[0], **changes),) + self.levels[1:])

    def tagged(self, tags):
        """With these tags in front; more than the parser goes through make it not_ip."""
        tags += self.tags
        return replace(self, tags=tags, levels=self.levels if len(tags) <= 4 else (Level(False),))


def mac():
    """A MAC address as text and as number."""
    number = 2 << 40 | RNG.randrange(2**40)
    return ":".join("%02x" % octet for octet in number.to_bytes(6, "big")), number


def not_ip(data, ids, name):
    return Packet(data, ids, (Level(False),), len(data), name=name)


# --- transport: (protocol, bytes, port_src, port_dst, octets that hold the ports)

def transport(name):
    s, d = RNG.randrange(1, 65536), RNG.choice([53, 80, 443, 5060, 6881, 50000])
    tail = RNG.randbytes(RNG.randrange(0, 24))
    if name == "tcp":
        return 6, bytes(TCP(sport=s, dport=d, chksum=1)) + tail, s, d, 4
    if name in ("udp", "udplite"):
        header = bytes(UDP(sport=s, dport=d, len=8 + len(tail), chksum=1))
        return 17 if name == "udp" else 136, header + tail, s, d, 4
    if name == "sctp":
        return 132, bytes(SCTP(sport=s, dport=d, chksum=1)) + tail, s, d, 4
    if name == "dccp":  # RFC 4340, a Data packet with long sequence numbers
        return 33, struct.pack("!HHBBHBBHI", s, d, 4, 0, 0, 5, 0, 0, 1) + tail, s, d, 4
    if name == "icmp":
        kind, code = RNG.choice([(8, 0), (0, 0), (3, 1), (11, 0)])
        return 1, bytes(ICMP(type=kind, code=code, chksum=1)) + tail, kind, code, 2
    if name == "icmpv6":
        kind, code = RNG.choice([128, 129, 1]), RNG.randrange(4)
        return 58, bytes(ICMPv6EchoRequest(type=kind, code=code, cksum=1)) + tail, kind, code, 2
    if name == "none":
        return 59, tail or b"\0", 0, 0, 0  # a payload length of 0 would mean the frame's own
    return RNG.choice([2, 50, 89, 253]), RNG.randbytes(8) + tail, 0, 0, 0


TWO = ("ip4", "ip6"), ("tcp", "udp")  # where the kind does not matter
TRANSPORTS = ["tcp", "udp", "udplite", "sctp", "dccp", "icmp", "icmpv6", "other", "none"]


# --- network

EXTENSIONS = {"hbh": 0, "routing": 43, "fragment": 44, "ah": 51, "dst": 60, "mh": 135, "hip": 139,
              "shim6": 140, "first": 44, "later": 44}


def extension(name, next_header):
    if name == "hbh":
        return bytes(IPv6ExtHdrHopByHop(nh=next_header))
    if name == "dst":  # two units long
        return struct.pack("!BB", next_header, 1) + bytes([1, 12]) + bytes(12)
    if name == "routing":
        n = RNG.randrange(3)
        return bytes(IPv6ExtHdrRouting(nh=next_header, addresses=["2001:db8::%x" % i for i in range(n)]))
    if name in ("fragment", "first", "later"):
        offset = RNG.randrange(1, 8000) if name == "later" else 0
        more = 1 if name == "first" else RNG.randrange(2) if name == "later" else 0
        return bytes(IPv6ExtHdrFragment(nh=next_header, offset=offset, m=more, id=RNG.randrange(2**32)))
    if name == "ah":  # in units of four octets, less two; 24 octets here
        return bytes(AH(nh=next_header, payloadlen=4, spi=7, seq=1, icv=RNG.randbytes(12), padding=b""))
    if name == "mh":
        return bytes(MIP6MH_BRR(nh=next_header, len=0, cksum=1))[:8]
    if name == "hip":  # RFC 7401: 40 octets, no parameters
        return struct.pack("!BBBBHH", next_header, 4, 1, 0x21, 1, 0) + RNG.randbytes(32)
    return struct.pack("!BBBBI", next_header, 0, 0x80, 0, 1)  # shim6 payload header, RFC 5533


def network(form, load, protocol, ports=(0, 0), ports_octets=0, bit=0, fragment=""):
    """An IP header of a form ("ip4", "ip4opt", "ip6", "ip6+hbh+ah") before the Packet or the bytes `load`.
    `bit`: `load` is a tunnel's; `fragment`: "first" or "later"."""
    inner = load if isinstance(load, Packet) else Packet(load, {}, (), len(load))
    names = form.split("+")[1:] + ([fragment] if fragment and form.startswith("ip6") else [])
    later = fragment == "later" or "later" in names
    if form.startswith("ip4"):
        options = [] if form == "ip4" else [b"\x94\x04\x00\x00", b"\x07\x0b\x04" + bytes(8) + b"\x00"]
        options = b"".join(options)[:RNG.choice([4, 16])] if options else b""
        a, b = (".".join(str(RNG.randrange(256)) for _ in range(4)) for _ in range(2))
        offset = RNG.randrange(1, 8000) if later else 0
        more = 1 if fragment == "first" else 0
        ihl = 5 + len(options) // 4
        total = 4 * ihl + len(inner.data)
        header = bytes(IP(src=a, dst=b, ihl=5, len=total, proto=protocol, id=RNG.randrange(65536),
                          flags=("MF" if more else RNG.choice(["", "DF"])), frag=offset, chksum=1))
        header = bytes([0x40 | ihl]) + header[1:] + options
        ids = {"et": 0x0800, "ppp": 0x21, "family": 2, "proto": 4, "gre": 0x0800}
        version, addresses, chain = 4, 20, 20
    else:
        a, b = (":".join("%x" % RNG.randrange(65536) for _ in range(8)) for _ in range(2))
        seen = protocol
        chain_bytes = b""
        for name in reversed(names):  # each header names the one behind it
            chain_bytes = extension(name, protocol) + chain_bytes
            if name == "later":
                seen = protocol  # what lies behind is somewhere in the middle of the first fragment's
            protocol = EXTENSIONS[name]
        total = 40 + len(chain_bytes) + len(inner.data)
        header = bytes(IPv6(src=a, dst=b, plen=total - 40, nh=protocol, fl=RNG.randrange(2**20))) + chain_bytes
        protocol = seen
        ids = {"et": 0x86dd, "ppp": 0x57, "family": 30, "proto": 41, "gre": 0x86dd}
        version, addresses, chain = 6, 40, len(header)
    if later:
        ports, ports_octets = (0, 0), 0
    if later or fragment == "first":  # what a fragment holds of a tunnel is not taken off
        bit, inner = 0, replace(inner, levels=())
    level = Level(True, bit=bit, offsets=(addresses, chain, len(header) + ports_octets),
                  answer=(version, total, a, b, protocol) + tuple(ports) + (NO_FLOW if later else 0,))
    built = inner.under(header, ids, form + ("-" + fragment if fragment else ""))
    return replace(built, levels=(level,) + built.levels, end=len(built.data))


def leaf(form, name, fragment=""):
    protocol, data, s, d, octets = transport(name)
    built = network(form, data, protocol, (s, d), octets, 0, fragment)
    return replace(built, name=built.name + name)


# --- encapsulations: functions from the Packet inside to the Packet outside, None where that cannot be

def vlan(tpids):
    def wrap(inner):
        for tpid in reversed(tpids):
            vid, et = RNG.choice([0, 1, 100, 200, 4095]), inner.ids.get("et")
            if et is None:
                return None
            header = bytes(Dot1Q(prio=RNG.randrange(8), vlan=vid, type=et))
            inner = inner.under(header, {"et": tpid}, "vlan%x" % tpid).tagged((vid,))
        return inner
    return wrap


def mpls(count, pseudowire=False):
    def wrap(inner):
        if pseudowire:
            inner = ethernet(inner, outermost=False)
            if inner is None:
                return None
            # The MAC addresses in there are the customer's, not this link's; its tags are behind this link's.
            inner = inner.tagged(inner.levels[0].link[2]).first(link=None)
            inner = inner.under(struct.pack("!I", RNG.randrange(65536)), {"label": 1}, "pw")
        elif "family" not in inner.ids:
            return None
        for i in range(count):
            label = MPLS(label=RNG.randrange(16, 2**20), cos=RNG.randrange(8), s=int(i == 0), ttl=64)
            inner = inner.under(bytes(label), {}, "")
        if count > 16:
            inner = replace(inner, levels=(Level(False),))
        name = "mpls%d/" % count + inner.name.lstrip("/")
        return replace(inner, ids={"et": RNG.choice([0x8847, 0x8848]), "ppp": 0x281, "gre": 0x8847}, name=name)
    return wrap


def ppp_protocol(ids, prefix, compressed):
    value = ids.get("ppp")
    if value is None or (compressed and value > 255):
        return None
    return prefix + struct.pack("!B" if compressed else "!H", value)


def pppoe(compressed):
    def wrap(inner):
        ppp = ppp_protocol(inner.ids, b"", compressed)
        if ppp is None:
            return None
        header = bytes(PPPoE(sessionid=RNG.randrange(1, 65535), len=len(ppp + inner.data))) + ppp
        inner = inner.under(header, {"et": 0x8864, "pppoe": 1}, "pppoe")
        return replace(inner, end=len(inner.data))
    return wrap


def through(inner, header, protocol, bit, name, carrier=None, fragment="", port=0):
    """A tunnel's header and the IP header that carries it."""
    carrier = carrier or RNG.choice(["ip4", "ip4", "ip6", "ip4opt", "ip6+dst"])
    inner = inner.under(header, {}, name)
    if port:
        s = RNG.randrange(1024, 65536)
        udp = bytes(UDP(sport=s, dport=port, len=8 + len(inner.data), chksum=1))
        return network(carrier, inner.under(udp, {}, ""), 17, (s, port), 4, bit, fragment)
    return network(carrier, inner, protocol, bit=bit, fragment=fragment)


def gre(flags, kind, **how):
    def wrap(inner):
        if kind == "eth":
            inner = ethernet(inner, outermost=False)
        protocol = inner and inner.ids.get("gre")
        if protocol is None or (kind == "ip" and protocol not in (0x0800, 0x86dd)):
            return None
        header = bytes(GRE(chksum_present=int("C" in flags), key_present=int("K" in flags),
                           seqnum_present=int("S" in flags), proto=protocol, chksum=1, offset=0, key=77,
                           sequence_number=5))
        return through(inner, header, 47, GRE_BIT, "gre%s-%s" % (flags, kind), **how)
    return wrap


def erspan(kind, **how):
    def wrap(inner):
        inner = ethernet(inner, outermost=False)
        if inner is None:
            return None
        session = dict(vlan=RNG.randrange(4096), session_id=RNG.randrange(1024))
        header = bytes(GRE(seqnum_present=int(kind != "1"), sequence_number=9,
                           proto=0x22eb if kind[0] == "3" else 0x88be))
        if kind == "2":
            header += bytes(ERSPAN_II(ver=1, **session))
        elif kind[0] == "3":
            header += bytes(ERSPAN_III(ver=2, o=int(kind == "3o"), **session))
            header += bytes(ERSPAN_PlatformSpecific()) if kind == "3o" else b""
        return through(inner, header, 47, ERSPAN_BIT, "erspan" + kind, **how)
    return wrap


def vxlan(**how):
    def wrap(inner):
        inner = ethernet(inner, outermost=False)
        if inner is None:
            return None
        return through(inner, bytes(VXLAN(flags=8, vni=RNG.randrange(2**24))), 17, VXLAN_BIT, "vxlan", port=4789,
                       **how)
    return wrap


def ipip(carrier_form, **how):
    def wrap(inner):
        if "proto" not in inner.ids:
            return None
        how_ = how if how.get("carrier") else dict(how, carrier=carrier_form)
        return through(inner, b"", inner.ids["proto"], IPIP_BIT, "ipip", **how_)
    return wrap


def gtpu(optional, **how):
    def wrap(inner):
        if "family" not in inner.ids:
            return None
        extensions = b""
        if "E" in optional:  # one of 4 octets; the second E adds one of 12
            extensions = b"\x01\x10\x09" + (b"\x00" if optional.count("E") == 1 else b"\xc0\x03" + bytes(10) + b"\x00")
        header = bytes(GTP_U_Header(E=int("E" in optional), S=int("S" in optional), PN=int("N" in optional),
                                    gtp_type=255, teid=RNG.randrange(2**32), seq=1, npdu=1, next_ex=0x85,
                                    length=(4 if optional else 0) + len(extensions) + len(inner.data)))
        return through(inner, header + extensions, 17, GTPU_BIT, "gtpu" + optional, port=2152, **how)
    return wrap


TAGS = ([[t] * n for t in (0x8100, 0x88a8, 0x9100) for n in (1, 2, 3, 4)]
        + [[0x88a8, 0x8100], [0x9100, 0x88a8, 0x8100, 0x8100], [0x8100] * 5])
TUNNELS = ([(gre, (f, "ip")) for f in ("", "C", "K", "S", "CK", "CS", "KS", "CKS")]
           + [(gre, ("", "eth")), (gre, ("CKS", "eth")), (gre, ("", "mpls"))]
           + [(erspan, (k,)) for k in ("1", "2", "3", "3o")] + [(vxlan, ())]
           + [(ipip, (c,)) for c in ("ip4", "ip6")]
           + [(gtpu, (o,)) for o in ("", "S", "N", "SN", "E", "EE", "SNE")])
ENCAPSULATIONS = ([vlan(t) for t in TAGS] + [mpls(n) for n in range(1, 18)] + [mpls(n, True) for n in (1, 2)]
                  + [pppoe(False), pppoe(True)] + [make(*args) for make, args in TUNNELS])


# --- links

def ethernet(inner, outermost=True):
    et = inner.ids.get("et")
    if et is None:
        return None
    (a, a_number), (b, b_number) = mac(), mac()
    pad = RNG.randbytes(RNG.choice([0, 0, 4, 17])) if outermost or RNG.random() < 0.1 else b""
    tags, built = inner.tags, inner.under(bytes(Ether(src=a, dst=b, type=et)), {"gre": 0x6558}, "eth", pad)
    return replace(built.first(link=(a_number, b_number, tags)), tags=())


def cooked(version):
    def wrap(inner):
        et, number = inner.ids.get("et"), RNG.choice([mac()[1], MAC_NONE])
        if et is None:
            return None
        raw = number.to_bytes(6, "big") if number != MAC_NONE else b""
        if version == 1:
            header = bytes(CookedLinux(pkttype=0, lladdrtype=1, lladdrlen=len(raw), src=raw.ljust(8, b"\0"), proto=et))
        else:
            header = bytes(CookedLinuxV2(proto=et, ifindex=3, lladdrtype=1, lladdrlen=len(raw), src=raw.ljust(8, b"\0")))
        return replace(inner.under(header, {}, "sll%d" % version).first(link=(number, MAC_NONE, inner.tags)), tags=())
    return wrap


def bare(kind):
    """Links without addresses: `kind` makes the header from the packet's identifiers, or None."""
    def wrap(inner):
        header = kind(inner.ids)
        return None if header is None else inner.under(header, {}, "").first(link=(MAC_NONE, MAC_NONE, ()))
    return wrap


def family(order):
    def header(ids):
        value = ids.get("family")
        value = RNG.choice([24, 28, 30]) if value == 30 else value
        return value and struct.pack(order + "I", value)
    return header


def ppp(prefix, compressed):
    return bare(lambda ids: ppp_protocol(ids, prefix, compressed))


LINKS = [  # file, LINKTYPE, wrapper
    ("ethernet", 1, ethernet),
    ("raw", 101, bare(lambda ids: b"" if "family" in ids else None)),
    ("ipv4", 228, bare(lambda ids: b"" if ids.get("family") == 2 else None)),
    ("ipv6", 229, bare(lambda ids: b"" if ids.get("family") == 30 else None)),
    ("sll", 113, cooked(1)),
    ("sll2", 276, cooked(2)),
    ("null", 0, bare(family("<"))),
    ("null", 0, bare(family(">"))),
    *[("ppp", 9, ppp(head, compressed)) for head in (b"", b"\xff\x03") for compressed in (False, True)],
    ("pppoe", 51, bare(lambda ids: b"" if "pppoe" in ids else None)),
]


# --- combinations

def forms():
    names = "hbh routing dst fragment ah mh hip shim6".split()
    return (["ip4", "ip4opt", "ip6"] + ["ip6+" + n for n in names]
            + ["ip6+%s+%s" % p for p in itertools.product(names, names)] + ["ip6+later+" + n for n in names])


def fits(form, name):
    return name not in ("icmpv6", "none") if form.startswith("ip4") else name != "icmp"


def inner_packets():
    """Network x transport, each whole, as first and as later fragment."""
    for form in forms():
        for name in TRANSPORTS:
            if fits(form, name):
                yield leaf(form, name)
        for fragment in ("first", "later"):
            yield leaf(form, RNG.choice(["tcp", "udp"]), fragment)


def tunnels_by_carrier():
    for (make, args), form in itertools.product(TUNNELS, forms()):
        for fragment in ("", "first", "later"):
            yield make(*args, carrier=form, fragment=fragment)(leaf(RNG.choice(["ip4", "ip6"]), "tcp"))


def wrapped(wrappers, packets):
    """The wrappers that fit, tried on packets of both families."""
    for wrap in wrappers:
        for packet in packets():
            built = wrap(packet)
            if built is not None:
                yield built


def representatives():
    """A few packets of each network form and transport, to go into each encapsulation."""
    for form in forms():
        yield leaf(form, RNG.choice([n for n in TRANSPORTS if fits(form, n)]))
    for name, form in itertools.product(TRANSPORTS, ("ip4", "ip6")):
        if fits(form, name):
            yield leaf(form, name)
    for fragment, form in itertools.product(("first", "later"), ("ip4", "ip6")):
        yield leaf(form, "udp", fragment)
    arp = bytes(ARP(psrc="192.0.2.1", pdst="192.0.2.2", hwsrc=mac()[0]))
    yield not_ip(arp, {"et": 0x0806}, "arp")
    yield not_ip(RNG.randbytes(30), {"et": 0x88cc}, "lldp")
    yield not_ip(b"\x01\x01\x00\x04", {"ppp": 0xc021}, "lcp")


def all_packets():
    many = itertools.chain(inner_packets(), tunnels_by_carrier(), wrapped(ENCAPSULATIONS, representatives),
                           wrapped(ENCAPSULATIONS, lambda: wrapped(ENCAPSULATIONS, lambda: map(leaf, *TWO))))
    yield from (("ethernet", built) for built in map(ethernet, many) if built)
    for name, _, link in LINKS:
        few = itertools.chain(representatives(), wrapped(ENCAPSULATIONS, lambda: map(leaf, *TWO)),
                              wrapped([pppoe(False), pppoe(True)], representatives))
        yield from ((name, built) for built in map(link, few) if built)


# --- output

def verdicts(packet):
    """Answer lines without their number."""
    masks = [0] * len(packet.levels)
    for mask in range(32):
        i = 0
        while packet.levels[i].bit & mask and i + 1 < len(packet.levels):
            i += 1
        masks[i] |= 1 << mask
    link = None
    for level, taken in zip(packet.levels, masks):
        link = level.link or link
        if not level.ip:
            yield "%08x not_ip %s %d" % (taken, packet.name, packet.end)
            continue
        vlans = ",".join(str(v) for v in (list(link[2]) + [65535] * 4)[:4])
        yield "%08x ip %s %s %d %d %s %d %d %d %d" % (
            (taken, packet.name, " ".join(str(v) for v in level.answer)) + link[:2] + (vlans,)
            + level.offsets + (packet.end,))


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: gen_packets.py DIRECTORY")
    out, packets = Path(sys.argv[1]), {name: [] for name, _, _ in LINKS}
    out.mkdir(parents=True, exist_ok=True)
    for name, packet in all_packets():
        packets[name].append(packet)
    for name, linktype in {name: linktype for name, linktype, _ in LINKS}.items():
        with open(out / (name + ".pcap"), "wb") as pcap, open(out / (name + ".expect"), "w") as expect:
            pcap.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, linktype))
            for n, packet in enumerate(packets[name]):
                size = len(packet.data)
                pcap.write(struct.pack("<IIII", 1506848871 + n // 100, n % 100 * 10000, size, size) + packet.data)
                packet = replace(packet, name=packet.name.replace("//", "/").strip("/"))
                expect.writelines("%d %s\n" % (n, line) for line in verdicts(packet))
    print("packets: " + ", ".join("%s %d" % (name, len(these)) for name, these in packets.items()))


if __name__ == "__main__":
    main()

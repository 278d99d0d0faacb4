# SPDX-License-Identifier: BSD-3-Clause
"""Captures and packets as others read them: the container by the readers below, the packets by tshark.

Nothing here shares code with the program: no libpcap, and a dissector that is not its parser.
"""

import ipaddress
import os
import re
import struct
import subprocess
from dataclasses import dataclass, field

# LINKTYPE values that the program reads, and the number under which libpcap knows what is the same thing.
LINKTYPES = {0: 0, 1: 1, 9: 9, 12: 101, 14: 101, 50: 50, 51: 51, 101: 101, 108: 108, 113: 113, 228: 228,
             229: 229, 276: 276}
TIME_MAX = 9223372035 * 10**9  # what lies beyond is put there
SNAPLEN_MAX = 262144  # libpcap refuses records beyond it


@dataclass
class Frame:
    file: str
    number: int        # in its file, from 1
    linktype: int
    time: int          # nanoseconds
    captured: bytes
    length: int
    port: int          # interface of a pcapng file
    fields: dict = field(default_factory=dict)  # tshark's
    reading: object = None


class Refused(Exception):
    """No capture, or of a link type that is not read."""


def read_capture(path, name):
    """Returns (frames, cut): `cut` where the file ends inside a record or is damaged."""
    data = path.read_bytes()
    if data[:4] == b"\x0a\x0d\x0d\x0a":
        return read_pcapng(data, name)
    return read_pcap(data, name)


def read_pcap(data, name):
    magics = {0xa1b2c3d4: 1000, 0xa1b23c4d: 1, 0xa1b2cd34: 1000}
    for order in "<>":
        if len(data) >= 24 and struct.unpack_from(order + "I", data)[0] in magics:
            break
    else:
        raise Refused("no capture")
    magic, _, _, _, _, snaplen, linktype = struct.unpack_from(order + "IHHiIII", data)
    linktype = LINKTYPES.get(linktype & 0x03ffffff)
    if linktype is None:
        raise Refused("link type")
    head = 24 if magic == 0xa1b2cd34 else 16  # Kuznetzov's variant has 8 octets more
    snaplen = snaplen if 0 < snaplen < 2**31 else SNAPLEN_MAX
    frames, at = [], 24
    while at < len(data):
        if at + head > len(data):
            return frames, True
        seconds, fraction, captured, length = struct.unpack_from(order + "IIII", data, at)
        at += head
        if captured > SNAPLEN_MAX or at + captured > len(data):
            return frames, True
        octets = data[at:at + min(captured, snaplen)]
        fraction *= magics[magic]
        time = seconds * 10**9 + (fraction if fraction < 10**9 else 0)  # a lie: the second is kept
        frames.append(Frame(name, len(frames) + 1, linktype, time, octets, max(length, len(octets)), 0))
        at += captured
    return frames, False


def resolution(options, order):
    """Units a second, of the if_tsresol option."""
    at = 0
    while at + 4 <= len(options):
        code, size = struct.unpack_from(order + "HH", options, at)
        if code == 9 and size == 1:
            value = options[at + 4]
            return 2 ** (value & 0x7f) if value & 0x80 else 10 ** value
        at += 4 + (size + 3) // 4 * 4
        if code == 0:
            break
    return 10**6


def read_pcapng(data, name):
    frames, at, order, interfaces = [], 0, "<", []
    while at < len(data):
        if at + 12 > len(data):
            return frames, True
        if data[at:at + 4] == b"\x0a\x0d\x0d\x0a":
            order = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            interfaces = []
        kind, size = struct.unpack_from(order + "II", data, at)
        if size < 12 or size % 4 or at + size > len(data):
            return frames, True
        body = data[at + 8:at + size - 4]
        at += size
        if kind == 1:
            linktype, _, snaplen = struct.unpack_from(order + "HHI", body)
            if linktype not in LINKTYPES:
                raise Refused("link type")
            interfaces.append((LINKTYPES[linktype], snaplen, resolution(body[8:], order)))
        elif kind in (2, 6):
            if kind == 6:
                port, high, low, captured, length = struct.unpack_from(order + "IIIII", body)
            else:
                port, _, high, low, captured, length = struct.unpack_from(order + "HHIIII", body)
            if port >= len(interfaces) or captured > len(body) - 20:
                return frames, True
            linktype, _, units = interfaces[port]
            time = min((high << 32 | low) * 10**9 // units, TIME_MAX)
            octets = body[20:20 + captured]
            frames.append(Frame(name, len(frames) + 1, linktype, time, octets, max(length, captured), port))
        elif kind == 3:
            length, = struct.unpack_from(order + "I", body)
            linktype, snaplen, _ = interfaces[0]
            captured = min(length, snaplen or length, len(body) - 4)
            frames.append(Frame(name, len(frames) + 1, linktype, 0, body[4:4 + captured], length, 0))
    return frames, False


def write_pcap(path, linktype, frames, times):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, SNAPLEN_MAX, linktype))
        for frame, time in zip(frames, times):
            out.write(struct.pack("<IIII", time // 10**9, time % 10**9, len(frame.captured), frame.length))
            out.write(frame.captured)


# tshark's names of the layers that matter. All others are switched off, transports too: no dissector above IP may
# add to what the fields below say, and the start is faster.
LAYERS = """eth ethertype vlan ieee8021ad mpls pwethcw pwethheuristic pppoe pppoes pppoed ppp ppp_hdlc sll null
raw ip ipv6 ipv6.hopopts ipv6.routing ipv6.fraghdr ipv6.dstopts arp llc macsec nsh avsp data frame""".split()
# What may come before the IP header that decides; behind anything else, IP is not read.
LINKS = set("eth ethertype vlan ieee8021ad mpls pwethcw pwethheuristic pppoes ppp sll null raw".split())
FIELDS = """frame.protocols ip.src ip.dst ip.len ipv6.src ipv6.dst ipv6.plen ipv6.opt.jumbo vlan.id
ieee8021ad.id ieee8021ad.svid ieee8021ad.cvid mpls.label eth.src eth.dst sll.src.eth _ws.expert.message""".split()
LIES = re.compile(r"Bogus IP|IPv4 total length exceeds|IPv6 payload length exceeds|total length .* less than|"
                  r"payload length .* less than")


def make_profile(folder):
    """A tshark configuration that knows the layers above alone."""
    known = subprocess.run(["tshark", "-G", "protocols"], capture_output=True, text=True, check=True).stdout
    names = [line.split("\t")[2] for line in known.splitlines() if line.count("\t") >= 2]
    folder.mkdir(parents=True, exist_ok=True)
    keep = lambda name: name in LAYERS or name.startswith("_ws.")
    (folder / "disabled_protos").write_text("".join(name + "\n" for name in names if not keep(name)))


def dissect(path, profile):
    """Runs tshark over a capture; yields for each frame a dict of lists, values in order of occurrence."""
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "occurrence=a", "-E", "separator=/t",
               "-E", "aggregator=\x1f", "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE",
               "-o", "tcp.desegment_tcp_streams:FALSE"]
    for protocol in (4, 41):  # what a tunnel carries is not asked for
        command += ["-d", "ip.proto==%d,data" % protocol]
    for name in FIELDS:
        command += ["-e", name]
    environment = dict(os.environ, WIRESHARK_CONFIG_DIR=str(profile))
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    if result.returncode != 0:
        raise RuntimeError("tshark: %s" % result.stderr.strip())
    for line in result.stdout.split("\n")[:-1]:
        values = line.split("\t")
        yield {name: value.split("\x1f") if value else [] for name, value in zip(FIELDS, values)}


@dataclass
class Reading:
    """What a frame is, in the program's words."""
    kind: str                # "ip", "not_ip" or "malformed"
    version: int = 0
    src: object = None       # ipaddress
    dst: object = None
    octets: int = 0
    vlans: tuple = ()
    mac_src: str = ""
    mac_dst: str = ""


def tags(layers, fields):
    """VLANs, outermost first. Two 802.1ad tags in a row are one layer to tshark, a third one another."""
    pairs = [list(pair) for pair in zip(fields["ieee8021ad.svid"], fields["ieee8021ad.cvid"])]
    singles = [[v] for v in fields["ieee8021ad.id"]]
    queues = {"vlan": [[v] for v in fields["vlan.id"]], "ieee8021ad": pairs + singles}
    found = []
    for layer in layers:
        if queues.get(layer):
            found += queues[layer].pop(0)
    return tuple(int(v) for v in found)


def read_frame(frame):
    fields = frame.fields
    protocols = fields["frame.protocols"][0].split(":") if fields["frame.protocols"] else []
    ip = min([protocols.index(p) for p in ("ip", "ipv6") if p in protocols], default=None)
    before = protocols[:ip]
    lies = any(LIES.search(message) for message in fields["_ws.expert.message"])
    if ip is None:
        nothing_behind = all(p in LINKS for p in before)  # no payload, no name for it: the header itself is cut
        return Reading("malformed" if lies or nothing_behind else "not_ip")
    if any(p not in LINKS for p in before):
        return Reading("not_ip")
    vlans = tags(before, fields)
    if len(vlans) > 4 or len(fields["mpls.label"]) > 16:  # the program's limits
        return Reading("not_ip")
    name = protocols[ip]
    if lies or not fields[name + ".dst"]:
        return Reading("malformed")
    reading = Reading("ip", version=4 if name == "ip" else 6)
    reading.src, reading.dst = (ipaddress.ip_address(fields[name + end][0]) for end in (".src", ".dst"))
    if name == "ip":
        reading.octets = int(fields["ip.len"][0])
    else:
        payload = int(fields["ipv6.plen"][0]) or int((fields["ipv6.opt.jumbo"] or ["0"])[0])
        reading.octets = payload + 40 if payload else 0
    if reading.octets == 0:  # the frame's own length
        header = 14 if "eth" in before else 4 if "null" in before else 20 if frame.linktype == 276 else 16
        reading.octets = frame.length - (header if before else 0) - 4 * len(vlans)
    reading.vlans = vlans
    reading.mac_src = (fields["eth.src"] or fields["sll.src.eth"] or [""])[0]
    reading.mac_dst = (fields["eth.dst"] or [""])[0]
    return reading

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes MRT files (RFC 6396, RFC 8050) from text, and text at random.

    gen_mrt.py make TEXT OUT                    "-" for stdin
    gen_mrt.py random SEED [OUT]                a text with all there is, on stdout; or what it makes
    gen_mrt.py bulk OUT PREFIXES PEERS [SEED]   a large TABLE_DUMP_V2 RIB, written block by block

The text, a line a thing, "#" begins a comment where a word begins:

    peer NAME ADDRESS ASN [as2]         a peer; as2: its ASN is of two octets in PEER_INDEX_TABLE
    time SECONDS[.MICROSECONDS]         of what follows
    rib [addpath]                       TABLE_DUMP_V2 follows: the peers so far, then its routes
    table                               TABLE_DUMP (version 1) follows
    updates [as2] [addpath] [et] [local]    BGP4MP follows
    route NAME PREFIX[#ID] PATH         a route of the peer: an entry of the table, or an announcement. In a RIB, routes
                                        of one prefix that follow each other are one record
    withdraw NAME PREFIX[#ID]
    down NAME, up NAME                  changes of the session's state
    end NAME 4|6                        End-of-RIB
    raw TYPE SUBTYPE HEX                any record
    octets HEX                          no record at all

PATH: ASNs with "*3" behind for prepends, sets {1 2}, confederations (1 2) and [1 2]; "none": no AS_PATH at all.
"""

import ipaddress
import random
import re
import struct
import sys

TABLE_DUMP, TABLE_DUMP_V2, BGP4MP, BGP4MP_ET = 12, 13, 16, 17
SET, SEQUENCE, CONFED_SEQUENCE, CONFED_SET = 1, 2, 3, 4
BRACKETS = {"{": SET, "(": CONFED_SEQUENCE, "[": CONFED_SET}
AS_TRANS = 23456
COLLECTOR = 64999


def parse_path(words):
    """Returns [(type, [ASN])], or None for "none"."""
    if words == ["none"]:
        return None
    segments = []
    for bracket, inside, plain in re.findall(r"([{(\[])([^])}]*)[])}]|(\S+)", " ".join(words)):
        if bracket:
            segments.append((BRACKETS[bracket], [int(asn) for asn in inside.split()]))
            continue
        asn, _, times = plain.partition("*")
        if not segments or segments[-1][0] != SEQUENCE:
            segments.append((SEQUENCE, []))
        segments[-1][1].extend([int(asn)] * int(times or 1))
    return segments


def segment_octets(segments, as4):
    out = b""
    for kind, asns in segments:
        for start in range(0, len(asns), 255):
            part = asns[start:start + 255]
            out += struct.pack(">BB", kind, len(part))
            out += b"".join(struct.pack(">I", a) if as4 else struct.pack(">H", a if a < 65536 else AS_TRANS)
                            for a in part)
    return out


def attribute(flags, kind, value):
    if len(value) > 255:
        return struct.pack(">BBH", flags | 0x10, kind, len(value)) + value
    return struct.pack(">BBB", flags, kind, len(value)) + value


def path_attributes(path, as4):
    """ORIGIN, AS_PATH, and AS4_PATH where an ASN does not fit."""
    if path is None:
        return attribute(0x40, 1, b"\0")
    out = attribute(0x40, 1, b"\0") + attribute(0x40, 2, segment_octets(path, as4))
    if not as4 and any(asn > 65535 for _, asns in path for asn in asns):
        plain = [(kind, asns) for kind, asns in path if kind in (SET, SEQUENCE)]
        out += attribute(0xc0, 17, segment_octets(plain, True))
    return out


def split_prefix(word):
    prefix, _, path_id = word.partition("#")
    return ipaddress.ip_network(prefix), int(path_id or 0)


def prefix_octets(network):
    return bytes([network.prefixlen]) + network.network_address.packed[:(network.prefixlen + 7) // 8]


class Peer:
    def __init__(self, address, asn, *options):
        self.address, self.asn, self.as2 = ipaddress.ip_address(address), int(asn), "as2" in options

    def index_entry(self):
        return struct.pack(">BI", (self.address.version == 6) | (0 if self.as2 else 2), 0x0a000001) + \
            self.address.packed + struct.pack(">H" if self.as2 else ">I", self.asn)


class Maker:
    """Takes lines, writes records."""

    def __init__(self, write):
        self.write = write
        self.peers, self.mode, self.options = {}, "updates", ()
        self.seconds, self.microseconds, self.sequence = 0, 0, 0
        self.pending = None  # (prefix, [entry]) of the RIB record that is being made

    def record(self, kind, subtype, body):
        if kind == BGP4MP_ET:
            body = struct.pack(">I", self.microseconds) + body
        self.write(struct.pack(">IHHI", self.seconds, kind, subtype, len(body)) + body)

    def flush(self):
        if self.pending is None:
            return
        prefix, entries = self.pending
        self.pending = None
        subtype = (2 if prefix.version == 4 else 4) + (6 if "addpath" in self.options else 0)
        self.record(TABLE_DUMP_V2, subtype, struct.pack(">I", self.sequence) + prefix_octets(prefix) +
                    struct.pack(">H", len(entries)) + b"".join(entries))
        self.sequence += 1

    def take(self, line):
        words = line.split()
        words = words[:next((i for i, word in enumerate(words) if word.startswith("#")), len(words))]
        if not words:
            return
        if words[0] != "route":
            self.flush()
        getattr(self, "do_" + words[0])(*words[1:])

    def do_peer(self, name, *what):
        self.peers[name] = Peer(*what)

    def do_time(self, when):
        seconds, _, fraction = when.partition(".")
        self.seconds, self.microseconds = int(seconds), int((fraction + "000000")[:6])

    def do_rib(self, *options):
        self.mode, self.options, self.sequence = "rib", options, 0
        peers = b"".join(peer.index_entry() for peer in self.peers.values())
        self.record(TABLE_DUMP_V2, 1, struct.pack(">IH", 0x0a0000fe, 4) + b"view" +
                    struct.pack(">H", len(self.peers)) + peers)

    def do_table(self, *options):
        self.mode, self.options, self.sequence = "table", options, 0

    def do_updates(self, *options):
        self.mode, self.options = "updates", options

    def do_route(self, name, what, *path):
        prefix, path_id = split_prefix(what)
        getattr(self, "route_in_" + self.mode)(name, prefix, path_id, parse_path(path))

    def route_in_rib(self, name, prefix, path_id, path):
        attributes = path_attributes(path, True)
        if prefix.version == 6:  # abbreviated: the next hop alone (RFC 6396 section 4.3.4)
            attributes += attribute(0x80, 14, b"\x10" + ipaddress.ip_address("2001:db8::1").packed)
        entry = struct.pack(">HI", list(self.peers).index(name), self.seconds - 100)
        if "addpath" in self.options:
            entry += struct.pack(">I", path_id)
        entry += struct.pack(">H", len(attributes)) + attributes
        if self.pending is not None and self.pending[0] != prefix:
            self.flush()
        if self.pending is None:
            self.pending = (prefix, [])
        self.pending[1].append(entry)

    def route_in_table(self, name, prefix, _, path):
        peer, attributes = self.peers[name], path_attributes(path, False)
        body = struct.pack(">HH", 0, self.sequence % 65536) + prefix.network_address.packed + \
            struct.pack(">BBI", prefix.prefixlen, 1, self.seconds - 100) + peer.address.packed + \
            struct.pack(">HH", peer.asn if peer.asn < 65536 else AS_TRANS, len(attributes)) + attributes
        self.sequence += 1
        self.record(TABLE_DUMP, 1 if prefix.version == 4 else 2, body)

    def route_in_updates(self, name, prefix, path_id, path):
        attributes, nlri = path_attributes(path, "as2" not in self.options), self.nlri(prefix, path_id)
        if prefix.version == 4:
            self.update(name, b"", attributes + attribute(0x40, 3, b"\xc0\0\2\1"), nlri)
        else:
            next_hop = ipaddress.ip_address("2001:db8::1").packed
            self.update(name, b"", attribute(0x80, 14, b"\0\2\1\x10" + next_hop + b"\0" + nlri) + attributes, b"")

    def do_withdraw(self, name, what):
        prefix, path_id = split_prefix(what)
        nlri = self.nlri(prefix, path_id)
        if prefix.version == 4:
            self.update(name, nlri, b"", b"")
        else:
            self.update(name, b"", attribute(0x80, 15, b"\0\2\1" + nlri), b"")

    def do_end(self, name, family):
        self.update(name, b"", b"" if family == "4" else attribute(0x80, 15, b"\0\2\1"), b"")

    def nlri(self, prefix, path_id):
        return (struct.pack(">I", path_id) if "addpath" in self.options else b"") + prefix_octets(prefix)

    def session(self, name, subtype2, subtype4, body):
        peer, as2 = self.peers[name], "as2" in self.options
        local = ipaddress.ip_address("192.0.2.254" if peer.address.version == 4 else "2001:db8:fe::1")
        asns = struct.pack(">HH", min(peer.asn, 65535), COLLECTOR) if as2 else struct.pack(">II", peer.asn, COLLECTOR)
        afi = 1 if peer.address.version == 4 else 2
        self.record(BGP4MP_ET if "et" in self.options else BGP4MP, subtype2 if as2 else subtype4,
                    asns + struct.pack(">HH", 0, afi) + peer.address.packed + local.packed + body)

    def update(self, name, withdrawn, attributes, nlri):
        body = struct.pack(">H", len(withdrawn)) + withdrawn + struct.pack(">H", len(attributes)) + attributes + nlri
        message = b"\xff" * 16 + struct.pack(">HB", len(body) + 19, 2) + body
        further = 2 if "local" in self.options else 0
        if "addpath" in self.options:
            self.session(name, 8 + further, 9 + further, message)
        elif "local" in self.options:
            self.session(name, 6, 7, message)
        else:
            self.session(name, 1, 4, message)

    def do_down(self, name):
        self.session(name, 0, 5, struct.pack(">HH", 6, 1))

    def do_up(self, name):
        self.session(name, 0, 5, struct.pack(">HH", 5, 6))

    def do_raw(self, kind, subtype, digits=""):
        self.record(int(kind), int(subtype), bytes.fromhex(digits))

    def do_octets(self, digits):
        self.write(bytes.fromhex(digits))


def make(lines, write):
    maker = Maker(write)
    for number, line in enumerate(lines, 1):
        try:
            maker.take(line)
        except (AttributeError, ValueError, KeyError, TypeError) as error:
            sys.exit("gen_mrt: line %d: %s: %s" % (number, line.strip(), error))
    maker.flush()


# --- at random

def random_asn(rng):
    return rng.choice((rng.randrange(1, 23456), rng.randrange(64496, 64512), rng.randrange(131072, 400000),
                       rng.randrange(4200000000, 4294967295)))


def random_path(rng, confederations=True):
    words = ["%d%s" % (random_asn(rng), rng.choice(("", "", "", "*2", "*5"))) for _ in range(rng.randrange(0, 6))]
    if rng.random() < 0.1:
        words.append("{%s}" % " ".join(str(random_asn(rng)) for _ in range(rng.randrange(1, 4))))
    if rng.random() < 0.1:
        words.append(str(random_asn(rng)))
    if confederations and rng.random() < 0.1:
        words.insert(0, "(%d %d)" % (64512, 64513) if rng.random() < 0.7 else "[64514 64515]")
    return " ".join(words)


def random_prefix(rng, version):
    bits = 32 if version == 4 else 128
    length = rng.choice((0, 8, 16, 19, 22, 24, 24, 24, 31, 32)) if version == 4 else rng.choice((0, 19, 32, 44, 48, 64, 128))
    number = rng.getrandbits(bits) >> (bits - length) << (bits - length) if length else 0
    return "%s/%d" % (ipaddress.ip_address(number.to_bytes(bits // 8, "big")), length)


def random_text(seed):
    """Sections of every kind. Confederations never go with 2-octet ASNs: bgpdump, which reads this too, merges wrongly."""
    rng = random.Random(seed)
    lines, peers = ["# random %s" % seed, "time 1514764800"], {4: [], 6: []}
    for i in range(6):
        version = 4 if i % 2 == 0 else 6
        peers[version].append("p%d" % i)
        asn = rng.randrange(1, 60000) if i < 2 else random_asn(rng)
        lines.append("peer p%d %s %d%s" % (i, "192.0.2.%d" % i if version == 4 else "2001:db8::%x" % i, asn,
                                         " as2" if asn < 65536 and rng.random() < 0.5 else ""))
    everyone = peers[4] + peers[6]
    for options in ("", " addpath"):
        lines.append("rib" + options)
        for version in (4, 6):
            for prefix in sorted({random_prefix(rng, version) for _ in range(60)}):
                for name in rng.sample(everyone, rng.randrange(1, 7)):
                    for path_id in range(rng.randrange(1, 3) if options else 1):
                        lines.append("route %s %s#%d %s" % (name, prefix, path_id + 1, random_path(rng)))
    lines.append("table")
    for version in (4, 6):
        for _ in range(60):
            lines.append("route %s %s %s" % (rng.choice(peers[version]), random_prefix(rng, version), random_path(rng, False)))
    for options in ("", " et", " as2", " addpath", " addpath et"):
        lines.append("updates" + options)
        known, when = [], 1514764900
        for _ in range(150):
            when += rng.random() * 2
            lines.append("time %.6f" % when)
            name, event = rng.choice(everyone), rng.random()
            if event < 0.7 or not known:
                what = random_prefix(rng, rng.choice((4, 6))) + ("#%d" % rng.randrange(1, 9) if "addpath" in options else "")
                known.append((name, what))
                lines.append("route %s %s %s" % (name, what, random_path(rng, "as2" not in options)))
            elif event < 0.95:
                lines.append("withdraw %s %s" % rng.choice(known))
            else:
                lines.append(rng.choice(("down %s", "up %s", "end %s 4", "end %s 6")) % name)
    return lines


# --- large

def bulk(path, n_prefixes, n_peers, seed):
    """Paths and communities of entries are drawn from a pool, so that it compresses about as a real table does."""
    rng = random.Random(seed)
    lines = ["time 1514764800"] + ["peer p%d 192.0.2.%d %d" % (i, i, 60000 + i) for i in range(n_peers)]
    pool, communities = [], [rng.randbytes(4) for _ in range(60)]
    for _ in range(1000):
        attributes = path_attributes([(SEQUENCE, [random_asn(rng) for _ in range(rng.randrange(3, 7))])], True)
        attributes += attribute(0x40, 3, b"\xc0\0\2" + bytes([rng.randrange(1, 255)]))
        attributes += attribute(0xc0, 8, b"".join(sorted(rng.sample(communities, rng.randrange(0, 8)))))
        pool.append(struct.pack(">H", len(attributes)) + attributes)
    heads = [struct.pack(">HI", peer, 1514700000 + 977 * peer) for peer in range(n_peers)]
    count = struct.pack(">H", n_peers)
    with open(path, "wb") as file:
        maker = Maker(file.write)
        for line in lines + ["rib"]:
            maker.take(line)
        for i in range(n_prefixes):
            # prefixes of 22 bits and more behind 1.0.0.0, one after the other
            prefix = b"\x18" + struct.pack(">I", 0x01000000 + (i % 14000000 << 8))[:3]
            if i % 4 == 0:  # neighbours in a table often share their attributes
                blocks = [b"".join(head + rng.choice(pool) for head in part) for part in (heads[::2], heads[1::2])]
            blocks[i % 2] = b"".join(head + rng.choice(pool) for head in heads[i % 2::2])
            entries = b"".join(blocks)
            file.write(struct.pack(">IHHII", 1514764800, TABLE_DUMP_V2, 2, 4 + 4 + 2 + len(entries), i) +
                       prefix + count + entries)


def main(arguments):
    if len(arguments) == 3 and arguments[0] == "make":
        with (sys.stdin if arguments[1] == "-" else open(arguments[1])) as text, open(arguments[2], "wb") as out:
            make(text, out.write)
    elif len(arguments) == 2 and arguments[0] == "random":
        print("\n".join(random_text(int(arguments[1]))))
    elif len(arguments) == 3 and arguments[0] == "random":
        with open(arguments[2], "wb") as out:
            make(random_text(int(arguments[1])), out.write)
    elif len(arguments) in (4, 5) and arguments[0] == "bulk":
        bulk(arguments[1], int(arguments[2]), int(arguments[3]), int((arguments + ["1"])[4]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])

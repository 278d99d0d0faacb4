# SPDX-License-Identifier: BSD-3-Clause
"""The routes of the case as a collector would have them: a table before it begins, and the updates that change it.

Written for scripts/make-case, from its timeline, so that routes and packets tell the same story: an update stamped in a
second counts from that second on. MRT as of RFC 6396 and RFC 8050's table types; microseconds by BGP4MP_ET for the
vantage points of one collector, whole seconds by BGP4MP for those of another, as RouteViews and RIPE RIS do.

Who the vantage points are, the ways to the two upstreams, what a router says on the way to its decision, one that is
late and one whose session drops: all invented. So are the neighbours on either side of 175.45.176.0/22. All other
routes are of the demo's prefixes by invented ways, and change at random.
"""

import dataclasses
import ipaddress
import random
import struct

ORIGIN = 131279
TABLE_DUMP_V2, BGP4MP, BGP4MP_ET = 13, 16, 17
PEER_INDEX_TABLE, RIB_IPV4_UNICAST, RIB_IPV6_UNICAST = 1, 2, 4
MESSAGE, MESSAGE_AS4, STATE_CHANGE_AS4 = 1, 4, 5
IDLE, OPEN_CONFIRM, ESTABLISHED = 1, 5, 6
UPDATE, KEEPALIVE = 2, 4
AS_TRANS = 23456
COLLECTOR_ASN = 64500
EDGES = ("175.45.175.0/24", "175.45.180.0/22"), 64496  # neighbours of the target's addresses


@dataclasses.dataclass
class Vantage:
    asn: int
    address: str
    ways: dict  # upstream: the ASes on the way to it
    microseconds: bool = True
    as4: bool = True  # speaks in ASNs of four octets
    hunts: bool = False  # tells longer ways before it settles
    late: int = 0  # seconds

    def path(self, upstream, n):
        """The AS path to 175.45.n.0/24. The origin makes one prefix look farther where it is second choice."""
        prepends = 2 if (n, upstream) == (179, 20485) else 1
        return [self.asn, *self.ways[upstream], upstream, *[ORIGIN] * prepends]


VANTAGES = (
    Vantage(2914, "192.0.2.1", {4837: [1239], 20485: []}),
    Vantage(3356, "192.0.2.2", {4837: [], 20485: []}),
    Vantage(6939, "2001:db8::3", {4837: [], 20485: []}, hunts=True),
    Vantage(12389, "192.0.2.4", {4837: [4837, 4837], 20485: []}, microseconds=False),
    Vantage(3333, "192.0.2.5", {4837: [1103, 3549], 20485: [1103]}, microseconds=False, as4=False),
    Vantage(1299, "192.0.2.6", {4837: [], 20485: []}, microseconds=False, late=1),
)
DROPS = VANTAGES[1]  # its session
DROPPED, BACK = 300, 320  # seconds after the case's start


def record(when, kind, subtype, body, microseconds=None):
    if microseconds is not None:
        body = struct.pack(">I", microseconds) + body
    return struct.pack(">IHHI", when, kind, subtype, len(body)) + body


def nlri(prefix):
    network = ipaddress.ip_network(prefix)
    return bytes((network.prefixlen,)) + network.network_address.packed[:(network.prefixlen + 7) // 8]


def attribute(kind, value, flags=0x40):
    return struct.pack(">BBB", flags, kind, len(value)) + value


def sequence(path, width):
    return struct.pack(">BB%d%s" % (len(path), "H" if width == 2 else "I"), 2, len(path), *path)


def next_hop(vantage, version):
    """Of the vantage point itself where it can be."""
    address = ipaddress.ip_address(vantage.address)
    if address.version == version:
        return address.packed
    return ipaddress.ip_address("192.0.2.3" if version == 4 else "2001:db8::4").packed


def attributes(vantage, path, version, as4, reach):
    """`reach`: the value of MP_REACH_NLRI, for IPv6."""
    attrs = attribute(1, b"\0")
    if as4:
        attrs += attribute(2, sequence(path, 4))
    else:
        attrs += attribute(2, sequence([asn if asn < 65536 else AS_TRANS for asn in path], 2))
    attrs += attribute(3, next_hop(vantage, 4)) if version == 4 else attribute(14, reach, 0x80)
    if not as4 and max(path) > 65535:
        attrs += attribute(17, sequence(path, 4), 0xC0)
    return attrs


def rib_entry(number, vantage, path, version, when):
    """Next hops alone stand in a table's MP_REACH_NLRI (RFC 6396 section 4.3.4)."""
    reach = next_hop(vantage, version)
    attrs = attributes(vantage, path, version, True, bytes((len(reach),)) + reach)
    return struct.pack(">HIH", number, when, len(attrs)) + attrs


def message(vantage, kind, body):
    """A BGP message with what goes before it in a BGP4MP record."""
    address = ipaddress.ip_address(vantage.address)
    ours = ipaddress.ip_address("192.0.2.254" if address.version == 4 else "2001:db8::fe")
    head = struct.pack(">II" if vantage.as4 else ">HH", vantage.asn, COLLECTOR_ASN)
    head += struct.pack(">HH", 0, 1 if address.version == 4 else 2) + address.packed + ours.packed
    return head + b"\xff" * 16 + struct.pack(">HB", 19 + len(body), kind) + body


def update(vantage, prefix, path):
    """The body of an UPDATE: a way to the prefix, or none."""
    version = ipaddress.ip_network(prefix).version
    if version == 4:
        withdrawn, attrs = (nlri(prefix), b"") if path is None else (b"", attributes(vantage, path, 4, vantage.as4, b""))
    elif path is None:
        withdrawn, attrs = b"", attribute(15, b"\0\2\1" + nlri(prefix), 0x80)
    else:
        hop = next_hop(vantage, 6)
        reach = b"\0\2\1" + bytes((len(hop),)) + hop + b"\0" + nlri(prefix)
        withdrawn, attrs = b"", attributes(vantage, path, 6, vantage.as4, reach)
    announced = nlri(prefix) if version == 4 and path is not None else b""
    return struct.pack(">H", len(withdrawn)) + withdrawn + struct.pack(">H", len(attrs)) + attrs + announced


class Routes:
    """`changes`: (second, {n: upstream or None}), from the case's start on; `others`: (prefix, origin)."""

    def __init__(self, changes, last, others, seed=131279):
        self.random = random.Random(seed)
        self.changes, self.last = changes, last
        self.others = {str(prefix): origin for prefix, origin in others if origin != ORIGIN}
        self.others.update(dict.fromkeys(EDGES[0], EDGES[1]))
        self.known = {}  # (vantage's number, other's prefix): path
        self.records = []  # ((microseconds, number), record)

    def other_path(self, vantage, origin):
        between = self.random.sample((174, 701, 1239, 2914, 3257, 3491, 4134, 6453, 7018), self.random.randrange(3))
        return [vantage.asn, *(asn for asn in between if asn not in (vantage.asn, origin)), *[origin] * self.random.choice((1, 1, 1, 2, 3))]

    # The table.

    def table(self, when):
        peers = b""
        for vantage in VANTAGES:
            address = ipaddress.ip_address(vantage.address)
            peers += bytes((2 | (address.version == 6), 10, 0, 0, 1)) + address.packed + struct.pack(">I", vantage.asn)
        index = bytes((192, 0, 2, 254)) + struct.pack(">HH", 0, len(VANTAGES)) + peers
        out = record(when, TABLE_DUMP_V2, PEER_INDEX_TABLE, index)
        routes = {"175.45.%d.0/24" % n: [(i, v.path(upstream, n)) for i, v in enumerate(VANTAGES)]
                  for n, upstream in self.changes[0][1].items()}
        for prefix, origin in self.others.items():
            who = sorted(self.random.sample(range(len(VANTAGES)), self.random.randrange(1, 4)))
            routes[prefix] = [(i, self.other_path(VANTAGES[i], origin)) for i in who]
            self.known.update({(i, prefix): path for i, path in routes[prefix]})
        order = sorted(map(ipaddress.ip_network, routes), key=lambda p: (p.version, p))
        for number, network in enumerate(order):
            entries = [rib_entry(i, VANTAGES[i], path, network.version, when - self.random.randrange(10**6))
                       for i, path in routes[str(network)]]
            out += record(when, TABLE_DUMP_V2, RIB_IPV4_UNICAST if network.version == 4 else RIB_IPV6_UNICAST,
                          struct.pack(">I", number) + nlri(str(network)) + struct.pack(">H", len(entries)) + b"".join(entries))
        return out

    # The updates.

    def add(self, second, fraction, vantage, body, state=False):
        """`fraction` of a second: kept in the order of the records where it is not in them."""
        microseconds = int(fraction * 1e6)
        kind = BGP4MP_ET if vantage.microseconds else BGP4MP
        subtype = STATE_CHANGE_AS4 if state else MESSAGE_AS4 if vantage.as4 else MESSAGE
        packed = record(second, kind, subtype, body, microseconds if vantage.microseconds else None)
        self.records.append(((second * 10**6 + microseconds, len(self.records)), packed))

    def tell(self, second, fraction, vantage, prefix, path):
        self.add(second, fraction, vantage, message(vantage, UPDATE, update(vantage, prefix, path)))

    def move(self, second, vantage, n, before, after):
        prefix = "175.45.%d.0/24" % n
        fraction = self.random.uniform(0.05, 0.3)
        if vantage.hunts:  # the last ways that are left, before the one to stay
            self.tell(second, fraction, vantage, prefix, [vantage.asn, 3356, *vantage.path(before or after, n)[1:]])
            self.tell(second, fraction + 0.2, vantage, prefix, None)
        if after is not None or not vantage.hunts:
            self.tell(second, fraction + 0.4, vantage, prefix, vantage.path(after, n) if after else None)

    def drop(self, second, routes):
        """A session ends, or, given the routes of then, begins anew: its whole table comes again."""
        address = ipaddress.ip_address(DROPS.address).packed
        states = (ESTABLISHED, IDLE) if routes is None else (OPEN_CONFIRM, ESTABLISHED)
        body = struct.pack(">IIHH", DROPS.asn, COLLECTOR_ASN, 0, 1) + address + bytes((192, 0, 2, 254)) + struct.pack(">HH", *states)
        self.add(second, 0.1, DROPS, body, state=True)
        for n, upstream in (routes or {}).items():
            self.tell(second, 0.2, DROPS, "175.45.%d.0/24" % n, DROPS.path(upstream, n))
        for (i, prefix), path in self.known.items() if routes else ():
            if VANTAGES[i] is DROPS:
                self.tell(second, 0.3, DROPS, prefix, path)

    def churn(self, second):
        """What else happens in the world: a way that is lost, found, or another."""
        i = self.random.randrange(len(VANTAGES))
        prefix = self.random.choice(list(self.others))
        if self.known.pop((i, prefix), None) and self.random.random() < 0.5:
            self.tell(second, self.random.random(), VANTAGES[i], prefix, None)
        else:
            self.known[i, prefix] = self.other_path(VANTAGES[i], self.others[prefix])
            self.tell(second, self.random.random(), VANTAGES[i], prefix, self.known[i, prefix])

    def updates(self):
        """Call after table()."""
        start, current = self.changes[0]
        at = dict(self.changes)
        for second in range(start, self.last + 1):
            for n, upstream in at.get(second, current).items():
                for vantage in VANTAGES:
                    if upstream != current[n]:
                        self.move(second + vantage.late, vantage, n, current[n], upstream)
            current = at.get(second, current)
            if second - start in (DROPPED, BACK):
                self.drop(second, current if second - start == BACK else None)
            elif (second - start) % 3 == 0 and not DROPPED < second - start < BACK:
                self.churn(second)
            if (second - start) % 60 == 30:
                for vantage in VANTAGES:
                    self.add(second, 0.9, vantage, message(vantage, KEEPALIVE, b""))
        return b"".join(packed for _, packed in sorted(self.records))

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The routers that other tests learn from do what they are there for: real dumps, real BMP, routes that move.

    test_routers.py BINARY SOURCE_ROOT [TEST...]

The program has no part in it: where its tests with routers fail and this passes, the fault is the program's. Exit
status: 0 passed, 1 failed, 77 not root, or no BIRD, FRR or bgpdump.
"""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import bmp
from checks import must, run_tests
from routers import CHINA_UNICOM, ORIGIN, PREFIX6, PREFIXES, STATION, TRANSTELECOM, Internet, Programs, wait_until

TOOLS = Path(sys.argv[2] if len(sys.argv) > 2 else ".").resolve() / "build/tools"
why = Programs(TOOLS).missing() or (None if shutil.which("bgpdump") else "no bgpdump (Debian package bgpdump)")
if why:
    print("test_routers: skipped: " + why)
    sys.exit(77)

NEIGHBOURS = (CHINA_UNICOM, TRANSTELECOM)


class Bench:
    def __init__(self, _binary, _root, folder):
        self.folder = folder

    def internet(self, **more):
        home = self.folder / ("internet%d" % len(list(self.folder.iterdir())))
        home.mkdir()
        return Internet(home, TOOLS, **more)


def bgpdump(path):
    """(kind, peer's ASN, prefix, path) of each line that bgpdump writes."""
    result = subprocess.run(["bgpdump", "-m", str(path)], capture_output=True, text=True, timeout=20, check=True)
    lines = [line.split("|") for line in result.stdout.splitlines()]
    return [(line[2], int(line[4]), line[5] if len(line) > 5 else "", tuple(int(a) for a in line[6].split()) if len(line) > 6 else ())
            for line in lines if line[2] in "ABW"]


def upstreams(dump):
    """{prefix: {peer: upstream}}"""
    found = {}
    for kind, peer, prefix, path in dump:
        if kind == "B":
            must(path[0] == peer and path[-1] == ORIGIN, "a path of AS%d: %s" % (peer, path))
            found.setdefault(prefix, {})[peer] = path[-2]
    return found


def test_bird_dumps(b):
    """Tables on demand and by the clock, and messages: all tell the move."""
    prefix = PREFIXES[0]
    with b.internet() as net:
        before = {p: dict.fromkeys(NEIGHBOURS, CHINA_UNICOM) for p in PREFIXES}
        must(upstreams(bgpdump(net.dump())) == before, "the first dump: %s" % upstreams(bgpdump(net.dump())))
        must(upstreams(bgpdump(net.dump(6))) == {PREFIX6: dict.fromkeys(NEIGHBOURS, CHINA_UNICOM)}, "IPv6: %s" % bgpdump(net.dump(6)))
        told = net.move(prefix, TRANSTELECOM)
        net.wait_path("collector", prefix, TRANSTELECOM)
        known = time.time()
        after = {**before, prefix: dict.fromkeys(NEIGHBOURS, TRANSTELECOM)}
        must(upstreams(bgpdump(net.dump())) == after, "after the move: %s" % upstreams(bgpdump(net.dump())))
        path = net.periodic_dump(int(known) + 1)
        print("moved: known to the collector after %.3f s, in a periodic dump after %.3f s" % (known - told, time.time() - told))
        must(upstreams(bgpdump(path)) == after, "by the clock: %s" % upstreams(bgpdump(path)))
        net.withdraw(PREFIXES[1])
        net.wait_path("collector", PREFIXES[1], None)
        must(set(upstreams(bgpdump(net.dump()))) == set(PREFIXES) - {PREFIXES[1]}, "withdrawn, and in the dump")
        messages = net.folder / "collector/messages.mrt"
        wait_until(lambda: ("W", TRANSTELECOM, PREFIXES[1], ()) in bgpdump(messages), "the withdrawal is in no message")
        moved = [(peer, path) for kind, peer, p, path in bgpdump(messages) if kind == "A" and p == prefix and path[-2] == TRANSTELECOM]
        must((TRANSTELECOM, (TRANSTELECOM, ORIGIN)) in moved and (CHINA_UNICOM, (CHINA_UNICOM, TRANSTELECOM, ORIGIN)) in moved,
             "messages: %s" % moved)


def test_frr_speaks_bmp(b):
    """Initiation, peers, routes; moves; a session that dies without a word, and comes back."""
    prefix = PREFIXES[2]
    with b.internet(bmp_ports=(11019,)) as net, bmp.Station(bmp.listen(net.socket("station"), STATION, 11019)) as station:
        must(station.wait_for(lambda m: m.kind == bmp.INITIATION), "no Initiation")
        for peer in NEIGHBOURS:
            must(station.wait_for(lambda m: m.kind == bmp.PEER_UP and m.peer == peer), "no Peer Up of AS%d" % peer)
            for p in (*PREFIXES, PREFIX6):
                route = station.wait_for(lambda m: m.kind == bmp.ROUTE_MONITORING and m.peer == peer and p in m.announced)
                must(route and route.path[-2:] == (CHINA_UNICOM, ORIGIN), "AS%d, %s: %s" % (peer, p, route))
        must(station.messages[0].kind == bmp.INITIATION, "first: %s" % station.messages[0])
        kinds = {m.post_policy for m in station.messages if m.kind == bmp.ROUTE_MONITORING}
        must(kinds == {False, True}, "policies: %s" % kinds)

        for number, (p, to) in enumerate(((prefix, TRANSTELECOM), (PREFIX6, TRANSTELECOM), (prefix, CHINA_UNICOM))):
            told = net.move(p, to)
            for peer in NEIGHBOURS:
                route = station.wait_for(lambda m: m.time > told and m.peer == peer and p in m.announced and m.path[-2] == to)
                must(route, "move %d: AS%d tells nothing" % (number, peer))
                if route:
                    print("move %d: AS%d's route behind AS%d in a BMP message after %.3f s" % (number, peer, to, route.time - told))
                    must(route.time - told < 5, "move %d: AS%d took %.3f s" % (number, peer, route.time - told))
        told = time.time()
        net.withdraw(prefix)
        for peer in NEIGHBOURS:
            must(station.wait_for(lambda m: m.time > told and m.peer == peer and prefix in m.withdrawn), "AS%d: no withdrawal" % peer)

        told = time.time()
        net.stop_router("ttk")
        must(station.wait_for(lambda m: m.time > told and m.kind == bmp.PEER_DOWN and m.peer == TRANSTELECOM), "no Peer Down")
        net.stop_router("monitored", signal.SIGKILL)
        told = time.time()
        net.start_router("monitored")
        must(station.wait_for(lambda m: m.time > told and m.kind == bmp.INITIATION), "no second session")
        must(station.wait_for(lambda m: m.time > told and m.kind == bmp.ROUTE_MONITORING and PREFIXES[0] in m.announced), "no routes again")


def test_nothing_is_left(b):
    with b.internet() as net:
        children = [process.pid for process in net.processes.values()]
        names = list(net.namespaces)
        must(len(children) == 5 and len(names) == 6, "routers: %s %s" % (children, names))
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, timeout=20, check=True).stdout
    must(not any(name in listed for name in names), "namespaces are left: " + listed)
    must(not any(Path("/proc/%d" % child).exists() for child in children), "routers are left")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is stopped
    sys.exit(run_tests(globals(), Bench))

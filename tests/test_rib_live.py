#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Routes that move while packets come: dumps of a real BIRD, BMP of a real FRR, and the counters that follow.

    test_rib_live.py BINARY SOURCE_ROOT [TEST...]

The internet of routers.py, with a tap in the station's namespace. Every packet that was sent is seen, in every second, and
each second has one upstream for a prefix: a change decides from a whole second on. Exit status: 0 passed, 1 failed, 77
not root, or no BIRD or FRR.
"""

import collections
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from ipaddress import ip_address
from pathlib import Path

import bmp
from checks import must, run_tests
from live import check_conservation, wait_for_lines
from routers import CHINA_UNICOM, PREFIX6, PREFIXES, STATION, TRANSITS, TRANSTELECOM, Internet, Programs, wait_until

TOOLS = Path(sys.argv[2] if len(sys.argv) > 2 else ".").resolve() / "build/tools"
why = Programs(TOOLS).missing()
if why:
    print("test_rib_live: skipped: " + why)
    sys.exit(77)

MOVES, STAYS = PREFIXES[0], PREFIXES[1:]
TARGETS = {"moves": [MOVES], "stays": list(STAYS), "six": [PREFIX6]}
# A change decides from the next second on, if it is known before the last tenth of this one (app/reload.c), and a tenth to take it.
LATEST = 1 + 0.1 + 0.1
ROUND = 0.01  # seconds from one packet of each prefix to the next

# TransTeleCom is not configured: its routes are what makes it known.
CONFIG = """\
targets:
%s
upstreams: [{asn: 4837, name: China Unicom}]
attribution: [rib]
ports: [{device: "net_af_packet0,iface=tap"}]
"""


def configured(names):
    """A configuration of some targets."""
    return CONFIG % "\n".join("  - {name: %s, prefixes: [%s]}" % (name, ", ".join('"%s"' % p for p in TARGETS[name])) for name in names)


def frame(prefix):
    """One packet to a prefix."""
    to = ip_address(prefix.split("/")[0]) + 1
    datagram = struct.pack(">HHHH", 53, 40000, 26, 0) + bytes(18)
    if to.version == 6:
        header = struct.pack(">IHBB", 6 << 28, len(datagram), 17, 60) + ip_address("2001:db8::1").packed + to.packed
    else:
        header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(datagram), 0, 0x4000, 60, 17, 0, bytes((8, 8, 8, 8)), to.packed)
    return bytes.fromhex("020000000001020000000002") + (b"\x86\xdd" if to.version == 6 else b"\x08\0") + header + datagram


class Sender:
    """Sends to every prefix, evenly, in a thread; counts."""

    def __init__(self, net):
        self.socket = net.socket("station", socket.AF_PACKET, socket.SOCK_RAW)
        self.socket.bind(("src", 0))
        self.sent, self.done = collections.Counter(), threading.Event()
        self.thread = threading.Thread(target=self.send)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()

    def send(self):
        frames = [(name, frame(prefix)) for name, prefixes in TARGETS.items() for prefix in prefixes]
        while not self.done.wait(ROUND):
            for name, octets in frames:
                self.socket.send(octets)
                self.sent[name] += 1


class Run:
    """The program on the tap of an internet; what it wrote when it ended."""

    def __init__(self, b, net, text, names=tuple(TARGETS)):
        self.folder, self.net, self.more = b.folder, net, text
        self.out, self.error = (b.folder / ("run." + suffix) for suffix in ("jsonl", "err"))
        self.out.unlink(missing_ok=True)
        self.config = b.folder / "run.yaml"
        self.watch(names)
        self.command = net.inside("station", b.binary, "run", "-c", self.config, "-o", self.out)
        self.lines = []

    def watch(self, names):
        """Writes the configuration of these targets; a run that is under way sees it."""
        new = self.folder / "run.yaml.new"
        new.write_text(configured(names) + self.more)
        os.rename(new, self.config)

    def __enter__(self):
        with open(self.error, "w", encoding="utf-8") as error:
            self.child = subprocess.Popen(self.command, stderr=error, stdout=subprocess.DEVNULL)
        try:
            wait_for_lines(self.error, r"transitwatch: \d+ workers?, ")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        now = int(time.time())
        try:
            # What was sent last has been read, too.
            wait_until(lambda: self.child.poll() is not None or '"time":%d,' % now in self.out.read_text(), "no more seconds come", 5)
            self.child.send_signal(signal.SIGINT)
            must(self.child.wait(30) == 0, "run: exit status %s: %s" % (self.child.returncode, self.text()))
        finally:
            self.child.kill()
            self.child.wait()
        self.lines = [json.loads(line) for line in self.out.read_text().splitlines()]

    def text(self):
        return self.error.read_text()[-3000:]

    def upstreams(self):
        """{target: [(second, {(upstream, method): packets})]} of what was written so far."""
        found = {name: [] for name in TARGETS}
        for line in self.out.read_text().splitlines() if self.out.exists() else ():
            with contextlib.suppress(ValueError):  # a line that is being written
                line = json.loads(line)
                for name in TARGETS if line["type"] == "second" else ():
                    series = collections.Counter()
                    for s in line["series"]:
                        if s["target"] == name:
                            series[s["upstream"], s["method"]] += s["packets"]
                    if +series:  # others have flows alone
                        found[name].append((line["time"], +series))
        return found

    def wait_upstream(self, name, upstream, since):
        """The first second, not before `since`, of which all of a target's packets are behind an upstream."""
        return wait_until(lambda: first_of(self.upstreams()[name], upstream, since),
                          lambda: "%s is never behind %s: %s %s" % (name, upstream, self.upstreams()[name][-3:], self.text()), 15)


def first_of(seconds, upstream, since):
    """The first second, not before `since`, of which all packets are behind an upstream by its routes."""
    return next((second for second, series in seconds if second >= since and set(series) == {(upstream, "rib")}), None)


def check_run(run, sender, steps, undecided=()):
    """
    All that was sent is in the lines. `steps`: {target: [upstream, ...]} in the order in which they must come.
    `undecided`: (first, last) second between which there may be none.
    """
    check_conservation("routes", run.lines)
    must(run.lines[-1]["type"] == "summary" and run.lines[-1]["exact"], "packets are lost: %s" % run.lines[-1]["dropped"])
    must(all(line["exact"] for line in run.lines if line["type"] == "second"), "seconds are not exact")
    must(run.lines[-1]["received"]["packets"] == sum(sender.sent.values()),
         "sent %s, received %s" % (sender.sent, run.lines[-1]["received"]))
    for name, expected in steps.items():
        seconds = run.upstreams()[name]
        counted = sum(sum(series.values()) for _, series in seconds)
        must(counted == sender.sent[name], "%s: %d sent, and %d counted: %s" % (name, sender.sent[name], counted, seconds))
        mixed = [(second, series) for second, series in seconds if len(series) != 1]
        must(not mixed, "%s: a second of two upstreams: %s" % (name, mixed))
        order = []
        for second, series in seconds:
            step = next(iter(series))
            if step[0] == 0 and any(first <= second <= last for first, last in undecided):
                continue
            if [step] != order[-1:]:
                order.append(step)
        must(order == [(upstream, "rib") for upstream in expected], "%s: the upstreams were %s, expected %s" % (name, order, expected))
    ages = [s["rib_age"] for line in run.lines if line["type"] == "second" for s in line["series"] if "rib_age" in s]
    must(ages and min(ages) >= 0, "rib_age: %s" % ages[:5])


class Bench:
    def __init__(self, binary, root, folder):
        self.binary, self.root, self.folder = binary, root, folder

    def internet(self, **more):
        home = self.folder / ("internet%d" % len(list(self.folder.iterdir())))
        home.mkdir()
        return Internet(home, TOOLS, **more)

    def place(self, dump, name="rib4.mrt"):
        """A copy of a dump takes the place of the file that the program has; returns when."""
        new = self.folder / (name + ".new")
        shutil.copyfile(dump, new)
        os.rename(new, self.folder / name)
        return time.time()


def test_files_are_replaced(b):
    """Dumps that BIRD makes when asked, one that is none, and one that it makes by the clock."""
    with b.internet() as net:
        b.place(net.dump())
        b.place(net.dump(6), "rib6.mrt")
        with Run(b, net, "rib: {files: [rib4.mrt, rib6.mrt]}\n") as run, Sender(net) as sender:
            run.wait_upstream("moves", CHINA_UNICOM, 0)
            net.move(MOVES, TRANSTELECOM)
            net.wait_path("collector", MOVES, TRANSTELECOM)
            placed = b.place(net.dump())
            second = run.wait_upstream("moves", TRANSTELECOM, int(placed) - 1)
            print("a dump in its place: in force %.3f s later" % (second - placed))
            must(placed < second <= placed + 2, "a dump in its place is in force after %.3f s" % (second - placed))

            (b.folder / "garbage").write_bytes(b"no routes at all\n" * 100)
            placed = b.place(b.folder / "garbage")
            run.wait_upstream("moves", TRANSTELECOM, int(placed) + 3)

            net.move(MOVES, CHINA_UNICOM)
            net.move(PREFIX6, TRANSTELECOM)
            for prefix, upstream in ((MOVES, CHINA_UNICOM), (PREFIX6, TRANSTELECOM)):
                net.wait_path("collector", prefix, upstream)
            known = int(time.time()) + 1
            for version in (6, 4):
                placed = b.place(net.periodic_dump(known, version), "rib%d.mrt" % version)
            second = run.wait_upstream("moves", CHINA_UNICOM, int(placed) - 1)
            print("a periodic dump: in force %.3f s after it was placed" % (second - placed))
            must(placed < second <= placed + 2, "a periodic dump is in force after %.3f s" % (second - placed))
            run.wait_upstream("six", TRANSTELECOM, int(placed) - 1)
    check_run(run, sender, {"moves": [CHINA_UNICOM, TRANSTELECOM, CHINA_UNICOM], "stays": [CHINA_UNICOM],
                            "six": [CHINA_UNICOM, TRANSTELECOM]})


def test_bmp(b):
    """A message decides from the next second on; a session that is lost keeps its routes, and one that comes back goes on."""
    said = []
    with b.internet(bmp_ports=(11019, 11020)) as net, bmp.Station(bmp.listen(net.socket("station"), STATION, 11020)) as station, \
            Run(b, net, 'bmp: {listen: "%s:11019", allow: [10.77.0.0/24], hold: 300}\n' % STATION) as run:
        def move(name, prefix, upstream):
            """Moves, and waits until both peers' messages have come and a second is counted by them."""
            # Early in a second, so that none begins between the two peers' messages: they would be of two minds in it.
            wait_until(lambda: 0.05 < time.time() % 1 < 0.3, "no second begins")
            told = net.move(prefix, upstream)

            def tells(message, peer):
                return message.time > told and message.peer == peer and prefix in message.announced and message.path[-2] == upstream

            messages = [station.wait_for(lambda message, peer=peer: tells(message, peer)) for peer in TRANSITS]
            must(all(messages), "%s behind %d: no message" % (prefix, upstream))
            moment = max(message.time for message in messages if message)
            second = run.wait_upstream(name, upstream, int(told))
            said.append((name, upstream, second - moment))
            must(moment < second, "%s behind AS%d in a second that began before the message" % (name, upstream))

        with Sender(net) as sender:
            begun = max(run.wait_upstream(name, CHINA_UNICOM, 0) for name in TARGETS)
            move("moves", MOVES, TRANSTELECOM)
            move("six", PREFIX6, TRANSTELECOM)
            net.stop_router("monitored", signal.SIGKILL)
            lost = int(time.time())
            net.move(MOVES, CHINA_UNICOM)  # nobody is there to tell
            run.wait_upstream("moves", TRANSTELECOM, lost + 4)
            net.start_router("monitored")
            back = run.wait_upstream("moves", CHINA_UNICOM, lost + 4)
            net.wait_path("monitored", MOVES, CHINA_UNICOM)
            move("moves", MOVES, TRANSTELECOM)
    for name, upstream, took in said:
        print("%s behind AS%d: in force %.3f s after the message" % (name, upstream, took))
        must(took <= LATEST, "%s behind AS%d: in force %.3f s after the message" % (name, upstream, took))
    # Until the router has told its table for the first time; and while it tells it again, peer by peer.
    check_run(run, sender, {"moves": [CHINA_UNICOM, TRANSTELECOM, CHINA_UNICOM, TRANSTELECOM], "stays": [CHINA_UNICOM],
                            "six": [CHINA_UNICOM, TRANSTELECOM]}, undecided=((0, begun), (lost + 5, back + 2)))


def test_bmp_tells_of_targets_that_are_added(b):
    """FRR has told all its routes when only some are wanted: it is cut off, comes back, and tells of the rest."""
    with b.internet(bmp_ports=(11019,)) as net:
        with Run(b, net, 'bmp: {listen: "%s:11019", allow: [10.77.0.0/24]}\n' % STATION, ("moves",)) as run, Sender(net) as sender:
            begun = run.wait_upstream("moves", CHINA_UNICOM, 0)
            run.watch(TARGETS)
            wait_for_lines(run.error, r"session over: ended so that the router tells everything again")
            cut = time.time()
            known = max(run.wait_upstream(name, CHINA_UNICOM, 0) for name in ("stays", "six"))
            print("targets that were added: their routes decide %.1f s after the session was ended" % (known - cut))
            must(known - cut < 5, "targets that were added: their routes decide %.1f s after the session was ended" % (known - cut))
            net.move(MOVES, TRANSTELECOM)
            run.wait_upstream("moves", TRANSTELECOM, int(cut))
    must(len(re.findall("session over", run.error.read_text())) == 1, "sessions: %s" % run.text())
    must(run.lines[-1]["exact"] and not run.lines[-1]["dropped"], "packets are lost: %s" % run.lines[-1]["dropped"])
    must(run.lines[-1]["received"]["packets"] == sum(sender.sent.values()),
         "sent %s, received %s" % (sender.sent, run.lines[-1]["received"]))
    for name, since in (("moves", begun), ("stays", known), ("six", known)):
        # While FRR's peers tell a move one after the other, they may be of two minds.
        away = [(second, series) for second, series in run.upstreams()[name]
                if since <= second and (0, "none") in series and (name != "moves" or second <= known)]
        must(not away, "%s: without its routes: %s" % (name, away))


def test_bmp_is_for_those_allowed(b):
    """A router that is not on the list is told nothing and tells nothing: packets are counted, their upstream unknown."""
    with b.internet() as net:
        with Run(b, net, 'bmp: {listen: "%s:11019", allow: [192.0.2.0/24]}\n' % STATION) as run, Sender(net) as sender:
            wait_until(lambda: len(run.upstreams()["stays"]) >= 4, "no second comes")
    check_conservation("not allowed", run.lines)
    must(run.lines[-1]["received"]["packets"] == sum(sender.sent.values()),
         "sent %s, received %s" % (sender.sent, run.lines[-1]["received"]))
    for name, seconds in run.upstreams().items():
        must(all(set(series) == {(0, "none")} for _, series in seconds), "%s: %s" % (name, seconds))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is stopped
    sys.exit(run_tests(globals(), Bench))

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Reloads while a router tells its routes: it is asked to tell again when there is more to know, and only then.

    test_bmp_reload.py BINARY SOURCE_ROOT [TEST...]

A tap gets a packet to each target every 10 ms, so that each second says by which upstream. The configuration is a link to
a file elsewhere: nothing but SIGHUP makes the program read it. Exit status: 0 passed, 1 failed, 77 skipped.
"""

import collections
import contextlib
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.request
from ipaddress import ip_address

from bmp_router import Peer, Router
from checks import must, run_tests

if os.geteuid() != 0 or not os.path.exists("/dev/net/tun"):
    print("skipped: not root, or no /dev/net/tun")
    sys.exit(77)

A, B = "198.51.100.0/24", "203.0.113.0/24"
A_LOW, A_HIGH = "198.51.100.0/25", "198.51.100.128/25"
ONE, TWO, VANTAGE = 64510, 64511, 64496
HOSTS = {"A": "198.51.100.1", "A high": "198.51.100.129", "B": "203.0.113.1"}


def wait_until(what, condition, seconds=15):
    """What it becomes, once it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise ValueError("not within %d s: %s" % (seconds, what() if callable(what) else what))


def frame(to):
    datagram = struct.pack(">HHHH", 53, 40000, 26, 0) + bytes(18)
    header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(datagram), 0, 0x4000, 60, 17, 0, bytes((8, 8, 8, 8)), ip_address(to).packed)
    return bytes.fromhex("0200000000010200000000020800") + header + datagram


class Run:
    """The program on a tap, a sender on the tap's other side."""

    def __init__(self, b):
        self.folder, self.binary = b.folder, b.binary
        self.out, self.error, self.link = (b.folder / name for name in ("run.jsonl", "run.err", "run.yaml"))
        self.prefix, self.interface = "twbmp%d" % os.getpid(), "tw%d" % os.getpid()
        (b.folder / "elsewhere").mkdir(exist_ok=True)
        self.real = b.folder / "elsewhere/real.yaml"
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(self.real)
        self.out.unlink(missing_ok=True)
        self.done, self.sender, self.reloads, self.lines = threading.Event(), None, 0, []

    def write(self, targets, bmp="", more=""):
        text = "targets:\n%s" % "".join("  - {name: %s, prefixes: [%s]}\n" % target for target in targets)
        text += "upstreams: [{asn: %d, name: one}]\nattribution: [rib]\nhttp: {listen: '127.0.0.1:0'}\n" % ONE
        text += "bmp: {listen: '127.0.0.1:0'%s}\nports: [{device: 'net_tap0,iface=%s'}]\n" % (bmp, self.interface)
        self.real.write_text(text + more)

    def __enter__(self):
        with open(self.error, "w", encoding="utf-8") as error:
            self.child = subprocess.Popen([str(self.binary), "run", "-c", str(self.link), "-o", str(self.out), "--", "--file-prefix",
                                           self.prefix], stderr=error, stdout=subprocess.DEVNULL)
        try:
            self.address = self.wait_said(r"\(BMP\) to ([\d.]+):(\d+)").groups()
            self.url = self.wait_said(r"http://[^/\s]*").group()
            self.sender = threading.Thread(target=self.send)
            self.sender.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            self.child.send_signal(signal.SIGINT)
            must(self.child.wait(30) == 0, "exit status %s: %s" % (self.child.returncode, self.text()))
        finally:
            self.done.set()
            if self.sender is not None:
                self.sender.join()
            self.child.kill()
            self.child.wait()
        must("Sanitizer" not in self.error.read_text(), self.text())
        self.lines = [json.loads(line) for line in self.out.read_text().splitlines()]

    def send(self):
        frames = [frame(host) for host in HOSTS.values()]
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out, contextlib.suppress(OSError):  # it goes with the program
            out.bind((self.interface, 0))
            while not self.done.wait(0.01):
                for octets in frames:
                    out.send(octets)

    def text(self):
        return self.error.read_text()[-3000:]

    def wait_said(self, pattern):
        return wait_until(lambda: "%r is not said: %s" % (pattern, self.text()), lambda: re.search(pattern, self.error.read_text()), 40)

    def reload(self):
        """Returns the second from which it decides."""
        self.reloads += 1
        self.child.send_signal(signal.SIGHUP)
        return int(self.wait_said(r"reload %d: .*from second (\d+) on" % self.reloads)[1])

    def router(self, tables, pause):
        return Router((self.address[0], int(self.address[1])), tables, pause)

    def explain(self, ip):
        with urllib.request.urlopen("%s/api/v1/explain?ip=%s" % (self.url, ip), timeout=10) as answer:
            return json.load(answer)

    def upstream(self, ip):
        """By its route, None without one."""
        return (self.explain(ip)["route"] or {}).get("upstream")

    def routers(self):
        """What telemetry says of them."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as ask:
            ask.settimeout(10)
            ask.connect("/var/run/dpdk/%s/dpdk_telemetry.v2" % self.prefix)
            ask.recv(4096)
            ask.send(b"/transitwatch/routers")
            return json.loads(ask.recv(16384))["/transitwatch/routers"]

    def seconds(self, target):
        """[(second, {(upstream, method): packets})] of a target, so far."""
        found = []
        for line in self.out.read_text().splitlines() if self.out.exists() else ():
            with contextlib.suppress(ValueError):  # a line that is being written
                line = json.loads(line)
                series = collections.Counter()
                for s in line["series"] if line["type"] == "second" else ():
                    if s["target"] == target:
                        series[s["upstream"], s["method"]] += s["packets"]
                if +series:
                    found.append((line["time"], +series))
        return found

    def wait_upstream(self, target, upstream, since=0):
        """The first second, not before `since`, of which all of a target's packets are behind an upstream by its routes."""
        return wait_until(lambda: "%s is not behind %s: %s %s" % (target, upstream, self.seconds(target)[-3:], self.text()),
                          lambda: next((second for second, series in self.seconds(target)
                                        if second >= since and set(series) == {(upstream, "rib")}), None))


class Bench:
    def __init__(self, binary, _root, folder):
        self.binary, self.folder = binary, folder


def never_away(run, target, upstream, since):
    """From a second on all packets are behind the upstream, and there are seconds enough."""
    seconds = [(second, series) for second, series in run.seconds(target) if second >= since]
    away = [(second, series) for second, series in seconds if set(series) != {(upstream, "rib")}]
    must(not away, "%s was away from %d: %s" % (target, upstream, away))
    must(len(seconds) >= 3, "%s: only these seconds had packets: %s" % (target, seconds))


def test_a_target_is_added(b):
    """The router had told of its prefixes when nobody wanted them: it is asked again, and keeps its routes meanwhile."""
    run, peer = Run(b), Peer("192.0.2.1", VANTAGE)
    tables = {peer: {A: "%d %d 64700" % (VANTAGE, ONE), B: "%d %d 64701" % (VANTAGE, TWO)}}
    run.write([("A", A)])
    with run, run.router(tables, 2.5) as router:
        since = run.wait_upstream("A", ONE)
        must(not run.seconds("B") and run.explain(HOSTS["B"])["target"] is None, "B is a target already")
        must(run.routers()["router_0"]["routes"] == 1, "kept before: %s" % run.routers())
        run.write([("A", A), ("B", B)])
        reload = run.reload()
        wait_until("the router is not cut off", lambda: router.ended, 5)
        run.wait_said(r"127\.0\.0\.1 \(edge1\): session over: ended so that the router tells everything again; its routes are kept")
        # A is what it was, the router being away.
        must(len(router.sessions) == 1 and run.upstream(HOSTS["A"]) == ONE, "while away: %s" % run.explain(HOSTS["A"]))
        must(run.routers()["router_0"]["connected"] == 0 and run.routers()["router_0"]["peers_held"] == 1, "%s" % run.routers())
        wait_until("the router is not back", lambda: len(router.sessions) == 2)
        back = run.wait_upstream("B", TWO)
        must(run.explain(HOSTS["B"])["target"] == "B" and run.upstream(HOSTS["B"]) == TWO, "B: %s" % run.explain(HOSTS["B"]))
        told = run.routers()["router_0"]
        must((told["address"], told["name"], told["connected"], told["peers_up"], told["routes"], told["refused"]) ==
             ("127.0.0.1", "edge1", 1, 1, 2, 0), "routers: %s" % told)
        print("B: its routes decide %.1f s after the router was back, %.1f s after the reload" %
              (back - router.sessions[1], back - reload))
        must(back - router.sessions[1] < 4, "B: its routes decide %.1f s after the router was back" % (back - router.sessions[1]))
        # What it tells from now on is taken, too; a reload that changes no target leaves it alone.
        router.tell(peer, B, "%d %d 64701" % (VANTAGE, ONE))
        moved = run.wait_upstream("B", ONE, back)
        run.reload()
        run.wait_upstream("B", ONE, int(time.time()) + 2)
        must(len(router.sessions) == 2 and len(router.ended) == 1, "sessions: %s, ended: %s" % (router.sessions, router.ended))
    never_away(run, "A", ONE, since)
    must([series for second, series in run.seconds("B") if second < reload] == [], "B before the reload: %s" % run.seconds("B"))
    decided = [next(iter(series))[0] for second, series in run.seconds("B") if second >= back and len(series) == 1]
    must(decided == sorted(decided, reverse=True) and set(decided) == {ONE, TWO}, "B moved at %d: %s" % (moved, run.seconds("B")))


def test_there_is_more_room(b):
    """What a router's share had no room for is told again when a reload raises it."""
    run, peer = Run(b), Peer("192.0.2.1", VANTAGE)
    tables = {peer: {A_LOW: "%d %d 64700" % (VANTAGE, ONE), A_HIGH: "%d %d 64700" % (VANTAGE, ONE)}}
    targets = [("low", A_LOW), ("high", A_HIGH)]
    run.write(targets, ", max_routes: 1")
    with run, run.router(tables, 0.2) as router:
        since = run.wait_upstream("low", ONE)
        run.wait_said(r"127\.0\.0\.1 \(edge1\): more routes of the targets than bmp\.max_routes: raise it, or let the router tell fewer")
        told = run.routers()
        must(told["routes_refused"] == 1 and told["router_0"]["routes"] == 1 and told["router_0"]["refused"] == 1, "routers: %s" % told)
        must(run.explain(HOSTS["A high"])["route"] is None, "high: %s" % run.explain(HOSTS["A high"]))
        run.write(targets, ", max_routes: 2")
        run.reload()
        run.wait_upstream("high", ONE)
        must(len(router.sessions) == 2 and run.routers()["router_0"]["routes"] == 2, "%s: %s" % (router.sessions, run.routers()))
        # Less room asks for nothing, and is had at once. The keys that a reload cannot take are named, and this one is not among them.
        run.write(targets, ", max_routes: 1", "decapsulate: [gre]\n")
        run.reload()
        wait_until("too many routes", lambda: run.routers()["router_0"]["routes"] == 1)
        run.wait_said("taken at the next start alone: decapsulate\n")
        must(len(router.sessions) == 2 and not router.ended[1:], "sessions: %s" % router.sessions)
    never_away(run, "low", ONE, since)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is stopped
    sys.exit(run_tests(globals(), Bench))

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Reloads that add, remove and rename what is watched while packets come: each second is of one configuration alone.

    test_places.py BINARY SOURCE_ROOT [TEST...]

A ring of 64 packets is played over and over, so that every second says of each series how many packets it must have, to a
round. Exit status: 0 passed, 1 failed, 77 skipped (see live.py).
"""

import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
import urllib.request

import gen_mrt
from checks import must, run_tests
from live import Bench, check_conservation

RING = 64  # packets: 32 of 10.0.0.0/8 in VLAN 100; 16 of 10.0.0.0/8 and 16 of 20.0.0.0/8 in VLAN 200

TEN, TWENTY = "{name: T, prefixes: [10.0.0.0/8]}", "{name: U, prefixes: [20.0.0.0/8]}"
ONE = "{asn: 64500, name: one, links: [{vlan: 100}]}"
ONE_BY_MAC = "{asn: 64500, name: one, links: [{mac: '02:00:00:00:01:00'}]}"
TWO, ZWEI = ("{asn: 64501, name: %s, links: [{vlan: 200}]}" % name for name in ("two", "zwei"))
UNKNOWN = ("T", 0, "unknown", "none")
FIRST = {("T", 64500, "one", "vlan"): 32, UNKNOWN: 16}


def second(name):
    return {("T", 64500, "one", "vlan"): 32, ("T", 64501, name, "vlan"): 16, ("U", 64501, name, "vlan"): 16}


def wait_until(what, condition, arg=None):
    """Workers that never rest leave little to whoever loads: patience."""
    end = time.monotonic() + 40
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    raise ValueError("%s: not in 40 s: %s" % (what, arg.read_text() if arg else ""))


def write_ring(path):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for i in range(RING):
            vlan = 100 if i % 2 else 200
            source = (0x14000000 if i % 4 == 0 else 0x0A000000) + i
            header = struct.pack(">BBHHHBBHII", 0x45, 0, 46, 0, 0, 64, 17, 0, source, 0xC0000200 + i)
            link = b"\x02\0\0\0\0\x01\x02\0\0\0" + (b"\1\0" if vlan == 100 else b"\2\0") + struct.pack(">HHH", 0x8100, vlan, 0x800)
            frame = link + header + struct.pack(">HHHH", 1, 2, 26, 0) + bytes(18)
            out.write(struct.pack("<IIII", i, 0, len(frame), len(frame)) + frame)


def listed(items):
    return "[%s]" % ", ".join(items)


class Run:
    """A live run on the ring, and what it was told: from which second on which series are to be seen."""

    def __init__(self, b, workers=1, text=""):
        self.b, self.out, self.error, self.config = b, *(b.folder / ("places." + s) for s in ("jsonl", "err", "yaml"))
        self.always = "workers: %d\nhttp: {listen: '127.0.0.1:0'}\nports: [{device: 'net_pcap0,rx_pcap=%s,infinite_rx=1'}]\n%s" % (
            workers, b.folder / "ring.pcap", text)
        self.name = "%d workers%s" % (workers, ", routed" if text else "")
        self.stages, self.good, self.bad = [], 0, 0
        self.out.unlink(missing_ok=True)
        write_ring(b.folder / "ring.pcap")

    def write(self, targets, upstreams, more=""):
        new = self.b.folder / "new"
        new.write_text("targets: %s\nupstreams: %s\n%s" % (listed(targets), listed(upstreams), self.always + more))
        os.rename(new, self.config)

    def start(self, targets, upstreams, expected):
        self.write(targets, upstreams)
        self.stages.append((0, expected))
        with open(self.error, "w", encoding="utf-8") as error:
            self.child = subprocess.Popen([str(self.b.binary), "run", "-c", str(self.config), "-o", str(self.out)],
                                          stderr=error, stdout=subprocess.DEVNULL)
        self.wait_said(r"transitwatch: \d workers?, ")
        self.address = re.search(r"http://[^/]*", self.error.read_text()).group()
        self.wait_seconds(2)

    def wait_said(self, pattern):
        wait_until(pattern, lambda: re.search(pattern, self.error.read_text()), self.error)

    def wait_seconds(self, n):
        """Until so many more have closed."""
        def closed():
            return json.loads(self.ask("/api/v1/summary"))["seconds"]
        enough = closed() + n
        wait_until("%d seconds" % n, lambda: closed() >= enough, self.error)

    def ask(self, path):
        with urllib.request.urlopen(self.address + path, timeout=10) as answer:
            return answer.read().decode()

    def order(self):
        """Of the methods, as explained."""
        return json.loads(self.ask("/api/v1/explain?ip=10.0.0.1"))["route"]["attribution"]

    def metrics(self):
        """The samples, of text that promtool has nothing against."""
        text = self.ask("/metrics")
        if shutil.which("promtool"):
            result = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
            must(result.returncode == 0 and not result.stderr, "promtool: %s" % result.stderr)
        samples = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
        must(len(samples) == len({name for name, _ in samples}), "%s: a sample stands twice" % self.name)
        return {name: float(value) for name, value in samples}

    def reload(self, targets, upstreams, expected, more=""):
        """A reload that is taken. Returns the metrics right after it."""
        self.write(targets, upstreams, more)
        self.good += 1
        self.wait_said(r"reload %d: .*from second \d+ on" % self.good)
        metrics = self.metrics()
        told = re.search(r"reload %d: .*from second (\d+) on" % self.good, self.error.read_text())
        self.stages.append((int(told.group(1)), expected))
        wait_until("second %s" % told.group(1),
                   lambda: json.loads(self.ask("/api/v1/summary"))["last"] > self.stages[-1][0], self.error)
        return metrics

    def refused(self, targets, upstreams, pattern):
        self.write(targets, upstreams)
        self.bad += 1
        self.wait_said(r"not taken \(%d so far\)" % self.bad)
        lines = self.error.read_text().splitlines()
        at = max(i for i, line in enumerate(lines) if "not taken (%d so far)" % self.bad in line)
        must(re.search(pattern, lines[at - 1]), "%s: refused with %r" % (self.name, lines[at - 1]))

    def end(self):
        self.child.send_signal(signal.SIGINT)
        status = self.child.wait(60)
        text = self.error.read_text()
        must(status == 0 and "Sanitizer" not in text, "%s: exit status %d: %s" % (self.name, status, text[-3000:]))
        self.lines = [json.loads(line) for line in self.out.read_text().splitlines()]
        check_conservation(self.name, self.lines)
        return [line for line in self.lines if line["type"] == "second"]

    def kill(self):
        self.child.kill()
        self.child.wait()


def packets_of(line):
    return {(s["target"], s["upstream"], s["name"], s["method"]): s["packets"] for s in line["series"] if s["packets"]}


def check_seconds(run, seconds, counted):
    """Of each second the series of its configuration; where `counted`, as many packets as it has of the ring."""
    seen = set()
    for line in seconds:
        stage = max(i for i, (since, _) in enumerate(run.stages) if since <= line["time"])
        expected, got = run.stages[stage][1], packets_of(line)
        received = line["received"]["packets"]
        if received < RING:
            continue
        seen.add(stage)
        # A name is another one as soon as the reload is taken, a moment before its first second.
        names = [key[:2] + key[3:] for key in expected]
        must(sorted(key[:2] + key[3:] for key in got) == sorted(names), "%s: second %d of stage %d: %s" %
             (run.name, line["time"], stage, got))
        must(sum(got.values()) == line["classes"]["target"], "%s: series and class differ: %s" % (run.name, line))
        if line["time"] + 1 not in [since for since, _ in run.stages]:
            must(set(got) == set(expected), "%s: names in second %d: %s" % (run.name, line["time"], got))
        if not counted:
            continue
        must(line["exact"] and not line["dropped"], "%s: losses: %s" % (run.name, line))
        for key, packets in got.items():
            share = next(n for other, n in expected.items() if other[:2] + other[3:] == key[:2] + key[3:])
            must(abs(packets * RING - received * share) <= RING * share, "%s: second %d: %s has %d of %d" %
                 (run.name, line["time"], key, packets, received))
    must(seen == set(range(len(run.stages))), "%s: stages without a second: %s" % (run.name, seen))


def sample(name, *labels):
    target, upstream, method = labels
    return ('transitwatch_%s_total{target="%s",upstream="%s",method="%s",direction="from",ip_version="4"}' %
            (name, target, upstream, method))


def change_everything(run):
    run.start([TEN], [ONE], FIRST)
    metrics = run.metrics()
    must(sample("packets", "U", 64501, "vlan") not in metrics and metrics[sample("packets", "T", 64500, "vlan")] > 0,
         "metrics before: %s" % [k for k in metrics if "packets_total" in k])
    # The file's order is another one: places are what counts.
    metrics = run.reload([TWENTY, TEN], [TWO, ONE], second("two"))
    for labels in (("U", 64501, "vlan"), ("T", 64501, "vlan"), ("U", 0, "none"), ("U", 64500, "vlan")):
        must(sample("packets", *labels) in metrics, "%s is not there right after the reload" % (labels,))
    must(metrics.get('transitwatch_upstream_info{upstream="64501",name="two"}') == 1, "the new upstream's name")
    must([k for k in metrics if k.startswith("transitwatch_packets_total") and 'target=""' in k] == [], "an empty place shows")
    explained = json.loads(run.ask("/api/v1/explain?ip=20.0.0.1"))
    must(explained["target"] == "U", "explained: %s" % explained)
    metrics = run.reload([TEN, TWENTY], [ONE, ZWEI], second("zwei"), "flows: {idle_timeout: 45}\n")
    must([k for k in metrics if k.startswith("transitwatch_upstream_info") and "64501" in k] ==
         ['transitwatch_upstream_info{upstream="64501",name="zwei"}'], "the new name")
    must("reload: taken at the next start alone: flows.idle_timeout\n" in run.error.read_text(), "the key is not named")
    by_mac = {("T", 64500, "one", "mac") if key[1] == 64500 else key: n for key, n in second("zwei").items()}
    metrics = run.reload([TEN, TWENTY], [ONE_BY_MAC, ZWEI], by_mac)
    must(sample("packets", "T", 64500, "mac") in metrics, "the method's series is not there right after the reload")
    run.reload([TEN], [ONE_BY_MAC], {("T", 64500, "one", "mac"): 32, UNKNOWN: 16})
    before, summary = run.metrics(), json.loads(run.ask("/api/v1/summary"))
    must(summary["targets"] == ["T"], "targets of the summary: %s" % summary["targets"])
    kinds = {u["upstream"]: u["kind"] for u in summary["upstreams"]}
    must(kinds == {64500: "configured", 64501: "found"}, "upstreams of the summary: %s" % kinds)
    run.refused([TEN] + [TWENTY.replace("U,", "U%d," % i) for i in range(4)], [ONE], "5 places for targets.*restart to take that")
    run.refused([TEN], [ONE] + ["{asn: %d}" % (65000 + i) for i in range(8)], "9 places for .*upstreams.*restart to take that")
    run.wait_seconds(1)
    after = run.metrics()
    for labels in (("U", 64501, "vlan"), ("T", 64501, "vlan"), ("T", 64500, "vlan")):
        name = sample("packets", *labels)
        must(before[name] == after[name] > 0, "%s: counters that stay: %s, %s" % (labels, before[name], after[name]))
    must(after[sample("packets", "T", 64500, "mac")] > before[sample("packets", "T", 64500, "mac")], "what ran goes on")
    # What was there before finds its place again, and goes on from its counters.
    metrics = run.reload([TEN, TWENTY], [ONE, TWO], second("two"))
    must(metrics[sample("packets", "U", 64501, "vlan")] >= after[sample("packets", "U", 64501, "vlan")], "counters start anew")


def changes(b, workers):
    run = Run(b, workers)
    try:
        change_everything(run)
        seconds = run.end()
    finally:
        run.kill()
    check_seconds(run, seconds, workers == 1)
    if workers > 1:
        return
    received = sum(line["received"]["packets"] for line in seconds)
    sums = {key: sum(packets_of(line).get(key, 0) for line in seconds) for line in seconds for key in packets_of(line)}
    must(run.lines[-1]["received"]["packets"] == received and not run.lines[-1]["dropped"], "the summary: %s" % run.lines[-1])
    tens = sum(n for key, n in sums.items() if key[0] == "T")
    must(abs(tens * RING - received * 48) <= RING * 48, "of T %d of %d" % (tens, received))


def test_targets_upstreams_and_methods_change(b):
    changes(b, 1)


def test_all_workers_change_alike(b):
    changes(b, 2)


def test_with_routes(b):
    """An upstream that a route found is configured; a target is new to routes; links are compared with them."""
    text = "peer a 192.0.2.1 64496\ntime %d\nrib\n" % time.time()
    text += "route a 10.0.0.0/8 64496 64510 64700\nroute a 20.0.0.0/8 64496 64511 64701\n"
    with open(b.folder / "places.mrt", "wb") as out:
        gen_mrt.make(text.splitlines(), out.write)
    run = Run(b, 1, "attribution: [vlan, rib]\nrib: {files: [places.mrt]}\n")
    found = "{asn: 64510, name: told, links: [{vlan: 200}]}"
    try:
        run.start([TEN], [ONE], {("T", 64500, "one", "vlan"): 32, ("T", 64510, "", "rib"): 16})
        metrics = run.metrics()
        must(not [k for k in metrics if 'observed="64510"' in k], "what a route finds is observed by no link")
        metrics = run.reload([TWENTY, TEN], [found, ONE], {
            ("T", 64500, "one", "vlan"): 32, ("T", 64510, "told", "vlan"): 16, ("U", 64510, "told", "vlan"): 16})
        must([k for k in metrics if 'info{upstream="64510"' in k] == ['transitwatch_upstream_info{upstream="64510",name="told"}'],
             "the upstream that a route found, configured")
        metrics = run.metrics()
        pairs = {re.findall(r'"([^"]*)"', k)[0:3] and tuple(re.findall(r'"([^"]*)"', k)): v for k, v in metrics.items()
                 if k.startswith("transitwatch_routing_packets_total") and v}
        must(set(pairs) == {("T", "64500", "64510"), ("T", "64510", "64510"), ("U", "64510", "64511")}, "pairs: %s" % pairs)
        must(metrics['transitwatch_rib_prefixes{target="U",upstream="64511",ip_version="4"}'] == 1, "shares of a new target")
        run.reload([TEN], [ONE], {("T", 64500, "one", "vlan"): 32, ("T", 64510, "told", "rib"): 16})
        must(run.order() == ["vlan", "rib"], "explained: %s" % run.order())
        run.always = run.always.replace("[vlan, rib]", "[rib, vlan]")
        run.reload([TEN], [ONE], {("T", 64510, "told", "rib"): 48})
        must(run.order() == ["rib", "vlan"], "explained after a reload that turns it round: %s" % run.order())
        seconds = run.end()
    finally:
        run.kill()
    check_seconds(run, seconds, True)


if __name__ == "__main__":
    sys.exit(run_tests(globals(), Bench))

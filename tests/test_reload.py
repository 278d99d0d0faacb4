#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Reloads while packets come: each second is of one table, each packet accounted for, nothing leaks.

    test_reload.py BINARY SOURCE_ROOT [TEST...]

The environment says how much: TW_RELOADS (20), TW_WORKERS ("1 2": a run each). A soak of some 17 minutes, with the build
that .ci/run makes for sanitizers:

    TW_RELOADS=1000 TW_WORKERS=2 tests/test_reload.py build/sanitized/app/transitwatch . test_reloads_under_load

Exit status: 0 passed, 1 failed, 77 skipped (see live.py), or no MaxMind::DB::Writer.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

from checks import must, run_tests
from live import Bench, check_conservation, wait_for_lines, write_targets

RELOADS = int(os.environ.get("TW_RELOADS", "20"))
WORKERS = os.environ.get("TW_WORKERS", "1 2").split()

if subprocess.run(["perl", "-MMaxMind::DB::Writer::Tree", "-e", "1"], capture_output=True, check=False).returncode != 0:
    print("skipped: no MaxMind::DB::Writer (Debian package libmaxmind-db-writer-perl)")
    sys.exit(77)


def make_database(b, name, asn):
    """Some thousand prefixes, and 10.0.0.0/8, where the packets come from."""
    rows = ["10.0.0.0,10.255.255.255,%d,X" % asn]
    rows += ["%d.%d.0.0,%d.%d.255.255,%d,Y" % (20 + i // 256, i % 256, 20 + i // 256, i % 256, 1 + i % 500) for i in range(3000)]
    (b.folder / "in.csv").write_text("".join(row + "\n" for row in rows))
    subprocess.run([b.root / "scripts/csv-to-mmdb", b.folder / name, b.folder / "in.csv"], check=True, capture_output=True)


def replace(source, path):
    """As geoipupdate does it."""
    new = path.with_name("new")
    shutil.copyfile(source, new)
    os.rename(new, path)


class Feed:
    """testpmd, which sends the packets of a capture over and over into shared memory, as fast as it can."""

    def __init__(self, b, capture, path):
        self.log = b.folder / "testpmd.log"
        with open(self.log, "w", encoding="utf-8") as log:
            self.child = subprocess.Popen(
                ["stdbuf", "-oL", "dpdk-testpmd", "--no-huge", "-m", "256", "--no-pci", "--no-telemetry", "--file-prefix",
                 "feed%d" % os.getpid(), "--lcores", "0@0,1@0", "--vdev", "net_pcap0,rx_pcap=%s,infinite_rx=1" % capture,
                 "--vdev", "net_memif0,role=server,socket=%s,socket-abstract=no" % path, "--", "--no-lsc-interrupt",
                 "--forward-mode=io", "--no-flush-rx", "--total-num-mbufs=16384", "-i"],
                stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, text=True)
        wait_for_lines(self.log, "testpmd> ")

    def say(self, text):
        self.child.stdin.write(text + "\n")
        self.child.stdin.flush()

    def stop(self):
        """Returns how many packets it put into the shared memory."""
        self.say("stop")
        pattern = r"Forward statistics for port 1 [^+]*?TX-packets: (\d+)"
        wait_for_lines(self.log, pattern)
        return int(re.search(pattern, self.log.read_text())[1])

    def end(self):
        self.child.kill()
        self.child.wait()


def heap_of(prefix):
    """Octets that the EAL's heap has given out."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as ask:
        ask.settimeout(10)
        ask.connect("/var/run/dpdk/%s/dpdk_telemetry.v2" % prefix)
        ask.recv(4096)
        ask.send(b"/eal/heap_info,0")
        return json.loads(ask.recv(4096))["/eal/heap_info"]["Alloc_size"]


def settled_heap(prefix, want):
    """As before, if it comes to that: a worker that is kept from its processor has the table before in its hands for long."""
    for _ in range(40):
        heap = heap_of(prefix)
        if want in ([], [heap]):
            break
        time.sleep(0.5)
    return heap


def resident(child):
    with open("/proc/%d/status" % child.pid, encoding="ascii") as text:
        return int(re.search(r"VmRSS:\s+(\d+)", text.read())[1])


class Reloads:
    """What was asked for, and what it has to say. Good ones take turns between a database in which packets are the target's and
    one in which they are not; every tenth is bad: half a database, or no database at all."""

    def __init__(self, b, log, child):
        self.b, self.log, self.child = b, log, child
        self.good = self.bad = 0

    def step(self, number):
        database = self.b.folder / "asn.mmdb"
        if number % 10 == 9:
            self.bad += 1
            replace(self.b.folder / ("half.mmdb", "none.mmdb")[self.bad % 2], database)
            self.wait_for(r"not taken \(%d so far\)" % self.bad)
        else:
            self.good += 1
            replace(self.b.folder / ("in.mmdb", "out.mmdb")[self.good % 2], database)
            self.wait_for(r"reload %d: " % self.good)

    def wait_for(self, pattern):
        for _ in range(600):
            ended = self.child.poll()
            with open(self.log, "rb") as log:
                log.seek(max(0, os.path.getsize(self.log) - 2000))
                if re.search(pattern, log.read().decode(errors="replace")):
                    return
            must(ended is None, "it ended with status %s instead of %r: %s" % (ended, pattern, self.log.read_text()[-1000:]))
            time.sleep(0.05)
        raise OSError("%r is never said: %s" % (pattern, self.log.read_text()[-1000:]))


def check_tables(name, lines, said):
    """Each second is of the table that was said to decide from it on, and of no other."""
    begins = [(0, 0)] + [(int(second), int(number)) for number, second in said]
    must([number for _, number in begins] == list(range(len(begins))) and begins == sorted(begins), "%s: said %s" % (name, begins[-5:]))
    seen, at = set(), 0
    for line in lines:
        if line["type"] != "second" or line["received"]["packets"] == 0:
            continue
        while at + 1 < len(begins) and begins[at + 1][0] <= line["time"]:
            at += 1
        classes = {"target": line["classes"]["target"], "other": line["classes"]["other"]}
        want = "target" if begins[at][1] % 2 == 0 else "other"
        must(classes == {"target": 0, "other": 0, want: line["received"]["packets"]},
             "%s: second %d is of table %d: %s" % (name, line["time"], begins[at][1], classes))
        seen.add(begins[at][1])
    return seen


def reload_under_load(b, workers):
    name = "%d reloads, %s workers" % (RELOADS, workers)
    out, log, capture, path = (b.folder / f for f in ("reload.jsonl", "reload.err", "reload.pcap", "feed%s.sock" % workers))
    out.unlink(missing_ok=True)
    write_targets(capture)
    prefix = "twreload%d" % os.getpid()
    config = b.folder / "reload.yaml"
    config.write_text("targets: [{name: T, asns: [64600]}]\ndatabases: {asn: asn.mmdb}\nworkers: %s\n"
                      "ports: [{device: 'net_memif0,role=client,socket=%s,socket-abstract=no'}]\n" % (workers, path))
    replace(b.folder / "in.mmdb", b.folder / "asn.mmdb")
    feed = Feed(b, capture, path)
    with open(log, "w", encoding="utf-8") as error:
        child = subprocess.Popen([str(b.binary), "run", "-c", str(config), "-o", str(out), "--", "--file-prefix", prefix],
                                 stderr=error, stdout=subprocess.DEVNULL)
    try:
        wait_for_lines(log, r"\d+ workers?, ")
        feed.say("start")
        time.sleep(2)
        reloads, heaps, sizes = Reloads(b, log, child), [], []
        begun = time.monotonic()
        for number in range(RELOADS):
            reloads.step(number)
            # in one and the same state: the table before it is freed, its packets are the target's
            if reloads.good in (2, 4) or number == RELOADS - 1:
                if reloads.good % 2:
                    reloads.step(0)
                time.sleep(2.5)
                heaps.append(settled_heap(prefix, heaps[:1]))
                sizes.append(resident(child))
        took = time.monotonic() - begun
        sent = feed.stop()
        time.sleep(2)
        child.send_signal(signal.SIGINT)
        status = child.wait(60)
    finally:
        for process in (child, feed.child):
            process.kill()
            process.wait()
    text = log.read_text()
    must(status == 0, "%s: exit status %d: %s" % (name, status, text[-3000:]))
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    check_conservation(name, lines)
    summary = lines[-1]
    seen, lost = summary["received"]["packets"], sum(summary["dropped"].values())
    must(seen + lost == sent, "%s: %d packets were sent, %d seen, %d lost" % (name, sent, seen, lost))
    said = re.findall(r"reload (\d+): .* from second (\d+) on", text)
    must(len(said) == reloads.good and len(re.findall("not taken", text)) == reloads.bad, "%s: %d said" % (name, len(said)))
    used = check_tables(name, lines, said)
    must(len(used) >= 0.5 * reloads.good, "%s: only %d tables decided a second with packets" % (name, len(used)))
    must(len(set(heaps)) == 1, "%s: the EAL's heap grows: %s" % (name, heaps))
    print("%s: %d good, %d bad in %.0f s; %d packets sent, %d seen, %d lost; %d tables decided %d seconds; EAL heap %s octets, resident %s kB"
          % (name, reloads.good, reloads.bad, took, sent, seen, lost, len(used), summary["seconds"], heaps, sizes))


def test_reloads_under_load(b):
    make_database(b, "in.mmdb", 64600)
    make_database(b, "out.mmdb", 64601)
    whole = (b.folder / "in.mmdb").read_bytes()
    (b.folder / "half.mmdb").write_bytes(whole[:len(whole) // 2])
    (b.folder / "none.mmdb").write_text("Not found\n")
    for workers in WORKERS:
        reload_under_load(b, workers)


def test_reload_watches_new_files(b):
    """A reload may name other files: those are watched, and named by explain, from then on."""
    for name in ("first.csv", "second.csv"):
        (b.folder / name).write_text("10.0.0.0/8,64600,x\n")
    text = "databases: {overrides: %s}\nports: [{device: net_null0}]\nhttp: {listen: '127.0.0.1:0'}\n"
    with open(b.folder / "watch.err", "w", encoding="utf-8") as error:
        child = subprocess.Popen([str(b.binary), "run", "-c", str(b.config(text % "first.csv"))], stderr=error,
                                 stdout=subprocess.DEVNULL)
        try:
            time.sleep(1.5)
            b.config(text % "second.csv")
            wait_for_lines(b.folder / "watch.err", "reload 1: ")
            (b.folder / "second.csv").write_text("10.0.0.0/8,64601,y\n")
            wait_for_lines(b.folder / "watch.err", "reload 2: ")
            url = re.search(r"serving (http\S*)", (b.folder / "watch.err").read_text())[1]
            with urllib.request.urlopen(url + "api/v1/explain?ip=10.0.0.1", timeout=10) as answer:
                explained = json.load(answer)
            must(explained["asn"] == 64601 and explained["asn_source"]["path"].endswith("second.csv"), "explained: %s" % explained)
        finally:
            child.send_signal(signal.SIGINT)
            must(child.wait(30) == 0, "watching: exit status %d" % child.returncode)


if __name__ == "__main__":
    sys.exit(run_tests(globals(), Bench))

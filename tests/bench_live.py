#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Benchmark of a live run beside dpdk-testpmd.

    bench_live.py TRANSITWATCH [ASN.mmdb [WAY...]]

Both take 64-octet frames of random addresses as fast as they can, in turns, each polling on the same core:

  pcap    from net_pcap with infinite_rx, whose frames lie in memory: testpmd --forward-mode=rxonly is the bare port
  memif   from another testpmd through shared memory, polling on the other core
  serve   as pcap: with every exporter on and metrics scraped once a second, beside the same program with JSON lines alone
  workers two workers on two net_pcap ports of two queues each, beside one worker on the same two: twice as much where two
          processors are free; with two in all, the control core shares one of them, and the bar does not hold

The program does its whole work, with the table of the database given (else of 500,000 made prefixes), and writes a line
a second. Rates are medians of whole seconds, ratios medians of rounds. Exits 1 where a bar is missed, 77 without
dpdk-testpmd.
"""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

BARS = {"pcap": 0.85, "memif": 0.9, "serve": 0.98, "workers": 1.9}
BESIDE = {"serve": "without", "workers": "one worker"}
ROUNDS = 3
SECONDS = 5
FRAMES = 32768


def write_capture(path):
    rng = random.Random(20171001)
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for i in range(FRAMES):
            header = struct.pack("!BBHHHBBHII", 0x45, 0, 50, 0, 0, 64, 17, 0, rng.getrandbits(32), rng.getrandbits(32))
            ports = struct.pack("!HHHH", rng.getrandbits(16), 443, 30, 0)
            frame = (b"\x02\0\0\0\x20\x48\x02\0\0\0\0\1\x08\0" + header + ports).ljust(64, b"\0")
            out.write(struct.pack("<IIII", i, 0, 64, 64) + frame)


def write_overrides(path):
    rng = random.Random(1)
    with open(path, "w", encoding="ascii") as out:
        for i in range(500000):
            out.write(f"{1 + (i >> 12)}.{i >> 4 & 255}.{(i & 15) << 4}.0/{rng.randrange(20, 25)},{rng.randrange(1, 90000)}\n")


def testpmd(arguments, vdevs, prefix, core, log):
    command = ["stdbuf", "-oL", "dpdk-testpmd", "--no-huge", "-m", "1024", "--no-pci", "--no-telemetry", "--file-prefix",
               prefix, "--lcores", f"0@0,1@{core}"]
    for vdev in vdevs:
        command += ["--vdev", vdev]
    return subprocess.Popen(command + ["--", "--no-lsc-interrupt", "--total-num-mbufs=65536", "-i"] + arguments,
                            stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, text=True)


def wait_for(log, pattern):
    for _ in range(600):
        with open(log.name, encoding="utf-8", errors="replace") as text:
            found = re.findall(pattern, text.read())
        if found:
            return found
        time.sleep(0.05)
    sys.exit(f"bench_live: {pattern!r} is never said: {open(log.name, encoding='utf-8').read()[-1000:]}")


def say(child, *lines):
    for line in lines:
        child.stdin.write(line + "\n")
        child.stdin.flush()


def quit_testpmd(child):
    """A sender whose receiver left while it sent may be gone already: memif's driver then reads what is unmapped."""
    with contextlib.suppress(BrokenPipeError):
        say(child, "stop", "quit")
    child.wait(60)


def rate_of_testpmd(vdev, work, core):
    """Packets a second that a testpmd receives and throws away; its own figures, second by second."""
    with open(os.path.join(work, "receiver.log"), "w", encoding="utf-8") as log:
        child = testpmd(["--forward-mode=rxonly"], [vdev], f"benchr{os.getpid()}", core, log)
        wait_for(log, "testpmd> ")
        say(child, "start", "show port stats 0")
        for _ in range(SECONDS):
            time.sleep(1)
            say(child, "show port stats 0")
        time.sleep(0.2)
        quit_testpmd(child)
        return statistics.median(int(n) for n in wait_for(log, r"Rx-pps: +(\d+)")[2:])


def scrape(url, stop):
    """Asks for metrics once a second, from the control core's processor."""
    os.sched_setaffinity(threading.get_native_id(), {0})
    while not stop.wait(1):
        with urllib.request.urlopen(url, timeout=5) as answer:
            answer.read()


def rate_of_transitwatch(binary, device, work, database, core, serve=False, workers=1):
    """Of `workers` on processors from `core` on, and back to 0. `device` %d: as many ports, numbered."""
    config, out = os.path.join(work, "c.yaml"), os.path.join(work, "out.jsonl")
    if os.path.exists(out):
        os.unlink(out)
    devices = [device % i for i in range(2)] if "%d" in device else [device]
    queues = device.count("rx_pcap=") or 1
    ports = ", ".join(f"{{device: '{d}', queues: {queues}, mbufs: {65536 * queues}}}" for d in devices)
    lcores = ",".join(["0@0"] + [f"{1 + i}@{(core + i) % os.cpu_count()}" for i in range(workers)] +
                      ([f"{1 + workers}@0"] if workers > 1 else []))  # for a reader, who has nothing to do here
    with open(config, "w", encoding="ascii") as text:
        text.write("targets: [{name: KP, prefixes: [175.45.176.0/22]}]\n" + database +
                   f"upstreams: [{{asn: 4837, links: [{{vlan: 100}}]}}]\npoll: busy\n"
                   f"workers: {workers}\nports: [{ports}]\n")
    more = ["--csv", out + ".csv", "--listen", "127.0.0.1:0"] if serve else []
    stop, url = threading.Event(), ""
    with subprocess.Popen([binary, "run", "-c", config, "-o", out, *more, "--", "--lcores", lcores],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as child:
        while not re.search("workers?, ", line := child.stderr.readline()) and line:
            if "serving " in line:
                url = line.split("serving ")[1].strip() + "metrics"
        yield None
        if url:
            threading.Thread(target=scrape, args=(url, stop)).start()
        time.sleep(SECONDS + 1.5)
        stop.set()
        child.send_signal(signal.SIGINT)
        child.wait(60)
    with open(out, encoding="utf-8") as lines:
        seconds = [json.loads(line) for line in lines if '"second"' in line]
    yield statistics.median(second["received"]["packets"] for second in seconds[2:-1])


def measure(binary, way, work, database):
    """One round: (rate of the program, rate of what it is measured beside)."""
    capture = os.path.join(work, "frames.pcap")
    source = f"net_pcap0,rx_pcap={capture},infinite_rx=1"
    if way in ("serve", "workers"):
        rates = []
        two_queues = f"net_pcap%d,rx_pcap={capture},rx_pcap={capture},infinite_rx=1"
        for more in (True, False):
            if way == "serve":
                run = rate_of_transitwatch(binary, source, work, database, 1, serve=more)
            else:
                run = rate_of_transitwatch(binary, two_queues, work, database, 1, workers=1 + more)
            next(run)
            rates.append(next(run))
        return rates
    if way == "pcap":
        run = rate_of_transitwatch(binary, source, work, database, 1)
        next(run)
        return next(run), rate_of_testpmd(source, work, 1)
    rates = []
    for ours in (True, False):
        socket = os.path.join(work, "memif.sock")
        client = f"net_memif0,role=client,socket={socket},socket-abstract=no"
        with open(os.path.join(work, "sender.log"), "w", encoding="utf-8") as log:
            sender = testpmd(["--forward-mode=io", "--no-flush-rx"],
                             [source, f"net_memif0,role=server,socket={socket},socket-abstract=no"],
                             f"benchs{os.getpid()}", 0, log)
            wait_for(log, "testpmd> ")
            say(sender, "start")
            if ours:
                run = rate_of_transitwatch(binary, client, work, database, 1)
                next(run)
                rates.append(next(run))
            else:
                rates.append(rate_of_testpmd(client, work, 1))
            quit_testpmd(sender)
    return rates


def main():
    if len(sys.argv) < 2 or not os.access(sys.argv[1], os.X_OK):
        sys.exit(__doc__)
    if shutil.which("dpdk-testpmd") is None or os.geteuid() != 0 or (os.cpu_count() or 1) < 2:
        print("skipped: no dpdk-testpmd (Debian package dpdk-dev), not root, or a single core")
        sys.exit(77)
    missed = []
    with tempfile.TemporaryDirectory(prefix="bench_live.") as work:
        write_capture(os.path.join(work, "frames.pcap"))
        if len(sys.argv) >= 3 and os.path.exists(sys.argv[2]):
            database = f"databases: {{asn: '{os.path.abspath(sys.argv[2])}'}}\n"
        else:
            write_overrides(os.path.join(work, "overrides.csv"))
            database = "databases: {overrides: overrides.csv}\n"
        for way, bar in BARS.items():
            if sys.argv[3:] and way not in sys.argv[3:]:
                continue
            rounds = [measure(os.path.abspath(sys.argv[1]), way, work, database) for _ in range(ROUNDS)]
            ratio = statistics.median(ours / theirs for ours, theirs in rounds)
            print(f"{way:7} transitwatch {statistics.median(r[0] for r in rounds) / 1e6:6.2f} Mpps, {BESIDE.get(way, 'testpmd')} "
                  f"{statistics.median(r[1] for r in rounds) / 1e6:6.2f} Mpps, ratio {ratio:.2f}, bar {bar}", flush=True)
            if ratio < bar and (way != "workers" or os.cpu_count() > 2):
                missed.append(way)
    if missed:
        sys.exit("MISSED: " + ", ".join(f"{way}: at least {BARS[way]} of {BESIDE.get(way, 'testpmd')}" for way in missed))


if __name__ == "__main__":
    main()

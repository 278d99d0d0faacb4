#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Live ports: what was sent is what was seen or lost, to the packet; and the life of a run, from its start to its end.

    test_live.py BINARY SOURCE_ROOT [TEST...]

Ports are shared memory, virtual interfaces and net_null: nothing leaves the machine. Exit status: 0 passed, 1 failed, 77
not root, or no dpdk-testpmd or tcpreplay.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from checks import free_port, must, run_tests
from live import Bench, Stopped, ask, check_conservation, check_equals_replay, write_targets


def test_veth_equals_replay(b):
    for workers in ("1", "2"):
        check_equals_replay(b, "--via", "veth", "--rate", "10000", "-w", workers)


def test_memif(b):
    for workers in ("1", "2"):
        summary, _ = b.lab("--loop", "20", "-w", workers)
        must(summary["classes"]["target"] > 0.7 * summary["received"]["packets"], "memif: other traffic than was sent")


def test_memif_keeps_a_pace(b):
    """Three times at most: a machine that does something else meanwhile keeps no pace."""
    rate, whole, seen = 2500, False, []
    for _ in range(3):
        summary, text = b.lab("--rate", str(rate))
        lines = [json.loads(line) for line in (b.folder / "lab.jsonl").read_text().splitlines()]
        seen = [line["received"]["packets"] for line in lines if line["type"] == "second" and line["received"]["packets"]][1:-1]
        whole = "tcpreplay sent 16764 packets\n" in text and summary["received"]["packets"] == 16764
        if whole and len(seen) >= 4 and all(0.9 * rate <= n <= 1.1 * rate for n in seen):
            return
    must(False, "asked for %d packets/s, seen %s, %s" % (rate, seen, "all" if whole else "and some were lost"))


def left_of_lab(pid, folder):
    """What a lab with this process id and this folder for its files has made, or left behind."""
    left = [name for name in os.listdir("/run/netns") if name == "twlab%d" % pid] if os.path.isdir("/run/netns") else []
    left += os.listdir(folder)
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().decode(errors="replace").replace("\0", " ")
        except OSError:
            continue
        left += [command] if str(folder) in command else []
    return left


def test_lab_leaves_nothing(b):
    """Whichever signal stops it, and whatever runs at that time."""
    folder = b.folder / "lab"
    folder.mkdir()
    for number, what in ((signal.SIGTERM, "tcpreplay"), (signal.SIGINT, "dpdk-testpmd"), (signal.SIGHUP, "transitwatch-lab.")):
        lab = subprocess.Popen([b.root / "scripts/lab", "--binary", b.binary, "--rate", "100"],
                               env={**os.environ, "TMPDIR": str(folder)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 60
        while lab.poll() is None and time.monotonic() < end and what not in " ".join(left_of_lab(lab.pid, folder)):
            time.sleep(0.05)
        begun = left_of_lab(lab.pid, folder)
        lab.send_signal(number)
        _, error = lab.communicate(timeout=60)
        must(what in " ".join(begun), "%s has not begun: %s" % (what, begun))
        must(lab.returncode == 1 and error == "lab: interrupted\n", "stopped: %d: %s" % (lab.returncode, error))
        must(not left_of_lab(lab.pid, folder), "left with %s: %s" % (what, left_of_lab(lab.pid, folder)))


def test_overload_adds_up(b):
    """A kernel ring that overflows: the lab itself compares what was sent with what was seen and lost."""
    lost = 0
    for _ in range(6):
        summary, text = b.lab("--via", "veth", "--rate", "max", "--loop", "20")
        lost = summary["dropped"].get("imissed", 0)
        if lost > 0:
            must(not summary["exact"] and summary["inexact"] > 0, "lost %d and exact" % lost)
            must("LOST imissed" in text and "NOT exact" in text, "the table hides a loss: " + text)
            return
    print("test_live: nothing was lost at the highest pace: overload was not seen")


def test_life(b):
    out = b.folder / "life.jsonl"
    csv = b.folder / "life.csv"
    for path in (out, csv):
        path.unlink(missing_ok=True)
    child = b.start("ports: [{device: net_null0}]\npoll: busy\n", "-o", out, "--csv", csv)
    time.sleep(3)
    before = out.read_text()
    must(before.endswith("\n") and before.count("\n") >= 2, "seconds do not show at once: %r" % before)
    os.rename(out, b.folder / "life.1")
    os.rename(csv, b.folder / "life.csv.1")
    child.send_signal(signal.SIGUSR1)
    time.sleep(2.5)
    child.send_signal(signal.SIGTERM)
    _, error = child.communicate(timeout=20)
    must(child.returncode == 0, "exit status %d: %s" % (child.returncode, error))
    must("port 0: net_null0" in error and "1 worker" in error, "the start is not told: %r" % error)
    first, second = ([json.loads(line) for line in path.read_text().splitlines()] for path in (b.folder / "life.1", out))
    check_conservation("rotation", first + second)
    must(second[-1]["type"] == "summary" and second[-1]["received"]["packets"] ==
         sum(line["received"]["packets"] for line in first + second if line["type"] == "second"),
         "rotation loses seconds")
    for path in (csv, b.folder / "life.csv.1"):
        must(path.read_text().startswith("time,exact,") and path.read_text().count("time,") == 1,
             "%s has no header, or two" % path)

    child = b.start("ports: [{device: net_null0}]\n", "-o", out)
    time.sleep(2.5)
    child.kill()
    child.communicate()
    for line in out.read_text().splitlines():
        json.loads(line)
    must(out.read_text().endswith("\n"), "a killed run leaves half a line")


def test_service_manager_hears_of_it(b):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(b.folder / "notify"))
        manager.settimeout(0.1)
        child = b.start("ports: [{device: net_null0}]\n", env={**os.environ, "NOTIFY_SOCKET": str(b.folder / "notify")})
        heard = []
        end = time.monotonic() + 5
        while time.monotonic() < end or (child.poll() is None and time.monotonic() < end + 10):
            try:
                heard.append(manager.recv(256).decode())
            except TimeoutError:
                pass
            if time.monotonic() > end:
                child.send_signal(signal.SIGTERM)
        child.communicate(timeout=20)
    must(heard and heard[0] == "READY=1" and heard[-1] == "STOPPING=1", "the service manager heard %s" % heard)
    must(2 <= heard.count("WATCHDOG=1") <= 8, "the watchdog was fed %d times in 5 s" % heard.count("WATCHDOG=1"))


def test_watchdog_starves_with_a_worker(b):
    """One worker of two stands still: the service manager is not to be told that all is well."""

    def hear(seconds):
        heard, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                heard += manager.recv(256) == b"WATCHDOG=1"
            except TimeoutError:
                pass
        return heard

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(b.folder / "dog"))
        manager.settimeout(0.1)
        child = b.start("ports: [{device: net_null0}, {device: net_null1}]\nworkers: 2\n",
                        env={**os.environ, "NOTIFY_SOCKET": str(b.folder / "dog")})
        try:
            must(hear(8) >= 3, "two workers: the watchdog is not fed")
            tasks = {path.read_text().strip(): int(path.parent.name) for path in Path("/proc/%d/task" % child.pid).glob("*/comm")}
            for worker in ("rte-worker-1", "rte-worker-2"):
                with Stopped(tasks[worker]):
                    hear(1.5)  # seconds that it has told already
                    must(hear(4) == 0, "%s stands still, and the watchdog is fed" % worker)
                must(hear(6) >= 2, "%s runs again, and the watchdog is not fed" % worker)
            child.send_signal(signal.SIGTERM)
            child.communicate(timeout=30)
        finally:
            child.kill()
    must(child.returncode == 0, "stood still: exit status %d" % child.returncode)


def test_two_ports(b):
    """The port decides, where links say so."""
    out = b.folder / "two.jsonl"
    out.unlink(missing_ok=True)
    capture = b.root / "pcaps/kp-2017-10-01.pcap"
    ports = "".join("  - {device: 'net_pcap%d,rx_pcap=%s'}\n" % (i, capture) for i in range(2))
    child = b.start("upstreams:\n  - {asn: 1, links: [{port: 0}]}\n  - {asn: 2, links: [{port: 1}]}\nports:\n" + ports,
                    "-o", out)
    time.sleep(3)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=20)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    check_conservation("two ports", lines)
    must(lines[-1]["received"]["packets"] == 2 * 16764, "two ports: %s" % lines[-1]["received"])


def test_telemetry(b):
    """Debian's own client of DPDK's telemetry."""
    out = b.folder / "telemetry.jsonl"
    out.unlink(missing_ok=True)
    prefix = "twtest%d" % os.getpid()
    capture = b.root / "pcaps/kp-2017-10-01.pcap"
    child = b.start("ports: [{device: 'net_pcap0,rx_pcap=%s'}]\n" % capture, "-o", out, "--", "--file-prefix", prefix)
    try:
        time.sleep(3.5)
        commands = ["summary", "series", "series,x", "seconds", "seconds,1", "workers", "table", "explain,175.45.176.1", "explain,x",
                    "routes", "routes,x", "routers", "routers,x"]
        asked = subprocess.run(["dpdk-telemetry.py", "-f", prefix], input="".join("/transitwatch/%s\n" % c for c in commands),
                               capture_output=True, text=True, timeout=20, check=False)
        answers = [next(iter(json.loads(line).values())) for line in asked.stdout.splitlines() if line.startswith('{"/')]
    finally:
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=30)
    must(len(answers) == len(commands), "telemetry: %s %s" % (asked.stdout[-300:], asked.stderr))
    summary, series, bad, latest, first, workers, table, explained, no_address, routes, no_route, routers, no_router = answers
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    must(summary["received_packets"] == lines[-1]["received"]["packets"] and summary["target"] == lines[-1]["classes"]["target"],
         "telemetry: %s" % summary)
    must(sum(s["packets"] for s in series.values()) == sum(s["packets"] for s in lines[-1]["series"]), "series: %s" % series)
    seconds = {str(line["time"]): line["received"]["packets"] for line in lines if line["type"] == "second"}
    must(latest and first and all(seconds[t] == s["received_packets"] for t, s in [*latest.items(), *first.items()]), "seconds")
    must(0 <= workers["0"]["busy_percent"] <= 100 and table["routes_ipv4"] == 1, "%s %s" % (workers, table))
    must(routes == {"vantage_points": 0, "stale": 0} and no_route is None, "routes without any: %s %s" % (routes, no_route))
    must(routers == {"sessions": 0, "routes_refused": 0} and no_router is None, "routers without any: %s %s" % (routers, no_router))
    must(explained["target"] == "KP" and bad is None and no_address is None, "%s %s %s" % (explained, bad, no_address))
    must(not os.path.exists("/var/run/dpdk/" + prefix), "files are left behind")


def test_served(b):
    """What a live run alone can tell: ready once seconds close, busy workers, ports, reloads, and the stream as it comes."""
    port = free_port()
    child = b.start("ports: [{device: net_null0}]\nhttp: {listen: '127.0.0.1:%d'}\n" % port)
    try:
        states = set()
        end = time.monotonic() + 20
        while time.monotonic() < end and 200 not in states:
            try:
                states.add(ask(port, "/readyz")[0])
            except OSError:
                pass
            time.sleep(0.05)
        must(states == {503, 200}, "ready: %s" % states)
        child.send_signal(signal.SIGHUP)
        with urllib.request.urlopen("http://127.0.0.1:%d/api/v1/stream" % port, timeout=10) as stream:
            begun, times = time.monotonic(), []
            while len(times) < 3:
                line = stream.readline().decode()
                if line.startswith("id: "):
                    times.append(int(line[4:]))
            must(times == list(range(times[0], times[0] + 3)) and 1.5 < time.monotonic() - begun < 5, "the stream: %s" % times)
        text = ask(port, "/metrics")[1]
        for pattern in (r'transitwatch_reloads_total\{result="good"\} 1\n', r'transitwatch_worker_busy_ratio\{worker="0"\} (0\.[3-9]\d*|1)\n',
                        r'transitwatch_port_dropped_packets_total\{device="net_null0",port="0",cause="imissed"\} 0\n',
                        r'transitwatch_worker_dropped_packets_total\{worker="0",cause="report_full"\} 0\n'):
            must(re.search(pattern, text), "%s: %s" % (pattern, text[-3000:]))
        must(ask(port, "/healthz")[0] == 200, "health")
        newest = json.loads(ask(port, "/api/v1/seconds?since=%d" % times[0])[1])["seconds"]
        must(newest and newest[0]["time"] == times[0] and newest[0]["busy"], "seconds: %s" % newest[:1])
    finally:
        child.send_signal(signal.SIGINT)
        _, error = child.communicate(timeout=30)
    must(child.returncode == 0, "served: exit status %d: %s" % (child.returncode, error))


def test_full_rings_add_up(b):
    """A reader that is faster than a worker, here one of eight on one processor, loses packets, and tells each."""
    capture, out = b.folder / "many.pcap", b.folder / "many.jsonl"
    write_targets(capture)
    data, packets = capture.read_bytes(), 1000000
    with open(capture, "wb") as file:
        file.write(data[:24])
        file.write(data[24:24 + (len(data) - 24) // 64] * packets)
    child = b.start("ports: [{device: 'net_pcap0,rx_pcap=%s'}]\nworkers: 8\npoll: busy\n" % capture, "-o", out, "--",
                    "--lcores", "0@0,(1-8)@0,9@1")
    time.sleep(8)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=60)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    check_conservation("full rings", lines)
    dropped = lines[-1]["dropped"]
    must(set(dropped) <= {"dispatch_full"}, "full rings: other losses: %s" % dropped)
    must(lines[-1]["received"]["packets"] + dropped.get("dispatch_full", 0) == packets,
         "full rings: %d packets became %s and %s" % (packets, lines[-1]["received"], dropped))
    if not dropped:
        print("test_live: no ring was full: this overload was not seen")


def test_refusals(b):
    b.refused("ports: []\n", r"live.yaml: ports: missing: write a list of ports")
    b.refused("ports: [{device: net_nothing0}]\n", r"port net_nothing0: cannot be opened: .*: check the device's name")
    b.refused("ports: [{device: 'net_af_packet0,iface=nowhere9'}]\n", r"no interface nowhere9: ip link shows")
    b.refused("ports: [{device: '0000:ff:1f.7'}]\n", r"port 0000:ff:1f.7: no such PCI device")


if __name__ == "__main__":
    sys.exit(run_tests(globals(), Bench))

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Outputs of a live run that cannot be written: the run goes on, every line stays whole, and what is missing is told.

    test_outputs.py BINARY SOURCE_ROOT [TEST...]

Exit status: 0 passed, 1 failed, 77 skipped (see live.py).
"""

import contextlib
import json
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import sys
import time

from checks import must, run_tests
from live import Bench, Stopped, check_conservation, find_process, wait_for_lines

N_TARGETS, N_UPSTREAMS = 16, 255


@contextlib.contextmanager
def running(b, config, *arguments, **more):
    """A run, its messages in a file."""
    log = b.folder / "run.err"
    with open(log, "w", encoding="utf-8") as error:
        child = subprocess.Popen([str(b.binary), "run", "-c", str(config), *map(str, arguments)], stderr=error,
                                 **{"stdout": subprocess.DEVNULL, **more})
    try:
        wait_for_lines(log, r"\d+ workers?, ")
        yield child, log
    finally:
        child.kill()
        child.wait()


def stop(child):
    """Returns the exit status."""
    child.send_signal(signal.SIGTERM)
    return child.wait(30)


def read_lines(path):
    text = path.read_text()
    must(text.endswith("\n"), "%s ends with %r" % (path, text[-50:]))
    return [json.loads(line) for line in text.splitlines()]


def write_wide(b, n_targets, n_upstreams):
    """A configuration of many series, and a port that brings a packet for half of them over and over."""
    capture = b.folder / "wide.pcap"
    with open(capture, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for n in range(n_targets * n_upstreams * 2):
            target, vlan, inbound = n // 2 % n_targets, n // 2 // n_targets + 1, n % 2
            ends = (0xC0000201, 0x0A000001 + (target << 16))
            header = struct.pack(">BBHHHBBHII", 0x45, 0, 46, 0, 0, 64, 17, 0, *(ends if inbound else ends[::-1]))
            frame = b"\x02\0\0\0\0\1\x02\0\0\0\0\2" + struct.pack(">HHH", 0x8100, vlan, 0x800) + header
            frame += struct.pack(">HHHH", 1, 2, 26, 0) + bytes(18)
            out.write(struct.pack("<IIII", 0, n, len(frame), len(frame)) + frame)
    config = b.folder / "wide.yaml"
    config.write_text("targets:\n" + "".join("  - {name: T%d, prefixes: [10.%d.0.0/16]}\n" % (i, i) for i in range(n_targets)) +
                      "upstreams:\n" + "".join("  - {asn: %d, links: [{vlan: %d}]}\n" % (i, i) for i in range(1, n_upstreams + 1)) +
                      "ports: [{device: 'net_pcap0,rx_pcap=%s,infinite_rx=1', mbufs: 16384}]\n" % capture)
    return config


def test_full_disk(b):
    """A disk that is full for a while: nothing is lost as long as memory holds what waits."""
    disk = b.folder / "disk"
    disk.mkdir()
    config = write_wide(b, 4, 20)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=True)
    try:
        out, csv = disk / "out.jsonl", disk / "out.csv"
        with running(b, config, "-o", out, "--csv", csv) as (child, log):
            for path in (out, csv):
                wait_for_lines(log, r"%s: cannot write: No space left on device" % path)
            end = time.monotonic() + 3
            while time.monotonic() < end:
                for path in (out, csv):
                    # twice, since half a line may be there for the moment that it takes to take it back
                    must(path.read_bytes()[-1:] == b"\n" or time.sleep(0.05) or path.read_bytes()[-1:] == b"\n",
                         "half a line is left in %s" % path)
                time.sleep(0.1)
            subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
            for path in (out, csv):
                wait_for_lines(log, r"%s: is written again: no line is missing" % path)
            time.sleep(1.5)
            must(stop(child) == 0, "full disk: exit status %d: %s" % (child.returncode, log.read_text()))
        lines = read_lines(out)
        check_conservation("full disk", lines)
        seconds = [line for line in lines if line["type"] == "second"]
        must(lines[-1]["type"] == "summary" and lines[-1]["seconds"] == len(seconds) and seconds[-1]["series"],
             "full disk: lines are missing: %s" % lines[-1])
        rows = csv.read_text().splitlines()
        must(rows[0].startswith("time,") and [int(row.split(",")[0]) for row in rows[1:]] ==
             [line["time"] for line in seconds for _ in line["series"] or [0]], "full disk: CSV rows are missing")
        text = log.read_text()
        must(len(re.findall("cannot write", text)) == 2 and len(re.findall("written again", text)) == 2, "full disk: said %s" % text)
    finally:
        subprocess.run(["umount", disk], check=True)


def test_what_is_left_out_is_counted(b):
    """Longer than memory holds what waits: lines of a megabyte each are left out, whole and told; SIGUSR1 tries at once."""
    config = write_wide(b, N_TARGETS, N_UPSTREAMS)
    out = b.folder / "wide.jsonl"
    os.symlink("/dev/full", out)
    with running(b, config, "-o", out) as (child, log):
        wait_for_lines(log, "cannot write: No space left on device")
        time.sleep(9)
        out.unlink()
        child.send_signal(signal.SIGUSR1)
        wait_for_lines(log, "is written again: ")
        time.sleep(1.5)
        must(stop(child) == 1, "left out: exit status %d" % child.returncode)
        text = log.read_text()
    lines = read_lines(out)
    missing = [int(n) for n in re.findall(r"(?:again: |in all, )(\d+) lines? (?:is|are) missing", text)]
    seconds = [line for line in lines if line["type"] == "second"]
    summary = lines[-1]
    must(summary["type"] == "summary" and max(len(line["series"]) for line in seconds) == 2 * N_TARGETS * N_UPSTREAMS,
         "left out: %s" % str(summary)[:300])
    must(len(missing) == 2 and missing[0] == missing[1] >= 2 and len(seconds) + missing[0] == summary["seconds"],
         "left out: %s of %d seconds, %d are there" % (missing, summary["seconds"], len(seconds)))
    must(len(re.findall("transitwatch: %s" % out, text)) == 3, "left out: said %s" % text)
    must(seconds[-1]["time"] == summary["last"], "left out: the last second is not there")


def test_readers_that_sleep_hold_nobody_up(b):
    """A pipe and a terminal that nobody reads: seconds close on time, the watchdog is fed, the end comes."""
    config = write_wide(b, 8, 60)
    out, csv = b.folder / "sleeps", b.folder / "sleeps.csv"
    os.mkfifo(out)
    reader = os.open(out, os.O_RDONLY | os.O_NONBLOCK)
    terminal, inside = pty.openpty()
    heard = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(b.folder / "notify"))
        manager.settimeout(0.1)
        with running(b, config, "-o", out, "--csv", csv, stdout=inside,
                     env={**os.environ, "NOTIFY_SOCKET": str(b.folder / "notify")}) as (child, log):
            begun = time.monotonic()
            while time.monotonic() < begun + 10:
                with contextlib.suppress(TimeoutError):
                    heard.append(manager.recv(256).decode())
            ends = time.monotonic()
            status = stop(child)
            took = time.monotonic() - ends
            text = log.read_text()
    drawn = os.read(terminal, 1 << 20)
    for fd in (reader, terminal, inside):
        os.close(fd)
    must(heard.count("WATCHDOG=1") >= 7, "readers sleep: the watchdog was fed %d times in 10 s" % heard.count("WATCHDOG=1"))
    must(status == 1 and took < 20, "readers sleep: exit status %d after %.1f s: %s" % (status, took, text))
    must(drawn.startswith(b"\x1b[H"), "readers sleep: no table was drawn: %r" % drawn[:50])
    must(re.search(r"%s: in all, \d+ lines are missing\n" % out, text), "readers sleep: said %s" % text)
    times = [int(row.split(",")[0]) for row in csv.read_text().splitlines()[1:]]
    must(len(set(times)) >= 8 and set(times) == set(range(times[0], times[-1] + 1)), "readers sleep: CSV has %s" % sorted(set(times)))


def test_report_full_adds_up(b):
    """The aggregator stands still for longer than there are blocks to count into, while packets come at a steady pace."""
    folder, out, stands_still = b.folder / "lab", b.folder / "lab.jsonl", 14
    folder.mkdir()
    config = write_wide(b, N_TARGETS, N_UPSTREAMS)  # so large are its blocks that there are 8
    lab = subprocess.Popen([b.root / "scripts/lab", "--binary", b.binary, "-c", config, "--via", "veth", "--rate", "800", "-o", out],
                           env={**os.environ, "TMPDIR": str(folder)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        find_process(str(folder), "tcpreplay")
        time.sleep(2)
        with Stopped(find_process(str(folder), "run", str(b.binary))):
            since = int(time.time())
            time.sleep(stands_still)
            until = int(time.time())
        text, error = lab.communicate(timeout=60)
    finally:
        lab.kill()
        lab.wait()
    # the lab compares what was sent with what was seen and lost
    must(lab.returncode == 0, "report_full: exit status %d: %s %s" % (lab.returncode, text[-500:], error))
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    check_conservation("report_full", lines)
    summary = lines[-1]
    lost = summary["dropped"].get("report_full", 0)
    # a machine with too much to do may overflow the packet socket, too
    must(set(summary["dropped"]) <= {"report_full", "imissed"} and 400 <= lost <= 900 * (stands_still - 6) and
         summary["received"]["packets"] + sum(summary["dropped"].values()) == 16764,
         "report_full: %s of %s" % (summary["dropped"], summary["received"]))
    must({"cause": "report_full", "worker": 0, "packets": lost} in summary["losses"], "report_full: %s" % summary["losses"])
    seconds = [line for line in lines if line["type"] == "second"]
    inexact = [line["time"] for line in seconds if not line["exact"]]
    must(summary["inexact"] == len(inexact) >= 2 and not summary["exact"], "report_full: inexact are %s" % inexact)
    # seven blocks beside the open one: from then on nothing is counted, until the aggregator returns some
    blind = set(range(since + 9, until))
    must(blind and blind <= set(inexact), "report_full: blind in %s, inexact are %s" % (sorted(blind), inexact))
    must(not any(line["received"]["packets"] for line in seconds if line["time"] in blind), "report_full: counted without a block")
    must("imissed" in summary["dropped"] or min(inexact) >= since, "report_full: inexact are %s" % inexact)


if __name__ == "__main__":
    sys.exit(run_tests(globals(), Bench))

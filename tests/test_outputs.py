#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Outputs of a live run that cannot be written: the run goes on, every line stays whole, and what is missing is told.

    test_outputs.py BINARY SOURCE_ROOT [TEST...]

Exit status: 0 passed, 1 failed, 77 skipped (see live.py).
"""

import contextlib
import json
import os
import re
import signal
import struct
import subprocess
import sys
import time

from checks import must, run_tests
from live import Bench, check_conservation, wait_for_lines

N_TARGETS, N_UPSTREAMS = 16, 255


@contextlib.contextmanager
def running(b, config, *arguments, **more):
    """A run, its messages in a file."""
    log = b.folder / "run.err"
    with open(log, "w", encoding="utf-8") as error:
        child = subprocess.Popen([str(b.binary), "run", "-c", str(config), *map(str, arguments)], stderr=error,
                                 stdout=subprocess.DEVNULL, **more)
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


if __name__ == "__main__":
    sys.exit(run_tests(globals(), Bench))

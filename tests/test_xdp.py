#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""net_af_xdp on a virtual interface: nothing is lost at a modest pace, and of what is lost every packet is told.

    test_xdp.py BINARY SOURCE_ROOT [TEST...]

Exit status: 0 passed, 1 failed, 77 skipped (see live.py), or a kernel without XDP sockets.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

from checks import must, run_tests
from live import Bench, check_conservation, check_equals_replay, find_process

AF_XDP = 44

try:
    socket.socket(AF_XDP, socket.SOCK_RAW, 0).close()
except OSError as no_socket:
    print("skipped: no XDP sockets: %s" % no_socket)
    sys.exit(77)


def test_xdp_equals_replay(b):
    for workers in ("1", "2"):
        check_equals_replay(b, "--via", "xdp", "--rate", "3000", "-w", workers)


def test_what_the_kernel_drops_is_told(b):
    """The whole program stands still for two seconds: buffers run out, or the ring is full if it is shorter. The lab compares what was
    sent with what was seen and lost."""
    for descriptors in ("4096", "512"):
        overflow(b, descriptors)


def overflow(b, descriptors):
    folder, out = b.folder / "lab", b.folder / "lab.jsonl"
    folder.mkdir(exist_ok=True)
    lab = subprocess.Popen([b.root / "scripts/lab", "--binary", b.binary, "--via", "xdp", "--rate", "20000", "--loop", "6", "-o", out,
                            "--descriptors", descriptors],
                           env={**os.environ, "TMPDIR": str(folder)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        find_process(str(folder), "tcpreplay")
        time.sleep(0.7)
        watcher = find_process(str(folder), "run", str(b.binary))
        os.kill(watcher, signal.SIGSTOP)
        time.sleep(2)
        os.kill(watcher, signal.SIGCONT)
        text, error = lab.communicate(timeout=60)
    finally:
        lab.kill()
        lab.wait()
    must(lab.returncode == 0, "overload: exit status %d: %s %s" % (lab.returncode, text[-500:], error))
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    check_conservation("overload", lines)
    summary = lines[-1]
    lost = summary["dropped"].get("imissed", 0)
    must(set(summary["dropped"]) == {"imissed"} and lost > 5000 and summary["received"]["packets"] + lost == 6 * 16764,
         "overload: %s of %s" % (summary["dropped"], summary["received"]))
    must(summary["losses"] == [{"cause": "imissed", "port": 0, "packets": lost}] and summary["inexact"] > 0, "overload: %s" % summary)


def test_frames_too_large_are_refused(b):
    name = "twxdp%d" % os.getpid()
    inside = ["ip", "netns", "exec", name]
    config = b.config("ports: [{device: 'net_af_xdp0,iface=tap'}]\n")
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run(["ip", "-n", name, "link", "add", "src", "type", "veth", "peer", "name", "tap", "mtu", "9000"], check=True)
        for mtu, pattern in ((9000, r"port net_af_xdp0,iface=tap: XDP wants a frame in one page, and tap has an MTU of 9000: "
                                    r"ip link set tap mtu 3498, or net_af_packet$"), (3498, None)):
            for end in ("src", "tap"):
                subprocess.run(["ip", "-n", name, "link", "set", end, "mtu", str(mtu), "up"], check=True)
            child = subprocess.Popen([*inside, b.binary, "run", "-c", config, "-o", "/dev/null"], stdout=subprocess.DEVNULL,
                                     stderr=subprocess.PIPE, text=True)
            try:
                _, error = child.communicate(timeout=None if pattern else 4)
            except subprocess.TimeoutExpired:
                child.send_signal(signal.SIGINT)
                _, error = child.communicate(timeout=30)
            finally:
                child.kill()
            must(child.returncode == (1 if pattern else 0), "an MTU of %d: exit status %d: %s" % (mtu, child.returncode, error))
            must(not pattern or re.search(pattern, error.strip().splitlines()[-1]), "an MTU of %d: %s" % (mtu, error))
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


if __name__ == "__main__":
    sys.exit(run_tests(globals(), Bench))

# SPDX-License-Identifier: BSD-3-Clause
"""What tests of live runs share: a bench that starts them, checks of what they wrote, a capture to feed them.

Importing it ends the program with exit status 77 where none can run: not root, or no dpdk-testpmd, tcpreplay or ip.
"""

import contextlib
import ctypes
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from checks import fill_up, must

if os.geteuid() != 0:
    print("skipped: not root")
    sys.exit(77)
for needed in ("dpdk-testpmd", "tcpreplay", "ip"):
    if shutil.which(needed) is None:
        print("skipped: no %s (Debian packages dpdk-dev, tcpreplay, iproute2)" % needed)
        sys.exit(77)

TARGETS = "targets: [{name: KP, prefixes: [175.45.176.0/22]}]\n"


class Bench:
    def __init__(self, binary, root, folder):
        self.binary, self.root, self.folder = binary, root, folder

    def lab(self, *arguments):
        """The JSON lines of a lab run whose sums agree."""
        out = self.folder / "lab.jsonl"
        command = [self.root / "scripts/lab", "--binary", self.binary, "-o", out, *arguments]
        result = subprocess.run([str(a) for a in command], capture_output=True, text=True, timeout=120, check=False)
        name = "lab " + " ".join(arguments)
        must(result.returncode == 0, "%s: exit status %d: %s %s" % (name, result.returncode, result.stdout[-300:],
                                                                    result.stderr[-500:]))
        lines = [json.loads(line) for line in out.read_text().splitlines()]
        check_conservation(name, lines)
        return lines[-1], result.stdout

    def config(self, text):
        path = self.folder / "live.yaml"
        path.write_text(TARGETS + text)
        return path

    def start(self, text, *arguments, **more):
        return subprocess.Popen([str(self.binary), "run", "-c", str(self.config(text)), *map(str, arguments)],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)

    def refused(self, text, pattern):
        """It ends at once, with lines of which the last is like this."""
        child = self.start(text)
        try:
            _, error = child.communicate(timeout=30)
        finally:
            child.kill()
        last = error.strip().splitlines()[-1] if error.strip() else ""
        must(child.returncode == 1 and re.search(pattern, last), "%r: exit status %d: %r" % (text, child.returncode, last))


def check_conservation(name, lines):
    for line in lines:
        if line["type"] not in ("second", "summary"):
            continue
        must(line["received"]["packets"] == sum(line["classes"].values()), "%s: classes do not add up: %s" % (name, line))
        # a second that lost nothing may still be inexact: what is counted in another one may be its own
        must(not line["exact"] or not line["dropped"], "%s: exact with losses: %s" % (name, line))
        must(sum(line["dropped"].values()) == sum(loss["packets"] for loss in line.get("losses", ())),
             "%s: losses and dropped differ: %s" % (name, line))
    seconds = [line["time"] for line in lines if line["type"] == "second"]
    must(seconds == list(range(seconds[0], seconds[0] + len(seconds))), "%s: seconds are missing: %s" % (name, seconds[:200]))


def write_targets(path):
    """64 packets, each from 10.0.0.0/8 to elsewhere."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for i in range(64):
            header = struct.pack(">BBHHHBBHII", 0x45, 0, 46, 0, 0, 64, 17, 0, 0x0A000000 + i, 0xC0000200 + i)
            frame = b"\x02\0\0\0\0\1\x02\0\0\0\0\2\x08\0" + header + struct.pack(">HHHH", 1, 2, 26, 0) + bytes(18)
            out.write(struct.pack("<IIII", i, 0, len(frame), len(frame)) + frame)


def wait_for_lines(path, pattern):
    end = time.monotonic() + 40
    while time.monotonic() < end:
        if re.search(pattern, path.read_text()):
            return
        time.sleep(0.05)
    must(False, "%r is never said: %s" % (pattern, path.read_text()))


def ask(port, path):
    """(status, text)"""
    try:
        with urllib.request.urlopen("http://127.0.0.1:%d%s" % (port, path), timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def sums(line):
    """Totals that hold for a capture however fast it is sent: flows depend on the pace."""
    series = {tuple(s[k] for k in ("target", "upstream", "method", "direction", "ip_version")): (s["packets"], s["bytes"])
              for s in line["series"]}
    return line["received"], line["classes"], series, [(p["asn"], p["direction"], p["packets"], p["bytes"])
                                                       for p in line["peers"]]


def check_equals_replay(b, *arguments):
    """What a lab run sees of the demo's capture is what a replay of it says."""
    capture = b.folder / "full.pcap"
    fill_up(b.root / "pcaps/kp-2017-10-01.pcap", capture)
    result = subprocess.run([str(b.binary), "replay", "-c", str(b.root / "pcaps/demo.yaml"), "-o", "-", str(capture)],
                            capture_output=True, text=True, timeout=60, check=True)
    expected = json.loads(result.stdout.splitlines()[-1])
    summary, _ = b.lab(*arguments)
    must(summary["exact"] and not summary["dropped"], "%s: a modest pace loses packets: %s" % (arguments, summary["dropped"]))
    must(sums(summary) == sums(expected), "%s: %r is not what replay says: %r" % (arguments, sums(summary), sums(expected)))


def find_process(part, *words):
    """The process whose command line has all these, once there is one."""
    for _ in range(300):
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                command = path.read_bytes().decode(errors="replace").split("\0")
                if part in " ".join(command) and all(word in command for word in words):
                    return int(path.parent.name)
        time.sleep(0.2)
    raise OSError("no process %s %s" % (part, words))


class Stopped:
    """One thread of a process stands still, and all others run: what a debugger does."""

    SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17

    def __init__(self, tid):
        self.tid = tid
        self.call = ctypes.CDLL(None, use_errno=True).ptrace
        self.call.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]

    def ptrace(self, request):
        if self.call(request, self.tid, None, None) != 0:
            raise OSError(ctypes.get_errno(), "ptrace %#x" % request)

    def __enter__(self):
        self.ptrace(self.SEIZE)
        self.ptrace(self.INTERRUPT)
        os.waitpid(self.tid, 0x40000000)  # __WALL

    def __exit__(self, *_):
        self.ptrace(self.DETACH)

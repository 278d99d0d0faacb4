#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A live run whose wall clock is set, forth and back, by libfaketime: the machine's own clock stays what it is.

    test_clock.py BINARY SOURCE_ROOT [TEST...]

Exit status: 0 passed, 1 failed, 77 skipped (see live.py), or no libfaketime.
"""

import glob
import json
import os
import re
import signal
import subprocess
import sys
import time

from checks import free_port, must, run_tests
from live import Bench, ask, check_conservation, wait_for_lines, write_targets

LIBRARY = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
if not LIBRARY:
    print("skipped: no libfaketime (Debian package faketime)")
    sys.exit(77)


class Clock:
    """What the program takes for the wall clock: so many seconds beside it. The monotonic one it sees as it is."""

    def __init__(self, folder):
        self.path = folder / "clock"
        self.set(0)

    def set(self, offset):
        new = self.path.with_suffix(".new")
        new.write_text("%+d\n" % offset)
        os.rename(new, self.path)

    def environment(self):
        return dict(os.environ, LD_PRELOAD=LIBRARY[0], FAKETIME_TIMESTAMP_FILE=str(self.path), FAKETIME_NO_CACHE="1",
                    FAKETIME_DONT_FAKE_MONOTONIC="1", DONT_FAKE_MONOTONIC="1", FAKETIME_DONT_RESET="1")


def packets(lines):
    return {line["time"]: line["received"]["packets"] for line in lines if line["type"] == "second"}


class Run:
    """A run on a port that always has packets, with a clock of its own."""

    def __init__(self, b):
        write_targets(b.folder / "clock.pcap")
        self.clock = Clock(b.folder)
        self.log, self.out = b.folder / "clock.err", b.folder / "clock.jsonl"
        self.out.unlink(missing_ok=True)
        self.port = free_port()
        config = b.config("workers: 1\nports: [{device: 'net_pcap0,rx_pcap=%s,infinite_rx=1'}]\nhttp: {listen: '127.0.0.1:%d'}\n"
                          % (b.folder / "clock.pcap", self.port))
        with open(self.log, "w", encoding="utf-8") as error:
            self.child = subprocess.Popen([str(b.binary), "run", "-c", str(config), "-o", str(self.out)], stderr=error,
                                          stdout=subprocess.DEVNULL, env=self.clock.environment())
        wait_for_lines(self.log, "1 worker, ")
        time.sleep(3)

    def end(self):
        """Its lines. It ends when it is asked to, whatever the clock says."""
        begun = time.monotonic()
        self.child.send_signal(signal.SIGINT)
        must(self.child.wait(30) == 0, "exit status %d: %s" % (self.child.returncode, self.log.read_text()[-2000:]))
        took = time.monotonic() - begun
        must(took < 5, "it took %.1f s to end" % took)
        lines = [json.loads(line) for line in self.out.read_text().splitlines()]
        check_conservation("clock", lines)
        return lines

    def kill(self):
        self.child.kill()
        self.child.wait()


def test_set_back(b):
    run = Run(b)
    try:
        run.clock.set(-100)
        wait_for_lines(run.log, r"the clock was set back by (99\.9|100\.0)")
        begun = time.time()
        time.sleep(4)
        ahead = float(re.search(r"^transitwatch_clock_ahead_seconds (\S+)$", ask(run.port, "/metrics")[1], re.M)[1])
        must(99 < ahead < 99.95, "it says %f s ahead" % ahead)
        must(ask(run.port, "/readyz")[0] == 200, "not ready")
        run.child.send_signal(signal.SIGHUP)
        wait_for_lines(run.log, r"reload 1: ")
        time.sleep(2)
        lines, lasted = run.end(), time.time() - begun
    finally:
        run.kill()
    after = [second for second in packets(lines) if second > begun + 1]
    must(0.8 * lasted - 2 <= len(after) <= lasted + 1, "%d seconds closed in the %.1f s after it" % (len(after), lasted))
    must(max(after) <= begun + lasted + 1, "seconds run ahead")
    must(all(n > 0 for n in list(packets(lines).values())[1:-1]), "seconds without packets: %s" % packets(lines))


def test_set_back_by_a_leap_second(b):
    run = Run(b)
    try:
        run.clock.set(-1)
        wait_for_lines(run.log, r"the clock was set back by (0\.9|1\.0)")
        wait_for_lines(run.log, r"the clock has caught up")
        now = time.time() - 1
        time.sleep(1.5)
        lines = run.end()
    finally:
        run.kill()
    must(abs(max(packets(lines)) - now - 1.5) <= 1.5, "the last second is %d, it is %.1f" % (max(packets(lines)), now + 1.5))


def test_set_forward(b):
    run = Run(b)
    try:
        run.clock.set(30)
        wait_for_lines(run.log, r"the clock was set forward by (29\.9|30\.0)")
        time.sleep(2.5)
        now = time.time() + 30
        lines = run.end()
    finally:
        run.kill()
    seconds = packets(lines)
    must(now - 2 <= max(seconds) <= now + 1, "the last second is %d, it is %.1f" % (max(seconds), now))
    silent = [second for second, n in seconds.items() if n == 0]
    must(27 <= len(silent) <= 31, "%d seconds had no packets" % len(silent))


if __name__ == "__main__":
    sys.exit(run_tests(globals(), Bench))

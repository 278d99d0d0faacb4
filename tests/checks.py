# SPDX-License-Identifier: BSD-3-Clause
"""What test programs that try a binary share: checks that go on, and a run of all test functions of a module."""

import socket
import subprocess
import sys
import tempfile
from pathlib import Path

failures = []


def must(condition, what):
    if not condition:
        failures.append(what)
        print("FAILED: " + what)


def fill_up(source, path):
    """A capture with whole frames, as the lab sends it: on a port, length fields of frames that were cut would lie."""
    data, at = source.read_bytes(), 24
    with open(path, "wb") as out:
        out.write(data[:16] + (65535).to_bytes(4, "little") + data[20:24])
        while at < len(data):
            captured, length = (int.from_bytes(data[at + k:at + k + 4], "little") for k in (8, 12))
            out.write(data[at:at + 8] + 2 * length.to_bytes(4, "little") +
                      data[at + 16:at + 16 + captured].ljust(length, b"\0"))
            at += 16 + captured


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def run_tests(names, make):
    """Calls each test_...(make(binary, root, folder)) of `names`, a module's globals(). Returns the exit status."""
    program = Path(sys.argv[0]).stem
    if len(sys.argv) < 3:
        sys.exit("usage: %s.py BINARY SOURCE_ROOT [TEST...]" % program)
    tests = [f for name, f in names.items() if name.startswith("test_") and (not sys.argv[3:] or name in sys.argv[3:])]
    with tempfile.TemporaryDirectory() as folder:
        subject = make(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), Path(folder))
        for test in tests:
            try:
                test(subject)
            except (ValueError, IndexError, KeyError, subprocess.SubprocessError, OSError) as error:
                must(False, "%s: %s: %s" % (test.__name__, type(error).__name__, error))
    print("%s: %d tests, %d failures" % (program, len(tests), len(failures)))
    return 1 if failures or not tests else 0

# SPDX-License-Identifier: BSD-3-Clause
"""What test programs that try a binary share: checks that go on, and a run of all test functions of a module."""

import subprocess
import sys
import tempfile
from pathlib import Path

failures = []


def must(condition, what):
    if not condition:
        failures.append(what)
        print("FAILED: " + what)


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

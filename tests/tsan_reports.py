#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Reads what ThreadSanitizer reported, and shows what is this project's own.

    tsan_reports.py LOG...

DPDK's libraries are not instrumented: what their locks order, and that all workers have returned, ThreadSanitizer does not
see. Left out are reports of which either access is made by one of those libraries, and what the control core does once
the workers have returned. Exit status: 0 none is left, 1 some are shown.
"""

import re
import sys
from pathlib import Path

FRAME = re.compile(r"^    #\d+ (.*)$", re.M)
ACCESS = re.compile(r"^  (?:Previous )?(?:[Aa]tomic )?(?:[Rr]ead|[Ww]rite) of size.*\n((?:    .*\n)+)", re.M)
# The control core's, behind tw_engine_runs() and rte_eal_mp_wait_lcore().
AFTER_WORKERS = re.compile(r" (tw_reload_stop|tw_engine_finish|unmake) ")


def culprit(stack):
    """The innermost frame that is not ThreadSanitizer's own; None where the stack is not known."""
    frames = [frame for frame in FRAME.findall(stack) if "libtsan" not in frame]
    return frames[0] if frames else None


def is_ours(report):
    stacks = ACCESS.findall(report)
    if any("(librte_" in (culprit(stack) or "") for stack in stacks):
        return False
    return not any(AFTER_WORKERS.search(stack) for stack in stacks)


def main(paths):
    reports = {}
    total = left_out = 0
    for path in paths:
        for report in Path(path).read_text(encoding="utf-8", errors="replace").split("=" * 18):
            summary = re.search(r"^SUMMARY: .*$", report, re.M)
            if summary is None:
                continue
            total += 1
            if is_ours(report):
                reports.setdefault(summary[0], report)
            else:
                left_out += 1
    for report in reports.values():
        print(report)
    print("%d reports, %d left out, of the others %d shown, each once" % (total, left_out, len(reports)))
    return 1 if reports else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

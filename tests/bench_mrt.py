#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""How fast MRT files are read: plain, gzip and bzip2, beside the tools that only decompress them, and bgpdump.

    bench_mrt.py BENCH_MRT SOURCE_ROOT [MEGABYTES]

The file is a real RouteViews RIB of 47 peers out of ../shared/data, repeated (a compressor's window is smaller than one
round of it); where that is absent, one of gen_mrt.py.
"""

import bz2
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import gen_mrt

ROUNDS = 3
REAL = "../shared/data/mrt/pyasn/rib.20140523.0600_firstMB.bz2"


def whole_records(data):
    at = 0
    while at + 12 <= len(data) and at + 12 + struct.unpack_from(">I", data, at + 8)[0] <= len(data):
        at += 12 + struct.unpack_from(">I", data, at + 8)[0]
    return data[:at]


def write_plain(root, path, size):
    """Returns what it is."""
    real = root / REAL
    if not real.exists():
        gen_mrt.bulk(path, size // 1900, 30, 1)
        return "made by gen_mrt.py"
    data = whole_records(bz2.BZ2Decompressor().decompress(real.read_bytes()))
    with open(path, "wb") as file:
        for _ in range(max(1, size // len(data))):
            file.write(data)
    return "a real RIB, repeated"


def speed(command, size):
    """By the processor's time, too."""
    def spent():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    start = spent()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return "%s: %.0f MB/s" % (" ".join(command[:2]), size / (spent() - start) / 1e6)


def main(program, root, megabytes):
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain"
        what = write_plain(root, str(plain), megabytes * 1000000)
        packed = []
        for tool, suffix in (("gzip", ".gz"), ("bzip2", ".bz2")):
            subprocess.run([tool, "-k", str(plain)], check=True)
            packed.append(str(plain) + suffix)
        size = plain.stat().st_size
        print("%d MB, %s; gzip 1:%.1f, bzip2 1:%.1f" % ((size // 1000000, what) + tuple(
            size / Path(path).stat().st_size for path in packed)), flush=True)
        result = subprocess.run([program, str(ROUNDS), str(plain)] + packed, check=True, capture_output=True, text=True)
        print(result.stdout.replace(folder + "/", ""), end="", flush=True)
        print(speed(["gzip", "-dc", packed[0]], size))
        print(speed(["bzip2", "-dc", packed[1]], size))
        if shutil.which("bgpdump"):
            print(speed(["bgpdump", "-m", str(plain)], size))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int((sys.argv + ["60"])[3]))

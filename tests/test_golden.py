#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A golden run: every form of output, and the README's picture, byte for byte.

    test_golden.py BINARY SOURCE_ROOT [--update]

The capture is twelve seconds of the case around the first change, with a packet that is late and one that is malformed
put in. Changed on purpose? --update writes them anew; read the difference before it is committed.

Exit status: 0 passed, 1 failed.
"""

import difflib
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

FIRST, LAST = 1506848867, 1506848878
RUNS = {
    "case.jsonl": ["--output", "-"],
    "case.csv": ["--csv", "-"],
    "case.txt": ["--table", "--every-second"],
    "folded.txt": ["--table"],
}


def write_capture(source, path):
    data, at, last = source.read_bytes(), 24, b""
    with open(path, "wb") as out:
        out.write(data[:24])
        while at < len(data):
            second, _, captured, _ = struct.unpack_from("<IIII", data, at)
            record = data[at:at + 16 + captured]
            at += 16 + captured
            if not FIRST <= second <= LAST:
                continue
            out.write(record)
            if second == FIRST + 2 and last[:4] != record[:4]:
                out.write(last)  # a second late
            if second == FIRST + 5 and last[:4] != record[:4]:
                lie = bytearray(record)
                lie[16 + 18] = 0x41  # an IPv4 header of four octets
                out.write(lie)
            last = record


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit("usage: test_golden.py BINARY SOURCE_ROOT [--update]")
    binary, root = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    golden, failures = root / "tests/golden", 0
    version = subprocess.run([str(binary), "--version"], capture_output=True, check=True).stdout.split()[1]
    with tempfile.TemporaryDirectory() as folder:
        capture = Path(folder) / "case.pcap"
        write_capture(root / "pcaps/kp-2017-10-01.pcap", capture)
        for name, options in RUNS.items():
            result = subprocess.run([str(binary), "replay", "-c", "pcaps/demo.yaml", *options, str(capture)], cwd=root,
                                    capture_output=True, timeout=60)
            if result.returncode != 0:
                sys.exit("test_golden: exit status %d: %s" % (result.returncode, result.stderr.decode()))
            output = result.stdout.replace(b'"version":"%s"' % version, b'"version":"0"', 1)
            if sys.argv[3:] == ["--update"]:
                golden.mkdir(exist_ok=True)
                (golden / name).write_bytes(output)
            elif output != (golden / name).read_bytes():
                failures += 1
                wanted = (golden / name).read_text().splitlines()
                sys.stdout.writelines("%s\n" % line for line in difflib.unified_diff(
                    wanted, output.decode().splitlines(), "golden/" + name, "output", lineterm="", n=0))
        picture = Path(folder) / "demo.svg"
        subprocess.run([str(root / "scripts/make-picture"), str(picture), str(binary)], check=True, timeout=60)
        if sys.argv[3:] == ["--update"]:
            (root / "pcaps/demo.svg").write_bytes(picture.read_bytes())
        elif picture.read_bytes() != (root / "pcaps/demo.svg").read_bytes():
            failures += 1
            print("test_golden: pcaps/demo.svg shows what the demo does not: scripts/make-picture draws it anew")
    print("test_golden: %d outputs, %d differ" % (len(RUNS) + 1, failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

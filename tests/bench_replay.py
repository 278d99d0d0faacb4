#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Benchmark of a replay beside nfpcapd.

    bench_replay.py TRANSITWATCH [FOLDER]

Makes a capture of a million 64-octet frames in FOLDER (the current one where none is given), always
the same, reads it once so that it lies in the page cache, and lets both programs read it in turns,
each pinned to the same single core. Whole runs are timed, from start to exit; a capture of one
packet tells what of it is start and stop. The bar: transitwatch is at least RATIO_BAR times as fast,
by the median of the rounds' ratios.

Exits 0 where the bar is met, 1 where it is missed or a program fails, 77 where nfpcapd or taskset
is missing.
"""

import os
import random
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

RATIO_BAR = 5.0
ROUNDS = 5
PACKETS = 1_000_000
FLOWS = 100_000
FRAME = 64
START = 1506848871
SECONDS = 10

CONFIG = """\
targets:
  - name: KP
    prefixes: [175.45.176.0/22]
upstreams:
  - asn: 4837
    name: China Unicom
    links: [{vlan: 100}]
  - asn: 20485
    name: TransTeleCom
    links: [{vlan: 200}]
"""


def ipv4_checksum(header):
    total = sum(struct.unpack("!10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def frame_of(rng, target):
    """A UDP or TCP packet of a flow of its own; of the target, on one of its two links."""
    ends = [rng.randrange(1 << 24, 0xE0000000), rng.randrange(1 << 24, 0xE0000000)]
    tag = b""
    if target:
        ends[rng.randrange(2)] = 0xAF2DB000 + rng.randrange(1024)
        tag = struct.pack("!HH", 0x8100, rng.choice([100, 200]))
    protocol = rng.choice([6, 17])
    length = FRAME - 14 - len(tag)
    header = struct.pack("!BBHIBBHII", 0x45, 0, length, 0, 64, protocol, 0, *ends)
    header = header[:10] + struct.pack("!H", ipv4_checksum(header)) + header[12:]
    ports = struct.pack("!HH", rng.randrange(1024, 65536), rng.choice([80, 443, 8080]))
    if protocol == 6:
        transport = ports + struct.pack("!IIHHHH", 1, 1, 5 << 12 | 0x10, 65535, 0, 0)
    else:
        transport = ports + struct.pack("!HH", length - 20, 0)
    ethernet = b"\x02\x00\x00\x00\x20\x48\x02\x00\x00\x00\x00\x01" + tag + b"\x08\x00"
    return (ethernet + header + transport).ljust(FRAME, b"\0")


def write_capture(path, packets):
    """Packets of FLOWS flows in random order, one flow in fifty of the target."""
    rng = random.Random(20171001)
    frames = [frame_of(rng, flow % 50 == 0) for flow in range(FLOWS)]
    record = struct.Struct("<IIII")
    with open(path + ".part", "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for i in range(packets):
            second, rest = divmod(i * SECONDS, PACKETS)
            stamp = record.pack(START + second, rest * 1_000_000 // PACKETS, FRAME, FRAME)
            out.write(stamp + rng.choice(frames))
    os.rename(path + ".part", path)


def capture_in(folder, packets):
    path = os.path.join(folder, f"bench_replay_{packets}.pcap")
    size = 24 + packets * (16 + FRAME)
    if not os.path.exists(path) or os.path.getsize(path) != size:
        print(f"writing {path}", flush=True)
        write_capture(path, packets)
    with open(path, "rb") as capture:
        while capture.read(1 << 20):
            pass
    return path


def timed(command):
    """Seconds that the command takes on one core, start and end included."""
    core = min(os.sched_getaffinity(0))
    start = time.monotonic()
    done = subprocess.run(
        ["taskset", "-c", str(core)] + command,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )
    seconds = time.monotonic() - start
    if done.returncode != 0:
        sys.stdout.write(done.stdout.decode(errors="replace"))
        sys.exit(f"bench_replay: {command[0]} exits with {done.returncode}")
    return seconds


def main():
    if len(sys.argv) not in (2, 3) or not os.access(sys.argv[1], os.X_OK):
        sys.exit(__doc__)
    for program in ("nfpcapd", "taskset"):
        if shutil.which(program) is None:
            print(f"skipped: {program} is not installed (Debian packages nfdump, util-linux)")
            sys.exit(77)
    folder = sys.argv[2] if len(sys.argv) == 3 else "."
    million, one = capture_in(folder, PACKETS), capture_in(folder, 1)

    with tempfile.TemporaryDirectory(prefix="bench_replay.") as work:
        config = os.path.join(work, "config.yaml")
        with open(config, "w", encoding="ascii") as out:
            out.write(CONFIG)

        def transitwatch(capture):
            return timed([sys.argv[1], "replay", "-c", config, capture, "--output", "/dev/null"])

        def nfpcapd(capture):
            flows = tempfile.mkdtemp(dir=work)
            return timed(["nfpcapd", "-r", capture, "-w", flows])

        programs = {"transitwatch": transitwatch, "nfpcapd": nfpcapd}
        taken = {name: [] for name in programs}
        for i in range(ROUNDS):
            for name in sorted(programs, reverse=i % 2 == 0):
                taken[name].append(programs[name](million))
        alone = {name: statistics.median(run(one) for _ in range(3)) for name, run in programs.items()}
    packets = {name: [seconds - alone[name] for seconds in taken[name]] for name in programs}
    for name in programs:
        seconds = statistics.median(taken[name])
        print(
            f"{name:14} {seconds:7.3f} s, of which {alone[name]:.3f} s to start and stop; "
            f"packets {PACKETS / statistics.median(packets[name]) / 1e6:.2f} Mpps"
        )
    whole = statistics.median(b / a for a, b in zip(taken["transitwatch"], taken["nfpcapd"]))
    ratio = statistics.median(b / a for a, b in zip(packets["transitwatch"], packets["nfpcapd"]))
    print(f"ratio of whole runs {whole:.2f}, bar {RATIO_BAR}; of packets without start and stop {ratio:.2f}")
    if whole < RATIO_BAR:
        sys.exit(f"MISSED: a replay is at least {RATIO_BAR} times as fast as nfpcapd")


if __name__ == "__main__":
    main()

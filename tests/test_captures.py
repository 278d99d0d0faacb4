#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Conservation and determinism on every capture at hand.

    test_captures.py BINARY SOURCE_ROOT [GENERATED]

Captures: pcaps/, ../shared/data/pcaps where present, and those that gen_packets.py wrote to GENERATED. For each,
and for copies of some that are cut inside a record:

  every second and the summary: received = target + internal + other + not_ip + malformed
  summary = sum of the seconds
  the same output, byte for byte, with 1, 2 and 4 workers
  exit status 0, or 2 for what is cut, with the packet's number, or refused, with one line

Exit status: 0 passed, 1 failed, 77 without a capture.
"""

import concurrent.futures
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import oracle_readers as readers

SKIP = 77
CLASSES = ("target", "internal", "other", "not_ip", "malformed")
CONFIG = """targets:
  - name: LOW
    prefixes: [0.0.0.0/2, 128.0.0.0/2, "2000::/4"]
  - name: HIGH
    prefixes: [64.0.0.0/2, "::/2"]
upstreams:
  - asn: 65001
    name: one
    links: [{vlan: 100}, {port: 1}]
  - asn: 65002
    name: two
    links: [{vlan: 200}, {mac: "02:00:00:00:20:48"}]
"""
DECAPSULATE = "decapsulate: [gre, erspan, vxlan, ipip, gtpu]\n"


class Failure(Exception):
    pass


def must(condition, what):
    if not condition:
        raise Failure(what)


def replay(binary, config, workers, path):
    command = [str(binary), "replay", "-c", str(config), "--output", "-", "-w", str(workers), str(path)]
    return subprocess.run(command, capture_output=True, timeout=120)


def check_conservation(line):
    classes, where = line["classes"], "%s %s" % (line["type"], line.get("time", ""))
    must(set(classes) == set(CLASSES), "%s: classes are %s" % (where, sorted(classes)))
    must(line["received"]["packets"] == sum(classes.values()), "%s: received %d packets, the classes sum to %d" % (
        where, line["received"]["packets"], sum(classes.values())))
    must(not any(line["dropped"].values()), "%s: a replay dropped packets: %s" % (where, line["dropped"]))


def flatten(line):
    """The counters of a line that add up over seconds."""
    counters = {("received", k): v for k, v in line["received"].items()}
    counters.update((("class", k), v) for k, v in line["classes"].items())
    for series in line["series"]:
        key = tuple(series[k] for k in ("target", "upstream", "method", "direction", "ip_version"))
        counters.update((key + (k,), series[k]) for k in ("packets", "bytes", "flows"))
    return counters


def check_lines(output, n_frames):
    lines = [json.loads(line) for line in output.splitlines()]
    must([line["type"] for line in lines[:1]] == ["start"], "the first line is no start")
    must([line["type"] for line in lines if line["type"] == "summary"] == ["summary"], "not one summary")
    must(lines[-1]["type"] == "summary", "the last line is no summary")
    seconds, total = [line for line in lines if line["type"] == "second"], {}
    for line in seconds:
        check_conservation(line)
        must(line["exact"], "second %d is not exact" % line["time"])
        for key, value in flatten(line).items():
            total[key] = total.get(key, 0) + value
    times = [line["time"] for line in seconds]
    must(times == sorted(set(times)), "seconds are not in order, each once")
    check_conservation(lines[-1])
    summary = {k: v for k, v in flatten(lines[-1]).items() if v}
    must(summary == {k: v for k, v in total.items() if v}, "the summary is not the sum of the seconds: %s" % sorted(
        set(summary.items()) ^ {(k, v) for k, v in total.items() if v}, key=str)[:4])
    must(lines[-1]["received"]["packets"] == n_frames, "%d packets received of %d in the file" % (
        lines[-1]["received"]["packets"], n_frames))


def check_capture(binary, config, path):
    frames, cut = readers.read_capture(path, path.name)
    if cut and not frames:
        return check_refusal(binary, config, path)
    results = [replay(binary, config, workers, path) for workers in (1, 2, 4)]
    for result in results:
        error = result.stderr.decode(errors="replace").strip()
        must(result.returncode == (2 if cut else 0), "exit status %d: %s" % (result.returncode, error[-300:]))
        if cut:
            must(any(str(n) in error for n in (len(frames), len(frames) + 1)),
                 "cut after packet %d, and the message says: %s" % (len(frames), error[-300:]))
    must(results[0].stdout == results[1].stdout == results[2].stdout, "1, 2 and 4 workers differ")
    return check_lines(results[0].stdout, len(frames))


def check_refusal(binary, config, path):
    result = replay(binary, config, 1, path)
    error = result.stderr.decode(errors="replace").strip()
    must(result.returncode == 2, "exit status %d where 2 is due: %s" % (result.returncode, error[-300:]))
    must(len(error.splitlines()) == 1 and path.name in error, "not one line that names the file: %s" % error[-300:])


def check(binary, config, path):
    """Returns what failed, or None."""
    try:
        try:
            readers.read_capture(path, path.name)
        except (readers.Refused, OSError):
            check_refusal(binary, config, path)
        else:
            check_capture(binary, config, path)
    except (Failure, KeyError, ValueError, subprocess.TimeoutExpired) as failure:
        return "%s (%s): %s %s" % (path, config.name, type(failure).__name__, failure)
    return None


def make_broken(folder, captures):
    """Copies cut inside a record's head and inside its octets, and files that are no captures."""
    made = []
    for i, path in enumerate(captures[::7]):
        data = path.read_bytes()
        if len(data) < 10**6:
            made.append(folder / ("cut%d-%s" % (i, path.name)))
            made[-1].write_bytes(data[:len(data) // 2 | 1] if i % 2 else data[:-1])
    for name, data in (("empty", b""), ("text", b"This is no capture.\n" * 9), ("head", b"\xd4\xc3\xb2\xa1")):
        made.append(folder / name)
        made[-1].write_bytes(data)
    return made + [folder / "absent.pcap"]


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit("usage: test_captures.py BINARY SOURCE_ROOT [GENERATED]")
    binary, root = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    generated = sorted(Path(sys.argv[3]).glob("*.pcap")) if len(sys.argv) == 4 else []
    captures = [p for folder in (root / "pcaps", root / "../shared/data/pcaps") for p in sorted(folder.rglob("*"))
                if p.suffix in (".pcap", ".pcapng", ".cap")] + generated
    if not captures:
        print("test_captures: skipped: no capture: run scripts/demo or gen_packets.py first")
        return SKIP
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "plain.yaml").write_text(CONFIG)
        (folder / "decapsulate.yaml").write_text(CONFIG + DECAPSULATE)
        jobs = [(binary, folder / "plain.yaml", p) for p in captures + make_broken(folder, captures)]
        jobs += [(binary, folder / "decapsulate.yaml", p) for p in generated]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            failures = [f for f in pool.map(lambda job: check(*job), jobs) if f]
    for failure in failures[:40]:
        print("test_captures: " + failure)
    print("test_captures: %d captures, %d failures" % (len(jobs), len(failures)))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

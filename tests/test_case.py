#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The case of 1 October 2017, end to end: each change shows in the series at its second.

    test_case.py BINARY SOURCE_ROOT

The times asserted are those of history, written here a second time; the packets come from pcaps/kp-2017-10-01.pcap,
counted by a reader of this file's own. A second configuration makes each /24 a target of its own, so that a single
prefix is seen to move. The routes beside the capture, read by bgpdump, are at each second those of the packets. Last, the
scripts that make the capture, the routes and the databases must reproduce their bytes.

Exit status: 0 passed, 1 failed.
"""

import collections
import json
import shutil
import struct
import subprocess
import sys
import tempfile
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

sys.dont_write_bytecode = True
CHINA_UNICOM, TRANSTELECOM = 4837, 20485
ORIGIN = "131279"
VLANS = {100: CHINA_UNICOM, 200: TRANSTELECOM}
FIRST = 1506848871  # 2017-10-01 09:07:51 UTC; from there a second is a minute of then

# Seconds after FIRST between which a /24 was carried by AS20485: the first and the last with a packet.
#   09:07:51 +0     appears      10:14:45 +66.9    gone          12:21:55 +194.1  back
#   12:23:51 +196   .179 away    12:26:00 +198.15  .179 back     (unstable for the last time)
#   07:56:39 +1368.8 .176 leaves 09:10:29 +1442.6  .179 leaves   (2 October)
# The capture has each at the nearest whole second, so that no second of a /24 has two upstreams.
LAST = 1471  # the capture's last second
RUNS = {
    176: [(0, 66), (194, 1368)],
    177: [],
    178: [(0, 66), (194, LAST)],
    179: [(0, 66), (194, 195), (198, 1442)],
}
# Total outages: all seconds of no packet to or from the target. 10:47:51, 11:20:51, 11:51:51, 12:16:51.
OUTAGES = [(100, 102), (133, 134), (164, 165), (189, 191)]

failures = []


def must(condition, what):
    if not condition:
        failures.append(what)
        print("test_case: " + what)


def runs(seconds):
    """The seconds as (first, last) of each spell; a gap of one second within a spell is none."""
    found = []
    for second in sorted(seconds):
        if found and second - found[-1][1] <= 1:
            found[-1] = (found[-1][0], second)
        else:
            found.append((second, second))
    return found


def read_capture(path):
    """{second: Counter of (.N, upstream, direction, what)}, and the packets of each second, by plain offsets."""
    data, at = path.read_bytes(), 24
    seconds = collections.defaultdict(collections.Counter)
    while at < len(data):
        second, _, captured, wire = struct.unpack_from("<IIII", data, at)
        frame = data[at + 16:at + 16 + captured]
        at += 16 + captured
        count = seconds[second]
        count["packets"] += 1
        count["bytes"] += wire
        vlan, ethertype = struct.unpack_from(">HH", frame, 14)
        if ethertype != 0x0800:
            continue
        for end, direction in ((frame[30:34], "from"), (frame[34:38], "to")):
            if end[:2] == bytes((175, 45)) and 176 <= end[2] <= 179:
                key = end[2], VLANS[vlan], direction
                count[key + ("packets",)] += 1
                count[key + ("bytes",)] += struct.unpack_from(">H", frame, 20)[0]
    return seconds


def replay(binary, config, capture, *more):
    result = subprocess.run([str(binary), "replay", "-c", str(config), "--output", "-", *more, str(capture)],
                            capture_output=True, timeout=60)
    if result.returncode != 0:
        sys.exit("test_case: replay: exit status %d: %s" % (result.returncode, result.stderr.decode().strip()))
    return result.stdout


def by_second(lines):
    """{second: Counter} in read_capture()'s terms; targets are .N, or one for all."""
    seconds = {}
    for line in lines:
        if line["type"] != "second":
            continue
        count = seconds[line["time"]] = collections.Counter()
        count["packets"], count["bytes"] = line["received"]["packets"], line["received"]["bytes"]
        must(line["exact"] and not line["dropped"], "second %d is not exact" % line["time"])
        must(sum(line["classes"].values()) == count["packets"], "second %d: classes are not all" % line["time"])
        for series in line["series"]:
            must(series["method"] == "vlan" and series["ip_version"] == 4, "second %d: %s" % (line["time"], series))
            name = int(series["target"].lstrip(".")) if series["target"] != "KP" else "KP"
            key = name, series["upstream"], series["direction"]
            count[key + ("packets",)] += series["packets"]
            count[key + ("bytes",)] += series["bytes"]
    return seconds


def check_counts(capture, seconds, whole):
    """Each second of either output against the reader's count."""
    must(sorted(seconds) == list(range(FIRST - 30, FIRST + LAST + 1)), "seconds are missing, or too many")
    for second, got in seconds.items():
        want = capture[second] if second in capture else collections.Counter()
        must(+got == +want, "second %d: expected %s, got %s" % (second, +(want - got), +(got - want)))
        summed = collections.Counter()
        for key, value in want.items():
            summed[("KP",) + key[1:] if isinstance(key, tuple) else key] += value
        must(+whole[second] == +summed, "second %d of the demo: expected %s, got %s" % (second, summed, whole[second]))


def check_history(seconds, whole):
    for n, expected in RUNS.items():
        carried = [second - FIRST for second, count in seconds.items()
                   if any(count[n, TRANSTELECOM, way, "packets"] for way in ("to", "from"))]
        must(runs(carried) == expected, ".%d through AS20485: expected %s, got %s" % (n, expected, runs(carried)))
        there = [second - FIRST for second, count in seconds.items()
                 if any(count[n, CHINA_UNICOM, way, "packets"] for way in ("to", "from"))]
        both = set(there) & set(carried)
        must(not both, ".%d is seen behind both at %s" % (n, sorted(both)))
    silent = [second - FIRST for second, count in whole.items()
              if not any(isinstance(key, tuple) and value for key, value in count.items())]
    must(runs(silent) == OUTAGES, "total outages: expected %s, got %s" % (OUTAGES, runs(silent)))
    # What the demo shows at a glance: nothing, then the larger share, by bytes towards the target.
    for first, last, low, high in ((-30, -1, 0, 0), (0, 65, 0.5, 1), (67, 193, 0, 0), (199, 1367, 0.5, 1),
                                   (1443, LAST, 0.01, 0.5)):
        total = collections.Counter()
        for second in range(FIRST + first, FIRST + last + 1):
            total.update(whole[second])
        theirs, other = (total["KP", upstream, "to", "bytes"] for upstream in (TRANSTELECOM, CHINA_UNICOM))
        share = theirs / (theirs + other)
        must(low <= share <= high, "AS20485's share from %+d to %+d: %.2f" % (first, last, share))


def check_summary(lines):
    total, received = collections.Counter(), collections.Counter()
    for line in lines:
        if line["type"] == "second":
            received.update(line["received"])
            for series in line["series"]:
                for kind in ("packets", "bytes", "flows"):
                    total[series["upstream"], series["direction"], kind] += series[kind]
    summary = lines[-1]
    must(summary["type"] == "summary" and summary["received"] == received, "the summary's received is not the sum")
    for series in summary["series"]:
        for kind in ("packets", "bytes", "flows"):
            key = series["upstream"], series["direction"], kind
            must(series[kind] == total.pop(key, 0), "the summary's %s is not the sum of the seconds" % (key,))
    must(not +total, "the summary lacks %s" % +total)
    must((summary["first"], summary["last"]) == (FIRST - 30, FIRST + LAST), "the summary's first and last second")


def bgpdump(path):
    """The fields of each line that bgpdump writes."""
    result = subprocess.run(["bgpdump", "-m", str(path)], capture_output=True, text=True, timeout=60, check=True)
    return [line.split("|") for line in result.stdout.splitlines()]


def upstream_of(paths):
    """What most vantage points say of a prefix; None without a route."""
    votes = collections.Counter()
    for path in paths:
        others = [asn for asn in path.split() if asn != ORIGIN]
        votes[int(others[-1])] += 1
    best = votes.most_common(2)
    if not best:
        return None
    must(len(best) == 1 or best[0][1] > best[1][1], "vantage points are of two minds: %s" % votes)
    return best[0][0]


def check_routes(capture, root):
    """At each second, most vantage points have each /24 behind the upstream that its packets come over."""
    if shutil.which("bgpdump") is None:
        print("test_case: bgpdump is missing: the case's routes are not read")
        return
    routes = {".%d" % n: {} for n in RUNS}  # vantage point: path
    prefixes = {"175.45.%d.0/24" % n: ".%d" % n for n in RUNS}
    table = bgpdump(root / "pcaps/kp-2017-10-01.rib.mrt")
    must(len(table) > 1000 and all(int(line[1]) <= FIRST - 30 for line in table), "a table of %d routes" % len(table))
    for line in table:
        if line[5] in prefixes:
            routes[prefixes[line[5]]][line[4]] = line[6]
    updates = collections.defaultdict(list)
    for line in bgpdump(root / "pcaps/kp-2017-10-01.updates.mrt"):
        updates[int(line[1].split(".")[0])].append(line)
    must(FIRST - 30 <= min(updates) and max(updates) <= FIRST + LAST, "updates before or after the capture")
    must({line[0] for lines in updates.values() for line in lines} == {"BGP4MP", "BGP4MP_ET"}, "records of another kind")
    for second in range(FIRST - 30, FIRST + LAST + 1):
        for line in updates[second]:
            if line[2] == "STATE" and line[6] == "1":
                for paths in routes.values():
                    paths.pop(line[4], None)
            elif line[2] in "AW" and line[5] in prefixes:
                paths = routes[prefixes[line[5]]]
                paths.pop(line[4], None)
                if line[2] == "A":
                    paths[line[4]] = line[6]
        for n in RUNS:
            seen = {key[1] for key, value in capture[second].items() if isinstance(key, tuple) and key[0] == n and value}
            told = upstream_of(routes[".%d" % n].values())
            must(seen in (set(), {told}), "%+d: .%d comes over %s, and the routes say %s" % (second - FIRST, n, seen, told))


def check_scripts(root, folder):
    """The committed files are what the scripts write."""
    made = folder / "made"
    made.mkdir()
    commands = [[sys.executable, "-B", str(root / "scripts/make-case"), str(made / "kp-2017-10-01.pcap")]]
    writer = subprocess.run(["perl", "-MMaxMind::DB::Writer::Tree", "-e", "1"], capture_output=True) if shutil.which(
        "perl") else None
    if writer is not None and writer.returncode == 0:
        commands.append([str(root / "scripts/make-demo-db"), str(made)])
    else:
        print("test_case: MaxMind::DB::Writer is missing: the demo's databases are not compared")
    for command in commands:
        subprocess.run(command, check=True, timeout=100)
    for path in sorted(made.iterdir()):
        must(path.read_bytes() == (root / "pcaps" / path.name).read_bytes(), "pcaps/%s is not what its script writes" %
             path.name)
        must(path.stat().st_size <= 1 << 20, "pcaps/%s is larger than 1 MiB" % path.name)


def check_script_times(root):
    """The capture's script tells the same history as this file."""
    loader = SourceFileLoader("make_case", str(root / "scripts/make-case"))
    script = module_from_spec(spec_from_loader("make_case", loader))
    loader.exec_module(script)
    for n, expected in RUNS.items():
        through = [second for second in range(-30, LAST + 1) if script.routes_at(FIRST + second)[n] == TRANSTELECOM
                   or script.routes_at(FIRST + second + 0.999)[n] == TRANSTELECOM]
        got = runs(through)
        must(got == expected, "scripts/make-case has .%d through AS20485 at %s" % (n, got))


# What the program itself finds worth telling: (event, first second of its evidence, upstream).
EVENTS = [("upstream_appeared", 0, TRANSTELECOM), ("upstream_overtook", 0, TRANSTELECOM), ("upstream_vanished", 67, TRANSTELECOM),
          ("target_dark", 100, None), ("target_back", 103, None), ("target_dark", 133, None), ("target_back", 135, None),
          ("target_dark", 164, None), ("target_back", 166, None), ("target_dark", 189, None), ("target_back", 192, None),
          ("upstream_appeared", 194, TRANSTELECOM), ("upstream_overtook", 194, TRANSTELECOM),
          ("upstream_overtook", 1369, CHINA_UNICOM), ("share_shift", 1443, CHINA_UNICOM)]


def check_events(lines):
    events = [line for line in lines if line["type"] == "event"]
    found = [(e["event"], e["since"] - FIRST, e.get("upstream")) for e in events]
    must(found == EVENTS, "events: expected %s, got %s" % (EVENTS, found))
    for event in events:
        must(event["exact"] and event["target"] == "KP" and event["since"] <= event["time"] <= event["since"] + 30,
             "an event's evidence: %s" % event)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: test_case.py BINARY SOURCE_ROOT")
    binary, root = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    capture = root / "pcaps/kp-2017-10-01.pcap"
    demo = (root / "pcaps/demo.yaml").read_text()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        targets = "targets:\n" + "".join("  - name: .%d\n    prefixes: [175.45.%d.0/24]\n" % (n, n) for n in RUNS)
        (folder / "single.yaml").write_text(targets + demo[demo.index("upstreams:"):])
        outputs = {w: replay(binary, root / "pcaps/demo.yaml", capture, "-w", str(w)) for w in (1, 2, 4)}
        must(len(set(outputs.values())) == 1, "1, 2 and 4 workers differ")
        lines = [json.loads(line) for line in outputs[1].splitlines()]
        whole = by_second(lines)
        seconds = by_second([json.loads(x) for x in replay(binary, folder / "single.yaml", capture).splitlines()])
        packets = read_capture(capture)
        check_counts(packets, seconds, whole)
        check_routes(packets, root)
        check_history(seconds, whole)
        check_summary(lines)
        check_events(lines)
        check_script_times(root)
        check_scripts(root, folder)
    print("test_case: %d seconds, %d failures" % (len(whole), len(failures)))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

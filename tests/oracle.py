#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The oracle: what the program says of real captures and addresses, against independent readers.

    oracle.py BINARY SOURCE_ROOT [CAPTURE...]    (names as it reports them; all, when none is given)

Captures: those of Debian's source package `tcpdump` (fetched once into a cache beside the build), those of
../shared/data/pcaps, and the project's own. Readers: oracle_readers.py for the files, tshark for the packets,
python3-maxminddb for the ASNs. Every second of every capture must agree in each class, each series' packets and
bytes, and the totals; so must what `explain` says of some 200,000 addresses. Known disagreements are in
oracle_exceptions.tsv, each with its reason.

Captures are full of private addresses: invented overrides give every other one of them an ASN, so that all classes
and series occur. Exit status: 0 agreement, 1 disagreement, 77 skipped.
"""

import collections
import concurrent.futures
import csv
import ipaddress
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
import time
import zlib
from dataclasses import replace
from pathlib import Path

import oracle_readers as readers

try:
    import maxminddb
except ImportError:
    maxminddb = None

SKIP = 77
SOURCES = "Types: deb-src\nURIs: http://deb.debian.org/debian\nSuites: bookworm\nComponents: main\n" \
          "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
REPORTS_MAX = 30
GAP = 86400  # a silence of more seconds is told as one gap, not as zeros
# Invented ASNs: two targets', one that is nobody's.
RED, BLUE, BLUE_TOO, GREY = 64501, 64502, 4200000001, 64503
BLOCKS = {"10.0.0.0/8": GREY, "192.168.0.0/16": BLUE_TOO, "172.16.0.0/12": RED, "fe80::/10": BLUE_TOO,
          "2001:db8::/32": RED, "127.0.0.0/8": RED}


def say(text):
    print("oracle: " + text, flush=True)


class Report:
    """Disagreements, the first of them told."""

    def __init__(self):
        self.count = 0

    def add(self, text):
        self.count += 1
        if self.count <= REPORTS_MAX:
            say(text)


# --- captures

def fetch_tcpdump(cache):
    """Returns the tests folder of tcpdump's source, or None with the reason said."""
    done = cache / "tcpdump-tests"
    if done.is_dir():
        return done
    apt = cache / "apt"
    for folder in ("lists/partial", "cache/archives/partial"):
        (apt / folder).mkdir(parents=True, exist_ok=True)
    (apt / "src.sources").write_text(SOURCES)
    options = ["-q", "-o", "Dir::Etc::sourcelist=%s" % (apt / "src.sources"), "-o", "Dir::Etc::sourceparts=-",
               "-o", "Dir::State::lists=%s" % (apt / "lists"), "-o", "Dir::Cache=%s" % (apt / "cache"),
               "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20"]
    for command in (["update"], ["source", "--download-only", "tcpdump"]):
        result = subprocess.run(["apt-get"] + options + command, cwd=apt, capture_output=True, text=True)
        if result.returncode != 0:
            return say("apt-get %s: %s" % (command[0], (result.stderr.strip() or "?").splitlines()[-1]))
    archive = next(apt.glob("tcpdump_*.orig.tar.*z*"), None)
    if archive is None:
        return say("apt-get source brought no tcpdump_*.orig.tar")
    unpacked = cache / "unpacked"
    with tarfile.open(archive) as tar:
        tar.extractall(unpacked, [m for m in tar.getmembers() if "/tests/" in m.name and m.isfile()])
    os.rename(next(unpacked.glob("*/tests")), done)
    return done


def find_captures(root, cache):
    """Returns ({name: path}, whether tcpdump's are there)."""
    found, tcpdump = {}, fetch_tcpdump(cache)
    for label, folder in (("tcpdump", tcpdump), ("shared", root / "../shared/data/pcaps"), ("own", root / "pcaps")):
        for path in sorted(Path(folder).rglob("*")) if folder else []:
            if path.suffix in (".pcap", ".pcapng", ".cap") and path.is_file():
                found["%s/%s" % (label, path.relative_to(folder))] = path
    return found, tcpdump is not None


def read_captures(paths):
    """Returns ({name: (frames, cut)}, names that are refused)."""
    captures, refused = {}, set()
    for name, path in paths.items():
        try:
            captures[name] = readers.read_capture(path, name)
        except readers.Refused:
            refused.add(name)
    return captures, refused


def dissect_all(captures, work, exceptions, report):
    """Gives every frame its `reading`: tshark once a link type, as its start takes longer than its work."""
    by_linktype = collections.defaultdict(list)
    for frames, _ in captures.values():
        for frame in frames:
            by_linktype[frame.linktype].append(frame)
    readers.make_profile(work / "tshark")

    def run(item):
        linktype, frames = item
        path = work / ("all-%d.pcap" % linktype)
        readers.write_pcap(path, linktype, frames, [i * 1000 for i in range(len(frames))])
        dissected = list(readers.dissect(path, work / "tshark"))
        assert len(dissected) == len(frames), "tshark lost frames of link type %d" % linktype
        for frame, frame.fields in zip(frames, dissected):
            frame.reading = readers.read_frame(frame)
            kind = exceptions.pop((frame.file, frame.number), None)
            if kind is not None and kind == frame.reading.kind:
                report.add("%s frame %d: the exception changes nothing: remove it" % (frame.file, frame.number))
            if kind is not None:
                frame.reading = readers.Reading(kind)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(run, by_linktype.items()))


def read_exceptions(path):
    with open(path, newline="") as file:
        rows = [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]
    return {(name, int(number)): kind for name, number, kind, _ in rows}


# --- what is expected

class World:
    """A configuration, and what it makes of addresses and links."""

    def __init__(self, folder, database, captures, overrides):
        self.path, self.database = folder / "config.yaml", database
        self.reader = maxminddb.open_database(str(database))
        folder.mkdir(parents=True, exist_ok=True)
        readings = [f.reading for frames, _ in captures.values() for f in frames if f.reading.kind == "ip"]
        addresses = {a for r in readings for a in (r.src, r.dst)}
        self.overrides, self.cache = {}, {}
        if overrides:
            self.invent_overrides(folder / "overrides.csv", addresses)
        self.lengths = {version: sorted({n.prefixlen for n in self.overrides if n.version == version}, reverse=True)
                        for version in (4, 6)}
        asns = sorted({self.asn(a) for a in addresses} - {0, RED, BLUE, BLUE_TOO, GREY})
        half = [a for a in asns if zlib.crc32(b"%d" % a) % 2] or [1]
        self.targets = [("RED", {RED}, []), ("BLUE", {BLUE, BLUE_TOO}, [ipaddress.ip_network("224.0.0.0/4")]),
                        ("HALF", set(half), [])]
        macs = sorted({m for r in readings for m in (r.mac_src, r.mac_dst)
                       if m and zlib.crc32(m.encode()) % 5 == 0 and int(m[:2], 16) % 2 == 0})  # no group addresses
        vlans = sorted({r.vlans[0] for r in readings if r.vlans})
        self.macs, self.vlans = set(macs[:200]), set(vlans[::2])
        self.port = 0 if overrides else None
        self.write(folder)

    def invent_overrides(self, path, addresses):
        """By chance, but the same each time: hosts of three ASNs or of none, in blocks of others."""
        for address in addresses:
            draw = zlib.crc32(address.packed) % 8
            if draw < 6 and not self.alias(address):
                network = ipaddress.ip_network(address)
                self.overrides[network] = (RED, RED, RED, BLUE, BLUE, GREY)[draw]
        self.overrides.update((ipaddress.ip_network(block), asn) for block, asn in BLOCKS.items())
        with open(path, "w", newline="") as file:
            for network, asn in self.overrides.items():
                csv.writer(file).writerow([network, asn, "Invented %d" % asn])

    def write(self, folder):
        text = "targets:\n"
        for name, asns, prefixes in self.targets:
            text += "  - name: %s\n    asns: [%s]\n" % (name, ", ".join(str(a) for a in sorted(asns)))
            if prefixes:
                text += "    prefixes: [%s]\n" % ", ".join(str(p) for p in prefixes)
        text += "databases:\n  asn: %s\n" % self.database
        text += "  overrides: overrides.csv\n" if self.overrides else ""
        links = [("65001", ['{mac: "%s"}' % m for m in sorted(self.macs)]),
                 ("65002", ["{vlan: %d}" % v for v in sorted(self.vlans)]),
                 ("65003", ["{port: %d}" % self.port] if self.port is not None else [])]
        text += "upstreams:\n"
        for asn, rules in links:
            if rules:
                text += "  - asn: %s\n    name: U%s\n    links: [%s]\n" % (asn, asn, ", ".join(rules))
        text += "attribution: [mac, vlan, port]\n"
        (folder / "config.yaml").write_text(text)

    @staticmethod
    def alias(address):
        """The IPv4 address inside an IPv6 one whose tree databases alias to IPv4's."""
        if address.version == 4:
            return None
        if address.teredo and int(address) >> 96 == 0x20010000:
            return ipaddress.ip_address((int(address) >> 64) & 0xffffffff)  # the tree's bits: the server
        if int(address) < 2**32:
            return ipaddress.IPv4Address(int(address))  # the tree's place for IPv4
        return address.ipv4_mapped or address.sixtofour

    def lookup(self, address):
        """Returns (ASN, name, prefix); 0, "", None where nothing is known."""
        address = self.alias(address) or address
        kind, top = type(ipaddress.ip_network(address)), address.max_prefixlen
        for length in self.lengths[address.version]:
            network = kind((int(address) >> (top - length) << (top - length), length))
            if network in self.overrides:
                asn = self.overrides[network]
                return asn, "Invented %d" % asn, network
        record, length = self.reader.get_with_prefix_len(str(address))
        if not record or not record.get("autonomous_system_number"):
            return 0, "", None
        return (record["autonomous_system_number"], record.get("autonomous_system_organization", ""),
                ipaddress.ip_network("%s/%d" % (address, length), strict=False))

    def asn(self, address):
        if address not in self.cache:
            self.cache[address] = self.lookup(address)[0]
        return self.cache[address]

    def target(self, address):
        inner = self.alias(address) or address
        for i, (_, asns, prefixes) in enumerate(self.targets):
            if self.asn(address) in asns or any(inner in p for p in prefixes if p.version == inner.version):
                return i
        return None

    def via(self, reading, port, direction):
        mac = reading.mac_dst if direction == "to" else reading.mac_src
        if mac in self.macs:
            return 65001, "mac"
        if reading.vlans and reading.vlans[0] in self.vlans:
            return 65002, "vlan"
        if port == self.port:
            return 65003, "port"
        return 0, "none"


def expect(frames, world):
    """Returns ({second: Counter}, peers Counter) as the program should count the frames of one capture."""
    seconds, peers, clock = {}, collections.Counter(), 0
    for frame in frames:
        late = frame.time < clock
        clock = max(clock, frame.time)
        count = seconds.setdefault(clock // 10**9, collections.Counter())
        count["packets"] += 1
        count["bytes"] += frame.length
        count["late"] += late
        reading = frame.reading
        if reading.kind != "ip":
            count[reading.kind] += 1
            continue
        ends = [(world.target(reading.src), "from", reading.dst), (world.target(reading.dst), "to", reading.src)]
        if ends[0][0] is not None and ends[0][0] == ends[1][0]:
            count["internal"] += 1
            continue
        hits = [end for end in ends if end[0] is not None]
        count["target" if hits else "other"] += 1
        for target, direction, peer in hits:
            key = (world.targets[target][0],) + world.via(reading, frame.port, direction) + (direction, reading.version)
            for kind, amount in (("packets", 1), ("bytes", reading.octets)):
                count[key + (kind,)] += amount
                peers[world.asn(peer), direction, kind] += amount
    return seconds, peers


def counted(line):
    """The Counter of a line of the program's, in the same terms."""
    count = collections.Counter(line["classes"])
    count["malformed"] = line["classes"]["malformed"]
    count["packets"], count["bytes"] = line["received"]["packets"], line["received"]["bytes"]
    count["late"] = line.get("late", 0)
    for series in line["series"]:
        key = (series["target"], series["upstream"] or 0, series["method"], series["direction"], series["ip_version"])
        for kind in ("packets", "bytes"):
            count[key + (kind,)] += series[kind]
    return count


def differences(want, got):
    keys = sorted(set(want) | set(got), key=str)
    shown = [("/".join(str(p) for p in k) if isinstance(k, tuple) else k, want[k], got[k]) for k in keys]
    return ", ".join("%s: expected %d, got %d" % row for row in shown if row[1] != row[2])


def compare_peers(name, want, got, report):
    for direction in ("to", "from"):
        listed = [p for p in got if p["direction"] == direction]
        known = {asn: octets for (asn, way, kind), octets in want.items() if way == direction and kind == "bytes"}
        for peer in listed:
            mine = want[peer["asn"] or 0, direction, "packets"], want[peer["asn"] or 0, direction, "bytes"]
            if mine != (peer["packets"], peer["bytes"]):
                report.add("%s: peer %s %s: expected %s packets and bytes, got %s" % (
                    name, direction, peer["asn"], mine, (peer["packets"], peer["bytes"])))
            known.pop(peer["asn"] or 0, None)
        least = min((p["bytes"] for p in listed), default=0)
        if known and (len(listed) < 20 or max(known.values()) > least):
            report.add("%s: peers %s: %d are missing" % (name, direction, len(known)))


def compare(name, frames, output, world, report):
    """Every second, the zeros between them, and the summary."""
    wanted, peers = expect(frames, world)
    lines = [json.loads(line) for line in output.splitlines()]
    total = collections.Counter()
    for line in (line for line in lines if line["type"] == "second"):
        want = wanted.pop(line["time"], collections.Counter())
        total += want
        text = differences(want, counted(line))
        if text:
            report.add("%s: second %d: %s" % (name, line["time"], text))
        if not line["exact"]:
            report.add("%s: second %d: not exact in a replay" % (name, line["time"]))
    times = [line["time"] for line in lines if line["type"] == "second"]
    for before, after in zip(times, times[1:]):
        if not (after == before + 1 or after - before > GAP):
            report.add("%s: from second %d to second %d without what is between" % (name, before, after))
    if wanted:
        report.add("%s: no line for second %s" % (name, sorted(wanted)[:5]))
    summaries = [line for line in lines if line["type"] == "summary"]
    if len(summaries) != 1:
        report.add("%s: %d summaries where one is due" % (name, len(summaries)))
        return
    text = differences(total, counted(summaries[0]))
    if text:
        report.add("%s: summary: %s" % (name, text))
    compare_peers(name, peers, summaries[0]["peers"], report)


def replay(binary, config, path):
    command = [str(binary), "replay", "-c", str(config), "--output", "-", str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def check_capture(binary, world, name, path, frames, cut, report):
    result = replay(binary, world.path, path)
    if result.returncode != (2 if cut else 0):
        report.add("%s: exit status %d: %s" % (name, result.returncode, result.stderr.strip()[-300:]))
    else:
        compare(name, frames, result.stdout, world, report)


def check_merged(binary, work, captures, world, report):
    """All captures of a link type as one, by an invented clock, against the full database."""
    by_linktype = collections.defaultdict(list)
    for frames, _ in captures.values():
        for frame in frames:
            by_linktype[frame.linktype].append(frame)
    for linktype, frames in by_linktype.items():
        path = work / ("merged-%d.pcap" % linktype)
        merged = [replace(f, time=10**18 + i * 10**7, port=0) for i, f in enumerate(frames)]
        readers.write_pcap(path, linktype, merged, [f.time for f in merged])
        check_capture(binary, world, "all of link type %d" % linktype, path, merged, False, report)
        path.unlink()


# --- addresses

def address_list(world):
    """Random addresses, and both sides of the borders of the networks that they are in."""
    rng, found = random.Random(131279), list(BLOCK_ENDS)
    for _ in range(20000):
        found.append(ipaddress.IPv4Address(rng.randrange(2**32)))
    heads = [0x2001, 0x2400, 0x2402, 0x2404, 0x2600, 0x2604, 0x2620, 0x2800, 0x2804, 0x2a00, 0x2a02, 0x2a0e, 0x2c0f]
    for _ in range(20000):
        found.append(ipaddress.IPv6Address(rng.choice(heads) << 112 | rng.randrange(2**rng.choice([96, 108, 112]))))
    for address in list(found):
        _, length = world.reader.get_with_prefix_len(str(address))
        bits = address.max_prefixlen
        first = int(address) >> (bits - length) << (bits - length)
        for border in (first - 1, first, first + (1 << bits - length) - 1, first + (1 << bits - length)):
            if 0 <= border < 2**bits:
                found.append(type(address)(border))
    return found


BLOCK_ENDS = [ipaddress.ip_address(a) for a in (
    "0.0.0.0", "255.255.255.255", "127.0.0.1", "224.0.0.1", "::", "::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "::ffff:8.8.8.8", "2002:808:808::1", "2001:0:808:808::1", "64:ff9b::808:808", "fe80::1", "ff02::1")]


def check_explain(binary, world, report):
    addresses = address_list(world)
    started = time.monotonic()
    result = subprocess.run([str(binary), "explain", "-c", str(world.path), "--json", "--stdin"], text=True,
                            input="".join("%s\n" % a for a in addresses), capture_output=True, timeout=120)
    took = time.monotonic() - started
    lines = result.stdout.splitlines()
    if result.returncode != 0 or len(lines) != len(addresses):
        report.add("explain: exit status %d, %d lines for %d addresses: %s" % (
            result.returncode, len(lines), len(addresses), result.stderr.strip()[-300:]))
        return
    for address, line in zip(addresses, lines):
        got = json.loads(line)
        asn, name, prefix = world.lookup(address)
        target = world.target(address)
        got["ip"] = str(ipaddress.ip_address(got["ip"]))  # one of the ways to write it
        want = {"ip": str(address), "asn": asn, "name": name, "prefix": str(prefix) if prefix else None,
                "target": world.targets[target][0] if target is not None else None}
        wrong = [k for k in want if (got.get(k) or None) != (want[k] or None)]
        if wrong:
            report.add("explain %s: expected %s, got %s" % (address, {k: want[k] for k in wrong},
                                                           {k: got.get(k) for k in wrong}))
    say("explain: %d addresses in %.1f s" % (len(addresses), took))


def main():
    if len(sys.argv) < 3:
        sys.exit("usage: oracle.py BINARY SOURCE_ROOT [CAPTURE...]")
    binary, root = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    full, demo = root / "../shared/data/mmdb/asn-24.mmdb", root / "pcaps/demo-asn.mmdb"
    work = binary.parent.parent / "oracle"
    work.mkdir(exist_ok=True)
    report, started = Report(), time.monotonic()
    paths, complete = find_captures(root, work)
    if sys.argv[3:]:
        paths = {name: paths[name] for name in sys.argv[3:]}
    captures, refused = read_captures(paths)
    exceptions = {key: kind for key, kind in read_exceptions(root / "tests/oracle_exceptions.tsv").items()
                  if key[0] in paths}
    dissect_all(captures, work, exceptions, report)
    for name, number in exceptions:
        report.add("%s frame %d: the exception is for a frame that is not there: remove it" % (name, number))
    n_frames = sum(len(frames) for frames, _ in captures.values())
    say("%d captures (%d more refused by link type), %d frames read by tshark in %.1f s" % (
        len(captures), len(refused), n_frames, time.monotonic() - started))
    if not captures:
        say("skipped: no captures")
        return SKIP

    world = World(work / "overridden", demo if demo.exists() else full, captures, True)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda name: check_capture(binary, world, name, paths[name], *captures[name], report), captures))
    for name in sorted(refused):
        result = replay(binary, world.path, paths[name])
        if result.returncode != 2:
            report.add("%s: exit status %d where its link type should be refused" % (name, result.returncode))
    say("%d captures replayed, %.1f s" % (len(captures), time.monotonic() - started))
    plain = World(work / "plain", full if full.exists() else demo, captures, False)
    check_merged(binary, work, captures, plain, report)
    for one in (plain, world):
        check_explain(binary, one, report)
    say("%d disagreements, %.1f s" % (report.count, time.monotonic() - started))
    if report.count:
        return 1
    if not complete:
        say("skipped: all of ../shared and pcaps agreed, but tcpdump's captures cannot be had")
        return SKIP
    return 0


if __name__ == "__main__":
    if maxminddb is None or shutil.which("tshark") is None:
        say("skipped: the readers are missing: apt-get install tshark python3-maxminddb")
        sys.exit(SKIP)
    sys.exit(main())

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The oracle of routes: what the MRT reader says of a file, against Debian's bgpdump.

    oracle_mrt.py MRT_ROUTES RIB_UPSTREAMS SOURCE_ROOT [FILE...]    the test; all files, when none is given
    oracle_mrt.py --upstreams FILE [ASN] [MAJORITY]     per prefix, who the upstream is, by bgpdump and the rule below

Files: those of ../shared/data/mrt (bgpdump's own test files among them: Debian's source package has none) and what
gen_mrt.py makes at random. Every route, withdrawal and session that went down must agree: time, peer, ASN, prefix, path
identifier and path. So must, per prefix, what the routes say together once all is applied in the file's order: the rule of
lib/upstream/tw_rib.h written here a second time, with the most frequent origin's ASN (or ASN) as the target's only one; and
what the RIB itself decides of a target that takes any origin, against the same rule on bgpdump's routes.

Known disagreements are in oracle_mrt_exceptions.tsv, each with its reason. Exit status: 0 agreement, 1 disagreement, 77
skipped.
"""

import collections
import functools
import ipaddress
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import gen_mrt

SKIP = 77
REPORTS_MAX = 10
SEEDS = range(1, 9)
MAJORITY = 50
ANY = "any origin"
NOBODY = (0, 23456)  # RFC 7607, RFC 6793
ESTABLISHED = "6"

Line = collections.namedtuple("Line", "time what peer asn prefix path_id path")


def say(text):
    print("oracle_mrt: " + text, flush=True)


# --- the two readers

@functools.lru_cache(maxsize=1 << 20)
def clean_prefix(text):
    return str(ipaddress.ip_network(text, strict=False))


@functools.lru_cache(maxsize=1 << 16)
def clean_address(text):
    return str(ipaddress.ip_address(text))


@functools.lru_cache(maxsize=1 << 20)
def clean_path(text):
    """A tuple of ASNs, and of a sorted tuple for a set; what is of a confederation is left out."""
    path = []
    for opening, inside, plain in re.findall(r"([{(\[])([^])}]*)[])}]|(\d+)", text):
        if opening == "{":
            path.append(tuple(sorted(int(asn) for asn in re.split(r"[ ,]+", inside.strip()))))
        elif plain:
            path.append(int(plain))
    return tuple(path)


def nanoseconds(text):
    seconds, _, fraction = text.partition(".")
    return int(seconds) * 10 ** 9 + int((fraction + "0" * 9)[:9])


def read_ours(program, path):
    """Returns ([Line], counts)."""
    result = subprocess.run([program, path], capture_output=True, text=True, timeout=300)
    lines, counts = [], {}
    for text in result.stdout.splitlines():
        if text.startswith("# "):
            counts = {name: int(number) for name, number in re.findall(r"(\w+) (\d+)", text)}
            continue
        time, what, peer, asn, prefix, path_id, aspath = text.split("|")
        lines.append(Line(int(time), what, clean_address(peer), int(asn), clean_prefix(prefix) if prefix else "",
                          int(path_id), clean_path(aspath)))
    return lines, counts


def read_bgpdump(path):
    """Returns ([Line], routes that are none of BGP: a path of nothing of a peer that is nobody, as BIRD dumps them)."""
    result = subprocess.run(["bgpdump", "-m", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                            errors="replace", timeout=300)
    lines, nobodies = [], 0
    for text in result.stdout.splitlines():
        form, time, what, peer, asn, *rest = text.split("|")
        if what == "STATE":
            if rest[0] == ESTABLISHED and rest[1] != ESTABLISHED:
                lines.append(Line(nanoseconds(time), "D", clean_address(peer), int(asn), "", 0, ()))
            continue
        path_id = int(rest.pop(1)) if form.endswith("_AP") else 0
        aspath = clean_path(rest[1]) if what != "W" else ()
        if what == "B" and int(asn) == 0 and not aspath:
            nobodies += 1
            continue
        lines.append(Line(nanoseconds(time), "W" if what == "W" else "A", clean_address(peer), int(asn),
                          clean_prefix(rest[0]), path_id, aspath))
    return lines, nobodies


# --- the rule of tw_rib.h

def verdict_of_path(path, own, target):
    """(kind, ASN) of one path."""
    rest = list(path)
    if not rest:
        return ("direct", 0) if target in (own, ANY) else ("foreign", own)
    if isinstance(rest[-1], tuple) or rest[-1] in NOBODY:
        return ("ambiguous", 0)
    if target == ANY:
        target = rest[-1]
    if rest[-1] != target:
        return ("foreign", rest[-1])
    while rest and rest[-1] == target:
        rest.pop()
    if not rest:
        return ("direct", 0)
    return ("ambiguous", 0) if isinstance(rest[-1], tuple) or rest[-1] in NOBODY else ("upstream", rest[-1])


def decide(votes, majority):
    """(kind, ASN, votes for it, votes in all)."""
    tally = collections.Counter(votes).most_common()
    (winner, n), total = tally[0], len(votes)
    tied = len(tally) > 1 and tally[1][1] == n
    if tied or 100 * n < majority * total:
        return ("ambiguous", 0, n, total)
    return (winner[0], winner[1], n, total)


def apply_all(lines):
    """The routes that are left at the end: {prefix: {(peer, ASN): {path identifier: path}}}."""
    table = collections.defaultdict(lambda: collections.defaultdict(dict))
    of_peer = collections.defaultdict(set)
    for line in lines:
        peer = (line.peer, line.asn)
        if line.what == "D":
            for prefix in of_peer.pop(peer, ()):
                table[prefix].pop(peer, None)
        elif line.what == "W":
            table[line.prefix][peer].pop(line.path_id, None)
        else:
            table[line.prefix][peer][line.path_id] = line.path
            of_peer[peer].add(line.prefix)
    return table


def origin_of(peers):
    """The most frequent origin, the lowest of several."""
    origins = collections.Counter()
    for (_, own), paths in peers.items():
        for path in paths.values():
            if not path or not isinstance(path[-1], tuple):
                origins[path[-1] if path else own] += 1
    return min(origins, key=lambda asn: (-origins[asn], asn), default=0)


def upstreams(lines, target=None, majority=MAJORITY):
    """{prefix: (target, kind, ASN, votes for it, votes)}."""
    result = {}
    for prefix, peers in apply_all(lines).items():
        peers = {peer: paths for peer, paths in peers.items() if paths}
        if not peers:
            continue
        asn = target if target is not None else origin_of(peers)
        votes = []
        for (_, own), paths in peers.items():
            said = {verdict_of_path(path, own, asn) for path in paths.values()}
            votes.append(said.pop() if len(said) == 1 else ("ambiguous", 0))
        result[prefix] = (asn,) + decide(votes, majority)
    return result


# --- the comparison

class Report:
    """Disagreements, the first of them of each file told."""

    def __init__(self):
        self.count, self.by_file = 0, collections.Counter()

    def add(self, name, text):
        self.count += 1
        self.by_file[name] += 1
        if self.by_file[name] <= REPORTS_MAX:
            say("%s: %s" % (name, text))


def read_exceptions(path):
    """{file: [(peer, prefix)]}."""
    exceptions = collections.defaultdict(list)
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            name, peer, prefix, _ = line.split("\t")
            exceptions[name].append((peer, prefix))
    return exceptions


def is_of(line, exception):
    """Sessions that went down are compared without exception."""
    peer, prefix = exception
    return line.what != "D" and peer in (line.peer, "*") and prefix in (line.prefix, "*")


def drop(name, exceptions, ours, theirs, report):
    """Both without the lines of exceptions."""
    for exception in exceptions:
        of_it = [collections.Counter(line for line in lines if is_of(line, exception)) for lines in (ours, theirs)]
        if of_it[0] == of_it[1]:
            report.add(name, "the exception of %s, %s changes nothing: remove it" % exception)
        ours, theirs = ([line for line in lines if not is_of(line, exception)] for lines in (ours, theirs))
    return ours, theirs


def compare_rib(name, program, path, theirs, report):
    """The RIB's verdicts beside the rule's on bgpdump's routes."""
    result = subprocess.run([program, path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=300)
    mine = {}
    for line in result.stdout.splitlines():
        prefix, kind, *numbers = line.split("|")
        mine[clean_prefix(prefix)] = (kind,) + tuple(int(number) for number in numbers)
    his = {prefix: what[1:] for prefix, what in upstreams(theirs, ANY).items()}
    for prefix in sorted(mine.keys() | his.keys()):
        if mine.get(prefix) != his.get(prefix):
            report.add(name, "%s: the RIB says %s, by bgpdump's routes %s" % (prefix, mine.get(prefix), his.get(prefix)))


def compare(name, programs, path, exceptions, report):
    program, rib = programs
    ours, counts = read_ours(program, path)
    theirs, nobodies = read_bgpdump(path)
    ours, theirs = drop(name, exceptions, ours, theirs, report)
    left, right = collections.Counter(ours), collections.Counter(theirs)
    for sign, lines in (("only ours", left - right), ("only bgpdump's", right - left)):
        for line, n in sorted(lines.items(), key=str):
            report.add(name, "%s (%d times): %s" % (sign, n, line))
    if counts.get("pathless", 0) != nobodies:
        report.add(name, "%d entries without a path, bgpdump has %d of nobody" % (counts.get("pathless", 0), nobodies))
    his = upstreams(theirs)
    mine = his if ours == theirs else upstreams(ours)
    for prefix in sorted(mine.keys() | his.keys()):
        if mine.get(prefix) != his.get(prefix):
            report.add(name, "%s: %s, by bgpdump's routes %s" % (prefix, mine.get(prefix), his.get(prefix)))
    if not exceptions:
        compare_rib(name, rib, path, theirs, report)
    return len(theirs), len(his)


def find_files(root, work):
    """({name: path}, whether those of others are there)."""
    found, shared = {}, root / "../shared/data/mrt"
    for path in sorted(shared.rglob("*")) if shared.is_dir() else []:
        if path.is_file() and path.suffix not in (".tsv", ".txt") and path.name not in ("COPYING", "LICENSE") and \
                "test_expect" not in path.parts:
            found[str(path.relative_to(shared))] = path
    for seed in SEEDS:
        path = work / ("random-%d.mrt" % seed)
        with open(path, "wb") as out:
            gen_mrt.make(gen_mrt.random_text(seed), out.write)
        found[path.name] = path
    return found, shared.is_dir()


def test(programs, root, wanted):
    report, routes, prefixes = Report(), 0, 0
    exceptions = read_exceptions(Path(__file__).parent / "oracle_mrt_exceptions.tsv")
    with tempfile.TemporaryDirectory() as work:
        files, complete = find_files(root, Path(work))
        for name in wanted or files:
            n, m = compare(name, programs, files[name], exceptions.pop(name, []), report)
            routes, prefixes = routes + n, prefixes + m
    for name in exceptions if complete and not wanted else ():
        report.add(name, "has exceptions, but is not there")
    say("%d files, %d routes, %d prefixes: %d disagreements" % (len(wanted or files), routes, prefixes, report.count))
    if report.count or not routes:
        return 1
    if not complete:
        say("skipped: the files of others (../shared/data/mrt) are not there")
        return SKIP
    return 0


def main(arguments):
    if shutil.which("bgpdump") is None:
        say("skipped: no bgpdump: scripts/setup test installs it")
        return SKIP
    if arguments[:1] == ["--upstreams"] and 2 <= len(arguments) <= 4:
        target, majority = ([int(a) for a in arguments[2:]] + [None, MAJORITY][len(arguments) - 2:])[:2]
        for prefix, what in upstreams(read_bgpdump(arguments[1])[0], target, majority).items():
            print("|".join([prefix] + [str(field) for field in what]))
        return 0
    if len(arguments) < 3:
        sys.exit(__doc__)
    return test(arguments[:2], Path(arguments[2]), arguments[3:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

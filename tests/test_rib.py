#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The case of 1 October 2017 by its routes alone: at each second they say what the links say.

    test_rib.py BINARY SOURCE_ROOT [TEST...]

The MRT files beside the capture are of scripts/make-case; that they are right is test_case.py's to show, with bgpdump.
Exit status: 0 passed, 1 failed.
"""

import collections
import json
import re
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader

from checks import must, run_tests

sys.dont_write_bytecode = True
CHINA_UNICOM = 4837
FIRST = 1506848871  # 2017-10-01 09:07:51 UTC, the first change
START, TABLE = FIRST - 30, 1506848820  # the capture's first second; the table of routes, 09:07:00
LATE = 1299  # the vantage point that hears of everything a second late


class Bench:
    def __init__(self, binary, root, folder):
        self.binary, self.root, self.folder = binary, root, folder
        self.capture = root / "pcaps/kp-2017-10-01.pcap"
        self.table, self.updates = (self.capture.with_suffix(s) for s in (".rib.mrt", ".updates.mrt"))
        self.demo = (root / "pcaps/demo.yaml").read_text()
        for name in ("demo-asn.mmdb", "demo-country.mmdb"):
            (folder / name).symlink_to(root / "pcaps" / name)

    def config(self, methods, rib=""):
        """The demo's, with other methods."""
        text, found = re.subn(r"^attribution: .*$", "attribution: [%s]" % methods, self.demo, flags=re.M)
        must(found == 1, "the demo's configuration has no line of methods")
        path = self.folder / "rib.yaml"
        path.write_text(text + rib)
        return path

    def replay(self, config, *options):
        result = subprocess.run([str(self.binary), "replay", "-c", str(config), "-o", "-", *map(str, options), str(self.capture)],
                                capture_output=True, timeout=60, check=False)
        must(result.returncode == 0, "replay %s: exit status %d: %s" % (options, result.returncode, result.stderr.decode()[-500:]))
        return result.stdout

    def seconds(self, config, *options):
        """The lines of the seconds."""
        lines = [json.loads(line) for line in self.replay(config, *options).splitlines()]
        return [line for line in lines if line["type"] == "second"]

    def timed(self):
        return "--rib", self.table, "--updates", self.updates


def counts(second, method):
    """Counter of (upstream, direction, what) of a second, all of whose series have this method."""
    count = collections.Counter()
    for series in second["series"]:
        must(series["method"] == method, "%+d: a series of another method: %s" % (second["time"] - FIRST, series))
        for what in ("packets", "bytes"):
            count[series["upstream"], series["direction"], what] += series[what]
    return +count


def test_routes_say_what_links_say(b):
    links, routes = b.seconds(b.config("vlan")), b.seconds(b.config("rib"), *b.timed())
    must([s["time"] for s in links] == [s["time"] for s in routes] and len(links) == 1502, "seconds: %d, %d" % (len(links), len(routes)))
    compared = 0
    for link, route in zip(links, routes):
        expected, got = counts(link, "vlan"), counts(route, "rib")
        must(expected == got, "%+d: links %s, routes %s" % (link["time"] - FIRST, expected, got))
        compared += bool(got)
    must(compared > 1400, "only %d seconds have anything to compare" % compared)
    for second in routes:
        must(second["exact"] and second["received"]["packets"] == sum(second["classes"].values()), "%s" % second)
        for series in second["series"]:
            # Something happens somewhere in the world every 3 s; but the session that drops takes 20 s of it with it.
            must(0 <= series.get("rib_age", -1) <= 21, "%+d: rib_age: %s" % (second["time"] - FIRST, series))


def test_table_alone_grows_old(b):
    """Without updates all stays as it was before; the table may also be named in the configuration."""
    by_option = b.seconds(b.config("rib"), "--rib", b.table)
    by_key = b.seconds(b.config("rib", "rib: {files: [%s]}\n" % b.table))
    must(by_option == by_key, "--rib and rib.files differ")
    for link, second in zip(b.seconds(b.config("vlan")), by_option):
        expected = collections.Counter()
        for (_, direction, what), value in counts(link, "vlan").items():
            expected[CHINA_UNICOM, direction, what] += value
        must(counts(second, "rib") == expected, "%+d: not as the table has it: %s" % (second["time"] - FIRST, second["series"]))
        for series in second["series"]:
            must(series.get("rib_age") == second["time"] - TABLE, "%+d: rib_age: %s" % (second["time"] - FIRST, series))


def test_links_go_first(b):
    """With both methods, links decide, and the output says the same as by links alone."""
    alone = [counts(s, "vlan") for s in b.seconds(b.config("vlan"))]
    both = [counts(s, "vlan") for s in b.seconds(b.config("vlan, rib"), *b.timed())]
    must(alone == both, "routes meddle with links")


def changes(root):
    """[(second, routes)] of scripts/make-case."""
    loader = SourceFileLoader("make_case", str(root / "scripts/make-case"))
    script = module_from_spec(spec_from_loader("make_case", loader))
    loader.exec_module(script)
    return script.changes()


def test_one_vantage_point(b):
    """The one that is late is wrong in the seconds of changes, and in no others."""
    steps = changes(b.root)
    expected = [second for (_, before), (second, after) in zip(steps, steps[1:])
                if any(after[n] is not None and after[n] != before[n] for n in after)]
    found = []
    late = b.seconds(b.config("rib", "rib: {vantage: [%d]}\n" % LATE), *b.timed())
    for link, route in zip(b.seconds(b.config("vlan")), late):
        # A prefix that it has not heard of has no route, hence another method.
        series = collections.Counter()
        for s in route["series"]:
            series[s["upstream"], s["direction"], "packets"] += s["packets"]
            series[s["upstream"], s["direction"], "bytes"] += s["bytes"]
        if +series != counts(link, "vlan"):
            found.append(route["time"])
    must(found == expected, "one vantage point: wrong at %s, expected at %s" % ([s - FIRST for s in found], [s - FIRST for s in expected]))


def test_workers_make_no_difference(b):
    config = b.config("rib")
    outputs = {b.replay(config, *b.timed(), "-w", str(workers)) for workers in (1, 2, 4)}
    must(len(outputs) == 1, "1, 2 and 4 workers differ")


def test_updates_in_two_files(b):
    """As collectors write them: the second file goes on where the first ends, at any record."""
    data, at, half = b.updates.read_bytes(), 0, None
    while at < len(data):
        if half is None and at > len(data) // 2:
            half = at
        at += 12 + int.from_bytes(data[at + 8:at + 12], "big")
    first, second = b.folder / "first.mrt", b.folder / "second.mrt"
    first.write_bytes(data[:half])
    second.write_bytes(data[half:])
    config = b.config("rib")
    whole = b.seconds(config, *b.timed())
    must(b.seconds(config, "--rib", b.table, "--updates", first, "--updates", second) == whole, "two files of updates differ from one")


if __name__ == "__main__":
    sys.exit(run_tests(globals(), Bench))

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The program as its user types it: exit statuses, messages, and what each command prints.

    test_cli.py BINARY SOURCE_ROOT

Exit status: 0 passed, 1 failed.
"""

import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from checks import must, run_tests

NOBODY = 65534


class Program:
    def __init__(self, binary, root, folder):
        self.binary, self.root, self.folder = binary, root, folder
        self.config, self.capture = root / "pcaps/demo.yaml", root / "pcaps/kp-2017-10-01.pcap"

    def run(self, *arguments, **more):
        more = {"capture_output": True, "timeout": 60, "stdin": subprocess.DEVNULL if "input" not in more else None,
                **more}
        if more["stdin"] is None:
            del more["stdin"]
        return subprocess.run([str(self.binary), *map(str, arguments)], **more)

    def write(self, name, text):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def refuses(self, status, pattern, *arguments, **more):
        """One line on standard error that says `pattern`, nothing else, and the exit status."""
        result = self.run(*arguments, **more)
        error = result.stderr.decode(errors="replace").strip()
        where = " ".join(map(str, arguments))
        must(result.returncode == status, "%s: exit status %d, not %d: %s" % (where, result.returncode, status, error))
        must(len(error.splitlines()) == 1 and error.startswith("transitwatch: ") and re.search(pattern, error),
             "%s: expected one line like %r, got %r" % (where, pattern, error))


def test_help(p):
    for arguments in (("--help",), ("replay", "--help"), ("run", "--help"), ("explain", "-h"), ("check", "--help")):
        result = p.run(*arguments)
        text = result.stdout.decode()
        must(result.returncode == 0 and not result.stderr, "%s: exit status %d" % (arguments, result.returncode))
        must(text.startswith("usage: transitwatch "), "%s: %r" % (arguments, text[:40]))
        must(max(map(len, text.splitlines())) <= 100, "%s: lines are too long" % (arguments,))
        for command in ("replay", "explain", "check") if len(arguments) == 1 else ():
            must(re.search(r"^  %s +\w" % command, text, re.M), "--help says nothing of %s" % command)
    result = p.run()
    must(result.returncode == 1 and b"usage:" in result.stderr + result.stdout, "no argument: no usage")
    text = p.run("--version").stdout.decode()
    for pattern in (r"^transitwatch \d+\.\d+\.\d+$", r"^DPDK \d+\.\d+", r"^libmaxminddb \d+\.\d+"):
        must(re.search(pattern, text, re.M), "--version says nothing like %s" % pattern)


def test_usage(p):
    for pattern, *arguments in (
            (r"command: foo: .*--help", "foo"),
            (r"no configuration: .*-c FILE", "replay", p.capture),
            (r"nothing to read", "replay", "-c", p.config),
            (r"-c: this option needs a value", "check", "-c"),
            (r"--bogus: no such option", "replay", "--bogus"),
            (r"--output: no such option", "check", "-c", p.config, "--output", "x"),
            (r"workers: 0: .*1 to 64", "replay", "-w", "0", "-c", p.config, p.capture),
            (r"workers: 4x: ", "replay", "-w", "4x", "-c", p.config, p.capture),
            (r"extra: no argument", "check", "-c", p.config, "extra"),
            (r"no address", "explain", "-c", p.config),
            (r"1\.2\.3\.400: no address", "explain", "-c", p.config, "1.2.3.400"),
            (r"/absent\.yaml: cannot be read: No such file", "check", "-c", p.folder / "absent.yaml"),
            (r"/absent/x: cannot write", "replay", "-c", p.config, "-o", p.folder / "absent/x", p.capture),
            (r"one of them may be -", "replay", "-c", p.config, "-o", "-", "--csv", "-", p.capture)):
        p.refuses(1, pattern, *arguments)
    result = p.run("replay", "-c", p.config, "-o", "/dev/full", p.capture)
    must(result.returncode == 1 and b"/dev/full" in result.stderr, "a full disk: exit status %d, %r" % (
        result.returncode, result.stderr))


def test_config(p):
    """All problems of a file in one go, each with its line, key, value and remedy."""
    good = "targets:\n  - name: KP\n    prefixes: [175.45.176.0/22]\n%s"
    asns = good.replace("prefixes: [175.45.176.0/22]", "asns: [131279]")
    for text, *patterns in (
            (good % "colour: red\n", r":4: colour: .*unknown"),
            (good % "upstreams:\n  - asn: 1\n    name: a\n    links: [{vlan: 5}]\n  - asn: 2\n    name: b\n"
             "    links: [{vlan: 5}]\n", r":10: .*vlan.*5"),
            (good % "upstreams:\n  - asn: 1\n    name: a\n    links: [{mac: 02-00}]\n", r":7: .*mac: .*02-00.*"),
            (good % "  - name: X\n    prefixes: [10.0.0.1/8]\n", r":5: .*prefixes.*10\.0\.0\.1/8: .*10\.0\.0\.0/8"),
            (good % "  - name: X\n    prefixes: [10.0.0.0/33]\nworkers: 65\nflows: {idle_timeout: 0}\n",
             r":5: .*10\.0\.0\.0/33", r":6: workers: 65", r":7: flows\.idle_timeout: 0"),
            (asns % "", r":3: targets\[0\]\.asns: .*databases\.asn"),
            ("targets: []\n", r":1: targets: "),
            ("targets: [\n", r"yaml:\d+:\d+: "),
            ("", r"empty: .*target"),
            (good % "databases:\n  asn: absent.mmdb\n", r"absent\.mmdb: .*No such file"),
            (good % "databases:\n  asn: lie.mmdb\n", r"lie\.mmdb: ")):
        p.write("lie.mmdb", "not a database")
        path = p.write("config.yaml", text)
        result = p.run("check", "-c", path)
        lines = result.stderr.decode().splitlines()
        must(result.returncode == 1, "%r: exit status %d" % (text, result.returncode))
        must(len(lines) == len(patterns), "%r: %d lines: %s" % (text, len(lines), lines))
        for pattern, line in zip(patterns, lines):
            must(line.startswith("transitwatch: ") and re.search(pattern, line), "%r: expected %r, got %r" % (
                text, pattern, line))
        must(p.run("replay", "-c", path, p.capture).returncode == 1, "%r: replay takes it" % text)
    p.refuses(1, r"lie\.mmdb", "explain", "-c", path, "192.0.2.1")


def test_check(p):
    result = p.run("check", "-c", p.config)
    text = result.stdout.decode()
    must(result.returncode == 0 and not result.stderr, "check: exit status %d: %s" % (result.returncode, result.stderr))
    for key in ("idle_timeout: 30", "max_per_worker: 262144", "workers: 1", "decapsulate:", "attribution: [vlan, rib]"):
        must(key in text, "check does not tell %s" % key)
    must(re.search(r"^# series: 12 at most", text, re.M), "check does not tell the number of series")
    again = p.run("check", "-c", p.write("again.yaml", text))
    must(again.returncode == 0 and re.sub("(?m)^#.*", "", again.stdout.decode()) == re.sub("(?m)^#.*", "", text),
         "what check prints is no configuration, or another: %s" % again.stderr.decode())


def test_explain(p):
    result = p.run("explain", "-c", p.config, "--json", "175.45.176.1", "8.8.8.8", "2001:4860:4860::8888", "192.0.2.1")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    must([line["asn"] for line in lines] == [131279, 15169, 15169, None], "explain: ASNs are %s" % [
        line["asn"] for line in lines])
    must([line["target"] for line in lines] == ["KP", None, None, None], "explain: wrong targets")
    must(lines[0]["country"] == "KP" and lines[0]["prefix"].startswith("175.45.176.0/"), "explain: %s" % lines[0])
    must(lines[0]["target_source"] and lines[0]["asn_source"], "explain: no source: %s" % lines[0])
    overridden = p.write("overridden.yaml", p.config.read_text().replace("demo-", str(p.root) + "/pcaps/demo-").replace(
        "upstreams:", "  overrides: o.csv\nupstreams:"))
    p.write("o.csv", "# ours\n192.0.2.0/24,64500,Example\n")
    text = p.run("explain", "-c", overridden, "192.0.2.1").stdout.decode()
    must("64500" in text and "o.csv" in text and "2" in text, "explain does not name the override: %s" % text)
    result = p.run("explain", "-c", p.config, "--stdin", "--json", input=b"8.8.8.8\nrubbish\n175.45.179.255\n")
    must(result.returncode == 1 and b"rubbish" in result.stderr, "explain --stdin: %s" % result.stderr)
    must([json.loads(line)["ip"] for line in result.stdout.splitlines()] == ["8.8.8.8", "175.45.179.255"],
         "explain --stdin: bad input loses what was good: %s" % result.stdout)


def test_replay(p):
    whole = p.capture.read_bytes()
    jsonl = p.run("replay", "-c", p.config, "-o", "-", p.capture).stdout
    must(len(jsonl.splitlines()) == 1519, "replay: %d lines" % len(jsonl.splitlines()))
    must(p.run("replay", "-c", p.config, "-o", "-", "-", input=whole).stdout == jsonl, "replay of standard input differs")
    path = p.folder / "out.jsonl"
    result = p.run("replay", "-c", p.config, "-o", path, "--csv", "-", p.capture)
    must(path.read_bytes() == jsonl, "--output FILE differs from --output -")
    must(result.stdout.startswith(b"time,exact,target,"), "--csv -: %r" % result.stdout[:40])

    # Two files are one stream, and the second's position is its port.
    middle = 24
    for _ in range(8000):
        middle += 16 + struct.unpack_from("<I", whole, middle + 8)[0]
    halves = p.write("1.pcap", whole[:middle]), p.write("2.pcap", whole[:24] + whole[middle:])
    must(p.run("replay", "-c", p.config, "-o", "-", *halves).stdout == jsonl, "two halves are not the whole")
    ports = p.write("ports.yaml", p.config.read_text().replace("demo-", str(p.root) + "/pcaps/demo-").replace(
        "vlan: 100", "port: 0").replace("vlan: 200", "port: 1").replace("[vlan, rib]", "[port]"))
    for options, upstreams in ((["--port-per-file"], {4837, 20485}), ([], {4837})):
        summary = json.loads(p.run("replay", "-c", ports, "-o", "-", *options, *halves).stdout.splitlines()[-1])
        must({s["upstream"] for s in summary["series"] if s["packets"]} == upstreams, "%s: upstreams are %s" % (
            options, summary["series"]))

    # Cut short: what came before is reported, and where.
    cut = p.write("cut.pcap", whole[:middle + 20])
    result = p.run("replay", "-c", p.config, "-o", "-", cut, halves[1])
    summary = json.loads(result.stdout.splitlines()[-1])
    must(result.returncode == 2 and re.search(rb"cut\.pcap.*800[01]", result.stderr), "cut: exit status %d: %s" % (
        result.returncode, result.stderr))
    must(summary["received"]["packets"] >= 8000, "cut: %d packets" % summary["received"]["packets"])
    p.refuses(2, r"text\.pcap: ", "replay", "-c", p.config, "-o", "-", p.write("text.pcap", "no capture\n" * 9))
    other = p.write("wifi.pcap", whole[:20] + struct.pack("<I", 105) + whole[24:])
    p.refuses(2, r"wifi\.pcap: .*link type", "replay", "-c", p.config, "-o", "-", other)


def test_routes_files(p):
    """A file of routes is a file, or what a shell pipes; all else is one line, at once."""
    table, updates = (p.capture.with_suffix(suffix) for suffix in (".rib.mrt", ".updates.mrt"))
    fifo = p.folder / "fifo"
    os.mkfifo(fifo)
    remedy = ": give the path of an MRT file"
    for path, pattern in ((fifo, "fifo: a pipe with a name" + remedy), (p.folder, ": a directory" + remedy),
                          ("/dev/zero", "/dev/zero: a device or a socket" + remedy),
                          (p.folder / "absent", "absent: cannot be read: No such file or directory" + remedy),
                          (p.write("empty", ""), "empty: empty: fetch or dump it again")):
        p.refuses(1, pattern, "explain", "-c", p.config, "--rib", path, "175.45.176.1", timeout=10)
        p.refuses(1, pattern, "replay", "-c", p.config, "--rib", path, p.capture, timeout=10)
        # The table was read, and says so.
        result = p.run("replay", "-c", p.config, "--rib", table, "--updates", path, p.capture, timeout=10)
        lines = result.stderr.decode().splitlines()
        must(result.returncode == 1 and len(lines) == 2 and re.search(pattern, lines[1]), "--updates %s: %s" % (path, lines))
        demo = re.sub(r"(asn|country|overrides): (demo[^\s,}]*)", r"\1: %s/pcaps/\2" % p.root, p.config.read_text())
        p.refuses(1, pattern, "check", "-c", p.write("routes.yaml", demo + "rib: {files: [%s]}\n" % path), timeout=10)
    by_path = p.run("explain", "--json", "-c", p.config, "--rib", table, "175.45.176.1")
    by_pipe = p.run("explain", "--json", "-c", p.config, "--rib", "/dev/stdin", "175.45.176.1", input=table.read_bytes())
    must(by_path.returncode == by_pipe.returncode == 0 and by_path.stdout == by_pipe.stdout and b"4837" in by_pipe.stdout,
         "/dev/stdin: %s %s" % (by_path, by_pipe))
    script = 'exec "$1" replay -c "$2" --rib <(gzip -c "$3") --updates <(cat "$4") -o - "$5"'
    outputs = [subprocess.run(["bash", "-c", script, "bash", *map(str, (p.binary, p.config, table, updates, p.capture))],
                              capture_output=True, timeout=60, check=False),
               p.run("replay", "-c", p.config, "--rib", table, "--updates", updates, "-o", "-", p.capture)]
    must(outputs[0].returncode == 0 and outputs[0].stdout == outputs[1].stdout, "<(COMMAND): %s" % outputs[0].stderr.decode())


def test_interrupt(p):
    """A summary of what was read, and exit status 2, when the user has enough."""
    reader, writer = os.pipe()
    with subprocess.Popen([str(p.binary), "replay", "-c", str(p.config), "-o", "-", "-"], stdin=reader,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        os.close(reader)
        os.write(writer, p.capture.read_bytes()[:60000])
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        try:
            output, error = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            return must(False, "an interrupt does not end a replay that waits for its input")
        finally:
            os.close(writer)
    must(process.returncode == 2, "interrupted: exit status %d: %s" % (process.returncode, error.decode()))
    must(output and json.loads(output.splitlines()[-1])["type"] == "summary", "interrupted: no summary: %s" % error)
    return None


def test_manual(p):
    """The man page knows every command and every option that the program knows."""
    page = (p.root / "app/transitwatch.8").read_text().replace("\\-", "-")
    for command in ("replay", "run", "explain", "check"):
        must("B " + command in page, "the man page does not know " + command)
        for option in re.findall(r"--[a-z-]+", p.run(command, "--help").stdout.decode()):
            must(option in page, "the man page does not know %s of %s" % (option, command))
    for key in re.findall(r"^([a-z]+):", p.run("check", "-c", p.config).stdout.decode(), re.M):
        must(key in page, "the man page does not know the key " + key)


def test_on_event(p):
    """A command gets each event, one after the other; one that hangs is killed, one that is missing is told."""
    told = p.folder / "told.jsonl"
    demo = re.sub(r"(asn|country|overrides): (demo[^\s,}]*)", r"\1: %s/pcaps/\2" % p.root, p.config.read_text())

    def replay(command):
        config = p.write("on-event.yaml", demo + "on_event: %s\n" % json.dumps(command))
        return p.run("replay", "-c", config, "-o", "-", p.capture)

    result = replay(["/bin/sh", "-c", "cat >> %s; ls /proc/self/fd | wc -l >> %s.fds" % (told, told)])
    events = [line for line in result.stdout.decode().splitlines() if '"type":"event"' in line]
    must(len(events) > 10 and told.read_text().splitlines() == events, "on_event heard %s" % told.read_text())
    must({int(n) for n in (p.folder / "told.jsonl.fds").read_text().split()} <= {4, 5}, "it inherits files")
    must(not result.stderr, "on_event: %s" % result.stderr.decode())
    result = replay(["/nowhere/tell"])
    must(result.returncode == 0 and b"on_event: /nowhere/tell: No such file" in result.stderr, str(result.stderr[:200]))
    begun = time.monotonic()
    result = replay(["/bin/sh", "-c", "sleep 60 & sleep 60"])
    must(time.monotonic() - begun < 25 and result.returncode == 0 and b"events were not told" in result.stderr,
         "a command that hangs: %s" % result.stderr.decode())


def test_user(p):
    """No privilege is needed."""
    if os.geteuid() != 0:
        return
    # The source tree may lie where only its owner can look.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        for source in (p.binary, *(p.root / "pcaps").iterdir()):
            shutil.copy(source, folder)
        result = subprocess.run([str(folder / p.binary.name), "replay", "-c", folder / p.config.name, "-o", "-",
                                 folder / p.capture.name], capture_output=True, timeout=60, user=NOBODY, group=NOBODY,
                                extra_groups=[], cwd="/", env={"PATH": "/usr/bin"})
    must(result.returncode == 0 and not result.stderr and len(result.stdout.splitlines()) == 1519,
         "as nobody: exit status %d: %s" % (result.returncode, result.stderr.decode()))


if __name__ == "__main__":
    sys.exit(run_tests(globals(), Program))

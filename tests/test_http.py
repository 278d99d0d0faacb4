#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What is served over HTTP: the same numbers as the JSON lines, whatever clients do.

    test_http.py BINARY SOURCE_ROOT [TEST...]

Exit status: 0 passed, 1 failed.
"""

import base64
import gzip
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import ssl
import statistics
import struct
import subprocess
import sys
import threading
import time
import urllib.parse
from pathlib import Path

from checks import must, run_tests

SAMPLE = re.compile(r'([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*\})? (-?[0-9.e+]+)$')
SERIES = ("target", "upstream", "method", "direction", "ip_version")


class Server:
    """A program that serves, and what it wrote as JSON lines."""

    def __init__(self, bench, command, address="127.0.0.1:0"):
        self.lines = bench.folder / "http.jsonl"
        self.lines.unlink(missing_ok=True)
        self.log = bench.folder / "http.log"
        with open(self.log, "wb") as log:
            self.child = subprocess.Popen([str(bench.binary), *map(str, command), "--listen", address, "-o", str(self.lines)],
                                          stdout=subprocess.DEVNULL, stderr=log)
        for _ in range(400):
            found = re.search(r"serving (http.*)\n", self.log.read_text())
            if found or self.child.poll() is not None:
                break
            time.sleep(0.05)
        if not found:
            self.child.kill()
            raise ValueError("it does not serve: " + self.log.read_text())
        self.url = urllib.parse.urlsplit(found[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGINT)
        try:
            must(self.child.wait(20) == 0, "exit status %s: %s" % (self.child.returncode, self.log.read_text()))
        finally:
            self.child.kill()
            self.child.wait()

    def wait_until(self, pattern):
        for _ in range(400):
            if re.search(pattern, self.log.read_text()):
                return
            time.sleep(0.05)
        raise ValueError("%r is never said: %s" % (pattern, self.log.read_text()))

    def connect(self, timeout=20):
        if self.url.scheme == "https":
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            return http.client.HTTPSConnection(self.url.hostname, self.url.port, timeout=timeout, context=context)
        return http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=timeout)

    def ask(self, path, method="GET", body=None, **headers):
        connection = self.connect()
        try:
            connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def json(self, path):
        status, headers, body = self.ask(path)
        must(status == 200 and headers["Content-Type"] == "application/json", "%s: %s %s" % (path, status, headers))
        return json.loads(body)

    def memory(self):
        """Resident octets."""
        with open("/proc/%d/statm" % self.child.pid, encoding="ascii") as statm:
            return int(statm.read().split()[1]) * 4096


class Bench:
    def __init__(self, binary, root, folder):
        self.binary, self.root, self.folder = binary, root, folder

    def replay(self, *more, config=None, address="127.0.0.1:0"):
        command = ["replay", "-c", config or self.root / "pcaps/demo.yaml", *more, self.root / "pcaps/kp-2017-10-01.pcap"]
        return Server(self, command, address)

    def whole(self, **more):
        """A replay that has come to its end."""
        server = self.replay(**more)
        server.wait_until("all is read")
        return server

    def with_http(self, text):
        """The demo's configuration with settings for HTTP."""
        path = self.folder / "http.yaml"
        demo = (self.root / "pcaps/demo.yaml").read_text()
        demo = re.sub(r"(asn|country|overrides): (demo[^\s,}]*)", r"\1: %s/pcaps/\2" % self.root, demo)
        path.write_text(demo + "\n" + text)
        return path


def samples(text):
    """{(name, labels as text): value}, after a check of the format's own rules."""
    found, families, current = {}, set(), None
    for line in text.splitlines():
        if line == "# EOF":
            break
        if line.startswith("# "):
            _, kind, name, *_ = line.split(" ", 3)
            if kind == "HELP":
                must(name not in families, "%s comes twice" % name)
                families.add(name)
                current = name
            continue
        match = SAMPLE.match(line)
        must(match, "no sample: %r" % line)
        name, labels = match[1], match[2] or ""
        must(current and name.startswith(current), "%s stands under %s" % (name, current))
        must((name, labels) not in found, "%s%s comes twice" % (name, labels))
        found[name, labels] = float(match[3])
    return found


def labels_of(series):
    return '{target="%s",upstream="%s",method="%s",direction="%s",ip_version="%s"}' % tuple(series[k] for k in SERIES)


def test_metrics_are_the_lines(b):
    with b.whole() as server:
        status, headers, body = server.ask("/metrics")
        must(status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4"), str(headers))
        found = samples(body.decode())
        summary = json.loads(server.lines.read_text().splitlines()[-1])
        for series in summary["series"]:
            for key in ("packets", "bytes", "flows"):
                got = found["transitwatch_%s_total" % key, labels_of(series)]
                must(got == series[key], "%s of %s: %s" % (key, series, got))
        all_of = [v for (name, _), v in found.items() if name == "transitwatch_packets_total"]
        must(sum(all_of) == sum(s["packets"] for s in summary["series"]), "packets that no line has")
        check = subprocess.run([str(b.binary), "check", "-c", str(b.root / "pcaps/demo.yaml")], capture_output=True, text=True,
                               check=True)
        most = int(re.search(r"series: (\d+) at most", check.stdout)[1])
        must(len(all_of) == most, "%d series, and check says %d at most" % (len(all_of), most))
        must(found["transitwatch_received_packets_total", ""] == summary["received"]["packets"], "received")
        for name, packets in summary["classes"].items():
            must(found["transitwatch_class_packets_total", '{class="%s"}' % name] == packets, name)
        must(found["transitwatch_seconds_total", ""] == summary["seconds"], "seconds")
        for name in ("upstream_overtook", "target_dark", "loss"):
            labels = '{type="%s",target="%s"}' % (name, "" if name == "loss" else "KP")
            events = sum(line.get("event") == name for line in map(json.loads, server.lines.read_text().splitlines()))
            must(found["transitwatch_events_total", labels] == events, "%s: %s" % (name, events))
        must(found["transitwatch_last_second_timestamp_seconds", ""] == summary["last"], "last second")
        must(found["process_resident_memory_bytes", ""] > 1e6 and found["process_open_fds", ""] > 3, "process metrics")
        started = found["process_start_time_seconds", ""]
        must(time.time() - 60 < started <= time.time() + 1, "started at %s, and now is %s" % (started, time.time()))
        if shutil.which("promtool"):
            result = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True, check=False)
            must(result.returncode == 0 and not result.stderr, "promtool: %s" % result.stderr.decode())


def test_openmetrics(b):
    with b.whole() as server:
        _, headers, body = server.ask("/metrics", Accept="application/openmetrics-text; version=1.0.0, text/plain;q=0.5")
        text = body.decode()
        must(headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0"), str(headers))
        must(text.endswith("\n# EOF\n"), "no end: %r" % text[-40:])
        must("# TYPE transitwatch_packets counter\n" in text and "# TYPE transitwatch_build info\n" in text, "families")
        plain = samples(server.ask("/metrics")[2].decode())
        must({k: v for k, v in samples(text).items() if not k[0].startswith("process")} ==
             {k: v for k, v in plain.items() if not k[0].startswith("process")}, "the formats differ")
        _, headers, _ = server.ask("/metrics", Accept="text/plain, application/openmetrics-text;q=0.1")
        must(headers["Content-Type"].startswith("text/plain"), "the weights are not heard: %s" % headers)
        _, headers, packed = server.ask("/metrics", Accept_Encoding="gzip")
        must(headers.get("Content-Encoding") == "gzip" and len(packed) < len(body) / 3, "gzip: %s" % headers)
        must("transitwatch_packets_total{" in gzip.decompress(packed).decode(), "gzip: what is inside")
        _, headers, _ = server.ask("/metrics", Accept_Encoding="gzip;q=0, identity")
        must("Content-Encoding" not in headers, "gzip where it is refused")


def test_api_is_the_lines(b):
    with b.whole() as server:
        lines = [json.loads(line) for line in server.lines.read_text().splitlines()]
        seconds = [line for line in lines if line["type"] == "second"]
        must(server.json("/api/v1/seconds")["seconds"] == seconds, "seconds are not the lines")
        since = seconds[100]["time"]
        must(server.json("/api/v1/seconds?since=%d" % since)["seconds"] == seconds[100:], "since")
        must(server.json("/api/v1/seconds?target=KP&since=%d" % since)["seconds"] == seconds[100:], "target")
        must(server.json("/api/v1/seconds?since=99999999999")["seconds"] == [], "a time to come")
        summary = server.json("/api/v1/summary")
        must({**summary, **lines[-1]} == summary, "summary: %s is not %s" % (summary, lines[-1]))
        must(summary["ended"] and summary["targets"] == ["KP"] and summary["upstreams"][1]["upstream"] == 20485, "names")
        events = [line for line in lines if line["type"] == "event"]
        must(len(events) > 10 and server.json("/api/v1/events")["events"] == events, "events are not the lines")
        explained = subprocess.run([str(b.binary), "explain", "-j", "-c", str(b.root / "pcaps/demo.yaml"), "175.45.176.1"],
                                   capture_output=True, text=True, check=True)
        must(server.json("/api/v1/explain?ip=175.45.176.1") == json.loads(explained.stdout), "explain")
        must(server.json("/healthz") == server.json("/readyz") == {"status": "ok"}, "health")
        with_stream = events_of(server, "/api/v1/stream?since=1")
        must([data for kind, data in with_stream if kind == "second"] == seconds, "the stream is not the lines")
        must([data for kind, data in with_stream if kind == "event"] == events, "the stream's events")
        order = [(data["type"], data["time"]) for kind, data in with_stream if kind != "end"]
        must(order == [(line["type"], line["time"]) for line in lines if "time" in line], "the stream's order")
        must(with_stream[-1] == ("end", lines[-1]), "the stream's end: %s" % (with_stream[-1],))


def events_of(server, path, **headers):
    status, got, body = server.ask(path, **headers)
    must(status == 200 and got["Content-Type"] == "text/event-stream", "%s %s" % (status, got))
    return [(re.search(r"^event: (.*)$", event, re.M)[1], json.loads(re.search(r"^data: (.*)$", event, re.M)[1]))
            for event in body.decode().split("\n\n") if event]


def test_stream_follows(b):
    """At a pace, each second comes when it closes, and who comes back gets what is missing."""
    with b.replay("--speed", "400") as server:
        begun = time.monotonic()
        events = events_of(server, "/api/v1/stream?since=1")
        took = time.monotonic() - begun
        lines = [json.loads(line) for line in server.lines.read_text().splitlines()]
        seconds = [line for line in lines if line["type"] == "second"]
        must(took > 0.5 * len(seconds) / 400, "%d s at 400 times the pace in %.1f s" % (len(seconds), took))
        must([data for kind, data in events if kind == "second"] == seconds, "the stream is not the lines")
        again = events_of(server, "/api/v1/stream", Last_Event_ID=str(seconds[-3]["time"]))
        must([data for kind, data in again if kind == "second"] == seconds[-2:], "what came after the last: %s" % again[:1])


def test_refusals(b):
    with b.whole() as server:
        for path, status in (("/nothing", 404), ("/api/v1/seconds?since=x", 400), ("/api/v1/seconds?since=-1", 400),
                             ("/api/v1/seconds?target=XX", 404), ("/api/v1/explain", 400), ("/api/v1/explain?ip=1.2.3", 400),
                             ("/api/v1/stream?since=1x", 400), ("/../../etc/passwd", 404), ("//metrics", 404),
                             ("/metrics/", 404), ("/%2e%2e/metrics", 404), ("/metrics%00", 404),
                             ("/api/v1/seconds?since=99999999999999999999999", 400)):
            got, headers, body = server.ask(path)
            must(got == status, "%s: %d, and %d is right" % (path, got, status))
            must(headers["Content-Type"] == "application/json" and json.loads(body)["error"]["status"] == status,
                 "%s: %s" % (path, body))
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"):
            got, headers, _ = server.ask("/metrics", method, b"x" * 100000 if method == "POST" else None)
            must(got == 405 and headers["Allow"] == "GET, HEAD", "%s: %d" % (method, got))
        got, headers, body = server.ask("/metrics", "HEAD")
        must(got == 200 and not body and int(headers["Content-Length"]) > 1000, "HEAD: %d %s" % (got, headers))


def raw(server, data, wait=2.0):
    """Sends octets and returns what came back until the other end closed or nothing came for a while."""
    with socket.create_connection((server.url.hostname, server.url.port), timeout=wait) as connection:
        got = b""
        try:
            connection.sendall(data)
            while chunk := connection.recv(65536):
                got += chunk
        except OSError:
            pass
        return got


def test_broken_clients(b):
    with b.whole() as server:
        server.ask("/metrics")
        before = server.memory()
        answer = raw(server, b"GET /metrics HTTP/1.1\r\nX: " + b"a" * (1 << 20) + b"\r\n\r\n")
        must(answer == b"" or re.match(rb"HTTP/1.1 4\d\d ", answer), "1 MB of header: %r" % answer[:80])
        answer = raw(server, b"GET /" + b"a" * (1 << 20) + b" HTTP/1.1\r\n\r\n")
        must(answer == b"" or re.match(rb"HTTP/1.1 4\d\d ", answer), "1 MB of path: %r" % answer[:80])
        for junk in (b"\0" * 1000, b"GET\r\n\r\n", b"\x16\x03\x01\x02\0\x01\0\x01\xfc", b"GET / HTTP/9.9\r\n\r\n"):
            answer = raw(server, junk, 0.5)
            must(b"200 OK" not in answer, "%r: %r" % (junk[:20], answer[:80]))
        for _ in range(200):  # cut while the answer comes
            with socket.create_connection((server.url.hostname, server.url.port)) as connection:
                connection.sendall(b"GET /api/v1/seconds HTTP/1.1\r\nHost: x\r\n\r\n")
        many, refused = [], 0
        try:
            for i in range(1000):  # most of them slow: half a request each
                try:
                    connection = socket.create_connection((server.url.hostname, server.url.port), timeout=1)
                    connection.sendall(b"GET /metrics HTTP/1.1\r\nHo" if i % 2 else b"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\n\r\n")
                    many.append(connection)
                except OSError:
                    refused += 1
            grown = server.memory() - before
            must(grown < 64 << 20, "1,000 connections cost %d MB" % (grown >> 20))
        finally:
            for connection in many:
                connection.close()
        for _ in range(50):
            try:
                if server.ask("/metrics")[0] == 200:
                    return
            except (OSError, http.client.HTTPException):
                time.sleep(0.5)
        must(False, "it answers no more after 1,000 connections")


class Nuisance:
    """Broken clients of all kinds, over and over, on the first processor; what each got is kept."""

    HALF = b"GET /metrics HTTP/1.1\r\nHo"

    def __init__(self, server):
        self.at = (server.url.hostname, server.url.port)
        self.active, self.stop = threading.Event(), threading.Event()
        self.got, self.wrong, self.waiting, self.rounds = {}, [], [], 0
        self.thread = threading.Thread(target=self.run)

    def note(self, kind, answer):
        found = re.match(rb"HTTP/1\.[01] (\d\d\d) ", answer)
        key = kind, found[1].decode() if found else "closed" if answer == b"" else "junk"
        self.got[key] = self.got.get(key, 0) + 1
        if key[1] != "closed" and key[1][0] not in "45":
            self.wrong.append((kind, answer[:80]))

    def send(self, kind, data):
        try:
            with socket.create_connection(self.at, timeout=20) as connection:
                answer = b""
                try:
                    connection.sendall(data)
                    connection.shutdown(socket.SHUT_WR)
                    answer = connection.recv(4096)
                except TimeoutError:
                    self.wrong.append((kind, "no answer and no close in 20 s"))
                except OSError:
                    pass  # closed
                self.note(kind, answer)
        except OSError:
            self.note(kind, b"")

    def keep(self, kind, data):
        """One that says no more: whether it is let go is looked at later."""
        try:
            connection = socket.create_connection(self.at, timeout=10)
            connection.sendall(data)
            self.waiting.append((kind, time.monotonic(), connection))
        except OSError:
            self.note(kind, b"")

    def let_go(self):
        """All that said no more are closed in time; to be called in the end."""
        for kind, begun, connection in self.waiting:
            with connection:
                connection.settimeout(max(0.1, begun + 25 - time.monotonic()))
                try:
                    self.note(kind, connection.recv(4096))
                except TimeoutError:
                    self.wrong.append((kind, "neither answer nor close in 25 s"))
                except OSError:
                    self.note(kind, b"")

    def many(self):
        """A thousand at once, with half a request: those that are too many are closed at once."""
        held, closed = [], 0
        for _ in range(1000):
            try:
                connection = socket.create_connection(self.at, timeout=10)
                connection.sendall(self.HALF)
                held.append(connection)
            except OSError:
                closed += 1
        time.sleep(0.2)
        for connection in held:
            connection.setblocking(False)
            try:
                closed += connection.recv(1) == b""
            except BlockingIOError:
                pass
            except OSError:
                closed += 1
        if not 1000 - 128 <= closed <= 1000:
            self.wrong.append(("1,000 at once", "%d were closed" % closed))
        self.got["1,000 at once", "closed"] = self.got.get(("1,000 at once", "closed"), 0) + closed
        for connection in held:
            connection.close()

    def run(self):
        os.sched_setaffinity(threading.get_native_id(), {min(os.sched_getaffinity(0))})
        host = b" HTTP/1.1\r\nHost: x\r\n"
        while not self.stop.is_set():
            if not self.active.wait(0.05):
                continue
            self.send("1 MB of header", b"GET /metrics" + host + b"X: " + b"a" * (1 << 20) + b"\r\n\r\n")
            self.send("1 MB of path", b"GET /" + b"a" * (1 << 20) + host + b"\r\n")
            self.send("10,000 headers", b"GET /metrics" + host + b"a: b\r\n" * 10000 + b"\r\n")
            for junk in (b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\0\x01\0\x01\xfc", b"\r\n" * 1000):
                self.send("junk", junk)
            self.keep("NULs", b"\0" * 1000)
            self.keep("half a request", self.HALF)
            for method in (b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"CONNECT", b"TRACE", b"BREW"):
                self.send("method", method + b" /metrics" + host + b"\r\n")
            for path in (b"/../../etc/passwd", b"/%2e%2e/%2e%2e/etc/passwd", b"//metrics", b"/metrics%00", b"/metrics/..", b"/.", b"\\metrics",
                         b"/api/v1/seconds?since=-1", b"/api/v1/explain?ip=" + b"1" * 5000):
                self.send("path", b"GET " + path + host + b"\r\n")
            for path in (b"/metrics", b"/api/v1/seconds", b"/api/v1/stream", b"/"):  # cut while the answer comes
                for _ in range(10):
                    with socket.create_connection(self.at, timeout=10) as connection:
                        try:
                            connection.sendall(b"GET " + path + host + b"\r\n")
                        except OSError:
                            pass
                    self.got["cut", ""] = self.got.get(("cut", ""), 0) + 1
            self.many()
            self.rounds += 1


def test_broken_clients_do_not_move_packets(b):
    """A port at full speed, in turns with and without broken clients: everybody is turned away, memory and rate stay."""
    if len(os.sched_getaffinity(0)) < 2:
        print("test_http: a port under load: skipped: one processor")
        return
    big_capture(b.folder / "big.pcap", seconds=100)
    config = b.folder / "load.yaml"
    config.write_text((b.folder / "big.yaml").read_text() + "poll: busy\nports: [{device: 'net_pcap0,rx_pcap=%s,infinite_rx=1', mbufs: 65536}]\n" %
                      (b.folder / "big.pcap"))
    kinds = ["quiet", "quiet again", "broken"]
    spells = {kind: [] for kind in kinds}
    with Server(b, ["run", "-c", config]) as server:
        server.wait_until("workers?, ")
        worker, listener = (next(path.parent for path in Path("/proc/%d/task" % server.child.pid).glob("*/comm") if name in path.read_text())
                            for name in ("worker", "MHD"))
        allowed = [re.search(r"Cpus_allowed_list:\s*(\S+)", (task / "status").read_text())[1] for task in (worker, listener)]
        must(re.fullmatch(r"\d+", allowed[0]) and allowed[0] not in re.split("[,-]", allowed[1]), "processors of worker and server: %s" % allowed)
        nuisance = Nuisance(server)
        nuisance.thread.start()
        server.ask("/metrics")
        before, most = server.memory(), 0

        def wait(until):
            nonlocal most
            while time.time() < until:
                time.sleep(min(0.1, max(0, until - time.time())))
                most = max(most, server.memory() - before)

        second = int(time.time()) + 2
        for _ in range(8):
            for kind in kinds:  # the first of their seconds passes over from the one before
                nuisance.active.set() if kind == "broken" else nuisance.active.clear()
                wait(second + 1)
                spent = int((worker / "schedstat").read_text().split()[0])
                wait(second + 2)
                spells[kind].append((second + 1, (int((worker / "schedstat").read_text().split()[0]) - spent) / 1e9))
                second += 2
        nuisance.active.set()
        for _ in range(600):  # where there is little time to be had, all kinds come nevertheless
            if nuisance.rounds >= 2:
                break
            time.sleep(0.1)
        nuisance.stop.set()
        nuisance.thread.join(60)
        nuisance.let_go()
        must(any(answers(server) for _ in range(50)), "it serves no more")
    packets = {line["time"]: line["received"]["packets"] for line in map(json.loads, server.lines.read_text().splitlines())
               if line["type"] == "second"}
    rates = {kind: [packets[time] for time, _ in spells[kind]] for kind in kinds}
    paid = {kind: [packets[time] / max(spent, 0.001) for time, spent in spells[kind]] for kind in kinds}
    noise = [q / p for p, q in zip(rates["quiet"], rates["quiet again"])]
    ratios = [2 * c / (p + q) for p, q, c in zip(*rates.values())]
    per_time = statistics.median(2 * c / (p + q) for p, q, c in zip(*paid.values()))
    show = lambda values: "%.3f (%s)" % (statistics.median(values), " ".join("%.2f" % v for v in sorted(values)))
    undisturbed = statistics.median(spent for kind in kinds[:2] for _, spent in spells[kind])
    print("test_http: %.2f Mpps, with broken clients %.2f: ratio %s, without any %s; by the worker's own time %.3f" %
          (*(statistics.median(rates[kind]) / 1e6 for kind in ("quiet", "broken")), show(ratios), show(noise), per_time))
    print("test_http: %.1f MB of memory more; %d rounds: %s" % (most / (1 << 20), nuisance.rounds, ", ".join(
        "%s %s %d" % (*key, n) for key, n in sorted(nuisance.got.items()))))
    must(nuisance.rounds >= 2 and not nuisance.wrong, "%d rounds; neither refused nor closed: %s" % (nuisance.rounds, nuisance.wrong[:5]))
    if not sanitized(b.binary):
        must(most < 32 << 20, "they cost %d MB" % (most >> 20))
        # Where others want the processors, what the clients take elsewhere drives those to the worker's.
        if undisturbed > 0.3:
            must(per_time > 0.85, "a second of the worker's own has %.3f of the packets" % per_time)
        if undisturbed > 0.97:
            spread = statistics.median(abs(v - 1) for v in noise)
            must(statistics.median(ratios) > 0.9 - 2 * spread, "they cost packets: %s, where noise is %s" % (show(ratios), show(noise)))
        else:
            print("test_http: others took %.0f %% of the worker's processor: the rate by the clock is not judged" % (100 - 100 * undisturbed))


def answers(server):
    try:
        return server.ask("/metrics")[0] == 200
    except (OSError, http.client.HTTPException):
        time.sleep(0.2)
        return False


def test_slow_client_is_let_go(b):
    with b.whole() as server:
        with socket.create_connection((server.url.hostname, server.url.port), timeout=30) as connection:
            connection.sendall(b"GET /metrics HTTP/1.1\r\n")
            begun = time.monotonic()
            try:
                connection.recv(4096)
            except OSError:
                pass
            must(5 < time.monotonic() - begun < 25, "a silent client is kept for %.0f s" % (time.monotonic() - begun))


def big_capture(path, seconds=1200, flows=150):
    """In each second a packet of each of so many series, of random length: prefixes of targets, tags of upstreams."""
    rng = random.Random(1)
    links = [struct.pack("!6s6sHHHBB", b"\2\0\0\0\0\1", b"\2\0\0\0\0\2", 0x8100, i % 50 + 1, 0x0800, 0x45, 0) for i in range(flows)]
    rests = [struct.pack("!HHBBHIIHHHH", 0, 0, 64, 17, 0, 0x08080808, (10 << 24) + (i // 50 << 16) + 1, 53, 53, 8, 0) for i in range(flows)]
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for second in range(1500000000, 1500000000 + seconds):
            lengths = [rng.randrange(28, 60000) for _ in range(flows)]
            out.write(b"".join(struct.pack("<IIII", second, i, 46, n + 18) + links[i] + struct.pack("!H", n) + rests[i]
                               for i, n in enumerate(lengths)))
    config = path.with_suffix(".yaml")
    config.write_text("targets:\n" + "".join("- {name: T%d, prefixes: [10.%d.0.0/16]}\n" % (i, i) for i in range(3)) +
                      "upstreams:\n" + "".join("- {asn: %d, name: %s, links: [{vlan: %d}]}\n" % (i, "x" * 60, i) for i in range(1, 51)))
    return ["replay", "-c", config, path]


def test_slow_readers_of_the_history_cost_little(b):
    """As many as there may be, each behind 34 MB: nobody's answer is held in memory, and each of them is right."""
    with Server(b, big_capture(b.folder / "big.pcap")) as server:
        server.wait_until("all is read")
        size = server.lines.stat().st_size
        must(size > 30 << 20, "the history is of %d MB only" % (size >> 20))
        server.ask("/api/v1/seconds?since=1500001199")
        before, slow, most = server.memory(), [], 0
        try:
            for i in range(127):
                connection = socket.socket()
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                connection.connect((server.url.hostname, server.url.port))
                connection.settimeout(5)
                connection.sendall(b"GET /api/v1/seconds?since=%d HTTP/1.1\r\nHost: x\r\n%s\r\n" %
                                   (1500000000 + i, b"Accept-Encoding: gzip\r\n" if i % 2 else b""))
                slow.append(connection)
            for _ in range(10):
                must(all(len(connection.recv(2048)) > 0 for connection in slow), "a slow reader is let down")
                most = max(most, server.memory() - before)
            begun = time.monotonic()
            _, _, body = server.ask("/api/v1/seconds")
            took = time.monotonic() - begun
            most = max(most, server.memory() - before)
        finally:
            for connection in slow:
                connection.close()
        print("test_http: %d MB to each of 127 slow readers: %.1f MB of memory more; to a fast one among them in %.2f s" %
              (len(body) >> 20, most / (1 << 20), took))
        must(sanitized(b.binary) or most < 24 << 20, "127 slow readers cost %d MB" % (most >> 20))
        lines = [line for line in server.lines.read_text().splitlines() if line.startswith('{"type":"second"')]
        must(body.decode() == '{"seconds":[' + ",\n".join(lines) + "]}\n", "the long answer is not the lines")
        _, headers, packed = server.ask("/api/v1/seconds?since=1500000600", Accept_Encoding="gzip")
        must(headers["Content-Encoding"] == "gzip" and len(packed) < size / 10, "%d octets of gzip" % len(packed))
        must(gzip.decompress(packed).decode() == '{"seconds":[' + ",\n".join(lines[600:]) + "]}\n", "the packed answer is not the lines")
        one = server.json("/api/v1/seconds?target=T1&since=1500001190")["seconds"]
        expected = [json.loads(line) for line in lines[1190:]]
        must(one == [{**line, "series": [s for s in line["series"] if s["target"] == "T1"]} for line in expected], "of one target")


def test_a_reader_that_is_overtaken_is_cut(b):
    """What the history forgets while it is sent makes no hole: the answer is seen to be broken."""
    big = big_capture(b.folder / "big.pcap")
    config = big[2]
    config.write_text(config.read_text() + "http: {history: 300}\n")
    with Server(b, [*big[:1], "--speed", "100", *big[1:]]) as server:
        for _ in range(100):
            if server.json("/api/v1/summary")["seconds"] > 310:
                break
            time.sleep(0.1)
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect((server.url.hostname, server.url.port))
            connection.settimeout(10)
            connection.sendall(b"GET /api/v1/seconds HTTP/1.1\r\nHost: x\r\n\r\n")
            begun, got = time.monotonic(), connection.recv(2048)
            while time.monotonic() < begun + 6:
                time.sleep(0.5)
            try:
                while chunk := connection.recv(1 << 16):
                    got += chunk
            except OSError:
                pass
        must(b"200 OK" in got and not got.endswith(b"0\r\n\r\n"), "an answer with a hole has an end: %r" % got[-40:])
        must(len(got) < 300 * 25000, "it had all")
        # One that keeps up is told everything, up to the second of its question.
        last = server.json("/api/v1/summary")["last"]
        times = [second["time"] for second in server.json("/api/v1/seconds?since=%d" % (last - 20))["seconds"]]
        must(times == list(range(last - 20, times[-1] + 1)) and times[-1] >= last, "holes: %s" % times)
        server.wait_until("all is read")


def test_two_scrapers_see_whole_seconds(b):
    """In every scrape of a capture read at speed, classes add up to what was received: it is one second's state."""
    with b.replay("--speed", "600") as server:
        torn, scrapes = [], []

        def scrape():
            while "all is read" not in server.log.read_text():
                found = samples(server.ask("/metrics")[2].decode())
                received = found["transitwatch_received_packets_total", ""]
                classes = sum(v for (name, _), v in found.items() if name == "transitwatch_class_packets_total")
                series = sum(v for (name, _), v in found.items() if name == "transitwatch_packets_total")
                scrapes.append((found["transitwatch_seconds_total", ""], received))
                if received != classes or series != found["transitwatch_class_packets_total", '{class="target"}']:
                    torn.append((received, classes, series))

        threads = [threading.Thread(target=scrape) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        must(not torn, "scrapes of two seconds at once: %s" % torn[:2])
        lines = [json.loads(line) for line in server.lines.read_text().splitlines()]
        total, sums = 0, {0: 0}
        for i, line in enumerate(line for line in lines if line["type"] == "second"):
            total += line["received"]["packets"]
            sums[i + 1] = total
        must(len(scrapes) > 20 and all(sums[int(n)] == received for n, received in scrapes),
             "a scrape that is no second's end, of %d" % len(scrapes))


def test_ten_thousand_series(b):
    """A scrape of the largest sets in 20 ms, and still one of each."""
    config = b.folder / "many.yaml"
    config.write_text("targets:\n" + "".join("- {name: T%d, prefixes: [10.%d.0.0/16]}\n" % (i, i) for i in range(16)) +
                      "upstreams:\n" + "".join("- {asn: %d, links: [{vlan: %d}]}\n" % (i, i) for i in range(1, 157)))
    with b.whole(config=config) as server:
        found = samples(server.ask("/metrics")[2].decode())
        must(sum(name == "transitwatch_packets_total" for name, _ in found) == 16 * 157 * 4, "series are missing")
        times = []
        connection = server.connect()
        for _ in range(15):
            begun = time.perf_counter()
            connection.request("GET", "/metrics")
            connection.getresponse().read()
            times.append(time.perf_counter() - begun)
        connection.close()
        print("test_http: %d series: a scrape takes %.1f ms" % (16 * 157 * 4, 1000 * sorted(times)[7]))
        must(sorted(times)[7] < (0.02 if not sanitized(b.binary) else 0.2), "a scrape takes %.0f ms" % (1000 * sorted(times)[7]))


def sanitized(binary):
    return b"__asan_init" in binary.read_bytes()


def test_who_may(b):
    (b.folder / "password").write_text("s3cret p:ss\n")
    (b.folder / "token").write_text("t0ken\n")
    config = b.with_http("http: {user: probe, password_file: password, token_file: token}\n")
    with b.whole(config=config) as server:
        basic = "Basic " + base64.b64encode(b"probe:s3cret p:ss").decode()
        for header, status in ((None, 401), ("Basic " + base64.b64encode(b"probe:s3cret").decode(), 401),
                               ("Basic " + base64.b64encode(b":").decode(), 401), ("Basic !!!", 401), ("Bearer t0keN", 401),
                               ("Bearer ", 401), ("Bearer t0ken ", 401), (basic, 200), ("Bearer t0ken", 200)):
            got, headers, _ = server.ask("/metrics", **({"Authorization": header} if header else {}))
            must(got == status, "%s: %d" % (header, got))
            must(status != 401 or "WWW-Authenticate" in headers, "401 does not say how")
        must(server.ask("/api/v1/stream")[0] == 401, "a stream for everybody")


def test_tls(b):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2", "-keyout",
                    str(b.folder / "key.pem"), "-out", str(b.folder / "cert.pem")], capture_output=True, check=True)
    config = b.with_http('http: {listen: "[::1]:0", certificate: cert.pem, key: key.pem}\n')
    with b.whole(config=config, address="[::1]:0") as server:
        must(server.url.scheme == "https" and server.url.hostname == "::1", str(server.url))
        must(server.ask("/metrics")[0] == 200, "no metrics by TLS")
        must(b"200 OK" not in raw(server, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 0.5), "metrics without TLS")


def make_certificate(folder, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + name, "-days", "2", "-keyout",
                    str(folder / (name + ".key")), "-out", str(folder / (name + ".pem"))], capture_output=True, check=True)
    return ssl.PEM_cert_to_DER_cert((folder / (name + ".pem")).read_text())


def test_secrets_are_read_again(b):
    """SIGHUP takes a new certificate, password and token, all or none; connections go on."""
    ders = {name: make_certificate(b.folder, name) for name in ("first", "second")}

    def put(certificate, key, token, password):
        (b.folder / "cert.pem").write_text((b.folder / (certificate + ".pem")).read_text())
        (b.folder / "key.pem").write_text((b.folder / (key + ".key")).read_text())
        (b.folder / "token").write_text(token)
        (b.folder / "password").write_text(password)

    def served():
        connection = server.connect()
        connection.connect()
        der = connection.sock.getpeercert(binary_form=True)
        connection.close()
        return next((name for name, d in ders.items() if d == der), None)

    def hang_up(pattern):
        before = len(re.findall(pattern, server.log.read_text()))
        server.child.send_signal(signal.SIGHUP)
        for _ in range(200):
            if len(re.findall(pattern, server.log.read_text())) > before:
                return
            time.sleep(0.05)
        raise ValueError("%r is not said again: %s" % (pattern, server.log.read_text()))

    def opens(token="", password=""):
        header = "Bearer " + token if token else "Basic " + base64.b64encode(b"probe:" + password.encode()).decode()
        return server.ask("/metrics", Authorization=header)[0] == 200

    put("first", "first", "t1", "p1")
    config = b.with_http("ports: [{device: 'net_null0,no-rx=1'}]\nhttp: {certificate: cert.pem, key: key.pem, user: probe, password_file: password, token_file: token}\n")
    with Server(b, ["run", "-c", config]) as server:
        server.wait_until("workers?, ")
        must(served() == "first" and opens("t1") and opens(password="p1") and not opens("t2"), "the first files")
        stream = server.connect()
        stream.request("GET", "/api/v1/stream", headers={"Authorization": "Bearer t1"})
        followed = stream.getresponse()
        followed.readline()
        put("second", "second", "t2", "p2")
        must(served() == "first" and opens("t1"), "new files without a signal")
        hang_up("certificate, password and token are read again")
        must(served() == "second", "the old certificate is served")
        must(opens("t2") and opens(password="p2") and not opens("t1") and not opens(password="p1"), "old secrets open, or new ones do not")
        while not followed.readline().startswith(b"data:"):
            pass  # a second that comes after the change, on the connection from before it
        must(followed.readline() == b"\n" and followed.readline().startswith(b"event: "), "the stream has ended")
        for breakage, pattern in ((lambda: put("first", "second", "t3", "p3"), r"http.certificate: \S*cert.pem: cannot be served with \S*key.pem: "),
                                  (lambda: (b.folder / "key.pem").write_text("junk\n"), r"check certificate and key"),
                                  (lambda: (put("first", "first", "t3", "p3"), (b.folder / "token").unlink()), r"token: cannot read: No such file"),
                                  (lambda: (b.folder / "token").write_text(""), r"token: cannot read: it is empty")):
            breakage()
            hang_up(pattern)
            server.wait_until("certificate, password and token stay as they were")
            must(served() == "second" and opens("t2") and opens(password="p2") and not opens(password="p3"), "%s: a part was taken" % pattern)
        bad = samples(server.ask("/metrics", Authorization="Bearer t2")[2].decode())["transitwatch_reloads_total", '{result="bad"}']
        must(bad == 4, "%s bad reloads are counted" % bad)
        # Handshakes while files change: each gets one of the two.
        seen, stop = [], threading.Event()

        def shake():
            while not stop.is_set():
                seen.append(served())

        thread = threading.Thread(target=shake)
        thread.start()
        for i in range(30):
            name = ("first", "second")[i % 2]
            put(name, name, "t2", "p2")
            hang_up("certificate, password and token are read again")
        stop.set()
        thread.join()
        must(set(seen) == {"first", "second"}, "of %d handshakes: %s" % (len(seen), set(seen)))
        stream.close()


def test_not_started(b):
    """One line each, and an end."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = "127.0.0.1:%d" % taken.getsockname()[1]
        (b.folder / "junk.pem").write_text("junk\n")
        for text, address, pattern in (
                ("", busy, r"http.listen: %s: cannot be served: Address already in use" % busy),
                ("", "localhost", r"http.listen: localhost: no address and port"),
                ("", "::1:80", r"http.listen: ::1:80: no address and port"),
                ("http: {user: x, password_file: nowhere}\n", "127.0.0.1:0", r"nowhere: cannot read: No such file"),
                ("http: {certificate: junk.pem, key: junk.pem}\n", "127.0.0.1:0", r"check certificate and key"),
                ("http: {user: x}\n", "127.0.0.1:0", r"http: user needs password_file beside it"),
                ("http: {history: 5}\n", "127.0.0.1:0", r"http.history: 5: write a number from 60 to 86400")):
            try:
                with b.replay(config=b.with_http(text), address=address):
                    must(False, "%s %s: it serves" % (text, address))
            except ValueError as error:
                must(re.search(pattern, str(error)) and len(str(error).splitlines()) == 1, "%s: %s" % (text, error))


if __name__ == "__main__":
    sys.exit(run_tests(globals(), Bench))

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What clients do to the server, and through it to others: broken, slow and too many ones.

    test_http_clients.py BINARY SOURCE_ROOT [TEST...]

Exit status: 0 passed, 1 failed.
"""

import gzip
import http.client
import json
import os
import re
import socket
import statistics
import sys
import threading
import time
from pathlib import Path

from checks import must, run_tests
from serving import Bench, Server, big_capture, raw, sanitized


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
        print("test_http_clients: a port under load: skipped: one processor")
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
    print("test_http_clients: %.2f Mpps, with broken clients %.2f: ratio %s, without any %s; by the worker's own time %.3f" %
          (*(statistics.median(rates[kind]) / 1e6 for kind in ("quiet", "broken")), show(ratios), show(noise), per_time))
    print("test_http_clients: %.1f MB of memory more; %d rounds: %s" % (most / (1 << 20), nuisance.rounds, ", ".join(
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
            print("test_http_clients: others took %.0f %% of the worker's processor: the rate by the clock is not judged" % (100 - 100 * undisturbed))


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


class Drippers:
    """Clients that send an octet a second and never come to an end of their request; when each was let go."""

    BEGIN = (b"GET /metrics HTTP/1.1\r\nX: ",  # a header without an end
             b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",  # an answer first, then the same
             b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 30000\r\n\r\n",  # a body
             b"\r\n")  # empty lines

    def __init__(self, server, n):
        self.begun, self.held, self.kept = time.monotonic(), [], []
        for i in range(n):
            connection = socket.create_connection((server.url.hostname, server.url.port), timeout=5)
            connection.sendall(self.BEGIN[i % 4])
            if i % 4 == 1:
                must(b"200 OK" in connection.recv(4096), "no answer before it drips")
                connection.sendall(self.BEGIN[0])
            connection.setblocking(False)
            self.held.append((i % 4, connection))

    def drip(self):
        left = []
        for kind, connection in self.held:
            try:
                connection.send(b"\n" if kind == 3 else b"a")
                gone = connection.recv(1) == b""
            except BlockingIOError:
                gone = False
            except OSError:
                gone = True
            if gone:
                connection.close()
                self.kept.append(time.monotonic() - self.begun)
            else:
                left.append((kind, connection))
        self.held = left


def test_whoever_drips_is_let_go(b):
    """All connections taken by clients that send, but never ask: room again in time, and who is served meanwhile stays."""
    with Server(b, [*(big := big_capture(b.folder / "big.pcap"))[:1], "--speed", "40", *big[1:]]) as server:
        while server.json("/api/v1/summary")["seconds"] < 60:
            time.sleep(0.1)
        stream = server.connect()
        stream.request("GET", "/api/v1/stream")
        followed = stream.getresponse()
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.connect((server.url.hostname, server.url.port))
            slow.settimeout(5)
            slow.sendall(b"GET /api/v1/seconds HTTP/1.1\r\nHost: x\r\n\r\n")
            drippers = Drippers(server, 126)
            must(not answers(server), "a good client finds room among 128 others")
            served = None
            while time.monotonic() < drippers.begun + 25 and drippers.held:
                time.sleep(1)
                drippers.drip()
                must(len(slow.recv(2048)) > 0, "a slow reader is cut")
                while not (line := followed.readline()).startswith(b"data:"):
                    must(line, "a stream is cut")
                if served is None and answers(server):
                    served = time.monotonic() - drippers.begun
            must(not drippers.held, "%d of 126 drip on after 25 s: kinds %s" % (len(drippers.held), {kind for kind, _ in drippers.held}))
            print("test_http_clients: 126 clients that drip are let go after %.0f to %.0f s, a good one is served after %.0f" %
                  (min(drippers.kept, default=0), max(drippers.kept, default=0), served or 0))
            must(served is not None and 12 < min(drippers.kept, default=0) and served < 25, "a good client is served after %s s" % served)
            for _, connection in drippers.held:
                connection.close()
            must(len(slow.recv(2048)) > 0, "a slow reader is cut")
        stream.close()
        server.wait_until("all is read")


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
        print("test_http_clients: %d MB to each of 127 slow readers: %.1f MB of memory more; to a fast one among them in %.2f s" %
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


if __name__ == "__main__":
    sys.exit(run_tests(globals(), Bench))

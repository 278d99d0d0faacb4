#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What is served over HTTP: the same numbers as the JSON lines, to whom it is for.

    test_http.py BINARY SOURCE_ROOT [TEST...]

Exit status: 0 passed, 1 failed.
"""

import base64
import gzip
import json
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

from checks import must, run_tests
from serving import Bench, Server, raw, samples, sanitized


SERIES = ("target", "upstream", "method", "direction", "ip_version")


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
        order = [(data["type"], data.get("time")) for kind, data in with_stream if kind != "end"]
        must(order == [(line["type"], line["time"]) for line in lines if "time" in line], "the stream's order, or a gap where there is none")
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


def test_where_it_listens(b):
    """Short forms are served, and told in full, with the port that was chosen."""
    for address, host in (("127.1:0", "127.0.0.1"), ("*:0", "0.0.0.0"), ("[0:0::1]:0", "::1")):
        with b.whole(address=address) as server:
            must(server.url.hostname == host and server.url.port > 0 and server.ask("/healthz")[0] == 200, "%s: %s" % (address, server.url))


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
                ("", "::1:80", r"http.listen: ::1:80: no address and port: write 127.0.0.1:9817 or \[::1\]:9817$"),
                ("", "localhost:80", r"http.listen: localhost:80: no address and port"),
                ("", "127.0.0.1:65536", r"http.listen: 127.0.0.1:65536: no port: write one from 0 to 65535$"),
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

# SPDX-License-Identifier: BSD-3-Clause
"""What tests over HTTP share: the program as a server, what it serves read back, and a history that is long."""

import http.client
import json
import random
import re
import signal
import socket
import ssl
import struct
import subprocess
import time
import urllib.parse

from checks import must

SAMPLE = re.compile(r'([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*\})? (-?[0-9.e+]+)$')


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


def sanitized(binary):
    return re.search(b"__[at]san_init", binary.read_bytes()) is not None

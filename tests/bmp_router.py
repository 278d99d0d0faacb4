# SPDX-License-Identifier: BSD-3-Clause
"""A router's side of BMP (RFC 7854): connects to a station, tells its peers' tables, and does so again whenever it is cut off."""

import contextlib
import ipaddress
import socket
import struct
import threading
import time

import gen_mrt

ROUTE_MONITORING, PEER_DOWN, PEER_UP, INITIATION = 0, 2, 3, 4
MARKER = b"\xff" * 16


def bmp(kind, body):
    return struct.pack(">BIB", 3, 6 + len(body), kind) + body


def bgp(kind, body):
    return MARKER + struct.pack(">HB", 19 + len(body), kind) + body


def open_message():
    """IPv4 unicast, ASNs of four octets."""
    capabilities = bytes.fromhex("010400010001" "41040000fde8")
    return bgp(1, struct.pack(">BHH4sBBB", 4, 23456, 180, bytes((192, 0, 2, 2)), 2 + len(capabilities), 2, len(capabilities)) +
               capabilities)


class Peer:
    def __init__(self, address, asn):
        self.address, self.asn = address, asn

    def header(self):
        return struct.pack(">BBQ12x4sI4sII", 0, 0, 0, ipaddress.IPv4Address(self.address).packed, self.asn, bytes((192, 0, 2, 1)),
                           int(time.time()), 0)

    def up(self):
        return bmp(PEER_UP, self.header() + struct.pack(">12x4sHH", bytes((192, 0, 2, 1)), 179, 40000) + 2 * open_message())

    def down(self):
        return bmp(PEER_DOWN, self.header() + b"\1")

    def route(self, prefix, path):
        """An announcement, or with no path a withdrawal."""
        nlri = gen_mrt.prefix_octets(ipaddress.ip_network(prefix))
        if path is None:
            update = struct.pack(">H", len(nlri)) + nlri + b"\0\0"
        else:
            attributes = gen_mrt.path_attributes(gen_mrt.parse_path(path.split()), True)
            attributes += gen_mrt.attribute(0x40, 3, bytes((192, 0, 2, 3)))
            update = struct.pack(">HH", 0, len(attributes)) + attributes + nlri
        return bmp(ROUTE_MONITORING, self.header() + bgp(2, update))

    def end(self):
        return bmp(ROUTE_MONITORING, self.header() + bgp(2, bytes(4)))


class Router:
    """
    Speaks in a thread. `tables`: {Peer: {prefix: path}}, told in full at the begin of each session. Comes back `pause`
    seconds after a session has ended.
    """

    def __init__(self, address, tables, pause, source="127.0.0.1"):
        self.address, self.tables, self.pause, self.source = address, tables, pause, source
        self.sessions, self.ended = [], []  # when each began, when the station ended it: wall clock
        self.lock, self.socket = threading.Lock(), None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.speak)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()

    def tell_all(self):
        self.socket.sendall(bmp(INITIATION, struct.pack(">HH", 2, 5) + b"edge1"))
        for peer, table in self.tables.items():
            self.socket.sendall(peer.up() + b"".join(peer.route(*route) for route in table.items()) + peer.end())

    def tell(self, peer, prefix, path):
        """A change."""
        with self.lock:
            if path is None:
                del self.tables[peer][prefix]
            else:
                self.tables[peer][prefix] = path
            if self.socket is not None:
                self.socket.sendall(peer.route(prefix, path))

    def wait_end(self):
        """Until the station, which never says a word, ends the session. False where the test is over first."""
        self.socket.settimeout(0.05)
        while not self.stopping.is_set():
            with contextlib.suppress(TimeoutError):
                if not self.socket.recv(1):
                    return True
        return False

    def session(self):
        with self.lock:
            self.socket = socket.create_connection(self.address, 5, (self.source, 0))
            self.sessions.append(time.time())
            self.tell_all()
        if self.wait_end():
            self.ended.append(time.time())

    def speak(self):
        while not self.stopping.is_set():
            try:
                self.session()
            except ConnectionError:
                self.ended.append(time.time())
            with self.lock:
                if self.socket is not None:
                    self.socket.close()
                self.socket = None
            self.stopping.wait(self.pause)

# SPDX-License-Identifier: BSD-3-Clause
"""A BMP station of a hundred lines (RFC 7854), to see what a router says: nothing of the program's is in it."""

import dataclasses
import ipaddress
import socket
import struct
import threading
import time

ROUTE_MONITORING, STATISTICS, PEER_DOWN, PEER_UP, INITIATION, TERMINATION = range(6)
NAMES = ("route monitoring", "statistics", "peer down", "peer up", "initiation", "termination")
POST_POLICY = 0x40


@dataclasses.dataclass
class Message:
    time: float  # wall clock, when the last octet of it had come
    kind: int
    peer: int = 0  # ASN
    post_policy: bool = False
    withdrawn: tuple = ()
    announced: tuple = ()
    path: tuple = ()
    text: str = ""

    def __str__(self):
        return "%.3f %s AS%d%s %s %s" % (self.time % 1000, NAMES[self.kind], self.peer, " post" if self.post_policy else "", self.text,
                                         ["-%s" % p for p in self.withdrawn] + ["+%s %s" % (p, self.path) for p in self.announced])


def prefixes(data, version):
    """NLRI without path identifiers."""
    found, at, width = [], 0, 4 if version == 4 else 16
    while at < len(data):
        octets = (data[at] + 7) // 8
        address = data[at + 1:at + 1 + octets].ljust(width, b"\0")
        found.append(str(ipaddress.ip_network((address, data[at]))))
        at += 1 + octets
    return tuple(found)


def read_update(message, data):
    """Of an UPDATE with ASNs of four octets: prefixes and path."""
    length = struct.unpack_from(">H", data, 19)[0]
    message.withdrawn = prefixes(data[21:21 + length], 4)
    at = 21 + length
    end = at + 2 + struct.unpack_from(">H", data, at)[0]
    message.announced = prefixes(data[end:], 4)
    at += 2
    while at < end:
        flags, kind = data[at:at + 2]
        size, head = (struct.unpack_from(">H", data, at + 2)[0], 4) if flags & 0x10 else (data[at + 2], 3)
        value = data[at + head:at + head + size]
        at += head + size
        if kind == 2:
            while value:
                message.path += struct.unpack_from(">%dI" % value[1], value, 2)
                value = value[2 + 4 * value[1]:]
        elif kind == 14 and value[:3] == b"\0\2\1":
            message.announced += prefixes(value[5 + value[3]:], 6)
        elif kind == 15 and value[:3] == b"\0\2\1":
            message.withdrawn += prefixes(value[3:], 6)


def read_message(kind, data, now):
    message = Message(now, kind)
    if kind in (INITIATION, TERMINATION):
        at = 0
        while at + 4 <= len(data):
            what, size = struct.unpack_from(">HH", data, at)
            message.text += " %d=%s" % (what, data[at + 4:at + 4 + size].decode(errors="replace"))
            at += 4 + size
        return message
    message.peer = struct.unpack_from(">I", data, 26)[0]
    message.post_policy = bool(data[1] & POST_POLICY)
    if kind == ROUTE_MONITORING:
        read_update(message, data[42:])
    return message


class Station:
    """Takes one session after the other on a listening socket, in a thread, and keeps what comes."""

    def __init__(self, listener):
        self.listener, self.messages, self.condition = listener, [], threading.Condition()
        self.stopping = False
        listener.settimeout(0.2)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopping = True
        self.thread.join()

    def serve(self):
        while not self.stopping:
            try:
                session, _ = self.listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            with session:
                self.take(session)

    def take(self, session):
        session.settimeout(0.2)
        data = b""
        while not self.stopping:
            try:
                more = session.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                return
            if not more:
                return
            data += more
            now = time.time()
            while len(data) >= 6 and len(data) >= struct.unpack_from(">I", data, 1)[0]:
                version, length, kind = struct.unpack_from(">BIB", data)
                if version != 3 or length < 6:
                    return
                with self.condition:
                    self.messages.append(read_message(kind, data[6:length], now))
                    self.condition.notify_all()
                data = data[length:]

    def wait_for(self, wanted, seconds=15):
        """The first message, kept or to come, of which wanted() is true; None if none comes."""
        seen, end = 0, time.monotonic() + seconds
        with self.condition:
            while True:
                for message in self.messages[seen:]:
                    if wanted(message):
                        return message
                seen = len(self.messages)
                if not self.condition.wait(end - time.monotonic()) and time.monotonic() >= end:
                    return None


def listen(made, address, port):
    """Lets a socket listen; returns it."""
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    made.listen(4)
    return made

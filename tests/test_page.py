#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The page, served by the program, in headless Chromium.

    test_page.py BINARY SOURCE_ROOT BUILD_FOLDER [SCENE...]

Screenshots are left in BUILD_FOLDER. Exit status: 0 passed, 1 failed, 77 no node or Chromium, or playwright-core (an
archive of npm's registry) cannot be fetched.
"""

import hashlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from checks import fill_up

BINARY, ROOT, BUILD = (Path(p).resolve() for p in sys.argv[1:4])
PLAYWRIGHT = "https://registry.npmjs.org/playwright-core/-/playwright-core-1.65.1.tgz"
SHA256 = "6f5a60be62a4fddfbe7d10c448d8fbd54547da3358f2f8a04211440471ee863e"


def find_playwright():
    """It has no dependencies: its one archive is fetched, checked and unpacked, once."""
    module = BUILD / "playwright-core"
    if not module.exists():
        with urllib.request.urlopen(PLAYWRIGHT, timeout=60) as answer:
            data = answer.read()
        if hashlib.sha256(data).hexdigest() != SHA256:
            raise OSError("it is not the archive that is known")
        with tempfile.TemporaryDirectory(dir=BUILD) as folder:
            with tarfile.open(fileobj=io.BytesIO(data)) as archive:
                archive.extractall(folder)
            os.rename(Path(folder) / "package", module)
    return module


class Server:
    """The program, started with `command` behind `prefix`, until the end of a with block."""

    def __init__(self, folder, command, prefix=()):
        self.log = folder / "log"
        with open(self.log, "wb") as log:
            self.child = subprocess.Popen([*prefix, str(BINARY), *map(str, command), "--listen", "127.0.0.1:0"],
                                          stdout=subprocess.DEVNULL, stderr=log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.send_signal(signal.SIGINT)
        try:
            self.child.wait(20)
        finally:
            self.child.kill()

    def wait_for(self, pattern):
        for _ in range(400):
            found = re.search(pattern, self.log.read_text())
            if found:
                return found
            time.sleep(0.05)
        raise ValueError("%r is never said: %s" % (pattern, self.log.read_text()))


def look(scene, server, playwright, prefix=()):
    """Whether the browser finds all right."""
    url = server.wait_for(r"serving (http\S*)")[1]
    result = subprocess.run([*prefix, "node", str(ROOT / "tests/test_page.js"), str(playwright), url, str(BUILD), scene],
                            capture_output=True, text=True, timeout=300, check=False)
    print(result.stdout + result.stderr[-2000:])
    print("test_page: %s: exit status %d" % (scene, result.returncode))
    return result.returncode == 0


def demo_config(folder):
    config = folder / "page.yaml"
    demo = (ROOT / "pcaps/demo.yaml").read_text()
    demo = re.sub(r"(asn|country|overrides): (demo[^\s,}]*)", r"\1: %s/pcaps/\2" % ROOT, demo)
    config.write_text(demo.replace("name: TransTeleCom", "name: 'Trans<b onclick=\"hacked=1\">Tele</b>Com'"))
    return config


def whole(folder, playwright):
    with Server(folder, ["replay", "-c", demo_config(folder), ROOT / "pcaps/kp-2017-10-01.pcap"]) as server:
        server.wait_for("all is read")
        return look("whole", server, playwright)


def running(folder, playwright):
    with Server(folder, ["replay", "-c", demo_config(folder), "--serve", "--speed", "100", ROOT / "pcaps/kp-2017-10-01.pcap"]) as server:
        return look("running", server, playwright)


def send_now_and_then_too_much(inside, capture, stop):
    """A pace that a port with a tiny ring bears, and bursts that it does not."""
    while not stop.is_set():
        for pace in (["--pps=300", "--duration=4"], ["--topspeed", "--duration=1"]):
            subprocess.run([*inside, "tcpreplay", "-q", "--loop=0", "-i", "src", *pace, str(capture)], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, timeout=30, check=False)


def losses(folder, playwright):
    """A kernel ring of a few frames, in a network namespace with the browser."""
    if os.geteuid() != 0 or shutil.which("tcpreplay") is None or shutil.which("ip") is None:
        print("test_page: losses: skipped: not root, or no tcpreplay or ip")
        return True
    name = "twpage%d" % os.getpid()
    inside, stop = ["ip", "netns", "exec", name], threading.Event()
    config = folder / "losses.yaml"
    config.write_text(demo_config(folder).read_text() +
                      "ports: [{device: 'net_af_packet0,iface=tap,blocksz=4096,framesz=2048,framecnt=32'}]\n")
    capture = folder / "full.pcap"
    fill_up(ROOT / "pcaps/kp-2017-10-01.pcap", capture)
    subprocess.run(["ip", "netns", "add", name], check=True)
    sender = threading.Thread(target=send_now_and_then_too_much, args=(inside, capture, stop))
    try:
        for command in (["link", "set", "lo", "up"], ["link", "add", "src", "mtu", "9000", "type", "veth", "peer", "name", "tap", "mtu", "9000"],
                        ["link", "set", "src", "up"], ["link", "set", "tap", "up"]):
            subprocess.run(["ip", "-n", name, *command], check=True)
        with Server(folder, ["run", "-c", config], inside) as server:
            server.wait_for(r"workers?, ")
            sender.start()
            return look("losses", server, playwright, inside)
    finally:
        stop.set()
        if sender.ident is not None:
            sender.join(60)
        subprocess.run(["ip", "netns", "delete", name], check=False)


def main():
    for needed in ("node", "chromium"):
        if shutil.which(needed) is None:
            print("test_page: skipped: no %s" % needed)
            return 77
    try:
        playwright = find_playwright()
    except OSError as error:
        print("test_page: skipped: %s: %s" % (PLAYWRIGHT, error))
        return 77
    good = True
    for scene in (whole, running, losses):
        if sys.argv[4:] and scene.__name__ not in sys.argv[4:]:
            continue
        with tempfile.TemporaryDirectory() as folder:
            good &= scene(Path(folder), playwright)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

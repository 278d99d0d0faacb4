#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The page, served by the program, in headless Chromium.

    test_page.py BINARY SOURCE_ROOT BUILD_FOLDER

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
import time
import urllib.request
from pathlib import Path

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
    with tempfile.TemporaryDirectory() as name:
        config = Path(name) / "page.yaml"
        demo = (ROOT / "pcaps/demo.yaml").read_text()
        demo = re.sub(r"(asn|country|overrides): (demo[^\s,}]*)", r"\1: %s/pcaps/\2" % ROOT, demo)
        config.write_text(demo.replace("name: TransTeleCom", "name: 'Trans<b onclick=\"hacked=1\">Tele</b>Com'"))
        with open(Path(name) / "log", "w+", encoding="utf-8") as log:
            child = subprocess.Popen([str(BINARY), "replay", "-c", str(config), "--listen", "127.0.0.1:0",
                                      str(ROOT / "pcaps/kp-2017-10-01.pcap")], stdout=subprocess.DEVNULL, stderr=log)
            try:
                for _ in range(200):
                    text = (Path(name) / "log").read_text()
                    if "all is read" in text:
                        break
                    time.sleep(0.05)
                url = re.search(r"serving (http\S*)", text)[1]
                result = subprocess.run(["node", str(ROOT / "tests/test_page.js"), str(playwright), url, str(BUILD)],
                                        capture_output=True, text=True, timeout=150, check=False)
            finally:
                child.send_signal(signal.SIGINT)
                child.wait(20)
    print(result.stdout + result.stderr[-2000:])
    print("test_page: exit status %d" % result.returncode)
    return 1 if result.returncode else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""scripts/demo as somebody at a terminal has it, and as a script does.

    test_demo.py BINARY SOURCE_ROOT [TEST...]

The demo builds and runs its own binary. Exit status: 0 passed, 1 failed.
"""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

from checks import must, run_tests

QUESTION = "Enter serves it, anything else leaves: "
COMMAND = ("transitwatch replay -c pcaps/demo.yaml --rib pcaps/kp-2017-10-01.rib.mrt --updates pcaps/kp-2017-10-01.updates.mrt "
           "--serve --speed 30 pcaps/kp-2017-10-01.pcap")


class Demo:
    def __init__(self, _binary, root, _folder):
        self.command = [str(root / "scripts/demo")]
        self.environment = {k: v for k, v in os.environ.items() if k != "CI"}

    def at_terminal(self, **more):
        return Terminal(self.command, {**self.environment, **more})


class Terminal:
    """The demo with a terminal of its own, on which Ctrl-C and Ctrl-D mean what they do."""

    def __init__(self, command, environment):
        self.text = ""
        self.child, self.end = pty.fork()
        if self.child == 0:
            os.execve(command[0], command, environment)
        self.status = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.child, signal.SIGKILL)
            os.waitpid(self.child, 0)
        os.close(self.end)

    def read(self, seconds):
        if not select.select([self.end], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.end, 65536)
        except OSError:  # the last one has closed it
            return False
        self.text += data.decode(errors="replace").replace("\r", "")
        return bool(data)

    def wait_for(self, pattern):
        end = time.monotonic() + 120
        while time.monotonic() < end:
            found = re.search(pattern, self.text)
            if found:
                return found
            if not self.read(0.2):
                break
        raise ValueError("%r is never said: %s" % (pattern, self.text[-2000:]))

    def say(self, text):
        os.write(self.end, text.encode())

    def exit_status(self):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            self.read(0.1)
            pid, status = os.waitpid(self.child, os.WNOHANG)
            if pid != 0:
                self.status = os.waitstatus_to_exitcode(status)
                while self.read(0.1) and select.select([self.end], [], [], 0)[0]:
                    pass
                return self.status
        raise ValueError("it does not end: " + self.text[-2000:])


def test_a_script_is_asked_nothing(b):
    for stdin in (subprocess.DEVNULL, subprocess.PIPE):  # a pipe that nobody writes to, and nobody closes
        with subprocess.Popen(b.command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=b.environment) as child:
            output = "".join(child.stdout)
            must(child.wait(60) == 0, "exit status %d: %s" % (child.returncode, output[-500:]))
        must(COMMAND in output and QUESTION not in output, "it says: %s" % output[-500:])
        must("TransTeleCom" in output, "no table: %s" % output[-2000:])


def test_who_leaves(b):
    for answer in ("q\n", "no\n", "\x04"):
        with b.at_terminal() as terminal:
            terminal.wait_for(re.escape(QUESTION))
            terminal.say(answer)
            must(terminal.exit_status() == 0, "%r: exit status %s" % (answer, terminal.status))
            must("serving" not in terminal.text and COMMAND in terminal.text, "%r: %s" % (answer, terminal.text[-500:]))


def test_a_terminal_of_ci_is_asked_nothing(b):
    with b.at_terminal(CI="true") as terminal:
        must(terminal.exit_status() == 0 and QUESTION not in terminal.text and COMMAND in terminal.text, terminal.text[-500:])


def test_enter_serves_the_page(b):
    with b.at_terminal() as terminal:
        terminal.wait_for(re.escape(QUESTION))
        terminal.say("\n")
        url = terminal.wait_for(r"serving (http://\S+)")[1]

        def ask(path):
            with urllib.request.urlopen(url + path, timeout=10) as answer:
                return answer.read().decode()

        must("<title>transitwatch</title>" in ask(""), "no page")
        before = json.loads(ask("api/v1/summary"))["seconds"]
        time.sleep(3)
        after = json.loads(ask("api/v1/summary"))
        must(30 <= after["seconds"] - before <= 150 and not after["ended"], "%d seconds in 3" % (after["seconds"] - before))
        terminal.say("\x03")
        must(terminal.exit_status() in (0, 2), "Ctrl-C: exit status %s: %s" % (terminal.status, terminal.text[-300:]))
        try:
            ask("")
            must(False, "it is served on")
        except urllib.error.URLError:
            pass


if __name__ == "__main__":
    sys.exit(run_tests(globals(), Demo))

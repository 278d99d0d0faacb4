# SPDX-License-Identifier: BSD-3-Clause
"""A small internet to learn routes from: real BIRD 2 and real FRR, each in a network namespace of its own.

                         ┌── AS4837  unicom ──┬── AS64500 collector   BIRD: dumps MRT, tables and messages
    AS131279 origin ─────┤          │         │
    175.45.176-179.0/24  └── AS20485 ttk ─────┴── AS64501 monitored   FRR's bgpd: speaks BMP to the station
    2001:db8:4b50::/48

All stand on one segment, a bridge in the namespace of the station, which is where a BMP station listens and where a
tap (interfaces src and tap) can be. The two transits know each other, so that the observer's neighbour need not be the
target's upstream: both transits tell of each prefix, by different paths that agree on the upstream.

The origin decides which transit hears of a prefix, as networks do: move() is its new export policy. No packet is
forwarded; the routers have no kernel table. Needs root. Waits are bounded and ask the routers; stop() ends and removes all.
"""

import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

CHINA_UNICOM, TRANSTELECOM, ORIGIN = 4837, 20485, 131279
PREFIXES = ("175.45.176.0/24", "175.45.177.0/24", "175.45.178.0/24", "175.45.179.0/24")
PREFIX6 = "2001:db8:4b50::/48"
NETWORK, NETWORK6 = "10.77.0.", "fd77::"
STATION = NETWORK + "1"
TIMEOUT = 30

# name: last part of its addresses, ASN
ROUTERS = {
    "origin": (10, ORIGIN),
    "unicom": (48, CHINA_UNICOM),
    "ttk": (20, TRANSTELECOM),
    "collector": (64, 64500),
    "monitored": (65, 64501),
}
TRANSITS = {CHINA_UNICOM: "unicom", TRANSTELECOM: "ttk"}
LINKS = (("origin", "unicom"), ("origin", "ttk"), ("unicom", "ttk"), ("unicom", "collector"), ("ttk", "collector"),
         ("unicom", "monitored"), ("ttk", "monitored"))


class RouterError(OSError):
    """A router did not do what it should within its time; the text is all there is to know."""


class Programs:
    """Where the routers' programs are: installed, or unpacked by scripts/setup."""

    def __init__(self, tools):
        self.tools = Path(tools)
        self.bird = self.find("bird", "usr/sbin", "/usr/sbin")
        self.birdc = self.find("birdc", "usr/sbin", "/usr/sbin")
        self.bgpd = self.find("bgpd", "usr/lib/frr", "/usr/lib/frr")
        libraries = self.tools / "usr/lib" / (os.uname().machine + "-linux-gnu") / "frr"
        unpacked = self.bgpd is not None and self.bgpd.is_relative_to(self.tools)
        self.environment = {**os.environ, "LD_LIBRARY_PATH": str(libraries)} if unpacked else dict(os.environ)
        self.modules = ["--moduledir", str(libraries / "modules")] if unpacked else []

    def find(self, name, unpacked, installed):
        for path in (Path(installed) / name, self.tools / unpacked / name):
            if os.access(path, os.X_OK):
                return path
        return None

    def missing(self):
        """Why nothing can be started here, or None."""
        if os.geteuid() != 0:
            return "not root"
        if shutil.which("ip") is None:
            return "no ip (Debian package iproute2)"
        for name, package in (("bird", "bird2"), ("birdc", "bird2"), ("bgpd", "frr")):
            if getattr(self, name) is None:
                return "no %s (Debian package %s, unpacked by scripts/setup test)" % (name, package)
        return None


def wait_until(condition, what, seconds=TIMEOUT):
    """The first true value of condition(), asked for until the time is up; what() or `what` says what was missing."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise RouterError("after %d s: %s" % (seconds, what() if callable(what) else what))
        time.sleep(0.02)


def run(*command, **more):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=TIMEOUT, check=False, **more)
    if result.returncode != 0:
        raise RouterError("%s: %s" % (" ".join(map(str, command)), (result.stderr or result.stdout).strip()))
    return result.stdout


def ask_frr(path, command):
    """What FRR's own shell does, which wants PAM and files in /etc: commands end in a NUL, answers in three and a status."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as shell:
        shell.settimeout(TIMEOUT)
        shell.connect(str(path))
        for line in ("enable", command):
            shell.sendall(line.encode() + b"\0")
            answer = b""
            while answer[-4:-1] != b"\0\0\0":
                more = shell.recv(65536)
                if not more:
                    raise RouterError("%s: %s: no answer" % (path, command))
                answer += more
        if answer[-1] != 0:
            raise RouterError("%s: %s: status %d: %s" % (path, command, answer[-1], answer[:-4].decode(errors="replace")))
        return answer[:-4].decode(errors="replace")


class Internet:
    """`with Internet(folder, tools) as net:` starts it and waits until every router knows every route."""

    def __init__(self, folder, tools, bmp_ports=(11019,), dump_period=1):
        self.folder, self.programs = Path(folder), Programs(tools)
        self.bmp_ports, self.dump_period = bmp_ports, dump_period
        self.processes, self.namespaces, self.threads, self.sockets = {}, [], [], []
        self.through = {prefix: {CHINA_UNICOM} for prefix in (*PREFIXES, PREFIX6)}
        self.stopping = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    # Life.

    def start(self):
        try:
            self.add_namespace("station")
            self.ip("station", "link", "add", "lan", "type", "bridge", "forward_delay", "0")
            self.address("station", "lan", 1)
            self.add_tap()
            for name, (host, _) in ROUTERS.items():
                self.add_namespace(name)
                self.ip("station", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", self.namespace(name))
                self.ip("station", "link", "set", name, "master", "lan", "up")
                # Without link-local addresses: FRR without zebra refuses next hops that have one, and whether BIRD has it
                # when it begins is a matter of luck.
                self.ip(name, "link", "set", "eth0", "addrgenmode", "none")
                self.address(name, "eth0", host)
            for name in ROUTERS:
                self.start_router(name)
            for name in ("collector", "monitored"):
                for prefix in (*PREFIXES, PREFIX6):
                    self.wait_path(name, prefix, CHINA_UNICOM)
        except BaseException:
            self.stop()
            raise

    def stop(self):
        self.stopping.set()
        for name in list(self.processes):
            self.stop_router(name)
        for listener in self.sockets:
            listener.close()
        for thread in self.threads:
            thread.join(TIMEOUT)
        for name in reversed(self.namespaces):
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False, timeout=TIMEOUT)
        self.namespaces.clear()

    def namespace(self, name):
        return "tw%d-%s" % (os.getpid(), name)

    def add_namespace(self, name):
        run("ip", "netns", "add", self.namespace(name))
        self.namespaces.append(self.namespace(name))
        self.ip(name, "link", "set", "lo", "up")

    def ip(self, name, *command):
        run("ip", "-n", self.namespace(name), *command)

    def address(self, name, interface, host):
        self.ip(name, "address", "add", "%s%d/24" % (NETWORK, host), "dev", interface)
        self.ip(name, "address", "add", "%s%d/64" % (NETWORK6, host), "dev", interface, "nodad")
        self.ip(name, "link", "set", interface, "up")

    def inside(self, name, *command):
        """A command line that runs in a namespace."""
        return ["ip", "netns", "exec", self.namespace(name), *map(str, command)]

    def add_tap(self):
        """A pair of interfaces in the station's namespace: what is sent to src is received by tap. Silent by themselves."""
        self.ip("station", "link", "add", "src", "mtu", "9000", "type", "veth", "peer", "name", "tap", "mtu", "9000")
        for end in ("src", "tap"):
            run(*self.inside("station", "sysctl", "-qw", "net.ipv6.conf.%s.disable_ipv6=1" % end))
            self.ip("station", "link", "set", end, "up")

    def socket(self, name, *arguments):
        """A socket of a namespace: it stays there, whoever uses it."""
        made = []

        def enter():
            libc = ctypes.CDLL(None, use_errno=True)
            with open("/var/run/netns/" + self.namespace(name), "rb") as file:
                if libc.setns(file.fileno(), 0x40000000) == 0:  # CLONE_NEWNET, of this thread alone
                    made.append(socket.socket(*arguments))

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        if not made:
            raise RouterError("no socket in the namespace of " + name)
        self.sockets.append(made[0])
        return made[0]

    # Routers.

    def start_router(self, name):
        (self.folder / name).mkdir(exist_ok=True)
        programs, home = self.programs, self.folder / name
        config = home / "config"
        config.write_text(self.frr_config() if name == "monitored" else self.bird_config(name))
        if name == "monitored":
            command = [programs.bgpd, "-f", config, "-i", home / "pid", "-z", home / "zebra", "--vty_socket", home, "-A", "127.0.0.1",
                       "-P", "0", "-n", "-Z", "-S", "--log", "stdout", *programs.modules, "-M", "bgpd_bmp"]
        else:
            command = [programs.bird, "-f", "-c", config, "-s", home / "socket", "-P", home / "pid"]
        # Should the test be killed, its routers end with it.
        command = ["setpriv", "--pdeathsig", "TERM", *self.inside(name, *command)]
        with open(home / "log", "ab") as log:
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=home,
                                                    env=programs.environment)
        wait_until(lambda: self.answers(name), lambda: "%s does not answer: %s" % (name, self.log(name)))

    def stop_router(self, name, number=signal.SIGTERM):
        """Ends it: SIGKILL says no good-bye."""
        process = self.processes.pop(name, None)
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def log(self, name):
        path = self.folder / name / "log"
        return path.read_text(errors="replace")[-2000:] if path.exists() else ""

    def ask(self, name, *words):
        """What a router answers to a command of its own shell."""
        programs, home = self.programs, self.folder / name
        if name == "monitored":
            return ask_frr(home / "bgpd.vty", " ".join(words))
        return run(programs.birdc, "-s", home / "socket", *words)

    def answers(self, name):
        if self.processes[name].poll() is not None:
            raise RouterError("%s ended: %s" % (name, self.log(name)))
        try:
            return bool(self.ask(name, "show bgp summary" if name == "monitored" else "show status"))
        except OSError:
            return False

    def neighbours(self, name):
        for pair in LINKS:
            if name in pair:
                yield pair[1 - pair.index(name)]

    def bird_config(self, name):
        host, asn = ROUTERS[name]
        lines = ["router id %s%d;" % (NETWORK, host), "log stderr all;", "protocol device { scan time 60; }"]
        if name == "origin":
            for version in (4, 6):
                routes = "".join("\troute %s blackhole;\n" % p for p in self.through if (version == 6) == (":" in p))
                lines.append("protocol static own%d {\n\tipv%d;\n%s}" % (version, version, routes))
        if name == "collector":
            lines += ['mrtdump "messages.mrt";', "mrtdump protocols { states, messages };"]
            lines += ['protocol mrt dump%d {\n\ttable "master%d";\n\tfilename "table%d.%%s";\n\tperiod %d;\n}' %
                      (version, version, version, self.dump_period) for version in (4, 6)]
        lines += [self.bird_session(name, other) for other in self.neighbours(name)]
        return "\n".join(lines) + "\n"

    def bird_session(self, name, other):
        host, asn = ROUTERS[name]
        channels = []
        for version in (4, 6):
            export = "none" if name == "collector" else "all"
            if name == "origin":
                known = [p for p, transits in self.through.items()
                         if ROUTERS[other][1] in transits and (version == 6) == (":" in p)]
                export = "where net ~ [ %s ]" % ", ".join(known) if known else "none"
            channels.append("\tipv%d {\n\t\timport all;\n\t\texport %s;\n\t\tnext hop self;\n\t};\n" % (version, export))
        lines = ["local %s%d as %d;" % (NETWORK, host, asn), "neighbor %s%d as %d;" % (NETWORK, *ROUTERS[other]),
                 "connect delay time 1;", "connect retry time 1;", "error wait time 1, 2;"]
        if (name, other) in LINKS:  # one side begins: no connections that collide
            lines.append("passive;")
        return "protocol bgp %s {\n%s%s}" % (other, "".join("\t%s\n" % line for line in lines), "".join(channels))

    def frr_config(self):
        host, asn = ROUTERS["monitored"]
        peers = ["%s%d" % (NETWORK, ROUTERS[other][0]) for other in self.neighbours("monitored")]
        lines = ["log timestamp precision 3", "router bgp %d" % asn, " bgp router-id %s%d" % (NETWORK, host),
                 " no bgp ebgp-requires-policy"]
        for other in self.neighbours("monitored"):
            peer, its = "%s%d" % (NETWORK, ROUTERS[other][0]), ROUTERS[other][1]
            lines += [" neighbor %s remote-as %d" % (peer, its), " neighbor %s timers connect 1" % peer]
        for version in (4, 6):
            lines += [" address-family ipv%d unicast" % version, *("  neighbor %s activate" % peer for peer in peers),
                      *("  neighbor %s route-map nothing out" % peer for peer in peers), " exit-address-family"]
        lines += [" bmp targets station"]
        lines += ["  bmp monitor ipv%d unicast %s" % (version, kind) for version in (4, 6) for kind in ("pre-policy", "post-policy")]
        lines += ["  bmp connect %s port %d min-retry 100 max-retry 500" % (STATION, port) for port in self.bmp_ports]
        return "\n".join([*lines, " exit", "exit", "route-map nothing deny 1", ""])

    # Routes.

    def announce(self, prefix, *transits):
        """The origin tells these transits of the prefix, and no other."""
        self.through[prefix] = set(transits)
        (self.folder / "origin/config").write_text(self.bird_config("origin"))
        self.ask("origin", "configure")

    def withdraw(self, prefix):
        self.announce(prefix)

    def move(self, prefix, transit):
        """Returns when the origin had been told to: wall clock."""
        now = time.time()
        self.announce(prefix, transit)
        return now

    def upstreams(self, name, prefix):
        """{neighbour: the AS left of the origin} of the paths by which a router knows a prefix."""
        try:
            if name == "monitored":
                text = self.ask(name, "show bgp ipv%d unicast %s" % (6 if ":" in prefix else 4, prefix))
                paths = re.findall(r"^  ((?:\d+ )+\d+)\b", text, re.M)
            else:
                text = self.ask(name, "show", "route", prefix, "all")
                paths = re.findall(r"BGP\.as_path: (\d+ [\d ]+)$", text, re.M)
        except RouterError as error:
            if re.search("not found|not in table", str(error)):
                return {}
            raise
        paths = [[int(asn) for asn in path.split()] for path in paths]
        return {path[0]: path[-2] for path in paths}

    def wait_path(self, name, prefix, upstream):
        """Until a router has heard from all transits that run that the prefix is behind this one; None: behind none."""
        wanted = {asn: upstream for asn, transit in TRANSITS.items() if transit in self.processes} if upstream else {}
        wait_until(lambda: self.upstreams(name, prefix) == wanted,
                   lambda: "%s knows %s by %s, not %s: %s" % (name, prefix, self.upstreams(name, prefix), wanted, self.log(name)))

    # Dumps of the collector.

    def dump(self, version=4):
        """Dumps a table now; the file."""
        path = self.folder / "collector" / ("now%d.mrt" % version)
        path.unlink(missing_ok=True)
        self.ask("collector", 'mrt dump table "master%d" to "%s"' % (version, path))
        return path

    def periodic_dump(self, since, version=4):
        """The newest whole dump that BIRD began in or after a second, once there is one and a newer one has begun."""
        def found():
            begun = sorted((int(path.suffix[1:]), path) for path in (self.folder / "collector").glob("table%d.*" % version))
            return next((path for second, path in reversed(begun[:-1]) if second >= since), None)

        return wait_until(found, "no dump of table master%d since %d" % (version, since))

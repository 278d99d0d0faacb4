#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What stands in scripts/monitoring, against Prometheus and what the program really serves.

    test_monitoring.py BINARY SOURCE_ROOT [TEST...]

Exit status: 0 passed, 1 failed, 77 no Prometheus.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

from checks import free_port, must, run_tests

# scripts/setup unpacks it there
os.environ["PATH"] += ":" + str(Path(sys.argv[2]).resolve() / "build/tools/usr/bin") if len(sys.argv) > 2 else ""
for needed in ("promtool", "prometheus"):
    if shutil.which(needed) is None:
        print("test_monitoring: skipped: no %s (Debian package prometheus)" % needed)
        sys.exit(77)

NAME = re.compile(r"\b(?:transitwatch|process)_[a-z_]+\b")


class Bench:
    def __init__(self, binary, root, folder):
        self.binary, self.root, self.folder = binary, root, folder
        self.monitoring = root / "scripts/monitoring"

    def promtool(self, *arguments):
        result = subprocess.run(["promtool", *map(str, arguments)], cwd=self.monitoring, capture_output=True, text=True,
                                timeout=60, check=False)
        must(result.returncode == 0, "promtool %s: %s" % (" ".join(map(str, arguments)), result.stdout + result.stderr))

    def serve(self, port, *more):
        """A replay that serves, and its JSON lines."""
        lines = self.folder / "monitoring.jsonl"
        child = subprocess.Popen([str(self.binary), "replay", "-c", str(self.root / "pcaps/demo.yaml"), "-o", str(lines),
                                  "--listen", "127.0.0.1:%d" % port, *more, str(self.root / "pcaps/kp-2017-10-01.pcap")],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return child, lines


def ask(url):
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            time.sleep(0.1)
    raise OSError(url + ": no answer")


def test_rules(b):
    b.promtool("check", "rules", "recording.rules.yml", "alerts.rules.yml")
    b.promtool("check", "config", "prometheus.yml")
    b.promtool("test", "rules", "tests.yml")
    tests = (b.monitoring / "tests.yml").read_text()
    for record in re.findall(r"record: (\S+)", (b.monitoring / "recording.rules.yml").read_text()):
        must("expr: " + record in tests, "%s has no test" % record)
    for alert in re.findall(r"alert: (\S+)", (b.monitoring / "alerts.rules.yml").read_text()):
        must("%s fires\n" % alert in tests and "%s does not fire\n" % alert in tests, "%s lacks a test" % alert)


def test_names_are_served(b):
    port = free_port()
    case = str(b.root / "pcaps/kp-2017-10-01")
    child, _ = b.serve(port, "--rib", case + ".rib.mrt", "--updates", case + ".updates.mrt")
    try:
        # Routes are served from their first second on.
        for _ in range(100):
            served = set(NAME.findall(ask("http://127.0.0.1:%d/metrics" % port)))
            if "transitwatch_rib_age_seconds" in served:
                break
            time.sleep(0.1)
    finally:
        child.send_signal(signal.SIGINT)
        child.wait(20)
    # A live run alone has ports.
    served.add("transitwatch_port_dropped_packets_total")
    for path in b.monitoring.iterdir():
        records = set(re.findall(r":(transitwatch_[a-z_]+):", path.read_text()))
        for name in set(NAME.findall(path.read_text())) - records:
            must(name in served or name.startswith("transitwatch_dropped"), "%s: %s is no metric" % (path.name, name))


def test_dashboard(b):
    dashboard = json.loads((b.monitoring / "grafana-dashboard.json").read_text())
    panels, cells = dashboard["panels"], set()
    must(len({panel["id"] for panel in panels}) == len(panels) >= 9, "panels are not told apart")
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    for panel in panels:
        at = panel["gridPos"]
        own = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        must(not own & cells and at["x"] + at["w"] <= 24, "%s lies on another panel" % panel["title"])
        cells |= own
    text = json.dumps(dashboard)
    used = set(re.findall(r"\$\{?([a-z]+)\b", text)) - {"__rate_interval"}
    must(used <= variables, "variables that are not there: %s" % (used - variables))
    must("upstream_overtook" in json.dumps(dashboard["annotations"]), "no crossover is marked")
    rules = ["  - {record: 'test:x:%d', expr: %s}" % (i, json.dumps(e.replace("$__rate_interval", "1m")))
             for i, e in enumerate([t["expr"] for p in panels for t in p["targets"]] +
                                   [a["expr"] for a in dashboard["annotations"]["list"]])]
    path = b.folder / "dashboard.yml"
    path.write_text("groups:\n- name: x\n  rules:\n" + "\n".join(rules) + "\n")
    b.promtool("check", "rules", path)


def test_prometheus_has_the_sums(b):
    """A minute of scrapes by a real Prometheus: what it answers in the end are the sums of the JSON lines."""
    port, own = free_port(), free_port()
    config = b.folder / "prometheus.yml"
    config.write_text((b.monitoring / "prometheus.yml").read_text().replace("127.0.0.1:9817", "127.0.0.1:%d" % port)
                      .replace("scrape_interval: 5s", "scrape_interval: 1s").replace("evaluation_interval: 15s", "evaluation_interval: 1s")
                      .replace("  - recording", "  - %s/recording" % b.monitoring).replace("  - alerts", "  - %s/alerts" % b.monitoring))
    child, lines = b.serve(port, "--speed", "30")  # 1,502 seconds in 50
    prometheus = subprocess.Popen(["prometheus", "--config.file", str(config), "--storage.tsdb.path", str(b.folder / "tsdb"),
                                   "--web.listen-address", "127.0.0.1:%d" % own], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def query(text):
        answer = json.loads(ask("http://127.0.0.1:%d/api/v1/query?%s" % (own, urllib.parse.urlencode({"query": text}))))
        return {tuple(sorted((k, v) for k, v in r["metric"].items() if k in ("upstream", "direction", "type"))): float(r["value"][1])
                for r in answer["data"]["result"]}

    try:
        time.sleep(58)
        summary = json.loads(lines.read_text().splitlines()[-1])
        must(summary["type"] == "summary", "the replay has not come to its end")
        for key in ("packets", "bytes", "flows"):
            found = query('transitwatch_%s_total{target="KP"} > 0' % key)
            expected = {(("direction", s["direction"]), ("upstream", str(s["upstream"]))): s[key] for s in summary["series"]}
            must(found == expected, "%s: %s, and the lines have %s" % (key, found, expected))
        # What was scraped on the way adds up, too: no counter ever ran backwards.
        must(not any(query("resets(transitwatch_packets_total[2m]) > 0").values()), "a counter ran backwards")
        must(query("count_over_time(transitwatch_seconds_total[2m]) >= 40"), "hardly scraped")
        events = query('transitwatch_events_total{type="target_dark"}')
        must(list(events.values()) == [4], "events: %s" % events)
        alerts = query('ALERTS{alertname=~"TransitUpstreamAppeared|TransitUpstreamOvertook",alertstate="firing"}')
        must(len(alerts) == 2, "alerts: %s" % alerts)
    finally:
        for process in (child, prometheus):
            process.send_signal(signal.SIGINT)
        for process in (child, prometheus):
            process.wait(30)


class Lab:
    """A lab run in its own network namespace, which Prometheus shares with it."""

    def __init__(self, b, *arguments):
        self.lines = b.folder / "lab.jsonl"
        self.output = open(b.folder / "lab.txt", "w+", encoding="utf-8")
        self.child = subprocess.Popen([str(b.root / "scripts/lab"), "--binary", str(b.binary), "--via", "veth", "--listen", "127.0.0.1:9817",
                                       "-o", str(self.lines), *arguments], stdout=self.output, stderr=subprocess.STDOUT)
        self.name = "twlab%d" % self.child.pid
        self.prometheus = None

    def start_prometheus(self, config, data):
        self.prometheus = subprocess.Popen(
            ["ip", "netns", "exec", self.name, "prometheus", "--config.file", str(config), "--storage.tsdb.path", str(data),
             "--web.listen-address", "127.0.0.1:9090"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ask(self, url, within=()):
        """By a process in the namespace: by name, or once the lab has deleted that, by who is still in it."""
        within = within or ["nsenter", "--net=/proc/%d/ns/net" % self.prometheus.pid]
        code = "import sys, urllib.request; sys.stdout.write(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())"
        return subprocess.run([*within, "/usr/bin/python3", "-c", code, url], capture_output=True, text=True, timeout=20, check=True).stdout

    def wait(self):
        """Until it serves."""
        for _ in range(300):
            try:
                return self.ask("http://127.0.0.1:9817/metrics", ["ip", "netns", "exec", self.name])
            except subprocess.CalledProcessError:
                time.sleep(0.1)
        raise ValueError("the lab does not serve: " + self.text())

    def text(self):
        self.output.seek(0)
        return self.output.read()

    def end(self):
        for process in (self.prometheus, self.child):
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(30)
        self.output.close()


def counters_at(lines, last):
    """{(name, labels): value} that the JSON lines give for what had closed with second `last`."""
    sums = {}

    def add(value, name, **labels):
        key = name, tuple(sorted(labels.items()))
        sums[key] = sums.get(key, 0) + value

    for line in lines:
        if line["type"] != "second" or line["time"] > last:
            continue
        add(1, "transitwatch_seconds_total")
        add(not line["exact"], "transitwatch_inexact_seconds_total")
        for key, value in line["received"].items():
            add(value, "transitwatch_received_%s_total" % key)
        for key, value in line["classes"].items():
            add(value, "transitwatch_class_packets_total", **{"class": key})
        for series in line["series"]:
            labels = {k: str(series[k]) for k in ("target", "upstream", "method", "direction", "ip_version")}
            for key in ("packets", "bytes", "flows"):
                add(series[key], "transitwatch_%s_total" % key, **labels)
            if line["time"] == last:
                add(series["active_flows"], "transitwatch_active_flows", **labels)
    return sums


def test_lab_run_is_scraped(b):
    """A minute of live traffic: in each of the scrapes every counter is the sum of the JSON lines up to its second."""
    if os.geteuid() != 0 or not all(shutil.which(name) for name in ("tcpreplay", "ip", "nsenter")):
        print("test_monitoring: a lab run: skipped: not root, or no tcpreplay, ip or nsenter")
        return
    lab = Lab(b, "--rate", "300")  # 16,000 packets in 55 seconds
    try:
        served = lab.wait()
        config = b.folder / "lab.yml"
        config.write_text("global: {scrape_interval: 500ms}\nscrape_configs:\n- job_name: lab\n  static_configs:\n  - targets: ['127.0.0.1:9817']\n")
        lab.start_prometheus(config, b.folder / "lab-tsdb")
        time.sleep(20)
        for text in (served, lab.ask("http://127.0.0.1:9817/metrics")):
            result = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=30, check=False)
            must(result.returncode == 0 and not result.stdout + result.stderr, "promtool check metrics: %s" % (result.stdout + result.stderr))
        must('transitwatch_port_dropped_packets_total{device="net_af_packet0,iface=tap",port="0",cause="imissed"} 0\n' in text, "no port")
        must(lab.child.wait(90) == 0, "the lab: " + lab.text())
        lines = [json.loads(line) for line in lab.lines.read_text().splitlines()]
        answer = json.loads(lab.ask("http://127.0.0.1:9090/api/v1/query?" + urllib.parse.urlencode(
            {"query": '{__name__=~"transitwatch_.*"}[3m]'})))["data"]["result"]
    finally:
        lab.end()
    scrapes = {}
    for series in answer:
        labels = {k: v for k, v in series["metric"].items() if k not in ("__name__", "instance", "job")}
        for when, value in series["values"]:
            scrapes.setdefault(when, {})[series["metric"]["__name__"], tuple(sorted(labels.items()))] = float(value)
    wrong = []
    for when, found in sorted(scrapes.items()):
        last = found["transitwatch_last_second_timestamp_seconds", ()]
        expected = counters_at(lines, last)
        names = {name for name, _ in expected}
        got = {key: value for key, value in found.items() if key[0] in names and value}
        if got != {key: value for key, value in expected.items() if value}:
            wrong.append((when, last, set(got.items()) ^ set((k, float(v)) for k, v in expected.items() if v)))
    must(len(scrapes) >= 80, "scraped %d times only" % len(scrapes))
    must(not wrong, "%d of %d scrapes are not the lines' sums: %s" % (len(wrong), len(scrapes), str(wrong[:1])[:2000]))
    # The last one has all that was sent.
    final, summary = scrapes[max(scrapes)], lines[-1]
    for key in ("packets", "bytes", "flows"):
        expected = {tuple(sorted((k, str(s[k])) for k in ("target", "upstream", "method", "direction", "ip_version"))): s[key]
                    for s in summary["series"]}
        found = {labels: value for (name, labels), value in final.items() if name == "transitwatch_%s_total" % key and value}
        must(found == {k: v for k, v in expected.items() if v}, "%s in the end: %s, and the lines have %s" % (key, found, expected))
    must(sum(s["packets"] for s in summary["series"]) > 10000 and summary["exact"], "the lab run: %s" % summary)
    print("test_monitoring: %d scrapes of a live run of %d packets in %d s, each the sums of the lines" %
          (len(scrapes), summary["received"]["packets"], summary["seconds"]))


if __name__ == "__main__":
    sys.exit(run_tests(globals(), Bench))

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A cluster read from the double of an API server, by real processes.

usage: kube.py BUILD PODS POLICIES CHANGES-A-SECOND SECONDS [--json FILE]

Times of changes are those of the control process's own histograms, from noticing to the dataplane's
acknowledgement: the least bound that so many are within.
"""
import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

KUBECONFIG = """apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "{url}"}}}}]
users: [{{name: u, user: {{}}}}]
contexts: [{{name: c, context: {{cluster: c, user: u}}}}]
current-context: c
"""
DATAPLANE = """socket: {folder}/dataplane.sock
eal: {{huge-pages: false, memory: 1024, arguments: [--no-pci, "--vdev=net_null0,no-rx=1", "--vdev=net_null1,no-rx=1"]}}
ports:
- {{name: a, device: net_null0, side: inside}}
- {{name: b, device: net_null1, side: outside}}
wires: [{{ports: [a, b]}}]
"""
CTRL = """clusters: [{{name: bench, kubeconfig: {folder}/kubeconfig}}]
dataplane-socket: {folder}/dataplane.sock
http: {{listen: "127.0.0.1:0"}}
"""


def write(folder, name, text):
    """A file in the folder; its path."""
    path = os.path.join(folder, name)
    with open(path, "w", encoding="ascii") as out:
        out.write(text)
    return path


def get(url, data=None):
    """The answer's text."""
    with urllib.request.urlopen(url, data.encode() if data else None, timeout=600) as answer:
        return answer.read().decode()


def wait(what, done, seconds=300):
    """What `done` says, when it says something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            result = done()
        except (urllib.error.URLError, ConnectionError):
            result = None
        if result:
            return result
        time.sleep(0.01)
    sys.exit(f"kube: {what} did not happen")


def memory(pid):
    """Resident now and at most, MiB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        text = status.read()
    return [int(re.search(rf"{key}:\s+(\d+)", text).group(1)) // 1024 for key in ("VmRSS", "VmHWM")]


def cpu(pid):
    """Seconds of CPU that a process has taken."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def buckets(metrics, name):
    """{bound in ms: how many are within it}"""
    found = re.findall(rf'^{name}_bucket{{le="([^"]+)"}} (\d+)', metrics, re.M)
    return {float(bound) * 1e3: int(count) for bound, count in found}


def quantiles(before, after):
    """How many, and the bounds that half and 99 of 100 are within, ms."""
    counts = {bound: count - before.get(bound, 0) for bound, count in after.items()}
    n = counts.get(float("inf"), 0)

    def bound_of(part):
        return next((bound for bound, count in counts.items() if count >= n * part), None)

    return {"n": n, "p50_ms": bound_of(0.5), "p99_ms": bound_of(0.99)} if n else {"n": 0}


def value(metrics, name):
    """The sum of a metric's samples."""
    return sum(float(v) for v in re.findall(rf"^{name}(?:{{[^}}]*}})? ([0-9.e+]+)$", metrics, re.M))


class Bench:
    """The three processes, in a folder of their own."""

    def __init__(self, build, folder):
        self.build = build
        self.folder = folder
        self.processes = []

    def start(self, *command, out=None):
        """A process; what it says goes to a file."""
        log = out or open(os.path.join(self.folder, os.path.basename(command[0]) + ".log"), "w",
                          encoding="ascii")
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        self.processes.append(process)
        return process

    def stop(self):
        """Ends all of them."""
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            process.wait()

    def log(self, name):
        """What a process has said so far."""
        with open(os.path.join(self.folder, name + ".log"), encoding="utf-8") as log:
            return log.read()

    def run(self, pods, policies, rate, seconds):
        """The figures."""
        self.start(f"{self.build}/tests/kube/double/kube_double", "--server", "1.34")
        api, control = wait("the double", lambda: self.log("kube_double").split()[:2])
        get(control, f"scale {pods} {policies}")
        write(self.folder, "kubeconfig", KUBECONFIG.format(url=api))
        self.start(f"{self.build}/dataplane/tidegate-dataplane", "-c",
                   write(self.folder, "dataplane.yaml", DATAPLANE.format(folder=self.folder)))
        wait("the dataplane", lambda: os.path.exists(f"{self.folder}/dataplane.sock"))
        since = time.monotonic()
        ctrl = self.start(f"{self.build}/ctrl/tidegate-ctrl", "-c",
                          write(self.folder, "ctrl.yaml", CTRL.format(folder=self.folder)))
        port = wait("its port", lambda: re.search(r"127.0.0.1 port (\d+)",
                                                  self.log("tidegate-ctrl"))).group(1)
        url = f"http://127.0.0.1:{port}"
        wait("the first lists", lambda: "sources read:" in self.log("tidegate-ctrl"))
        synced = time.monotonic() - since
        wait("the first ruleset", lambda: get(url + "/readyz"))
        figures = {"pods": pods, "policies": policies, "synced_s": round(synced, 2),
                   "enforced_s": round(time.monotonic() - since, 2)}
        figures["synced_mib"], figures["synced_peak_mib"] = memory(ctrl.pid)
        before, taken = get(url + "/metrics"), cpu(ctrl.pid)
        get(control, f"churn {rate} {seconds}")
        wait("the changes", lambda: get(control, "churning").startswith("no"), seconds + 60)
        wait("the last of them", lambda: get(control, "revision").strip() in get(url + "/v1/sources"))
        after = get(url + "/metrics")
        figures["changes_per_s"], figures["seconds"] = rate, seconds
        figures["cpu_share"] = round((cpu(ctrl.pid) - taken) / seconds, 3)
        figures["churned_mib"], figures["peak_mib"] = memory(ctrl.pid)
        for name in ("pod_change", "change"):
            metric = f"tidegate_{name}_duration_seconds"
            figures[name] = quantiles(buckets(before, metric), buckets(after, metric))
        figures["compiles"] = int(value(after, "tidegate_compiles_total") -
                                  value(before, "tidegate_compiles_total"))
        figures["wrongs"] = get(control, "wrongs").strip()
        return figures


def main():
    """Runs it and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build")
    for name in ("pods", "policies", "rate", "seconds"):
        parser.add_argument(name, type=int)
    parser.add_argument("--json")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tidegate-kube-") as folder:
        bench = Bench(args.build, folder)
        try:
            figures = bench.run(args.pods, args.policies, args.rate, args.seconds)
        finally:
            bench.stop()
    wrongs = figures.pop("wrongs")
    if wrongs:
        sys.exit(f"kube: against the protocol: {wrongs}")
    print(f"{figures['pods']} pods, {figures['policies']} policies: read in "
          f"{figures['synced_s']} s, enforced in {figures['enforced_s']} s")
    print(f"memory: {figures['synced_mib']} MiB then ({figures['synced_peak_mib']} at most), "
          f"{figures['churned_mib']} after the changes ({figures['peak_mib']} at most)")
    print(f"{figures['changes_per_s']} changes a second for {figures['seconds']} s: "
          f"{figures['cpu_share']} of a core, {figures['compiles']} compilations")
    for name, title in (("pod_change", "batches of pods of known classes"),
                        ("change", "all, those that were compiled too")):
        row = figures[name]
        print(f"  {title:<34} {row['n']:>6}  half within {row.get('p50_ms')} ms, "
              f"99 % within {row.get('p99_ms')} ms")
    if args.json:
        with open(args.json, "w", encoding="ascii") as out:
            json.dump(figures, out, indent=1)


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""From a file's close to the packet: how long changes take to be enforced, end to end.

A probe sends a packet every millisecond from one namespace of the lab to another through the
gateway; a change is written, and the time is taken until the first packet that the change lets
through arrives, or until the last one that it forbids has arrived.

usage: enforce.py LAB MANIFESTS ROUNDS [--json FILE]
"""
import argparse
import ctypes
import json
import math
import os
import socket
import statistics
import threading
import time

CLONE_NEWNET = 0x40000000
PORT = 7777
INTERVAL = 0.001
LIBC = ctypes.CDLL(None, use_errno=True)


def socket_in(namespace, *args):
    """A socket that lives in a network namespace."""
    made = []

    def work():
        with open(f"/run/netns/{namespace}", "rb") as ns:
            if LIBC.setns(ns.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        made.append(socket.socket(*args))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return made[0]


class Probe:
    """Packets from A to B, a thousand a second; remembers when the last one arrived."""

    def __init__(self, lab, target):
        self.target = target
        self.lab = lab
        self.receiver = socket_in(f"{lab}-b", socket.AF_INET, socket.SOCK_DGRAM)
        self.receiver.bind((target, PORT))
        self.senders = {}
        self.current = None
        self.last = {}
        threading.Thread(target=self.receive, daemon=True).start()
        threading.Thread(target=self.send, daemon=True).start()

    def source(self, address):
        """From now on packets come from this address."""
        if address not in self.senders:
            sock = socket_in(f"{self.lab}-a", socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind((address, 0))
            self.senders[address] = sock
        self.last.pop(address, None)
        self.current = address

    def send(self):
        """The sending thread."""
        due = time.monotonic()
        while True:
            if self.current is not None:
                try:
                    self.senders[self.current].sendto(b"probe", (self.target, PORT))
                except OSError:
                    pass
            due = max(due + INTERVAL, time.monotonic() - 0.1)
            time.sleep(max(0, due - time.monotonic()))

    def receive(self):
        """The receiving thread."""
        while True:
            _, (address, _) = self.receiver.recvfrom(64)
            self.last[address] = time.monotonic()


def write(path, text):
    """Replaces a file in one step; returns the time at which it was closed and in place."""
    hidden = os.path.join(os.path.dirname(path), "." + os.path.basename(path))
    with open(hidden, "w", encoding="ascii") as out:
        out.write(text)
    os.rename(hidden, path)
    return time.monotonic()


def policy(port, peer="a"):
    """b takes the loaded flows and, if `port` and `peer` are the probe's, that."""
    return f"""apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{namespace: probe, name: b}}
spec:
  podSelector: {{matchLabels: {{app: b}}}}
  policyTypes: [Ingress]
  ingress:
  - from: [{{podSelector: {{matchLabels: {{app: a}}}}}}]
    ports: [{{protocol: UDP, port: 1, endPort: 7000}}]
  - from: [{{podSelector: {{matchLabels: {{app: {peer}}}}}}}]
    ports: [{{protocol: UDP, port: {port}}}]
"""


def pod(name, address):
    """A pod like a."""
    return f"""apiVersion: v1
kind: Pod
metadata: {{namespace: probe, name: {name}, labels: {{app: a}}}}
spec: {{nodeName: other-node, containers: [{{name: c}}]}}
status: {{phase: Running, podIP: {address}}}
"""


def until_arrives(probe, address, since, limit=10):
    """Milliseconds from `since` to the first arrival after it."""
    while time.monotonic() < since + limit:
        if probe.last.get(address, 0) > since:
            return (probe.last[address] - since) * 1000
        time.sleep(INTERVAL / 4)
    raise TimeoutError(f"nothing arrived from {address}")


def until_stops(probe, address, since, limit=10):
    """Milliseconds from `since` to the first packet that did not arrive."""
    while time.monotonic() < since + limit:
        last = probe.last.get(address, since)
        if time.monotonic() > max(last, since) + 0.1:
            return max(0, (last - since) * 1000) + INTERVAL * 1000
        time.sleep(INTERVAL)
    raise TimeoutError(f"packets from {address} go on")


def figures(samples):
    """
    Median, 99th percentile (nearest rank) and extremes, in milliseconds; and every sample with the
    time of its change (Unix time, seconds), to be found in the logs.
    """
    ordered = sorted(ms for _, ms in samples)
    return {"n": len(ordered), "min": round(ordered[0], 2),
            "median": round(statistics.median(ordered), 2),
            "p99": round(ordered[math.ceil(len(ordered) * 0.99) - 1], 2),
            "max": round(ordered[-1], 2), "unit": "ms",
            "samples": [[round(at, 3), round(ms, 2)] for at, ms in samples]}


def main():
    """Measures edits of a policy's port and of its peers, pod additions and removals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lab")
    parser.add_argument("manifests")
    parser.add_argument("rounds", type=int)
    parser.add_argument("--json")
    args = parser.parse_args()
    base, late = "10.10.1.2", "10.10.1.77"
    probe = Probe(args.lab, "10.10.2.2")
    samples = {name: [] for name in ("port denied", "port allowed", "peer denied", "peer allowed",
                                     "pod added", "pod removed")}

    def note(name, since, ms):
        samples[name].append((time.time() - time.monotonic() + since, ms))

    policy_file = os.path.join(args.manifests, "probe-policy.yaml")
    pod_file = os.path.join(args.manifests, "probe-late.yaml")

    probe.source(base)
    since = write(policy_file, policy(PORT))
    until_arrives(probe, base, since, 60)
    for _ in range(args.rounds):
        since = write(policy_file, policy(PORT + 1))
        note("port denied", since, until_stops(probe, base, since))
        since = write(policy_file, policy(PORT))
        note("port allowed", since, until_arrives(probe, base, since))
    for number in range(args.rounds):
        since = write(policy_file, policy(PORT, f"other-{number}"))
        note("peer denied", since, until_stops(probe, base, since))
        since = write(policy_file, policy(PORT))
        note("peer allowed", since, until_arrives(probe, base, since))
    probe.source(late)
    for number in range(args.rounds):
        since = write(pod_file, pod(f"late-{number}", late))
        note("pod added", since, until_arrives(probe, late, since))
        os.unlink(pod_file)
        since = time.monotonic()
        note("pod removed", since, until_stops(probe, late, since))

    result = {name: figures(values) for name, values in samples.items()}
    print(f"{'from file to packet':<22}{'n':>6}{'min':>9}{'median':>9}{'p99':>9}{'max':>9}   ms")
    for name, row in result.items():
        print(f"{name:<22}{row['n']:>6}{row['min']:>9}{row['median']:>9}{row['p99']:>9}"
              f"{row['max']:>9}")
    if args.json:
        with open(args.json, "w", encoding="ascii") as out:
            json.dump(result, out, indent=1)


main()

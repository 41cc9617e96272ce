#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Who reaches whom: real clients in the lab's namespaces beside what the policies say.

usage: matrix.py LAB TIDEGATE MANIFESTS

Prints a table a family; exits 1 if any pair differs.
"""
import concurrent.futures
import json
import subprocess
import sys

LAB, TIDEGATE, MANIFESTS = sys.argv[1:4]
COLOUR = sys.stdout.isatty()

# name: (what explain calls it, {family: address})
SOURCES = {
    "frontend": ("shop/frontend", {4: "10.10.1.2", 6: "fd00:10:1::2"}),
    "api": ("shop/api", {4: "10.10.2.2", 6: "fd00:10:2::2"}),
    "db": ("data/db", {4: "10.10.3.2", 6: "fd00:10:3::2"}),
    "dns": ("kube-system/dns", {4: "10.10.4.2", 6: "fd00:10:4::2"}),
    "intruder": ("lab/intruder", {4: "10.10.5.2", 6: "fd00:10:5::2"}),
    "internet": (None, {4: "203.0.113.10", 6: "2001:db8:113::10"}),
}
# column: (source that is skipped, protocol, port, {family: address})
DESTINATIONS = {
    "frontend:8080": ("frontend", "TCP", 8080, SOURCES["frontend"][1]),
    "api:8080": ("api", "TCP", 8080, SOURCES["api"][1]),
    "db:5432": ("db", "TCP", 5432, SOURCES["db"][1]),
    "dns:53/udp": ("dns", "UDP", 53, SOURCES["dns"][1]),
    "dns:53/tcp": ("dns", "TCP", 53, SOURCES["dns"][1]),
    "partner:80": ("internet", "TCP", 80, {4: "203.0.113.10", 6: "2001:db8:113::10"}),
    "excepted:80": ("internet", "TCP", 80, {4: "203.0.113.66", 6: "2001:db8:113::66"}),
    "elsewhere:80": ("internet", "TCP", 80, {4: "198.51.100.20", 6: "2001:db8:51::20"}),
    "upstream:53": ("internet", "UDP", 53, {4: "203.0.113.53", 6: "2001:db8:113::53"}),
}


def client(source, column, family):
    """The command of a real client, run in the source's namespace."""
    _, protocol, port, addresses = DESTINATIONS[column]
    address = addresses[family]
    command = ["ip", "netns", "exec", f"{LAB}-{source}"]
    own = SOURCES[source][1][family]
    if port == 53:
        command += ["dig", f"-{family}", "+time=1", "+tries=2", "+short", "-b", own]
        command += ["+tcp"] if protocol == "TCP" else []
        return command + [f"@{address}", "web.example", "A"]
    host = f"[{address}]" if family == 6 else address
    return command + ["curl", "-sSf", "-o", "/dev/null", "--interface", own, "--connect-timeout", "2",
                      "--max-time", "4", f"http://{host}:{port}/"]


def reached(pair):
    """True when the client got its answer."""
    done = subprocess.run(client(*pair), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          timeout=20, check=False)
    return done.returncode == 0 and (DESTINATIONS[pair[1]][2] != 53 or b"203.0.113.10" in done.stdout)


def policy(pairs):
    """What `tidegate explain --batch` answers, a boolean a pair."""
    questions = ""
    for source, column, family in pairs:
        _, protocol, port, addresses = DESTINATIONS[column]
        questions += json.dumps({"src": SOURCES[source][1][family], "dst": addresses[family],
                                 "proto": protocol, "dport": port}) + "\n"
    done = subprocess.run([TIDEGATE, "explain", "--batch", "--default-action", "deny", MANIFESTS],
                          input=questions, stdout=subprocess.PIPE, text=True, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(pairs)
    return [answer["verdict"] == "allow" for answer in answers]


def cell(expected, real):
    """One cell of the table: what happened, and how it compares."""
    text = ("allow" if real else "deny") + (" =" if real == expected else " !")
    if not COLOUR:
        return text
    code = "1;31" if real != expected else "32" if real else "2"
    return f"\033[{code}m{text}\033[0m"


def main():
    """Judges all pairs, tries them all, prints and compares."""
    pairs = [(source, column, family) for family in (4, 6) for source in SOURCES
             for column, (skip, _, _, _) in DESTINATIONS.items() if skip != source]
    expected = dict(zip(pairs, policy(pairs)))
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        real = dict(zip(pairs, pool.map(reached, pairs)))
    for family in (4, 6):
        print(f"\nIPv{family}: what real clients got (= as the policies say, ! otherwise)\n")
        print("  " + "from \\ to".ljust(10) + "".join(c.ljust(14) for c in DESTINATIONS))
        for source in SOURCES:
            line = "  " + source.ljust(10)
            for column in DESTINATIONS:
                pair = (source, column, family)
                if pair not in real:
                    line += "-".ljust(14)
                    continue
                text = cell(expected[pair], real[pair])
                line += text + " " * (14 - (7 if real[pair] else 6))
            print(line)
    wrong = [pair for pair in pairs if expected[pair] != real[pair]]
    for source, column, family in wrong:
        print(f"differs: {source} -> {column} over IPv{family}: the policies say "
              f"{'allow' if expected[(source, column, family)] else 'deny'}")
    print(f"\n{len(pairs) - len(wrong)} of {len(pairs)} pairs are as the policies say")
    return 1 if wrong else 0


sys.exit(main())

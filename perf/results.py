#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What benchmarks measured: where, of what, and beside what was measured before.

usage: results.py record NAME OUT COMMAND RUN...   medians of the JSON files RUN... and their origin into OUT
       results.py compare OUT STORED               a table of both; nothing when there is no STORED

A file holds {"benchmark", "machine", "commit", "modified", "command", "date", "runs", "figures"};
"figures" is what the benchmark wrote, of several runs the median of each number.
"""
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys

# What tells the rows of a list apart; all else that is a number is a measurement.
IDENTITY = ("name", "traffic", "load", "change", "family", "size", "pods", "policies", "flows", "workers",
            "rules", "seconds", "rounds")


def median(runs):
    """One tree out of several of the same shape: numbers become medians, other values the first's."""
    first = runs[0]
    if isinstance(first, dict):
        return {key: median([run[key] for run in runs if key in run]) for key in first}
    if isinstance(first, list):
        whole = [run for run in runs if len(run) == len(first)]
        return [median([run[i] for run in whole]) for i in range(len(first))]
    if isinstance(first, (int, float)) and not isinstance(first, bool):
        return statistics.median_low(runs)
    return first


def label(item, index):
    """What a list's item is called: its identity, or its number."""
    if not isinstance(item, dict):
        return str(index)
    words = [str(item[key]) if isinstance(item[key], str) else f"{key}={item[key]}"
             for key in IDENTITY if key in item and isinstance(item[key], (str, int))]
    return " ".join(words) or str(index)


def flatten(tree, path=()):
    """{(place, measure): number}; places are unique within a tree."""
    found = {}
    if isinstance(tree, dict):
        for key, value in tree.items():
            if isinstance(value, (dict, list)):
                found.update(flatten(value, path + (key,)))
            elif isinstance(value, (int, float)) and not isinstance(value, bool) and key not in IDENTITY:
                found[" ".join(path), key] = value
    elif isinstance(tree, list):
        names = [label(item, i) for i, item in enumerate(tree)]
        for i, item in enumerate(tree):
            name = names[i] if names.count(names[i]) == 1 else f"{names[i]} #{names[:i].count(names[i]) + 1}"
            found.update(flatten(item, path + (name,)))
    return found


def beside(today, stored):
    """Rows (place, measure, today, stored, ratio); None where one of the two has no such figure."""
    new, old = flatten(today["figures"]), flatten(stored["figures"])
    rows = []
    for place in list(new) + [place for place in old if place not in new]:
        a, b = new.get(place), old.get(place)
        ratio = a / b if a is not None and b else None
        rows.append((*place, a, b, ratio))
    return rows


def machine():
    """The machine that this runs on, as far as it matters."""
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        models = [line.split(":", 1)[1].strip() for line in info if line.startswith(("model name", "CPU part"))]
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {"cpu": models[0] if models else platform.machine(), "processors": os.cpu_count(),
            "memory_mib": pages >> 20, "kernel": f"{platform.system()} {platform.release()}"}


def git(*args):
    """What git says, or "" outside of a repository."""
    done = subprocess.run(("git", *args), capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def record(name, out, command, paths):
    """Medians of runs, and where they come from."""
    result = {
        "benchmark": name,
        "machine": machine(),
        "commit": git("rev-parse", "HEAD") or "unknown",
        "modified": git("status", "--porcelain", "--untracked-files=no") != "",
        "command": command,
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "runs": len(paths),
        "figures": median([load(path) for path in paths]),
    }
    with open(out, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.write("\n")


def number(value):
    return "-" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)


def compare(today, stored):
    """The table, as text."""
    origin = f"{stored['commit'][:12]}{' (modified)' if stored['modified'] else ''}, {stored['date']}, " \
             f"{stored['runs']} run{'s' if stored['runs'] != 1 else ''}"
    lines = [f"today beside perf/results ({origin})"]
    for key, value in stored["machine"].items():
        if today["machine"].get(key) != value:
            lines.append(f"another machine: {key} {today['machine'].get(key)}, then {value}")
    lines.append(f"{'':<44} {'':<22} {'today':>12} {'stored':>12} {'ratio':>7}")
    for place, measure, a, b, ratio in beside(today, stored):
        lines.append(f"{place:<44} {measure:<22} {number(a):>12} {number(b):>12} "
                     f"{'-' if ratio is None else f'{ratio:.3f}':>7}")
    return "\n".join(lines)


def main(args):
    if len(args) >= 5 and args[0] == "record":
        record(args[1], args[2], args[3], args[4:])
        return 0
    if len(args) == 3 and args[0] == "compare":
        if os.path.exists(args[2]):
            print(compare(load(args[1]), load(args[2])))
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

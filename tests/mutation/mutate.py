#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Breaks the source on purpose, one place at a time, and sees to it that a test notices.

usage: mutate.py [--set SET] [--source DIR] [--scratch DIR] [NAME...]

SET.toml (mutations.toml) lists the mutations. Those of the set `mutations` belong each to a numbered
line of docs/policy-semantics.md.
The source is copied to a scratch folder and built there; then each mutation is applied, the
affected tests are built and run, and the source is put back. Prints a table: line, mutation, the
tests that killed it. Fails when a mutation survives, does not apply or does not compile, when the
tests fail without any mutation, or when a line has no mutation. With NAMEs only these are tried.
"""
import argparse
import os
import shutil
import subprocess
import sys
import time
import tomllib

HERE = os.path.dirname(os.path.abspath(__file__))
LINES = range(1, 32)  # of docs/policy-semantics.md
TEST_TIMEOUT = 180  # seconds for one program


class Problem(Exception):
    """Something that makes the result of a mutation meaningless."""


def load(path):
    with open(path, "rb") as f:
        data = tomllib.load(f)
    tests = data["tests"]
    for mutation in data["mutation"]:
        unknown = [t for t in mutation.get("tests", []) if t not in tests["programs"]]
        if unknown:
            raise Problem(f"{mutation['name']}: unknown tests {unknown}")
    return tests, data["mutation"]


def copy_source(source, scratch):
    """The files that git knows, as they are in the working tree."""
    names = subprocess.run(
        ["git", "-C", source, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True, stdout=subprocess.PIPE).stdout.decode().split("\0")
    for name in filter(None, names):
        origin, target = os.path.join(source, name), os.path.join(scratch, name)
        if not os.path.isfile(origin):
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not os.path.exists(target) or not same(origin, target):
            shutil.copy2(origin, target)


def same(a, b):
    with open(a, "rb") as f, open(b, "rb") as g:
        return f.read() == g.read()


def run(command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", **more)


class Scratch:
    """The copy that is broken and mended."""

    def __init__(self, source, path):
        self.source = os.path.join(path, "source")
        self.build = os.path.join(path, "build")
        os.makedirs(self.source, exist_ok=True)
        copy_source(source, self.source)
        if not os.path.exists(os.path.join(self.build, "build.ninja")):
            done = run(["meson", "setup", self.build, self.source, "-Doptimization=1"])
            if done.returncode != 0:
                raise Problem("meson setup:\n" + done.stdout)

    def compile(self, programs):
        """The programs, which may have arguments behind them."""
        done = run(["ninja", "-C", self.build, *(p.split()[0] for p in programs)])
        if done.returncode != 0:
            raise Problem("does not compile:\n" + tail(done.stdout, 12))

    def failing(self, program, env):
        """The program's last words if it fails, else None."""
        try:
            path, *arguments = program.split()
            done = run([os.path.join(self.build, path), *arguments], cwd=self.build, env=env,
                       timeout=TEST_TIMEOUT)
        except subprocess.TimeoutExpired:
            return "timeout"
        if done.returncode in (0, 77):
            return None
        return tail(done.stdout, 3) or f"exit {done.returncode}"

    def apply(self, mutation):
        """Replaces the one occurrence of each text; returns what puts the file back."""
        path = os.path.join(self.source, mutation["file"])
        try:
            with open(path, encoding="utf-8") as f:
                before = f.read()
        except OSError as e:
            raise Problem(f"does not apply: {e}") from e
        after = before
        pairs = [[mutation["text"], mutation["replacement"]], *mutation.get("also", [])]
        for text, replacement in pairs:
            count = after.count(text)
            if count != 1:
                raise Problem(f"does not apply: {text!r} is there {count} times")
            after = after.replace(text, replacement)
        write(path, after)
        return lambda: write(path, before)


def write(path, text):
    """Never with the time stamp of the version before."""
    stamp = os.stat(path).st_mtime_ns
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.utime(path, ns=(max(time.time_ns(), stamp + 1),) * 2)


def tail(text, n):
    return "\n".join(text.strip().splitlines()[-n:])


def programs_of(tests, mutation):
    """The tests of a mutation: those that it names, then those that always run."""
    names = list(dict.fromkeys(mutation.get("tests", []) + tests["always"]))
    return [(name, tests["programs"][name]) for name in names]


def try_mutation(scratch, tests, mutation, env):
    """The names of the tests that fail."""
    programs = programs_of(tests, mutation)
    undo = scratch.apply(mutation)
    try:
        scratch.compile([path for _, path in programs])
        killers = [name for name, path in programs if scratch.failing(path, env)]
        if not killers and tests["survivors"]:
            late = [(n, tests["programs"][n]) for n in tests["survivors"]]
            scratch.compile([path for _, path in late])
            killers = [name for name, path in late if scratch.failing(path, env)]
        return killers
    finally:
        undo()


def check_unbroken(scratch, tests, mutations, env):
    wanted = {}
    for mutation in mutations:
        wanted.update(programs_of(tests, mutation))
    for name in tests["survivors"]:
        wanted[name] = tests["programs"][name]
    scratch.compile(list(wanted.values()))
    for name, path in wanted.items():
        words = scratch.failing(path, env)
        if words:
            raise Problem(f"{name} fails without any mutation:\n{words}")


def table_row(line, name, verdict):
    print(f"{line:>4}  {name:<52}  {verdict}", flush=True)


def try_all(scratch, tests, mutations, env):
    """Prints the table; returns how many mutations were not killed."""
    bad = 0
    table_row("line", "mutation", "killed by")
    for mutation in sorted(mutations, key=lambda m: m.get("line", 0)):
        try:
            killers = try_mutation(scratch, tests, mutation, env)
            verdict = ", ".join(killers) if killers else "SURVIVES"
            bad += not killers
        except Problem as problem:
            verdict = f"ERROR {problem}"
            bad += 1
        table_row(mutation.get("line", "-"), mutation["name"], verdict)
    return bad


def parse_arguments():
    parser = argparse.ArgumentParser(description="mutation tests")
    parser.add_argument("--set", default="mutations")
    parser.add_argument("--source", default=os.path.join(HERE, "..", ".."))
    parser.add_argument("--scratch", default=None, help="kept, and faster the next time")
    parser.add_argument("names", nargs="*")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    source = os.path.abspath(arguments.source)
    path = os.path.abspath(arguments.scratch or os.path.join(source, "build-mutation"))
    tests, mutations = load(os.path.join(HERE, arguments.set + ".toml"))
    lines = LINES if arguments.set == "mutations" else []
    missing = sorted(set(lines) - {m.get("line") for m in mutations})
    if arguments.names:
        mutations = [m for m in mutations if m["name"] in arguments.names]
    env = dict(os.environ)
    try:
        scratch = Scratch(source, path)
        check_unbroken(scratch, tests, mutations, env)
        bad = try_all(scratch, tests, mutations, env)
    except Problem as problem:
        print(f"mutation: {problem}", file=sys.stderr)
        return 1
    if missing:
        print(f"lines without a mutation: {missing}")
    print(f"{len(mutations)} mutations, {len(mutations) - bad} killed, {bad} not")
    return 1 if bad or missing or not mutations else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What `tidegate explain` says: usage: explain_test.py TIDEGATE [--write]

explain/NAME.txt begins with the arguments behind "$ "; what follows is the exit code and the whole
output. --write makes the files anew (then read the difference).
"""
import glob
import json
import os
import shlex
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TIDEGATE = os.path.abspath(sys.argv.pop(1))
WRITE = "--write" in sys.argv


def explain(arguments):
    """Runs in this folder, so that places in the output are relative."""
    return subprocess.run([TIDEGATE, "explain", *arguments], cwd=HERE, capture_output=True,
                          encoding="utf-8", check=False, timeout=60)


def run_file(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    command = text.splitlines()[0]
    done = explain(shlex.split(command.removeprefix("$ ")))
    now = f"{command}\nexit {done.returncode}\n{done.stdout}{done.stderr}"
    if WRITE:
        with open(path, "w", encoding="utf-8") as file:
            file.write(now)
        return now, now
    return text, now


class Explain(unittest.TestCase):
    maxDiff = None

    def test_golden(self):
        files = sorted(glob.glob(os.path.join(HERE, "explain", "*.txt")))
        self.assertGreater(len(files), 10)
        for path in files:
            with self.subTest(file=os.path.basename(path)):
                text, now = run_file(path)
                self.assertEqual(now, text)

    def test_nearest_miss(self):
        """(src, dst, proto, port), side -> nearest rule, fields that failed"""
        table = [
            # One field fails each: what is to be changed is named.
            ("shop/web", "shop/api", "TCP", "8081", "ingress", "shop/api ingress[0]", ["port"]),
            ("shop/web", "shop/api", "UDP", "8080", "ingress", "shop/api ingress[0]",
             ["protocol", "port"]),
            ("shop/web", "data/db", "TCP", "5433", "egress", "shop/web egress[1]", ["port"]),
            ("shop/api", "data/db", "TCP", "5432", "ingress", "data/db ingress[0]",
             ["podSelector"]),
            ("open/free", "data/db", "TCP", "5432", "ingress", "data/db ingress[0]",
             ["namespaceSelector", "podSelector"]),
            ("shop/web", "203.0.113.200", "TCP", "443", "egress", "shop/web egress[2]",
             ["ipBlock.except"]),
            ("shop/web", "203.0.114.1", "TCP", "443", "egress", "shop/web egress[2]",
             ["ipBlock.cidr"]),
            ("shop/web", "203.0.113.1", "TCP", "80", "egress", "shop/web egress[2]", ["port"]),
            ("203.0.113.1", "data/db", "TCP", "5432", "ingress", "data/db ingress[0]",
             ["podSelector"]),
            # A rule that fails in the port alone is nearer than one that fails in the peer.
            ("open/free", "shop/api", "TCP", "8080", "ingress", "shop/api ingress[1]", ["port"]),
            ("shop/web", "data/db", "UDP", "6011", "ingress", "data/db ingress[0]", ["port"]),
            ("198.51.100.1", "shop/api", "TCP", "9001", "ingress", "shop/api ingress[2]",
             ["ipBlock.except"]),
            ("data/pending-db", "shop/api", "TCP", "9001", "ingress", "shop/api ingress[1]",
             ["port"]),
        ]
        for src, dst, proto, port, side, rule, failed in table:
            with self.subTest(src=src, dst=dst, proto=proto, port=port):
                done = explain(["-o", "json", "--default-action", "kubernetes", "shop", src, dst,
                                proto, port])
                answer = json.loads(done.stdout)
                nearest = answer[side]["nearest"]
                self.assertEqual(nearest["rule"], rule)
                self.assertEqual([item["field"] for item in nearest["failed"]], failed, nearest)
                self.assertRegex(nearest["place"], r"^shop/policies\.yaml:\d+$")

    def test_usage(self):
        """Bad questions are refused with exit code 2 and a word on what is wrong."""
        table = [
            (["shop", "shop/web", "shop/api", "TCP"], "port"),
            (["shop", "shop/web", "shop/api", "TCP", "http"], "port"),
            (["shop", "shop/web", "shop/api", "TCP", "0"], "port"),
            (["shop", "shop/web", "shop/api", "TCP", "65536"], "port"),
            (["shop", "shop/web", "shop/api", "FOO", "1"], "protocol"),
            (["shop", "shop/web", "shop/none", "TCP", "1"], "shop/none"),
            (["shop", "shop/done", "shop/api", "TCP", "1"], "finished"),
            (["shop", "data/db", "data/six", "TCP", "1"], "family"),
            (["shop", "shop/web"], "expected"),
            (["nowhere", "shop/web", "shop/api", "TCP", "1"], "nowhere"),
            (["--live", "--batch", "shop"], "exclude"),
            (["--live", "-c", "x", "10.0.0.1", "10.0.0.2", "TCP", "1"], "-c"),
            (["--url", "http://127.0.0.1:1", "shop", "shop/web", "shop/api", "TCP", "1"], "--live"),
            (["--default-action", "maybe", "shop", "shop/web", "shop/api", "TCP", "1"], "maybe"),
            (["--bogus"], "--bogus"),
            (["-x"], "-x"),
            (["-o"], "-o"),
            (["-o", "xml", "shop"], "xml"),
        ]
        for arguments, word in table:
            with self.subTest(arguments=arguments):
                done = explain(arguments)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(word, done.stderr)


if __name__ == "__main__":
    if WRITE:
        for name in sorted(glob.glob(os.path.join(HERE, "explain", "*.txt"))):
            run_file(name)
    else:
        unittest.main()

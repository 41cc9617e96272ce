#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Canonical print outs: usage: print_test.py TIDEGATE

print/NAME/in prints as print/NAME/out.yaml; what is printed prints as the same bytes again, from
YAML and from JSON, for every golden input, the demo's manifests, and the corpus when it is there.
"""
import glob
import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
CORPUS = os.environ.get("TIDEGATE_CORPUS") or os.path.join(ROOT, "..", "shared", "corpus")
TIDEGATE = sys.argv.pop(1)


def tg_print(path, *options):
    done = subprocess.run([TIDEGATE, "print", *options, path], capture_output=True,
                          encoding="utf-8", check=False, timeout=60)
    if done.returncode != 0:
        raise AssertionError(f"{path}: exit code {done.returncode}: {done.stderr}")
    return done.stdout


def again(text, suffix, *options):
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "printed" + suffix), "w", encoding="utf-8") as file:
            file.write(text)
        return tg_print(folder, *options)


class Print(unittest.TestCase):
    maxDiff = None

    def test_golden(self):
        cases = sorted(glob.glob(os.path.join(HERE, "print", "*")))
        self.assertTrue(cases)
        for case in cases:
            with self.subTest(case=case):
                with open(os.path.join(case, "out.yaml"), encoding="utf-8") as file:
                    self.assertEqual(tg_print(os.path.join(case, "in")), file.read())

    def inputs(self):
        yield from sorted(glob.glob(os.path.join(HERE, "print", "*", "in")))
        yield os.path.join(HERE, "shop")
        yield os.path.join(ROOT, "demo", "manifests")
        # Each 7th of the corpus' cases: real policies, and the test stays fast.
        yield from sorted(glob.glob(os.path.join(CORPUS, "cases", "*", "*", "step-*")))[::7]

    def test_fixed_point(self):
        for path in self.inputs():
            with self.subTest(path=path):
                text = tg_print(path)
                self.assertEqual(again(text, ".yaml"), text)

    def test_json_says_the_same(self):
        for path in (os.path.join(HERE, "shop"), *glob.glob(os.path.join(HERE, "print", "*", "in"))):
            with self.subTest(path=path):
                listed = tg_print(path, "-o", "json")
                self.assertEqual(json.loads(listed)["kind"], "List")
                self.assertEqual(again(listed, ".json"), tg_print(path))
                self.assertEqual(again(listed, ".json", "-o", "json"), listed)

    def test_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(tg_print(folder), "")
            self.assertEqual(json.loads(tg_print(folder, "-o", "json"))["items"], [])
            self.assertEqual(json.loads(tg_print(folder, "--rules", "-o", "json")), {"rules": []})

    def test_rules(self):
        with open(os.path.join(HERE, "rules.txt"), encoding="utf-8") as file:
            self.assertEqual(tg_print(os.path.join(HERE, "shop"), "--rules"), file.read())
        rules = json.loads(tg_print(os.path.join(HERE, "shop"), "--rules", "-o", "json"))["rules"]
        self.assertIn(("policy", "shop", "web", "egress", 0, "allow"),
                      [tuple(rule.get(key) for key in ("kind", "namespace", "policy", "direction",
                                                       "index", "action")) for rule in rules])


if __name__ == "__main__":
    unittest.main()

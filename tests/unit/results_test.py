#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Benchmark results: medians of runs, and figures put beside those that belong to them.

usage: results_test.py PERF_FOLDER
"""
import contextlib
import io
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, sys.argv.pop(1))
sys.dont_write_bytecode = True
import results  # noqa: E402  pylint: disable=wrong-import-position


def stored(figures, **other):
    return {"commit": "0123456789abcdef", "modified": False, "date": "2026-01-01T00:00:00Z", "runs": 7,
            "machine": {"cpu": "one"}, "figures": figures} | other


class Median(unittest.TestCase):
    def test_of_each_number(self):
        runs = [[{"name": "a", "mpps": mpps, "deep": {"ns": [ns, 1]}}] for mpps, ns in ((3.0, 30), (9.0, 10), (1.0, 20))]
        self.assertEqual(results.median(runs), [{"name": "a", "mpps": 3.0, "deep": {"ns": [20, 1]}}])

    def test_is_a_figure_that_was_measured(self):
        self.assertEqual(results.median([1.0, 2.0]), 1.0)

    def test_other_values_are_the_first_ones(self):
        self.assertEqual(results.median([{"ok": True, "s": "x", "n": None}] * 3), {"ok": True, "s": "x", "n": None})

    def test_a_run_that_broke_off_does_not_count(self):
        self.assertEqual(results.median([[1, 2], [5], [3, 4], [9, 9]]), [3, 4])


class Beside(unittest.TestCase):
    def rows(self, today, then):
        return {row[:2]: row[2:] for row in results.beside({"figures": today}, {"figures": then})}

    def test_rows_meet_by_what_they_are(self):
        today = [{"traffic": "new", "flows": 10, "mpps": 6.0}, {"traffic": "old", "flows": 10, "mpps": 20.0}]
        then = [{"traffic": "old", "flows": 10, "mpps": 10.0}, {"traffic": "new", "flows": 10, "mpps": 8.0}]
        self.assertEqual(self.rows(today, then), {("new flows=10", "mpps"): (6.0, 8.0, 0.75),
                                                  ("old flows=10", "mpps"): (20.0, 10.0, 2.0)})

    def test_what_only_one_has_is_shown(self):
        rows = self.rows([{"name": "a", "ns": 1}], [{"name": "b", "ns": 2}])
        self.assertEqual(rows, {("a", "ns"): (1, None, None), ("b", "ns"): (None, 2, None)})

    def test_nothing_is_divided_by_nothing(self):
        self.assertEqual(self.rows({"lost": 3}, {"lost": 0}), {("", "lost"): (3, 0, None)})

    def test_rows_without_a_name_keep_apart(self):
        rows = self.rows([{"name": "a", "x": 1}, {"name": "a", "x": 2}], [{"name": "a", "x": 4}, {"name": "a", "x": 4}])
        self.assertEqual(rows, {("a #1", "x"): (1, 4, 0.25), ("a #2", "x"): (2, 4, 0.5)})


class Commands(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = folder.name

    def write(self, name, tree):
        path = os.path.join(self.path, name)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(tree, file)
        return path

    def main(self, *args):
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            code = results.main(list(args))
        return code, out.getvalue()

    def test_record_says_where_figures_come_from(self):
        runs = [self.write(f"{i}", [{"name": "a", "ns": i}]) for i in (4, 2, 3)]
        out = os.path.join(self.path, "out")
        self.assertEqual(self.main("record", "x", out, "perf/run.sh x", *runs)[0], 0)
        result = results.load(out)
        self.assertEqual((result["benchmark"], result["runs"], result["command"]), ("x", 3, "perf/run.sh x"))
        self.assertEqual(result["figures"], [{"name": "a", "ns": 3}])
        self.assertEqual(result["machine"]["processors"], os.cpu_count())
        self.assertTrue(result["commit"])

    def test_compare_prints_both_and_the_other_machine(self):
        today = self.write("today", stored([{"name": "a", "mpps": 5.0}], machine={"cpu": "two"}))
        then = self.write("then", stored([{"name": "a", "mpps": 4.0}]))
        code, text = self.main("compare", today, then)
        self.assertEqual(code, 0)
        self.assertIn("another machine: cpu two, then one", text)
        self.assertRegex(text, r"a +mpps +5\.00 +4\.00 +1\.250")
        self.assertIn("0123456789ab, 2026-01-01T00:00:00Z, 7 runs", text)

    def test_nothing_stored_is_no_error(self):
        today = self.write("today", stored([]))
        self.assertEqual(self.main("compare", today, os.path.join(self.path, "none")), (0, ""))

    def test_usage(self):
        self.assertEqual(self.main("compare", "one")[0], 2)


if __name__ == "__main__":
    unittest.main()

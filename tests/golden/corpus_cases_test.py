#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every judged row of the corpus' cases against `tidegate explain --batch`.

usage: corpus_cases_test.py TIDEGATE [CASE...]

The corpus is where TIDEGATE_CORPUS says, else ../shared/corpus beside the source tree; without it
the test is skipped. Its verdicts were made by others (see its README): ingress, egress and both
together, with the API's own default action. Rows from a pod to itself are informative only.
"""
import glob
import json
import os
import subprocess
import sys

FAMILIES = ("wild", "wild-combo", "npguard")
SHOWN = 20


def corpus():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    return os.environ.get("TIDEGATE_CORPUS") or os.path.join(root, "..", "shared", "corpus")


def rows(path):
    with open(path, encoding="utf-8") as truth:
        for number, line in enumerate(truth, 1):
            if line.startswith("#") or not line.strip():
                continue
            fields = line.rstrip("\n").split("\t")
            if fields[0] != fields[1]:
                yield number, fields


def question(fields):
    src, dst, proto, port = fields[:4]
    return json.dumps({"src": src.removeprefix("ip:"), "dst": dst.removeprefix("ip:"),
                       "proto": proto, "dport": int(port)})


def differs(fields, answer):
    """Which of the verdicts is another one; None when all agree."""
    if "error" in answer:
        return answer["error"]
    words = {"A": "allow", "D": "deny"}
    mine = (answer["ingress"]["verdict"], answer["egress"]["verdict"], answer["verdict"])
    for name, expected, verdict in zip(("ingress", "egress", "combined"), fields[4:7], mine):
        if expected != "-" and words[expected] != verdict:
            return f"{name} is {words[expected]}, not {verdict}: {json.dumps(answer)}"
    return None


def run_step(tidegate, step):
    """(rows judged, [disagreements])"""
    judged = list(rows(os.path.join(step, "truth.tsv")))
    asked = "".join(question(fields) + "\n" for _, fields in judged)
    done = subprocess.run([tidegate, "explain", "--batch", "--default-action", "kubernetes", step],
                          input=asked, capture_output=True, encoding="utf-8", check=False)
    answers = done.stdout.splitlines()
    if done.returncode != 0 or len(answers) != len(judged):
        return len(judged), [f"{step}: exit code {done.returncode}, {len(answers)} answers to "
                             f"{len(judged)} questions: {done.stderr.strip()[:500]}"]
    wrong = []
    for (number, fields), line in zip(judged, answers):
        difference = differs(fields, json.loads(line))
        if difference is not None:
            wrong.append(f"{step}/truth.tsv:{number}: {' '.join(fields[:4])}: {difference}")
    return len(judged), wrong


def main():
    tidegate, only = sys.argv[1], sys.argv[2:]
    cases = os.path.join(corpus(), "cases")
    if not os.path.isdir(cases):
        print(f"skipped: no corpus at {cases}")
        return 77
    steps = sorted(step for family in FAMILIES
                   for step in glob.glob(os.path.join(cases, family, "*", "step-*"))
                   if not only or os.path.basename(os.path.dirname(step)) in only)
    total, wrong = 0, []
    for step in steps:
        judged, found = run_step(tidegate, step)
        total += judged
        wrong += found
    for text in wrong[:SHOWN]:
        print(text)
    if len(wrong) > SHOWN:
        print(f"and {len(wrong) - SHOWN} more")
    print(f"{len(steps)} steps, {total} rows judged, {len(wrong)} disagree")
    return 1 if wrong or total == 0 else 0


if __name__ == "__main__":
    sys.exit(main())

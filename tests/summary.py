#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Adds up meson's test logs: one line a skip with its reason, a failure with the lines of its output
that say why, then `N passed, N failed, N skipped`.

usage: summary.py FAILED_BUILDS CHECK_JSON...
"""
import json
import os
import re
import sys

TELLING = re.compile(r"ERROR|  LINE  |FAILED|FAIL:|[Aa]ssert|[Ee]rror:|Sanitizer|Traceback")
MOST_LINES = 12


def why(output):
    """What of a failed test's output says why; the end of it if nothing looks so."""
    lines = [line for line in output.splitlines() if line.strip()]
    return ([line for line in lines if TELLING.search(line)] or lines)[-MOST_LINES:]


passed, failed, skipped = 0, int(sys.argv[1]), 0
for path in sys.argv[2:]:
    variant = os.path.dirname(path)
    with open(path, encoding="utf-8") as log:
        for line in log:
            test = json.loads(line)
            name = f"{variant}: {test['name']}"
            output = (test.get("stdout") or "") + (test.get("stderr") or "")
            if test["result"] in ("OK", "EXPECTEDFAIL"):
                passed += 1
            elif test["result"] == "SKIP":
                skipped += 1
                reason = re.search(r"(?im)^.*skip[a-z]*:? *(.*)$", output)
                print(f"skipped {name}: {reason.group(1) if reason else 'no reason given'}")
            else:
                failed += 1
                print(f"FAILED {name} ({test['result']})")
                for line in why(output):
                    print(f"    {line[:200]}")
if sys.argv[1] != "0":
    print(f"FAILED builds: {sys.argv[1]}")
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(1 if failed or not passed else 0)

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Adds up meson's test logs: one line a skip with its reason, then `N passed, N failed, N skipped`.

usage: summary.py FAILED_BUILDS CHECK_JSON...
"""
import json
import os
import re
import sys

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
if sys.argv[1] != "0":
    print(f"FAILED builds: {sys.argv[1]}")
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(1 if failed or not passed else 0)

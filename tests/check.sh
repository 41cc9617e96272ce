#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Builds and runs every test; the last line is `N passed, N failed, N skipped`.
#   --long   also the heavy tail: suite "long" (mutations), and "fuzz-long" in the fuzzing build
set -euo pipefail
cd "$(dirname "$0")/.."

long=0
[ "${1:-}" = --long ] && long=1

# One build folder a variant: {folder, meson options, what meson test is told}.
run_variant()
{
	local dir=$1 options=$2
	shift 2
	if [ ! -f "$dir/build.ninja" ]; then
		# shellcheck disable=SC2086
		meson setup "$dir" -Dwerror=true $options >"$dir.setup.log" 2>&1 || {
			cat "$dir.setup.log"
			return 1
		}
		rm -f "$dir.setup.log"
	fi
	ninja -C "$dir" --quiet || return 1
	# Many tests wait, for servers or for time to pass: one more than there are processors.
	meson test -C "$dir" --no-rebuild --print-errorlogs --num-processes "$(($(nproc) + 1))" "$@" || true
	cp "$dir/meson-logs/testlog.json" "$dir/check.json"
}

failed_builds=0
# Built once on a machine. When there is no time for all of it the next run goes on with it, and what
# needs it is skipped, with the reason; the long check has the time.
if [ $long -eq 1 ]; then
	scripts/apiserver.sh >/dev/null || failed_builds=1
else
	timeout 480 scripts/apiserver.sh >/dev/null || true
fi

rm -f build*/check.json
suites=(--no-suite long)
fuzz=(--suite fuzz)
asan=(--no-suite long --no-suite bench --no-suite lint --no-suite vm)
if [ $long -eq 1 ]; then
	suites=()
	fuzz+=(--suite fuzz-long)
else
	asan+=(--no-suite once)
fi
run_variant build "" "${suites[@]}" || failed_builds=$((failed_builds + 1))
run_variant build-asan "-Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debug -Doptimization=1" \
	"${asan[@]}" --timeout-multiplier 5 || failed_builds=$((failed_builds + 1))
CC=clang run_variant build-fuzz "-Dfuzz=true" \
	"${fuzz[@]}" || failed_builds=$((failed_builds + 1))

python3 tests/summary.py "$failed_builds" build*/check.json

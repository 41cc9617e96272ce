#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# make bench: builds optimised in build-bench and runs every perf/bench_* program, one after the
# other (they measure, so nothing else should run). Prints their tables; each writes its figures
# to build-bench/perf/results/<name>.json.
#   usage: perf/run.sh [NAME...]      e.g. perf/run.sh compile classify
set -euo pipefail
cd "$(dirname "$0")/.."

build="build-bench"
if [ ! -f "$build/build.ninja" ]; then
	meson setup "$build" -Dbuildtype=release -Dwerror=true >"$build.setup.log" 2>&1 || {
		cat "$build.setup.log" >&2
		exit 1
	}
	rm -f "$build.setup.log"
fi
ninja -C "$build" --quiet

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
	for program in "$build"/perf/bench_*; do
		[ -f "$program" ] && [ -x "$program" ] && names+=("${program##*/bench_}")
	done
fi
[ ${#names[@]} -gt 0 ] || {
	echo "bench: no benchmark was built" >&2
	exit 1
}

results="$build/perf/results"
mkdir -p "$results"
printf '%s, %s CPUs, %s\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)" \
	"$(nproc)" "$(uname -sr)"
failed=0
for name in "${names[@]}"; do
	printf '\n== %s\n' "$name"
	"$build/perf/bench_$name" --json "$results/$name.json" || {
		echo "bench: $name failed (exit $?)" >&2
		failed=1
	}
done
printf '\nresults: %s\n' "$results"
exit $failed

#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# make bench: builds optimised in build-bench and runs every benchmark, one after the other (they
# measure, so nothing else should run): the programs bench_NAME, then the scripts bench_NAME.sh,
# which need root. Prints their tables; each writes its figures to
# build-bench/perf/results/NAME.json.
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
	for program in "$build"/perf/bench_* perf/bench_*.sh; do
		if [ ! -f "$program" ] || [ ! -x "$program" ]; then
			continue
		fi
		name=${program##*/bench_}
		names+=("${name%.sh}")
	done
fi
[ ${#names[@]} -gt 0 ] || {
	echo "bench: no benchmark was built" >&2
	exit 1
}

run_one()
{
	local program=$build/perf/bench_$1
	if [ ! -x "$program" ]; then
		program=perf/bench_$1.sh
		if [ "$(id -u)" -ne 0 ]; then
			echo "skipped: needs root"
			return 0
		fi
	fi
	TIDEGATE_BUILD=$PWD/$build "$program" --json "$results/$1.json"
}

results="$PWD/$build/perf/results"
mkdir -p "$results"
printf '%s, %s CPUs, %s\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)" \
	"$(nproc)" "$(uname -sr)"
failed=0
for name in "${names[@]}"; do
	printf '\n== %s\n' "$name"
	run_one "$name" || {
		echo "bench: $name failed (exit $?)" >&2
		failed=1
	}
done
printf '\nresults: %s\n' "$results"
exit $failed

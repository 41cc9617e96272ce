#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# make bench: builds optimised in build-bench and runs every benchmark, one after the other (they
# measure, so nothing else should run): the programs bench_NAME, then the scripts bench_NAME.sh,
# which need root. Prints their tables, and beside the figures those of perf/results/NAME.json; writes
# them, with machine, commit and command, to build-bench/perf/results/NAME.json.
#   usage: perf/run.sh [--runs N] [--store] [NAME...]      e.g. perf/run.sh compile classify
#     --runs N   of each benchmark: the median of N runs of each figure (1)
#     --store    keep the figures in perf/results
set -euo pipefail
cd "$(dirname "$0")/.."

usage()
{
	sed -n 's/^#   *usage: /usage: /p; s/^#     --/  --/p' perf/run.sh >&2
	exit 2
}

command="perf/run.sh${*:+ $*}"
runs=1 store=0
while [ $# -gt 0 ]; do
	case $1 in
	--runs)
		[[ ${2:-} =~ ^[1-9][0-9]*$ ]] || usage
		runs=$2
		shift
		;;
	--store) store=1 ;;
	-*) usage ;;
	*) break ;;
	esac
	shift
done

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

# A program of the build, or a script that needs root.
program_of()
{
	if [ -x "$build/perf/bench_$1" ]; then
		echo "$build/perf/bench_$1"
	else
		echo "perf/bench_$1.sh"
	fi
}

run_one()
{
	local name=$1 program i files=()
	program=$(program_of "$name")
	if [[ $program = *.sh && $(id -u) -ne 0 ]]; then
		echo "skipped: needs root"
		return 0
	fi
	for i in $(seq "$runs"); do
		[ "$runs" -eq 1 ] || printf -- '-- run %d of %d\n' "$i" "$runs"
		files+=("$results/$name.run$i")
		TIDEGATE_BUILD=$PWD/$build "$program" --json "$results/$name.run$i" || return
	done
	python3 perf/results.py record "$name" "$results/$name.json" "$command" "${files[@]}" || return
	rm -f "${files[@]}"
	python3 perf/results.py compare "$results/$name.json" "perf/results/$name.json" || return
	if [ $store -eq 1 ]; then
		mkdir -p perf/results
		cp "$results/$name.json" "perf/results/$name.json"
	fi
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

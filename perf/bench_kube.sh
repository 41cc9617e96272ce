#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A cluster of the reference size read from an API server (its double): how long until it is
# enforced, what it takes of memory, and how long a pod's change takes while a thousand a second
# come. Real processes; the dataplane has ports without packets.
# usage: bench_kube.sh [--json FILE]
#   KUBE_PODS, KUBE_POLICIES, KUBE_RATE, KUBE_SECONDS: other sizes
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
build=${TIDEGATE_BUILD:-$root/build-bench}
[ "$(id -u)" -eq 0 ] || {
	echo "kube: needs root" >&2
	exit 1
}
python3 "$root/perf/kube.py" "$build" "${KUBE_PODS:-100000}" "${KUBE_POLICIES:-10000}" \
	"${KUBE_RATE:-1000}" "${KUBE_SECONDS:-60}" "$@" || exit 1
"$build/tests/kube/kube_source_scale_test" "${KUBE_PODS:-100000}" "${KUBE_POLICIES:-10000}" \
	"${KUBE_RATE:-1000}" "${KUBE_SECONDS:-60}" >/dev/null || {
	echo "kube: after such changes the store differs from what the server has" >&2
	exit 1
}
echo "after the same changes in one process the store has what the server has"

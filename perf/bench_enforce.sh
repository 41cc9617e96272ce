#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# From a file's close to the first packet judged by it, in a generated cluster of the reference size
# and with a connection table full of live flows. Real processes, TAP ports, own namespaces.
# usage: bench_enforce.sh [--json FILE]
#   ENFORCE_PODS, ENFORCE_POLICIES, ENFORCE_FLOWS, ENFORCE_ROUNDS: other sizes
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
build=${TIDEGATE_BUILD:-$root/build-bench}
# shellcheck source=scripts/lab.sh
. "$root/scripts/lab.sh"
pods=${ENFORCE_PODS:-100000} policies=${ENFORCE_POLICIES:-10000}
flows=${ENFORCE_FLOWS:-1000000} rounds=${ENFORCE_ROUNDS:-100}
[ "$(id -u)" -eq 0 ] || {
	echo "enforce: needs root" >&2
	exit 1
}

lab_init "tgen" tap
lab_pod a 1
lab_pod b 2
"$build/perf/gen/tidegate-gen" --pods "$pods" --policies "$policies" "$LAB_DIR/manifests" >/dev/null
cat >"$LAB_DIR/manifests/probe-pods.yaml" <<'END'
apiVersion: v1
kind: Pod
metadata: {namespace: probe, name: a, labels: {app: a}}
spec: {nodeName: other-node, containers: [{name: c}]}
status: {phase: Running, podIP: 10.10.1.2}
---
apiVersion: v1
kind: Pod
metadata: {namespace: probe, name: b, labels: {app: b}}
spec: {nodeName: other-node, containers: [{name: c}]}
status: {phase: Running, podIP: 10.10.2.2}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {namespace: probe, name: a}
spec: {podSelector: {matchLabels: {app: a}}, policyTypes: [Egress], egress: [{}]}
END
LAB_MEMORY=4096
# A flow crosses both wires and is a connection on each; none of them is ever answered.
room=$((flows * 5 / 2))
LAB_DATAPLANE_EXTRA="connections: {ipv4: $room, half-open: $((2 * room)), half-open-per-source: $room}
timeouts: {udp-unreplied: 3600, udp-replied: 3600, udp-stream: 3600}"
lab_dataplane_config >"$LAB_DIR/dataplane.yaml"
lab_ctrl_config deny >"$LAB_DIR/ctrl.yaml"
lab_dataplane_start "$build" || exit 1
lab_plumb
lab_in a ip addr add 10.10.1.77/24 dev eth0
lab_in a ip link set dev eth0 txqueuelen 10000
ip netns exec "$LAB-gw" "$build/ctrl/tidegate-ctrl" -c "$LAB_DIR/ctrl.yaml" >"$LAB_DIR/ctrl.log" 2>&1 &
LAB_PIDS+=($!)
metric()
{
	lab_in gw curl -sf http://127.0.0.1:9469/metrics | awk -v m="$1" 'index($1, m) == 1 { s += $NF } END { printf "%d\n", s }'
}
ready()
{
	lab_in gw curl -sf http://127.0.0.1:9469/readyz
}
lab_wait 120 "the first ruleset" ready || {
	tail "$LAB_DIR"/*.log >&2
	exit 1
}
# The flows' ports must be open while they are made; enforce.py keeps them open.
cat >"$LAB_DIR/manifests/probe-policy.yaml" <<'END'
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {namespace: probe, name: b}
spec:
  podSelector: {matchLabels: {app: b}}
  policyTypes: [Ingress]
  ingress:
  - from: [{podSelector: {matchLabels: {app: a}}}]
    ports: [{protocol: UDP, port: 1, endPort: 7000}]
END
lab_in a ping -c 1 -W 2 10.10.1.1 >/dev/null
mac=$(lab_in a ip -j neigh show 10.10.1.1 | jq -r '.[0].lladdr')
full()
{
	[ "$(metric 'tidegate_connections{')" -ge "$flows" ]
}
for _ in 1 2 3 4 5 6; do
	full && break
	lab_in a "$build/perf/flowload" eth0 "$mac" 10.10.1.2 10.10.2.2 "$flows" 100000
done
lab_in gw curl -sf http://127.0.0.1:9469/v1/status | jq -c '{ruleset, generation}'
echo "live connections: $(metric 'tidegate_connections{')"
python3 "$root/perf/enforce.py" "$LAB" "$LAB_DIR/manifests" "$rounds" "$@"

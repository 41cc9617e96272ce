#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Shared by the end-to-end scenarios. A scenario is sourced setup, statements and checks; its log is
# printed by meson only when it fails. Exit 77: skipped, with the reason.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${TIDEGATE_BUILD:-$root/build}
export LSAN_OPTIONS="suppressions=$root/tests/e2e/lsan.supp:print_suppressions=0"
# shellcheck source=scripts/lab.sh
. "$root/scripts/lab.sh"

skip()
{
	echo "skipped: $*"
	exit 77
}

fail()
{
	echo "FAIL: $*"
	for log in "$LAB_DIR"/*.log; do
		echo "--- $log"
		tail -n 40 "$log"
	done
	exit 1
}

[ "$(id -u)" -eq 0 ] || skip "needs root for network namespaces"
[ -c /dev/net/tun ] || skip "no /dev/net/tun"

needs_af_xdp()
{
	python3 -c 'import socket; socket.socket(44, socket.SOCK_RAW).close()' 2>/dev/null ||
		skip "this kernel has no AF_XDP sockets"
}

# check WHAT COMMAND... : the command must succeed
check()
{
	local what=$1
	shift
	"$@" >>"$LAB_DIR/check.log" 2>&1 || fail "$what: $*"
	echo "ok: $what"
}

# check_not WHAT COMMAND... : the command must fail
check_not()
{
	local what=$1
	shift
	if "$@" >>"$LAB_DIR/check.log" 2>&1; then
		fail "$what: $* should have failed"
	fi
	echo "ok: $what"
}

# The control process, in the gateway's namespace: its HTTP port is nobody else's there.
ctrl_start()
{
	[ -f "$LAB_DIR/ctrl.yaml" ] || lab_ctrl_config deny >"$LAB_DIR/ctrl.yaml"
	ip netns exec "$LAB-gw" "${LAB_UNDER[@]}" "$build/ctrl/tidegate-ctrl" -c "$LAB_DIR/ctrl.yaml" \
		>>"$LAB_DIR/ctrl.log" 2>&1 &
	CTRL=$!
	LAB_PIDS+=("$CTRL")
}

http()
{
	lab_in gw curl -sf --max-time 5 "http://127.0.0.1:9469$1"
}

ready()
{
	http /readyz
}

applied()
{
	http /v1/status | jq -r .generation.applied
}

# Waits until a generation after $1 is applied.
newer_than()
{
	[ "$(applied)" -gt "$1" ]
}

# drops REASON : packets dropped for it so far
drops()
{
	http /metrics | awk -v r="reason=\"$1\"" \
		'/^tidegate_drop.*packets/ && index($0, r) { sum += $NF } END { printf "%d\n", sum }'
}

# pods NAME... : with numbers from 1, and their manifest
pods()
{
	local n=0 name
	for name in "$@"; do
		n=$((n + 1))
		lab_pod "$name" $n
	done
	mkdir "$LAB_DIR/manifests"
	pod_manifest >"$LAB_DIR/manifests/pods.yaml"
}

# pod NAME APP ADDRESS... : one pod's manifest
pod()
{
	local name=$1 app=$2 ips
	shift 2
	ips=$(printf '{ip: "%s"}, ' "$@")
	cat <<-END
		apiVersion: v1
		kind: Pod
		metadata: {namespace: default, name: $name, labels: {app: $app}}
		spec: {nodeName: other-node, containers: [{name: c, ports: [{name: http, containerPort: 8080}]}]}
		status: {phase: Running, podIPs: [${ips%, }]}
		---
	END
}

pod_manifest()
{
	local pod name n
	for pod in "${LAB_PODS[@]}"; do
		name=${pod%:*} n=${pod#*:}
		pod "$name" "$name" "10.10.$n.2" "fd00:10:$n::2"
	done
	cat <<-END
		apiVersion: v1
		kind: Node
		metadata: {name: node-1}
		spec: {podCIDRs: [10.10.0.0/16, "fd00:10::/32"]}
		status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}
	END
}

# manifest FILE : from standard input, all at once
manifest()
{
	cat >"$LAB_DIR/manifest.tmp"
	mv "$LAB_DIR/manifest.tmp" "$LAB_DIR/manifests/$1"
}

# policy NAME SPEC : in a file of its own, in flow style
policy()
{
	manifest "$1.yaml" <<-END
		apiVersion: networking.k8s.io/v1
		kind: NetworkPolicy
		metadata: {namespace: default, name: $1}
		spec: $2
	END
}

# policy_ports PORT [MORE] : pods reach each other on this port of TCP, and what else egress allows
policy_ports()
{
	local ports="ports: [{port: $1}]"
	policy open "{podSelector: {}, policyTypes: [Ingress, Egress],
		ingress: [{from: [{podSelector: {}}], $ports}],
		egress: [{to: [{podSelector: {}}], $ports}${2:+, $2}]}"
}

# Both processes end as they should: by SIGTERM, with exit code 0 and, in a sanitized build, without a
# report.
gateway_down()
{
	local name pid status
	for name in CTRL LAB_DATAPLANE; do
		pid=${!name}
		kill "$pid" 2>/dev/null
		wait "$pid"
		status=$?
		[ $status -eq 0 ] || fail "$name left with exit code $status"
	done
	if grep -hE 'ERROR: (Address|Leak)Sanitizer|runtime error:' "$LAB_DIR"/ctrl.log "$LAB_DIR"/dataplane.log; then
		fail "a sanitizer complains"
	fi
	echo "ok: both processes stop cleanly"
}

# Gateway, control process, pods; manifests are in $LAB_DIR/manifests already.
gateway_up()
{
	[ "$LAB_PORTS" = tap ] || lab_plumb
	lab_dataplane_config >"$LAB_DIR/dataplane.yaml"
	lab_dataplane_start "$build" || fail "the dataplane did not start"
	[ "$LAB_PORTS" != tap ] || lab_plumb
	ctrl_start
	lab_wait 20 "the first ruleset" ready || fail "no ruleset came into force"
}

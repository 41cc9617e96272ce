#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A hundred policy changes under traffic: no packet of an allowed flow is lost, no packet of a denied
# flow passes, and a flow that a change revokes is cut.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
lab_init "tgpc" tap
lab_pod a 1
lab_pod b 2
mkdir "$LAB_DIR/manifests"
pod_manifest >"$LAB_DIR/manifests/pods.yaml"

# allow PORT... : b takes these UDP ports from a
allow()
{
	local ports=
	for port in "$@"; do
		ports+="${ports:+, }{protocol: UDP, port: $port}"
	done
	cat >"$LAB_DIR/policy.tmp" <<-END
		apiVersion: networking.k8s.io/v1
		kind: NetworkPolicy
		metadata: {namespace: default, name: b}
		spec:
		  podSelector: {matchLabels: {app: b}}
		  policyTypes: [Ingress]
		  ingress:
		  - from: [{podSelector: {matchLabels: {app: a}}}]
		    ports: [$ports]
		---
		apiVersion: networking.k8s.io/v1
		kind: NetworkPolicy
		metadata: {namespace: default, name: a}
		spec: {podSelector: {matchLabels: {app: a}}, policyTypes: [Egress], egress: [{}]}
	END
	mv "$LAB_DIR/policy.tmp" "$LAB_DIR/manifests/policy.yaml"
}

allow 7001 7003
gateway_up
for family in 4 6; do
	for port in 1 2 3; do
		lab_bg b "$root/tests/e2e/udpflow.py" receive "7${family}0$port" "$LAB_DIR/got.$family.$port"
	done
done
# The flows of the two families use ports 74xx and 76xx.
ports_of() { echo "740$1 760$1"; }
# shellcheck disable=SC2046
allow $(ports_of 1) $(ports_of 3)
lab_wait 10 "ports open" newer_than 1
lab_in a ping -c 1 -W 2 10.10.1.1 >/dev/null
lab_in a ping -c 1 -W 2 fd00:10:1::1 >/dev/null

count=4000
senders=()
for port in 1 2 3; do
	for family in 4 6; do
		to=10.10.2.2
		[ $family = 6 ] && to=fd00:10:2::2
		ip netns exec "$LAB-a" "$root/tests/e2e/udpflow.py" send $to "7${family}0$port" $count 4 &
		senders+=($!)
		LAB_PIDS+=($!)
	done
done
got()
{
	[ -s "$LAB_DIR/got.4.$1" ] && [ -s "$LAB_DIR/got.6.$1" ]
}
lab_wait 10 "allowed flows" got 1 || fail "the allowed flow does not arrive"
lab_wait 10 "allowed flows" got 3 || fail "the flow to be revoked does not arrive"

# Port 2 is never allowed; port 3 until now; others come and go.
before=$(applied)
# shellcheck disable=SC2046
allow $(ports_of 1)
lab_wait 10 "the revocation" newer_than "$before" || fail "the change did not get in force"
cut4=$(wc -l <"$LAB_DIR/got.4.3") cut6=$(wc -l <"$LAB_DIR/got.6.3")
for i in $(seq 100); do
	before=$(applied)
	# shellcheck disable=SC2046
	allow $(ports_of 1) $((20000 + i)) $((30000 + i * 3))
	lab_wait 10 "change $i" newer_than "$before" || fail "change $i did not get in force"
done
echo "generation $(applied) after 100 changes"
alive=0
for pid in "${senders[@]}"; do
	kill -0 "$pid" 2>/dev/null && alive=$((alive + 1))
done
echo "senders still running after the last change: $alive of ${#senders[@]}"
for pid in "${senders[@]}"; do
	wait "$pid"
done

all_in()
{
	[ "$(wc -l <"$LAB_DIR/got.4.1")" -ge $count ] && [ "$(wc -l <"$LAB_DIR/got.6.1")" -ge $count ]
}
lab_wait 5 "the last packets" all_in
for family in 4 6; do
	n=$(sort -nu "$LAB_DIR/got.$family.1" | wc -l)
	[ "$n" -eq $count ] || fail "IPv$family: $((count - n)) of $count allowed packets were lost"
	echo "ok: IPv$family: all $count packets of the allowed flow arrived"
	[ ! -s "$LAB_DIR/got.$family.2" ] || fail "IPv$family: packets of the denied flow passed"
	echo "ok: IPv$family: none of the denied flow did"
done
# What was sent before the acknowledgement may still have been in a socket queue.
[ "$(wc -l <"$LAB_DIR/got.4.3")" -le $((cut4 + 3)) ] || fail "IPv4: the revoked flow went on"
[ "$(wc -l <"$LAB_DIR/got.6.3")" -le $((cut6 + 3)) ] || fail "IPv6: the revoked flow went on"
echo "ok: the revoked flow was cut at $cut4 and $cut6 of $count"
gateway_down

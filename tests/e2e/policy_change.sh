#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A hundred policy changes under traffic: no packet of an allowed flow is lost, no packet of a denied
# flow passes, and a flow that a change revokes is cut: UDP, and a TCP stream whose server may still
# open connections of its own to the client, just after the start when segments are picked up.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
lab_init "tgpc" tap
pods a b

# Both pods may send what they want: only b's ingress is governed.
lab_ctrl_config kubernetes >"$LAB_DIR/ctrl.yaml"

# allow PORT... : b takes these UDP ports from a, and TCP 8081
allow()
{
	local ports='{protocol: TCP, port: 8081}'
	for port in "$@"; do
		case $port in
		tcp*) ports+=", {protocol: TCP, port: ${port#tcp}}" ;;
		*) ports+=", {protocol: UDP, port: $port}" ;;
		esac
	done
	policy b "{podSelector: {matchLabels: {app: b}}, policyTypes: [Ingress],
		ingress: [{from: [{podSelector: {matchLabels: {app: a}}}], ports: [$ports]}]}"
}

allow 7001 7003
gateway_up
for family in 4 6; do
	for port in 1 2 3; do
		lab_bg b "$root/tests/e2e/udpflow.py" receive "7${family}0$port" "$LAB_DIR/got.$family.$port"
	done
done
for port in 8080 8081; do
	lab_bg b python3 "$root/demo/server.py" b $port
	lab_wait 10 "server $port" lab_in b curl -s "http://[::1]:$port/" || fail "no server"
done
# The flows of the two families use ports 74xx and 76xx.
ports_of() { echo "740$1 760$1"; }
# shellcheck disable=SC2046
allow $(ports_of 1) $(ports_of 3) tcp8080
lab_wait 10 "ports open" newer_than 1
lab_in a ping -c 1 -W 2 10.10.1.1 >/dev/null
lab_in a ping -c 1 -W 2 fd00:10:1::1 >/dev/null

# stream NAME URL : a line every tenth of a second
stream()
{
	lab_in a curl -sN --max-time 120 "$2/stream" >"$LAB_DIR/stream.$1" 2>/dev/null &
	LAB_PIDS+=($!)
}
stream 4 http://10.10.2.2:8080
stream 6 "http://[fd00:10:2::2]:8080"
stream kept http://10.10.2.2:8081
senders=()
for port in 1 2 3; do
	for family in 4 6; do
		to=10.10.2.2
		[ $family = 6 ] && to=fd00:10:2::2
		ip netns exec "$LAB-a" "$root/tests/e2e/udpflow.py" send $to "7${family}0$port" 4 \
			"$LAB_DIR/sent.$family.$port" &
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
# streamed NAME LINES : more than that many
streamed()
{
	[ "$(wc -l <"$LAB_DIR/stream.$1")" -gt "$2" ]
}
for name in 4 6 kept; do
	lab_wait 10 "the stream" streamed $name 5 || fail "stream $name does not arrive"
done

# Port 2 is never allowed; port 3 until now; others come and go.
before=$(applied)
# shellcheck disable=SC2046
allow $(ports_of 1)
lab_wait 10 "the revocation" newer_than "$before" || fail "the change did not get in force"
cut4=$(wc -l <"$LAB_DIR/got.4.3") cut6=$(wc -l <"$LAB_DIR/got.6.3")
stream4=$(wc -l <"$LAB_DIR/stream.4") stream6=$(wc -l <"$LAB_DIR/stream.6")
kept=$(wc -l <"$LAB_DIR/stream.kept")
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
[ $alive -eq ${#senders[@]} ] || fail "only $alive of ${#senders[@]} senders lived through the changes"
for pid in "${senders[@]}"; do
	kill "$pid"
	wait "$pid"
done
sent4=$(cat "$LAB_DIR/sent.4.1") sent6=$(cat "$LAB_DIR/sent.6.1")

all_in()
{
	[ "$(wc -l <"$LAB_DIR/got.4.1")" -ge "$sent4" ] && [ "$(wc -l <"$LAB_DIR/got.6.1")" -ge "$sent6" ]
}
lab_wait 5 "the last packets" all_in
for family in 4 6; do
	n=$(sort -nu "$LAB_DIR/got.$family.1" | wc -l)
	count=$(cat "$LAB_DIR/sent.$family.1")
	[ "$n" -eq "$count" ] || fail "IPv$family: $((count - n)) of $count allowed packets were lost"
	echo "ok: IPv$family: all $count packets of the allowed flow arrived"
	[ ! -s "$LAB_DIR/got.$family.2" ] || fail "IPv$family: packets of the denied flow passed"
	echo "ok: IPv$family: none of the denied flow did"
done
# What was sent before the acknowledgement may still have been in a socket queue.
[ "$(wc -l <"$LAB_DIR/got.4.3")" -le $((cut4 + 3)) ] || fail "IPv4: the revoked flow went on"
[ "$(wc -l <"$LAB_DIR/got.6.3")" -le $((cut6 + 3)) ] || fail "IPv6: the revoked flow went on"
echo "ok: the revoked flow was cut at $cut4 of $sent4 and $cut6 of $sent6"
[ "$(wc -l <"$LAB_DIR/stream.4")" -le $((stream4 + 3)) ] || fail "IPv4: the revoked stream went on"
[ "$(wc -l <"$LAB_DIR/stream.6")" -le $((stream6 + 3)) ] || fail "IPv6: the revoked stream went on"
[ "$(wc -l <"$LAB_DIR/stream.kept")" -gt "$kept" ] || fail "the allowed stream did not go on"
echo "ok: the revoked streams were cut at $stream4 and $stream6 lines, the other one went on"
gateway_down

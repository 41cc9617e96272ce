#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Real clients of both families through the gateway: what policies allow works in full (large
# transfers, fragments, path), what they do not is dropped and counted with its reason.
# usage: clients.sh [tap|af_packet|af_xdp]
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
[ "${1:-tap}" != af_xdp ] || needs_af_xdp
lab_init "tgcl" "${1:-tap}"
pods a b c
policy deny '{podSelector: {}, policyTypes: [Ingress, Egress]}'
policy a-to-b '{podSelector: {matchLabels: {app: a}}, policyTypes: [Egress],
  egress: [{to: [{podSelector: {matchLabels: {app: b}}}]}]}'
policy c-anywhere '{podSelector: {matchLabels: {app: c}}, policyTypes: [Egress], egress: [{}]}'
policy b-from-a '{podSelector: {matchLabels: {app: b}}, policyTypes: [Ingress],
  ingress: [{from: [{podSelector: {matchLabels: {app: a}}}]}]}'
gateway_up

mkdir "$LAB_DIR/www"
head -c 3000000 /dev/urandom >"$LAB_DIR/www/large"
lab_bg b python3 "$root/tests/e2e/web.py" "$LAB_DIR/www" 8080
lab_wait 10 "the server" lab_in b curl -s "http://[::1]:8080/" || fail "no server"

for b in 10.10.2.2 "[fd00:10:2::2]"; do
	lab_in a curl -s --max-time 20 "http://$b:8080/large" >"$LAB_DIR/large" || true
	check "3 MB from $b arrive whole" cmp "$LAB_DIR/large" "$LAB_DIR/www/large"
	check_not "c gets nothing from $b" lab_in c curl -s --max-time 2 "http://$b:8080/large"
done
for b in 10.10.2.2 fd00:10:2::2; do
	check "ping $b" lab_in a ping -c 3 -i 0.2 -W 3 "$b"
	# The kernel reassembles IPv4 before AF_PACKET's fanout; the driver cuts what is then too long.
	if [ "$LAB_PORTS-$b" = af_packet-10.10.2.2 ]; then
		check_not "3,000-byte ping $b" lab_in a ping -c 2 -i 0.2 -W 1 -s 3000 "$b"
		[ "$(drops malformed_l3)" -gt 0 ] || fail "a truncated datagram is not counted"
	else
		check "3,000-byte ping $b in fragments" lab_in a ping -c 3 -i 0.2 -W 3 -s 3000 "$b"
	fi
	check_not "no ping from c to $b" lab_in c ping -c 2 -i 0.2 -W 1 "$b"
done
check_not "b opens nothing to a" lab_in b curl -s --max-time 2 http://10.10.1.2:8080/
[ "$(drops policy_ingress)" -gt 0 ] || fail "drops at b's ingress are not counted"
[ "$(drops policy_egress)" -gt 0 ] || fail "drops at b's egress are not counted"
echo "ok: denies are counted by side"

lab_in a ip addr add 10.10.1.99/24 dev eth0
check_not "an unknown address in the pod range gets nowhere" \
	lab_in a ping -c 2 -i 0.2 -W 1 -I 10.10.1.99 10.10.2.2
[ "$(drops unknown_endpoint)" -gt 0 ] || fail "the unknown endpoint is not counted"
echo "ok: the unknown endpoint is counted"

# Several workers: what arrives at the wrong one was judged by the right one.
handed=$(http /metrics | awk '/^tidegate_worker_handoff_sent_packets_total/ { n += $NF } END { print n + 0 }')
[ "${LAB_WORKERS:-1}" -eq 1 ] || [ "$handed" -gt 0 ] || fail "no packet was handed over"
echo "packets handed from worker to worker: $handed"
gateway_down

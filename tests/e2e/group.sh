#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Two wires in one group (links of a LAG, equal-cost paths): requests leave by the first, replies
# come back by the second. Pods are behind no outside port: one's address from there is spoofed.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
lab_init "tggr" tap
pods a
pod other other 10.10.9.2 | manifest other.yaml
policy out '{podSelector: {}, policyTypes: [Ingress, Egress],
  ingress: [{from: [{podSelector: {}}]}], egress: [{ports: [{port: 8080}]}]}'
{
	lab_dataplane_config | sed '/^ports:/,$d'
	echo "ports:"
	for port in p1 p2; do echo "- {name: $port, device: 'net_tap$port,iface=$port', side: inside}"; done
	for port in f1 f2; do echo "- {name: $port, device: 'net_tap$port,iface=$port', side: outside}"; done
	echo "wires: [{ports: [p1, f1], group: lag}, {ports: [p2, f2], group: lag}]"
} >"$LAB_DIR/dataplane.yaml"
lab_dataplane_start "$build" || fail "the dataplane did not start"
lab_plumb
lab_internet 198.51.100.1 2001:db8:f::1
lab_port_plumb a eth1 2 p
lab_port_plumb fabric a2 2 f
for ns in a fabric; do
	lab_in $ns sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
done
for end in "a eth1" "fabric a2"; do
	# shellcheck disable=SC2086
	set -- $end
	lab_in "$1" sysctl -qw "net.ipv4.conf.$2.rp_filter=0"
	lab_in "$1" ip link set dev "$2" up
done
lab_in a sysctl -qw net.ipv4.conf.eth0.rp_filter=0
mac=$(lab_in a cat /sys/class/net/eth1/address)
for address in 10.10.1.2 fd00:10:1::2; do
	lab_in fabric ip route replace $address dev a2
	lab_in fabric ip neigh replace $address lladdr "$mac" dev a2
done
ctrl_start
lab_wait 20 "the first ruleset" ready || fail "no ruleset came into force"

head -c 1000000 /dev/urandom >"$LAB_DIR/large"
lab_bg internet python3 "$root/tests/e2e/web.py" "$LAB_DIR" 8080
lab_wait 10 "server" lab_in internet curl -s "http://[::1]:8080/" || fail "no server"
received() { lab_in a cat "/sys/class/net/$1/statistics/rx_bytes"; }
for server in 198.51.100.1 "[2001:db8:f::1]"; do
	before=$(received eth1)
	check "out by wire 1, back by wire 2: $server" \
		lab_in a curl -s --max-time 20 -o "$LAB_DIR/got" "http://$server:8080/large"
	check "it arrives whole" cmp "$LAB_DIR/large" "$LAB_DIR/got"
	[ $(($(received eth1) - before)) -gt 1000000 ] || fail "the reply did not come by wire 2"
done

# Allowed by the policy, if it came from a pod.
spoofed=$(drops spoofed)
lab_in internet ip addr add 10.10.9.2/32 dev lo
check_not "a pod's address from outside" \
	lab_in internet ping -c 2 -i 0.2 -W 1 -I 10.10.9.2 10.10.1.2
[ "$(drops spoofed)" -gt "$spoofed" ] || fail "it is not counted as spoofed"
echo "ok: it is counted as spoofed"
gateway_down

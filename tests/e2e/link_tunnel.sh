#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A pod that no policy allows anything gets nothing out as traffic of its link: not with DHCP's
# ports, not as neighbour discovery, not in another's name. Neighbour discovery itself works.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
lab_init "tglt" tap
pods a b c
policy deny '{podSelector: {}, policyTypes: [Ingress, Egress]}'
policy c-anywhere '{podSelector: {matchLabels: {app: c}}, policyTypes: [Egress], egress: [{}]}'
policy b-from-c '{podSelector: {matchLabels: {app: b}}, policyTypes: [Ingress],
  ingress: [{from: [{podSelector: {matchLabels: {app: c}}}]}]}'
gateway_up
lab_internet 198.51.100.1 2001:db8:2::1
lab_bg internet "$root/tests/e2e/tunnel.py" watch eth0 "$LAB_DIR/seen"
lab_wait 10 "the watcher" grep -q watching "$LAB_DIR/seen" || fail "nobody watches"

router=$(lab_in fabric cat /sys/class/net/a/address)
declare -A before
for reason in policy_egress link_invalid; do
	before[$reason]=$(drops $reason)
done
lab_in a "$root/tests/e2e/tunnel.py" send eth0 "$router" 10.10.1.2 fd00:10:1::2 198.51.100.1 \
	2001:db8:2::1 >"$LAB_DIR/sent" || fail "nothing was sent"

# dropped REASON COUNT : that many at least since before, of which the hosts' own may be some
dropped()
{
	[ "$(drops "$1")" -ge $((before[$1] + $2)) ]
}
while read -r reason count; do
	lab_wait 10 "drops" dropped "$reason" "$count" || fail "not all $count frames are $reason"
	echo "ok: all $count frames dropped as $reason"
done <"$LAB_DIR/sent"

# What was sent after them by a pod that may has arrived: they would have, too.
control()
{
	lab_in c bash -c 'echo by-the-front-door >/dev/udp/198.51.100.1/9'
	lab_in c bash -c 'echo by-the-front-door >/dev/udp/2001:db8:2::1/9'
	grep -q 'control 0800' "$LAB_DIR/seen" && grep -q 'control 86dd' "$LAB_DIR/seen"
}
lab_wait 10 "packets of another pod" control || fail "what is allowed does not arrive"
grep tunnel "$LAB_DIR/seen" && fail "the pod got something out"
echo "ok: nothing came out"

lab_in c ip -6 neigh flush dev eth0
check "IPv6 works, neighbour discovery and all" lab_in c ping -c 3 -i 0.2 -W 3 fd00:10:2::2
lab_in c sysctl -qw net.ipv6.conf.eth0.accept_dad=1 net.ipv6.conf.eth0.dad_transmits=1
lab_in c ip addr add fd00:10:3::1/64 dev eth0
duplicate()
{
	lab_in c ip -6 addr show dev eth0 dadfailed | grep -q fd00:10:3::1/
}
check "the router's address is found to be a duplicate" lab_wait 10 "detection" duplicate
check_not "but not for the pod that nothing is allowed" lab_in a ping -c 1 -W 1 fd00:10:2::2
gateway_down

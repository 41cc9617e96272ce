#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Pods whose packets cross the gateway with an 802.1Q tag are judged like others, and the tag stays.
# There are no addresses outside the VLAN: what arrives came with the tag.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
lab_init "tgvl" "${1:-tap}"
pods a b
policy_ports 8080
gateway_up

# tag NAMESPACE PARENT ADDRESS4 ADDRESS6: addresses move from the parent to its VLAN 7
tag()
{
	lab_in "$1" ip addr flush dev "$2"
	lab_in "$1" ip link set dev "$2" up
	lab_in "$1" ip link add link "$2" name "$2.7" type vlan id 7 2>/dev/null ||
		lab_bg "$1" "$root/tests/e2e/vlan.py" "$2" "$2.7" 7
	lab_wait 10 "interface $2.7" lab_in "$1" test -e "/sys/class/net/$2.7" || fail "no VLAN"
	lab_in "$1" ip link set dev "$2.7" up
	lab_in "$1" ip addr add "$3/24" dev "$2.7"
	lab_in "$1" ip addr add "$4/64" dev "$2.7" nodad
}
for pod in "${LAB_PODS[@]}"; do
	name=${pod%:*} n=${pod#*:}
	tag "$name" eth0 "10.10.$n.2" "fd00:10:$n::2"
	tag fabric "$name" "10.10.$n.1" "fd00:10:$n::1"
	lab_in "$name" ip route replace default via "10.10.$n.1"
	lab_in "$name" ip -6 route replace default via "fd00:10:$n::1" dev eth0.7
done

head -c 300000 /dev/urandom >"$LAB_DIR/large"
for port in 8080 8081; do
	lab_bg b python3 "$root/tests/e2e/web.py" "$LAB_DIR" $port
	lab_wait 10 "server" lab_in b curl -s "http://[::1]:$port/" || fail "no server"
done
for b in 10.10.2.2 "[fd00:10:2::2]"; do
	check "allowed with a tag: $b" lab_in a curl -s --max-time 20 -o "$LAB_DIR/got" "http://$b:8080/large"
	check "it arrives whole" cmp "$LAB_DIR/large" "$LAB_DIR/got"
	check_not "denied with a tag: $b" lab_in a curl -s --max-time 2 "http://$b:8081/"
done
[ "$(drops policy_egress)" -gt 0 ] || fail "the denied packets are not counted"
echo "ok: the denied packets are counted"
gateway_down

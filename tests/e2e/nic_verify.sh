#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# `tidegate nic verify` as a program, to its end, on live ports: the NIC model over one end of a veth with the
# generator on the other; a NIC that does as its profile says, one that does everything wrong, and drivers
# that take no rules.
# shellcheck source=tests/e2e/nicmodel.sh
. "$(dirname "$0")/nicmodel.sh"
model=$1
model_loads "$model"
lab_init tgnv af_packet
profiles=$root/nic-profiles
lab_in gw ip link add near numrxqueues 2 type veth peer name far
for end in near far; do
	lab_in gw sysctl -qw "net.ipv6.conf.$end.disable_ipv6=1"
	lab_in gw ip link set "$end" up
done


# A NIC that does little, and all of it right.
src="source: tests/nicmodel/nicmodel.h @ v1"
mkdir "$LAB_DIR/profiles"
cat >"$LAB_DIR/profiles/small.yaml" <<END
title: a small NIC
dpdk: v22.11.11
verified: from-source
drivers: {are: [net_tgmodel], $src}
on-stop: {is: kept, $src}
engines:
  - name: only
    domains: {are: [ingress], $src}
    protocols: [{are: [any, tcp, udp], $src}]
    fields:
      - {are: [ipv4.src, ipv4.dst, ipv6.src, ipv6.dst, tcp.dport, udp.dport], mask: exact, $src}
    actions: [{are: [drop, count, software, jump], $src}]
    untagged: {is: true, $src}
    shapes: {is: free, $src}
    groups: {is: 2, $src}
    miss-to-software: {is: true, $src}
    priorities: {is: 2, $src}
    counters: {hits: true, bytes: true, $src}
    duplicates: {is: refused, $src}
placement: [{are: [tcp4, udp4], by: key, $src}]
strategies:
  deny-cache: {use: true, $src}
  connections: {use: false, why-not: it forwards nothing, $src}
  mark: {use: false, why-not: it marks nothing, $src}
  symmetric-rss: {use: true, $src}
END

# verify OUT ARGUMENT... : its exit code in $code
verify()
{
	local out=$LAB_DIR/$1.log
	shift
	lab_in gw timeout 100 "$build/ctrl/cli/tidegate" nic verify --no-huge --eal "--file-prefix=$LAB" -o json "$@" \
		>"$out" 2>"$LAB_DIR/stderr.log"
	code=$?
}

# model OUT FOLDER PROFILE DEVARGS : on the model, which does as PROFILE says but for DEVARGS
model()
{
	verify "$1" --eal -d --eal "$model" --eal "--vdev=net_af_packet0,iface=near,qpairs=2" --profiles "$2" --profile "$3" \
		--generator net_af_packet1,iface=far "net_tgmodel0,lower=net_af_packet0,profile=$2/$3.yaml$4"
}

# count OUT FILTER : of lines
count()
{
	jq "[.lines[] | select($2)] | length" "$LAB_DIR/$1.log"
}

# right FOLDER PROFILE LINES : nothing is WRONG, at least so many lines are ok
right()
{
	model "$2" "$1" "$2" ''
	[ "$code" -eq 0 ] || fail "$2: exit code $code of a NIC that does as its profile says"
	[ "$(count "$2" '.verdict == "wrong"')" -eq 0 ] || fail "$2: something is WRONG"
	[ "$(count "$2" '.verdict == "ok"')" -ge "$3" ] || fail "$2: only $(count "$2" '.verdict == "ok"') lines are ok"
	echo "ok: $2: $(count "$2" '.verdict == "ok"') lines are ok"
}
right "$profiles" enic 20
right "$LAB_DIR/profiles" small 15

# quirk NAME LINE : what the profile does not say shows on its line
quirk()
{
	model "$1" "$LAB_DIR/profiles" small ",on=$1"
	[ "$code" -eq 1 ] || fail "$1: exit code $code"
	[ "$(count "$1" ".verdict == \"wrong\" and (.line | startswith(\"$2\"))")" -ge 1 ] ||
		fail "$1 is not WRONG at \"$2\""
	echo "ok: $1 is WRONG at \"$2\""
}
quirk key-ignored 'placement udp4'
quirk vlan-blind 'a match without tags'
quirk options-matched 'ports and IPv4 options'
quirk extensions-matched 'ports and extension headers'
quirk priority-ignored 'priority 0 before 1'
quirk group-ignored 'groups'
quirk first-wins 'duplicates'
quirk lost-on-stop 'on-stop'
# Not fragments: AF_PACKET's fanout puts them together before anybody sees them (verify_test has them).

# supports_nothing OUT ARGUMENT... : and says so
supports_nothing()
{
	verify "$@"
	[ "$code" -eq 1 ] || fail "$1: exit code $code"
	[ "$(count "$1" '.engine != "" and .verdict == "ok"')" -eq 0 ] || fail "$1 does something of its profile"
	[ "$(count "$1" '.engine != "" and .verdict == "wrong" and (.why | test("the driver refuses it"))')" -ge 5 ] ||
		fail "$1: lines do not say that the driver refuses"
	echo "ok: $1 supports no line"
}
# Drivers that take no rules; that of TAP needs tc flower, which this kernel may have.
supports_nothing af_packet --profiles "$profiles" --profile ice --generator net_af_packet1,iface=far \
	net_af_packet0,iface=near
if ! { modprobe cls_flower || grep -q CLS_FLOWER=y /boot/config-"$(uname -r)"; } 2>/dev/null; then
	supports_nothing tap --profiles "$profiles" --generator net_af_packet1,iface=tgnvtap net_tap0,iface=tgnvtap
fi
verify generic --profiles "$profiles" --profile generic --generator net_af_packet1,iface=far net_af_packet0,iface=near
[ "$code" -eq 0 ] || fail "generic: exit code $code"
echo "ok: a profile that offers nothing has nothing wrong"

#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The gateway on the NIC model over AF_PACKET ports: a TCP stream is taken over by hardware and goes on, its
# packets count for its rule; a change of policy that denies it takes it out of hardware and ends it,
# one that stays allowed stays there.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
model=$1
[ -f "$model" ] || skip "no NIC model: DPDK's driver headers were not found at build time"
lab_init "tgof" af_packet
pods a b
lab_ctrl_config kubernetes >"$LAB_DIR/ctrl.yaml"

# allow PORT... : b takes these TCP ports from a
allow()
{
	policy b "{podSelector: {matchLabels: {app: b}}, policyTypes: [Ingress],
		ingress: [{from: [{podSelector: {matchLabels: {app: a}}}], ports: [$(printf '{protocol: TCP, port: %s},' "$@")]}]}"
}

# The AF_PACKET ports stay EAL's own; the gateway's ports are models that wrap them.
wrap_ports()
{
	local taps plugins
	taps=$(grep -o 'net_af_packet[a-z0-9]*,[^"]*' "$LAB_DIR/plain.yaml" | sed 's/.*/"--vdev=&"/' | paste -sd,)
	plugins="arguments: [\"-d\", \"$model\", $taps]"
	sed -e "s|^eal: {|eal: {$plugins, |" \
		-e "s|device: \"net_af_packet\([a-z0-9]*\),[^\"]*\"|device: \"net_tgmodel\1,lower=net_af_packet\1,profile=$root/nic-profiles/mlx5-cx5.yaml,switch=1\", nic-profile: mlx5-cx5|" \
		"$LAB_DIR/plain.yaml" >"$LAB_DIR/dataplane.yaml"
}

metric()
{
	http /metrics | awk -v m="$1" 'index($0, m) == 1 { sum += $NF } END { printf "%d\n", sum }'
}

tidegate_offload()
{
	lab_in gw "$build/ctrl/cli/tidegate" offload "$@" --socket "$LAB_DIR/dataplane.sock"
}

allow 8080 8081
LAB_DATAPLANE_EXTRA="offload: {enabled: true, profiles: $root/nic-profiles, min-packets: 5, poll: 200ms, idle: 5s}"
lab_dataplane_config >"$LAB_DIR/plain.yaml"
wrap_ports
lab_plumb
lab_dataplane_start "$build" || fail "the dataplane did not start"
ctrl_start
lab_wait 20 "the first ruleset" ready || fail "no ruleset came into force"
for port in 8080 8081; do
	lab_bg b python3 "$root/demo/server.py" b $port
	lab_wait 10 "server $port" lab_in b curl -s "http://[::1]:$port/" || fail "no server"
done

# stream PORT : a line every tenth of a second
stream()
{
	lab_in a curl -sN --max-time 120 "http://10.10.2.2:$1/stream" >"$LAB_DIR/stream.$1" 2>/dev/null &
	LAB_PIDS+=($!)
}
lines()
{
	wc -l <"$LAB_DIR/stream.$1"
}
# longer PORT LINES : more than that many have come
longer()
{
	[ "$(lines "$1")" -gt "$2" ]
}
# in_hardware N : so many connections; each stream crosses two wires
in_hardware()
{
	[ "$(metric 'tidegate_offload_entries{state="active"}')" -eq "$1" ]
}
stream 8080
stream 8081
lab_wait 20 "both streams in hardware" in_hardware 4 ||
	fail "$(metric tidegate_offload_entries) connections are in hardware"
echo "ok: both streams are in hardware"
forwarded=$(metric tidegate_offload_packets_total)
more_forwarded()
{
	[ "$(metric tidegate_offload_packets_total)" -gt "$((forwarded + 20))" ]
}
now=$(lines 8080)
lab_wait 10 "the stream goes on" longer 8080 "$((now + 10))" || fail "the stream has stopped"
lab_wait 10 "hardware's counts" more_forwarded || fail "hardware forwards nothing"
check "what is in hardware is listed" tidegate_offload rules
check "a stream is explained" tidegate_offload explain 10.10.1.2 10.10.2.2 TCP 8080
before=$(applied)
allow 8081
lab_wait 10 "the revocation" newer_than "$before" || fail "the change did not get in force"
cut=$(lines 8080) kept=$(lines 8081)
lab_wait 10 "the other stream" longer 8081 "$((kept + 10))" || fail "what is allowed has stopped"
[ "$(lines 8080)" -le "$((cut + 1))" ] || fail "what is denied goes on: $cut, $(lines 8080)"
echo "ok: the denied stream is cut, the other goes on"
# Until its last counts have come it is on its way out.
back_in_software()
{
	tidegate_offload explain 10.10.1.2 10.10.2.2 TCP 8080 >"$LAB_DIR/explain.log"
	[ $? -eq 1 ]
}
lab_wait 10 "the cut stream is forgotten" back_in_software || fail "hardware still has it"
lab_wait 10 "only the other in hardware" in_hardware 2 || fail "what is denied is in hardware"
gateway_down

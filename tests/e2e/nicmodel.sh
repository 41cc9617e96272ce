#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Shared by scenarios with the gateway on the NIC model: pods a and b on AF_PACKET ports that models of
# NICs wrap, streams between them.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# allow PORT... : b takes these TCP ports from a
allow()
{
	policy b "{podSelector: {matchLabels: {app: b}}, policyTypes: [Ingress],
		ingress: [{from: [{podSelector: {matchLabels: {app: a}}}], ports: [$(printf '{protocol: TCP, port: %s},' "$@")]}]}"
}

# The AF_PACKET ports stay EAL's own; the gateway's ports are models that wrap them. A port resets itself
# when $LAB_DIR/reset.net_tgmodelN appears.
wrap_ports()
{
	local model=$1 taps plugins lower='net_af_packet\([a-z0-9]*\)'
	taps=$(grep -o 'net_af_packet[a-z0-9]*,[^"]*' "$LAB_DIR/plain.yaml" | sed "s/.*/\"--vdev=&,qpairs=${LAB_WORKERS:-1}\"/" | paste -sd,)
	plugins="arguments: [\"-d\", \"$model\", $taps]"
	sed -e "s|^eal: {|eal: {$plugins, |" \
		-e "s|device: \"$lower,[^\"]*\"|device: \"net_tgmodel\1,lower=net_af_packet\1,profile=$root/nic-profiles/mlx5-cx5.yaml,switch=1,reset=$LAB_DIR/reset.net_tgmodel\1\", nic-profile: mlx5-cx5|" \
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

# model_loads MODEL : or there is nothing to be tried
model_loads()
{
	local folder=$1
	[ -f "$1" ] || skip "no NIC model: DPDK's driver headers were not found at build time"
	while [ "$folder" != / ]; do
		folder=$(dirname "$folder")
		[ -z "$(find "$folder" -maxdepth 0 -perm -0002)" ] ||
			skip "EAL loads no driver from below $folder, where anybody may write"
	done
}

# model_lab MODEL PREFIX : pods a and b
model_lab()
{
	model_loads "$1"
	lab_init "$2" af_packet
	pods a b
	lab_ctrl_config kubernetes >"$LAB_DIR/ctrl.yaml"
}

# The gateway on $LAB_DIR/dataplane.yaml
model_start()
{
	lab_plumb
	lab_dataplane_start "$build" || fail "the dataplane did not start"
	ctrl_start
	lab_wait 20 "the first ruleset" ready || fail "no ruleset came into force"
}

# model_up MODEL PREFIX PORT... : with offload; b serves these ports and a may ask it
model_up()
{
	local model=$1 port
	model_lab "$1" "$2"
	shift 2
	allow "$@"
	LAB_DATAPLANE_EXTRA="offload: {enabled: true, profiles: $root/nic-profiles, min-packets: 5, poll: 200ms, idle: 5s}"
	lab_dataplane_config >"$LAB_DIR/plain.yaml"
	wrap_ports "$model"
	model_start
	for port in "$@"; do
		lab_bg b python3 "$root/demo/server.py" b "$port"
		lab_wait 10 "server $port" lab_in b curl -s "http://[::1]:$port/" || fail "no server"
	done
}

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

# goes_on PORT : ten more lines come
goes_on()
{
	local now
	now=$(lines "$1")
	lab_wait 15 "the stream of port $1" longer "$1" "$((now + 10))" || fail "the stream of port $1 has stopped"
}

# in_hardware N : so many connections; each stream crosses two wires
in_hardware()
{
	[ "$(metric 'tidegate_offload_entries{state="active"}')" -eq "$1" ]
}

# device_of NAME : the device behind a port
device_of()
{
	grep -o "name: $1,.*" "$LAB_DIR/dataplane.yaml" | grep -o 'net_tgmodel[0-9a-z]*' | head -1
}

# port_metric NAME PORT
port_metric()
{
	metric "tidegate_port_$1{port=\"$2\""
}

# resets PORT N : so often it was reset
resets()
{
	[ "$(port_metric resets_total "$1")" -eq "$2" ]
}

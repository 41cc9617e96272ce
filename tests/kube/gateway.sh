#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A gateway that reads the cluster of cluster.sh, sourced by the scenarios: namespaces a, b, c, ... of
# the lab are what runs behind the addresses of pods. Who of them is a pod, with which labels, is what
# the API server says.
#
# After lab_init: gateway_pods, cluster_start, gateway_user, gateway_start.
# shellcheck source=tests/kube/cluster.sh
. "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"
READ=(namespaces nodes services pods networkpolicies.networking.k8s.io)

# gateway_pods NAME... : numbered from 1; each serves who it is, port 8080
gateway_pods()
{
	local name n=0
	for name in "$@"; do
		n=$((n + 1))
		lab_pod "$name" $n
	done
}

# gateway_user : the service account `tidegate`, which may read all that it needs
gateway_user()
{
	local resource
	user_create tidegate
	for resource in "${READ[@]}"; do
		rbac_allow tidegate get,list,watch "$resource"
	done
}

# gateway_config FIELDS : of the cluster in the control process's configuration, flow style; without a
# policy everything passes
gateway_config()
{
	lab_ctrl_config kubernetes | sed '/^manifests:/d'
	echo "clusters: [{name: test, $1}]"
}

# gateway_launch FIELDS : without waiting for a ruleset
gateway_launch()
{
	local pod name
	gateway_config "$1" >"$LAB_DIR/ctrl.yaml"
	lab_dataplane_config >"$LAB_DIR/dataplane.yaml"
	lab_dataplane_start "$build" || fail "the dataplane did not start"
	lab_plumb
	for pod in "${LAB_PODS[@]}"; do
		name=${pod%:*}
		lab_bg "$name" python3 "$root/demo/server.py" "$name" 8080
		lab_wait 20 "server $name" lab_in "$name" curl -s http://127.0.0.1:8080/ || fail "no server $name"
	done
	ctrl_start
}

# gateway_start FIELDS
gateway_start()
{
	gateway_launch "$1"
	lab_wait 60 "the first ruleset" ready || fail "no ruleset came into force"
}

# address POD 4|6
address()
{
	local pod n
	for pod in "${LAB_PODS[@]}"; do
		n=${pod#*:}
		[ "${pod%:*}" != "$1" ] || break
	done
	[ "$2" = 6 ] && echo "fd00:10:$n::2" || echo "10.10.$n.2"
}

# addresses POD : as pod_create takes them
addresses()
{
	echo "$(address "$1" 4),$(address "$1" 6)"
}

# url POD 4|6
url()
{
	[ "$2" = 6 ] && echo "http://[$(address "$1" 6)]:8080" || echo "http://$(address "$1" 4):8080"
}

tidegate()
{
	lab_in gw "$build/ctrl/cli/tidegate" "$@"
}

# request FROM TO 4|6 [SECONDS] : its exit code is curl's
request()
{
	[ "$(lab_in "$1" curl -s --max-time "${4:-10}" "$(url "$2" "$3")/")" = "$2" ]
}

# refused : packets that no rule has allowed, so far
refused()
{
	http /metrics | awk '/^tidegate_drop.*packets.*reason="(policy_|unknown_endpoint|no_ruleset)/ { n += $NF } END { print n + 0 }'
}

refused_more_than()
{
	[ "$(refused)" -gt "$1" ]
}

# dropped FROM TO 4|6 : nothing comes back; what is not dropped is answered, or reset
dropped()
{
	lab_in "$1" curl -s --max-time 0.6 "$(url "$2" "$3")/"
	[ $? -eq 28 ]
}

# passes WHAT FROM TO : now, in both families
passes()
{
	request "$2" "$3" 4 || fail "$1: IPv4 from $2 to $3 does not pass"
	request "$2" "$3" 6 || fail "$1: IPv6 from $2 to $3 does not pass"
	echo "ok: $1: $2 to $3 passes"
}

# blocked WHAT FROM TO : now, in both families, and by the gateway
blocked()
{
	local family before
	for family in 4 6; do
		before=$(refused)
		dropped "$2" "$3" $family || fail "$1: IPv$family from $2 to $3 is not dropped"
		lab_wait 10 "the drop to be counted" refused_more_than "$before" || fail "$1: nothing was dropped"
	done
	echo "ok: $1: $2 to $3 is dropped"
}

# allowed WHAT FROM TO, denied WHAT FROM TO : soon
allowed()
{
	lab_wait 20 "$1" request "$2" "$3" 4 1 || fail "$1: $2 to $3 does not get allowed"
	passes "$@"
}

denied()
{
	lab_wait 20 "$1" dropped "$2" "$3" 4 || fail "$1: $2 to $3 does not get denied"
	blocked "$@"
}

# stream NAME FROM TO 4|6 : a line every tenth of a second; returns when it flows
stream()
{
	lab_in "$2" curl -sN "$(url "$3" "$4")/stream" >"$LAB_DIR/stream.$1" 2>/dev/null &
	LAB_PIDS+=($!)
	flows "$1"
}

lines()
{
	wc -l <"$LAB_DIR/stream.$1"
}

more_lines()
{
	[ "$(lines "$1")" -ge "$2" ]
}

# flows STREAM
flows()
{
	lab_wait 10 "stream $1" more_lines "$1" $(($(lines "$1") + 5)) || fail "stream $1 does not flow"
}

# cut WHAT STREAM CLOCK : nothing more of it comes, while another one, CLOCK, flows on
cut()
{
	local before
	before=$(lines "$2")
	flows "$3"
	# What was on its way, or read before and not written.
	[ "$(lines "$2")" -le $((before + 2)) ] || fail "$1: stream $2 goes on"
	echo "ok: $1: stream $2 is cut, $3 flows on"
}

# kind RESOURCE FILTER : jq's filter holds of what /v1/sources says of it
kind()
{
	http /v1/sources | jq -e --arg r "$1" "any(.clusters[].kinds[]; .resource == \$r and ($2))"
}

# number RESOURCE FIELD
number()
{
	http /v1/sources | jq -r --arg r "$1" --arg f "$2" '.clusters[].kinds[] | select(.resource == $r)[$f]'
}

# in_touch : everything is read and up to date
in_touch()
{
	http /v1/sources | jq -e '.synced and (.stale | not) and
		all(.clusters[].kinds[] | select(.enforced); .state == "watching")'
}

# sources_say EXIT_CODE TEXT : `tidegate sources` leaves with that code and prints this, a pattern of grep -E
sources_say()
{
	local out code
	out=$(tidegate sources)
	code=$?
	echo "$out" >>"$LAB_DIR/sources.log"
	[ $code -eq "$1" ] && grep -qE "$2" <<<"$out"
}

# no_secret : neither process has written a token of the cluster's: their logs and what they serve
no_secret()
{
	local token file
	http /metrics >"$LAB_DIR/served"
	http /v1/status >>"$LAB_DIR/served"
	http /v1/sources >>"$LAB_DIR/served"
	for token in "$@"; do
		for file in ctrl.log dataplane.log sources.log served; do
			[ -e "$LAB_DIR/$file" ] || continue
			# The signature alone would do to be somebody.
			! grep -qF "${token##*.}" "$LAB_DIR/$file" || fail "a token is in $file"
		done
	done
	echo "ok: no secret in logs, metrics and status"
}

# connections_cut : those to the API server; the server may have to go for it
connections_cut()
{
	lab_in gw ss -K -t dst $CLUSTER_ADDRESS >>"$LAB_DIR/check.log" 2>&1
	[ -n "$(lab_in gw ss -H -t state established dst $CLUSTER_ADDRESS)" ] || return 0
	apiserver_stop
	apiserver_start
}

# metric NAME RESOURCE : of the cluster's kind
metric()
{
	http /metrics | awk -v name="$1" -v r="resource=\"$2\"" 'index($0, name "{") == 1 && index($0, r) { print $NF }'
}

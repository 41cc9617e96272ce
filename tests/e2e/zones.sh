#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Two clusters with the same names and addresses behind one gateway: a wire in a zone of its own for
# each, policies and pods from (doubles of) their API servers. What happens in one does not happen in
# the other.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
lab_init "tgzo" tap
double="$build/tests/kube/double/kube_double"
declare -A port=([east]=6440 [west]=6450) zone=([east]=1 [west]=40000) wire=([east]=1 [west]=2)

# tell CLUSTER COMMAND... : to the double of its API server
tell()
{
	local cluster=$1
	shift
	lab_in gw curl -sf --max-time 5 --data-binary "$*" \
		"http://127.0.0.1:$((port[$cluster] + 1))/" >>"$LAB_DIR/tell.log" || fail "$cluster: $*"
}

# put_pod CLUSTER NAME ADDRESS
put_pod()
{
	tell "$1" put pods shop "$2" "{\"spec\":{\"nodeName\":\"n1\"},\"status\":{\"phase\":\"Running\",\"podIPs\":[{\"ip\":\"$3\"}]}}"
}

# open CLUSTER : everything that its pods do
open()
{
	tell "$1" put networkpolicies shop open '{"spec":{"podSelector":{},"policyTypes":["Ingress","Egress"],"ingress":[{"from":[{"namespaceSelector":{}}]}],"egress":[{}]}}'
}

# change COMMAND... : and wait until it is enforced
change()
{
	local before
	before=$(applied)
	"$@"
	lab_wait 20 "$* to be enforced" newer_than "$before" || fail "not enforced: $*"
}

reaches() { lab_in "$1" ping -c 1 -W 3 10.10.1.3; }
is_cut_off() { ! reaches "$1"; }

for cluster in east west; do
	lab_netns $cluster
	lab_netns $cluster-api
	lab_bg gw "$double" --server 1.34 --port "${port[$cluster]}" --control-port $((port[$cluster] + 1))
	lab_wait 10 "$cluster's double" lab_in gw curl -sf --data-binary revision \
		"http://127.0.0.1:$((port[$cluster] + 1))/" || fail "no double"
	cat >"$LAB_DIR/$cluster.conf" <<-END
		apiVersion: v1
		kind: Config
		clusters: [{name: c, cluster: {server: "http://127.0.0.1:${port[$cluster]}"}}]
		users: [{name: u, user: {token: t}}]
		contexts: [{name: x, context: {cluster: c, user: u}}]
		current-context: x
	END
	tell $cluster put namespaces - shop
	tell $cluster put nodes - n1 '{"spec":{"podCIDR":"10.10.1.0/24"},"status":{"addresses":[{"type":"InternalIP","address":"192.0.2.1"}]}}'
	put_pod $cluster web 10.10.1.2
	put_pod $cluster api 10.10.1.3
done
open east
{
	lab_dataplane_config | sed '/^ports:/,$d'
	echo "ports:"
	for cluster in east west; do
		for end in p f; do
			echo "- {name: $end${wire[$cluster]}, device: 'net_tap$end${wire[$cluster]},iface=$end${wire[$cluster]}', zone: ${zone[$cluster]}}"
		done
	done
	echo "wires: [{ports: [p1, f1]}, {ports: [p2, f2]}]"
} >"$LAB_DIR/dataplane.yaml"
{
	lab_ctrl_config deny | sed '/^manifests:/d; /^node-addresses:/d'
	echo "clusters:"
	for cluster in east west; do
		echo "- {name: $cluster, kubeconfig: $cluster.conf, zone: ${zone[$cluster]}}"
	done
} >"$LAB_DIR/ctrl.yaml"
lab_dataplane_start "$build" || fail "the dataplane did not start"
for cluster in east west; do
	lab_port_plumb $cluster eth0 "${wire[$cluster]}" p
	lab_port_plumb $cluster-api eth0 "${wire[$cluster]}" f
	for end in "$cluster 10.10.1.2/24" "$cluster-api 10.10.1.3/24"; do
		# shellcheck disable=SC2086
		set -- $end
		lab_in "$1" ip addr add "$2" dev eth0
		lab_in "$1" ip link set dev eth0 up
	done
done
ctrl_start
lab_wait 20 "the first ruleset" ready || fail "no ruleset came into force"

check "what a policy of the east allows" reaches east
check_not "it does not allow in the west" reaches west
change open west
check "the west's own policy does" reaches west
check "an address is asked about in its zone" lab_in gw "$build/ctrl/cli/tidegate" explain \
	--zone 40000 --live 10.10.1.2 10.10.1.3 ICMP
lab_in gw "$build/ctrl/cli/tidegate" rules >"$LAB_DIR/rules.txt" || fail "no rules"
for cluster in east west; do
	check "$cluster's rule has its name" grep -q "$cluster/shop/open ingress\[0\]" "$LAB_DIR/rules.txt"
done
check "each cluster says its zone" test "$(http /v1/sources | jq -c '[.clusters[] | [.name, .zone]]')" = \
	'[["east",1],["west",40000]]'
change tell east delete networkpolicies shop open
check_not "the east without its policy" reaches east
check "the west keeps its own" reaches west
change open east
check "the east has it again" reaches east
tell west delete pods shop api
lab_wait 20 "the west's pod to go" is_cut_off west || fail "a pod that is gone is still reached"
check "the pod with its address in the east stays" reaches east
put_pod west api 10.10.1.3
lab_wait 20 "the west's pod to come back" reaches west || fail "a new pod is not reached"
gateway_down

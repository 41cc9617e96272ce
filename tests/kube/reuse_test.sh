#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# An address goes from pod to pod within a second, twenty times: as soon as what was sent to the dataplane
# has the new pod in it, nobody is judged as the old one was, neither by new packets nor by streams.
# shellcheck source=tests/kube/gateway.sh
. "$(dirname "$0")/gateway.sh"
lab_init tgku
gateway_pods a b c
# shellcheck disable=SC2119 # the server's usual flags
cluster_start
gateway_user
node_create node-1 192.0.2.1 10.10.0.0/16,fd00:10::/32
namespace_create shop
pod_create shop b app=b "$(addresses b)"
pod_create shop c app=friend "$(addresses c)"
policy_apply shop b '{podSelector: {matchLabels: {app: b}}, policyTypes: [Ingress],
	ingress: [{from: [{podSelector: {matchLabels: {app: friend}}}]}]}'
# Both kinds of pods are there at the start and stay, so that all that follows are deltas.
pod_create shop friend app=friend 10.10.9.1,fd00:10:9::1
pod_create shop foe app=foe 10.10.9.2,fd00:10:9::2
gateway_start "kubeconfig: $(kubeconfig_for tidegate token)"
blocked "an address that nobody has" a b
stream clock c b 4

# version POD : the object's
version()
{
	api GET "/api/v1/namespaces/shop/pods/$1" | jq -er '.metadata.resourceVersion | tonumber'
}

# entries : of the class map that the dataplane has acknowledged
entries()
{
	http /metrics | awk '/^tidegate_delta_entries_total/ { print $NF }'
}

# applied_to VERSION ENTRIES : pods are known up to there, and so many addresses have got another owner
applied_to()
{
	kind pods "(.resource_version | tonumber) >= $1" && [ "$(entries)" -ge "$2" ] &&
		http /v1/status | jq -e '.generation | .pending_deltas == 0 and .desired == .applied'
}

generation=$(applied)
before=
for i in $(seq 20); do
	app=friend
	[ $((i % 2)) -eq 0 ] && app=foe
	from=$(entries)
	[ -z "$before" ] || pod_delete shop "$before"
	pod_create shop "$app-$i" app=$app "$(addresses a)"
	lab_wait 20 "the delta" applied_to "$(version "$app-$i")" $((from + 2)) ||
		fail "turn $i: $app-$i does not reach the dataplane"
	if [ $app = friend ]; then
		for family in 4 6; do
			request a b $family || fail "turn $i: IPv$family of a friend does not pass"
		done
		stream friend a b 4
	else
		for family in 4 6; do
			dropped a b $family || fail "turn $i: IPv$family of a foe is judged as the friend before it"
		done
		cut "turn $i" friend clock
	fi
	before=$app-$i
done
[ "$(applied)" -eq "$generation" ] || echo "compiled anew: generation $(applied) after $generation"
blocked "the last owner" a b
pod_delete shop "$before"
blocked "nobody again" a b

# The next owner comes before the last one has gone: never may the two be one.
pod_create shop late app=friend "$(addresses a)"
allowed "the only owner" a b
pod_create shop early app=foe "$(addresses a)"
pod_delete shop late
denied "the one that stays" a b
flows clock
check "nobody complains" sources_say 0 '^read'
gateway_down

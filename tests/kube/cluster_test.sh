#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What scenarios with a real Kubernetes control plane stand on: objects come and go, users have the
# rights that they were given, what is broken on purpose is broken, and nothing is left behind.
# shellcheck source=tests/kube/cluster.sh
. "$(dirname "$0")/cluster.sh"
pods=/api/v1/namespaces/shop/pods

# is WHAT EXPECTED COMMAND... : that is what the command prints
is()
{
	local what=$1 expected=$2 got
	shift 2
	got=$("$@" 2>>"$LAB_DIR/check.log")
	[ "$got" = "$expected" ] || fail "$what: '$got' instead of '$expected'"
	echo "ok: $what"
}

# by TOKEN COMMAND... : its requests are by the token's owner
by()
{
	local CLUSTER_TOKEN=$1
	shift
	"$@"
}

# revision PATH : of the list there
revision()
{
	api GET "$1" | jq -r .metadata.resourceVersion
}

# watch_from REVISION FILE : pods, from the gateway's namespace, in the background
watch_from()
{
	lab_bg gw curl -sSN --cacert "$CLUSTER_DIR/ca.crt" -H "Authorization: Bearer $CLUSTER_TOKEN" \
		-o "$2" "$CLUSTER_URL$pods?watch=1&resourceVersion=$1"
}

# seen FILE FILTER : an event of the watch for which jq's filter holds
seen()
{
	jq -ne "any(inputs; $2)" "$1" >/dev/null 2>&1
}

objects()
{
	namespace_create shop team=a,tier=front
	namespace_label shop team=b,tier
	is "a namespace has the labels last given" 'b ' \
		k get namespace shop -o 'jsonpath={.metadata.labels.team} {.metadata.labels.tier}'
	pod_create shop web app=web,tier=front 10.10.1.2,fd00:10:1::2 node-7
	is "a pod runs, where it is said, with both addresses" 'Running node-7 10.10.1.2 fd00:10:1::2' \
		k -n shop get pod web -o 'jsonpath={.status.phase} {.spec.nodeName} {.status.podIPs[*].ip}'
	pod_create shop gone app=gone 10.10.1.3
	pod_delete shop gone
	is "a deleted pod is gone" web k -n shop get pods -o 'jsonpath={.items[*].metadata.name}'
	policy_apply shop closed '{podSelector: {}, policyTypes: [Ingress]}'
	is "a policy is there" '["Ingress"]' k -n shop get networkpolicy closed -o 'jsonpath={.spec.policyTypes}'
	policy_delete shop closed
	node_create node-7 192.0.2.7 10.10.0.0/16,fd00:10::/32
	is "a node has its ranges" '10.10.0.0/16 fd00:10::/32' k get node node-7 -o 'jsonpath={.spec.podCIDRs[*]}'
	crd_create shelves.example.org v1 Shelf Cluster
	k create -f - >>"$LAB_DIR/check.log" 2>&1 <<<'{"apiVersion": "example.org/v1", "kind": "Shelf", "metadata": {"name": "s"}}'
	is "a kind of ours is served" shelf.example.org/s k get shelves -o name
	crd_delete shelves.example.org v1
	is "the server judges what it is given" 422 api_code POST /apis/networking.k8s.io/v1/namespaces/shop/networkpolicies \
		<<<'{"metadata": {"name": "bad"}, "spec": {"podSelector": {}, "policyTypes": ["Sideways"]}}'
	namespace_create brief
	pod_create brief one app=one 10.10.1.4
	namespace_delete brief
	is "a deleted namespace is gone" 404 api_code GET /api/v1/namespaces/brief
}

users()
{
	local token other conf
	user_create reader
	token=$(user_token reader) || fail "no token"
	is "a user may nothing at first" 403 by "$token" api_code GET /api/v1/pods
	rbac_allow reader get,list,watch pods
	is "what it may then it may" 200 by "$token" api_code GET /api/v1/pods
	is "and nothing else" 403 by "$token" api_code GET /apis/networking.k8s.io/v1/networkpolicies
	rbac_allow reader list networkpolicies.networking.k8s.io shop
	is "in one namespace" 200 by "$token" api_code GET /apis/networking.k8s.io/v1/namespaces/shop/networkpolicies
	is "not in another" 403 by "$token" api_code GET /apis/networking.k8s.io/v1/namespaces/users/networkpolicies
	for kind in token token-file certificate; do
		conf=$(kubeconfig_for reader $kind) || fail "no kubeconfig with a $kind"
		is "kubectl as a user with a $kind" web \
			lab_in gw "$CLUSTER_PROGRAMS/kubectl" --kubeconfig "$conf" --cache-dir "$LAB_DIR/kubectl" \
			-n shop get pods -o 'jsonpath={.items[*].metadata.name}'
	done
	rbac_deny reader get,list,watch pods
	is "what is taken back is forbidden" 403 by "$token" api_code GET /api/v1/pods
	rbac_allow reader list pods
	user_revoke reader "$token"
	is "a revoked token" 401 by "$token" api_code GET /api/v1/pods
	other=$(user_token reader) || fail "no other token"
	is "one made after that, with the rights of before" 200 by "$other" api_code GET /api/v1/pods
	is "no token at all" 401 by none api_code GET /api/v1/pods
}

watches()
{
	local events=$LAB_DIR/events
	watch_from "$(revision $pods)" "$events"
	pod_label shop web app=new
	lab_wait 20 "an event" seen "$events" '.type == "MODIFIED" and .object.metadata.labels.app == "new"' ||
		fail "the watch sees no event"
	echo "ok: a watch sees an event"
	cluster_partition
	check_not "a request during a partition" \
		lab_in gw curl -sk --max-time 1 "$CLUSTER_URL/version"
	pod_create shop later app=later 10.10.1.5
	seen "$events" '.object.metadata.name == "later"' && fail "an event passes during a partition"
	cluster_heal
	lab_wait 60 "the event of the partition" seen "$events" '.object.metadata.name == "later"' ||
		fail "the watch does not go on after a partition"
	echo "ok: a watch is held up by a partition and goes on after it"
}

# What is too old is said in an event of the watch, as its status.
too_old()
{
	local events=$LAB_DIR/${1// /-}
	watch_from "$2" "$events"
	lab_wait 20 "410" seen "$events" '.type == "ERROR" and .object.code == 410' ||
		fail "a watch from an old version is not 410, $1"
	echo "ok: a watch from an old version is 410, $1"
}

ages()
{
	local old next
	old=$(revision $pods)
	next=$(api GET "$pods?limit=1" | jq -r .metadata.continue)
	pod_create shop more app=more 10.10.1.6
	etcd_compact
	is "the rest of a list that was begun before a compaction" 410 api_code GET "$pods?limit=1&continue=$next"
	apiserver_stop
	check_not "a request to a server that is stopped" api GET /version
	apiserver_start
	is "a server that was started again has what it had" 'later more web' \
		k -n shop get pods -o 'jsonpath={.items[*].metadata.name}'
	too_old "after a restart" "$old"
	apiserver_stop
	CLUSTER_FLAGS+=(--watch-cache=false)
	apiserver_start
	too_old "of what is compacted" "$old"
	etcd_stop
	lab_wait 120 "5xx without etcd" answers '5*' $pods || fail "no 5xx without etcd"
	echo "ok: the server is at a loss without etcd"
	etcd_start
	is "with etcd again" 200 api_code GET $pods
	check_not "a panic of the server" grep panic "$LAB_DIR/apiserver.log"
}

(
	lab_init tgkube
	cluster_start --request-timeout=5s
	objects
	users
	watches
	ages
) || exit
left=$(
	pgrep -f "tgkube-$$\\."
	ip netns list | grep "tgkube-$$-"
	ls -d /tmp/tgkube-$$.* 2>/dev/null
)
[ -z "$left" ] || {
	echo "FAIL: left behind: $left"
	exit 1
}
echo "ok: nothing is left behind"

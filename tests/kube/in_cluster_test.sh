#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# deploy/kubernetes as it is: the server takes it, its rights are what the control process needs and no
# more, which runs with the service account's folder as a kubelet keeps it, and policy kinds that nobody
# enforces come and go.
# shellcheck source=tests/kube/gateway.sh
. "$(dirname "$0")/gateway.sh"
lab_init tgki
gateway_pods a b
cluster_start --allow-privileged
base=$root/deploy/kubernetes/base account=$LAB_DIR/account
check "kubectl builds it" k kustomize "$base"
k apply -f "$base/namespace.yaml" >>"$LAB_DIR/check.log" 2>&1 || fail "no namespace"
check "the server would take all of it" k apply --dry-run=server -k "$base"
check_not "and has none of it yet" k -n tidegate-system get serviceaccount tidegate
k kustomize "$base" >"$LAB_DIR/all.yaml"
check "the server takes it" k apply -f "$LAB_DIR/all.yaml"

# token : a new one of the pod's
token()
{
	jq -n '{spec: {expirationSeconds: 3600}}' |
		api POST /api/v1/namespaces/tidegate-system/serviceaccounts/tidegate/token | jq -er .status.token
}

# account_write : ca.crt and a new token, in one step, as kubelets write them
account_write()
{
	local version=$1
	mkdir -p "$account/..$version"
	cp "$CLUSTER_DIR/ca.crt" "$account/..$version/"
	token >"$account/..$version/token" || fail "no token"
	ln -sfn "..$version" "$account/..data.new"
	mv -T "$account/..data.new" "$account/..data"
	[ -e "$account/token" ] || ln -s ..data/token ..data/ca.crt "$account/"
}

# by_account METHOD PATH [CURL_OPTION...] : the HTTP status
by_account()
{
	CLUSTER_TOKEN=$(<"$account/token") api_code "$@"
}

account_write 1
[ "$(by_account GET /api/v1/pods)" = 200 ] || fail "it may not list pods"
for path in /api/v1/secrets /api/v1/configmaps /api/v1/namespaces/tidegate-system/secrets \
	/apis/apps/v1/deployments /apis/rbac.authorization.k8s.io/v1/clusterroles /api/v1/nodes/node-1/proxy/; do
	[ "$(by_account GET $path)" = 403 ] || fail "it may read $path"
done
for path in /api/v1/namespaces /apis/networking.k8s.io/v1/namespaces/default/networkpolicies \
	/api/v1/namespaces/default/pods; do
	[ "$(by_account POST $path <<<'{"metadata": {"name": "x"}}')" = 403 ] || fail "it may write to $path"
done
echo "ok: it may read what it needs, and nothing else"

# Nobody enforces these: one is there before the gateway, one comes and the first goes meanwhile.
# policy_of_others API_VERSION KIND NAMESPACE
policy_of_others()
{
	jq -n --arg apiVersion "$1" --arg kind "$2" --arg namespace "$3" '{$apiVersion, $kind,
		metadata: {name: "closed", $namespace}, spec: {}}' | k create -f - >>"$LAB_DIR/check.log" 2>&1 || fail "no $2"
}

not_enforced()
{
	http /metrics | awk -v kind="kind=\"$1\"" '/^tidegate_policies_not_enforced/ && index($0, kind) { print $NF }'
}

# named KIND API_VERSION NAME : in status, metric and log
named()
{
	[ "$(not_enforced "$1")" = 1 ] || fail "the metric has no $1"
	tidegate status >"$LAB_DIR/status.log"
	grep -qE "NOT ENFORCED.*$1.*$3" "$LAB_DIR/status.log" || fail "the status has no $1"
	grep -qF "NOT ENFORCED: $2 $1 $3 " "$LAB_DIR/ctrl.log" || fail "the log has no $1"
	echo "ok: $1 $3 is NOT ENFORCED in status, metric and log"
}

gone()
{
	! kind globalnetworkpolicies true && grep -q 'has no GlobalNetworkPolicy .* any more' "$LAB_DIR/ctrl.log"
}

node_create node-1 192.0.2.1 10.10.0.0/16,fd00:10::/32
namespace_create shop
pod_create shop a app=a "$(addresses a)"
pod_create shop b app=b "$(addresses b)"
crd_create globalnetworkpolicies.crd.projectcalico.org v1 GlobalNetworkPolicy Cluster
policy_of_others crd.projectcalico.org/v1 GlobalNetworkPolicy ""
# Where a pod has it, in a mount namespace of its own.
in_pod=$LAB_DIR/in-pod
cat >"$in_pod" <<-END
	at=/run/secrets/kubernetes.io/serviceaccount
	export KUBERNETES_SERVICE_HOST=$CLUSTER_ADDRESS KUBERNETES_SERVICE_PORT=6443
	mount -t tmpfs none /run && mkdir -p \$at && mount --bind $account \$at && exec "\$@"
END
LAB_UNDER=(unshare -m --propagation private sh "$in_pod")
gateway_start ""
check "its rights are enough" sources_say 0 '^test +networkpolicies +all +watching '
check "and none is missing" in_touch
passes "in the cluster" a b
lab_wait 20 "the kind" sources_say 0 '^test +globalnetworkpolicies +all +watching +1 .*NOT ENFORCED' ||
	fail "a kind that is not enforced is not seen"
named GlobalNetworkPolicy crd.projectcalico.org/v1 closed
crd_create ciliumnetworkpolicies.cilium.io v2 CiliumNetworkPolicy Namespaced
policy_of_others cilium.io/v2 CiliumNetworkPolicy shop
crd_delete globalnetworkpolicies.crd.projectcalico.org v1
policy_apply shop closed '{podSelector: {}, policyTypes: [Ingress]}'
denied "in the cluster" a b
policy_delete shop closed
allowed "in the cluster" a b

lists=$(number pods lists) watches=$(number pods watches)
old=$(<"$account/token")
account_write 2
connections_cut
lab_wait 60 "the watch" kind pods ".state == \"watching\" and .watches > $watches" || fail "it does not go on"
check "another token needs no list" kind pods ".lists == $lists"
no_secret "$old" "$(<"$account/token")"

lab_wait 60 "the kinds" sources_say 0 '^test +ciliumnetworkpolicies +all +watching +1 .*NOT ENFORCED' ||
	fail "a kind that came is not seen"
named CiliumNetworkPolicy cilium.io/v2 shop/closed
lab_wait 60 "the other kind to go" gone || fail "a kind that went is still seen"
[ "$(not_enforced GlobalNetworkPolicy)" = "" ] || fail "policies of a kind that went are counted"
passes "what is not enforced" a b
gateway_down

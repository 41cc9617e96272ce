#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Who the gateway is to the API server, and what it may: without a right nothing is enforced and nothing
# passes; one taken away later takes nothing out of force; a token that is replaced is used without
# reading anything anew; no token is ever told.
# shellcheck source=tests/kube/gateway.sh
. "$(dirname "$0")/gateway.sh"
lab_init tgkp
gateway_pods a b c
# shellcheck disable=SC2119 # the server's usual flags
cluster_start
gateway_user
rbac_deny tidegate get,list,watch networkpolicies.networking.k8s.io
node_create node-1 192.0.2.1 10.10.0.0/16,fd00:10::/32
namespace_create shop
for name in a b c; do
	pod_create shop $name app=$name "$(addresses $name)"
done
policy_apply shop b '{podSelector: {matchLabels: {app: b}}, policyTypes: [Ingress],
	ingress: [{from: [{podSelector: {matchLabels: {app: a}}}]}]}'
conf=$(kubeconfig_for tidegate token-file) || fail "no kubeconfig"
file=$CLUSTER_DIR/users/tidegate.token
tokens=("$(<"$file")")
gateway_launch "kubeconfig: $conf"

lab_wait 20 "403" kind networkpolicies '.state == "forbidden"' || fail "no kind is forbidden"
lab_wait 20 "the others" kind pods '.state == "watching" and .objects == 3' || fail "others are not read"
check "missing RBAC is named" sources_say 1 \
	'missing RBAC: verbs get, list, watch on resource networkpolicies in API group "networking.k8s.io"'
check "and that nothing is enforced" sources_say 1 'not read completely yet: nothing of it is enforced'
check_not "it is not ready" ready
blocked "before everything was read" a b
blocked "before everything was read" a c
rbac_allow tidegate get,list,watch networkpolicies.networking.k8s.io
lab_wait 60 "the ruleset" ready || fail "the right does not bring it up"
allowed "with all rights" a b
blocked "with all rights" c b
check "there is no complaint" sources_say 0 '^read'

stream kept a b 4
rbac_deny tidegate get,list,watch pods
kill -HUP "$CTRL" # what is watched goes on as long as its connection: look at once
lab_wait 20 "403" kind pods '.state == "forbidden"' || fail "pods are not forbidden"
pod_label shop c app=a
lab_wait 60 "stale" kind pods '.stale' || fail "pods do not get stale"
check "what is missing is named" sources_say 1 'missing RBAC: .* on resource pods in API group ""'
check "it is said to be out of touch" sources_say 1 'out of touch: what was known stays in force'
[ "$(metric tidegate_cluster_kind_stale pods)-$(metric tidegate_cluster_kind_stale nodes)" = 1-0 ] ||
	fail "the metric says otherwise"
flows kept
passes "without the right" a b
blocked "what was not told" c b
rbac_allow tidegate get,list,watch pods
kill -HUP "$CTRL" # its next try of its own may take 45 s
allowed "the right is back" c b
lab_wait 20 "being in touch" in_touch || fail "out of touch"

lists=$(number pods lists)
watches=$(number pods watches)
watched_again()
{
	in_touch && [ "$(number pods watches)" -gt "$watches" ]
}
tokens+=("$(user_token tidegate)")
echo "${tokens[1]}" >"$file.new"
mv "$file.new" "$file"
connections_cut
lab_wait 60 "the watch" watched_again || fail "with another token it does not go on"
user_revoke tidegate "${tokens[1]}"
check_not "401 while watches go on" kind pods '.state != "watching"'
connections_cut
lab_wait 20 "401" kind pods '.problem | test("401|Unauthorized")' || fail "a revoked token is not noticed"
passes "with a revoked token" a b
tokens+=("$(user_token tidegate)")
watches=$(number pods watches)
echo "${tokens[2]}" >"$file.new"
mv "$file.new" "$file"
lab_wait 60 "the watch" watched_again || fail "with a token again it does not go on"
[ "$(number pods lists)" -eq "$lists" ] || fail "pods were listed anew for a token"
echo "ok: tokens are replaced, and nothing was listed anew"
pod_label shop c app=c
denied "told with the new token" c b
flows kept
no_secret "${tokens[@]}" "$CLUSTER_TOKEN"
gateway_down

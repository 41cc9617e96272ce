#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What kubectl and others change at the API server is what traffic is judged by: pods, their labels,
# namespaces and their labels, policies, in both directions of change; an open stream is cut.
# shellcheck source=tests/kube/gateway.sh
. "$(dirname "$0")/gateway.sh"
lab_init tgkj
gateway_pods a b c
# shellcheck disable=SC2119 # the server's usual flags
cluster_start
gateway_user
node_create node-1 192.0.2.1 10.10.0.0/16,fd00:10::/32
namespace_create shop team=red
pod_create shop b app=b "$(addresses b)"
pod_create shop c app=c "$(addresses c)"
gateway_start "kubeconfig: $(kubeconfig_for tidegate token)"
check "everything is read" sources_say 0 '^test +pods +all +watching +2 +0 '

blocked "an address of the pods' range that no pod has" a c
allowed "without a policy" b c
stream open b c 4
policy_apply shop c '{podSelector: {matchLabels: {app: c}}, policyTypes: [Ingress],
	ingress: [{from: [{podSelector: {matchLabels: {tier: front}}}]},
		{from: [{namespaceSelector: {matchLabels: {team: blue}}}]}]}'
denied "a policy" b c
stream back c b 4
cut "a policy" open back
stream back6 c b 6

# The pod comes to a namespace that was made this moment, in one breath with a policy.
namespace_create fresh team=blue
pod_create fresh a app=a "$(addresses a)"
allowed "a pod in a new namespace" a c
stream fresh a c 6
namespace_label fresh team=green
denied "a namespace's label" a c
cut "a namespace's label" fresh back6
namespace_label fresh team=blue
allowed "the label of before" a c
stream fresh a c 4
pod_delete fresh a
denied "a pod deleted" a c
cut "a pod deleted" fresh back

pod_label shop b tier=front
allowed "a pod's label" b c
stream open b c 6
pod_label shop b tier
denied "a pod's label taken away" b c
cut "a pod's label taken away" open back6
policy_delete shop c
allowed "no policy any more" b c
policy_apply shop out '{podSelector: {matchLabels: {app: b}}, policyTypes: [Egress]}'
denied "a policy of egress" b c
policy_delete shop out
allowed "without it again" b c
pod_status shop c Succeeded "$(addresses c)"
denied "a pod that has ended" b c
namespace_delete shop
lab_wait 20 "the namespace to go" kind pods '.objects == 0' || fail "pods of a deleted namespace stay"
denied "a namespace deleted" c b
gateway_down

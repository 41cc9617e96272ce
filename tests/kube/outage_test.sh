#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The API server is killed, cut off, compacted behind our back, and loses its etcd: what was known stays
# in force, is said to be old, and what has changed meanwhile is judged afterwards.
# shellcheck source=tests/kube/gateway.sh
. "$(dirname "$0")/gateway.sh"
lab_init tgko
gateway_pods a b c
cluster_start --request-timeout=5s
gateway_user
node_create node-1 192.0.2.1 10.10.0.0/16,fd00:10::/32
namespace_create shop
pod_create shop a app=a "$(addresses a)"
pod_create shop b app=b "$(addresses b)"
pod_create shop c app=a "$(addresses c)"
policy_apply shop b '{podSelector: {matchLabels: {app: b}}, policyTypes: [Ingress],
	ingress: [{from: [{podSelector: {matchLabels: {app: a}}}]}]}'
gateway_start "kubeconfig: $(kubeconfig_for tidegate certificate)"
passes "at the start" a b
stream kept a b 4

apiserver_stop
lab_wait 20 "the loss" kind pods '.state == "waiting"' || fail "a dead server is not noticed"
passes "without a server" c b
check_not "a change without a server" api GET /version
lists=$(number pods lists)
apiserver_start
lab_wait 60 "the server" in_touch || fail "a server that is back is not found"
[ "$(number pods lists)" -eq "$lists" ] || fail "pods were listed anew for a server that was away"
pod_label shop c app=c
denied "after a restart" c b
pod_label shop c app=a
allowed "after a restart" c b
stream gone c b 6

# Nobody is told of the partition, nor what the server forgets meanwhile.
expired=$(number pods expired)
cluster_partition
# What the server had sent would arrive after all, even of one that is dead.
apiserver_stop
apiserver_start
pod_delete shop c
policy_apply shop a '{podSelector: {matchLabels: {app: a}}, policyTypes: [Ingress]}'
etcd_compact
apiserver_stop
apiserver_start
flows gone
passes "cut off" c b
cluster_heal
lab_wait 90 "410" kind pods ".expired > $expired" || fail "what the server forgot is not noticed"
lab_wait 60 "being in touch" in_touch || fail "out of touch after a partition"
denied "deleted during the partition" c b
cut "deleted during the partition" gone kept
check "pods were listed anew" kind pods ".lists > $lists and .objects == 2"
denied "a policy of the partition" b a

etcd_stop
kill -HUP "$CTRL" # watches the server could serve from its memory, lists not
lab_wait 90 "stale" kind pods '.stale' || fail "without etcd nothing gets stale"
check "it is said to be out of touch" sources_say 1 'out of touch: what was known stays in force'
passes "without etcd" a b
blocked "without etcd" b a
flows kept
etcd_start
kill -HUP "$CTRL" # its next try of its own may take 45 s
lab_wait 60 "being in touch" in_touch || fail "out of touch with etcd again"
policy_delete shop a
pod_create shop c app=c "$(addresses c)"
allowed "with etcd again" b a
blocked "with etcd again" c b
flows kept
check "there is no complaint" sources_say 0 '^read'
gateway_down

#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# `tidegate init` and `tidegate doctor` with a real API server and a gateway: what init writes is
# complete, what the doctor says is missing is what helps, and it sees when pods are masqueraded.
# shellcheck source=tests/kube/gateway.sh
. "$(dirname "$0")/gateway.sh"

# Traffic that no policy is about passes, and is counted for whom it is from and to.
gateway_config()
{
	lab_ctrl_config audit | sed '/^manifests:/d'
	echo "clusters: [{name: test, $1}]"
}

# doctor EXIT_CODE LEVEL CHECK WORDS : it leaves with that code, and finds this
doctor()
{
	tidegate doctor -c "$LAB_DIR/ctrl.yaml" -o json >"$LAB_DIR/doctor.json"
	[ $? -eq "$1" ] && jq -e --arg l "$2" --arg c "$3" --arg w "$4" \
		'any(.findings[]; .level == $l and .check == $c and (.found | contains($w)))' "$LAB_DIR/doctor.json"
}

# reads FIELDS : of the cluster in the configuration; there is no gateway yet
reads()
{
	gateway_config "$1" >"$LAB_DIR/ctrl.yaml"
}

api_server_slice()
{
	jq -n --arg address $CLUSTER_ADDRESS '{metadata: {name: "kubernetes",
		labels: {"kubernetes.io/service-name": "kubernetes"}}, addressType: "IPv4",
		endpoints: [{addresses: [$address]}], ports: [{name: "https", port: 6443, protocol: "TCP"}]}' |
		api_do POST /apis/discovery.k8s.io/v1beta1/namespaces/default/endpointslices
}

dns_objects()
{
	jq -n '{metadata: {name: "kube-dns", labels: {"k8s-app": "kube-dns"}}, spec: {clusterIP: "10.96.0.10",
		selector: {"k8s-app": "kube-dns"}, ports: [{name: "dns", protocol: "UDP", port: 53}]}}' |
		api_do POST /api/v1/namespaces/kube-system/services
	jq -n '{metadata: {name: "coredns"}, data: {Corefile: ".:53 {\n    forward . 192.0.2.53\n}\n"}}' |
		api_do POST /api/v1/namespaces/kube-system/configmaps
}

# With what init writes there is nothing left to be looked at, and its policies are legal.
initialise()
{
	mkdir "$LAB_DIR/init"
	check "init asks the cluster" tidegate init --kubeconfig "$CLUSTER_DIR/admin.conf" "$LAB_DIR/init"
	cp "$LAB_DIR/init/tidegate-ctrl.yaml" "$LAB_DIR/ctrl.yaml"
	check "the pods' ranges" grep -F 'pod-ranges: ["10.10.0.0/16", "fd00:10::/32"]' "$LAB_DIR/ctrl.yaml"
	check "the way to the API server" grep -F "to: $CLUSTER_ADDRESS, ports: 6443}" "$LAB_DIR/ctrl.yaml"
	check "the way to DNS" grep -F "to: 192.0.2.53, protocol: UDP, ports: 53}" "$LAB_DIR/ctrl.yaml"
	check "the doctor agrees" doctor 0 ok infrastructure "nodes to the API server: a tuple allows it"
	check "nothing to look at" jq -e '.warn == 0 and .fail == 0' "$LAB_DIR/doctor.json"
	check "the server takes the policies for DNS" k apply --dry-run=server -f "$LAB_DIR/init/allow-dns.yaml"
}

# rules_of LEVEL : the RBAC rules that the doctor wants, as a ClusterRole
rules_of()
{
	printf 'apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: doctor}\nrules:\n'
	jq -r --arg l "$1" '.findings[] | select(.level == $l and .check == "rbac").todo' "$LAB_DIR/doctor.json" |
		grep '^- '
}

# The rules that it prints are the ones that are missing.
rbac()
{
	user_create tidegate
	reads "kubeconfig: $(kubeconfig_for tidegate token-file)"
	check "a user that may nothing" doctor 1 fail rbac 'cannot list resource "pods"'
	check "five kinds are missing" jq -e '[.findings[] | select(.check == "rbac" and .level == "fail")] | length == 5' \
		"$LAB_DIR/doctor.json"
	rules_of fail >"$LAB_DIR/role.yaml"
	check "the rules are applied" k apply -f "$LAB_DIR/role.yaml"
	check "and bound" k create clusterrolebinding doctor --clusterrole=doctor --serviceaccount=users:tidegate
	lab_wait 30 "the rules to hold" doctor 0 ok rbac "pods can be listed" || fail "the rules do not help"
	echo "ok: with the rules nothing is missing"
	check "what only the doctor wants is skipped" doctor 0 skip infrastructure "endpointslices.discovery.k8s.io is forbidden"
}

access()
{
	local token
	check "a token that expires within the hour" doctor 0 warn credentials "the token expires"
	token=$(<"$CLUSTER_DIR/users/tidegate.token")
	user_revoke tidegate "$token"
	check "a token that was revoked" doctor 1 fail server "does not accept the credentials"
	check_not "no secret in what it says" grep -F "${token##*.}" "$LAB_DIR/doctor.json"
	reads "kubeconfig: $(kubeconfig_for tidegate certificate)"
	check "a certificate" doctor 0 ok credentials "the client certificate is valid until"
	sed "s/certificate-authority-data: [^}]*/certificate-authority-data: $(base64 -w 0 "$CLUSTER_DIR/users/tidegate.crt")/" \
		"$CLUSTER_DIR/users/tidegate.conf" >"$LAB_DIR/wrong.conf"
	reads "kubeconfig: $LAB_DIR/wrong.conf"
	check "a server that another authority vouches for" doctor 1 fail server "$CLUSTER_URL"
	check "what to do then" jq -e 'any(.findings[]; .check == "server" and (.todo | contains("certificate-authority")))' \
		"$LAB_DIR/doctor.json"
	apiserver_stop
	reads "kubeconfig: $CLUSTER_DIR/users/tidegate.conf"
	check "a server that is stopped" doctor 1 fail server "onnect"
	apiserver_start
}

requests()
{
	local i
	for i in 1 2 3 4 5 6 7 8 9 10; do
		request a b 4 || fail "request $i from a to b does not pass"
		request a b 6 || fail "IPv6 request $i from a to b does not pass"
	done
}

# What a sends has a node's address first, then its own.
masquerade()
{
	node_create node-a "$(addresses a)" 10.11.0.0/16
	pod_create shop b app=b "$(addresses b)"
	rm "$LAB_DIR/ctrl.yaml"
	gateway_start "kubeconfig: $(kubeconfig_for tidegate certificate)"
	check "too little traffic to tell" doctor 0 skip pod-addresses "too little traffic"
	requests
	lab_wait 20 "masquerading to be seen" doctor 1 fail pod-addresses "pods are masqueraded" ||
		fail "the doctor does not see that pods are masqueraded"
	echo "ok: masquerading is seen"
	api_do DELETE /api/v1/nodes/node-a
	pod_create shop a app=a "$(addresses a)"
	lab_wait 20 "the pod" kind pods '.objects == 2' || fail "the pod is not read"
	requests
	lab_wait 20 "pods' own addresses" doctor 0 ok pod-addresses "own addresses" ||
		fail "the doctor does not see pods' own addresses"
	echo "ok: pods' own addresses are seen"
	check "both directions come by" doctor 0 ok paths "TCP comes with its handshake"
}

# Answers of b take a way of their own, past the gateway.
bypass()
{
	lab_in a ip link add direct type veth peer name direct netns "$LAB-b"
	lab_in a ip link set direct up
	lab_in b ip link set direct up
	lab_in a sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.direct.rp_filter=0
	lab_in b ip route add "$(address a 4)/32" dev direct src "$(address b 4)"
}

halves()
{
	dropped a b 4 || fail "an answer past the gateway is an answer"
	seq 40 | lab_in a xargs -P 40 -I N curl -s -o /dev/null --max-time 1 "$(url b 4)/N"
}

asymmetry()
{
	bypass
	halves
	halves
	halves
	lab_wait 20 "the asymmetric path to be seen" doctor 0 warn paths "answers may pass beside the gateway" ||
		fail "the doctor does not see an asymmetric path"
	echo "ok: an asymmetric path is seen"
}

lab_init tgkd
gateway_pods a b
# shellcheck disable=SC2119 # the server's usual flags
cluster_start
node_create node-1 192.0.2.1 10.10.0.0/16,fd00:10::/32
namespace_create shop
api_server_slice
dns_objects
initialise
rbac
access
masquerade
asymmetry

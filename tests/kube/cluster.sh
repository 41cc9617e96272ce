#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A real Kubernetes control plane for a scenario, sourced by it: etcd and kube-apiserver of
# scripts/apiserver.sh, in a namespace of their own in the scenario's lab, with a wire to the
# gateway's. No kubelet and no controllers: a pod is what the scenario says that it is.
#
#	gateway's namespace [ kube0 198.18.0.2 ]======[ gw0 198.18.0.1 ] kube-apiserver :6443, etcd
#
# After lab_init: cluster_start. Everything ends and is removed on exit. The administrator is `k`
# (kubectl) and `api` (plain requests); users are made by user_create and may nothing at first.
# Every function that changes something returns when the server acts by it.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/common.sh"
# What ends a pipeline may end the scenario.
shopt -s lastpipe
CLUSTER_ADDRESS=198.18.0.1
CLUSTER_URL=https://$CLUSTER_ADDRESS:6443

# cluster_start [FLAG...] : of kube-apiserver, after its usual ones; kept in $CLUSTER_FLAGS
cluster_start()
{
	CLUSTER_PROGRAMS=$("$root/scripts/apiserver.sh" --cached 2>"$LAB_DIR/apiserver.log") ||
		skip "$(tail -1 "$LAB_DIR/apiserver.log")"
	CLUSTER_DIR=$LAB_DIR/cluster
	CLUSTER_FLAGS=("$@")
	mkdir -p "$CLUSTER_DIR"/users
	trap cluster_cleanup EXIT
	cluster_plumb
	etcd_launch
	cluster_keys >"$LAB_DIR/keys.log" 2>&1 || fail "no keys for the cluster"
	apiserver_start
}

cluster_plumb()
{
	lab_netns kube
	lab_in gw ip link add kube0 type veth peer name gw0 netns "$LAB-kube"
	lab_in gw ip addr add 198.18.0.2/30 dev kube0
	lab_in gw ip link set kube0 up
	lab_in kube ip addr add $CLUSTER_ADDRESS/30 dev gw0
	lab_in kube ip link set gw0 up
}

# Without a farewell: nothing here needs one.
cluster_stop()
{
	apiserver_stop
	etcd_stop
}

cluster_cleanup()
{
	cluster_stop
	lab_cleanup
}

# The certificate authority, the server's certificate, the key of service accounts' tokens and the
# administrator's token.
cluster_keys()
{
	local dir=$CLUSTER_DIR
	certificate_request ca "/CN=ca" &&
		openssl x509 -req -in "$dir/ca.csr" -signkey "$dir/ca.key" -days 30 -out "$dir/ca.crt" \
			-extfile <(echo "basicConstraints=critical,CA:TRUE") &&
		certificate server "/CN=kube-apiserver" "subjectAltName=IP:$CLUSTER_ADDRESS,DNS:kubernetes.default.svc" &&
		openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$dir/tokens.key" &&
		openssl pkey -in "$dir/tokens.key" -pubout -out "$dir/tokens.pub" &&
		CLUSTER_TOKEN=$(openssl rand -hex 16) &&
		echo "$CLUSTER_TOKEN,admin,admin,system:masters" >"$dir/tokens.csv" &&
		kubeconfig "token: $CLUSTER_TOKEN" >"$dir/admin.conf"
}

# certificate_request NAME SUBJECT : its key in NAME.key, what is to be signed in NAME.csr
certificate_request()
{
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$2" \
		-keyout "$CLUSTER_DIR/$1.key" -out "$CLUSTER_DIR/$1.csr"
}

# certificate NAME SUBJECT EXTENSION : by the cluster's authority, in NAME.crt
certificate()
{
	certificate_request "$1" "$2" &&
		openssl x509 -req -in "$CLUSTER_DIR/$1.csr" -CA "$CLUSTER_DIR/ca.crt" -CAkey "$CLUSTER_DIR/ca.key" \
			-CAcreateserial -days 30 -extfile <(echo "$3") -out "$CLUSTER_DIR/$1.crt"
}

# kubeconfig USER : on standard output; USER is the fields of the user, in flow style
kubeconfig()
{
	cat <<-END
		apiVersion: v1
		kind: Config
		clusters:
		- name: test
		  cluster: {server: "$CLUSTER_URL", certificate-authority-data: $(base64 -w 0 "$CLUSTER_DIR/ca.crt")}
		users:
		- {name: user, user: {$1}}
		contexts:
		- {name: test, context: {cluster: test, user: user}}
		current-context: test
	END
}

etcd_launch()
{
	ip netns exec "$LAB-kube" "$CLUSTER_PROGRAMS/etcd" --name test --data-dir "$CLUSTER_DIR/etcd" \
		--listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
		--listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 \
		--initial-cluster test=http://127.0.0.1:2380 >>"$LAB_DIR/etcd.log" 2>&1 &
	ETCD=$!
}

etcd_healthy()
{
	lab_in kube curl -sf --max-time 5 http://127.0.0.1:2379/health
}

# Again, with what it had, and the server on it.
etcd_start()
{
	etcd_launch
	lab_wait 60 "etcd" etcd_healthy || fail "etcd did not start"
	lab_wait 60 "kube-apiserver" apiserver_ready || fail "kube-apiserver does not come back"
}

# Then what the server cannot answer from its caches it answers with 5xx after its --request-timeout,
# or breaks off, as it cannot decide which of its two timeouts was first.
etcd_stop()
{
	process_kill "${ETCD:-}"
	ETCD=
}

process_kill()
{
	[ -n "$1" ] || return 0
	kill -KILL "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

# etcd_request WHAT JSON : of its key-value service
etcd_request()
{
	lab_in kube curl -sf --max-time 20 "http://127.0.0.1:2379/v3/kv/$1" -d "$2"
}

# Forgets every version of everything but the last: older ones are 410 Gone. What the server holds in
# its watch cache it still serves, so a scenario starts it again or has --watch-cache=false.
etcd_compact()
{
	local revision
	revision=$(etcd_request range '{"key": "AA=="}' | jq -er .header.revision) || fail "etcd has no revision"
	etcd_request compaction "{\"revision\": \"$revision\", \"physical\": true}" >/dev/null ||
		fail "etcd does not compact"
}

apiserver_start()
{
	ip netns exec "$LAB-kube" "$CLUSTER_PROGRAMS/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 \
		--etcd-compaction-interval=0 --request-timeout=20s --bind-address=0.0.0.0 --secure-port=6443 \
		--advertise-address=$CLUSTER_ADDRESS --endpoint-reconciler-type=none \
		--cert-dir="$CLUSTER_DIR" --tls-cert-file="$CLUSTER_DIR/server.crt" \
		--tls-private-key-file="$CLUSTER_DIR/server.key" --client-ca-file="$CLUSTER_DIR/ca.crt" \
		--token-auth-file="$CLUSTER_DIR/tokens.csv" --authorization-mode=RBAC \
		--service-account-issuer=https://kubernetes.default.svc --api-audiences=tests \
		--service-account-key-file="$CLUSTER_DIR/tokens.pub" \
		--service-account-signing-key-file="$CLUSTER_DIR/tokens.key" \
		--service-cluster-ip-range=10.96.0.0/16,fd00:96::/112 \
		--feature-gates=IPv6DualStack=true --disable-admission-plugins=ServiceAccount \
		"${CLUSTER_FLAGS[@]}" >>"$LAB_DIR/apiserver.log" 2>&1 &
	APISERVER=$!
	lab_wait 240 "kube-apiserver" apiserver_ready || fail "kube-apiserver did not start"
}

# With the namespace that it makes last.
apiserver_ready()
{
	api GET /readyz && api GET /api/v1/namespaces/default
}

apiserver_stop()
{
	process_kill "${APISERVER:-}"
	APISERVER=
}

# Nothing passes between the gateway and the server any more; nobody is told.
cluster_partition()
{
	lab_in kube ip route add blackhole 198.18.0.2/32
}

cluster_heal()
{
	lab_in kube ip route del blackhole 198.18.0.2/32
}

# kubectl, as the administrator
k()
{
	HOME=$CLUSTER_DIR lab_in kube "$CLUSTER_PROGRAMS/kubectl" --kubeconfig "$CLUSTER_DIR/admin.conf" "$@"
}

# api METHOD PATH [CURL_OPTION...] : one request by $CLUSTER_TOKEN's owner, the administrator unless the
# caller says otherwise; what is to be sent, as JSON, on standard input
api()
{
	local method=$1 path=$2 body=()
	shift 2
	case $method in
	POST | PUT) body=(-H "Content-Type: application/json" --data-binary @-) ;;
	PATCH) body=(-H "Content-Type: application/merge-patch+json" --data-binary @-) ;;
	esac
	lab_in kube curl -sS --fail-with-body --max-time 60 --cacert "$CLUSTER_DIR/ca.crt" -X "$method" \
		-H "Authorization: Bearer $CLUSTER_TOKEN" "${body[@]}" "$@" "$CLUSTER_URL$path"
}

# api_code METHOD PATH [CURL_OPTION...] : the HTTP status alone
api_code()
{
	api "$@" -o /dev/null -w '%{http_code}' 2>/dev/null
}

# api_do METHOD PATH : must succeed; the answer goes to the log
api_do()
{
	api "$@" >>"$LAB_DIR/requests.log" 2>&1 || fail "the server refuses $*"
}

# labels "KEY=VALUE,..." : as JSON
labels()
{
	jq -nc --arg l "$1" '$l | split(",") | map(split("=") | {(.[0]): .[1]}) | add // {}'
}

# namespace_create NAME [LABELS]
namespace_create()
{
	jq -n --arg name "$1" --argjson labels "$(labels "${2:-}")" \
		'{metadata: {$name, $labels}}' | api_do POST /api/v1/namespaces
}

# namespace_label NAME LABELS : a KEY without a value is removed
namespace_label()
{
	labels "$2" | jq '{metadata: {labels: .}}' | api_do PATCH "/api/v1/namespaces/$1"
}

# namespace_delete NAME : with the pods and policies in it, which controllers would do
namespace_delete()
{
	local ns=/api/v1/namespaces/$1
	api_do DELETE "$ns"
	api_do DELETE "$ns/pods?gracePeriodSeconds=0"
	api_do DELETE "/apis/networking.k8s.io/v1/namespaces/$1/networkpolicies"
	jq -n --arg name "$1" '{metadata: {$name}, spec: {finalizers: []}}' | api_do PUT "$ns/finalize"
}

# pod_create NAMESPACE NAME LABELS ADDRESS[,ADDRESS] [NODE] : it runs and has a port http, 8080/TCP
pod_create()
{
	jq -n --arg name "$2" --argjson labels "$(labels "$3")" --arg node "${5:-node-1}" '{metadata: {$name, $labels},
		spec: {nodeName: $node, containers: [{name: "c", image: "none",
			ports: [{name: "http", containerPort: 8080}]}]}}' | api_do POST "/api/v1/namespaces/$1/pods"
	pod_status "$1" "$2" Running "$4"
}

# pod_status NAMESPACE NAME PHASE ADDRESS[,ADDRESS]
pod_status()
{
	jq -n --arg phase "$3" --arg ips "$4" '($ips | split(",")) as $all |
		{status: {$phase, podIP: $all[0], podIPs: ($all | map({ip: .}))}}' |
		api_do PATCH "/api/v1/namespaces/$1/pods/$2/status"
}

# pod_label NAMESPACE NAME LABELS : a KEY without a value is removed
pod_label()
{
	labels "$3" | jq '{metadata: {labels: .}}' | api_do PATCH "/api/v1/namespaces/$1/pods/$2"
}

# pod_delete NAMESPACE NAME : at once
pod_delete()
{
	api_do DELETE "/api/v1/namespaces/$1/pods/$2?gracePeriodSeconds=0"
}

# node_create NAME ADDRESS,... POD_RANGE,...
node_create()
{
	jq -n --arg name "$1" --arg ranges "$3" '($ranges | split(",")) as $all |
		{metadata: {$name}, spec: {podCIDR: $all[0], podCIDRs: $all}}' | api_do POST /api/v1/nodes
	jq -n --arg ips "$2" '{status: {addresses: ($ips | split(",") | map({type: "InternalIP", address: .}))}}' |
		api_do PATCH "/api/v1/nodes/$1/status"
}

# policy_apply NAMESPACE NAME SPEC : a NetworkPolicy's, in flow style; by kubectl
policy_apply()
{
	k apply -f - >>"$LAB_DIR/requests.log" 2>&1 <<-END || fail "kubectl does not apply $1/$2"
		apiVersion: networking.k8s.io/v1
		kind: NetworkPolicy
		metadata: {namespace: $1, name: $2}
		spec: $3
	END
}

# policy_delete NAMESPACE NAME
policy_delete()
{
	api_do DELETE "/apis/networking.k8s.io/v1/namespaces/$1/networkpolicies/$2"
}

# crd_create RESOURCE.GROUP VERSION KIND Namespaced|Cluster : a kind of ours, in which everything is legal
crd_create()
{
	local path=/apis/${1#*.}/$2
	jq -n --arg name "$1" --arg version "$2" --arg kind "$3" --arg scope "$4" '($name | index(".")) as $dot |
		{metadata: {$name}, spec: {group: $name[$dot + 1:], $scope, names: {$kind, plural: $name[:$dot]},
			versions: [{name: $version, served: true, storage: true, schema: {openAPIV3Schema:
				{type: "object", "x-kubernetes-preserve-unknown-fields": true}}}]}}' |
		api_do POST /apis/apiextensions.k8s.io/v1/customresourcedefinitions
	lab_wait 30 "$1 to be served" served "$path" "${1%%.*}" || fail "$1 is not served"
}

# served PATH RESOURCE : the server says that it has it and answers for it
served()
{
	api GET "$1" | jq -e --arg name "$2" 'any(.resources[]; .name == $name)' && api GET "$1/$2"
}

# crd_delete RESOURCE.GROUP VERSION : with all that is of the kind
crd_delete()
{
	api_do DELETE "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/$1"
	lab_wait 30 "$1 to go" answers 404 "/apis/${1#*.}/$2/${1%%.*}" || fail "$1 is still served"
}

# answers STATUS PATH : STATUS is a pattern
answers()
{
	# shellcheck disable=SC2053
	[[ $(api_code GET "$2") = $1 ]]
}

# user_create NAME : a service account, of the namespace `users`
user_create()
{
	api GET /api/v1/namespaces/users >/dev/null 2>&1 || namespace_create users
	jq -n --arg name "$1" '{metadata: {$name}}' | api_do POST /api/v1/namespaces/users/serviceaccounts
}

# user_token NAME : a new one, on standard output; those before it stay valid
user_token()
{
	jq -n '{spec: {expirationSeconds: 3600}}' |
		api POST "/api/v1/namespaces/users/serviceaccounts/$1/token" 2>>"$LAB_DIR/requests.log" |
		jq -er .status.token
}

# user_revoke NAME TOKEN : the user's tokens of before are 401 from now on, TOKEN is one of them; what it
# may stays. The server remembers for 10 s that a token was good.
user_revoke()
{
	api_do DELETE "/api/v1/namespaces/users/serviceaccounts/$1"
	user_create "$1"
	CLUSTER_TOKEN=$2 lab_wait 30 "the token of $1 to be revoked" answers 401 /api || fail "the token of $1 stays valid"
}


# kubeconfig_for USER token|token-file|certificate : writes one and prints its path. The token file is
# beside it, USER.token; rotation is to move a file with a new token there.
kubeconfig_for()
{
	local base=$CLUSTER_DIR/users/$1 token
	case $2 in
	token | token-file) token=$(user_token "$1") || return ;;
	certificate)
		certificate "users/$1" "/CN=system:serviceaccount:users:$1" "extendedKeyUsage=clientAuth" \
			2>>"$LAB_DIR/keys.log" || return
		;;
	esac
	case $2 in
	token) kubeconfig "token: $token" ;;
	token-file)
		echo "$token" >"$base.token"
		kubeconfig "tokenFile: $base.token"
		;;
	certificate) kubeconfig "client-certificate: $base.crt, client-key: $base.key" ;;
	esac >"$base.conf"
	echo "$base.conf"
}

# may USER VERB RESOURCE [NAMESPACE] : whether the server lets it; RESOURCE as rbac_allow has it
may()
{
	jq -n --arg user "system:serviceaccount:users:$1" --arg verb "$2" --arg r "$3" --arg namespace "${4:-}" \
		'($r | index(".")) as $dot | {spec: {$user, resourceAttributes: {$verb, $namespace,
			resource: ($r | .[:$dot]), group: (if $dot then $r[$dot + 1:] else "" end)}}}' |
		api POST /apis/authorization.k8s.io/v1/subjectaccessreviews | jq -e .status.allowed
}

may_not()
{
	! may "$@"
}

# rbac_allow USER VERB,... RESOURCE[.GROUP] [NAMESPACE] : in all namespaces when none is named
rbac_allow()
{
	local path kind=Role name=$1.$3 verb
	path=/apis/rbac.authorization.k8s.io/v1${4:+/namespaces/$4}
	[ -n "${4:-}" ] || kind=ClusterRole
	jq -n --arg name "$name" --arg verbs "$2" --arg r "$3" '($r | index(".")) as $dot |
		{metadata: {$name}, rules: [{verbs: ($verbs | split(",")), resources: [$r[:$dot]],
			apiGroups: [if $dot then $r[$dot + 1:] else "" end]}]}' | api_do POST "$path/${kind,,}s"
	jq -n --arg name "$name" --arg user "$1" --arg kind $kind '{metadata: {$name},
		roleRef: {apiGroup: "rbac.authorization.k8s.io", $kind, $name},
		subjects: [{kind: "ServiceAccount", namespace: "users", name: $user}]}' |
		api_do POST "$path/${kind,,}bindings"
	for verb in ${2//,/ }; do
		lab_wait 30 "$1 may $verb $3" may "$1" "$verb" "$3" "${4:-}" || fail "$1 may not $verb $3"
	done
}

# rbac_deny USER VERB,... RESOURCE[.GROUP] [NAMESPACE] : takes back what rbac_allow gave
rbac_deny()
{
	local path kind=role verb
	path=/apis/rbac.authorization.k8s.io/v1${4:+/namespaces/$4}
	[ -n "${4:-}" ] || kind=clusterrole
	api_do DELETE "$path/${kind}bindings/$1.$3"
	api_do DELETE "$path/${kind}s/$1.$3"
	for verb in ${2//,/ }; do
		lab_wait 30 "$1 may not $verb $3" may_not "$1" "$verb" "$3" "${4:-}" || fail "$1 may still $verb $3"
	done
}

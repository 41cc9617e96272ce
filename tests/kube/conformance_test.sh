#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A real server answers as its double does: both are held against conformance-1.20.txt.
# shellcheck source=tests/kube/cluster.sh
. "$(dirname "$0")/cluster.sh"

# ask PHASE [TOKEN]
ask()
{
	lab_in kube "$root/tests/kube/double/conformance.py" "$CLUSTER_URL" --cacert "$CLUSTER_DIR/ca.crt" \
		--state "$LAB_DIR/state" --token "${2:-$CLUSTER_TOKEN}" "$1" 2>>"$LAB_DIR/ask.log" || fail "$1"
}

lab_init tgconf
# shellcheck disable=SC2119 # the server's usual flags
cluster_start
ask before >"$LAB_DIR/answers"
# The watch cache goes with the server.
etcd_compact
apiserver_stop
apiserver_start
ask after >>"$LAB_DIR/answers"
user_create reader
ask forbidden "$(user_token reader)" >>"$LAB_DIR/answers"
crd_create shelves.example.org v1 Shelf Cluster
ask custom >>"$LAB_DIR/answers"
diff -u "$root/tests/kube/double/conformance-1.20.txt" "$LAB_DIR/answers" || fail "the server answers otherwise"
echo "ok: the server answers as its double"

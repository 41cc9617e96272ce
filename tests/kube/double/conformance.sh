#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# conformance.sh PROGRAM : the double answers as kube-apiserver 1.20 did when conformance-1.20.txt was
# recorded, by the same questions.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d /tmp/tgconformance.XXXXXX)
user=system:serviceaccount:users:reader
trap 'kill "$double" 2>/dev/null; wait; rm -rf "$dir"' EXIT

mkfifo "$dir/urls"
"$1" --server 1.20 --writes --unpaged --token secret --user $user >"$dir/urls" &
double=$!
read -r -t 10 url control <"$dir/urls" || {
	echo "the double does not start"
	exit 1
}

# Commands, a line each
tell()
{
	curl -sS --fail-with-body --max-time 10 --data-binary "$1" "$control" >>"$dir/commands.log"
}

ask()
{
	"$here/conformance.py" "$url" --state "$dir/state" --token secret "$1" || echo "$1 failed"
}

{
	ask before
	tell compact
	ask after
	tell $'forbid list pods\nforbid get pods\nforbid watch networkpolicies'
	ask forbidden
	tell $'allow list pods\nallow get pods\nkind example.org v1 shelves Shelf cluster'
	ask custom
} >"$dir/answers"
diff -u "$here/conformance-1.20.txt" "$dir/answers"

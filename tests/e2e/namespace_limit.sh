#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A namespace at its limit opens no more connections, with the reason for it, while another one's go
# on. A higher limit lets more in at once. What nobody has answered counts as well.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
lab_init "tgnl" tap
pods a b
sed -i '/name: b,/s/default/other/' "$LAB_DIR/manifests/pods.yaml"
lab_ctrl_config kubernetes >"$LAB_DIR/ctrl.yaml"

# limit N : of namespace default, pod a's; that of pod b has none
limit()
{
	manifest namespace.yaml <<-END
		apiVersion: v1
		kind: Namespace
		metadata: {name: default, annotations: {tidegate.dev/max-connections: "$1"}}
	END
}

limit 3
gateway_up
lab_internet 198.51.100.1 2001:db8:2::1
lab_bg internet python3 "$root/tests/e2e/web.py" "$LAB_DIR" 8080
lab_wait 10 "the server" lab_in internet curl -s "http://[::1]:8080/" || fail "no server"
for pod in a b; do
	mkfifo "$LAB_DIR/$pod.in" "$LAB_DIR/$pod.out"
	ip netns exec "$LAB-$pod" "$root/tests/e2e/connections.py" <"$LAB_DIR/$pod.in" >"$LAB_DIR/$pod.out" &
	LAB_PIDS+=($!)
done
# shellcheck disable=SC2034 # used by name
exec {to_a}>"$LAB_DIR/a.in" {from_a}<"$LAB_DIR/a.out" {to_b}>"$LAB_DIR/b.in" {from_b}<"$LAB_DIR/b.out"

# opens POD ADDRESS COUNT OPEN [SECONDS]: so many are open then
opens()
{
	local to=to_$1 from=from_$1 n
	echo "$2 8080 $3 ${5:-20}" >&"${!to}"
	read -r n <&"${!from}" && [ "$n" -eq "$4" ]
}

# refused OPEN : no further one is
refused()
{
	local before
	before=$(drops namespace_limit)
	check "the next one is not opened" opens a 198.51.100.1 1 "$1" 1
	check "nor one of IPv6" opens a 2001:db8:2::1 1 "$1" 1
	[ "$(drops namespace_limit)" -ge $((before + 2)) ] || fail "they are not counted as namespace_limit"
	echo "ok: they are counted as namespace_limit"
}

# shows CONNECTIONS LIMIT : so `tidegate status` says of namespace default, and of no other
shows()
{
	lab_in gw "$build/ctrl/cli/tidegate" status -o json | jq -e --argjson open "$1" --argjson limit "$2" \
		'.dataplane.namespace_limits | length == 1 and (.[0] | .namespace == "default" and
		 .connections == $open and .limit == $limit and .refused_packets > 0)'
}

check "two connections" opens a 198.51.100.1 2 2
check "and one of IPv6" opens a 2001:db8:2::1 1 3
refused 3
check "status shows it" shows 3 3
check "another namespace goes on" opens b 198.51.100.1 5 5
check "in both families" opens b 2001:db8:2::1 5 10

before=$(applied)
limit 5
lab_wait 10 "the higher limit" newer_than "$before" || fail "the change did not get in force"
check "two more" opens a 198.51.100.1 2 5
refused 5
check "status shows it" shows 5 5

before=$(applied)
limit 7
lab_wait 10 "the higher limit" newer_than "$before" || fail "the change did not get in force"
for address in 198.51.100.1 2001:db8:2::1; do
	lab_in a bash -c "echo question >/dev/udp/$address/9"
done
check "datagrams without a reply count" lab_wait 10 "the datagrams" shows 7 7
refused 5
gateway_down

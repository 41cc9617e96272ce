#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Both processes and the command line under memcheck: start, traffic, a delta, new rulesets, stop.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
[ -x "$(command -v valgrind)" ] || skip "no valgrind"
! ldd "$build/dataplane/tidegate-dataplane" | grep -q libasan || skip "the sanitizers watch this build"
lab_init "tgvg" af_packet
LAB_UNDER=(valgrind -q --leak-check=full "--suppressions=$root/tests/e2e/valgrind.supp"
	--show-leak-kinds=definite --errors-for-leak-kinds=definite --error-exitcode=99
	--fair-sched=try "--log-file=$LAB_DIR/valgrind-%p.log")
LAB_DATAPLANE_EXTRA="connections: {ipv4: 4096, ipv6: 4096}"
pods a b
allow()
{
	policy_ports "$1" '{to: [{ipBlock: {cidr: 203.0.113.0/24}}]}'
}
allow 8080
gateway_up
lab_bg b python3 "$root/tests/e2e/web.py" "$LAB_DIR" 8080
lab_wait 10 "server" lab_in b curl -s "http://[::1]:8080/" || fail "no server"
for b in 10.10.2.2 "[fd00:10:2::2]"; do
	check "allowed: $b" lab_in a curl -s --max-time 10 "http://$b:8080/"
done
check_not "a datagram in fragments is denied" lab_in a ping -c 1 -s 3000 -W 1 10.10.1.1
check_not "denied" lab_in a curl -s --max-time 2 http://10.10.2.2:8081/

lab_in a ip addr add 10.10.1.77/24 dev eth0
pod late a 10.10.1.77 | manifest late.yaml
late() { lab_in a curl -s --max-time 2 --interface 10.10.1.77 http://10.10.2.2:8080/; }
lab_wait 20 "the delta" late || fail "the late pod is not let through"
for port in 8081 8082 8083; do
	before=$(applied)
	allow $port
	lab_wait 20 "the change" newer_than "$before" || fail "a change did not get in force"
done
check_not "no longer allowed" lab_in a curl -s --max-time 2 http://10.10.2.2:8080/
for command in "status" "rules" "drops" "explain --live 10.10.1.2 10.10.2.2 TCP 8083"; do
	# shellcheck disable=SC2086
	check "tidegate $command" lab_in gw "${LAB_UNDER[@]}" "$build/ctrl/cli/tidegate" $command
done
echo "kind: [" >"$LAB_DIR/manifests/broken.yaml"
refused() { ! lab_in gw "$build/ctrl/cli/tidegate" status; }
lab_wait 20 "the broken file" refused || fail "the broken file is not reported"
check "metrics" http /metrics
gateway_down
cat "$LAB_DIR"/valgrind-*.log
[ "$(cat "$LAB_DIR"/valgrind-*.log | wc -c)" -eq 0 ] || fail "memcheck complains"
echo "ok: memcheck has nothing to say"

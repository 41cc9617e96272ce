#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The driver of a port asks for a reset while connections cross it in hardware: the gateway takes the port
# down and up again, connections go on, hardware is filled anew, what is denied stays denied, the port
# of another wire is not touched. A port that does not come back stays down and is told of.
# shellcheck source=tests/e2e/nicmodel.sh
. "$(dirname "$0")/nicmodel.sh"
model_up "$1" tgrs 8080

stream 8080
lab_wait 20 "the stream in hardware" in_hardware 2 || fail "$(tidegate_offload status)"
denied()
{
	! lab_in a curl -s --max-time 1 http://10.10.2.2:8081/ >"$LAB_DIR/denied.log"
}
denied || fail "what is denied passes before the reset"

lost()
{
	metric 'tidegate_offload_left_total{reason="lost"}'
}
for n in 1 2 3; do
	touch "$LAB_DIR/reset.$(device_of f1)"
	lab_wait 15 "reset $n" resets f1 "$n" || fail "the port was not reset"
	goes_on 8080
	lab_wait 20 "the stream in hardware again" in_hardware 2 || fail "$(tidegate_offload status)"
	denied || fail "what is denied passes after a reset"
done
[ "$(lost)" -ge 3 ] || fail "hardware did not lose its rules: $(lost)"
for port in p1 p2 f2; do
	resets $port 0 || fail "port $port was reset as well"
done
[ "$(metric 'tidegate_dataplane_state{flag="port_failed"}')" -eq 0 ] || fail "a port counts as failed"
echo "ok: the port was reset three times, the stream goes on and is in hardware again"

# Counters of a port never fall.
before=$(port_metric receive_packets_total f1)
[ "$before" -gt 0 ] || fail "the port has counted nothing"

echo fail >"$LAB_DIR/reset.$(device_of p1)"
failed()
{
	[ "$(metric 'tidegate_dataplane_state{flag="port_failed"}')" -eq 1 ]
}
lab_wait 15 "the failure" failed || fail "nobody says that the port has failed"
[ "$(port_metric link_up p1)" -eq 0 ] || fail "a port that failed is up"
[ "$(port_metric reset_state p1)" -eq 2 ] || fail "its state does not say so"
if lab_in gw "$build/ctrl/cli/tidegate" status >"$LAB_DIR/status.log"; then
	fail "all is well with a port that is down"
fi
grep -q 'did not come back from a reset' "$LAB_DIR/status.log" || fail "status does not say so"
# The other wire still works: b, which is behind p2 and f2, reaches its router.
check "the other wire goes on" lab_in b ping -qc 3 -i 0.2 -W 2 10.10.2.1
gateway_down

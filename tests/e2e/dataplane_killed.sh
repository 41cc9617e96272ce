#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The dataplane is killed while the control process is away too: the next one starts from the
# checkpoint, deltas included, picks up live TCP connections and denies what was denied. Then the control process
# comes back and resyncs. AF_PACKET ports: the wires outlive the process.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
lab_init "tgdk" af_packet
pods a b
policy_ports 8080
gateway_up
# a restart cuts live connections unless the operator says otherwise: from the next start on
echo "pickup-window: 2m" >>"$LAB_DIR/dataplane.yaml"
lab_bg b python3 "$root/demo/server.py" b 8080
lab_bg b python3 "$root/demo/server.py" b 8081
for port in 8080 8081; do
	lab_wait 10 "server" lab_in b curl -s "http://[::1]:$port/" || fail "no server"
done
check "allowed before" lab_in a curl -s --max-time 3 http://10.10.2.2:8080/

# A pod that came as a delta: same labels as a, so a class that exists.
lab_in a ip addr add 10.10.1.77/24 dev eth0
check_not "an address without a pod is denied" lab_in a curl -s --max-time 1 --interface 10.10.1.77 http://10.10.2.2:8080/
pod late a 10.10.1.77 | manifest late.yaml
late_passes()
{
	lab_in a curl -s --max-time 1 --interface 10.10.1.77 http://10.10.2.2:8080/
}
lab_wait 10 "the late pod" late_passes || fail "the late pod is not let through"

lab_in a curl -sN http://10.10.2.2:8080/stream >"$LAB_DIR/stream" 2>/dev/null &
LAB_PIDS+=($!)
lines()
{
	[ "$(wc -l <"$LAB_DIR/stream")" -gt "$1" ]
}
lab_wait 10 "the stream" lines 5 || fail "no stream"

kill -9 "$CTRL" "$LAB_DATAPLANE"
wait "$CTRL" "$LAB_DATAPLANE" 2>/dev/null
check_not "nothing passes without the dataplane" lab_in a curl -s --max-time 1 http://10.10.2.2:8080/
seen=$(wc -l <"$LAB_DIR/stream")
lab_dataplane_start "$build" || fail "the dataplane did not come back"
lab_wait 20 "the stream going on" lines $((seen + 5)) || fail "the live connection was not picked up"
check "allowed from the checkpoint" lab_in a curl -s --max-time 3 http://10.10.2.2:8080/
check_not "denied from the checkpoint" lab_in a curl -s --max-time 1 http://10.10.2.2:8081/
check "the delta is in the checkpoint" late_passes
ctrl_start
lab_wait 20 "resync" ready || fail "no resync"
check "allowed after resync" lab_in a curl -s --max-time 3 http://10.10.2.2:8080/
gateway_down

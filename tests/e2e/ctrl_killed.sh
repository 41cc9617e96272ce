#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The control process is killed: enforcement goes on as it was, live connections too; the next one
# finds what is in force, does not go back, and enforces what changed meanwhile.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
lab_init "tgck" tap
pods a b
policy_ports 8080
gateway_up
lab_bg b python3 "$root/demo/server.py" b 8080
lab_bg b python3 "$root/demo/server.py" b 8081
for port in 8080 8081; do
	lab_wait 10 "server" lab_in b curl -s "http://[::1]:$port/" || fail "no server"
done
check "allowed before" lab_in a curl -s --max-time 3 http://10.10.2.2:8080/
lab_in a curl -sN http://10.10.2.2:8080/stream >"$LAB_DIR/stream" 2>/dev/null &
LAB_PIDS+=($!)
lines()
{
	[ "$(wc -l <"$LAB_DIR/stream")" -gt "$1" ]
}
lab_wait 10 "the stream" lines 5 || fail "no stream"

generation=$(applied)
kill -9 "$CTRL"
wait "$CTRL" 2>/dev/null
seen=$(wc -l <"$LAB_DIR/stream")
lab_wait 10 "the stream going on" lines $((seen + 5)) || fail "the live connection stopped"
check "allowed without the control process" lab_in a curl -s --max-time 3 http://10.10.2.2:8080/
check_not "denied without it" lab_in a curl -s --max-time 2 http://10.10.2.2:8081/
check "allowed over IPv6 without it" lab_in a curl -s --max-time 3 "http://[fd00:10:2::2]:8080/"

policy_ports 8081
ctrl_start
lab_wait 20 "the next one" ready || fail "the control process did not come back"
lab_wait 10 "the change" newer_than "$generation" || fail "generation went back or stayed: $(applied)"
check "what changed meanwhile is allowed" lab_in a curl -s --max-time 3 http://10.10.2.2:8081/
check_not "what was allowed no longer is" lab_in a curl -s --max-time 2 http://10.10.2.2:8080/
seen=$(wc -l <"$LAB_DIR/stream")
check_not "the revoked connection stays cut" lab_wait 2 "more of the stream" lines "$seen"
gateway_down

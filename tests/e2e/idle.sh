#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A gateway without traffic leaves the processor to others, and is there when packets come; one that is
# told to poll does not. TAP: it lives through packets that it has no time for.
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
[ "$1" != af_xdp ] || needs_af_xdp
lab_init "tgid" "$1"
pods p1 p2 p3
lab_ctrl_config kubernetes >"$LAB_DIR/ctrl.yaml"

# Nanoseconds of processor time that all threads of the dataplane have used.
cpu_time()
{
	cat "/proc/$LAB_DATAPLANE"/task/*/schedstat | awk '{ sum += $1 } END { printf "%d\n", sum }'
}

# Thousandths of a processor that it uses: its own time, so others on the machine do not matter.
share()
{
	local from=${EPOCHREALTIME/./} used
	used=$(cpu_time)
	read -rt 3 <> <(:) || true
	used=$(($(cpu_time) - used))
	echo $((used / (${EPOCHREALTIME/./} - from)))
}

# ping_median N SECONDS : of so many pings, so far apart, microseconds
ping_median()
{
	lab_in p1 ping -c "$1" -i "$2" -W 5 10.10.1.1 | sed -n 's/.*time=\([0-9.]*\) ms.*/\1/p' |
		sort -n | awk '{ v[NR] = $1 } END { if (NR == 0) exit 1; printf "%d\n", v[int((NR + 1) / 2)] * 1000 }'
}

[ "$1" != tap ] || LAB_UNDER=(prlimit --sigpending=16)
gateway_up
lab_wait 10 "the first ping" ping_median 1 1 || fail "nothing passes"
is_idle()
{
	share >"$LAB_DIR/share"
	kill -0 "$LAB_DATAPLANE" && [ "$(cat "$LAB_DIR/share")" -lt 50 ]
}
# Interfaces that have just come up are not silent at once.
lab_wait 30 "an idle gateway" is_idle ||
	fail "an idle gateway uses $(cat "$LAB_DIR/share") thousandths of a processor"
echo "$(cat "$LAB_DIR/share") thousandths of a processor without traffic"
# A wait that packets do not end lasts 10 ms, and a ping may run into one each way.
median=$(ping_median 100 0.025) || fail "no ping came back"
echo "a ping takes $median us"
[ "$median" -lt 5000 ] || fail "packets do not wake the workers: pings take $median us"

if [ "$1" = tap ]; then
	kill -STOP "$LAB_DATAPLANE"
	lab_in p1 ping -q -c 200 -i 0.002 -W 0.1 10.10.1.1 >/dev/null
	kill -CONT "$LAB_DATAPLANE"
	lab_wait 10 "pings after a stop" ping_median 3 0.2 || fail "it did not live through a stop"
	echo "ok: packets while it was stopped do no harm"
fi
gateway_down

LAB_UNDER=()
LAB_DATAPLANE_EXTRA="poll: busy"
if [ "$1" = tap ]; then
	lab_dataplane_config >"$LAB_DIR/dataplane.yaml"
	lab_dataplane_start "$build" || fail "the dataplane did not start"
	lab_plumb
	busy=$(share)
	echo "$busy thousandths when it polls"
	[ "$busy" -ge 50 ] || fail "what polls uses only $busy thousandths of a processor"
	lab_wait 10 "a dataplane that polls" kill "$LAB_DATAPLANE"
	wait "$LAB_DATAPLANE" || fail "it left with exit code $?"
fi

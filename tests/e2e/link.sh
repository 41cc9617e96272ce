#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A link that goes down is down at the other end of its wire, and up again, once each; other wires
# do not notice. A gateway that ends leaves nothing down.
# usage: link.sh [af_packet|af_xdp]
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"
[ "${1:-}" != af_xdp ] || needs_af_xdp
lab_init "tglk" "${1:-af_packet}"
LAB_DATAPLANE_EXTRA="no-ruleset: pass"
lab_pod a 1
lab_pod b 2
lab_plumb
lab_dataplane_config >"$LAB_DIR/dataplane.yaml"
lab_dataplane_start "$build" || fail "the dataplane did not start"

# of NAMESPACE INTERFACE ATTRIBUTE
of() { lab_in "$1" cat "/sys/class/net/$2/$3"; }
# link NAMESPACE INTERFACE STATE
link() { [ "$(of "$1" "$2" carrier)" = "$3" ]; }
check "packets pass" lab_in a ping -c 1 -W 5 10.10.1.1
bystander=$(of fabric b carrier_changes)

# turn NAMESPACE INTERFACE FAR_NAMESPACE FAR_INTERFACE: down and up at one end, seen at the other
turn()
{
	local changes
	changes=$(of "$3" "$4" carrier_changes)
	lab_in "$1" ip link set dev "$2" down
	lab_wait 10 "the link to go down" link "$3" "$4" 0 || fail "$1 is down, $3 does not see it"
	[ "$(of "$3" "$4" carrier_changes)" -eq $((changes + 1)) ] || fail "the link flaps going down"
	lab_in "$1" ip link set dev "$2" up
	lab_wait 10 "the link to come up" link "$3" "$4" 1 || fail "$1 is up again, $3 is not"
	lab_in a ip route replace default via 10.10.1.1
	check "packets pass after $1 went down and up" lab_in a ping -c 10 -i 0.2 -W 5 10.10.1.1
	[ "$(of "$3" "$4" carrier_changes)" -eq $((changes + 2)) ] || fail "the link flaps coming up"
	echo "ok: $3 saw $1 go down and up, once"
}
turn a eth0 fabric a
turn fabric a a eth0
[ "$(of fabric b carrier_changes)" = "$bystander" ] || fail "another wire's link changed"
check "the other wire passes" lab_in b ping -c 1 -W 5 10.10.2.1

# One that is killed while a link is down leaves the other end held; the next one lets it go.
lab_in a ip link set dev eth0 down
lab_wait 10 "the link to go down" link fabric a 0 || fail "the link is not taken down"
kill -9 "$LAB_DATAPLANE"
wait "$LAB_DATAPLANE" 2>/dev/null
lab_in a ip link set dev eth0 up
link fabric a 0 || fail "nobody let it up"
lab_dataplane_start "$build" || fail "the dataplane did not start again"
lab_wait 10 "the link to come up" link fabric a 1 || fail "the next gateway leaves it down"
echo "ok: the next gateway sets it up"
lab_in a ip link set dev eth0 down
lab_wait 10 "the link to go down" link fabric a 0 || fail "the link is not taken down"
kill "$LAB_DATAPLANE"
wait "$LAB_DATAPLANE" || fail "the dataplane did not stop cleanly"
check "nothing stays down after a clean stop" lab_wait 2 "the link to come up" link fabric a 1

#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The gateway on the NIC model over AF_PACKET ports: a TCP stream is taken over by hardware and goes on, its
# packets count for its rule; a change of policy that denies it takes it out of hardware and ends it,
# one that stays allowed stays there.
# shellcheck source=tests/e2e/nicmodel.sh
. "$(dirname "$0")/nicmodel.sh"
model_up "$1" tgof 8080 8081

stream 8080
stream 8081
lab_wait 20 "both streams in hardware" in_hardware 4 ||
	fail "$(metric tidegate_offload_entries) connections are in hardware"
echo "ok: both streams are in hardware"
forwarded=$(metric tidegate_offload_packets_total)
more_forwarded()
{
	[ "$(metric tidegate_offload_packets_total)" -gt "$((forwarded + 20))" ]
}
goes_on 8080
lab_wait 10 "hardware's counts" more_forwarded || fail "hardware forwards nothing"
check "what is in hardware is listed" tidegate_offload rules
check "a stream is explained" tidegate_offload explain 10.10.1.2 10.10.2.2 TCP 8080
before=$(applied)
allow 8081
lab_wait 10 "the revocation" newer_than "$before" || fail "the change did not get in force"
cut=$(lines 8080)
goes_on 8081
[ "$(lines 8080)" -le "$((cut + 1))" ] || fail "what is denied goes on: $cut, $(lines 8080)"
echo "ok: the denied stream is cut, the other goes on"
# Until its last counts have come it is on its way out.
back_in_software()
{
	tidegate_offload explain 10.10.1.2 10.10.2.2 TCP 8080 >"$LAB_DIR/explain.log"
	[ $? -eq 1 ]
}
lab_wait 10 "the cut stream is forgotten" back_in_software || fail "hardware still has it"
lab_wait 10 "only the other in hardware" in_hardware 2 || fail "what is denied is in hardware"
gateway_down

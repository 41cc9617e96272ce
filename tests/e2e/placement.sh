#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Two workers, without offload, on models of NICs that place packets: the one that does as its key says is
# believed; the one that takes the key and uses another is not; one whose profile does not say it is not
# asked. Packets come through all of them.
# shellcheck source=tests/e2e/nicmodel.sh
. "$(dirname "$0")/nicmodel.sh"
model_lab "$1" tgpl
LAB_DATAPLANE_EXTRA="offload: {profiles: $root/nic-profiles}"
lab_dataplane_config >"$LAB_DIR/plain.yaml"
wrap_ports "$1"
sed -i -e '/name: p2/s/,switch=1,/,switch=2,on=key-ignored,/' \
	-e '/name: f2/s/nic-profile: mlx5-cx5/nic-profile: generic/' "$LAB_DIR/dataplane.yaml"
model_start

# placement PORT STATE
placement()
{
	[ "$(port_metric placement "$1")" -eq "$2" ]
}
misplaced()
{
	[ "$(metric tidegate_worker_misplaced_packets_total)" -gt 0 ]
}
# flows FROM ADDRESS : a datagram on each of many connections, there and back
flows()
{
	lab_in "$1" python3 -c '
import socket, sys
for i in range(400):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(2)
        s.connect((sys.argv[1], 9000))
        s.send(b"%d" % i)
        assert s.recv(64) == b"%d" % i
' "$2"
}
for pod in a b; do
	lab_bg "$pod" python3 -c '
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.bind(("", 9000))
    while True:
        data, peer = s.recvfrom(64)
        s.sendto(data, peer)
'
	lab_wait 10 "the server" lab_in "$pod" sh -c 'ss -ulnH | grep -q :9000' || fail "no server"
done
check "connections of a" flows a 10.10.2.2
check "connections of b" flows b 10.10.1.2
lab_wait 10 "the NICs that do as they say" placement p1 2 || fail "p1: $(port_metric placement p1)"
placement f1 2 || fail "f1: $(port_metric placement f1)"
echo "ok: a NIC that does as its key says is believed"
placement p2 1 || fail "p2: $(port_metric placement p2)"
misplaced || fail "nobody has noticed that p2 places otherwise"
echo "ok: one that does not is not"
placement f2 0 || fail "f2: $(port_metric placement f2)"
tidegate_offload status >"$LAB_DIR/offload.log" # which is 1: it is off
for line in 'offload is off' 'trusted  where the NIC places packets: believed' \
	'learning  where the NIC places packets: not believed yet' \
	'software  where the NIC places packets: not believed; whether it hashes by the given key alone is not known'; do
	grep -q "$line" "$LAB_DIR/offload.log" || fail "offload status does not say: $line"
done
lab_in gw "$build/ctrl/cli/tidegate" status >"$LAB_DIR/status.log"
grep -q 'port p1: trusted' "$LAB_DIR/status.log" || fail "status does not say whom it believes"
echo "ok: status says whom it believes and why not"

# A port that was reset has to show it again.
touch "$LAB_DIR/reset.$(device_of p1)"
lab_wait 15 "the reset" placement p1 1 || fail "p1 is believed after a reset"
lab_wait 15 "the reset's end" resets p1 1 || fail "the port was not reset"
again()
{
	flows a 10.10.2.2 && placement p1 2
}
lab_wait 20 "p1 to show it again" again || fail "p1: $(port_metric placement p1)"
gateway_down

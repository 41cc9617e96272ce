#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash
# shellcheck source=tests/vm/guest.sh
. /guest.sh
# shellcheck source=/dev/null
. /environment
# The kernel's own packets are of no interest.
echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
tap_flow_test /nic-profiles "$RULES" || fail "rules in tc flower"

cat >/tmp/dataplane.yaml <<END
socket: /run/dataplane.sock
eal: {huge-pages: false, memory: 128}
connections: {ipv4: 4096, ipv6: 4096}
offload: {enabled: true, profiles: /nic-profiles}
ports:
- {name: in, device: "net_tap0,iface=in0", side: inside}
- {name: out, device: "net_tap1,iface=out0", side: outside}
wires: [{ports: [in, out]}]
END
tidegate-dataplane -c /tmp/dataplane.yaml >/tmp/dataplane.log 2>&1 &
gateway=$!
until_true 60 "the dataplane to listen" test -S /run/dataplane.sock
cat /tmp/dataplane.log
has /tmp/dataplane.log "NIC profile tap"
has /tmp/dataplane.log "port 0: TCP over IPv4 in software: no forwarding between ports, no counters"
has /tmp/dataplane.log "port 1: denied UDP over IPv6 in software: what is dropped is not counted"
has /tmp/dataplane.log "offload: no port can carry connections: all is done in software"
kill $gateway
wait $gateway || fail "the dataplane did not stop cleanly"

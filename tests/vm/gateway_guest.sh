#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash
# shellcheck source=tests/vm/guest.sh
. /guest.sh
# shellcheck source=/dev/null
. /environment
echo 128 >/proc/sys/vm/nr_hugepages
echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad

for address in 0000:00:04.0 0000:00:05.0; do
	device=/sys/bus/pci/devices/$address
	[ ! -e $device/driver ] || echo $address >$device/driver/unbind
	echo vfio-pci >$device/driver_override
	echo $address >/sys/bus/pci/drivers_probe
	[ "$(basename "$(readlink $device/driver)")" = vfio-pci ] || fail "$address is not bound to vfio-pci"
	[ -e $device/iommu_group ] || fail "$address is behind no IOMMU"
done

# namespace PCI_ADDRESS NAME : with the NIC there, under this name; its process is in $!
namespace()
{
	ip link set "$(ls "/sys/bus/pci/devices/$1/"virtio*/net)" name "$2"
	unshare -n sleep 100000 &
	until_true 10 "a namespace" moved $! "$2"
	within $! ip link set lo up
	within $! ip link set "$2" up
}
moved()
{
	[ "$(readlink /proc/$$/ns/net)" != "$(readlink "/proc/$1/ns/net")" ] && ip link set "$2" netns "$1"
}
within()
{
	local pid=$1
	shift
	nsenter -t "$pid" -n "$@"
}
namespace 0000:00:06.0 pod
pod=$!
within $pod ip addr add 10.10.1.2/24 dev pod
within $pod ip addr add fd00:10:1::2/64 dev pod
within $pod ip route add default via 10.10.1.1
within $pod ip -6 route add default via fd00:10:1::1
namespace 0000:00:07.0 fabric
fabric=$!
within $fabric ip addr add 10.10.1.1/24 dev fabric
within $fabric ip addr add fd00:10:1::1/64 dev fabric
within $fabric ip addr add 198.51.100.1/32 dev lo
within $fabric ip addr add 2001:db8:f::1/128 dev lo
# What the fabric begins comes from the internet, not from a node.
within $fabric ip route change 10.10.1.0/24 dev fabric src 198.51.100.1

mkdir /tmp/manifests /tmp/www
cat >/tmp/manifests/all.yaml <<END
apiVersion: v1
kind: Pod
metadata: {namespace: default, name: pod, labels: {app: pod}}
spec: {nodeName: node-1, containers: [{name: c}]}
status: {phase: Running, podIPs: [{ip: 10.10.1.2}, {ip: "fd00:10:1::2"}]}
---
apiVersion: v1
kind: Node
metadata: {name: node-1}
spec: {podCIDRs: [10.10.0.0/16, "fd00:10::/32"]}
status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {namespace: default, name: web}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
  egress:
  - to: [{ipBlock: {cidr: 198.51.100.0/24}}, {ipBlock: {cidr: "2001:db8:f::/64"}}]
    ports: [{port: 8080}]
  ingress:
  - from: [{ipBlock: {cidr: 198.51.100.0/24}}, {ipBlock: {cidr: "2001:db8:f::/64"}}]
    ports: [{port: 9090}]
END
cat >/tmp/dataplane.yaml <<END
socket: /run/dataplane.sock
workers: $WORKERS
eal: {memory: 192}
connections: {ipv4: 4096, ipv6: 4096}
offload: {enabled: true, profiles: /nic-profiles}
ports:
- {name: in, device: "0000:00:04.0", side: inside}
- {name: out, device: "0000:00:05.0", side: outside}
wires: [{ports: [in, out]}]
END
cat >/tmp/ctrl.yaml <<END
manifests: /tmp/manifests
dataplane-socket: /run/dataplane.sock
http: {listen: "127.0.0.1:9469"}
node-addresses: [10.10.1.1, "fd00:10:1::1"]
END
tidegate-dataplane -c /tmp/dataplane.yaml >/tmp/dataplane.log 2>&1 &
gateway=$!
until_true 60 "the dataplane to listen" test -S /run/dataplane.sock
tidegate-ctrl -c /tmp/ctrl.yaml >/tmp/ctrl.log 2>&1 &
ctrl=$!
http() { wget -q -O - "http://127.0.0.1:9469$1"; }
until_true 60 "the first ruleset" http /readyz
cat /tmp/dataplane.log
has /tmp/dataplane.log "port 0: TCP over IPv4 in software: nothing is known of this NIC"
has /tmp/dataplane.log "offload: no port can carry connections: all is done in software"

# drops REASON : packets dropped for it so far
drops()
{
	http /metrics | awk -v r="reason=\"$1\"" \
		'/^tidegate_drop.*packets/ && index($0, r) { sum += $NF } END { printf "%d\n", sum }'
}

# get NAMESPACE URL : what a client there gets is what the server has
get()
{
	within "$1" timeout 60 wget -q -O /tmp/got "$2" && cmp -s /tmp/got /tmp/www/large
}

# denied NAMESPACE URL REASON : a client's packets are dropped, also when it tries again
denied()
{
	local before client
	before=$(drops "$3")
	rm -f /tmp/denied
	within "$1" wget -q -O /tmp/denied "$2" 2>/dev/null &
	client=$!
	until_true 30 "$2 to be counted as $3" dropped "$3" $((before + 2))
	kill $client 2>/dev/null || fail "$2 should be denied"
	[ ! -s /tmp/denied ] || fail "$2 should be denied"
	echo "ok: $2 is denied, and counted as $3"
}
dropped()
{
	[ "$(drops "$1")" -ge "$2" ]
}

head -c 500000 /dev/urandom >/tmp/www/large
for port in 8080 8081; do within $fabric httpd -p "[::]:$port" -h /tmp/www; done
for port in 9090 9091; do within $pod httpd -p "[::]:$port" -h /tmp/www; done
for address in 198.51.100.1 "[2001:db8:f::1]"; do
	get $pod "http://$address:8080/large" || fail "no answer from $address"
	echo "ok: the pod gets what $address serves"
	denied $pod "http://$address:8081/large" policy_egress
done
get $fabric "http://10.10.1.2:9090/large" || fail "no answer from the pod"
echo "ok: the fabric gets what the pod serves"
denied $fabric "http://10.10.1.2:9091/large" policy_ingress
kill $ctrl
wait $ctrl || fail "the control process did not stop cleanly"
kill $gateway
wait $gateway || fail "the dataplane did not stop cleanly"
echo "ok: both processes stop cleanly"

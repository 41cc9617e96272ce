#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A lab of network namespaces with the gateway in the middle; sourced by the demo and by the
# end-to-end tests.
#
#	 pod "a"           gateway (own namespace)            fabric (router)        internet
#	[ eth0 ]=========[ p1 ]--- wire ---[ f1 ]=============[ a ]---[ uplink ]=========[ eth0 ]
#	[ eth0 ]=========[ p2 ]--- wire ---[ f2 ]=============[ b ]
#
# Pod N has 10.10.N.2/24 and fd00:10:N::2/64, its router the .1/::1 in the fabric. Each pod's wire is
# a port pair of the gateway: inside port pN, outside port fN (side `any`: other pods are behind it).
# Port kinds: tap (a net_tap TAP whose kernel side moves into the namespace), af_packet and af_xdp
# (a veth into the gateway's namespace).
#
# After lab_init: $LAB prefix of all names, $LAB_DIR scratch directory; everything is removed on exit.

lab_init()
{
	LAB=$1-$$
	LAB_PORTS=${2:-tap}
	LAB_DIR=$(mktemp -d "/tmp/$LAB.XXXXXX")
	LAB_NS=()
	LAB_PIDS=()
	LAB_PODS=()
	LAB_UNDER=() # a command that the gateway's processes run under
	trap lab_cleanup EXIT
	trap 'exit 130' INT TERM
	lab_netns gw
	lab_netns fabric
	lab_in fabric sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

lab_cleanup()
{
	local pid ns
	for pid in "${LAB_PIDS[@]}"; do
		kill "$pid" 2>/dev/null
	done
	for pid in "${LAB_PIDS[@]}"; do
		wait "$pid" 2>/dev/null
	done
	for ns in "${LAB_NS[@]}"; do
		ip netns pids "$LAB-$ns" 2>/dev/null | xargs -r kill -9 2>/dev/null
		ip netns del "$LAB-$ns" 2>/dev/null
	done
	[ -n "${LAB_KEEP:-}" ] || rm -rf "$LAB_DIR"
}

lab_netns()
{
	ip netns add "$LAB-$1"
	LAB_NS+=("$1")
	ip -n "$LAB-$1" link set lo up
	# Addresses must be usable at once: no duplicate address detection.
	lab_in "$1" sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0
}

# lab_in NAMESPACE COMMAND...
lab_in()
{
	local ns=$1
	shift
	ip netns exec "$LAB-$ns" "$@"
}

# lab_bg NAMESPACE COMMAND... : in the background, ended at exit; its output in $LAB_DIR/NAMESPACE.log
lab_bg()
{
	local ns=$1
	shift
	ip netns exec "$LAB-$ns" "$@" >>"$LAB_DIR/$ns.log" 2>&1 &
	LAB_PIDS+=($!)
}

# lab_wait SECONDS WHAT COMMAND... : until the command succeeds
lab_wait()
{
	local deadline=$((SECONDS + $1)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -ge $deadline ]; then
			echo "lab: gave up waiting: $what" >&2
			return 1
		fi
		read -rt 0.05 <> <(:) || true
	done
}

# One end of a wire: NAMESPACE INTERFACE N PORT (p or f)
lab_port_plumb()
{
	local ns=$1 ifname=$2 port=$4$3
	case $LAB_PORTS in
	tap)
		lab_in gw ip link set "$port" netns "$LAB-$ns" name "$ifname"
		;;
	*)
		lab_in gw ip link add "$port" type veth peer name "$ifname" netns "$LAB-$ns"
		lab_in gw ip link set dev "$port" up
		# The gateway cannot reach the far end of the veth to do this itself.
		lab_in "$ns" ethtool -K "$ifname" tx off gso off tso off >/dev/null
		;;
	esac
}

# lab_pod NAME N : declares pod N; plumbed by lab_plumb
lab_pod()
{
	LAB_PODS+=("$1:$2")
	lab_netns "$1"
}

# Ports into their namespaces, addresses, routes. With TAPs the dataplane must be running.
lab_plumb()
{
	local pod name n
	for pod in "${LAB_PODS[@]}"; do
		name=${pod%:*} n=${pod#*:}
		lab_port_plumb "$name" eth0 "$n" p
		lab_port_plumb fabric "$name" "$n" f
		lab_in "$name" ip addr add "10.10.$n.2/24" dev eth0
		lab_in "$name" ip addr add "fd00:10:$n::2/64" dev eth0 nodad
		lab_in "$name" ip link set dev eth0 up
		lab_in fabric ip addr add "10.10.$n.1/24" dev "$name"
		lab_in fabric ip addr add "fd00:10:$n::1/64" dev "$name" nodad
		lab_in fabric ip link set dev "$name" up
		lab_in "$name" ip route add default via "10.10.$n.1"
		lab_in "$name" ip -6 route add default via "fd00:10:$n::1"
	done
}

# The internet: one namespace with the addresses given, behind the fabric.
lab_internet()
{
	local addr
	lab_netns internet
	lab_in fabric ip link add uplink type veth peer name eth0 netns "$LAB-internet"
	lab_in fabric ip addr add 192.0.2.1/24 dev uplink
	lab_in fabric ip addr add 2001:db8:1::1/64 dev uplink nodad
	lab_in fabric ip link set dev uplink up
	lab_in internet ip addr add 192.0.2.254/24 dev eth0
	lab_in internet ip addr add 2001:db8:1::fe/64 dev eth0 nodad
	lab_in internet ip link set dev eth0 up
	lab_in internet ip route add default via 192.0.2.1
	lab_in internet ip -6 route add default via 2001:db8:1::1
	for addr in "$@"; do
		case $addr in
		*:*)
			lab_in internet ip addr add "$addr/128" dev lo nodad
			lab_in fabric ip -6 route add "$addr/128" via 2001:db8:1::fe
			;;
		*)
			lab_in internet ip addr add "$addr/32" dev lo
			lab_in fabric ip route add "$addr/32" via 192.0.2.254
			;;
		esac
	done
}

# The DPDK device of port N, p or f.
lab_device()
{
	case $LAB_PORTS in
	tap) echo "net_tap$2$1,iface=$2$1" ;;
	af_packet) echo "net_af_packet$2$1,iface=$2$1" ;;
	af_xdp) echo "net_af_xdp$2$1,iface=$2$1" ;;
	esac
}

# The fabric's side of every wire, as a YAML list: node addresses inside the pod range.
lab_node_addresses()
{
	local pod n list=
	for pod in "${LAB_PODS[@]}"; do
		n=${pod#*:}
		list+="${list:+, }10.10.$n.1, \"fd00:10:$n::1\""
	done
	echo "$list"
}

# A configuration of the control process, on standard output. lab_ctrl_config ACTION [ADDRESS:PORT]
lab_ctrl_config()
{
	cat <<-END
		manifests: $LAB_DIR/manifests
		dataplane-socket: $LAB_DIR/dataplane.sock
		state-directory: $LAB_DIR
		http: {listen: ${2:-127.0.0.1:9469}}
		default-action: $1
		node-addresses: [$(lab_node_addresses)]
	END
}

# A dataplane configuration with a wire for each pod, on standard output.
lab_dataplane_config()
{
	local pod n trust=
	[ "$LAB_PORTS" = tap ] || trust=", kernel-offloads: trust"
	cat <<-END
		socket: $LAB_DIR/dataplane.sock
		state-directory: $LAB_DIR
		workers: ${LAB_WORKERS:-1}
		eal: {huge-pages: false, memory: ${LAB_MEMORY:-512}, file-prefix: $LAB}
		${LAB_DATAPLANE_EXTRA:-}
		ports:
	END
	for pod in "${LAB_PODS[@]}"; do
		n=${pod#*:}
		echo "  - {name: p$n, device: \"$(lab_device "$n" p)\", side: inside$trust}"
		echo "  - {name: f$n, device: \"$(lab_device "$n" f)\", side: any$trust}"
	done
	echo "wires:"
	for pod in "${LAB_PODS[@]}"; do
		n=${pod#*:}
		echo "  - {ports: [p$n, f$n]}"
	done
}

# Starts the dataplane of BUILD in the gateway's namespace, with $LAB_DIR/dataplane.yaml. Returns
# when it listens, which it does after its ports are up.
lab_dataplane_start()
{
	rm -f "$LAB_DIR/dataplane.sock"
	ip netns exec "$LAB-gw" "${LAB_UNDER[@]}" "$1/dataplane/tidegate-dataplane" -c "$LAB_DIR/dataplane.yaml" \
		>>"$LAB_DIR/dataplane.log" 2>&1 &
	LAB_DATAPLANE=$!
	LAB_PIDS+=("$LAB_DATAPLANE")
	lab_wait 30 "the dataplane to listen" test -S "$LAB_DIR/dataplane.sock"
}

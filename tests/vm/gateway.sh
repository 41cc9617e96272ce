#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The gateway on NICs of PCI, by VFIO behind an IOMMU: allowed traffic passes, what is denied does not
# and is counted. A pod and a fabric are namespaces of the guest's kernel, each with a NIC of its own.
#
#	pod [ virtio ]===hub 0===[ INSIDE, vfio ] gateway [ OUTSIDE, vfio ]===hub 1===[ virtio ] fabric
#
# usage: gateway.sh INSIDE OUTSIDE WORKERS   INSIDE, OUTSIDE: what QEMU calls these NICs
# shellcheck source=tests/vm/common.sh
. "$(dirname "$0")/common.sh"
inside=$1 outside=$2 workers=$3
vm_init
vm_modules virtio_pci virtio_net vfio_iommu_type1 vfio-pci
vm_programs dataplane/tidegate-dataplane ctrl/tidegate-ctrl
vm_drivers mempool_ring net_e1000 net_virtio net_vmxnet3
cp -r "$root/nic-profiles" "$VM_ROOT/"
echo "WORKERS=$workers" >"$VM_ROOT/environment"

# nic MODEL ADDRESS HUB [OPTION]
nics=()
nic()
{
	nics+=(-netdev "hubport,id=n$2,hubid=$3"
		-device "$1,netdev=n$2,addr=$2,mac=02:00:00:00:00:0$2,romfile=${4:-}")
}
# A virtio NIC bypasses the IOMMU unless it is told not to.
for port in "$inside 4 0" "$outside 5 1"; do
	# shellcheck disable=SC2086
	set -- $port
	[[ $1 != virtio* ]] || set -- "$@" ",disable-legacy=on,iommu_platform=on"
	nic "$@"
done
nic virtio-net-pci 6 0
nic virtio-net-pci 7 1
vm_run gateway_guest.sh "${nics[@]}"

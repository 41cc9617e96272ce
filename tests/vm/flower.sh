#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Rules of ours in a real rte_flow: net_tap's, executed by the kernel's tc flower. And the gateway over
# TAPs with offload on: it finds nothing to leave to them, and says so.
# usage: flower.sh [RANDOM_RULES]
# shellcheck source=tests/vm/common.sh
. "$(dirname "$0")/common.sh"
vm_init
vm_modules tun sch_ingress sch_multiq cls_flower cls_bpf act_gact act_skbedit act_mirred act_bpf
vm_programs tests/vm/tap_flow_test dataplane/tidegate-dataplane
vm_drivers mempool_ring net_tap
cp -r "$root/nic-profiles" "$VM_ROOT/"
echo "RULES=${1:-200}" >"$VM_ROOT/environment"
vm_run flower_guest.sh

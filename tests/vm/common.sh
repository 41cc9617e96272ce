#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Virtual machines under software emulation, for what the machine's own kernel may not have: tc flower,
# VFIO, NICs on PCI. A scenario says which modules and programs it wants; its guest script runs as
# the only thing in there, from an initramfs, and what it prints is the scenario's output. Nothing of
# the machine is visible in there. Exit 77: skipped, with the reason.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${TIDEGATE_BUILD:-$root/build}
VM_SECONDS=${VM_SECONDS:-150} # for the machine to come to its end

skip()
{
	echo "skipped: $*"
	exit 77
}

fail()
{
	echo "FAIL: $*"
	exit 1
}

vm_cleanup()
{
	if [ -n "${VM_PID:-}" ]; then
		kill "$VM_PID" 2>/dev/null
		wait "$VM_PID" 2>/dev/null
	fi
	[ -z "${VM_DIR:-}" ] || rm -rf "$VM_DIR"
}

vm_init()
{
	local program
	for program in qemu-system-x86_64 busybox cpio; do
		command -v $program >/dev/null || skip "no $program: scripts/deps.sh --vm installs it"
	done
	if ldd "$(command -v busybox)" >/dev/null 2>&1; then
		skip "busybox needs libraries: busybox-static does not"
	fi
	VM_DIR=$(mktemp -d /tmp/tgvm.XXXXXX)
	trap vm_cleanup EXIT
	trap 'exit 130' INT TERM
	VM_KERNEL=$("$root/scripts/vm-kernel.sh" 2>"$VM_DIR/kernel.log") || skip "$(tail -1 "$VM_DIR/kernel.log")"
	VM_PMDS=$(find /usr/lib/*/dpdk -maxdepth 1 -name 'pmds-*' | head -1)
	VM_ROOT=$VM_DIR/root
	mkdir -p "$VM_ROOT"/{bin,dev,lib,modules,proc,run,sys,tmp,var}
	ln -s ../run "$VM_ROOT/var/run"
	cp "$(command -v busybox)" "$VM_ROOT/bin/"
	cp "$root/tests/vm/init.sh" "$VM_ROOT/init"
	cp "$root/tests/vm/guest.sh" "$VM_ROOT/"
	: >"$VM_ROOT/modules/order"
}

# vm_modules NAME... : with those that they need, which come first
vm_modules()
{
	local name file depends
	for name in "$@"; do
		[ ! -e "$VM_ROOT/modules/$name.ko" ] || continue
		file=$(find "$VM_KERNEL/modules" -name "$name.ko" | head -1)
		[ -n "$file" ] || fail "the kernel has no module $name"
		cp "$file" "$VM_ROOT/modules/"
		depends=$(tr '\0' '\n' <"$file" | sed -n 's/^depends=//p')
		# shellcheck disable=SC2086
		vm_modules ${depends//,/ }
		echo "$name" >>"$VM_ROOT/modules/order"
	done
}

# vm_libraries FILE : what it is linked with, where it is looked for
vm_libraries()
{
	local library
	for library in $(ldd "$1" | grep -oE '/[^ ]+'); do
		[ -e "$VM_ROOT$library" ] || cp -L --parents "$library" "$VM_ROOT/"
	done
}

# vm_programs FILE... : of the build folder, into /bin
vm_programs()
{
	local file
	for file in "${@/#/$build/}"; do
		cp "$file" "$VM_ROOT/bin/" || fail "no $file"
		vm_libraries "$file"
	done
	# Opened when a thread is cancelled.
	cp -L "$(gcc -print-file-name=libgcc_s.so.1)" "$VM_ROOT/lib/" || fail "no libgcc_s"
}

# vm_drivers NAME... : DPDK's, where it looks for them at the start
vm_drivers()
{
	local file
	for file in "${@/#/$VM_PMDS/librte_}"; do
		cp -L --parents "$file.so" "$VM_ROOT/" || fail "no $file.so"
		vm_libraries "$file.so"
	done
}

# vm_run GUEST [QEMU_ARGUMENT...] : the guest script's end is the scenario's
vm_run()
{
	local guest=$1 begun=$SECONDS
	shift
	cp "$root/tests/vm/$guest" "$VM_ROOT/test.sh"
	(cd "$VM_ROOT" && find . | cpio -o -H newc --quiet) >"$VM_DIR/initramfs"
	timeout "$VM_SECONDS" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 1024 \
		-machine q35,kernel-irqchip=split -device intel-iommu,intremap=on \
		-nodefaults -display none -no-reboot -serial "file:$VM_DIR/console" \
		-kernel "$VM_KERNEL/vmlinuz" -initrd "$VM_DIR/initramfs" \
		-append "console=ttyS0 quiet panic=-1 intel_iommu=on" "$@" >"$VM_DIR/qemu.log" 2>&1 &
	VM_PID=$!
	wait "$VM_PID"
	local left=$?
	VM_PID=
	tr -d '\r' <"$VM_DIR/console"
	cat "$VM_DIR/qemu.log"
	[ $left -ne 124 ] || fail "the machine did not come to an end within $VM_SECONDS s"
	[ $left -eq 0 ] || fail "QEMU left with exit code $left"
	grep -qE '^guest: exit 0\s*$' "$VM_DIR/console" || fail "$guest did not succeed"
	echo "ok: $guest, in $((SECONDS - begun)) s"
}

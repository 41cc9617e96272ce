#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A kernel with its modules for the virtual machines of the tests: Debian's for clouds, which is
# small. Taken from its package, checked by apt's signatures, and only unpacked: what the machine
# boots does not change. Prints the folder that it is in, under build-vm/, with `vmlinuz` and
# `modules`; downloads only when it is not there. Exit 1, with the reason: there is none to be had.
set -euo pipefail
cd "$(dirname "$0")/.."

complain()
{
	echo "vm-kernel: $*" >&2
	exit 1
}

# The package that the name of the newest kernel stands for.
newest()
{
	apt-cache show linux-image-cloud-amd64 2>/dev/null |
		sed -nE '/^Depends:/s/.*(linux-image-[0-9][^ ,]*).*/\1/p' | head -1
}

fetch()
{
	local package=$1
	cd "$scratch"
	apt-get download -qq -o APT::Sandbox::User= -o Acquire::Retries=1 -o Acquire::http::Timeout=20 \
		"$package" >apt.log 2>&1 || complain "$package: $(tail -1 apt.log)"
	mkdir tree out
	dpkg-deb --fsys-tarfile ./*.deb | tar -x -C tree --wildcards './boot/vmlinuz-*' \
		'./lib/modules/*/kernel/drivers/*' './lib/modules/*/kernel/net/*' './lib/modules/*/kernel/virt/*'
	mv tree/boot/vmlinuz-* out/vmlinuz
	mv tree/lib/modules/*/kernel out/modules
}

command -v apt-get dpkg-deb >/dev/null || complain "no apt to take a kernel from"
[ "$(dpkg --print-architecture)" = amd64 ] || complain "only for amd64"
mkdir -p build-vm
exec 9>build-vm/lock
flock 9
package=$(newest)
if [ -z "$package" ]; then
	apt-get update -qq >/dev/null 2>&1 || true
	package=$(newest)
fi
[ -n "$package" ] || complain "apt knows no linux-image-cloud-amd64"
folder=$PWD/build-vm/$package
if [ ! -s "$folder/vmlinuz" ]; then
	scratch=$(mktemp -d "$PWD/build-vm/fetch.XXXXXX")
	trap 'rm -rf "$scratch"' EXIT
	(fetch "$package") || exit 1
	rm -rf "$folder"
	mv "$scratch/out" "$folder"
fi
echo "$folder"

#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# DPDK's headers for drivers, which Debian does not package: the NIC model is a driver. Takes them
# from the source package of the version that is installed, checked by apt's signatures. Prints the
# folder that they are in, under build-dpdk/; downloads only when they are not there. Exit 1, with
# the reason: there are none to be had.
set -euo pipefail
cd "$(dirname "$0")/.."

headers=(lib/ethdev/ethdev_driver.h lib/ethdev/ethdev_vdev.h drivers/bus/vdev/bus_vdev_driver.h
	lib/eal/include/dev_driver.h)

complain()
{
	echo "driver-headers: $*" >&2
	exit 1
}
# shellcheck source=scripts/apt.sh
. scripts/apt.sh

command -v dpkg-query apt-get >/dev/null || complain "no apt to take DPDK's source from"
package=$(dpkg-query -W -f '${Version}' libdpdk-dev 2>/dev/null) ||
	complain "libdpdk-dev is not installed as a package"
source=$(dpkg-query -W -f '${source:Version}' libdpdk-dev)
upstream=${source%-*}
folder=$PWD/build-dpdk/$upstream

complete()
{
	local header
	for header in "${headers[@]}"; do
		[ -s "$folder/${header##*/}" ] || return 1
	done
}

fetch()
{
	cd "$scratch"
	apt_begin "$scratch" deb-src
	apt_source "dpdk=$source"
	mkdir out
	tar -xJf "dpdk_$upstream.orig.tar.xz" --strip-components=1 -C out --wildcards \
		"${headers[@]/#/*/}" '*/VERSION'
	[ "$(cat out/VERSION)" = "$upstream" ] ||
		complain "the source is of $(cat out/VERSION), installed is $package"
}

mkdir -p build-dpdk
exec 9>build-dpdk/lock
flock 9
if ! complete; then
	scratch=$(mktemp -d "$PWD/build-dpdk/fetch.XXXXXX")
	trap 'rm -rf "$scratch"' EXIT
	(fetch) || exit 1
	rm -rf "$folder"
	mkdir -p "$folder"
	for header in "${headers[@]}"; do
		cp "$scratch/out/$header" "$folder/"
	done
fi
echo "$folder"

#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# DPDK's headers for drivers, which Debian does not package: the NIC model is a driver. Takes them
# from the source package of the version that is installed, checked by apt's signatures, and
# changes nothing of the machine's apt. Prints the folder that they are in, under build-dpdk/;
# downloads only when they are not there. Exit 1, with the reason: there are none to be had.
set -euo pipefail
cd "$(dirname "$0")/.."

headers=(lib/ethdev/ethdev_driver.h lib/ethdev/ethdev_vdev.h drivers/bus/vdev/bus_vdev_driver.h
	lib/eal/include/dev_driver.h)

complain()
{
	echo "driver-headers: $*" >&2
	exit 1
}

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

# Where the machine's packages come from, as source; with a private state and cache.
private_apt()
{
	local mirror=http://deb.debian.org keys=/usr/share/keyrings/debian-archive-keyring.gpg code
	code=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	mkdir -p "$scratch"/{parts,lists/partial,archives/partial}
	cat >"$scratch/parts/source.sources" <<-END
		Types: deb-src
		URIs: $mirror/debian
		Suites: $code $code-updates
		Components: main
		Signed-By: $keys

		Types: deb-src
		URIs: $mirror/debian-security
		Suites: $code-security
		Components: main
		Signed-By: $keys
	END
	options=(-qq -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$scratch/parts"
		-o "Dir::State::Lists=$scratch/lists" -o "Dir::Cache=$scratch" -o APT::Sandbox::User=
		-o Acquire::Retries=1 -o Acquire::http::Timeout=20)
}

fetch()
{
	cd "$scratch"
	private_apt
	apt-get "${options[@]}" update >apt.log 2>&1 || complain "apt-get update: $(tail -1 apt.log)"
	apt-get "${options[@]}" source --download-only "dpdk=$source" >apt.log 2>&1 ||
		complain "no source of dpdk $source: $(tail -1 apt.log)"
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

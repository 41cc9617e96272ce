#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Installs what building, testing and the demo need, from Debian 12's own packages.
# Does nothing when everything is there.
#   --vm   also what the virtual machines of the tests need; where that is not to be had it says so
#          and goes on, as these tests can be skipped
set -euo pipefail

packages=(
	# build
	gcc git make meson ninja-build pkg-config libdpdk-dev libyaml-dev libcjson-dev libuv1-dev
	libmicrohttpd-dev libcurl4-openssl-dev zlib1g-dev libcmocka-dev
	# DPDK's drivers that the gateway loads; unpacking of its source, for the NIC model's headers
	dpdk xz-utils
	# lint, fuzzing, checks
	clang clang-format libclang-rt-14-dev llvm codespell shellcheck valgrind
	# demo and end-to-end tests
	iproute2 ethtool curl bind9-dnsutils dnsmasq nginx-light openssl python3 prometheus
	iputils-ping procps jq
)
vm_packages=(qemu-system-x86 busybox-static cpio)

# Those of the packages that are not there, in `missing`.
look_for()
{
	local package status
	missing=()
	for package in "$@"; do
		status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
		[ "$status" = installed ] || missing+=("$package")
	done
	[ ${#missing[@]} -ne 0 ]
}

# install PACKAGE...
install()
{
	local policy=/usr/sbin/policy-rc.d
	if [ "$(id -u)" -ne 0 ]; then
		echo "deps: missing packages, run as root: apt-get install $*" >&2
		return 1
	fi
	echo "deps: installing $*"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq || return 1
	# Servers are only wanted as programs: do not let their packages start services.
	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod +x "$policy"
		trap 'rm -f /usr/sbin/policy-rc.d' EXIT
	fi
	apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

if look_for "${packages[@]}"; then
	install "${missing[@]}" || exit 1
fi
if [ "${1:-}" = --vm ] && look_for "${vm_packages[@]}"; then
	install "${missing[@]}" || echo "deps: without them tests in virtual machines are skipped" >&2
fi

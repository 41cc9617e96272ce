#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Installs what building, testing and the demo need, from Debian 12's own packages.
# Does nothing when everything is there.
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
	iproute2 ethtool curl bind9-dnsutils dnsmasq nginx-light python3 prometheus
	iputils-ping procps jq
)

missing=()
for package in "${packages[@]}"; do
	status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ]; then
	echo "deps: missing packages, run as root: apt-get install ${missing[*]}" >&2
	exit 1
fi
echo "deps: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# Servers are only wanted as programs: do not let their packages start services.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod +x "$policy"
	trap 'rm -f "$policy"' EXIT
fi
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null

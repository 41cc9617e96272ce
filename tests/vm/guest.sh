#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash
# What guest scripts share.
fail()
{
	echo "FAIL: $*"
	for log in /tmp/*.log; do
		echo "--- $log"
		tail -n 40 "$log"
	done
	exit 1
}

# until SECONDS WHAT COMMAND... : waits until the command succeeds
until_true()
{
	local deadline=$(($(date +%s) + $1)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt "$deadline" ] || fail "gave up waiting: $what"
		usleep 50000
	done
}

# has FILE TEXT : and says so
has()
{
	grep -qF "$2" "$1" || fail "$1 does not say: $2"
	echo "ok: it says: $2"
}

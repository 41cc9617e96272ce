#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Debian's packages and sources by apt, for whoever only wants to unpack them: with a state and a cache
# of its own, so that the machine's apt does not change, and checked by apt's signatures. Sourced;
# the including script defines `complain`, which prints its reason and exits.

# apt_begin FOLDER TYPE... : apt for the running release, of these types (deb, deb-src), with its state
# under FOLDER; its options in `apt_options`
apt_begin()
{
	local mirror=http://deb.debian.org keys=/usr/share/keyrings/debian-archive-keyring.gpg code
	apt_folder=$1
	shift
	code=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	mkdir -p "$apt_folder"/{parts,lists/partial,archives/partial}
	cat >"$apt_folder/parts/debian.sources" <<-END
		Types: $*
		URIs: $mirror/debian
		Suites: $code $code-updates
		Components: main
		Signed-By: $keys

		Types: $*
		URIs: $mirror/debian-security
		Suites: $code-security
		Components: main
		Signed-By: $keys
	END
	apt_options=(-qq -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$apt_folder/parts"
		-o "Dir::State::Lists=$apt_folder/lists" -o "Dir::Cache=$apt_folder" -o APT::Sandbox::User=
		-o Acquire::Retries=1 -o Acquire::http::Timeout=20)
	apt-get "${apt_options[@]}" update >"$apt_folder/update.log" 2>&1 ||
		complain "apt-get update: $(tail -1 "$apt_folder/update.log")"
}

# Why apt did not do it: an index that it did not get is a warning only, until something is not found.
apt_reason()
{
	grep -m 1 '^W: Failed to fetch' "$apt_folder/update.log" || tail -1 "$apt_folder/apt.log"
}

# apt_source NAME[=VERSION] : the source package's files, unopened, into the current folder
apt_source()
{
	apt-get "${apt_options[@]}" source --download-only "$1" >"$apt_folder/apt.log" 2>&1 ||
		complain "no source of $1: $(apt_reason)"
}

# apt_packages NAME... : the packages, unopened, into the current folder
apt_packages()
{
	apt-get "${apt_options[@]}" download "$@" >"$apt_folder/apt.log" 2>&1 ||
		complain "no packages $*: $(apt_reason)"
}

#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A Kubernetes control plane for the tests: kube-apiserver, kubectl and etcd. Debian packages etcd; the
# other two are built from its source package of kubernetes, with its Go. All of it is checked by
# apt's signatures and only unpacked: what the machine has installed does not matter and does not
# change. Prints the folder that the programs are in, below $XDG_CACHE_HOME/tidegate
# (~/.cache/tidegate), for all checkouts; builds only when they are not there, which takes some
# minutes and, meanwhile, some 2.5 GB. A build that was interrupted goes on where it was.
#   --cached   do not build
# Exit 1, with the reason: there is none to be had.
set -Eeuo pipefail
exec 3>&2
here=$(cd "$(dirname "$0")" && pwd)

complain()
{
	trap - ERR
	echo "apiserver: $*" >&3
	exit 1
}

# etcd, Go and a library, below packages/.
unpack_packages()
{
	local package
	apt_packages etcd-server golang-1.19-go golang-1.19-src golang-github-modern-go-reflect2-dev
	for package in *.deb; do
		dpkg-deb -x "$package" packages
	done
	mkdir built
	mv packages/usr/bin/etcd built/
	export GOROOT=$scratch/packages/usr/lib/go-1.19
	export PATH=$GOROOT/bin:$PATH
}

# The source, where Go looks for k8s.io/kubernetes. Not as a module: Debian took files out of the
# vendored packages, which Go holds for inconsistent then. The reflect2 in there is older than Go 1.18
# and overwrites memory when it walks a map (Debian's own kubectl has that fault), so it is replaced.
unpack_source()
{
	local archive=kubernetes_$version.orig.tar.gz library=github.com/modern-go/reflect2
	apt_source kubernetes
	[ -f "$archive" ] || complain "wanted is $archive, Debian has $(echo kubernetes_*.orig.*)"
	mkdir -p "$tree"
	tar -xzf "$archive" --strip-components=1 -C "$tree"
	rm -r "$tree/vendor/$library"
	mv "packages/usr/share/gocode/src/$library" "$tree/vendor/$library"
	export GOPATH=$scratch/gopath GO111MODULE=off CGO_ENABLED=0 GOFLAGS=-trimpath
	export GOCACHE=$folder.objects GOTMPDIR=$scratch
}

# The packages whose types the API description is made from, as Go names them.
described()
{
	grep -rl --include='*.go' '+k8s:openapi-gen=true' staging/src pkg/apis pkg/kubelet cmd |
		grep -vE '/sample-|/_?examples/|/testdata/|_test\.go$' | xargs -n 1 dirname | sort -u |
		sed 's,^staging/src/,vendor/,; s,^,k8s.io/kubernetes/,'
}

# The one generated file that the source package has not.
generate()
{
	local into=k8s.io/kubernetes/pkg/generated/openapi
	go build -p "$(nproc)" -o "$scratch/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
	"$scratch/openapi-gen" -i "$(described | paste -sd,)" -p $into -O zz_generated.openapi \
		-h hack/boilerplate/boilerplate.generatego.txt -o "$scratch/out" -r "$scratch/violations"
	cp "$scratch/out/$into/zz_generated.openapi.go" pkg/generated/openapi/
}

build()
{
	local release=${version#*really} numbers=k8s.io/kubernetes/vendor/k8s.io/component-base/version
	cd "$scratch"
	doing="packages"
	apt_begin "$scratch" deb deb-src
	unpack_packages
	doing="source"
	unpack_source
	cd "$tree"
	doing="openapi-gen"
	generate
	doing="go build"
	go build -p "$(nproc)" -o "$scratch/built/" -ldflags "-s -w -X $numbers.gitVersion=v$release
		-X $numbers.gitMajor=1 -X $numbers.gitMinor=20" ./cmd/kube-apiserver ./cmd/kubectl
	doing="what was built"
	"$scratch/built/kube-apiserver" --version | grep -Fw "v$release"
	"$scratch/built/kubectl" version --client | grep -Fw "v$release"
}

# Of the archive; Debian's patches to it are for the clients.
version=1.20.5+really1.20.2
cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/tidegate/kubernetes
folder=$cache/$version
if [ ! -x "$folder/kube-apiserver" ]; then
	[ "${1:-}" != --cached ] || complain "no kube-apiserver: scripts/apiserver.sh builds it"
	command -v apt-get dpkg-deb >/dev/null || complain "no apt to take the source from"
	mkdir -p "$cache"
	exec 9>"$cache/lock"
	flock 9
fi
if [ ! -x "$folder/kube-apiserver" ]; then
	echo "apiserver: building kube-apiserver $version, which takes some minutes" >&2
	# shellcheck source=scripts/apt.sh
	. "$here/apt.sh"
	scratch=$folder.build
	tree=$scratch/gopath/src/k8s.io/kubernetes
	rm -rf "$scratch"
	mkdir "$scratch"
	trap 'rm -rf "$scratch"' EXIT
	trap 'complain "interrupted; the next build goes on with what is done"' INT TERM
	trap 'complain "$doing: $(tail -1 "$scratch/log")"' ERR
	build >"$scratch/log" 2>&1
	mv -T "$scratch/built" "$folder"
	rm -rf "$folder.objects"
fi
echo "$folder"

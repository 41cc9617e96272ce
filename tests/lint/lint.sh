#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Style and hygiene: formatting, SPDX lines, white space, layering of includes, each contract header
# alone, shell scripts, spelling. Prints what is wrong with its place; exit 1 if anything is.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
bad=0
complain()
{
	echo "lint: $*"
	bad=1
}

mapfile -t code < <(git ls-files '*.c' '*.h')
mapfile -t scripts < <(git ls-files '*.sh' .ci/run)
mapfile -t sources < <(git ls-files '*.c' '*.h' '*.sh' '*.py' '*meson.build' Makefile)

clang-format --dry-run -Werror "${code[@]}" || complain "clang-format: run make format"

for f in "${sources[@]}"; do
	head -3 "$f" | grep -q 'SPDX-License-Identifier: BSD-3-Clause' || complain "$f: no SPDX line"
done

git ls-files -z | xargs -0 grep -nIE '[[:space:]]+$' -- && complain "trailing white space"
# "Later" is not a feature.
grep -nE '\b(TODO|FIXME|XXX|HACK)\b' "${code[@]}" && complain "unfinished business in the code"

# The worker's path never logs, allocates from the heap, locks or calls the system. Some files of the
# folder are what creates and frees it.
grep -nE '\b(tg_log_[a-z]+|printf|malloc|calloc|realloc|free|pthread_[a-z_]+|rte_[a-z]*(lock|malloc|zmalloc|free)[a-z_]*)\(' \
	dataplane/pipeline/*.c dataplane/conn/*.c |
	grep -vE '^dataplane/(pipeline/(datapath|generation|worker)|conn/(budget|table|fragment|halfopen))\.c:|rte_pktmbuf_free' &&
	complain "the packet path may not do that"
# The two processes know of each other only what include/ and lib/ say.
grep -nE '#include "(\.\./)*dataplane/' ctrl lib -r && complain "ctrl and lib do not include dataplane"
grep -nE '#include "(\.\./)*ctrl/' dataplane lib -r && complain "dataplane and lib do not include ctrl"
grep -nE '#include <(yaml|curl|cjson|microhttpd|uv)' ctrl/compile ctrl/model lib/ruleset dataplane/pipeline \
	dataplane/classify dataplane/conn -r && complain "that layer knows no such library"

for f in include/tidegate/*.h; do
	printf '#include <tidegate/%s>\n' "$(basename "$f")" |
		gcc -std=gnu17 -Wall -Wextra -Werror -Iinclude -fsyntax-only -x c - || complain "$f does not compile alone"
done

for f in "${code[@]}"; do
	[ "$(wc -l <"$f")" -le 1000 ] || complain "$f: more than 1000 lines"
done

# What a run left behind does not belong to the project.
root='^(\.ci|\.clang-format|\.git|\.gitignore|LICENSE|Makefile|README\.md|ctrl|dataplane|demo|deploy|docs|include|lib|meson\.build|meson_options\.txt|nic-profiles|perf|scripts|tests)$'
for f in $( (git ls-files | cut -d/ -f1; git ls-files --others --exclude-standard | cut -d/ -f1) | sort -u); do
	[[ $f =~ $root ]] || complain "$f: not expected in the root"
done

shellcheck -x "${scripts[@]}" || complain "shellcheck"
git ls-files '*.c' '*.h' '*.md' '*.sh' '*.py' | xargs codespell -q 3 -L ans,tre,nd,ot,te,ba,hist,inout,socio || complain "codespell"
exit $bad

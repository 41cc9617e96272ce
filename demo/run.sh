#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The gateway on real traffic: five pods, a fabric and an internet in network namespaces, the sample
# policies between them. Prints what real clients can reach beside what the policies say, edits a
# policy live, and stays up until Ctrl-C.
#
# usage: run.sh BUILD_DIR	DEMO_ONCE=1: leave after the tour
# Exit code: 0 when reality matched the policies everywhere.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
build=$(realpath "$1")
# shellcheck source=scripts/lab.sh
. scripts/lab.sh
http=127.0.0.1:${DEMO_HTTP_PORT:-9469}

say()
{
	if [ -t 1 ]; then
		printf '\n\033[1m%s\033[0m\n' "$*"
	else
		printf '\n== %s\n' "$*"
	fi
}

die()
{
	echo "demo: $*" >&2
	tail -n 20 "$LAB_DIR"/*.log >&2
	exit 1
}

[ "$(id -u)" -eq 0 ] || {
	echo "demo: needs root (network namespaces, TAP devices)" >&2
	exit 1
}

say "Setting up: five pods, a fabric, an internet, and the gateway between them"
lab_init tgdemo tap
pods=(frontend api db dns intruder)
for i in "${!pods[@]}"; do
	lab_pod "${pods[i]}" $((i + 1))
done
lab_internet 203.0.113.10 203.0.113.53 203.0.113.66 198.51.100.20 \
	2001:db8:113::10 2001:db8:113::53 2001:db8:113::66 2001:db8:51::20
cp -r demo/manifests "$LAB_DIR/manifests"

lab_dataplane_config >"$LAB_DIR/dataplane.yaml"
lab_ctrl_config deny "$http" >"$LAB_DIR/ctrl.yaml"
lab_dataplane_start "$build" || die "the dataplane did not start"
lab_plumb
"$build/ctrl/tidegate-ctrl" -c "$LAB_DIR/ctrl.yaml" >"$LAB_DIR/ctrl.log" 2>&1 &
LAB_PIDS+=($!)
ready()
{
	curl -sf "http://$http/readyz"
}
lab_wait 20 "the first ruleset in force" ready || die "the control process did not get ready"
"$build/ctrl/cli/tidegate" status --url "http://$http"

lab_bg frontend python3 demo/server.py frontend 8080
lab_bg api python3 demo/server.py api 8080
lab_bg db python3 demo/server.py db 5432
cat >"$LAB_DIR/nginx.conf" <<END
daemon off;
pid $LAB_DIR/nginx.pid;
error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path $LAB_DIR/nginx-body; proxy_temp_path $LAB_DIR/nginx-proxy;
	fastcgi_temp_path $LAB_DIR/nginx-fcgi; uwsgi_temp_path $LAB_DIR/nginx-uwsgi;
	scgi_temp_path $LAB_DIR/nginx-scgi;
	server { listen 80; listen [::]:80; location / { return 200 "the internet\n"; } }
}
END
lab_bg internet nginx -c "$LAB_DIR/nginx.conf"
for ns in dns internet; do
	lab_bg "$ns" dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --user=root \
		--pid-file= --address=/web.example/203.0.113.10 --log-facility=-
done
for at in frontend:8080 api:8080 db:5432 internet:80; do
	lab_wait 10 "the server of $at" lab_in "${at%:*}" curl -s "http://[::1]:${at#*:}/" || die "no server"
done
for ns in dns internet; do
	lab_wait 10 "the DNS server of $ns" lab_in "$ns" dig +short +time=1 +tries=1 @::1 web.example || die "no DNS"
done

result=0
say "Who reaches whom"
python3 demo/matrix.py "$LAB" "$build/ctrl/cli/tidegate" "$LAB_DIR/manifests" || result=1

say "Why not? The intruder calls itself app=frontend, but from another namespace"
"$build/ctrl/cli/tidegate" explain "$LAB_DIR/manifests" lab/intruder shop/api TCP 8080

say "A live change: the api no longer takes the frontend. An open download is cut"
lab_in frontend curl -sN http://10.10.2.2:8080/stream >"$LAB_DIR/stream" 2>/dev/null &
LAB_PIDS+=($!)
ticks()
{
	grep -c tick "$LAB_DIR/stream"
}
flowing()
{
	[ "$(ticks)" -gt 10 ]
}
lab_wait 10 "the download" flowing || die "the download did not start"
generation()
{
	curl -sf "http://$http/v1/status" | jq .generation.applied
}
before=$(generation)
sed -i 's/matchLabels: {app: frontend}}}\]/matchLabels: {app: nobody}}}]/' "$LAB_DIR/manifests/40-apps.yaml"
newer()
{
	[ "$(generation)" -gt "$before" ]
}
lab_wait 10 "the new generation" newer || die "the edit was not enforced"
at_cut=$(ticks)
read -rt 2 <> <(:) || true
after=$(ticks)
echo "lines received when generation $(generation) was acknowledged: $at_cut; two seconds later: $after"
# What was on its way may still arrive; twenty lines a connection that lives would have sent.
if [ "$after" -gt $((at_cut + 2)) ]; then
	echo "demo: the connection was not cut"
	result=1
fi

say "Who reaches whom, after the edit"
python3 demo/matrix.py "$LAB" "$build/ctrl/cli/tidegate" "$LAB_DIR/manifests" || result=1

say "Counters, by rule"
"$build/ctrl/cli/tidegate" rules --limit 20 --url "http://$http" | cut -c 1-150
say "Drops, by reason"
"$build/ctrl/cli/tidegate" drops --url "http://$http"
say "What Prometheus sees: http://$http/metrics"
curl -s "http://$http/metrics" | grep -E '^tidegate_(ruleset_generation|connections{|dropped_packets|rule_packets.*kind="(policy|implicit))' |
	grep -v ' 0$' | head -n 20

if [ $result -eq 0 ]; then
	say "Reality matched the policies for every pair"
else
	say "Reality did NOT match the policies"
fi
[ -n "${DEMO_ONCE:-}" ] && exit $result
cat <<END

The gateway stays up until Ctrl-C. Try, from another terminal:
  ip netns exec $LAB-api curl http://203.0.113.10/
  $build/ctrl/cli/tidegate rules --url http://$http
  \$EDITOR $LAB_DIR/manifests/50-egress.yaml
END
while read -rt 3600 <> <(:) || true; do :; done

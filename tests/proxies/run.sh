#!/usr/bin/env bash
# nginx and Caddy before an API, asking the real program about each request: the configurations of docs/gateway.md.
#
#   tests/proxies/run.sh     needs nginx, caddy, node 20, cargo; GRANTD names a binary already built
#
# One line per flow, "ok PROXY FLOW" or "FAILED …". The last line is "N passed, M failed": a flow that did not run, for
# whatever reason, counts as failed.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=tests/lib.sh
. ../lib.sh
# Where Debian has nginx.
PATH=$PATH:/usr/sbin

expected() {
    local proxy flow
    for proxy in nginx caddy; do
        for flow in allowed 'spoofed identity' 'spoofed request' 'no credential' 'missing scope' 'another organization' \
            paths 'one connection' smuggling bodies HTTP/2 proofs 'two credentials' revoked 'grantd is down'; do
            echo "$proxy $flow"
        done
    done
}

node_is_there || give_up "the proxies were not tried"
for proxy in nginx caddy; do
    command -v "$proxy" >/dev/null || give_up "$proxy is missing: apt-get install $proxy"
done
build_grantd || give_up "the program does not build"

troubles=0
node proxies.mjs "$root" "$work" >"$work/output" 2>&1 || troubles=1
grep -E '^(ok|FAILED) ' "$work/output" >"$work/results" || true
# What nobody expects of a server that was stopped in between.
if grep -E '\bERROR\b|panicked' "$work/output"; then troubles=1; fi
if [ "$troubles" = 1 ]; then cat "$work/output"; else cat "$work/results"; fi
count "$work/results" "$troubles"

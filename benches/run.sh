#!/usr/bin/env bash
# Speed and size against their bars, one line each; fails when a bar is missed.
#
#   benches/run.sh [ed25519] [mint] [introspect] [refresh] [code] [login] [gateway] [forward_auth] [pages]
#                 [store] [backup] [webhooks] [size]
#
# All of them when none is named. GRANTD_BENCH_GRANTS says of how many grants `backup` is (a million). It takes two cores, and nothing else should be running on them. Those that go over
# HTTPS need wrk.
set -euo pipefail
cd "$(dirname "$0")/.."

needs_wrk=1
if [ $# -gt 0 ]; then
    needs_wrk=0
    for name in "$@"; do
        case $name in mint | introspect | refresh | code | login | gateway | forward_auth | backup | webhooks) needs_wrk=1 ;; esac
    done
fi
if [ $needs_wrk = 1 ] && ! command -v wrk >/dev/null; then
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        apt-get install -qy wrk >&2
    else
        echo "wrk is missing: https://github.com/wg/wrk (on Debian and Ubuntu: apt-get install wrk)" >&2
        exit 1
    fi
fi
command -v taskset >/dev/null || { echo "taskset is missing: it is part of util-linux" >&2 && exit 1; }

cargo bench --locked --quiet --bench bars -- "$@"

# What the scripts that run the real program share. Sourced from the directory of the script, which has `set -euo pipefail`.
# shellcheck shell=bash
#
# root, target    the checkout, and where cargo builds
# work            a directory of this run, gone at its end
# server          the process id of the server that runs, or nothing

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=$(cd "$root" && mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)
work=$(mktemp -d)
server=
# Everything is on this machine, whatever the environment says of proxies.
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1

stop() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" || true
        server=
    fi
}

clean() {
    stop
    rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT TERM

# Sets GRANTD: the binary that it names already, or the one that is built here.
build_grantd() {
    if [ -z "${GRANTD:-}" ]; then
        (cd "$root" && CARGO_TARGET_DIR=$target cargo build --quiet --locked) || return 1
    fi
    GRANTD=$(realpath "${GRANTD:-$target/debug/grantd}")
    export GRANTD
    if [ ! -x "$GRANTD" ]; then
        echo "there is no $GRANTD to test"
        return 1
    fi
}

# start_demo DATA LOG OPTIONS...: a server with a data directory of its own; its facts are in DATA/facts.json when this
# returns.
start_demo() {
    local data=$1 log=$2 facts
    shift 2
    mkdir -p "$data"
    mkfifo "$data/ready"
    "$GRANTD" demo --json --listen 127.0.0.1:0 --data "$data" "$@" >"$data/ready" 2>>"$log" &
    server=$!
    # The end of the file, when the server ends before it is ready, ends the wait too.
    if ! IFS= read -r -t 120 facts <"$data/ready"; then
        tail -n 20 "$log"
        return 1
    fi
    printf '%s\n' "$facts" >"$data/facts.json"
}

node_is_there() {
    if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
        echo "node or npm is missing: apt-get install nodejs npm"
        return 1
    fi
    if ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; then
        echo "node is $(node --version), and this needs 20 or newer"
        return 1
    fi
}

# install_node DIRECTORY: what its package-lock.json names, once.
install_node() {
    node_is_there || return 1
    cd "$1" || return 1
    cmp -s package-lock.json node_modules/.installed && return
    npm ci --ignore-scripts --no-audit --no-fund >"$work/npm.log" 2>&1 || { cat "$work/npm.log"; return 1; }
    cp package-lock.json node_modules/.installed
}

# install_python DIRECTORY: what its requirements.txt names, once, into .venv.
install_python() {
    if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        echo "python3 or its venv module is missing: apt-get install python3 python3-venv"
        return 1
    fi
    cd "$1" || return 1
    cmp -s requirements.txt .venv/installed && .venv/bin/python -c '' 2>/dev/null && return
    rm -rf .venv
    python3 -m venv .venv || return 1
    .venv/bin/python -m pip install --quiet --require-hashes -r requirements.txt || return 1
    cp requirements.txt .venv/installed
}

# give_up WHY: none of what is `expected` was done.
give_up() {
    echo "$*"
    echo "0 passed, $(expected | wc -l) failed"
    exit 1
}

# count RESULTS [TROUBLES]: the last line of a script, from its lines "ok NAME" and "FAILED NAME: …". Each of `expected`
# must be among them, and nothing else may; troubles count where every flow passed all the same.
count() {
    local results=$1 troubles=${2:-0} passed=0 failed=0 line
    while read -r line; do
        if grep -qxF -e "ok $line" "$results"; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            grep -qF -e "FAILED $line:" "$results" || echo "FAILED $line: it did not run"
        fi
    done < <(expected)
    while read -r line; do
        echo "FAILED: not in the list of what is expected: $line"
        troubles=$((troubles + 1))
    done < <(grep '^ok ' "$results" | cut -c 4- | grep -vxF -f <(expected) || true)
    if [ "$failed" -eq 0 ]; then failed=$troubles; fi
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}

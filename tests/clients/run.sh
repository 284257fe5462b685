#!/usr/bin/env bash
# OAuth clients and JOSE libraries that nobody here wrote, against the real program over TLS with its own CA.
#
#   tests/clients/run.sh     needs node 20 with npm, python3 with venv, php with curl, cargo; GRANTD names a binary already built
#
# One line per flow, "ok CLIENT PROFILE FLOW" or "FAILED …". The last line is "N passed, M failed": a flow that did
# not run, for whatever reason, counts as failed.
set -euo pipefail
cd "$(dirname "$0")"
here=$PWD
root=$(cd ../.. && pwd)

target=$(cd "$root" && mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)
work=$(mktemp -d)
results=$work/results
: >"$results"
troubles=0
server=
# Everything is on this machine, whatever the environment says of proxies.
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1

profiles=(default mokapen makecrypto)
common="untrusted discover basic post scope resource organization foreign-organization introspect revoke \
wrong-secret unknown-scope unknown-resource"

# Every flow there is: a list of its own, so that one that is skipped is seen.
expected() {
    local profile flow
    for profile in "${profiles[@]}"; do
        for flow in $common; do
            printf '%s\n' {openid-client,oauth4webapi,Authlib,requests-oauthlib,oauth2}" $profile $flow"
        done
        printf '%s\n' {openid-client,oauth4webapi,Authlib,requests-oauthlib}" $profile verify"
        echo "oauth4webapi $profile resource-metadata"
        printf '%s\n' "openid-client $profile "{par-dpop,public-par-dpop} "oauth4webapi $profile "{code,public-code,denied}
        printf '%s\n' "simple-oauth2 $profile code" "Authlib $profile "{code,public-code}
        printf '%s\n' "requests-oauthlib $profile "{code,denied} "oauth2 $profile code"
    done
    printf '%s\n' "requests makecrypto key-"{payment-links,customers,settings,errors}
    printf '%s\n' "makepay makecrypto "{api-key,webhook} "php makecrypto webhook"
    printf '%s\n' "fetch makecrypto key-"{payment-links,settings,errors}
    printf '%s\n' "php mokapen first-request-"{http,tls}
    printf '%s\n' {jose,joserfc,PyJWT}" algorithms "{EdDSA,ES256,RS256,rotation}
    printf '%s\n' "Authlib algorithms "{ES256,RS256} "jose algorithms jwks"
    printf '%s\n' "grantd "{default,mokapen,makecrypto,algorithms}" log"
}

trouble() {
    echo "FAILED: $*"
    troubles=$((troubles + 1))
}

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

# What `demo` is told besides: `--http` for a server without TLS.
plain=

# start PROFILE DATA: a server with a data directory of its own; its facts are in DATA/facts.json when this returns.
start() {
    local profile=$1 data=$2 facts
    if [ "$profile" = algorithms ]; then
        mkdir -p "$data/profiles/algorithms"
        cp algorithms.toml "$data/profiles/algorithms/profile.toml"
        cp "$root/data/profiles/default/scopes.json" "$data/profiles/algorithms/scopes.json"
    fi
    mkfifo "$data/ready"
    RUST_LOG=debug "$GRANTD" demo --json --listen 127.0.0.1:0 --profile "$profile" --data "$data" ${plain:+"$plain"} \
        >"$data/ready" 2>>"$work/$profile.log" &
    server=$!
    # The end of the file, when the server ends before it is ready, ends the wait too.
    if ! IFS= read -r -t 120 facts <"$data/ready"; then
        tail -n 20 "$work/$profile.log"
        return 1
    fi
    printf '%s\n' "$facts" >"$data/facts.json"
    # The secrets of both apps, of the API key, the token and the passwords.
    grep -oE '"(client_secret|password|secret|pat)":"[^"]+"' "$data/facts.json" | cut -d '"' -f 4 >>"$work/$profile.secrets"
}

# run PROFILE COMMAND...: one client's flows on a server of its own (one server forgives ten wrong secrets, no more).
# The client is told the profile and the facts, and trusts the server's CA alone.
run() {
    local profile=$1 data ca
    data=$(mktemp -d "$work/$profile.XXXXXX")
    ca=$data/certs/ca.pem
    shift
    if ! start "$profile" "$data"; then
        trouble "grantd demo --profile $profile did not start"
        stop
        return
    fi
    env NODE_EXTRA_CA_CERTS="$ca" REQUESTS_CA_BUNDLE="$ca" CA="$ca" GRANTD="$GRANTD" DATA="$data" \
        "$@" "$profile" "$data/facts.json" 2>&1 | tee -a "$results" || trouble "$* $profile"
    stop
}

install_node() {
    if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
        echo "node or npm is missing: apt-get install nodejs npm"
        return 1
    fi
    if ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; then
        echo "node is $(node --version), and these clients need 20 or newer"
        return 1
    fi
    cd "$here/node"
    cmp -s package-lock.json node_modules/.installed && return
    npm ci --ignore-scripts --no-audit --no-fund >"$work/npm.log" 2>&1 || { cat "$work/npm.log"; return 1; }
    cp package-lock.json node_modules/.installed
}

install_python() {
    if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        echo "python3 or its venv module is missing: apt-get install python3 python3-venv"
        return 1
    fi
    cd "$here/python"
    cmp -s requirements.txt .venv/installed && .venv/bin/python -c '' 2>/dev/null && return
    rm -rf .venv
    python3 -m venv .venv || return 1
    .venv/bin/python -m pip install --quiet --require-hashes -r requirements.txt || return 1
    cp requirements.txt .venv/installed
}

install_rust() {
    if ! command -v cargo >/dev/null; then
        echo "cargo is missing: https://rustup.rs"
        return 1
    fi
    cd "$here/rust"
    CARGO_TARGET_DIR=$target/clients cargo build --quiet --locked
}

# What the servers said at the level debug: nothing broke, and no secret and no token was written down.
check_log() {
    local profile=$1 log=$work/$1.log
    if [ ! -s "$work/$profile.secrets" ]; then return; fi
    if grep -E -e '\bERROR\b|panicked' -e 'eyJ[A-Za-z0-9_-]+\.' "$log" ||
        grep -F -f "$work/$profile.secrets" "$log"; then
        echo "FAILED grantd $profile log: the lines above"
    else
        echo "ok grantd $profile log"
    fi | tee -a "$results"
}

if [ -z "${GRANTD:-}" ]; then
    (cd "$root" && CARGO_TARGET_DIR=$target cargo build --quiet --locked) || true
fi
GRANTD=$(realpath "${GRANTD:-$target/debug/grantd}")
if [ ! -x "$GRANTD" ]; then
    echo "there is no $GRANTD to test"
    echo "0 passed, $(expected | wc -l) failed"
    exit 1
fi

# What one of them lacks must not keep the others from running.
if (install_node); then
    for profile in "${profiles[@]}"; do
        run "$profile" node node/openid-client.mjs
        run "$profile" node node/oauth4webapi.mjs
        run "$profile" node node/delegated.mjs
    done
    run makecrypto node node/sandbox.mjs
    run algorithms node node/jose.mjs
else
    trouble "the clients in JavaScript were not run"
fi
if (install_python); then
    for profile in "${profiles[@]}"; do
        run "$profile" python/.venv/bin/python python/authlib_client.py
        run "$profile" python/.venv/bin/python python/requests_oauthlib_client.py
        run "$profile" python/.venv/bin/python python/delegated.py
    done
    run makecrypto python/.venv/bin/python python/sandbox.py
    run makecrypto python/.venv/bin/python python/webhooks.py
    run algorithms python/.venv/bin/python python/algorithms.py
else
    trouble "the clients in Python were not run"
fi
if (install_rust); then
    for profile in "${profiles[@]}"; do run "$profile" "$target/clients/debug/grantd-clients"; done
else
    trouble "the client in Rust was not run"
fi
if php -r 'exit(function_exists("curl_init") ? 0 : 1);' 2>/dev/null; then
    run mokapen php/run.sh tls
    plain=--http run mokapen php/run.sh http
else
    trouble "php or its curl module is missing: apt-get install php-cli php-curl"
fi
for profile in "${profiles[@]}" algorithms; do check_log "$profile"; done

passed=0 failed=0
while read -r flow; do
    if grep -qxF -e "ok $flow" "$results"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        grep -qF -e "FAILED $flow:" "$results" || echo "FAILED $flow: it did not run"
    fi
done < <(expected)
# The list above must know every flow.
while read -r line; do trouble "not in the list of flows: $line"; done < <(
    grep '^ok ' "$results" | cut -c 4- | grep -vxF -f <(expected) || true
)
# A program that ended badly has shown it in its flows, unless they all passed.
if [ "$failed" -eq 0 ]; then failed=$troubles; fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

#!/usr/bin/env bash
# OAuth clients and JOSE libraries that nobody here wrote, against the real program over TLS with its own CA.
#
#   tests/clients/run.sh     needs node 20 with npm, python3 with venv, php with curl, go, cargo; GRANTD names a binary already built
#
# One line per flow, "ok CLIENT PROFILE FLOW" or "FAILED …". The last line is "N passed, M failed": a flow that did
# not run, for whatever reason, counts as failed.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=tests/lib.sh
. ../lib.sh

results=$work/results
: >"$results"
troubles=0

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
    printf '%s\n' "plugin makecrypto "{discovery,connect,refresh,payment,reset,two-installations,lost-answers,key-replacement,reuse,late-events}
    printf '%s\n' "prometheus_client default "{openmetrics,prometheus-text}
    printf '%s\n' "fetch makecrypto key-"{payment-links,settings,errors}
    printf '%s\n' "php mokapen first-request-"{http,tls}
    printf '%s\n' {Node.js,Python,PHP,Go}" algorithms introspect" {Node.js,Python,PHP,Go}" algorithms offline"
    printf '%s\n' {jose,joserfc,PyJWT}" algorithms "{EdDSA,ES256,RS256,rotation}
    printf '%s\n' "Authlib algorithms "{ES256,RS256} "jose algorithms jwks"
    printf '%s\n' "grantd "{default,mokapen,makecrypto,algorithms}" log"
}

trouble() {
    echo "FAILED: $*"
    troubles=$((troubles + 1))
}

# What `demo` is told besides: `--http` for a server without TLS.
plain=

# start PROFILE DATA: a server with a data directory of its own.
start() {
    local profile=$1 data=$2
    if [ "$profile" = algorithms ]; then
        mkdir -p "$data/profiles/algorithms"
        cp algorithms.toml "$data/profiles/algorithms/profile.toml"
        cp "$root/data/profiles/default/scopes.json" "$data/profiles/algorithms/scopes.json"
    fi
    RUST_LOG=debug start_demo "$data" "$work/$profile.log" --profile "$profile" ${plain:+"$plain"} || return 1
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

install_rust() {
    if ! command -v cargo >/dev/null; then
        echo "cargo is missing: https://rustup.rs"
        return 1
    fi
    cd rust
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

build_grantd || give_up "there is nothing to test"

# What one of them lacks must not keep the others from running.
if (install_node node); then
    for profile in "${profiles[@]}"; do
        run "$profile" node node/openid-client.mjs
        run "$profile" node node/oauth4webapi.mjs
        run "$profile" node node/delegated.mjs
    done
    run makecrypto node node/sandbox.mjs
    run makecrypto node node/plugin.mjs
    run makecrypto node node/lives.mjs
    run algorithms node node/jose.mjs
else
    trouble "the clients in JavaScript were not run"
fi
if (install_python python); then
    for profile in "${profiles[@]}"; do
        run "$profile" python/.venv/bin/python python/authlib_client.py
        run "$profile" python/.venv/bin/python python/requests_oauthlib_client.py
        run "$profile" python/.venv/bin/python python/delegated.py
    done
    run default python/.venv/bin/python python/metrics.py
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
# The programs of the documentation, which need all of them, and Go.
run algorithms node node/verify.mjs
if php -r 'exit(function_exists("curl_init") ? 0 : 1);' 2>/dev/null; then
    run mokapen php/run.sh tls
    plain=--http run mokapen php/run.sh http
else
    trouble "php or its curl module is missing: apt-get install php-cli php-curl"
fi
for profile in "${profiles[@]}" algorithms; do check_log "$profile"; done

count "$results" "$troubles"

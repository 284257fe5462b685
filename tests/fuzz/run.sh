#!/usr/bin/env bash
# schemathesis against the JSON API of the real program, driven by its own OpenAPI document: no answer of 500 and above,
# and none that the document does not describe.
#
#   tests/fuzz/run.sh        needs python3 with venv, cargo; GRANTD names a binary already built
#   SEED=1 EXAMPLES=200 PROFILES="default mokapen" tests/fuzz/run.sh
#
# The seed is printed and fixed. The last line is "N passed, M failed", an operation of a profile each.
set -euo pipefail
cd "$(dirname "$0")"
here=$PWD
root=$(cd ../.. && pwd)
target=$(cd "$root" && mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)
seed=${SEED:-20260504}
examples=${EXAMPLES:-20}
# Integer ids and API keys are in one each, access requests in the first.
read -ra profiles <<<"${PROFILES:-default makecrypto}"
seconds=${SECONDS_MAX:-55}
checks=not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance
checks+=,response_schema_conformance,unsupported_method,allow_header_conformance,negative_data_rejection
work=$(mktemp -d)
server=
passed=0
failed=0
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1 PYTHONDONTWRITEBYTECODE=1

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

install_python() {
    if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        echo "python3 or its venv module is missing: apt-get install python3 python3-venv"
        return 1
    fi
    cmp -s requirements.txt .venv/installed && .venv/bin/python -c '' 2>/dev/null && return
    rm -rf .venv
    python3 -m venv .venv || return 1
    .venv/bin/python -m pip install --quiet --require-hashes -r requirements.txt || return 1
    cp requirements.txt .venv/installed
}

# call DIRECTORY ISSUER TOKEN SECONDS OPTIONS...: schemathesis with the token in this file; its report is TOKEN.xml.
call() {
    local data=$1 issuer=$2 token=$3 seconds=$4
    shift 4
    (cd "$data" && "$here/.venv/bin/schemathesis" --config-file schemathesis.toml run \
        "$issuer/api/developer/v1/openapi.json" --tls-verify "$REQUESTS_CA_BUNDLE" \
        --header "Authorization: Bearer $(cat "$token")" --seed "$seed" --max-examples "$examples" --workers 1 \
        --phases examples,coverage,fuzzing --continue-on-failure --max-time "$seconds" --no-shrink \
        --checks "$checks" --report junit --report-junit-path "$token.xml" --warnings off "$@")
}

# fuzz PROFILE: a server with a data directory of its own, whose owner is also its administrator.
fuzz() {
    local profile=$1 data=$work/$1 facts issuer status=0 good bad
    mkdir -p "$data"
    mkfifo "$data/ready"
    RUST_LOG=info "$GRANTD" demo --json --listen 127.0.0.1:0 --profile "$profile" --data "$data" \
        >"$data/ready" 2>"$data/log" &
    server=$!
    # The end of the file, when the server ends before it is ready, ends the wait too.
    if ! IFS= read -r -t 120 facts <"$data/ready"; then
        tail -n 20 "$data/log"
        return 1
    fi
    printf '%s\n' "$facts" >"$data/facts.json"
    export REQUESTS_CA_BUNDLE=$data/certs/ca.pem
    "$GRANTD" --data "$data" --json user duty owner@example.com administrator >/dev/null || return 1
    "$here/.venv/bin/python" world.py "$data/facts.json" "$data" || return 1
    issuer=$(sed -E 's/.*"issuer":"([^"]+)".*/\1/' "$data/facts.json")
    call "$data" "$issuer" token "$seconds" --exclude-operation-id revokeToken \
        --exclude-operation-id revokeOrganizationToken || status=$?
    # They may end the very token that they are called with.
    call "$data" "$issuer" other 10 --include-operation-id revokeToken \
        --include-operation-id revokeOrganizationToken || status=$?
    "$here/.venv/bin/python" count.py "$profile" "$data/facts.json" "$data" "$status" >"$data/counted" || true
    stop
    if grep -E '\bERROR\b|panicked' "$data/log"; then
        echo "FAILED $profile: the lines above stand in the server's log"
        failed=$((failed + 1))
    fi
    sed '$d' "$data/counted"
    read -r good bad < <(tail -n 1 "$data/counted" && echo) || true
    passed=$((passed + ${good:-0})) failed=$((failed + ${bad:-1}))
}

if [ -z "${GRANTD:-}" ]; then
    (cd "$root" && CARGO_TARGET_DIR=$target cargo build --quiet --locked) || true
fi
GRANTD=$(realpath "${GRANTD:-$target/debug/grantd}")
echo "seed $seed, $examples examples an operation, ${profiles[*]}"
if [ -x "$GRANTD" ] && install_python; then
    for profile in "${profiles[@]}"; do
        if ! fuzz "$profile"; then
            echo "FAILED $profile: it was not fuzzed"
            failed=$((failed + 1))
            stop
        fi
    done
else
    echo "there is no $GRANTD to test, or no schemathesis"
    failed=1
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

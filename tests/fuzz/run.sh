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
# shellcheck source=tests/lib.sh
. ../lib.sh
here=$PWD
seed=${SEED:-20260504}
examples=${EXAMPLES:-20}
# Integer ids and API keys are in one each, access requests in the first.
read -ra profiles <<<"${PROFILES:-default makecrypto}"
seconds=${SECONDS_MAX:-55}
checks=not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance
checks+=,response_schema_conformance,unsupported_method,allow_header_conformance,negative_data_rejection
passed=0
failed=0
export PYTHONDONTWRITEBYTECODE=1

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
    local profile=$1 data=$work/$1 issuer status=0 good bad
    RUST_LOG=info start_demo "$data" "$work/$profile.log" --profile "$profile" || return 1
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
    if grep -E '\bERROR\b|panicked' "$work/$profile.log"; then
        echo "FAILED $profile: the lines above stand in the server's log"
        failed=$((failed + 1))
    fi
    sed '$d' "$data/counted"
    read -r good bad < <(tail -n 1 "$data/counted" && echo) || true
    passed=$((passed + ${good:-0})) failed=$((failed + ${bad:-1}))
}

echo "seed $seed, $examples examples an operation, ${profiles[*]}"
if build_grantd && (install_python .); then
    for profile in "${profiles[@]}"; do
        if ! fuzz "$profile"; then
            echo "FAILED $profile: it was not fuzzed"
            failed=$((failed + 1))
            stop
        fi
    done
else
    echo "there is nothing to test, or no schemathesis"
    failed=1
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

#!/usr/bin/env bash
# The test command of the README.
#
#   tests/run.sh         the full run: everything, under 30 minutes on two cores
#   tests/run.sh quick   while editing: formatting, lints and the tests of the quick size
#
# The last line is "N passed, M failed". A step that fails, or in the full run one that cannot be done, counts as failed.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=${1:-full}
case $mode in
    full) export GRANTD_TEST_FULL=1 ;;
    quick) unset GRANTD_TEST_FULL ;;
    *)
        echo "usage: tests/run.sh [quick]" >&2
        exit 2
        ;;
esac

export CARGO_TERM_COLOR=never
deny_version=0.20.2
target=${CARGO_TARGET_DIR:-target}
logs=$target/test-logs
mkdir -p "$logs"
tools=$(cd "$target" && pwd)/tools
export PATH=$tools/bin:$PATH
passed=0
failed=0

fail() {
    echo "   FAILED: $*"
    failed=$((failed + 1))
}

# step NAME COMMAND...: its output goes to a log, and to the terminal when it fails.
step() {
    local name=$1 started=$SECONDS
    shift
    echo "== $name"
    if "$@" >"$logs/$name.log" 2>&1; then
        echo "   ok, $((SECONDS - started)) s"
    else
        tail -n 200 "$logs/$name.log"
        fail "$name: $*"
        return 1
    fi
}

toolchain() {
    local needed have
    needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    have=$(cargo --version | cut -d ' ' -f 2)
    echo "cargo $have, at least $needed"
    # One condition: within `if` the shell does not end at the first failure.
    [ "$(printf '%s\n' "$needed" "$have" | sort -V | head -n 1)" = "$needed" ] &&
        cargo fmt --version && cargo clippy --version
}

# Adds up the result lines of `cargo test`; the program under test may print before them on the same line.
count_tests() {
    local log=$logs/test.log ok=0 bad=0 ignored=0 p f i
    while read -r p f i; do
        ok=$((ok + p)) bad=$((bad + f)) ignored=$((ignored + i))
    done < <(sed -nE 's/.*test result: (ok|FAILED)\. ([0-9]+) passed; ([0-9]+) failed; ([0-9]+) ignored;.*/\2 \3 \4/p' "$log")
    echo "   $ok passed, $bad failed, $ignored ignored"
    passed=$((passed + ok)) failed=$((failed + bad))
    if [ "$ok" -eq 0 ]; then fail "no test ran"; fi
    if [ "$ignored" -gt 0 ]; then fail "$ignored tests were ignored; none may be"; fi
}

# What the tests say of their own size. The full run has its minimum: a hundred kills of the store and of the server, and
# fifty thousand requests in each of the five races for a code or a refresh token; over TLS two thousand of each.
figures() {
    local log=$logs/test.log full
    sed -nE 's/^(kill cycles|mutated requests|malformed shapes|fuzz executions|bit flips|eio scenarios|raced requests|races over TLS|simulated seeds)/   \1/p' "$log"
    full=$(grep -cE '^kill cycles: ([1-9][0-9]{2,}),' "$log" || true)
    if [ "$mode" = full ] && [ "$full" -lt 2 ]; then fail "fewer than 100 kill cycles of the store or of the server"; fi
    full=$(grep -cE '^raced requests: ([5-9][0-9]{4}|[0-9]{6,}),' "$log" || true)
    if [ "$mode" = full ] && [ "$full" -lt 5 ]; then fail "fewer than 50,000 requests in a race"; fi
    full=$(grep -cE '^races over TLS: ([2-9][0-9]{3}|[0-9]{5,}) codes x 16, ([2-9][0-9]{3}|[0-9]{5,}) refresh tokens x 8$' "$log" || true)
    if [ "$mode" = full ] && [ "$full" -lt 1 ]; then fail "fewer than 2,000 codes or refresh tokens raced for over TLS"; fi
}

# A script that counts for itself ends with the line "N passed, M failed".
count_script() {
    local name=$1 counts
    counts=$(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$logs/$name.log" | tail -n 1)
    if [ -z "$counts" ]; then
        fail "$name did not say how many passed"
        return
    fi
    echo "   ${counts% *} passed, ${counts#* } failed"
    passed=$((passed + ${counts% *})) failed=$((failed + ${counts#* }))
}

# counted NAME: tests/NAME/run.sh, which counts for itself. One that ends badly counts at least once.
counted() {
    local name=$1 before=$failed
    if step "$name" "tests/$name/run.sh"; then
        count_script "$name"
    else
        failed=$before
        count_script "$name"
        if [ "$failed" = "$before" ]; then fail "tests/$name/run.sh"; fi
    fi
}

# Built beside the steps that mostly wait, and without optimisation: it has little to do.
cargo_deny() {
    if [ "$(cargo-deny --version 2>/dev/null)" != "cargo-deny $deny_version" ]; then
        nice cargo install cargo-deny --debug --locked --version "$deny_version" --root "$tools" --target-dir "$tools/build" || return
        rm -rf "$tools/build"
    fi
    # Cargo.lock names crates of other systems too (rustls-native-certs); what is compiled here never fetched them.
    cargo fetch --locked --quiet || return
    cargo deny --locked --offline check licenses bans sources
}

what_deny_says() {
    local status=0
    wait "$1" || status=$?
    cat "$logs/cargo-deny.log"
    return "$status"
}

if ! step toolchain toolchain; then
    echo "   rustup component add clippy rustfmt, or a newer Rust: https://rustup.rs"
    echo "$passed passed, $failed failed"
    exit 1
fi
step fmt cargo fmt --check || true
step clippy cargo clippy --locked --all-targets -- -D warnings || true
# Its own failures are in the count; a build that breaks has none.
before=$failed
step test cargo test --locked --no-fail-fast -- --show-output || failed=$before tests_failed=1
count_tests
figures
if [ "${tests_failed:-0}" = 1 ] && [ "$failed" = "$before" ]; then fail "cargo test: see above"; fi

echo "== shellcheck"
if command -v shellcheck >/dev/null; then
    mapfile -t scripts < <(find tests benches .ci install.sh -name '*.sh' -not -path '*/node_modules/*' -o -path .ci/run 2>/dev/null)
    step scripts shellcheck "${scripts[@]}" || true
else
    echo "   not on this machine; the scripts were not looked at"
fi

counted install

if [ "$mode" = quick ]; then
    echo "== left out of the quick run: cargo deny, the real clients, the real proxies, the fuzzing of the API, the pages in Chromium, the full sizes of the tests"
else
    # The broken builds take minutes of their own: tests/broken/run.sh.
    cargo_deny >"$logs/cargo-deny.log" 2>&1 &
    deny=$!
    counted clients
    counted proxies
    counted fuzz
    sed -nE 's/^seed .*/   &/p' "$logs/fuzz.log"
    counted browser
    step deny what_deny_says "$deny" || true
    if compgen -G "${CARGO_HOME:-$HOME/.cargo}/advisory-db*/*" >/dev/null; then
        step advisories cargo deny --offline check advisories || true
    else
        echo "   advisories need their database: \`cargo deny fetch && cargo deny check advisories\` with a network"
    fi
fi

echo "== $mode run, $SECONDS s"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

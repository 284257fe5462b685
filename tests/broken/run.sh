#!/usr/bin/env bash
# Whether the tests notice: each patch of this folder breaks one rule, and the test that it names has to fail.
#
#   tests/broken/run.sh [NAME...]     needs cargo and patch; NAME is a patch without its ending, none means all
#
# A copy of the package in target/broken is broken, built and mended again, one rule at a time. The last line is
# "N passed, M failed": passed is a break that was noticed, by an assertion and not by the compiler.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
target=$(cd "$root" && mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)
tree=$target/broken/tree
log=$target/broken/log
seconds_max=120
# Without debug information it builds in half the time. The copy has no binary: that of the real package stays as it is.
export CARGO_TARGET_DIR=$target CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=1 CARGO_TERM_COLOR=never RUST_BACKTRACE=0
unset GRANTD_TEST_FULL

if ! command -v patch >/dev/null; then
    echo "patch is missing: apt-get install patch"
    echo "0 passed, 1 failed"
    exit 1
fi

# What differs is copied anew with a time of now, so that cargo sees it; what is the same keeps its time.
renew() {
    local file
    mkdir -p "$tree"
    (cd "$root" && find Cargo.lock src data benches tests/*.rs tests/*/ -type f \
        -not -path 'tests/browser/*' -not -path 'tests/clients/*' -not -path 'tests/broken/*') >"$target/broken/files"
    while IFS= read -r file; do
        if ! cmp -s "$root/$file" "$tree/$file"; then
            mkdir -p "$tree/$(dirname "$file")"
            cp "$root/$file" "$tree/$file"
        fi
    done <"$target/broken/files"
    (cd "$tree" && find . -type f -not -name Cargo.toml | sed 's,^\./,,') | sort >"$target/broken/there"
    sort "$target/broken/files" | comm -13 - "$target/broken/there" | while IFS= read -r file; do
        rm "${tree:?}/$file"
    done
    sed -e '/^\[\[bin\]\]$/,/^$/d' -e 's/^\[package\]$/&\nautobins = false/' "$root/Cargo.toml" >"$target/broken/manifest"
    cmp -s "$target/broken/manifest" "$tree/Cargo.toml" || cp "$target/broken/manifest" "$tree/Cargo.toml"
}

mend() {
    patch -d "$tree" -p1 -R -s --no-backup-if-mismatch <"$1" >>"$log" || renew
}

passed=0 failed=0

# tell NAME WHAT-IS-WRONG: an empty one means that the break was noticed.
tell() {
    if [ -z "$2" ]; then
        echo "ok $1: $rule"
        passed=$((passed + 1))
    else
        echo "FAILED $1: $2"
        failed=$((failed + 1))
    fi
}

# The tests' own words, not only their status: one that did not run has noticed nothing.
judge() {
    if grep -qE '^test result: FAILED\. 0 passed; 1 failed;' "$log" && grep -q 'panicked at' "$log"; then
        echo ""
    elif grep -q '^test result: ok\. 1 passed;' "$log"; then
        echo "$name in $binary passes all the same"
    elif grep -q '^test result: ok\. 0 passed;' "$log"; then
        echo "there is no test $name in $binary"
    else
        tail -n 15 "$log" >&2
        echo "it does not build, or $name in $binary did not end"
    fi
}

try() {
    local break=$1 file=$1.patch rule binary name
    rule=$(sed -n 's/^Rule: //p' "$file")
    read -r binary name < <(sed -n 's/^Test: //p' "$file")
    if ! patch -d "$tree" -p1 -s --no-backup-if-mismatch --dry-run <"$file" >"$log" 2>&1; then
        tell "$break" "the patch does not fit: $(head -n 1 "$log")"
        return
    fi
    patch -d "$tree" -p1 -s --no-backup-if-mismatch <"$file"
    if (cd "$tree" && cargo test --quiet --locked --test "$binary" --no-run) >"$log" 2>&1; then
        (cd "$tree" && timeout "$seconds_max" cargo test --locked --test "$binary" -- --exact "$name") >"$log" 2>&1 || true
    fi
    tell "$break" "$(judge)"
    mend "$file"
}

renew
if [ $# -eq 0 ]; then
    for file in *.patch; do set -- "$@" "${file%.patch}"; done
fi
for break in "$@"; do try "$break"; done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

#!/usr/bin/env bash
# Faults that really happen, for longer than a test run has time for. A figure a line; exits non-zero when one falls
# short. docs/reliability.md holds the figures of the last run.
#
#   tests/campaign.sh [--short] [PART...]     without parts: all of them
#   GRANTD=$PWD/target/release/grantd tests/campaign.sh flip     that program, instead of one that is built
#
#   crash   SIGKILL under load at random moments, and before each call of a start, a rebuild, a change of journal files
#   power   an ext4 of its own is stopped without flushing, under load (root)
#   eio     the first, second, third … write, sync, rename, open fails; syncs that hang
#   full    a disk filled by others and by the server (root)
#   flip    one bit of the data directory is wrong
#   clock   the clock is an hour ahead, an hour back, a day ahead, and right again
#   slow    connections that do next to nothing, and a client that means well; too few descriptors
#   flood   HTTP/2: rapid reset, CONTINUATION, SETTINGS, PING
#   overload  five times as many requests as the server can answer; no more memory
#   fuzz    libFuzzer on every parser of bytes from outside
#   soak    a third of what the server can do, for an hour
#
# --short is about a minute a part; of `fuzz`, a minute a parser. FUZZ_SECONDS says how long each parser is searched, SOAK_SECONDS how
# long the soak lasts.
set -euo pipefail
cd "$(dirname "$0")/.."

all=(crash power eio full flip clock slow flood overload fuzz soak)
short=
parts=()
for word in "$@"; do
    case " --short ${all[*]} " in
        *" $word "*) ;;
        *)
            echo "usage: tests/campaign.sh [--short] [PART...], of these parts: ${all[*]}" >&2
            exit 2
            ;;
    esac
    if [ "$word" = --short ]; then short=1; else parts+=("$word"); fi
done
if [ ${#parts[@]} -eq 0 ]; then parts=("${all[@]}"); fi

export CARGO_TERM_COLOR=never
target=$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)
logs=$target/campaign
mkdir -p "$logs"
failed=0

fail() {
    echo "FAILED $*"
    failed=$((failed + 1))
}

# size LONG SHORT: the size of this run.
size() {
    if [ -n "$short" ]; then echo "$2"; else echo "$1"; fi
}

# -- the real program, by the tests of tests/campaign, tests/process and tests/process_store.rs.

# cargo_part PART SIZE TARGET TEST FIGURE: runs one test in this size; its figures are the lines that match. There must be
# one, or it was left out.
cargo_part() {
    local part=$1 size=$2 binary=$3 test=$4 figure=$5 log
    log=$logs/$part-$(echo "$test" | tr -c 'a-z0-9\n' -).log
    if ! GRANTD_CAMPAIGN=$size cargo test --locked --test "$binary" -- --exact "$test" --nocapture >"$log" 2>&1; then
        tail -n 30 "$log"
        fail "$part: $test"
    elif ! grep -qE "$figure" "$log"; then
        grep -E 'left out' "$log" || tail -n 5 "$log"
        fail "$part: it was not done"
    fi
    grep -E "$figure" "$log" | sed "s/^/$part: /" || true
}

# Each of the runs begins with an empty store: what has grown for hundreds of cycles is slow to compare.
part_crash() {
    local run
    for run in $(seq "$(size 20 1)"); do
        GRANTD_CAMPAIGN_SEED=$run cargo_part crash "$(size 100 12)" process \
            kill::what_was_acknowledged_survives_sigkill_and_everything_else_is_atomic '^kill cycles'
    done
    cargo_part crash "$(size 1000 5)" process_store \
        what_was_acknowledged_survives_kill_and_the_rest_is_whole '^kill cycles'
    cargo_part crash "$(size 10000 6)" campaign \
        eio::a_kill_before_any_call_loses_nothing_that_was_acknowledged '^kill (in|moments)'
}

part_power() {
    cargo_part power "$(size 300 20)" campaign power::what_was_acknowledged_survives_a_power_cut '^power cuts: '
}

part_eio() {
    cargo_part eio "$(size 10000 8)" campaign \
        eio::a_call_that_fails_loses_nothing_that_was_acknowledged '^eio (in|scenarios)'
    cargo_part eio 1 campaign \
        stall::on_a_disk_that_hangs_requests_wait_in_bounds_and_then_go_on '^a disk that hangs'
}

part_full() {
    cargo_part full "$(size 12 4)" campaign \
        full::on_a_full_disk_revocation_goes_on_and_service_comes_back '^disk full: [0-9]'
}

part_flip() {
    cargo_part flip "$(size 600 60)" campaign \
        flip::a_flipped_bit_is_healed_or_refused_and_never_answered '^bit flips'
}

part_clock() {
    cargo_part clock "$(size 20 2)" campaign clock::a_clock_that_jumps_revives_nothing_and_stops_nothing '^clock jumps'
}

# The figure is of this machine, which runs the slow clients as well: a release build and nothing beside it, please.
part_slow() {
    local p99
    ulimit -n "$(ulimit -Hn)"
    cargo_part slow 10000 campaign slow::slow_connections_keep_nobody_from_being_served '^slow connections'
    p99=$(sed -nE 's/^slow connections.*p99 ([0-9]+)\.[0-9]+ ms/\1/p' "$logs"/slow-*.log)
    if [ "${p99:-50}" -ge 50 ]; then fail "slow: the slowest of a hundred took 50 ms or more"; fi
    cargo_part slow 1 campaign stall::a_server_that_was_out_of_descriptors_serves_again '^descriptors'
}

part_flood() {
    cargo_part flood "$(size 1000000 100000)" campaign flood::floods_of_frames_end_and_others_are_served '^floods?( of .*)?:'
}

part_overload() {
    local goodput
    cargo_part overload "$(size 20 5)" campaign \
        overload::overloaded_it_answers_as_many_as_it_can_and_every_revocation '^overload:'
    goodput=$(sed -nE 's/^overload:.* goodput ([0-9]+) %$/\1/p' "$logs"/overload-overload--overloaded*.log)
    if [ "${goodput:-0}" -lt 80 ]; then fail "overload: less than 80 % of what it can do"; fi
    cargo_part overload "$(size 25 3)" campaign \
        overload::a_server_without_memory_goes_on_or_ends_and_loses_nothing '^memory:'
}

# -- fuzz: libFuzzer on every parser of bytes from outside, from the corpus in fuzz/corpus.

fuzz_build() {
    # What `cargo fuzz --sanitizer none` sets; any toolchain has it. The code under test has no unsafe blocks.
    local coverage="--cfg fuzzing -Cpasses=sancov-module -Ccodegen-units=16"
    local flag
    for flag in level=4 inline-8bit-counters pc-table trace-compares; do
        coverage+=" -Cllvm-args=-sanitizer-coverage-$flag"
    done
    RUSTFLAGS=$coverage cargo build --release --locked --manifest-path fuzz/Cargo.toml \
        --target "$(rustc -vV | sed -n 's/^host: //p')" --target-dir "$target/fuzz" --bins
}

# fuzz_one BINARY SECONDS: its log is in $logs; what it finds is left in $logs/findings.
fuzz_one() {
    local name=${1##*/} found
    found=$(mktemp -d)
    mkdir -p "$logs/findings"
    "$1" -max_total_time="$2" -timeout=10 -rss_limit_mb=2048 -max_len=16384 -dict=fuzz/dictionary \
        -artifact_prefix="$logs/findings/$name-" -print_final_stats=1 "$found" "fuzz/corpus/$name" \
        >"$logs/fuzz-$name.log" 2>&1 || echo "$name" >>"$logs/fuzz-failed"
    rm -rf "$found"
}

part_fuzz() {
    local seconds total=0 count name binary
    seconds=${FUZZ_SECONDS:-$(size 180 60)}
    if ! fuzz_build >"$logs/fuzz-build.log" 2>&1; then
        tail -n 30 "$logs/fuzz-build.log"
        fail "fuzz: the parsers were not built"
        return
    fi
    rm -f "$logs"/fuzz-failed "$logs"/fuzz-[a-z]*.log
    for name in fuzz/corpus/*/; do
        while [ "$(jobs -pr | wc -l)" -ge "$(nproc)" ]; do wait -n || true; done
        binary=$(find "$target"/fuzz/*/release -maxdepth 1 -name "$(basename "$name")" -type f)
        fuzz_one "$binary" "$seconds" &
    done
    wait
    for name in fuzz/corpus/*/; do
        name=$(basename "$name")
        count=$(sed -n 's/^stat::number_of_executed_units: *//p' "$logs/fuzz-$name.log")
        echo "fuzz $name: ${count:-0} executions in $seconds s"
        total=$((total + ${count:-0}))
    done
    echo "fuzz: $total executions of $(find fuzz/corpus -mindepth 1 -maxdepth 1 | wc -l) parsers"
    while read -r name; do
        tail -n 30 "$logs/fuzz-$name.log"
        fail "fuzz $name: a panic, a hang or too much memory; the input is in $logs/findings"
    done < <(cat "$logs/fuzz-failed" 2>/dev/null)
    if [ -z "$short" ] && [ -z "${FUZZ_SECONDS:-}" ] && [ "$total" -lt 5000000 ]; then
        fail "fuzz: fewer than 5,000,000 executions"
    fi
}

# -- soak

part_soak() {
    cargo_part soak "${SOAK_SECONDS:-$(size 3600 45)}" campaign \
        soak::a_third_of_the_load_for_long_leaves_the_server_as_it_was '^soak:'
    # Of a short run nothing of the kind can be said: neither is the server warm, nor is there much to keep.
    if [ "${SOAK_SECONDS:-$(size 3600 45)}" -lt 600 ]; then return; fi
    if ! sed -nE 's/^soak: .* disk amplification ([0-9.]+)$/\1/p' "$logs"/soak-*.log | awk '!($1 <= 3) { exit 1 }'; then
        fail "soak: the disk holds more than three times what is kept"
    fi
    # A twentieth of it an hour.
    if ! sed -nE 's/^soak: .* to ([0-9]+) KiB, ([-+][0-9]+) KiB an hour$/\1 \2/p' "$logs"/soak-*.log |
        awk '!($2 <= $1 / 20) { exit 1 }'; then
        fail "soak: memory grows"
    fi
}

for part in "${parts[@]}"; do
    "part_$part"
done
echo "${#parts[@]} parts, $failed failed, $SECONDS s"
[ "$failed" -eq 0 ]

#!/usr/bin/env bash
# install.sh below a prefix: what it makes, what it leaves alone, what it refuses. The last line is "N passed, M failed".
#
#   tests/install/run.sh      with the program of target/debug
set -euo pipefail
cd "$(dirname "$0")/../.."

cargo build --locked --quiet --bin grantd
program=$PWD/${CARGO_TARGET_DIR:-target}/debug/grantd
if [ -n "${CARGO_TARGET_DIR:-}" ] && [ "${CARGO_TARGET_DIR#/}" != "$CARGO_TARGET_DIR" ]; then program=$CARGO_TARGET_DIR/debug/grantd; fi
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
prefix=$place/root
config=$prefix/etc/grantd/grantd.toml
state=$prefix/var/lib/grantd
unit=$prefix/etc/systemd/system/grantd.service
passed=0
failed=0

# check NAME COMMAND...
check() {
    local name=$1
    shift
    if "$@" >"$place/output" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $name: $*"
        cat "$place/output"
    fi
}
not() { ! "$@"; }
says() { grep -qF -- "$1" "$2"; }
mode_is() { [ "$(stat -c %a "$2")" = "$1" ]; }
install_it() { ./install.sh --binary "$program" --prefix "$prefix" "$@"; }
# refuses SENTENCE OPTION...: nothing is made, and the reason is given.
refuses() {
    local sentence=$1
    shift
    not ./install.sh --prefix "$place/never" "$@" 2>"$place/errors" && says "$sentence" "$place/errors" && [ ! -e "$place/never" ]
}
# With the secret it was made with, a backup is all of it.
restores() {
    "$program" --data "$place/restored" restore --from "$1" --secret "$state/secret" --nothing-lost &&
        "$program" --data "$place/restored" user list >"$place/users" && says ada@example.com "$place/users"
}
exposure() { systemd-analyze security --offline=true --threshold=20 --no-pager "$unit"; }
grantd() { "$program" --config "$config" --data "$state" "$@"; }

./install.sh --binary "$program" --prefix "$prefix" --dry-run >"$place/dry"
check "a dry run makes nothing" [ ! -e "$prefix" ]
check "a dry run says what would be done" says "would write $unit" "$place/dry"

check "an unknown option is refused" refuses "is no option" --frobnicate
check "an option without its value is refused" refuses "needs a value" --binary
check "a value that would end its line is refused" refuses "the value of --issuer" --issuer 'https://a"
b'
check "a value that sed would read is refused" refuses "the value of --issuer" --issuer 'https://a|b&c'
check "this machine is no prefix" not ./install.sh --prefix / --dry-run
check "a certificate without its key is refused" refuses "belong together" --binary "$program" --certificate /a.pem
check "a user that is none is refused" refuses "no name of a system user" --binary "$program" --user 'root;reboot'
check "what is no program is refused" refuses "is no program" --binary "$place/nothing"

check "it installs" install_it --issuer https://auth.example.com --listen 'https://[::]:443' --profile mokapen \
    --certificate /etc/grantd/tls/chain.pem --key /etc/grantd/tls/key.pem
check "the program runs" "$prefix/usr/local/bin/grantd" version
check "the data is its owner's alone" mode_is 700 "$state"
for line in 'issuer = "https://auth.example.com"' 'listen = ["https://[::]:443"]' 'profile = "mokapen"' \
    'data_dir = "/var/lib/grantd"' '[tls]' 'certificate = "/etc/grantd/tls/chain.pem"' 'key = "/etc/grantd/tls/key.pem"'; do
    check "the configuration says $line" grep -qxF -- "$line" "$config"
done
check "the unit starts what was installed" says \
    'ExecStart=/usr/local/bin/grantd serve --config /etc/grantd/grantd.toml --data /var/lib/grantd' "$unit"
check "the unit is told when it is ready" says 'Type=notify' "$unit"
if command -v systemd-analyze >/dev/null; then
    check "the unit is exposed to 2.0 at most" exposure
else
    echo "systemd-analyze is missing (on Debian and Ubuntu: apt-get install systemd): the unit was not looked at"
    failed=$((failed + 1))
fi

# An upgrade. Its configuration is one that works here.
printf '# mine\nissuer = "http://127.0.0.1:8443"\nlisten = ["http://127.0.0.1:8443"]\n' >"$config"
grantd user add ada@example.com >/dev/null
check "it upgrades" install_it --issuer https://other.example
check "the configuration stays" says '# mine' "$config"
check "the configuration is not added to" not says other.example "$config"
check "the program of before is kept" "$prefix/usr/local/bin/grantd.previous" version
backups=("$state"/backup/grantd-*.backup)
check "everything was backed up first" restores "${backups[0]}"
check "a backup is its owner's alone" mode_is 600 "${backups[0]}"

# One that cannot be backed up is not touched.
printf 'nonsense = true\n' >"$config"
check "without a backup nothing is upgraded" not install_it
printf '# mine\n' >"$config"

check "it uninstalls" ./install.sh --prefix "$prefix" --uninstall
check "the program is gone" [ ! -e "$prefix/usr/local/bin/grantd" ]
check "the unit is gone" [ ! -e "$unit" ]
check "the configuration stays after all" [ -e "$config" ]
check "the data stays after all" [ -e "$state/store" ]

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

#!/bin/sh
# Installs grantd as a systemd service, or upgrades it in place. Run it again for a newer version.
set -eu

usage() {
    cat <<'USAGE'
Usage: ./install.sh [options]

Builds grantd with cargo, or takes a program that is there, and makes it a service of its own user. What exists stays:
configuration and data are never overwritten, and before an upgrade everything is backed up.

  --binary FILE       install this program; without it, cargo builds one from this directory
  --issuer URL        written to a new configuration, as are the next four
  --listen ADDRESS    such as https://[::]:443
  --certificate FILE  PEM, readable by the service's user
  --key FILE          PEM, readable by the service's user
  --profile NAME      default, mokapen, makecrypto or one of your own
  --user NAME         the system user (grantd)
  --prefix DIR        put every file below DIR, make no user and start nothing: for packages and images
  --no-start          make everything, start nothing
  --dry-run           say what would be done, and do nothing
  --uninstall         stop and remove the service and the program; configuration and data stay
  --help              this text
USAGE
}

say() { printf '%s\n' "$*"; }
refuse() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

binary='' issuer='' listen='' certificate='' key='' profile='' user=grantd prefix='' start=yes dry='' uninstall=''
while [ $# -gt 0 ]; do
    option=$1
    case $option in
        --binary | --issuer | --listen | --certificate | --key | --profile | --user | --prefix)
            [ $# -ge 2 ] || refuse "$option needs a value; see --help"
            value=$2
            # They are written into files in which these would mean something else.
            case $value in '' | *[\"\\\|\&\`\$]* | *'
'*) refuse "the value of $option is empty or has one of \" \\ | & \` \$ or a line break in it" ;; esac
            shift
            ;;
    esac
    case $option in
        --binary) binary=$value ;;
        --issuer) issuer=$value ;;
        --listen) listen=$value ;;
        --certificate) certificate=$value ;;
        --key) key=$value ;;
        --profile) profile=$value ;;
        --user) user=$value ;;
        --prefix)
            prefix=${value%/}
            [ -n "$prefix" ] || refuse "--prefix / is this machine: leave the option out"
            ;;
        --no-start) start='' ;;
        --dry-run) dry=yes ;;
        --uninstall) uninstall=yes ;;
        --help | -h)
            usage
            exit 0
            ;;
        *) refuse "$option is no option; see --help" ;;
    esac
    shift
done
case $user in *[!a-z0-9_-]* | [!a-z_]*) refuse "$user is no name of a system user" ;; esac
case $certificate,$key in , | ?*,?*) ;; *) refuse "--certificate and --key belong together" ;; esac
case $prefix in '' | /*) ;; *) prefix=$PWD/$prefix ;; esac
cd "$(dirname "$0")"

program=$prefix/usr/local/bin/grantd
settings=$prefix/etc/grantd
config=$settings/grantd.toml
state=$prefix/var/lib/grantd
unit=$prefix/etc/systemd/system/grantd.service
if [ -n "$prefix" ]; then start=''; fi

# A service of this machine: only root may make one. Below a prefix everything belongs to whoever asks.
if [ -z "$prefix" ] && [ -z "$dry" ] && [ "$(id -u)" != 0 ]; then
    refuse "must be run as root, or with --prefix or --dry-run"
fi
systemd=''
if [ -z "$prefix" ] && [ -d /run/systemd/system ]; then systemd=yes; fi

# perform COMMAND...: does it, or says what it would be.
perform() {
    if [ -n "$dry" ]; then say "would run: $*"; else "$@"; fi
}

# What changes the data is done by its owner.
as_user() {
    if [ -n "$prefix" ]; then "$@"; else runuser -u "$user" -- "$@"; fi
}

if [ -n "$uninstall" ]; then
    if [ -n "$systemd" ] && [ -e "$unit" ]; then perform systemctl disable --now grantd.service; fi
    perform rm -f "$unit" "$program" "$program.previous"
    if [ -n "$systemd" ]; then perform systemctl daemon-reload; fi
    say "Left where they are: $settings, $state and the user $user."
    exit 0
fi

if [ -z "$binary" ]; then
    command -v cargo >/dev/null || refuse "there is no cargo to build with: https://rustup.rs, or --binary FILE"
    perform cargo build --release --locked --bin grantd
    binary=${CARGO_TARGET_DIR:-target}/release/grantd
fi
if [ -z "$dry" ]; then
    [ -x "$binary" ] || refuse "$binary is no program"
    "$binary" version >/dev/null || refuse "$binary does not run on this machine"
fi

if [ -z "$prefix" ] && ! id "$user" >/dev/null 2>&1; then
    perform useradd --system --user-group --home-dir "$state" --no-create-home --shell /usr/sbin/nologin "$user"
fi

# Before anything is replaced: everything as it is, next to the store, read back by the program that wrote it.
if [ -x "$program" ] && [ -d "$state/store" ]; then
    if [ -n "$dry" ]; then
        say "would back up everything to $state/backup"
    else
        as_user mkdir -p -m 0700 "$state/backup"
        backup=$(as_user "$program" --config "$config" --data "$state" --json backup --to "$state/backup") ||
            refuse "no backup could be made: nothing was changed"
        say "Everything was backed up to $(printf '%s' "$backup" | sed -n 's/.*"file":"\([^"]*\)".*/\1/p')"
    fi
fi

perform mkdir -p "${program%/*}" "$settings" "${unit%/*}" "${state%/*}"
if [ -n "$prefix" ]; then
    perform mkdir -p "$state"
    perform chmod 0700 "$state"
else
    perform install -d -m 0700 -o "$user" -g "$user" "$state"
fi
# The new one takes the old one's name at once: there is no moment without a program.
if [ -e "$program" ]; then perform cp -p "$program" "$program.previous"; fi
perform cp "$binary" "$program.new"
perform chmod 0755 "$program.new"
perform mv -f "$program.new" "$program"

new_config=''
if [ ! -e "$config" ]; then
    new_config=yes
    if [ -n "$dry" ]; then
        say "would write $config"
    else
        "$program" config default >"$config.new"
        set_key() {
            if [ -n "$2" ]; then sed "s|^# $1 = .*|$1 = $3|" "$config.new" >"$config.edited" && mv "$config.edited" "$config.new"; fi
        }
        set_key issuer "$issuer" "\"$issuer\""
        set_key listen "$listen" "[\"$listen\"]"
        set_key profile "$profile" "\"$profile\""
        set_key data_dir yes "\"${state#"$prefix"}\""
        if [ -n "$certificate" ]; then
            sed -e 's|^## \[tls\]|[tls]|' -e "s|^## certificate = .*|certificate = \"$certificate\"|" \
                -e "s|^## key = \"/etc/grantd/key.pem\"|key = \"$key\"|" "$config.new" >"$config.edited"
            mv "$config.edited" "$config.new"
        fi
        # It may name files with passwords, but holds none.
        chmod 0644 "$config.new"
        mv "$config.new" "$config"
    fi
fi

if [ -n "$dry" ]; then
    say "would write $unit"
else
    cat >"$unit.new" <<UNIT
[Unit]
Description=grantd: OAuth 2.1 server, developer portal and API gateway
Documentation=file:${settings#"$prefix"}/grantd.toml
After=network-online.target
Wants=network-online.target

[Service]
Type=notify
NotifyAccess=main
User=$user
Group=$user
ExecStart=${program#"$prefix"} serve --config ${config#"$prefix"} --data ${state#"$prefix"}
ExecReload=/bin/kill -HUP \$MAINPID
Restart=on-failure
RestartSec=1s
TimeoutStartSec=10min
TimeoutStopSec=11min
WatchdogSec=60s
LimitNOFILE=65536
LimitCORE=0
UMask=0077

# Ports below 1024, and nothing else that root can do.
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
NoNewPrivileges=yes

# It writes to its data alone.
ProtectSystem=strict
ReadWritePaths=${state#"$prefix"}
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateIPC=yes
DevicePolicy=closed
ProcSubset=pid
ProtectProc=invisible
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
KeyringMode=private
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources

[Install]
WantedBy=multi-user.target
UNIT
    mv "$unit.new" "$unit"
fi

if [ -n "$dry" ]; then exit 0; fi
say "grantd is at $program, its configuration at $config, its data in $state"

# Not below a prefix: what the configuration names is elsewhere there.
if [ -z "$prefix" ] && ! as_user "$program" config check --config "$config" --data "$state" >/dev/null; then
    refuse "the configuration has faults: mend $config, then systemctl enable --now grantd"
fi
if [ -z "$start" ] || [ -z "$systemd" ]; then
    if [ -n "$new_config" ]; then say "Next: look through $config, then systemctl enable --now grantd"; fi
    exit 0
fi
systemctl daemon-reload
systemctl enable --quiet grantd.service
if ! systemctl restart grantd.service; then
    if [ -e "$program.previous" ]; then
        mv -f "$program.previous" "$program"
        systemctl restart grantd.service || true
        refuse "the new version did not start: the one before is back. See journalctl -u grantd"
    fi
    refuse "the service did not start: see journalctl -u grantd"
fi
say "The service runs."
if [ -n "$new_config" ]; then
    as_user "$program" user administrator-link --config "$config" --data "$state"
fi

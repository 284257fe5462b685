#!/usr/bin/env bash
# The pages in Chromium, against the real program over TLS.
#
#   tests/browser/run.sh     needs node 20 with npm, chromium, cargo; GRANTD names a binary already built
#
# Pictures of every page are left in target/browser. The last line is "N passed, M failed": a check that did not run
# counts as failed.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=tests/lib.sh
. ../lib.sh
pictures=$target/browser

expected() {
    local view script step
    for view in phone-light phone-dark desk-light desk-dark; do
        for step in error sign-in 'wrong password' consent approved back account sign-out quiet; do
            echo "$view $step"
        done
    done
    printf '%s\n' 'form_post by script' 'form_post by button' 'window of its own' cookie
    for script in 'with script' 'without script'; do
        for step in sign-in 'nothing chosen' organization approve 'last choice' deny sign-out quiet; do
            echo "keyboard $script $step"
        done
        for step in 'query approve' 'query deny' 'form_post approve' 'form_post deny'; do
            echo "another origin $script $step"
        done
    done
    printf 'portal %s\n' 'a developer registers an app in two steps' \
        'redirect addresses are explained while they are typed en-GB' \
        'redirect addresses are explained while they are typed fr-FR' \
        'the rules of redirect addresses stand there without script too' \
        'a reviewer asks for changes and the developer reads the note' \
        'the developer hands it in again and it is approved' 'its first secret is shown once' \
        'an endpoint is added and a test is seen delivered' 'a delivery and all after it are sent once more' \
        'a person allows the app and it gets a token' 'an admin finds the app and revokes it and its token dies' \
        'other scopes send an active app back into review' 'a personal access token is made and used and revoked' \
        'a stranger asks for access and sees where it stands' quiet
    printf 'people %s\n' 'a developer takes a submission back and hands it in again' 'a private app gets its token' \
        'a stakeholder sees the app and changes nothing' \
        'a plain member sees the organization and none of its apps' 'an access request becomes an app' \
        'an access request becomes a personal access token' quiet
    printf 'crawl %s\n' stranger owner administrator
    printf 'staged %s\n' 'added scopes wait while the app goes on' quiet
    for view in phone-dark desk-light; do
        for step in '' /new '/new?kind=public' /app /app/details /app/logo /app/scopes /app/team /app/history \
            '/app/consent?lang=fr' /app/credentials /app/credentials/keys /app/failures /app/webhooks \
            /app/webhooks/endpoint /app/webhooks/endpoint/edit /app/webhooks/endpoint/rotate \
            /app/webhooks/endpoint/resend \
            /app/webhooks/endpoint/deliveries/delivery; do
            if [ -z "$step" ]; then echo "$view /developer"; else echo "$view /developer/apps$step"; fi
        done
        for step in /org /org/members /org/apps /org/policy /org/audit /org/tokens /org/tokens/new /org/leave ''; do
            echo "$view /organizations$step"
        done
        for step in /account /account/tokens /account/tokens/new /admin /admin/reviews /admin/reviews/app /admin/apps \
            /admin/apps/app /admin/people /admin/health /admin/access-requests /docs /docs/authentication /docs/organizations \
            /docs/scopes /docs/verify /docs/routes /docs/webhooks /docs/errors /docs/api; do
            echo "$view $step"
        done
        echo "$view /admin/native-templates"
        for step in keys docs routes errors organizations; do echo "$view makecrypto $step"; done
    done
    for view in phone-light phone-dark desk-light desk-dark; do
        for step in '' ' started' ' advanced' ' quiet'; do echo "$view /payment/link$step"; done
    done
}

chromium=$(command -v chromium || command -v chromium-browser || true)
if [ -z "$chromium" ]; then give_up "chromium is missing: apt-get install chromium"; fi
(install_node .) || give_up "the pages were not looked at"
build_grantd || give_up "the program does not build"

mkdir -p "$pictures"

# NAME PROFILE SCRIPT…, where NAME is also what the scripts are told.
against() {
    local name=$1 profile=$2 script
    shift 2
    if ! start_demo "$work/$name" "$work/server.log" --profile "$profile"; then
        cat "$work/server.log"
        give_up "grantd demo did not start"
    fi
    for script in "$@"; do
        node "$script.mjs" "$work/$name/facts.json" "$pictures" "$chromium" "$work/$name" "$name" 2>&1 \
            | tee -a "$work/results" || true
    done
    stop
}
against default default pages keyboard portal people
mkdir -p "$work/staged/profiles/default"
printf '[review]\nscope_change = "stage"\n' >"$work/staged/profiles/default/profile.toml"
against staged default people
against makecrypto makecrypto templates checkout crawl

troubles=0
if grep -E 'ERROR|panicked' "$work/server.log"; then troubles=1; fi
count "$work/results" "$troubles"

#!/usr/bin/env bash
# run.sh HOW PROFILE FACTS: PHP trusts what its settings say, so the snippet itself needs no line for it.
set -euo pipefail
cd "$(dirname "$0")"
exec php -d "curl.cainfo=$([ "$1" = tls ] && echo "$CA")" first_request.php "$2" "$3" "$1"

"""What the clients share: the facts, running flows one by one, and what every good answer looks like."""

import json
import sys
import traceback
import warnings
from pathlib import Path

import joserfc.errors
import jwt as pyjwt
import requests
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet

PROFILE, FACTS_FILE = sys.argv[1:3]
FACTS = json.loads(Path(FACTS_FILE).read_text())
ISSUER = FACTS["issuer"]
RESOURCE = FACTS["resource"]
CLIENT_ID = FACTS["private_app"]["client_id"]
CLIENT_SECRET = FACTS["private_app"]["client_secret"]

# None where the profile is none of the built-in ones.
EXPECTED = json.loads((Path(__file__).parent.parent / "profiles.json").read_text()).get(PROFILE)
ALGORITHMS = ["EdDSA", "ES256", "RS256"]
REQUIRED = ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope"]

# RFC 9864 prefers the name Ed25519; joserfc takes the older one when told to, and says so each time.
warnings.filterwarnings("ignore", message="EdDSA is deprecated")
warnings.filterwarnings("ignore", module="authlib.oauth2.rfc9068")

failures = 0


def flow(client, name):
    """Runs one flow and prints its line. A failure is told and does not keep the next flow from running."""

    def run(body):
        global failures
        try:
            body()
            print(f"ok {client} {PROFILE} {name}", flush=True)
        except Exception:
            failures += 1
            print(f"FAILED {client} {PROFILE} {name}: {traceback.format_exc()}", flush=True)

    return run


def finish():
    sys.exit(1 if failures else 0)


def fails_with(kind, call):
    """The error of that kind which the call must raise."""
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__} was raised")


def check(value, expected):
    """An equality that says both sides when it fails, and tells 1 from True and "849" from 849."""
    assert type(value) is type(expected) and value == expected, f"{value!r} is not {expected!r}"


def get_json(url):
    response = requests.get(url, timeout=30)
    response.raise_for_status()
    return response.json()


def check_untrusted():
    """A client that trusts only the public roots must not get through."""
    session = requests.Session()
    session.trust_env = False
    error = fails_with(requests.exceptions.SSLError, lambda: session.get(ISSUER, timeout=30))
    assert "CERTIFICATE_VERIFY_FAILED" in str(error), error


def check_token_response(response, scopes=None):
    """RFC 6749 section 5.1, with the organization under the profile's noun."""
    check(response["token_type"], "Bearer")
    assert response["expires_in"] > 0
    check_organization(response)
    check(response[EXPECTED["name_member"]], FACTS["organization"]["name"])
    assert "refresh_token" not in response
    # oauthlib makes a list of it.
    scope = response["scope"]
    granted = set(scope.split(" ") if isinstance(scope, str) else scope)
    if scopes is None:
        assert granted >= set(EXPECTED["scopes"]), granted
    else:
        check(granted, set(scopes))


def check_organization(body):
    """The same value and JSON type in the response, the claims and introspection."""
    kind = {"number": int, "string": str}[EXPECTED["id_type"]]
    assert type(FACTS["organization"]["id"]) is kind
    check(body[EXPECTED["id_member"]], FACTS["organization"]["id"])


def check_active(body):
    """Introspection (RFC 7662 section 2.2) of a token minted for the profile's scopes."""
    check(body["active"], True)
    check(body["client_id"], CLIENT_ID)
    check(body["iss"], ISSUER)
    check(body["aud"], RESOURCE)
    check(set(body["scope"].split(" ")), set(EXPECTED["scopes"]))
    assert body["exp"] > body["iat"]
    check_organization(body)


def check_inactive(body):
    """Nothing but that it is not active."""
    check(body, {"active": False})


def altered(token):
    """The same token with one character of its signature changed."""
    at = token.rindex(".") + 1
    return token[:at] + ("B" if token[at] == "A" else "A") + token[at + 1 :]


def verify_with_joserfc(token, jwks, audience):
    """Verifies offline, as an API does that holds the JWKS; returns claims and header."""
    keys = KeySet.import_key_set(jwks)
    decoded = joserfc_jwt.decode(token, keys, algorithms=ALGORITHMS)

    def validate(audience):
        essential = {name: {"essential": True} for name in REQUIRED}
        exact = {"iss": {"essential": True, "value": ISSUER}, "aud": {"essential": True, "value": audience}}
        joserfc_jwt.JWTClaimsRegistry(**{**essential, **exact}).validate(decoded.claims)

    validate(audience)
    fails_with(joserfc.errors.InvalidClaimError, lambda: validate(audience + "/elsewhere"))
    fails_with(
        joserfc.errors.BadSignatureError,
        lambda: joserfc_jwt.decode(altered(token), keys, algorithms=ALGORITHMS),
    )
    check(decoded.header["typ"], "at+jwt")
    check(decoded.claims["client_id"], CLIENT_ID)
    return decoded.claims, decoded.header


def verify_with_pyjwt(token, jwks, audience):
    """Verifies offline, as an API does that holds the JWKS; returns claims and header."""
    header = pyjwt.get_unverified_header(token)
    key = pyjwt.PyJWKSet.from_dict(jwks)[header["kid"]]

    def decode(token, audience):
        options = {"require": REQUIRED}
        return pyjwt.decode(token, key, algorithms=[header["alg"]], audience=audience, issuer=ISSUER, options=options)

    claims = decode(token, audience)
    fails_with(pyjwt.InvalidAudienceError, lambda: decode(token, audience + "/elsewhere"))
    fails_with(pyjwt.InvalidSignatureError, lambda: decode(altered(token), audience))
    check(header["typ"], "at+jwt")
    check(claims["client_id"], CLIENT_ID)
    return claims, header

"""joserfc, PyJWT and Authlib's RFC 9068 validator verify tokens of every algorithm, before and after a rotation."""

import os
import subprocess

from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from flows import (
    ALGORITHMS,
    CLIENT_ID,
    CLIENT_SECRET,
    ISSUER,
    check,
    finish,
    flow,
    get_json,
    verify_with_joserfc,
    verify_with_pyjwt,
)

LIBRARIES = {"joserfc": verify_with_joserfc, "PyJWT": verify_with_pyjwt}


def mint(algorithm):
    session = OAuth2Session(CLIENT_ID, CLIENT_SECRET, grant_type="client_credentials")
    return session.fetch_token(f"{ISSUER}/oauth/token", resource=f"{ISSUER}/{algorithm}")["access_token"]


def fetch_jwks():
    return get_json(f"{ISSUER}/oauth/jwks.json")


def rotate():
    command = [os.environ["GRANTD"], "key", "rotate", "--data", os.environ["DATA"]]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class Validator(JWTBearerTokenValidator):
    def get_jwks(self):
        return fetch_jwks()


for library, verify in LIBRARIES.items():
    for algorithm in ALGORITHMS:

        @flow(library, algorithm)
        def _():
            _, header = verify(mint(algorithm), fetch_jwks(), f"{ISSUER}/{algorithm}")
            check(header["alg"], algorithm)

    @flow(library, "rotation")
    def _():
        before = fetch_jwks()
        old = {algorithm: mint(algorithm) for algorithm in ALGORITHMS}
        rotate()
        after = fetch_jwks()
        for algorithm in ALGORITHMS:
            audience = f"{ISSUER}/{algorithm}"
            _, first = verify(old[algorithm], after, audience)
            fresh = mint(algorithm)
            _, second = verify(fresh, after, audience)
            assert first["kid"] != second["kid"]
            # The next key is published ahead: who cached the JWKS before the rotation verifies the new token.
            verify(fresh, before, audience)


# Not EdDSA: joserfc has it off until it is asked for (RFC 9864 renames it Ed25519), and this class cannot ask.
for algorithm in ["ES256", "RS256"]:

    @flow("Authlib", algorithm)
    def _():
        validator = Validator(ISSUER, f"{ISSUER}/{algorithm}")
        token = validator.authenticate_token(mint(algorithm))
        validator.validate_token(token, None, None)


finish()

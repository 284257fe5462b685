"""The authorization code flow of Authlib and requests-oauthlib: a person consents, tokens are rotated and revoked."""

import os
from urllib.parse import parse_qs, urlsplit

from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from browser import decide
from flows import EXPECTED, FACTS, ISSUER, check, check_organization, fails_with, finish, flow, get_json
from oauthlib.oauth2 import InvalidGrantError, OAuth2Error
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session as RequestsSession

SCOPES = EXPECTED["scopes"]
METADATA = get_json(f"{ISSUER}/.well-known/oauth-authorization-server")
APP = FACTS["public_app"]
SPA = FACTS["spa_app"]
REDIRECT_URI = "http://127.0.0.1:49152/callback"
# oauthlib insists on https for its own callback, loopback or not.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"


def check_delegated(response):
    check(response["token_type"], "Bearer")
    assert response["expires_in"] > 0
    assert len(response["refresh_token"]) > 40
    check_organization(response)
    scope = response["scope"]
    check(set(scope.split(" ") if isinstance(scope, str) else scope), set(SCOPES))


def back_with(address, state, decision="approve"):
    """Where the person is sent back to; `iss` and `state` are judged here since these libraries do not."""
    back = decide(address, decision)
    parameters = parse_qs(urlsplit(back).query)
    check(parameters["iss"], [ISSUER])
    check(parameters["state"], [state])
    return back


def authlib(app, method):
    return AuthlibSession(
        app["client_id"],
        app.get("client_secret"),
        scope=" ".join(SCOPES),
        redirect_uri=REDIRECT_URI,
        code_challenge_method="S256",
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        token_endpoint=METADATA["token_endpoint"],
    )


VERIFIER = "a-verifier-of-forty-three-characters-or-more-0123456789"

for name, app, method in [("code", APP, "client_secret_basic"), ("public-code", SPA, "none")]:

    @flow("Authlib", name)
    def _():
        with authlib(app, method) as client:
            to, state = client.create_authorization_url(METADATA["authorization_endpoint"], code_verifier=VERIFIER)
            back = back_with(to, state)
            first = client.fetch_token(authorization_response=back, code_verifier=VERIFIER)
            check_delegated(first)
            second = client.refresh_token(METADATA["token_endpoint"], first["refresh_token"])
            check_delegated(second)
            assert second["refresh_token"] != first["refresh_token"]
            answer = client.revoke_token(METADATA["revocation_endpoint"], second["refresh_token"], "refresh_token")
            check(answer.status_code, 200)
            refresh = lambda: client.refresh_token(METADATA["token_endpoint"], second["refresh_token"])
            check(fails_with(OAuthError, refresh).error, "invalid_grant")


def requests_session(app):
    return RequestsSession(app["client_id"], redirect_uri=REDIRECT_URI, scope=SCOPES, pkce="S256")


@flow("requests-oauthlib", "code")
def _():
    client = requests_session(APP)
    to, state = client.authorization_url(METADATA["authorization_endpoint"])
    back = back_with(to, state)
    auth = HTTPBasicAuth(APP["client_id"], APP["client_secret"])
    first = client.fetch_token(METADATA["token_endpoint"], authorization_response=back, auth=auth)
    check_delegated(first)
    second = client.refresh_token(METADATA["token_endpoint"], first["refresh_token"], auth=auth)
    check_delegated(second)
    assert second["refresh_token"] != first["refresh_token"]
    url, headers, body = client._client.prepare_token_revocation_request(
        METADATA["revocation_endpoint"], second["refresh_token"], "refresh_token"
    )
    check(client.post(url, data=body, headers=headers, auth=auth, withhold_token=True).status_code, 200)
    refresh = lambda: client.refresh_token(METADATA["token_endpoint"], second["refresh_token"], auth=auth)
    fails_with(InvalidGrantError, refresh)


@flow("requests-oauthlib", "denied")
def _():
    client = requests_session(APP)
    to, state = client.authorization_url(METADATA["authorization_endpoint"])
    back = back_with(to, state, "deny")
    fetch = lambda: client.fetch_token(METADATA["token_endpoint"], authorization_response=back)
    check(fails_with(OAuth2Error, fetch).error, "access_denied")


finish()

"""requests-oauthlib, with oauthlib's backend application client."""

from flows import (
    CLIENT_ID,
    CLIENT_SECRET,
    EXPECTED,
    FACTS,
    ISSUER,
    RESOURCE,
    check,
    check_active,
    check_inactive,
    check_organization,
    check_token_response,
    check_untrusted,
    fails_with,
    finish,
    flow,
    get_json,
    verify_with_pyjwt,
)
from oauthlib.oauth2 import BackendApplicationClient, InvalidClientError, InvalidScopeError, OAuth2Error
from oauthlib.oauth2.rfc6749.errors import CustomOAuth2Error
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

CLIENT = "requests-oauthlib"
SCOPES = EXPECTED["scopes"]
# It has no discovery of its own.
METADATA = get_json(f"{ISSUER}/.well-known/oauth-authorization-server")


def session():
    return OAuth2Session(client=BackendApplicationClient(client_id=CLIENT_ID))


def mint(session, post=False, secret=CLIENT_SECRET, **parameters):
    # Its own words: `include_client_id` puts both into the body, `client_secret` alone into a Basic header.
    url = METADATA["token_endpoint"]
    return session.fetch_token(url, client_secret=secret, include_client_id=post, **parameters)


def introspect(session, token):
    """As its documentation has it for endpoints it knows nothing of: a request of the session without its token."""
    auth = HTTPBasicAuth(CLIENT_ID, CLIENT_SECRET)
    form = {"token": token, "token_type_hint": "access_token"}
    response = session.post(METADATA["introspection_endpoint"], data=form, auth=auth, withhold_token=True)
    check(response.status_code, 200)
    return response.json()


def revoke(session, token):
    url, headers, body = session._client.prepare_token_revocation_request(METADATA["revocation_endpoint"], token)
    auth = HTTPBasicAuth(CLIENT_ID, CLIENT_SECRET)
    return session.post(url, data=body, headers=headers, auth=auth, withhold_token=True)


@flow(CLIENT, "untrusted")
def _():
    check_untrusted()


@flow(CLIENT, "discover")
def _():
    check(METADATA["issuer"], ISSUER)
    check(METADATA["token_endpoint"], f"{ISSUER}/oauth/token")
    assert set(SCOPES) <= set(METADATA["scopes_supported"])


@flow(CLIENT, "basic")
def _():
    check_token_response(mint(session()))


@flow(CLIENT, "post")
def _():
    check_token_response(mint(session(), post=True))


@flow(CLIENT, "scope")
def _():
    check_token_response(mint(session(), scope=SCOPES[:1]), SCOPES[:1])


@flow(CLIENT, "resource")
def _():
    check_token_response(mint(session(), post=True, resource=RESOURCE, scope=SCOPES), SCOPES)


@flow(CLIENT, "organization")
def _():
    parameters = {EXPECTED["id_member"]: str(FACTS["organization"]["id"])}
    check_token_response(mint(session(), **parameters))


@flow(CLIENT, "foreign-organization")
def _():
    # Several of its classes share this code, and it takes the first by name.
    error = fails_with(OAuth2Error, lambda: mint(session(), **{EXPECTED["id_member"]: "1"}))
    check((error.error, error.status_code), ("invalid_request", 400))


@flow(CLIENT, "verify")
def _():
    token = mint(session(), scope=SCOPES)["access_token"]
    claims, _ = verify_with_pyjwt(token, get_json(METADATA["jwks_uri"]), RESOURCE)
    check(claims["scope"], " ".join(SCOPES))
    check_organization(claims)


@flow(CLIENT, "introspect")
def _():
    with session() as client:
        check_active(introspect(client, mint(client, scope=SCOPES)["access_token"]))
        check_inactive(introspect(client, "no.such.token"))


@flow(CLIENT, "revoke")
def _():
    with session() as client:
        token = mint(client, post=True, scope=SCOPES)["access_token"]
        check_active(introspect(client, token))
        for _ in range(2):
            answer = revoke(client, token)
            check((answer.status_code, answer.content), (200, b"{}"))
        check_inactive(introspect(client, token))


@flow(CLIENT, "wrong-secret")
def _():
    for post in (False, True):
        error = fails_with(InvalidClientError, lambda: mint(session(), post, CLIENT_SECRET + "x"))
        check(error.error, "invalid_client")


@flow(CLIENT, "unknown-scope")
def _():
    fails_with(InvalidScopeError, lambda: mint(session(), scope=["no.such.scope"]))


@flow(CLIENT, "unknown-resource")
def _():
    # RFC 8707's code is newer than its table of errors.
    error = fails_with(CustomOAuth2Error, lambda: mint(session(), resource=RESOURCE + "/elsewhere"))
    check(error.error, "invalid_target")


finish()

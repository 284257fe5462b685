"""Authlib: OAuth2Session of its requests integration, and its RFC 8414 and RFC 9068 classes."""

from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url
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
    verify_with_joserfc,
)

CLIENT = "Authlib"
SCOPE = " ".join(EXPECTED["scopes"])
METADATA = AuthorizationServerMetadata(get_json(get_well_known_url(ISSUER, external=True)))


def session(method="client_secret_basic", secret=CLIENT_SECRET, **more):
    return OAuth2Session(
        CLIENT_ID,
        secret,
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        grant_type="client_credentials",
        token_endpoint=METADATA["token_endpoint"],
        **more,
    )


def mint(session, **parameters):
    return session.fetch_token(**parameters)


def introspect(session, token):
    response = session.introspect_token(METADATA["introspection_endpoint"], token, "access_token")
    check(response.status_code, 200)
    return response.json()


@flow(CLIENT, "untrusted")
def _():
    check_untrusted()


@flow(CLIENT, "discover")
def _():
    AuthorizationServerMetadata(METADATA).validate()
    check(METADATA["issuer"], ISSUER)
    assert "client_credentials" in METADATA["grant_types_supported"]


@flow(CLIENT, "basic")
def _():
    check_token_response(mint(session()))


@flow(CLIENT, "post")
def _():
    check_token_response(mint(session("client_secret_post")))


@flow(CLIENT, "scope")
def _():
    one = EXPECTED["scopes"][0]
    check_token_response(mint(session(scope=one)), [one])


@flow(CLIENT, "resource")
def _():
    check_token_response(mint(session("client_secret_post"), resource=RESOURCE, scope=SCOPE), EXPECTED["scopes"])


@flow(CLIENT, "organization")
def _():
    check_token_response(mint(session(), **{EXPECTED["id_member"]: FACTS["organization"]["id"]}))


@flow(CLIENT, "foreign-organization")
def _():
    error = fails_with(OAuthError, lambda: mint(session(), **{EXPECTED["id_member"]: "1"}))
    check(error.error, "invalid_request")


@flow(CLIENT, "verify")
def _():
    token = mint(session(), scope=SCOPE)["access_token"]
    claims, _ = verify_with_joserfc(token, get_json(METADATA["jwks_uri"]), RESOURCE)
    check(claims["scope"], SCOPE)
    check_organization(claims)


@flow(CLIENT, "introspect")
def _():
    with session() as client:
        check_active(introspect(client, mint(client, scope=SCOPE)["access_token"]))
        check_inactive(introspect(client, "no.such.token"))


@flow(CLIENT, "revoke")
def _():
    with session("client_secret_post") as client:
        token = mint(client, scope=SCOPE)["access_token"]
        check_active(introspect(client, token))
        for _ in range(2):
            answer = client.revoke_token(METADATA["revocation_endpoint"], token, "access_token")
            check((answer.status_code, answer.content), (200, b"{}"))
        check_inactive(introspect(client, token))


@flow(CLIENT, "wrong-secret")
def _():
    for method in ("client_secret_basic", "client_secret_post"):
        error = fails_with(OAuthError, lambda: mint(session(method, CLIENT_SECRET + "x")))
        check(error.error, "invalid_client")


@flow(CLIENT, "unknown-scope")
def _():
    check(fails_with(OAuthError, lambda: mint(session(), scope="no.such.scope")).error, "invalid_scope")


@flow(CLIENT, "unknown-resource")
def _():
    error = fails_with(OAuthError, lambda: mint(session(), resource=RESOURCE + "/elsewhere"))
    check(error.error, "invalid_target")


finish()

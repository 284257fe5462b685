import os

import requests


def introspect(token, scopes):
    """What the token may do now, or None. Asked at each request, so that a revocation counts at once."""
    response = requests.post(
        "{issuer}/oauth/introspect",
        data={"token": token},
        auth=(os.environ["API_ID"], os.environ["API_SECRET"]),
        timeout=5,
    )
    response.raise_for_status()
    answer = response.json()
    if not answer["active"] or answer.get("aud", "{audience}") != "{audience}":
        return None
    if not set(scopes) <= set(answer["scope"].split()):
        return None
    return None if "cnf" in answer else answer  # bound to a key: judge its proof too, as below

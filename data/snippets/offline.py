import base64
import hashlib
import json
import time
from urllib.parse import urlsplit

import jwt  # PyJWT

keys = jwt.PyJWKClient("{jwks_uri}", lifespan=300)  # cached; asked again for a key that is not in it
used = {}  # proofs of the last minutes; several processes must share them


def authenticate(method, url, authorization, proof, scopes):
    """What a good token says. Raises otherwise. The URL is the one that the client called."""
    scheme, _, token = authorization.partition(" ")
    decoded = jwt.decode_complete(
        token,
        keys.get_signing_key_from_jwt(token),
        algorithms=["{algorithm}"],
        issuer="{issuer}",
        audience="{audience}",
        options={"require": ["exp", "iat", "sub", "client_id", "jti", "scope"]},
    )
    claims = decoded["payload"]
    if decoded["header"].get("typ") != "at+jwt":
        raise PermissionError("this is no access token")
    if "cnf" in claims or scheme.lower() != "bearer":
        judge(proof, method, url, token, claims.get("cnf", {}).get("jkt"))
    if not set(scopes) <= set(claims["scope"].split()):
        raise PermissionError("insufficient_scope")
    return claims


def judge(proof, method, url, token, jkt):
    """DPoP (RFC 9449): the client shows that it holds the key that the token is bound to."""
    header = jwt.get_unverified_header(proof)
    jwk = header["jwk"]
    if header.get("typ") != "dpop+jwt" or "d" in jwk or jwk["kty"] == "oct":
        raise PermissionError("invalid_dpop_proof")
    algorithms = ["ES256", "EdDSA", "RS256", "PS256"]
    claims = jwt.decode(proof, jwt.PyJWK(jwk, header["alg"]), algorithms=algorithms, options={"require": ["iat", "jti"]})
    members = {"EC": ["crv", "kty", "x", "y"], "OKP": ["crv", "kty", "x"], "RSA": ["e", "kty", "n"]}[jwk["kty"]]
    canonical = json.dumps({member: jwk[member] for member in members}, separators=(",", ":"))
    now = time.time()
    good = (
        claims.get("htm") == method
        and bare(claims.get("htu", "")) == bare(url)
        and claims.get("ath") == digest(token)
        and digest(canonical) == jkt
        and now - 300 <= claims["iat"] <= now + 5
    )
    for jti in [jti for jti, until in used.items() if until < now]:
        del used[jti]
    if not good or claims["jti"] in used:
        raise PermissionError("invalid_dpop_proof")
    used[claims["jti"]] = now + 310


def bare(url):
    parts = urlsplit(url)
    return parts.scheme, parts.netloc, parts.path


def digest(text):
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")

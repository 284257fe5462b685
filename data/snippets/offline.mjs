import { createHash } from "node:crypto";
import { calculateJwkThumbprint, createRemoteJWKSet, EmbeddedJWK, jwtVerify } from "jose";

const keys = createRemoteJWKSet(new URL("{jwks_uri}")); // cached; asked again for a key that is not in it
const used = new Map(); // proofs of the last minutes; several processes must share them

// What a good token says. Throws otherwise. The URL is the one that the client called.
export async function authenticate(method, url, authorization, proof, scopes) {
  const [scheme, token] = authorization.split(" ");
  const { payload } = await jwtVerify(token, keys, {
    issuer: "{issuer}",
    audience: "{audience}",
    typ: "at+jwt",
    algorithms: ["{algorithm}"],
    requiredClaims: ["exp", "sub", "client_id", "jti", "scope"],
  });
  if (payload.cnf || scheme.toLowerCase() !== "bearer") await judge(proof, method, url, token, payload.cnf?.jkt);
  const granted = payload.scope.split(" ");
  if (!scopes.every((scope) => granted.includes(scope))) throw new Error("insufficient_scope");
  return payload;
}

// DPoP (RFC 9449): the client shows that it holds the key that the token is bound to.
async function judge(proof, method, url, token, jkt) {
  const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
    typ: "dpop+jwt",
    algorithms: ["ES256", "EdDSA", "Ed25519", "RS256", "PS256"],
    maxTokenAge: 300,
    clockTolerance: 5,
    requiredClaims: ["jti"],
  });
  const bare = (address) => new URL(address).href.split(/[?#]/)[0];
  const ath = createHash("sha256").update(token).digest("base64url");
  if (
    payload.htm !== method ||
    bare(payload.htu) !== bare(url) ||
    payload.ath !== ath ||
    (await calculateJwkThumbprint(protectedHeader.jwk)) !== jkt
  ) {
    throw new Error("invalid_dpop_proof");
  }
  const now = Date.now();
  for (const [jti, until] of used) if (until < now) used.delete(jti);
  if (used.has(payload.jti)) throw new Error("this proof was used before");
  used.set(payload.jti, now + 310_000);
}

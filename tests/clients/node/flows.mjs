// What the clients share: reading the facts, running flows one by one, and what every good answer looks like.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { get } from "node:https";
import { rootCertificates } from "node:tls";
import { createLocalJWKSet, errors, jwtVerify } from "jose";

const [profile, factsFile] = process.argv.slice(2);

export const facts = JSON.parse(readFileSync(factsFile, "utf8"));
export const { client_id: clientId, client_secret: clientSecret } = facts.private_app;

// Undefined where the profile is none of the built-in ones.
export const expected = JSON.parse(readFileSync(new URL("../profiles.json", import.meta.url), "utf8"))[profile];

/** Runs one flow and prints its line. A failure is told and does not keep the next flow from running. */
export async function flow(client, name, run) {
  try {
    await run();
    console.log(`ok ${client} ${profile} ${name}`);
  } catch (error) {
    process.exitCode = 1;
    console.log(`FAILED ${client} ${profile} ${name}: ${error.stack ?? error}`);
    if (error.cause) console.log("   cause:", error.cause);
  }
}

/** A token response (RFC 6749 section 5.1) with the organization under the profile's noun. */
export function checkTokenResponse(response, scopes) {
  assert.equal(response.token_type.toLowerCase(), "bearer");
  assert.ok(Number.isInteger(response.expires_in) && response.expires_in > 0);
  checkOrganization(response);
  assert.equal(response[expected.name_member], facts.organization.name);
  assert.equal(response.refresh_token, undefined);
  const granted = response.scope.split(" ");
  if (scopes) assert.deepEqual(granted.toSorted(), scopes.toSorted());
  else assert.ok(expected.scopes.every((scope) => granted.includes(scope)));
}

/** The same value and JSON type in the response, the claims and introspection. */
export function checkOrganization(body) {
  assert.equal(typeof facts.organization.id, expected.id_type);
  assert.strictEqual(body[expected.id_member], facts.organization.id);
}

/** Introspection (RFC 7662 section 2.2) of a token minted for the profile's scopes. */
export function checkActive(body) {
  assert.equal(body.active, true);
  assert.equal(body.client_id, clientId);
  assert.equal(body.iss, facts.issuer);
  assert.equal(body.aud, facts.resource);
  assert.deepEqual(body.scope.split(" ").toSorted(), expected.scopes.toSorted());
  assert.ok(body.exp > body.iat);
  checkOrganization(body);
}

/** Nothing but that it is not active. */
export function checkInactive(body) {
  assert.deepEqual({ ...body }, { active: false });
}

/** Verifies offline, as an API does that holds the JWKS; returns claims and header. */
export async function joseVerify(token, jwks, audience) {
  const options = {
    issuer: facts.issuer,
    audience,
    typ: "at+jwt",
    requiredClaims: ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope"],
  };
  const keys = createLocalJWKSet(jwks);
  const { payload, protectedHeader } = await jwtVerify(token, keys, options);
  assert.equal(payload.client_id, clientId);
  const elsewhere = jwtVerify(token, keys, { ...options, audience: `${audience}/elsewhere` });
  await assert.rejects(elsewhere, errors.JWTClaimValidationFailed);
  await assert.rejects(jwtVerify(altered(token), keys, options), errors.JWSSignatureVerificationFailed);
  return { payload, protectedHeader };
}

/** The same token with one character of its signature changed. */
function altered(token) {
  const at = token.lastIndexOf(".") + 1;
  return token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
}

/** A client that trusts only the public roots must not get through. */
export function checkUntrusted() {
  return new Promise((resolve, reject) => {
    const request = get(facts.issuer, { ca: rootCertificates }, () => reject(new Error("it was trusted")));
    request.on("error", (error) => {
      if (error.code === "UNABLE_TO_VERIFY_LEAF_SIGNATURE") resolve();
      else reject(error);
    });
  });
}

/**
 * A 401 of the token endpoint. It carries a challenge (RFC 6749 section 5.2), and these libraries report the challenge
 * rather than the body, which they leave unread in `error.response`.
 */
export async function checkInvalidClient(error, challengeError) {
  assert.ok(error instanceof challengeError, `${error}`);
  assert.equal(error.status, 401);
  assert.deepEqual(error.cause, [{ scheme: "basic", parameters: { realm: facts.issuer } }]);
  const body = await error.response.json();
  assert.equal(body.error, "invalid_client");
}

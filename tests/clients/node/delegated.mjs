// The authorization code flow of every client: a person consents, tokens are rotated and revoked.

import assert from "node:assert/strict";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { AuthorizationCode } from "simple-oauth2";
import { decide } from "./browser.mjs";
import * as flows from "./flows.mjs";
import { expected, facts, flow } from "./flows.mjs";

const scope = expected.scopes.join(" ");
const confidential = facts.public_app;
const redirectUri = "http://127.0.0.1:49152/callback";
const issuer = new URL(facts.issuer);

/** A token response with a refresh token, for a token bound to a key or not. */
function check(response, type = "bearer") {
  assert.equal(response.token_type.toLowerCase(), type);
  assert.ok(response.refresh_token.length > 40);
  flows.checkOrganization(response);
  assert.equal(response[expected.name_member], facts.organization.name);
  assert.deepEqual(response.scope.split(" ").toSorted(), expected.scopes.toSorted());
}

async function high(clientId, authentication) {
  return openid.discovery(issuer, clientId, undefined, authentication, { algorithm: "oauth2" });
}

/** With PAR and DPoP: openid-client checks `iss`, `state` and every answer by itself. */
async function bound(clientId, authentication) {
  const config = await high(clientId, authentication);
  const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair("ES256"));
  const pkceCodeVerifier = openid.randomPKCECodeVerifier();
  const expectedState = openid.randomState();
  const parameters = {
    redirect_uri: redirectUri,
    scope,
    resource: facts.resource,
    code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    state: expectedState,
  };
  const address = await openid.buildAuthorizationUrlWithPAR(config, parameters, { DPoP });
  assert.deepEqual([...address.searchParams.keys()].toSorted(), ["client_id", "request_uri"]);
  const back = await decide(address);
  const checks = { pkceCodeVerifier, expectedState };
  const first = await openid.authorizationCodeGrant(config, back, checks, undefined, { DPoP });
  check(first, "dpop");
  return { config, DPoP, first };
}

await flow("openid-client", "par-dpop", async () => {
  const { config, DPoP, first } = await bound(confidential.client_id, openid.ClientSecretBasic(confidential.client_secret));
  const second = await openid.refreshTokenGrant(config, first.refresh_token, undefined, { DPoP });
  check(second, "dpop");
  assert.notEqual(second.refresh_token, first.refresh_token);
  const seen = await openid.tokenIntrospection(config, second.access_token);
  assert.equal(seen.active, true);
  assert.equal(seen.token_type, "DPoP");
  assert.ok(seen.cnf.jkt);
  await openid.tokenRevocation(config, second.refresh_token);
  flows.checkInactive(await openid.tokenIntrospection(config, second.access_token));
});

await flow("openid-client", "public-par-dpop", async () => {
  const { config, DPoP, first } = await bound(facts.spa_app.client_id, openid.None());
  const second = await openid.refreshTokenGrant(config, first.refresh_token, undefined, { DPoP });
  check(second, "dpop");
  const other = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair("ES256"));
  const stolen = openid.refreshTokenGrant(config, second.refresh_token, undefined, { DPoP: other });
  await assert.rejects(stolen, { status: 400 });
  check(await openid.refreshTokenGrant(config, second.refresh_token, undefined, { DPoP }), "dpop");
});

async function low() {
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: "oauth2" }));
}

async function address(server, clientId, verifier, state) {
  const url = new URL(server.authorization_endpoint);
  const parameters = {
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: "code",
    scope,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url;
}

async function exchange(server, client, authentication) {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const back = await decide(await address(server, client.client_id, verifier, state));
  const answer = oauth.validateAuthResponse(server, client, back, state);
  const request = () =>
    oauth.authorizationCodeGrantRequest(server, client, authentication, answer, redirectUri, verifier);
  const first = await oauth.processAuthorizationCodeResponse(server, client, await request());
  check(first);
  return { first, request };
}

for (const [name, app, authentication] of [
  ["code", confidential, oauth.ClientSecretPost(confidential.client_secret)],
  ["public-code", facts.spa_app, oauth.None()],
]) {
  await flow("oauth4webapi", name, async () => {
    const server = await low();
    const client = { client_id: app.client_id };
    const { first, request } = await exchange(server, client, authentication);
    const refreshing = await oauth.refreshTokenGrantRequest(server, client, authentication, first.refresh_token);
    const second = await oauth.processRefreshTokenResponse(server, client, refreshing);
    check(second);
    // The code once more: what it made is dead.
    const again = oauth.processAuthorizationCodeResponse(server, client, await request());
    await assert.rejects(again, { error: "invalid_grant", status: 400 });
    const dead = await oauth.refreshTokenGrantRequest(server, client, authentication, second.refresh_token);
    await assert.rejects(oauth.processRefreshTokenResponse(server, client, dead), { error: "invalid_grant" });
  });
}

await flow("oauth4webapi", "denied", async () => {
  const server = await low();
  const client = { client_id: confidential.client_id };
  const state = oauth.generateRandomState();
  const back = await decide(
    await address(server, client.client_id, oauth.generateRandomCodeVerifier(), state),
    "deny",
  );
  assert.throws(() => oauth.validateAuthResponse(server, client, back, state), { error: "access_denied" });
  assert.equal(back.searchParams.get("iss"), facts.issuer);
});

// simple-oauth2 sends no code_challenge of its own; the extra parameters carry one.
await flow("simple-oauth2", "code", async () => {
  const client = new AuthorizationCode({
    client: { id: confidential.client_id, secret: confidential.client_secret },
    auth: {
      tokenHost: facts.issuer,
      tokenPath: "/oauth/token",
      authorizePath: "/oauth/authorize",
      revokePath: "/oauth/revoke",
    },
  });
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const to = client.authorizeURL({
    redirect_uri: redirectUri,
    scope: expected.scopes,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  });
  const back = await decide(to);
  assert.equal(back.searchParams.get("state"), state);
  const code = back.searchParams.get("code");
  const first = await client.getToken({ code, redirect_uri: redirectUri, code_verifier: verifier });
  check(first.token);
  const second = await first.refresh();
  check(second.token);
  assert.notEqual(second.token.refresh_token, first.token.refresh_token);
  await second.revokeAll();
  await assert.rejects(second.refresh(), (error) => error.data.payload.error === "invalid_grant");
});

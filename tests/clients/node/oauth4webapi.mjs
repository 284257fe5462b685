// oauth4webapi: the strict low-level client. Every answer of the server goes through its validation.

import assert from "node:assert/strict";
import * as oauth from "oauth4webapi";
import * as flows from "./flows.mjs";
import { clientId, clientSecret, expected, facts, flow } from "./flows.mjs";

const CLIENT = "oauth4webapi";
const scope = expected.scopes.join(" ");
const client = { client_id: clientId };
const basic = oauth.ClientSecretBasic(clientSecret);
const post = oauth.ClientSecretPost(clientSecret);

async function discover() {
  const issuer = new URL(facts.issuer);
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: "oauth2" }));
}

async function mint(server, authentication, parameters = {}) {
  const response = await oauth.clientCredentialsGrantRequest(server, client, authentication, parameters);
  return oauth.processClientCredentialsResponse(server, client, response);
}

async function introspect(server, authentication, token) {
  const response = await oauth.introspectionRequest(server, client, authentication, token);
  return oauth.processIntrospectionResponse(server, client, response);
}

await flow(CLIENT, "untrusted", flows.checkUntrusted);

await flow(CLIENT, "discover", async () => {
  const server = await discover();
  assert.equal(server.introspection_endpoint, `${facts.issuer}/oauth/introspect`);
  assert.equal(server.revocation_endpoint, `${facts.issuer}/oauth/revoke`);
  assert.ok(expected.scopes.every((scope) => server.scopes_supported.includes(scope)));
});

await flow(CLIENT, "resource-metadata", async () => {
  const resource = new URL(facts.resource);
  const response = await oauth.resourceDiscoveryRequest(resource);
  const metadata = await oauth.processResourceDiscoveryResponse(resource, response);
  assert.equal(metadata.resource, facts.resource);
  assert.deepEqual(metadata.authorization_servers, [facts.issuer]);
  const server = await discover();
  assert.ok(server.protected_resources.includes(metadata.resource));
});

await flow(CLIENT, "basic", async () => {
  flows.checkTokenResponse(await mint(await discover(), basic));
});

await flow(CLIENT, "post", async () => {
  flows.checkTokenResponse(await mint(await discover(), post));
});

await flow(CLIENT, "scope", async () => {
  const [one] = expected.scopes;
  flows.checkTokenResponse(await mint(await discover(), basic, { scope: one }), [one]);
});

await flow(CLIENT, "resource", async () => {
  const { resource } = facts;
  flows.checkTokenResponse(await mint(await discover(), post, { resource, scope }), expected.scopes);
});

await flow(CLIENT, "organization", async () => {
  const parameters = { [expected.id_member]: `${facts.organization.id}` };
  flows.checkTokenResponse(await mint(await discover(), basic, parameters));
});

await flow(CLIENT, "foreign-organization", async () => {
  const minting = mint(await discover(), basic, { [expected.id_member]: "1" });
  await assert.rejects(minting, { error: "invalid_request", status: 400 });
});

// Its own RFC 9068 validation, as an API would call it for a request.
await flow(CLIENT, "verify", async () => {
  const server = await discover();
  const { access_token: token } = await mint(server, basic, { scope });
  const request = new Request(facts.resource, { headers: { authorization: `Bearer ${token}` } });
  const claims = await oauth.validateJwtAccessToken(server, request, facts.resource);
  flows.checkOrganization(claims);
  assert.equal(claims.scope, scope);
  await assert.rejects(oauth.validateJwtAccessToken(server, request, `${facts.resource}/elsewhere`), /aud/);
});

await flow(CLIENT, "introspect", async () => {
  const server = await discover();
  const { access_token: token } = await mint(server, basic, { scope });
  flows.checkActive(await introspect(server, post, token));
  flows.checkInactive(await introspect(server, basic, "no.such.token"));
});

await flow(CLIENT, "revoke", async () => {
  const server = await discover();
  const { access_token: token } = await mint(server, post, { scope });
  flows.checkActive(await introspect(server, basic, token));
  for (const again of [false, true]) {
    const response = await oauth.revocationRequest(server, client, basic, token);
    assert.equal(await oauth.processRevocationResponse(response), undefined, `again: ${again}`);
  }
  flows.checkInactive(await introspect(server, basic, token));
});

await flow(CLIENT, "wrong-secret", async () => {
  const server = await discover();
  for (const method of [oauth.ClientSecretBasic, oauth.ClientSecretPost]) {
    const error = await mint(server, method(`${clientSecret}x`)).catch((error) => error);
    await flows.checkInvalidClient(error, oauth.WWWAuthenticateChallengeError);
  }
});

await flow(CLIENT, "unknown-scope", async () => {
  const minting = mint(await discover(), basic, { scope: "no.such.scope" });
  await assert.rejects(minting, { error: "invalid_scope", status: 400 });
});

await flow(CLIENT, "unknown-resource", async () => {
  const minting = mint(await discover(), basic, { resource: `${facts.resource}/elsewhere` });
  await assert.rejects(minting, { error: "invalid_target", status: 400 });
});

// openid-client: the high-level client.

import assert from "node:assert/strict";
import * as openid from "openid-client";
import * as flows from "./flows.mjs";
import { clientId, clientSecret, expected, facts, flow } from "./flows.mjs";

const CLIENT = "openid-client";
const scope = expected.scopes.join(" ");

function discover(authentication) {
  return openid.discovery(new URL(facts.issuer), clientId, undefined, authentication, { algorithm: "oauth2" });
}

const basic = () => discover(openid.ClientSecretBasic(clientSecret));
const post = () => discover(openid.ClientSecretPost(clientSecret));

await flow(CLIENT, "untrusted", flows.checkUntrusted);

await flow(CLIENT, "discover", async () => {
  const server = (await basic()).serverMetadata();
  assert.equal(server.issuer, facts.issuer);
  assert.equal(server.token_endpoint, `${facts.issuer}/oauth/token`);
  assert.ok(server.grant_types_supported.includes("client_credentials"));
});

await flow(CLIENT, "basic", async () => {
  flows.checkTokenResponse(await openid.clientCredentialsGrant(await basic()));
});

await flow(CLIENT, "post", async () => {
  flows.checkTokenResponse(await openid.clientCredentialsGrant(await post()));
});

await flow(CLIENT, "scope", async () => {
  const [one] = expected.scopes;
  flows.checkTokenResponse(await openid.clientCredentialsGrant(await basic(), { scope: one }), [one]);
});

await flow(CLIENT, "resource", async () => {
  const { resource } = facts;
  flows.checkTokenResponse(await openid.clientCredentialsGrant(await basic(), { resource, scope }), expected.scopes);
});

await flow(CLIENT, "organization", async () => {
  const parameters = { [expected.id_member]: `${facts.organization.id}` };
  flows.checkTokenResponse(await openid.clientCredentialsGrant(await post(), parameters));
});

await flow(CLIENT, "foreign-organization", async () => {
  const minting = openid.clientCredentialsGrant(await basic(), { [expected.id_member]: "1" });
  await assert.rejects(minting, { error: "invalid_request", status: 400 });
});

await flow(CLIENT, "verify", async () => {
  const config = await basic();
  const { access_token: token } = await openid.clientCredentialsGrant(config, { scope });
  const jwks = await (await fetch(config.serverMetadata().jwks_uri)).json();
  const { payload } = await flows.joseVerify(token, jwks, facts.resource);
  flows.checkOrganization(payload);
  assert.equal(payload.scope, scope);
});

await flow(CLIENT, "introspect", async () => {
  const config = await basic();
  const { access_token: token } = await openid.clientCredentialsGrant(config, { scope });
  flows.checkActive(await openid.tokenIntrospection(config, token, { token_type_hint: "access_token" }));
  flows.checkInactive(await openid.tokenIntrospection(config, "no.such.token"));
});

await flow(CLIENT, "revoke", async () => {
  const config = await post();
  const { access_token: token } = await openid.clientCredentialsGrant(config, { scope });
  flows.checkActive(await openid.tokenIntrospection(config, token));
  await openid.tokenRevocation(config, token, { token_type_hint: "access_token" });
  flows.checkInactive(await openid.tokenIntrospection(config, token));
});

await flow(CLIENT, "wrong-secret", async () => {
  for (const method of [openid.ClientSecretBasic, openid.ClientSecretPost]) {
    const config = await discover(method(`${clientSecret}x`));
    const error = await openid.clientCredentialsGrant(config).catch((error) => error);
    await flows.checkInvalidClient(error, openid.WWWAuthenticateChallengeError);
  }
});

await flow(CLIENT, "unknown-scope", async () => {
  const minting = openid.clientCredentialsGrant(await basic(), { scope: "no.such.scope" });
  await assert.rejects(minting, { error: "invalid_scope", status: 400 });
});

await flow(CLIENT, "unknown-resource", async () => {
  const minting = openid.clientCredentialsGrant(await basic(), { resource: `${facts.resource}/elsewhere` });
  await assert.rejects(minting, { error: "invalid_target", status: 400 });
});

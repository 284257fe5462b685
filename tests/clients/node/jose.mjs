// jose and oauth4webapi verify tokens of every algorithm, before and after the keys rotate.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as oauth from "oauth4webapi";
import { clientId, clientSecret, facts, flow, joseVerify } from "./flows.mjs";

const CLIENT = "jose";
const ALGORITHMS = ["EdDSA", "ES256", "RS256"];
const issuer = new URL(facts.issuer);
const client = { client_id: clientId };

async function discover() {
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: "oauth2" }));
}

async function mint(server, resource) {
  const authentication = oauth.ClientSecretBasic(clientSecret);
  const response = await oauth.clientCredentialsGrantRequest(server, client, authentication, { resource });
  return (await oauth.processClientCredentialsResponse(server, client, response)).access_token;
}

const fetchJwks = async () => (await fetch(`${issuer.origin}/oauth/jwks.json`)).json();
const resourceOf = (algorithm) => `${facts.issuer}/${algorithm}`;

// Keys are of the algorithm they say, and no private member is among them.
await flow(CLIENT, "jwks", async () => {
  const { keys } = await fetchJwks();
  assert.deepEqual([...new Set(keys.map((key) => key.alg))].toSorted(), ALGORITHMS.toSorted());
  const secret = ["d", "p", "q", "dp", "dq", "qi", "k"];
  assert.ok(keys.every((key) => key.use === "sig" && !secret.some((member) => member in key)));
});

for (const algorithm of ALGORITHMS) {
  await flow(CLIENT, algorithm, async () => {
    const server = await discover();
    const resource = resourceOf(algorithm);
    const token = await mint(server, resource);
    const { protectedHeader } = await joseVerify(token, await fetchJwks(), resource);
    assert.equal(protectedHeader.alg, algorithm);
    const request = new Request(resource, { headers: { authorization: `Bearer ${token}` } });
    await oauth.validateJwtAccessToken(server, request, resource, { signingAlgorithms: [algorithm] });
  });
}

await flow(CLIENT, "rotation", async () => {
  const server = await discover();
  const before = await fetchJwks();
  const old = await Promise.all(ALGORITHMS.map((algorithm) => mint(server, resourceOf(algorithm))));
  execFileSync(process.env.GRANTD, ["key", "rotate", "--data", process.env.DATA], { stdio: "pipe" });
  const after = await fetchJwks();
  for (const [index, algorithm] of ALGORITHMS.entries()) {
    const resource = resourceOf(algorithm);
    const { protectedHeader: first } = await joseVerify(old[index], after, resource);
    const fresh = await mint(server, resource);
    const { protectedHeader: second } = await joseVerify(fresh, after, resource);
    assert.notEqual(first.kid, second.kid);
    // The next key is published ahead: who cached the JWKS before the rotation verifies the new token.
    await joseVerify(fresh, before, resource);
  }
});

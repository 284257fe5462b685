// A shop's plugin as the vendor's plugins behave (RS256 alone, keys of its own, keyed retries), over TLS from discovery to
// reset: it registers, is approved, verifies what it gets, refreshes, hears of a payment, and disconnects.

import assert from "node:assert/strict";
import { createHash, createHmac, createPublicKey, randomBytes, randomUUID, verify } from "node:crypto";
import { createServer } from "node:http";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from "jose";
import { decide } from "./browser.mjs";
import { facts, flow } from "./flows.mjs";

const SCOPES = ["company:read", "makepay:payment-links:read", "makepay:payment-links:write", "makepay:webhooks:read", "makepay:webhooks:write"];
const random = (bytes) => randomBytes(bytes).toString("base64url");
const digest = (text) => createHash("sha256").update(text).digest("base64url");
const read = (part) => JSON.parse(Buffer.from(part, "base64url"));
const api = `${facts.issuer}/api/partner/v1/makepay`;

const metadata = await (await fetch(`${facts.issuer}/.well-known/oauth-authorization-server`, { redirect: "manual" })).json();

async function newKey() {
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const jwk = await exportJWK(publicKey);
  return { privateKey, jwk, jkt: await calculateJwkThumbprint(jwk) };
}

async function proof(key, method, url, token) {
  const claims = { jti: randomUUID(), htm: method, htu: url.split("?")[0], ...(token && { ath: digest(token) }) };
  return new SignJWT(claims).setIssuedAt().setProtectedHeader({ typ: "dpop+jwt", alg: "ES256", jwk: key.jwk }).sign(key.privateKey);
}

const answerOf = async (response) => ({
  status: response.status,
  replayed: response.headers.get("idempotent-replayed"),
  recovery: response.headers.get("oauth-token-recovery"),
  text: await response.clone().text(),
  body: await response.json().catch(() => undefined),
});

/** One shop; what it keeps on its disk. */
class Plugin {
  constructor(site) {
    this.site = site;
    this.registrationId = random(32);
  }

  async register(key, previous) {
    const url = metadata.native_installation_endpoint;
    const headers = { "Content-Type": "application/json", DPoP: await proof(key, "POST", url) };
    if (previous) headers["DPoP-Previous"] = await proof(previous, "POST", url);
    const { site, registrationId } = this;
    const body = JSON.stringify({
      platform: "medusa", registrationId, siteUrl: site, redirectUri: `${site}/makepay/oauth/callback`, dpopJkt: key.jkt,
      pluginVersion: "1.0.0", medusaVersion: "2.17.2",
    });
    const answer = await answerOf(await fetch(url, { method: "POST", headers, body, redirect: "manual" }));
    if (answer.status < 300) this.id = answer.body.client_id;
    return answer;
  }

  async approve(key, decision) {
    this.verifier = random(64);
    const state = random(32);
    const address = new URL(metadata.authorization_endpoint);
    for (const [name, value] of Object.entries({
      response_type: "code", client_id: this.id, redirect_uri: `${this.site}/makepay/oauth/callback`, scope: SCOPES.join(" "),
      code_challenge: digest(this.verifier), code_challenge_method: "S256", dpop_jkt: key.jkt, state, resource: facts.resource,
    })) address.searchParams.set(name, value);
    const back = await decide(address, decision);
    assert.equal(back.searchParams.get("iss"), facts.issuer);
    assert.equal(back.searchParams.get("state"), state);
    return back.searchParams;
  }

  async token(form, key, idempotency) {
    const url = metadata.token_endpoint;
    const headers = { DPoP: await proof(key, "POST", url), ...(idempotency && { "Idempotency-Key": idempotency }) };
    const body = new URLSearchParams({ client_id: this.id, resource: facts.resource, ...form });
    return answerOf(await fetch(url, { method: "POST", headers, body, redirect: "manual" }));
  }

  redeem(code, key, idempotency) {
    const redirect_uri = `${this.site}/makepay/oauth/callback`;
    return this.token({ grant_type: "authorization_code", code, code_verifier: this.verifier, redirect_uri }, key, idempotency);
  }

  refresh(refresh_token, key, idempotency) {
    return this.token({ grant_type: "refresh_token", refresh_token }, key, idempotency);
  }

  async call(method, url, token, key, { body, idempotency } = {}) {
    const headers = { Authorization: `DPoP ${token}`, DPoP: await proof(key, method, url, token) };
    if (body) headers["Content-Type"] = "application/json";
    if (idempotency) headers["Idempotency-Key"] = idempotency;
    return answerOf(await fetch(url, { method, headers, body: body && JSON.stringify(body), redirect: "manual" }));
  }

  reset(token, key, idempotency) {
    const url = `${metadata.native_installation_endpoint}?client_id=${this.id}`;
    return this.call("DELETE", url, token, key, { idempotency });
  }

  /** What the plugin believes, and refuses everything else: the rules of contract section 1. */
  async believe(answer, key) {
    assert.equal(answer.status, 200, answer.text);
    const { access_token: token, token_type: type, expires_in: lives, scope, refresh_token: refresh } = answer.body;
    assert.ok(type === "DPoP" && lives > 0 && refresh);
    assert.deepEqual(scope.split(" ").toSorted(), SCOPES.toSorted());
    const [header, payload, signature] = token.split(".");
    const { alg, typ, kid } = read(header);
    assert.deepEqual([alg, typ], ["RS256", "at+jwt"]);
    const { keys } = await (await fetch(metadata.jwks_uri, { redirect: "manual" })).json();
    const jwk = keys.find((candidate) => candidate.kid === kid);
    assert.ok(jwk.kty === "RSA" && (jwk.use ?? "sig") === "sig" && (jwk.alg ?? "RS256") === "RS256");
    const signed = Buffer.from(`${header}.${payload}`);
    assert.ok(verify("RSA-SHA256", signed, createPublicKey({ key: jwk, format: "jwk" }), Buffer.from(signature, "base64url")));
    const claims = read(payload);
    assert.deepEqual([claims.iss, claims.client_id, claims.cnf.jkt, claims.installation_id], [facts.issuer, this.id, key.jkt, this.id]);
    assert.ok([claims.aud].flat().includes(facts.resource) && !("nbf" in claims));
    assert.deepEqual(claims.scope.split(" ").toSorted(), SCOPES.toSorted());
    for (const name of ["company_id", "grant_id", "installation_id"]) assert.ok(claims[name] && typeof claims[name] === "string");
    return { token, refresh, claims };
  }
}

async function connected(site) {
  const [plugin, key] = [new Plugin(site), await newKey()];
  const made = await plugin.register(key);
  assert.equal(made.status, 201, made.text);
  const code = (await plugin.approve(key)).get("code");
  const tokens = await plugin.believe(await plugin.redeem(code, key, `medusa-token-${random(32)}`), key);
  return { plugin, key, ...tokens };
}

await flow("plugin", "discovery", async () => {
  const endpoints = ["authorization_endpoint", "token_endpoint", "jwks_uri", "native_installation_endpoint"];
  for (const name of endpoints) assert.equal(new URL(metadata[name]).origin, facts.issuer);
  assert.equal(metadata.issuer, facts.issuer);
  assert.equal(metadata.authorization_response_iss_parameter_supported, true);
});

await flow("plugin", "connect", async () => {
  const [plugin, first, second] = [new Plugin("https://shop.example"), await newKey(), await newKey()];
  const made = await plugin.register(first);
  assert.deepEqual([made.status, made.body.status, made.body.registration_id], [201, "active", plugin.registrationId]);
  // Its answer was lost: another key, first without a proof of the one before.
  assert.equal((await plugin.register(second)).status, 401);
  const again = await plugin.register(second, first);
  assert.deepEqual([again.status, again.body.client_id, "status" in again.body], [200, made.body.client_id, false]);
  assert.equal((await plugin.approve(second, "deny")).get("error"), "access_denied");
  const code = (await plugin.approve(second)).get("code");
  assert.equal((await plugin.redeem(code, first, `medusa-token-${random(32)}`)).body.error, "invalid_dpop_key");
  const once = `medusa-token-${random(32)}`;
  const given = await plugin.redeem(code, second, once);
  await plugin.believe(given, second);
  const replay = await plugin.redeem(code, second, once);
  assert.deepEqual([replay.replayed, replay.text], ["true", given.text]);
});

await flow("plugin", "refresh", async () => {
  const { plugin, key, refresh, claims } = await connected("https://refresh.example");
  const once = `medusa-token-${random(32)}`;
  const rotated = await plugin.refresh(refresh, key, once);
  const next = await plugin.believe(rotated, key);
  for (const name of ["company_id", "grant_id", "installation_id"]) assert.equal(next.claims[name], claims[name]);
  const replay = await plugin.refresh(refresh, key, once);
  assert.deepEqual([replay.status, replay.replayed, replay.text], [200, "true", rotated.text]);
  const other = await newKey();
  assert.equal((await plugin.refresh(next.refresh, other, `medusa-token-${random(32)}`)).body.error, "invalid_dpop_key");
  const third = await plugin.believe(await plugin.refresh(next.refresh, key, `medusa-token-${random(32)}`), key);
  const late = await plugin.refresh(refresh, key, once);
  assert.deepEqual([late.status, late.body.error, late.recovery], [400, "invalid_grant", "expired"]);
  await plugin.believe(await plugin.refresh(third.refresh, key, `medusa-token-${random(32)}`), key);
});

await flow("plugin", "payment", async () => {
  const { plugin, key, token, claims } = await connected("https://paid.example");
  const came = [];
  let heard;
  const server = createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part)).on("end", () => {
      came.push({ headers: request.headers, body: Buffer.concat(parts).toString() });
      response.end();
      heard?.();
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  try {
    const current = `${api}/webhook-subscriptions/current`;
    const link = { status: "active", payload: { amount: "20.00", fiatCurrency: "USD", orderId: "o1", metadata: { medusaSessionId: "payses_1", medusaProviderId: "makepay", secret: "of the shop" } } };
    const early = await plugin.call("POST", `${api}/payment-links`, token, key, { body: link });
    assert.deepEqual([early.status, early.body.errorCode], [409, "webhook_subscription_inactive"]);
    const body = { url: `http://127.0.0.1:${server.address().port}/hooks/makepay`, events: ["makepay.payment.*"], rotateSecret: true };
    const put = await plugin.call("PUT", current, token, key, { body, idempotency: `medusa-webhook-${"0".repeat(40)}` });
    assert.equal(put.status, 200, put.text);
    const secret = put.body.signingSecret;
    const made = await plugin.call("POST", `${api}/payment-links`, token, key, { body: link, idempotency: `medusa-makepay-create-${random(16)}` });
    assert.equal(made.status, 201, made.text);
    const waiting = new Promise((done) => (heard = done));
    assert.ok((await fetch(`${made.body.paymentLink.publicUrl}/start`, { method: "POST" })).ok);
    await waiting;
    const { headers, body: text } = came[0];
    const [, at, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(headers["x-makepay-signature"]);
    assert.equal(createHmac("sha256", secret).update(`${at}.${text}`).digest("hex"), signature);
    const told = JSON.parse(text);
    assert.deepEqual(Object.keys(told).toSorted(), [
      "companyId", "createdAt", "deliveryGroupId", "deliveryId", "grantId", "installationId", "paymentLink", "schemaVersion",
      "session", "status", "subscriptionId", "type",
    ]);
    assert.deepEqual(
      [told.schemaVersion, told.type, told.companyId, told.grantId, told.installationId, told.subscriptionId],
      ["medusa.v1", headers["x-makepay-event"], claims.company_id, claims.grant_id, plugin.id, put.body.subscription.id],
    );
    assert.ok(!text.includes("of the shop"), text);
    assert.match(told.deliveryGroupId, /^mpwhgrp_[0-9a-f]{64}$/);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

await flow("plugin", "reset", async () => {
  const { plugin, key, token, refresh, claims } = await connected("https://gone.example");
  const hook = { url: "https://gone.example/hooks", events: ["makepay.payment.*"] };
  const put = await plugin.call("PUT", `${api}/webhook-subscriptions/current`, token, key, { body: hook });
  const once = `medusa-native-reset-${"a".repeat(40)}`;
  const reset = await plugin.reset(token, key, once);
  assert.equal(reset.status, 200, reset.text);
  assert.deepEqual(reset.body.preservedWebhookSubscriptionIds, [put.body.subscription.id]);
  const replay = await plugin.reset(token, key, once);
  assert.deepEqual([replay.status, replay.replayed, replay.text], [200, "true", reset.text]);
  assert.equal((await plugin.reset(token, await newKey(), once)).status, 401);
  assert.equal((await plugin.refresh(refresh, key)).body.error, "invalid_grant");
  assert.equal((await plugin.call("GET", `${api}/payment-links`, token, key)).status, 401);
  // The same shop again: known by its id, with a grant of its own.
  const next = await newKey();
  const again = await plugin.register(next);
  assert.deepEqual([again.status, again.body.client_id], [200, plugin.id]);
  const code = (await plugin.approve(next)).get("code");
  const fresh = await plugin.believe(await plugin.redeem(code, next, `medusa-token-${random(32)}`), next);
  assert.notEqual(fresh.claims.grant_id, claims.grant_id);
});

// A shop's plugin as the vendor's plugins behave (RS256 alone, keys of its own, keyed retries), and the receiver of what it
// is told. An answer may get lost: the connection is cut as soon as it begins.

import assert from "node:assert/strict";
import { createHash, createHmac, createPublicKey, randomBytes, randomUUID, verify } from "node:crypto";
import { createServer } from "node:http";
import { request } from "node:https";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from "jose";
import { decide } from "./browser.mjs";
import { facts } from "./flows.mjs";

const SCOPES = ["company:read", "makepay:payment-links:read", "makepay:payment-links:write", "makepay:webhooks:read", "makepay:webhooks:write"];
export const random = (bytes) => randomBytes(bytes).toString("base64url");
const digest = (text) => createHash("sha256").update(text).digest("base64url");
const read = (part) => JSON.parse(Buffer.from(part, "base64url"));
export const api = `${facts.issuer}/api/partner/v1/makepay`;

export const metadata = await (await fetch(`${facts.issuer}/.well-known/oauth-authorization-server`, { redirect: "manual" })).json();

export async function newKey() {
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const jwk = await exportJWK(publicKey);
  return { privateKey, jwk, jkt: await calculateJwkThumbprint(jwk) };
}

async function proof(key, method, url, token) {
  const claims = { jti: randomUUID(), htm: method, htu: url.split("?")[0], ...(token && { ath: digest(token) }) };
  return new SignJWT(claims).setIssuedAt().setProtectedHeader({ typ: "dpop+jwt", alg: "ES256", jwk: key.jwk }).sign(key.privateKey);
}

/** Resolves when the answer has begun, of which nothing is read. */
function cut(url, { method, headers, body }) {
  const form = body instanceof URLSearchParams && { "Content-Type": "application/x-www-form-urlencoded" };
  return new Promise((done, failed) => {
    const sent = request(url, { method, headers: { ...form, ...headers }, agent: false });
    sent.on("response", (response) => done(response.destroy())).on("error", failed).end(body && `${body}`);
  });
}

const answerOf = async (response) => ({
  status: response.status,
  replayed: response.headers.get("idempotent-replayed"),
  recovery: response.headers.get("oauth-token-recovery"),
  text: await response.clone().text(),
  body: await response.json().catch(() => undefined),
});

/** One shop; what it keeps on its disk. */
export class Plugin {
  constructor(site) {
    this.site = site;
    this.registrationId = random(32);
    this.loses = false;
  }

  /** Does it, and gets no answer. */
  async lose(run) {
    this.loses = true;
    try {
      await assert.rejects(run(), /the answer is lost/);
    } finally {
      this.loses = false;
    }
  }

  async send(url, init) {
    if (!this.loses) return answerOf(await fetch(url, { ...init, redirect: "manual" }));
    await cut(url, init);
    throw new Error("the answer is lost");
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
    const answer = await this.send(url, { method: "POST", headers, body });
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
    return this.send(url, { method: "POST", headers, body });
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
    return this.send(url, { method, headers, body: body && JSON.stringify(body) });
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

export async function connected(site) {
  const [plugin, key] = [new Plugin(site), await newKey()];
  const made = await plugin.register(key);
  assert.equal(made.status, 201, made.text);
  const code = (await plugin.approve(key)).get("code");
  const tokens = await plugin.believe(await plugin.redeem(code, key, `medusa-token-${random(32)}`), key);
  return { plugin, key, ...tokens };
}

/** Takes all that comes; `next` resolves to the oldest that nobody has taken. */
export async function receiver() {
  const [came, waiting] = [[], []];
  const server = createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part)).on("end", () => {
      response.end();
      const message = { path: request.url, headers: request.headers, text: Buffer.concat(parts).toString() };
      const heard = waiting.shift();
      if (heard) heard(message);
      else came.push(message);
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: (path) => `http://127.0.0.1:${server.address().port}${path}`,
    next: () => (came.length ? Promise.resolve(came.shift()) : new Promise((heard) => waiting.push(heard))),
    close: () => server.close() && server.closeAllConnections(),
  };
}

/** Whether this secret signed it. */
export function isSigned({ headers, text }, secret) {
  const [, at, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(headers["x-makepay-signature"]);
  return createHmac("sha256", secret).update(`${at}.${text}`).digest("hex") === signature;
}

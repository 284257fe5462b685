// An API key at the sandbox, as a shop's own server uses it: fetch, and nothing that knows grantd.

import assert from "node:assert/strict";
import { facts, flow } from "./flows.mjs";

const root = `${facts.issuer}/api/partner/v1/makepay`;
const company = facts.organization.id;
const shown = { "X-MakePay-Key-Id": facts.api_key.id, "X-MakePay-Key-Secret": facts.api_key.secret };

/** The answer's JSON, of a call that must end with this status and without a redirect. */
async function call(method, path, status, body, headers = {}) {
  const type = body === undefined ? {} : { "Content-Type": "application/json" };
  const response = await fetch(`${root}${path}`, {
    method,
    redirect: "manual",
    headers: { ...shown, ...type, ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  assert.equal(response.status, status, `${method} ${path}: ${text}`);
  // What is told to webhooks is the server's own, and no part of the sandbox.
  assert.equal(response.headers.get("X-Grantd-Sandbox"), path.startsWith("/webhook-") ? null : "true");
  return JSON.parse(text);
}

/** Errors are a sentence under `error` and a code under `errorCode`. */
async function refused(method, path, status, code, body) {
  const answer = await call(method, path, status, body);
  assert.ok(answer.error.endsWith("."), answer.error);
  assert.equal(answer.errorCode, code);
}

await flow("fetch", "key-payment-links", async () => {
  const order = { payload: { amount: "20.00", fiatCurrency: "EUR", metadata: { order: "1" } } };
  const key = { "Idempotency-Key": "order-1" + "0".repeat(20) };
  const racing = Array.from({ length: 16 }, () =>
    fetch(`${root}/payment-links`, {
      method: "POST",
      headers: { ...shown, ...key, "Content-Type": "application/json" },
      body: JSON.stringify(order),
    }),
  );
  const answers = await Promise.all(racing);
  assert.deepEqual(answers.map((answer) => answer.status).toSorted(), [...Array(15).fill(200), 201]);
  const links = await Promise.all(answers.map((answer) => answer.json()));
  assert.equal(new Set(links.map((answer) => answer.paymentLink.uid)).size, 1);
  const { uid } = links[0].paymentLink;
  const read = await call("GET", `/payment-links/${uid}`, 200);
  assert.deepEqual(Object.keys(read).toSorted(), ["companyId", "paymentLink"]);
  assert.equal(read.paymentLink.amount, "20.00");
  assert.deepEqual(read.paymentLink.metadata, read.paymentLink.payload.metadata);
  const list = await call("GET", "/payment-links?limit=5", 200);
  assert.deepEqual([list.companyId, list.paymentLinks.length], [company, 1]);
  const archived = await call("PATCH", `/payment-links/${uid}`, 200, { status: "archived" });
  assert.equal(archived.archivedWithNoSession, true);
  await refused("PATCH", `/payment-links/${uid}`, 409, "payment_link_already_archived", { status: "archived" });
});

await flow("fetch", "key-settings", async () => {
  const branding = await call("GET", "/branding", 200);
  assert.ok(branding.makePaySettings.allowedPaymentMethods.length > 0 && branding.company.slug);
  await call("PATCH", "/branding", 200, { accentColor: "#123456" });
  assert.equal((await call("GET", "/branding", 200)).settings.accentColor, "#123456");
  assert.ok((await call("GET", "/destination-assets", 200)).assets.length > 0);
  const { subscription } = await call("POST", "/subscriptions", 201, {
    amountUsd: "9.90",
    customerEmail: "a@example.com",
    cadence: "monthly",
  });
  assert.equal((await call("GET", "/subscriptions", 200)).subscriptions[0].id, subscription.id);
  assert.deepEqual((await call("GET", "/webhook-requests", 200)).webhookRequests, []);
});

await flow("fetch", "key-errors", async () => {
  await refused("GET", "/payment-links/none", 404, "payment_link_not_found");
  await refused("POST", "/payment-links", 400, "invalid_amount", { payload: { amount: "0" } });
  await refused("POST", "/customers", 400, "invalid_email", {});
});

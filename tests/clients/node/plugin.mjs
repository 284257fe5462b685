// A shop's plugin over TLS from discovery to reset: it registers, is approved, verifies what it gets, refreshes, hears of a
// payment, and disconnects.

import assert from "node:assert/strict";
import { facts, flow } from "./flows.mjs";
import { api, connected, isSigned, metadata, newKey, Plugin, random, receiver } from "./shop.mjs";

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
  const hooks = await receiver();
  try {
    const current = `${api}/webhook-subscriptions/current`;
    const link = { status: "active", payload: { amount: "20.00", fiatCurrency: "USD", orderId: "o1", metadata: { medusaSessionId: "payses_1", medusaProviderId: "makepay", secret: "of the shop" } } };
    const early = await plugin.call("POST", `${api}/payment-links`, token, key, { body: link });
    assert.deepEqual([early.status, early.body.errorCode], [409, "webhook_subscription_inactive"]);
    const body = { url: hooks.url("/hooks/makepay"), events: ["makepay.payment.*"], rotateSecret: true };
    const put = await plugin.call("PUT", current, token, key, { body, idempotency: `medusa-webhook-${"0".repeat(40)}` });
    assert.equal(put.status, 200, put.text);
    const secret = put.body.signingSecret;
    const made = await plugin.call("POST", `${api}/payment-links`, token, key, { body: link, idempotency: `medusa-makepay-create-${random(16)}` });
    assert.equal(made.status, 201, made.text);
    assert.ok((await fetch(`${made.body.paymentLink.publicUrl}/start`, { method: "POST" })).ok);
    const message = await hooks.next();
    const { headers, text } = message;
    assert.ok(isSigned(message, secret));
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
    hooks.close();
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

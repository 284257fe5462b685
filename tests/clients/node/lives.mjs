// Whole lives of installations over TLS: two in one company, every answer lost once, keys replaced, tokens stolen, and
// payments that go on after the shop has left.

import assert from "node:assert/strict";
import { flow } from "./flows.mjs";
import { api, connected, isSigned, newKey, Plugin, random, receiver } from "./shop.mjs";

const CURRENT = `${api}/webhook-subscriptions/current`;
const LINKS = `${api}/payment-links`;
const once = () => `medusa-token-${random(32)}`;
const refused = ({ status, body }) => assert.deepEqual([status, body.error], [400, "invalid_grant"]);

await flow("plugin", "two-installations", async () => {
  const [one, two] = [await connected("https://one.example"), await connected("https://two.example")];
  assert.equal(one.claims.company_id, two.claims.company_id);
  for (const name of ["grant_id", "installation_id", "client_id"]) assert.notEqual(one.claims[name], two.claims[name]);
  refused(await two.plugin.refresh(one.refresh, two.key, once()));
  refused(await two.plugin.refresh(one.refresh, one.key, once()));
  assert.equal((await one.plugin.reset(one.token, one.key, `medusa-native-reset-${random(30)}`)).status, 200);
  assert.equal((await one.plugin.call("GET", LINKS, one.token, one.key)).status, 401);
  assert.equal((await two.plugin.call("GET", LINKS, two.token, two.key)).status, 200);
});

await flow("plugin", "lost-answers", async () => {
  const [plugin, first, second] = [new Plugin("https://lost.example"), await newKey(), await newKey()];
  const replayed = (answer) => {
    assert.deepEqual([answer.status, answer.replayed], [200, "true"], answer.text);
    return answer;
  };
  // What happened is what the answer to the second try says, to the byte from then on.
  const twice = async (run) => {
    await plugin.lose(run);
    const found = replayed(await run());
    assert.equal(replayed(await run()).text, found.text);
    return found;
  };
  await plugin.lose(() => plugin.register(first));
  assert.equal((await plugin.register(second)).status, 401);
  assert.equal((await plugin.register(second, second)).status, 401);
  await plugin.lose(() => plugin.register(second, first));
  assert.equal((await plugin.register(second, first)).status, 200);
  // The first callback never arrives.
  await plugin.approve(second);
  const code = (await plugin.approve(second)).get("code");
  const [ofCode, ofRefresh, ofPut, ofEnd, ofReset] = [1, 2, 3, 4, 5].map(once);
  const given = await plugin.believe(await twice(() => plugin.redeem(code, second, ofCode)), second);
  const { token, refresh, claims } = await plugin.believe(
    await twice(() => plugin.refresh(given.refresh, second, ofRefresh)), second,
  );
  const body = { url: "https://lost.example/hooks", events: ["makepay.payment.*"], rotateSecret: true };
  const put = await twice(() => plugin.call("PUT", CURRENT, token, second, { body, idempotency: ofPut }));
  assert.match(put.body.signingSecret, /^mkwhsec_/);
  const end = await twice(() => plugin.call("DELETE", CURRENT, token, second, { idempotency: ofEnd }));
  assert.deepEqual([end.body.subscription.id, end.body.subscription.active], [put.body.subscription.id, false]);
  const reset = await twice(() => plugin.reset(token, second, ofReset));
  assert.deepEqual(reset.body.preservedWebhookSubscriptionIds, [put.body.subscription.id]);
  refused(await plugin.refresh(refresh, second, once()));
  await plugin.lose(() => plugin.register(first));
  assert.equal((await plugin.register(first)).status, 200);
  const again = (await plugin.approve(first)).get("code");
  const fresh = await plugin.believe(await plugin.redeem(again, first, once()), first);
  assert.notEqual(fresh.claims.grant_id, claims.grant_id);
  assert.equal(fresh.claims.installation_id, claims.installation_id);
});

await flow("plugin", "key-replacement", async () => {
  const { plugin, key, token, refresh, claims } = await connected("https://keys.example");
  const next = await newKey();
  assert.equal((await plugin.register(next, key)).status, 200);
  assert.equal((await plugin.approve(next, "deny")).get("error"), "access_denied");
  const kept = await plugin.believe(await plugin.refresh(refresh, key, once()), key);
  const code = (await plugin.approve(next)).get("code");
  for (const old of [token, kept.token]) assert.equal((await plugin.call("GET", LINKS, old, key)).status, 401);
  refused(await plugin.refresh(kept.refresh, key, once()));
  const moved = await plugin.believe(await plugin.redeem(code, next, once()), next);
  assert.equal(moved.claims.grant_id, claims.grant_id);
});

await flow("plugin", "reuse", async () => {
  const { plugin, key, refresh, claims } = await connected("https://reuse.example");
  const next = await plugin.believe(await plugin.refresh(refresh, key, once()), key);
  const thief = await plugin.refresh(refresh, key, once());
  refused(thief);
  assert.equal(thief.recovery, null);
  refused(await plugin.refresh(next.refresh, key, once()));
  assert.equal((await plugin.call("GET", LINKS, next.token, key)).status, 401);
  const code = (await plugin.approve(key)).get("code");
  const again = await plugin.believe(await plugin.redeem(code, key, once()), key);
  assert.equal(again.claims.grant_id, claims.grant_id);
});

await flow("plugin", "late-events", async () => {
  const { plugin, key, token, claims } = await connected("https://late.example");
  const hooks = await receiver();
  const subscribe = async (path, shown, proven) => {
    const body = { url: hooks.url(path), events: ["makepay.payment.*"], rotateSecret: true };
    return (await plugin.call("PUT", CURRENT, shown, proven, { body })).body.signingSecret;
  };
  const link = async (shown, proven) => {
    const body = { payload: { amount: "20.00", fiatCurrency: "USD", orderId: "o1", metadata: { medusaSessionId: "payses_1" } } };
    return (await plugin.call("POST", LINKS, shown, proven, { body })).body.paymentLink.publicUrl;
  };
  const told = async (page, step, path, secret) => {
    const form = step === "start" ? {} : { status: step };
    const address = `${page}/${step === "start" ? step : "session"}`;
    assert.ok((await fetch(address, { method: "POST", body: new URLSearchParams(form) })).ok, step);
    const message = await hooks.next();
    assert.deepEqual([message.path, isSigned(message, secret)], [path, true]);
    return JSON.parse(message.text);
  };
  try {
    const secret = await subscribe("/old", token, key);
    const page = await link(token, key);
    assert.equal((await plugin.call("DELETE", CURRENT, token, key)).status, 200);
    assert.equal((await told(page, "start", "/old", secret)).grantId, claims.grant_id);
    assert.equal((await plugin.reset(token, key, `medusa-native-reset-${random(30)}`)).status, 200);
    assert.equal((await told(page, "pending", "/old", secret)).grantId, claims.grant_id);
    assert.equal((await plugin.register(key)).status, 200);
    const code = (await plugin.approve(key)).get("code");
    const fresh = await plugin.believe(await plugin.redeem(code, key, once()), key);
    const other = await subscribe("/new", fresh.token, key);
    const now = await told(await link(fresh.token, key), "start", "/new", other);
    assert.equal(now.grantId, fresh.claims.grant_id);
    assert.equal((await told(page, "complete", "/old", secret)).grantId, claims.grant_id);
  } finally {
    hooks.close();
  }
});

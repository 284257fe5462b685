// What passes a real proxy that asks grantd about each request, and what the API then sees.
//
//   node proxies.mjs ROOT WORK

import assert from "node:assert/strict";
import { connect as connectHttp2 } from "node:http2";
import {
  ask, ca, digest, host, mint, origin, populate, prepare, proof, proxies, raw, reached, revoke, startApi, startGrantd, stop,
} from "./world.mjs";

prepare();
const { organization, elsewhere, user, app } = populate();
let grantd = await startGrantd();
const api = await startApi();
const [reads, writes, bound] = [await mint(app, "data.read"), await mint(app, "data.write"), await mint(app, "data.read", true)];
const bearer = (token) => ({ Authorization: `Bearer ${token}` });

const identity = {
  organization,
  user,
  app: app.client_id,
  grant: "",
  credential: "access_token",
};

/** The one request that reached the API since the last look. */
function taken() {
  const all = reached.splice(0);
  assert.equal(all.length, 1, JSON.stringify(all));
  return all[0];
}

/** Nothing did. */
function nothing() {
  assert.deepEqual(reached.splice(0), []);
}

/** Who asks is said once, in whatever spelling an API reads headers, and no credential came along. */
function told({ headers }, scopes) {
  const said = new Map();
  for (const [name, value] of headers) {
    const spelled = name.toLowerCase().replaceAll("_", "-");
    assert.ok(!["authorization", "dpop", "cookie", "x-api-key-id", "x-api-key-secret"].includes(spelled), name);
    if (!spelled.startsWith("x-grantd-")) continue;
    assert.ok(!said.has(spelled), `${name} came twice`);
    said.set(spelled, value);
  }
  for (const [name, value] of Object.entries({ ...identity, scopes })) {
    assert.equal(said.get(`x-grantd-${name}`) ?? "", value, name);
  }
  assert.ok(said.get("x-grantd-credential-id"));
  assert.ok(!said.has("x-grantd-identity"));
}

const challenge = (answer) => answer.all("www-authenticate").join(", ");

async function passes() {
  const answer = await ask("GET", "/api/v1/data?page=2&x=%2Fa", { ...bearer(reads), Cookie: "a=b" });
  assert.equal(answer.status, 200, answer.text);
  const seen = taken();
  assert.deepEqual([seen.method, seen.url], ["GET", "/api/v1/data?page=2&x=%2Fa"]);
  told(seen, "data.read");
}

const flows = {
  allowed: passes,

  "spoofed identity": async () => {
    const names = ["organization", "user", "app", "grant", "scopes", "credential", "credential-id", "identity"];
    const spellings = ["X-Grantd-", "x-grantd-", "X_Grantd_", "X-Grantd_", "x_grantd-"];
    for (const spelling of spellings) {
      const spoofed = Object.fromEntries(names.map((name) => [`${spelling}${name}`, "evil"]));
      const answer = await ask("GET", "/api/v1/data", { ...spoofed, ...bearer(reads) });
      assert.equal(answer.status, 200, answer.text);
      const seen = taken();
      told(seen, "data.read");
      assert.ok(!seen.headers.some(([, value]) => value === "evil"), JSON.stringify(seen));
    }
  },

  "spoofed request": async () => {
    const other = { "X-Original-Method": "GET", "X-Original-URI": "/api/v1/data" };
    const forwarded = { "X-Forwarded-Method": "GET", "X-Forwarded-Uri": "/api/v1/data", "X-Forwarded-For": "9.9.9.9" };
    for (const spoofed of [other, forwarded, { ...other, ...forwarded }]) {
      // It would pass if it were judged as it says of itself.
      const answer = await ask("GET", "/api/v1/settings", { ...spoofed, ...bearer(reads) });
      assert.equal(answer.status, 403, answer.text);
      nothing();
    }
  },

  "no credential": async () => {
    for (const headers of [{}, bearer("eyJ.no.token"), { Cookie: `token=${reads}` }]) {
      const answer = await ask("GET", "/api/v1/data", headers);
      assert.equal(answer.status, 401, answer.text);
      assert.match(challenge(answer), /^Bearer .*resource_metadata="https:/);
      nothing();
    }
    const inTheAddress = await ask("GET", `/api/v1/data?access_token=${reads}`);
    assert.equal(inTheAddress.status, 401);
    nothing();
  },

  "missing scope": async () => {
    const answer = await ask("POST", "/api/v1/data", bearer(reads), "{}");
    assert.equal(answer.status, 403, answer.text);
    assert.match(challenge(answer), /error="insufficient_scope".*scope="data\.write"/);
    nothing();
  },

  "another organization": async () => {
    const answer = await ask("GET", `/api/v1/organizations/${elsewhere}/report`, bearer(reads));
    assert.equal(answer.status, 403, answer.text);
    nothing();
    assert.equal((await ask("GET", `/api/v1/organizations/${organization}/report`, bearer(reads))).status, 200);
    assert.equal(taken().url, `/api/v1/organizations/${organization}/report`);
  },

  paths: async () => {
    // Where the token may not go, as somebody may read it who decodes more, or less, than this proxy does.
    const tricks = [
      "/api/v1/data/../settings", "/api/v1/data/..;/settings", "/api/v1/data/..;a=b/settings", "/api/v1/data/;/../settings",
      "/api/v1/data/%2e%2e/settings", "/api/v1/data/%2E./settings", "/api/v1/data/.%2e/settings", "/api/v1/data/..%2fsettings",
      "/api/v1/data%2f..%2fsettings", "/api/v1/data/..%5csettings", "/api/v1/data/%252e%252e/settings",
      "/api/v1/data/%252e%252e%252fsettings", "/api/v1/data/..%c0%afsettings", "/api/v1/data/..\\settings", "/api/v1//settings",
      "//api/v1/data", "/api//v1/data", "/api/v1/data//", "/api/v1/./data", "/api/v1/data/.", "/api/v1/%64ata", "/api/v1%2fdata",
      "/api%2fv1%2fdata", "/api/v1/data%00", "/api/v1/data%0d%0aX-A:%20b", "/api/v1/data/%", "/api/v1/data/%zz", "/API/v1/data",
      "/api/v1/Data", "/other/../api/v1/data", "/other/..;/api/v1/data", "/_grantd", "/_grantd/api/v1/data", "/gateway/check",
      "/gateway/check/api/v1/data", "/api/../_grantd", "/", "/api", "/api/", "*", "api/v1/data", "//127.0.0.1/api/v1/data",
      "https://127.0.0.1/api/v1/data/../settings", "https://127.0.0.1//api/v1/data",
    ];
    for (const trick of tricks) {
      const answer = await ask("GET", trick, bearer(reads));
      assert.ok(answer.status >= 300, `${trick}: ${answer.text}`);
      assert.deepEqual(reached.splice(0), [], trick);
    }
    // And what is no trick.
    for (const [target, seen] of [
      ["/api/v1/data?next=/../settings", "/api/v1/data?next=/../settings"],
      ["/api/v1/data/a%20b", "/api/v1/data/a%20b"],
      [`${origin}/api/v1/data`, "/api/v1/data"],
    ]) {
      const answer = await ask("GET", target, bearer(reads));
      assert.equal(answer.status, 200, `${target}: ${answer.text}`);
      assert.equal(taken().url, seen);
    }
  },

  "one connection": async () => {
    const of = (headers) => `GET /api/v1/data HTTP/1.1\r\n${host}${headers}\r\n`;
    const good = `Authorization: Bearer ${reads}\r\n`;
    const all = await raw(of(good) + of("") + of(good) + of("Connection: close\r\n"));
    assert.deepEqual(all.map(({ status }) => status), [200, 401, 200, 401]);
    assert.equal(reached.splice(0).length, 2);
  },

  smuggling: async () => {
    const inside = `GET /api/v1/settings HTTP/1.1\r\n${host}\r\n`;
    const head = `POST /api/v1/data HTTP/1.1\r\n${host}Connection: close\r\nAuthorization: Bearer ${writes}\r\n`;
    const both = `Content-Length: ${5 + inside.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inside}`;
    const odd = `Transfer-Encoding: xchunked\r\nContent-Length: 0\r\n\r\n${inside}`;
    const two = `Content-Length: 0\r\nContent-Length: ${inside.length}\r\n\r\n${inside}`;
    for (const body of [both, odd, two]) {
      await raw(head + body);
      assert.ok(reached.splice(0).every(({ url }) => url === "/api/v1/data"), body);
    }
  },

  bodies: async () => {
    const body = "a body of some length, ".repeat(20_000);
    assert.equal((await ask("POST", "/api/v1/data", bearer(writes), body)).status, 200);
    const whole = taken();
    assert.deepEqual([whole.method, whole.body], ["POST", digest(Buffer.from(body))]);
    told(whole, "data.write");
    const chunks = `5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`;
    const head = `POST /api/v1/data HTTP/1.1\r\n${host}Connection: close\r\nTransfer-Encoding: chunked\r\n`;
    assert.equal((await raw(`${head}Authorization: Bearer ${writes}\r\n\r\n${chunks}`))[0].status, 200);
    assert.equal(taken().body, digest(Buffer.from("hello world")));
    assert.equal((await raw(`${head}\r\n${chunks}`))[0].status, 401);
    nothing();
  },

  "HTTP/2": async () => {
    const session = connectHttp2(origin, { ca: ca() });
    const send = (headers, body) =>
      new Promise((resolve, reject) => {
        const stream = session.request(headers, { endStream: body === undefined });
        stream.on("response", (answer) => stream.resume().on("end", () => resolve(answer))).on("error", reject);
        if (body !== undefined) stream.end(body);
      });
    const authorization = `Bearer ${reads}`;
    const spoofed = { "x-grantd-organization": "evil", "x-original-uri": "/api/v1/data", "x-original-method": "GET" };
    const good = await send({ ":path": "/api/v1/data?a=b", authorization, ...spoofed });
    assert.equal(good[":status"], 200);
    const seen = taken();
    assert.equal(seen.url, "/api/v1/data?a=b");
    told(seen, "data.read");
    const written = await send({ ":method": "POST", ":path": "/api/v1/data", authorization: `Bearer ${writes}` }, "hello");
    assert.equal(written[":status"], 200);
    assert.equal(taken().body, digest(Buffer.from("hello")));
    const refusals = [
      [401, { ":path": "/api/v1/data" }],
      [403, { ":path": "/api/v1/settings", authorization }],
      [403, { ":path": `/api/v1/organizations/${elsewhere}/report`, authorization }],
    ];
    for (const [status, headers] of refusals) {
      const answer = await send(headers);
      assert.equal(answer[":status"], status);
      assert.ok(status === 403 || answer["www-authenticate"].startsWith("Bearer "));
    }
    for (const path of ["/api/v1/data/..;/settings", "/api/v1/data/%2e%2e/settings", "/api/v1//settings", "/api/v1/data%2f"]) {
      assert.ok((await send({ ":path": path, authorization }))[":status"] >= 400, path);
    }
    nothing();
    session.close();
  },

  proofs: async () => {
    const shown = (headers) => ask("GET", "/api/v1/data?page=1", headers);
    const dpop = { Authorization: `DPoP ${bound}`, DPoP: proof("GET", `${origin}/api/v1/data`, bound) };
    assert.equal((await shown(dpop)).status, 200);
    told(taken(), "data.read");
    const wrong = (htm, htu) => ({ ...dpop, DPoP: proof(htm, htu, bound) });
    for (const headers of [
      dpop, // once more
      bearer(bound),
      { Authorization: `DPoP ${bound}` },
      wrong("POST", `${origin}/api/v1/data`),
      wrong("GET", `${origin}/api/v1/settings`),
      wrong("GET", "https://elsewhere.example/api/v1/data"),
    ]) {
      const answer = await shown(headers);
      assert.equal(answer.status, 401, answer.text);
      assert.ok(challenge(answer));
      nothing();
    }
  },

  "two credentials": async () => {
    const answer = await ask("GET", "/api/v1/data", { ...bearer(reads), authorization: `Bearer ${writes}` });
    assert.ok([400, 403].includes(answer.status), answer.text);
    nothing();
  },

  revoked: async () => {
    const token = await mint(app, "data.read");
    assert.equal((await ask("GET", "/api/v1/data", bearer(token))).status, 200);
    taken();
    revoke(token);
    assert.equal((await ask("GET", "/api/v1/data", bearer(token))).status, 401);
    nothing();
  },

  "grantd is down": async () => {
    await stop(grantd);
    for (const headers of [bearer(reads), {}]) {
      const answer = await ask("GET", "/api/v1/data", headers);
      assert.ok([500, 502, 503].includes(answer.status), answer.text);
      nothing();
    }
    grantd = await startGrantd();
    // Caddy and nginx ask again at once.
    await passes();
  },
};

for (const [name, start] of Object.entries(proxies)) {
  const proxy = await start();
  for (const [flow, check] of Object.entries(flows)) {
    try {
      await check();
      console.log(`ok ${name} ${flow}`);
    } catch (error) {
      process.exitCode = 1;
      reached.splice(0);
      console.log(`FAILED ${name} ${flow}: ${error.stack ?? error}`);
    }
  }
  await stop(proxy);
}
api.closeAllConnections();
api.close();
await stop(grantd);

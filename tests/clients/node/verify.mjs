// The programs of /docs/verify, taken from the page and run as they stand there: Node.js, Python, PHP and Go judge the same
// requests, whose tokens are of the real server or forged.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHmac, createPublicKey, generateKeyPairSync } from "node:crypto";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { calculateJwkThumbprint, exportJWK, SignJWT } from "jose";
import { parse } from "node-html-parser";
import { facts, flow } from "./flows.mjs";

const { GRANTD, DATA, CA } = process.env;
const URL_ = "https://api.example/v1/data";
const PYTHON = new URL("../python/.venv/bin/python", import.meta.url).pathname;
const cli = (args, input) => JSON.parse(execFileSync(GRANTD, ["--json", "--data", DATA, ...args], { input, encoding: "utf8" }));

/** The programs of the page: { introspect: { "Node.js": … }, offline: { … } }. */
async function programs() {
  const page = parse(await (await fetch(`${facts.issuer}/docs/verify`)).text());
  const found = { introspect: {}, offline: {} };
  for (const details of page.querySelectorAll("details.snippet")) {
    const language = details.querySelector("summary").text.trim().split(" ")[0];
    found[details.getAttribute("name")][language] = parse(details.innerHTML, { blockTextElements: {} }).querySelector("code").text;
  }
  return found;
}

const { client_id: id, client_secret: secret } = facts.private_app;
const client = `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`;
const keyPair = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
const [own, stranger] = [keyPair(), keyPair()];
const seconds = () => Math.floor(Date.now() / 1000);

async function proof(claims, { publicKey, privateKey } = own, typ = "dpop+jwt") {
  const jwk = await exportJWK(publicKey);
  const whole = { jti: crypto.randomUUID(), htm: "GET", htu: URL_, iat: seconds(), ...claims };
  return new SignJWT(whole).setProtectedHeader({ alg: "ES256", typ, jwk }).sign(privateKey);
}

async function mint(parameters, headers = {}) {
  const response = await fetch(`${facts.issuer}/oauth/token`, {
    method: "POST",
    headers: { Authorization: client, ...headers },
    body: new URLSearchParams({ grant_type: "client_credentials", scope: "data.read", ...parameters }),
  });
  return (await response.json()).access_token;
}

const coded = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const decoded = (part) => JSON.parse(Buffer.from(part, "base64url"));

/** [what it is, token, whether introspection believes it, whether offline verification does]: shown as Bearer for data.read. */
async function tokens() {
  const short = cli(["token", "mint", id, "--scope", "data.read", "--lifetime-s", "1"]).access_token;
  const good = await mint({});
  const revoked = await mint({});
  cli(["token", "revoke"], revoked);
  const [header, payload, signature] = good.split(".");
  const { keys } = await (await fetch(`${facts.issuer}/oauth/jwks.json`)).json();
  const rsa = keys.find((key) => key.kty === "RSA");
  const pem = createPublicKey({ key: rsa, format: "jwk" }).export({ type: "spki", format: "pem" });
  const signing = keys.find((key) => key.kid === decoded(header).kid);
  const hmac = (kid, key) => {
    const text = `${coded({ typ: "at+jwt", alg: "HS256", kid })}.${payload}`;
    return `${text}.${createHmac("sha256", key).update(text).digest("base64url")}`;
  };
  const unsigned = coded({ ...decoded(header), alg: "none" });
  const forged = (claims) => `${header}.${coded({ ...decoded(payload), ...claims })}.${signature}`;
  const anothers = (kid) =>
    new SignJWT(decoded(payload)).setProtectedHeader({ typ: "at+jwt", alg: "ES256", kid }).sign(stranger.privateKey);
  const bound = await mint({}, { DPoP: await proof({ htm: "POST", htu: `${facts.issuer}/oauth/token` }) });
  while (seconds() < decoded(short.split(".")[1]).exp) await new Promise((done) => setTimeout(done, 100));
  const all = [
    ["good", good, true, true],
    ["revoked", revoked, false, true],
    ["of little scope", await mint({ scope: "settings.read" }), false, false],
    ["for another API", await mint({ resource: `${facts.issuer}/ES256` }), false, false],
    ["expired", short, false, false],
    ["bound, as Bearer", bound, false, false],
    ["of a wrong signature", `${header}.${payload}.${signature[0] === "A" ? "B" : "A"}${signature.slice(1)}`, false, false],
    ["of more scope", forged({ scope: "data.read data.write", exp: seconds() + 1e6 }), false, false],
    ["unsigned", `${unsigned}.${payload}.`, false, false],
    ["unsigned, with a signature", `${unsigned}.${payload}.${signature}`, false, false],
    ["signed with a public key as PEM", hmac(rsa.kid, pem), false, false],
    ["signed with a public key as JSON", hmac(signing.kid, JSON.stringify(signing)), false, false],
    ["signed with a public key's bytes", hmac(signing.kid, Buffer.from(signing.x, "base64url")), false, false],
    ["of another's key", await anothers(decoded(header).kid), false, false],
    ["of an unknown key", await anothers("nobody"), false, false],
    ["a personal access token", facts.pat, true, false],
    ["no token", "nonsense", false, false],
  ];
  return { all, good, bound };
}

/** [what it is, method, url, authorization, proof, believed]. */
async function requests({ all, good, bound }) {
  const bearer = all.map(([what, token, , believed]) => [what, "GET", URL_, `Bearer ${token}`, "", believed]);
  const { createHash } = await import("node:crypto");
  const ath = createHash("sha256").update(bound).digest("base64url");
  const once = await proof({ ath });
  const of = async (what, claims, believed, ...more) => [what, "GET", URL_, `DPoP ${bound}`, await proof(claims, ...more), believed];
  return [
    ...bearer,
    ["bound, with a proof", "GET", `${URL_}?page=2`, `DPoP ${bound}`, once, true],
    ["the same proof again", "GET", URL_, `DPoP ${bound}`, once, false],
    ["bound, without a proof", "GET", URL_, `DPoP ${bound}`, "", false],
    ["bound, as Bearer with a proof it is", "GET", URL_, `Bearer ${good}`, "", true],
    ["not bound, as DPoP", "GET", URL_, `DPoP ${good}`, await proof({ ath: createHash("sha256").update(good).digest("base64url") }), false],
    await of("a proof for another URL", { ath, htu: "https://api.example/v1/other" }, false),
    await of("a proof for another host", { ath, htu: "https://evil.example/v1/data" }, false),
    await of("a proof for another method", { ath, htm: "POST" }, false),
    await of("a proof for another token", { ath: ath.toUpperCase() }, false),
    await of("a proof for no token", {}, false),
    await of("a proof of yesterday", { ath, iat: seconds() - 86_400 }, false),
    await of("a proof of tomorrow", { ath, iat: seconds() + 86_400 }, false),
    await of("a proof of another key", { ath }, false, stranger),
    await of("a proof that is another JWT", { ath }, false, own, "JWT"),
    await of("another proof", { ath }, true),
  ];
}

/** What asks the program of the page about each case on standard input, and prints `true` or `false`. */
const drivers = {
  "Node.js": (program, call) => ({
    file: "program.mjs",
    run: ["node", "program.mjs"],
    text:
      `import { readFileSync } from "node:fs";\n${program}\nfor (const c of JSON.parse(readFileSync(0))) {\n  try {\n` +
      `    console.log(Boolean(await ${call === "introspect" ? 'introspect(c[0], ["data.read"])' : 'authenticate(...c, ["data.read"])'}));\n` +
      `  } catch { console.log(${call === "introspect" ? '"broken"' : "false"}); }\n}\n`,
  }),
  Python: (program, call) => ({
    file: "program.py",
    run: [PYTHON, "program.py"],
    text:
      `${program}\nimport json, sys\nfor c in json.load(sys.stdin):\n    try:\n        answer = ` +
      `${call === "introspect" ? 'introspect(c[0], ["data.read"])' : 'authenticate(*c, ["data.read"])'}\n` +
      `        print(str(bool(answer)).lower())\n    except ${call === "introspect" ? "KeyError" : "(jwt.PyJWTError, PermissionError)"}:\n        print("false")\n`,
  }),
  PHP: (program, call) => ({
    file: "program.php",
    run: ["php", "-d", `curl.cainfo=${CA}`, "program.php"],
    text:
      `${program}\nforeach (json_decode(file_get_contents('php://stdin')) as $c) ` +
      (call === "introspect"
        ? `echo introspect($c[0], ['data.read']) ? 'true' : 'false', "\\n";\n`
        : `{\n  try { echo authenticate(...$c, scopes: ['data.read']) ? 'true' : 'false', "\\n"; }\n` +
          `  catch (UnexpectedValueException) { echo "false\\n"; }\n}\n`),
  }),
  Go: (program, call) => ({
    file: "program.go",
    run: ["go", "run", "program.go"],
    text:
      program
        .replace("package api", "package main")
        .replace("import (", `import (${call === "introspect" ? "" : '\n\t"os"'}${program.includes('"encoding/json"') ? "" : '\n\t"encoding/json"'}\n`)
        .replace(/^(\t"fmt"\n)/m, "$1") +
      `\nfunc main() {\n\tvar cases [][]string\n\tjson.NewDecoder(os.Stdin).Decode(&cases)\n\tfor _, c := range cases {\n` +
      (call === "introspect"
        ? `\t\tgood, err := Introspect(c[0], "data.read")\n\t\tif err != nil {\n\t\t\tpanic(err)\n\t\t}\n\t\tfmt.Println(good)\n`
        : `\t\t_, err := Authenticate(c[0], c[1], c[2], c[3], "data.read")\n\t\tfmt.Println(err == nil)\n`) +
      `\t}\n}\n`,
  }),
};

/** Runs the program in a directory where it finds its libraries. */
function judged(language, call, program, cases, environment) {
  const directory = `${DATA}/${language}-${call}`;
  mkdirSync(directory);
  const { file, run, text } = drivers[language](program, call);
  writeFileSync(`${directory}/${file}`, text);
  let cwd = directory;
  if (language === "Go") {
    for (const name of ["go.mod", "go.sum"]) copyFileSync(new URL(`../go/${name}`, import.meta.url), `${directory}/${name}`);
  }
  if (language === "Node.js") {
    execFileSync("ln", ["-s", new URL("node_modules", import.meta.url).pathname, `${directory}/node_modules`]);
  }
  const env = { ...process.env, ...environment, SSL_CERT_FILE: CA, GOFLAGS: "-mod=readonly" };
  const done = spawnSync(run[0], run.slice(1), { cwd, env, input: JSON.stringify(cases), encoding: "utf8" });
  assert.equal(done.status, 0, `${done.error ?? ""}${done.stderr}`);
  return done.stdout.trim().split("\n");
}

const organization = String(facts.organization.id);
const server = cli(["app", "create", "API", "--organization", organization, "--resource-server", "--resource", facts.resource]);
const shown = await programs();
const made = await tokens();
const asked = await requests(made);

for (const language of ["Node.js", "Python", "PHP", "Go"]) {
  await flow(language, "introspect", async () => {
    const environment = { API_ID: server.client_id, API_SECRET: server.client_secret };
    const answers = judged(language, "introspect", shown.introspect[language], made.all.map(([, token]) => [token]), environment);
    assert.deepEqual(
      made.all.map(([what], at) => `${what}: ${answers[at]}`),
      made.all.map(([what, , believed]) => `${what}: ${believed}`),
    );
  });
}
for (const language of ["Node.js", "Python", "PHP", "Go"]) {
  await flow(language, "offline", async () => {
    const answers = judged(language, "offline", shown.offline[language], asked.map((request) => request.slice(1, 5)), {});
    assert.deepEqual(
      asked.map(([what], at) => `${what}: ${answers[at]}`),
      asked.map(([what, , , , , believed]) => `${what}: ${believed}`),
    );
  });
}

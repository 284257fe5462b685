// grantd, an API behind a proxy, and the proxy itself, configured as docs/gateway.md shows it.

import { execFileSync, spawn } from "node:child_process";
import { createHash, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { connect as connectTcp, createServer } from "node:net";
import { connect as connectTls } from "node:tls";

const [root, work] = process.argv.slice(2);
const grantd = process.env.GRANTD;
const data = `${work}/data`;
const read = (path) => readFileSync(path, "utf8");
const children = new Set();
process.on("exit", () => children.forEach((child) => child.kill("SIGKILL")));

/** Ports that were free a moment ago. */
async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(servers.map((server) => new Promise((done) => server.listen(0, "127.0.0.1", done))));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

const [tlsPort, plainPort, apiPort, proxyPort] = await freePorts(4);
export const issuer = `https://127.0.0.1:${tlsPort}`;
export const origin = `https://127.0.0.1:${proxyPort}`;
const plain = `http://127.0.0.1:${plainPort}`;

/** Waits until something listens there, for as long as the child lives. */
async function listening(port, child) {
  const tried = () =>
    new Promise((resolve) => {
      const socket = connectTcp(port, "127.0.0.1");
      socket.on("connect", () => resolve(socket.destroy() && true)).on("error", () => resolve(false));
    });
  while (!(await tried())) {
    if (child.exitCode !== null) throw new Error(`${child.spawnargs.join(" ")} ended with ${child.exitCode}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

async function run(port, command, args, environment = {}) {
  const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"], env: { ...process.env, ...environment } });
  children.add(child);
  await listening(port, child);
  return child;
}

export async function stop(child) {
  const ended = child.exitCode === null ? new Promise((done) => child.once("exit", done)) : undefined;
  child.kill("SIGTERM");
  await ended;
  children.delete(child);
}

const cli = (args) => JSON.parse(execFileSync(grantd, ["--json", "--data", data, ...args], { encoding: "utf8" }));

export const startGrantd = () => run(plainPort, grantd, ["serve", "--data", data]);

/** A server with routes of its own, two organizations and an app in the first. */
export function prepare() {
  mkdirSync(`${data}/profiles/default`, { recursive: true });
  writeFileSync(
    `${data}/grantd.toml`,
    `issuer = "${issuer}"\nlisten = ["${issuer}", "${plain}"]\ndata_dir = "."\n` +
      `[gateway]\nforward_auth_peers = ["127.0.0.1"]\n`,
  );
  const resource = `[[resources]]\nidentifier = "${origin}/api"\nname = "API"\n`;
  const embedded = read(`${root}/data/profiles/default/profile.toml`);
  writeFileSync(`${data}/profiles/default/profile.toml`, embedded.replace(/\[\[resources\]\][^]*/, resource));
  const { routes } = JSON.parse(read(`${root}/data/profiles/default/routes.json`));
  routes.push({ path: "/api/v1/organizations/{of}/report", organization: "of", methods: { GET: ["data.read"] } });
  writeFileSync(`${data}/profiles/default/routes.json`, JSON.stringify({ routes }));
}

/** What the API would be told of who asks, and the app to ask with. */
export function populate() {
  const { id: organization } = cli(["org", "create", "Acme"]);
  const { id: elsewhere } = cli(["org", "create", "Globex"]);
  const { id: user } = cli(["user", "add", "owner@example.com"]);
  cli(["org", "member", organization, "owner@example.com", "--role", "owner"]);
  const made = ["app", "create", "Robot", "--organization", organization, "--dedicated-user", "owner@example.com"];
  return { organization, elsewhere, user, app: cli(made) };
}

export const revoke = (token) => execFileSync(grantd, ["--data", data, "token", "revoke"], { input: token });

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const coded = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

/** A DPoP proof (RFC 9449 section 4.2). */
export function proof(htm, htu, token) {
  const { kty, crv, x, y } = publicKey.export({ format: "jwk" });
  const ath = token && createHash("sha256").update(token).digest("base64url");
  const claims = { jti: randomUUID(), htm, htu, iat: Math.floor(Date.now() / 1000), ath };
  const text = `${coded({ typ: "dpop+jwt", alg: "ES256", jwk: { kty, crv, x, y } })}.${coded(claims)}`;
  return `${text}.${sign("sha256", Buffer.from(text), { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

export async function mint(app, scope, bound = false) {
  const response = await fetch(`${plain}/oauth/token`, {
    method: "POST",
    headers: {
      Authorization: `Basic ${Buffer.from(`${app.client_id}:${app.client_secret}`).toString("base64")}`,
      ...(bound ? { DPoP: proof("POST", `${issuer}/oauth/token`) } : {}),
    },
    body: new URLSearchParams({ grant_type: "client_credentials", scope }),
  });
  const answer = await response.json();
  if (!answer.access_token) throw new Error(JSON.stringify(answer));
  return answer.access_token;
}

/** What reached the API: [{ method, url, headers, body }], the body as its length and digest. */
export const reached = [];
export const digest = (bytes) => `${bytes.length} ${createHash("sha256").update(bytes).digest("hex")}`;

export function startApi() {
  const api = createHttpServer(async (request, response) => {
    const { method, url, rawHeaders } = request;
    const headers = [];
    for (let at = 0; at < rawHeaders.length; at += 2) headers.push([rawHeaders[at], rawHeaders[at + 1]]);
    const body = digest(Buffer.concat(await request.toArray()));
    reached.push({ method, url, headers, body });
    response.setHeader("Content-Type", "application/json").end(JSON.stringify({ url }));
  });
  return new Promise((done) => api.listen(apiPort, "127.0.0.1", () => done(api)));
}

/** The one block of docs/gateway.md in this language, with the ports of this run. */
function documented(language) {
  const blocks = read(`${root}/docs/gateway.md`).split(`\`\`\`${language}\n`);
  if (blocks.length !== 2) throw new Error(`docs/gateway.md has ${blocks.length - 1} blocks of ${language}`);
  const block = blocks[1].split("```")[0];
  if (!block.includes("127.0.0.1:8080") || !block.includes("127.0.0.1:3000")) throw new Error(block);
  return block.replaceAll("127.0.0.1:8080", `127.0.0.1:${plainPort}`).replaceAll("127.0.0.1:3000", `127.0.0.1:${apiPort}`);
}

const certificate = `${data}/certs/server.pem`;
const key = `${data}/certs/server.key`;
export const ca = () => read(`${data}/certs/ca.pem`);

export const proxies = {
  nginx() {
    const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    const temporary = kinds.map((kind) => `${kind}_temp_path ${work}/${kind};`).join("\n");
    writeFileSync(
      `${work}/nginx.conf`,
      `daemon off;\nmaster_process off;\npid ${work}/nginx.pid;\nerror_log ${work}/nginx.log;\nevents {}\nhttp {\n` +
        `access_log off;\n${temporary}\nserver {\nlisten 127.0.0.1:${proxyPort} ssl http2;\n` +
        `ssl_certificate ${certificate};\nssl_certificate_key ${key};\n${documented("nginx")}}\n}\n`,
    );
    return run(proxyPort, "nginx", ["-p", work, "-e", `${work}/nginx.log`, "-c", `${work}/nginx.conf`]);
  },
  caddy() {
    const site = documented("caddyfile").replace("api.example.com {", `${origin} {\n    bind 127.0.0.1\n    tls ${certificate} ${key}`);
    writeFileSync(`${work}/Caddyfile`, `{\n    admin off\n    auto_https off\n}\n${site}`);
    const home = { HOME: work, XDG_CONFIG_HOME: work, XDG_DATA_HOME: work };
    return run(proxyPort, "caddy", ["run", "--config", `${work}/Caddyfile`, "--adapter", "caddyfile"], home);
  },
};

export const host = `Host: 127.0.0.1:${proxyPort}\r\n`;

/** Bytes to the proxy, and the answers on that connection until it ends. */
export function raw(text) {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port: proxyPort, host: "127.0.0.1", ca: ca(), ALPNProtocols: ["http/1.1"] });
    const parts = [];
    socket.on("data", (part) => parts.push(part)).on("end", () => resolve(answers(Buffer.concat(parts).toString("latin1"))));
    socket.on("error", (error) => (parts.length > 0 ? resolve(answers(Buffer.concat(parts).toString("latin1"))) : reject(error)));
    socket.setTimeout(20_000, () => socket.destroy(new Error(`no answer to ${text.slice(0, 200)}`)));
    socket.write(text);
  });
}

function answers(text) {
  return text
    .split(/(?=HTTP\/1\.1 \d{3} )/)
    .filter(Boolean)
    .map((answer) => {
      const [head] = answer.split("\r\n\r\n");
      const [line, ...headers] = head.split("\r\n");
      const named = headers.map((header) => header.split(/: ?(.*)/s));
      const all = (name) => named.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value);
      return { status: Number(line.split(" ")[1]), all, text: answer };
    });
}

/** One request of one's own making; the connection ends with it. */
export async function ask(method, target, headers = {}, body = undefined) {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = body === undefined ? "" : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  const head = `${method} ${target} HTTP/1.1\r\n${host}Connection: close\r\n${length}${lines.join("")}\r\n`;
  const all = await raw(head + (body ?? ""));
  if (all.length !== 1) throw new Error(`${all.length} answers to ${method} ${target}`);
  return all[0];
}

// What every script of this folder needs: the program's facts, a browser, an app that remembers what it was sent.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [factsFile, pictures, executablePath] = process.argv.slice(2);
export const facts = JSON.parse(readFileSync(factsFile, "utf8"));
export const state = "a-state-of-this-browser-test";
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const servers = [];
const origins = [new URL(facts.issuer).origin];

/** A server of an app: `respond` may redirect, else there is a page. Returns its port. */
export async function serve(respond, host = "127.0.0.1") {
    const app = createServer((request, response) => {
        let body = "";
        request.on("data", (data) => (body += data));
        request.on("end", () => {
            const sent = { method: request.method, url: request.url, body };
            if (respond(sent, response)) return;
            response.setHeader("content-type", "text/html");
            response.end("<!doctype html><html lang=en><title>App</title><h1>App</h1>");
        });
    });
    await new Promise((listening) => app.listen(0, host, listening));
    servers.push(app);
    origins.push(`http://${host}:${app.address().port}`);
    return app.address().port;
}

/** What the app was sent. */
export const received = [];
const port = await serve((sent) => {
    if (sent.url.startsWith("/callback")) received.push(sent);
});
export const callback = `http://127.0.0.1:${port}/callback`;

export function authorize(more = {}) {
    const query = new URLSearchParams({
        response_type: "code",
        client_id: facts.spa_app.client_id,
        redirect_uri: callback,
        state,
        code_challenge: challenge,
        code_challenge_method: "S256",
        ...more,
    });
    return `${facts.issuer}/oauth/authorize?${query}`;
}

let failed = 0;
export async function check(name, step) {
    try {
        await step();
        console.log(`ok ${name}`);
    } catch (error) {
        failed += 1;
        console.log(`FAILED ${name}: ${String(error.message ?? error).split("\n").slice(0, 6).join(" | ")}`);
    }
}

export function expect(condition, what) {
    if (!condition) throw new Error(what);
}

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });

/** A fresh browser profile; `troubles` are requests to strangers and whatever Chromium complains of. */
export async function visitor(options = {}) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    const troubles = [];
    page.on("request", (request) => {
        const { origin } = new URL(request.url());
        if (!origins.includes(origin)) troubles.push(`a request to ${origin}`);
    });
    page.on("console", (message) => {
        // Chromium says of itself that a page answered 403 or 422, which some do on purpose.
        if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
            troubles.push(message.text());
        }
    });
    page.on("pageerror", (error) => troubles.push(error.message));
    return { context, page, troubles };
}

export async function signIn(page, who = facts.owner) {
    await page.fill("#email", who.email);
    await page.fill("#password", who.password);
    await page.click("main button");
}

async function accessible(page) {
    // Through the debugger, which the policy of the page does not bind.
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    const found = violations.map((v) => `${v.id} (${v.impact}): ${v.nodes.map((n) => n.target.join(" ")).join(", ")}`);
    expect(found.length === 0, found.join("; "));
}

export async function look(page, name) {
    await picture(page, name);
    await sound(page);
}

/** Narrow enough, large enough for fingers, and readable by everybody. */
export async function sound(page) {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
    expect(!wide, "the page is wider than the window");
    const small = await page.evaluate(() =>
        [...document.querySelectorAll("button, .option, .links a, input:not([type=hidden], [type=radio], [type=checkbox])")]
            .filter((element) => element.offsetParent !== null)
            .map((element) => [element.textContent.trim() || element.name, element.getBoundingClientRect().height])
            .filter(([, height]) => height < 43.5),
    );
    expect(small.length === 0, `smaller than a finger: ${JSON.stringify(small)}`);
    await accessible(page);
}

export async function picture(page, name) {
    await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true, timeout: 60_000 });
}

export async function end() {
    await browser.close();
    for (const app of servers) app.close();
    process.exit(failed === 0 ? 0 : 1);
}

// The pages in Chromium, against the real program over TLS: every step of a user's way, at the width of a phone and of a
// desk, in light and in dark.
//
//   node pages.mjs FACTS SCREENSHOTS CHROMIUM
//
// One line per check, "ok NAME" or "FAILED NAME: why".

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [factsFile, pictures, executablePath] = process.argv.slice(2);
const facts = JSON.parse(readFileSync(factsFile, "utf8"));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const state = "a-state-of-this-browser-test";

// The app: it only remembers what it was sent.
const received = [];
const app = createServer((request, response) => {
    let body = "";
    request.on("data", (data) => (body += data));
    request.on("end", () => {
        if (request.url.startsWith("/callback")) received.push({ method: request.method, url: request.url, body });
        response.setHeader("content-type", "text/html").end("<!doctype html><html lang=en><title>App</title><h1>App</h1>");
    });
});
await new Promise((listening) => app.listen(0, "127.0.0.1", listening));
const callback = `http://127.0.0.1:${app.address().port}/callback`;

function authorize(more = {}) {
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
async function check(name, step) {
    try {
        await step();
        console.log(`ok ${name}`);
    } catch (error) {
        failed += 1;
        console.log(`FAILED ${name}: ${String(error.message ?? error).split("\n").slice(0, 6).join(" | ")}`);
    }
}

function expect(condition, what) {
    if (!condition) throw new Error(what);
}

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });

async function visitor(options = {}) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
    const page = await context.newPage();
    const troubles = [];
    const issuer = new URL(facts.issuer).origin;
    page.on("request", (request) => {
        const { origin } = new URL(request.url());
        if (origin !== issuer && origin !== new URL(callback).origin) troubles.push(`a request to ${origin}`);
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

async function signIn(page, who = facts.owner) {
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

async function look(page, name) {
    await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
    expect(!wide, "the page is wider than the window");
    const small = await page.evaluate(() =>
        [...document.querySelectorAll("button, .option, .links a, input:not([type=hidden], [type=radio])")]
            .filter((element) => element.offsetParent !== null)
            .map((element) => [element.textContent.trim() || element.name, element.getBoundingClientRect().height])
            .filter(([, height]) => height < 43.5),
    );
    expect(small.length === 0, `smaller than a finger: ${JSON.stringify(small)}`);
    await accessible(page);
}

for (const [size, viewport] of Object.entries({ phone: { width: 390, height: 844 }, desk: { width: 1280, height: 800 } })) {
    for (const colorScheme of ["light", "dark"]) {
        const view = `${size}-${colorScheme}`;
        const { context, page, troubles } = await visitor({ viewport, colorScheme });
        await check(`${view} error`, async () => {
            const answer = await page.goto(authorize({ client_id: "nobody" }));
            expect(answer.status() === 400, `status ${answer.status()}`);
            await look(page, `${view}-error`);
        });
        await check(`${view} sign-in`, async () => {
            await page.goto(authorize({ login_hint: facts.owner.email }));
            expect((await page.inputValue("#email")) === facts.owner.email, "the hint is not in the form");
            await look(page, `${view}-sign-in`);
        });
        await check(`${view} wrong password`, async () => {
            await signIn(page, { ...facts.owner, password: "wrong wrong wrong" });
            await page.waitForSelector("[role=alert]");
            await look(page, `${view}-wrong-password`);
        });
        await check(`${view} consent`, async () => {
            await signIn(page);
            await page.waitForSelector("button[value=approve]");
            expect(page.url().startsWith(`${facts.issuer}/oauth/authorize?`), page.url());
            await look(page, `${view}-consent`);
        });
        await check(`${view} approved`, async () => {
            received.length = 0;
            await page.click("button[value=approve]");
            await page.waitForURL(`${callback}?**`);
            const sent = new URL(received[0].url, callback).searchParams;
            expect(sent.get("state") === state && sent.get("iss") === facts.issuer, received[0].url);
            expect(sent.get("code")?.length > 20, "no code");
        });
        await check(`${view} back`, async () => {
            await page.goBack();
            await page.waitForSelector("button[value=approve]");
            await page.click("button[value=deny]");
            await page.waitForURL(`${callback}?error=access_denied**`);
        });
        await check(`${view} account`, async () => {
            await page.goto(`${facts.issuer}/account`);
            await look(page, `${view}-account`);
            await page.click("button.danger");
            await page.waitForSelector("[role=status]");
            await look(page, `${view}-account-removed`);
        });
        await check(`${view} sign-out`, async () => {
            await page.click("header button");
            await page.waitForSelector("#password");
            await page.goto(`${facts.issuer}/account`);
            await page.waitForSelector("#password");
        });
        await check(`${view} quiet`, async () => expect(troubles.length === 0, troubles.join("; ")));
        await context.close();
    }
}

for (const [name, javaScriptEnabled] of [["script", true], ["button", false]]) {
    await check(`form_post by ${name}`, async () => {
        const { context, page, troubles } = await visitor({ javaScriptEnabled, locale: "fr-FR" });
        received.length = 0;
        await page.goto(authorize({ response_mode: "form_post" }));
        await signIn(page);
        await page.click("button[value=approve]");
        if (!javaScriptEnabled) await page.click("text=Continuer");
        await page.waitForURL(callback);
        const sent = new URLSearchParams(received[0].body);
        expect(received[0].method === "POST" && sent.get("state") === state && sent.get("code"), received[0].body);
        expect(troubles.length === 0, troubles.join("; "));
        await context.close();
    });
}

await check("window of its own", async () => {
    const { context, page } = await visitor();
    await page.goto(new URL("/", callback).href);
    const opened = context.waitForEvent("page");
    await page.evaluate((url) => {
        window.flow = window.open(url);
    }, authorize());
    const flow = await opened;
    await signIn(flow);
    await flow.click("button[value=approve]");
    await flow.waitForURL(`${callback}?**`);
    expect(await flow.evaluate(() => window.opener !== null), "the app's own window is cut off from it");
    await context.close();
});

await check("cookie", async () => {
    const { context, page } = await visitor();
    await page.goto(`${facts.issuer}/login`);
    await signIn(page);
    await page.waitForURL(`${facts.issuer}/account`);
    const cookies = await context.cookies();
    expect(cookies.length === 1, JSON.stringify(cookies.map((cookie) => cookie.name)));
    const [{ name, httpOnly, secure, sameSite, path }] = cookies;
    const seen = { name, httpOnly, secure, sameSite, path };
    const wanted = { name: "__Host-grantd_session", httpOnly: true, secure: true, sameSite: "Lax", path: "/" };
    expect(JSON.stringify(seen) === JSON.stringify(wanted), JSON.stringify(seen));
    await context.close();
});

await browser.close();
app.close();
process.exit(failed === 0 ? 0 : 1);

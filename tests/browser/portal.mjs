// The portal in Chromium, as people walk through it: a developer registers an app, a reviewer asks for changes and then
// approves it, the app gets its credentials and a person's consent, other scopes send it back, an organization takes
// access back, and a personal access token is made, used and revoked. Then every page is looked at.
//
//   GRANTD=… node portal.mjs FACTS SCREENSHOTS CHROMIUM DATA
//
// One line per check, "ok NAME" or "FAILED NAME: why".

import { execFileSync } from "node:child_process";
import { callback, check, end, expect, facts, look, received, serve, signIn, visitor } from "./world.mjs";

const data = process.argv[5];
function grantd(args, input = "") {
    return JSON.parse(execFileSync(process.env.GRANTD, [...args, "--json", "--data", data], { input }));
}
function person(email, role) {
    const who = { email, password: "heron-cobalt-31-parsley" };
    grantd(["user", "add", "--name", email.split("@")[0], "--password-stdin", email], `${who.password}\n`);
    if (role) grantd(["org", "member", String(facts.organization.id), email, "--role", role]);
    return who;
}
const developer = person("dora.developer@example.com", "developer");
const reviewer = person("rita.reviewer@example.com");
grantd(["user", "duty", reviewer.email, "reviewer"]);
const administrator = person("ann.administrator@example.com");
grantd(["user", "duty", administrator.email, "administrator"]);
const at = (path) => `${facts.issuer}${path}`;
const organization = `/organizations/${facts.organization.id}`;

// A picture of one pixel; the portal draws it anew.
const logo = {
    name: "logo.png",
    mimeType: "image/png",
    buffer: Buffer.from(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
        "base64",
    ),
};

const phone = { viewport: { width: 390, height: 844 }, colorScheme: "dark" };
const desk = { viewport: { width: 1280, height: 900 }, colorScheme: "light" };

/** Somebody signed in, in a browser of their own. */
async function enter(who, options = desk) {
    const { page, troubles, context } = await visitor(options);
    await page.goto(at("/login"));
    await signIn(page, who);
    await page.waitForURL(at("/account"));
    return { page, troubles, context };
}

async function said(page, text) {
    const body = await page.innerText("body");
    expect(body.includes(text), `"${text}" does not stand on ${page.url()}: ${body.slice(0, 300)}`);
}

async function callApi(path, token) {
    return execFileSync("curl", [
        "-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", facts.ca_file,
        "-H", `Authorization: Bearer ${token}`, at(path),
    ]).toString();
}

function exchange(app, secret, code, verifier) {
    const answer = execFileSync("curl", [
        "-s", "--cacert", facts.ca_file, "-u", `${app}:${secret}`, at("/oauth/token"),
        "-d", "grant_type=authorization_code", "-d", `code=${code}`,
        "--data-urlencode", `redirect_uri=${callback}`, "-d", `code_verifier=${verifier}`,
    ]);
    return JSON.parse(answer.toString());
}
function introspect(app, secret, token) {
    const answer = execFileSync("curl", [
        "-s", "--cacert", facts.ca_file, "-u", `${app}:${secret}`, at("/oauth/introspect"), "-d", `token=${token}`,
    ]);
    return JSON.parse(answer.toString());
}

const dora = await enter(developer);
const rita = await enter(reviewer);
let app = "";
let secret = "";
let token = "";

await check("portal a developer registers an app in two steps", async () => {
    const { page } = dora;
    await page.goto(at("/developer"));
    await page.click("a[href='/developer/apps/new']");
    await page.click("a[href='/developer/apps/new?kind=public']");
    await page.fill("#name", "Tidy <Books>");
    await page.setInputFiles("input[type=file]", logo);
    await page.fill("#redirect_uris", callback);
    await page.fill("#company", "Tidy Inc.");
    await page.fill("#website", "https://tidy.example/");
    await page.fill("#support", "help@tidy.example");
    await page.fill("#privacy_policy", "https://tidy.example/privacy");
    await page.fill("#terms", "https://tidy.example/terms");
    await page.click("main form button:not(.link):not(.secondary)");
    await page.waitForURL(/\/scopes\?step=2/);
    app = page.url().match(/apps\/([^/]+)\//)[1];
    await look(page, "portal-scopes");
    await page.check("input[name=scope] >> nth=0");
    await page.fill("input[name=why_0]", "To show who the books belong to");
    await page.click("main form button:not(.link):not(.secondary)");
    await page.waitForURL(/done=scopes/);
    await said(page, "Pending review");
    await said(page, "Tidy <Books>");
});

for (const locale of ["en-GB", "fr-FR"]) {
    await check(`portal redirect addresses are explained while they are typed ${locale}`, async () => {
        const { page, troubles, context } = await enter(developer, { ...phone, locale });
        await page.goto(at("/developer/apps/new?kind=public"));
        const field = page.locator("#redirect_uris");
        const typed = () => page.locator("#redirect_uris-typed").innerText();
        const sentence = async (rule) => (await page.locator(`[data-rule=${rule}]:not([hidden])`).innerText()).trim();
        const long = `https://a.example/${"x".repeat(250)}`;
        for (const [text, rule] of [
            ["http://a.example/callback", "scheme"], ["ftp://a.example/", "scheme"], ["com.example.app:/callback", "scheme"],
            ["https://a.example/#top", "fragment"], ["https://*.a.example/callback", "wildcard"],
            ["https://A.example/callback", "exact"], ["https://a.example:443/callback", "exact"],
            ["https://a.example/b/../callback", "exact"], ["https://me@a.example/callback", "parts"],
            [long, "length"], ["https://a.example/é", "length"],
            ["https://a.example/callback\nhttps://a.example/callback", "twice"],
            [Array.from({ length: 21 }, (_, at) => `https://a.example/${at}`).join("\n"), "count"],
        ]) {
            await field.fill(text);
            await field.blur();
            expect((await typed()).includes(await sentence(rule)), `${rule} is not said of ${text}: ${await typed()}`);
            expect((await page.locator(`[data-rule=${rule}].broken`).count()) === 1, `${rule} is not pointed at`);
        }
        await field.fill("https://a.example/#top");
        await look(page, `portal-redirect-uris-${locale}`);
        // What may still become a good one is no fault while it is typed; what is good never is.
        const good = ["https://a.example/callback?x=1", "http://127.0.0.1/callback", "http://[::1]:8080/", "https://a.example"];
        for (const uri of good) {
            await field.fill("");
            await field.pressSequentially(uri);
            expect((await typed()) === "", `${uri}: ${await typed()}`);
            await field.blur();
            expect((await typed()) === "", `${uri}: ${await typed()}`);
        }
        await field.fill("com.example.app:/callback");
        await page.check("input[name=client_type][value=public]");
        expect((await typed()) === "", await typed());
        expect(troubles.length === 0, troubles.join("; "));
        await context.close();
    });
}

await check("portal the rules of redirect addresses stand there without script too", async () => {
    const { page, context } = await enter(developer, { ...desk, javaScriptEnabled: false });
    await page.goto(at("/developer/apps/new?kind=public"));
    expect((await page.locator("#redirect_uris-rules li:visible").count()) === 8, "eight rules");
    expect((await page.locator("#redirect_uris-typed").count()) === 0, "nothing is said without a script");
    await context.close();
});

async function decide(decision, note) {
    const { page } = rita;
    await page.goto(at("/admin/reviews"));
    await page.click(`a[href='/admin/reviews/${app}']`);
    await look(page, `portal-review-${decision}`);
    await page.fill("#note", note);
    await page.click(`button[name=decision][value=${decision}]`);
    await page.waitForURL((url) => !url.pathname.endsWith(app));
}

await check("portal a reviewer asks for changes and the developer reads the note", async () => {
    await decide("changes_requested", "Which books? Please say so.");
    const { page } = dora;
    await page.goto(at(`/developer/apps/${app}`));
    await said(page, "Which books? Please say so.");
    await look(page, "portal-changes-requested");
});

await check("portal the developer hands it in again and it is approved", async () => {
    const { page } = dora;
    await page.goto(at(`/developer/apps/${app}/scopes`));
    await page.fill("input[name=why_0]", "To show whose ledgers are open");
    await page.click("main form button:not(.link):not(.secondary)");
    await page.waitForURL(/done=/);
    await decide("approved", "");
    await page.goto(at(`/developer/apps/${app}`));
    await said(page, "Active");
});

await check("portal its first secret is shown once", async () => {
    const { page } = dora;
    await page.goto(at(`/developer/apps/${app}/credentials`));
    await page.fill("#secret-label", "Production");
    await page.click("form[action$='/credentials/secrets'] button");
    const shown = await page.innerText("body");
    secret = shown.match(/[a-z]+_secret_[A-Za-z0-9_-]+/)[0];
    await look(page, "portal-secret");
    await page.goto(at(`/developer/apps/${app}/credentials`));
    expect(!(await page.content()).includes(secret), "it is shown twice");
});

let endpoint = "";
let delivery = "";
const messages = [];

// Until the log of the endpoint shows so many.
async function delivered(page, log, wanted) {
    for (let tries = 0; tries < 50; tries += 1) {
        await page.goto(log);
        if ((await page.innerText("body")).split("HTTP 200").length > wanted) return;
        await page.waitForTimeout(100);
    }
}

await check("portal an endpoint is added and a test is seen delivered", async () => {
    const port = await serve((sent, response) => {
        messages.push(sent);
        response.end("thank you");
        return true;
    });
    const { page } = dora;
    const all = at(`/developer/apps/${app}/webhooks`);
    await page.goto(all);
    await page.fill("#label", "Production <1>");
    await page.fill("#url", "http://10.0.0.1/hooks");
    await page.click("form[action$='/webhooks'] button");
    await look(page, "portal-webhook-refused");
    await page.fill("#url", `http://127.0.0.1:${port}/hooks`);
    await page.click("form[action$='/webhooks'] button");
    const shown = await page.innerText("body");
    expect(/[a-z]+_whsec_[A-Za-z0-9_-]{32}/.test(shown), "no secret is shown");
    await look(page, "portal-webhook-made");
    await page.click("main a.button");
    await page.waitForURL(/\/webhooks\/we_/);
    endpoint = page.url().match(/webhooks\/([^/?]+)/)[1];
    await page.click("button[name=do][value=test]");
    await page.waitForURL(/done=test/);
    await delivered(page, `${all}/${endpoint}`, 1);
    await said(page, "Delivered");
    expect(messages.length === 1 && messages[0].url === "/hooks", JSON.stringify(messages));
    expect(JSON.parse(messages[0].body).type === "webhook.test", messages[0].body);
    await page.click("ul.deliveries a");
    await said(page, "thank you");
    expect((await page.locator("a[href*='/resend']").count()) === 0, "a test is no beginning of a range");
});

await check("portal a delivery and all after it are sent once more", async () => {
    const { page } = dora;
    const all = at(`/developer/apps/${app}/webhooks`);
    await page.goto(at(`/developer/apps/${app}/credentials`));
    await page.fill("#secret-label", "Next");
    await page.click("form[action$='/credentials/secrets'] button");
    await delivered(page, `${all}/${endpoint}`, 2);
    await page.click("ul.deliveries a");
    delivery = page.url().match(/deliveries\/([^/?]+)/)[1];
    await said(page, "thank you");
    await page.click(`a[href$='/resend?from=${delivery}']`);
    expect((await page.inputValue("#from")) === delivery, "the form begins with it");
    await look(page, "portal-webhook-resend");
    await page.click("form[action$='/resend'] button");
    await page.waitForURL(/resent=1/);
    await said(page, "Sent once more: 1.");
    for (let tries = 0; tries < 50 && messages.length < 3; tries += 1) await page.waitForTimeout(100);
    expect(messages.length === 3 && messages[2].body === messages[1].body, JSON.stringify(messages));
});

await check("portal a person allows the app and it gets a token", async () => {
    const { page, context } = await enter(facts.owner, phone);
    const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const query = new URLSearchParams({
        response_type: "code", client_id: app, redirect_uri: callback, state: "a-state-of-the-portal",
        code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", code_challenge_method: "S256",
    });
    await page.goto(at(`/oauth/authorize?${query}`));
    await said(page, "Tidy <Books>");
    await look(page, "portal-consent");
    await page.click("button[value=approve]");
    await page.waitForURL(`${callback}?**`);
    const { code } = Object.fromEntries(new URL(received.at(-1).url, callback).searchParams);
    const answer = exchange(app, secret, code, verifier);
    token = answer.access_token;
    expect(introspect(app, secret, token).active === true, JSON.stringify(answer));
    await context.close();
});

await check("portal an admin finds the app and revokes it and its token dies", async () => {
    const { page, troubles, context } = await enter(facts.admin, phone);
    await page.goto(at(`${organization}/apps`));
    await said(page, "Tidy <Books>");
    await look(page, "portal-connected");
    await page.click(`a[href$='/apps/${app}']`);
    await look(page, "portal-connected-app");
    await page.click(`a[href*='/apps/${app}/revoke']`);
    const typed = page.locator("main input[name=confirm]");
    if (await typed.count()) await typed.fill("Tidy <Books>");
    await page.click("main form button.danger, main form button:not(.link):not(.secondary)");
    await page.waitForURL(/done=/);
    expect(introspect(app, secret, token).active === false, "the token lives");
    expect(troubles.length === 0, troubles.join("; "));
    await context.close();
});

await check("portal other scopes send an active app back into review", async () => {
    const { page } = dora;
    await page.goto(at(`/developer/apps/${app}/scopes`));
    await page.check("input[name=scope] >> nth=1");
    await page.fill("input[name=why_1]", "To show the ledgers");
    const typed = page.locator("main input[name=confirm]");
    if (await typed.count()) await typed.fill("Tidy <Books>");
    await page.click("main form button:not(.link):not(.secondary)");
    await page.waitForURL(/done=/);
    await said(page, "Pending review");
});

await check("portal a personal access token is made and used and revoked", async () => {
    const { page, context } = await enter(facts.owner, phone);
    await page.goto(at("/account/tokens/new"));
    await page.fill("#name", "Nightly export");
    await page.click("main form button:not(.link):not(.secondary) >> nth=-1");
    const shown = await page.innerText("body");
    const pat = shown.match(/[a-z]+_pat_[A-Za-z0-9_-]+/)[0];
    await look(page, "portal-token");
    expect((await callApi("/api/developer/v1/me", pat)) === "200", "it does not work");
    await page.goto(at("/account/tokens"));
    expect(!(await page.content()).includes(pat), "it is shown twice");
    await page.click("main a[href^='/account/tokens/']:has-text('Nightly export'), main li:has-text('Nightly export') a");
    await page.fill("#confirm", "Nightly export");
    await page.click("main form button.danger");
    await page.waitForURL(/\/account\/tokens/);
    expect((await callApi("/api/developer/v1/me", pat)) === "401", "it works on");
    await context.close();
});

await check("portal a stranger asks for access and sees where it stands", async () => {
    const { page, context } = await visitor(phone);
    await page.goto(at("/access-requests/new"));
    await look(page, "portal-ask");
    await context.close();
});

await check("portal quiet", async () => {
    const troubles = [...dora.troubles, ...rita.troubles];
    expect(troubles.length === 0, troubles.join("; "));
});

// Every page, by whoever sees most of it.
const ofApp = (tab) => `/developer/apps/${app}${tab}`;
const pages = [
    [developer, "/developer", "/developer/apps/new", "/developer/apps/new?kind=public", ofApp(""), ofApp("/details"),
        ofApp("/logo"), ofApp("/scopes"), ofApp("/team"), ofApp("/history"), ofApp("/consent?lang=fr"),
        ofApp("/credentials"), ofApp("/credentials/keys"), ofApp("/failures"), ofApp("/webhooks"),
        ofApp(`/webhooks/${endpoint}`), ofApp(`/webhooks/${endpoint}/edit`), ofApp(`/webhooks/${endpoint}/rotate`),
        ofApp(`/webhooks/${endpoint}/resend`), ofApp(`/webhooks/${endpoint}/deliveries/${delivery}`)],
    [facts.owner, organization, `${organization}/members`, `${organization}/apps`, `${organization}/policy`,
        `${organization}/audit`, `${organization}/tokens`, `${organization}/tokens/new`, `${organization}/leave`,
        "/organizations", "/account", "/account/tokens", "/account/tokens/new"],
    [administrator, "/admin", "/admin/reviews", `/admin/reviews/${app}`, "/admin/apps", `/admin/apps/${app}`,
        "/admin/people", "/admin/health", "/admin/access-requests", "/docs", "/docs/authentication", "/docs/organizations",
        "/docs/scopes", "/docs/verify", "/docs/routes", "/docs/webhooks", "/docs/errors", "/docs/api"],
];
const BYTES_MAX = 60 * 1024;
for (const [view, options] of [["phone-dark", phone], ["desk-light", desk]]) {
    for (const [who, ...paths] of pages) {
        const { page, context } = await enter(who, options);
        let bytes = 0;
        page.on("response", async (response) => (bytes += (await response.body().catch(() => "")).length));
        for (const path of paths) {
            const plain = path.replace(endpoint, "endpoint").replace(delivery, "delivery");
            const name = plain.replace(app, "app").replace(String(facts.organization.id), "org");
            await check(`${view} ${name}`, async () => {
                bytes = 0;
                const response = await page.goto(at(path), { waitUntil: "networkidle" });
                expect(response.status() === 200, `${response.status()}`);
                await look(page, `${view}${name.replace(/[^a-z]+/g, "-")}`);
                expect(bytes <= BYTES_MAX, `${bytes} bytes with everything`);
            });
        }
        await context.close();
    }
}

await end();

// More stories of the portal in Chromium: a developer takes a submission back, a private app gets its token, an access
// request becomes an app, a stakeholder and a plain member see only what they may, and, where the profile says so, scopes
// that are added wait while the app goes on.
//
//   GRANTD=… node people.mjs FACTS SCREENSHOTS CHROMIUM DATA NAME
//
// One line per check, "ok NAME" or "FAILED NAME: why".

import { execFileSync } from "node:child_process";
import { callback, check, end, expect, facts, look, signIn, visitor } from "./world.mjs";

const [data, name] = process.argv.slice(5);
const staged = name === "staged";
const phone = { viewport: { width: 390, height: 844 }, colorScheme: "light" };
const desk = { viewport: { width: 1280, height: 900 }, colorScheme: "dark" };
const password = "heron-cobalt-31-parsley";
const send = "main form button:not(.link):not(.secondary)";
const at = (path) => `${facts.issuer}${path}`;
const grantd = (args, input = "") =>
    JSON.parse(execFileSync(process.env.GRANTD, [...args, "--json", "--data", data], { input }));

function person(email, role) {
    grantd(["user", "add", "--name", email.split("@")[0], "--password-stdin", email], `${password}\n`);
    if (role) grantd(["org", "member", String(facts.organization.id), email, "--role", role]);
    return { email, password };
}

async function enter(who, options) {
    const { page, troubles, context } = await visitor(options);
    await page.goto(at("/login"));
    await signIn(page, who);
    await page.waitForURL(at("/account"));
    return { page, troubles, context };
}

async function said(page, ...texts) {
    const body = await page.innerText("body");
    for (const text of texts) {
        expect(body.includes(text), `"${text}" does not stand on ${page.url()}: ${body.slice(0, 400)}`);
    }
}

async function status(page, path) {
    return (await page.goto(at(path))).status();
}

/** The second step of a new app: these scopes, by their place in the catalog. */
async function wish(page, app, ...places) {
    await page.goto(at(`/developer/apps/${app}/scopes`));
    for (const place of places) {
        await page.check(`input[name=scope] >> nth=${place}`);
        await page.fill(`input[name=why_${place}]`, "To show it");
    }
    await page.click(send);
    await page.waitForURL(/done=scopes/);
}

async function register(page, kind, name, more) {
    await page.goto(at(`/developer/apps/new?kind=${kind}`));
    await page.fill("#name", name);
    await page.setInputFiles("input[type=file]", {
        name: "logo.png",
        mimeType: "image/png",
        buffer: Buffer.from(
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
            "base64",
        ),
    });
    await page.fill("#company", "Tidy Inc.");
    await page.fill("#website", "https://tidy.example/");
    await more();
    await page.click(send);
    await page.waitForURL(/\/scopes\?step=2/);
    return page.url().match(/apps\/([^/]+)\//)[1];
}

const world = staged ? "staged" : "people";
const developer = person(`dan.${world}@example.com`, "developer");
const reviewer = person(`ria.${world}@example.com`);
grantd(["user", "duty", reviewer.email, "reviewer"]);
const stakeholder = person(`sven.${world}@elsewhere.example`);
const dan = await enter(developer, phone);

const publicApp = () =>
    register(dan.page, "public", "Ledger View", async () => {
        await dan.page.fill("#redirect_uris", callback);
        await dan.page.fill("#stakeholders", stakeholder.email);
    });

async function approve(app) {
    const { page, context } = await enter(reviewer, desk);
    await page.goto(at(`/admin/reviews/${app}`));
    await look(page, `${world}-review`);
    await page.click("button[name=decision][value=approved]");
    await page.waitForURL((url) => !url.pathname.endsWith(app));
    await context.close();
}

async function withdraw(app, text) {
    const { page } = dan;
    await page.goto(at(`/developer/apps/${app}`));
    await page.click(`a[href='/developer/apps/${app}/review']`);
    await said(page, text);
    await look(page, `${world}-withdraw`);
    await page.click("button[name=do][value=withdraw]");
    await page.waitForURL(/done=withdrawn/);
    await look(page, `${world}-withdrawn`);
}

if (staged) {
    await check("staged added scopes wait while the app goes on", async () => {
        const { page } = dan;
        const app = await publicApp();
        await wish(page, app, 0);
        await approve(app);
        await page.goto(at(`/developer/apps/${app}/scopes`));
        await said(page, "what you add waits for a reviewer");
        await wish(page, app, 1);
        await said(page, "Active", "wait for a reviewer");
        await look(page, "staged-waiting");
        await approve(app);
        await page.goto(at(`/developer/apps/${app}`));
        expect(!(await page.innerText("body")).includes("wait for a reviewer"), "they wait still");
        await wish(page, app, 2);
        await withdraw(app, "The application goes on with the scopes it has.");
        await said(page, "The submission is withdrawn.", "Active");
    });
} else {
    let app = "";
    await check("people a developer takes a submission back and hands it in again", async () => {
        const { page } = dan;
        app = await publicApp();
        await wish(page, app, 0);
        await said(page, "Pending review");
        await withdraw(app, "it is a draft again");
        await said(page, "Draft", "nothing is missing");
        await page.click(`a[href='/developer/apps/${app}/review']`);
        await look(page, "people-submit");
        await page.click("button[name=do][value=submit]");
        await page.waitForURL(/done=submitted/);
        await said(page, "Pending review");
    });

    await check("people a private app gets its token", async () => {
        const { page } = dan;
        const automation = await register(page, "private", "Night Export", async () => {
            const himself = page.locator("#dedicated_user option", { hasText: developer.email });
            await page.selectOption("#dedicated_user", await himself.getAttribute("value"));
        });
        await wish(page, automation, 0);
        await said(page, "Active");
        await page.goto(at(`/developer/apps/${automation}/credentials`));
        await page.fill("#token-label", "By hand");
        await page.click("form[action$='/credentials/tokens'] button");
        const shown = await page.innerText("body");
        const [token] = shown.match(/eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+/);
        await look(page, "people-private-token");
        const call = () =>
            execFileSync("curl", [
                "-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", facts.ca_file,
                "-H", `Authorization: Bearer ${token}`, at("/api/v1/profile"),
            ]).toString();
        expect(["200", "404"].includes(call()), `the API answers ${call()}`);
        await page.goto(at(`/developer/apps/${automation}/credentials`));
        expect(!(await page.content()).includes(token), "it is shown twice");
        await page.click("a[href*='/credentials/tokens/']");
        await look(page, "people-private-revoke");
        const typed = page.locator("main input[name=confirm]");
        if (await typed.count()) await typed.fill("By hand");
        await page.click("main form button.danger");
        await page.waitForURL(/\/credentials$/);
        expect(call() === "401", `the API answers ${call()}`);
    });

    await check("people a stakeholder sees the app and changes nothing", async () => {
        const { page, troubles, context } = await enter(stakeholder, phone);
        await page.goto(at("/developer"));
        await said(page, "Ledger View");
        await look(page, "people-stakeholder-list");
        expect((await status(page, `/developer/apps/${app}`)) === 200, "they do not see it");
        await look(page, "people-stakeholder");
        const links = await page.locator("main a").evaluateAll((all) => all.map((a) => a.getAttribute("href")));
        const changing = links.filter((href) => /\/(details|scopes|team|credentials|review|transfer)/.test(href));
        expect(changing.length === 0, changing.join(" "));
        for (const tab of ["details", "scopes", "team", "credentials", "review", "failures"]) {
            expect((await status(page, `/developer/apps/${app}/${tab}`)) === 403, tab);
        }
        expect((await status(page, `/organizations/${facts.organization.id}`)) === 404, "they are no member");
        expect(troubles.length === 0, troubles.join("; "));
        await context.close();
    });

    await check("people a plain member sees the organization and none of its apps", async () => {
        const { page, troubles, context } = await enter(person("mia.member@example.com", "member"), phone);
        const organization = `/organizations/${facts.organization.id}`;
        expect((await status(page, organization)) === 200, "they do not see it");
        await look(page, "people-member");
        for (const tab of ["members", "apps", "policy", "audit", "tokens"]) {
            expect((await status(page, `${organization}/${tab}`)) === 403, tab);
            await page.goto(at(organization));
            expect((await page.locator(`main a[href='${organization}/${tab}']`).count()) === 0, `a way to ${tab}`);
        }
        expect((await status(page, `/developer/apps/${app}`)) === 404, "they see the app");
        await page.goto(at("/developer"));
        await look(page, "people-member-developer");
        expect((await page.locator("a[href='/developer/apps/new']").count()) === 0, "they may make apps");
        expect(troubles.length === 0, troubles.join("; "));
        await context.close();
    });

    // An app, and a personal access token.
    for (const [kind, name] of [["private", "an app"], ["personal_token", "a personal access token"]]) {
        await check(`people an access request becomes ${name}`, async () => {
            const email = `ida.${kind}@asking.example`;
            const asker = await visitor(phone);
            await asker.page.goto(at("/access-requests/new"));
            await asker.page.fill("#name", "Ida Asker");
            await asker.page.fill("#organization", `Asking ${kind}`);
            await asker.page.fill("#email", email);
            await asker.page.check("input[name=integration][value=direct_system]");
            await asker.page.fill("#description", "We sync our books every night.");
            await asker.page.click(send);
            const link = await asker.page.getAttribute("a[href*='/access-requests/status']", "href");
            await look(asker.page, `people-asked-${kind}`);

            const { page, context } = await enter(facts.administrator, desk);
            await page.goto(at("/admin/access-requests"));
            await page.click(`a:has-text("Asking ${kind}")`);
            await look(page, `people-request-${kind}`);
            await page.fill("#organization_name", `Asking ${kind}`);
            await page.check(`input[name=kind][value=${kind}]`);
            const named = page.locator("#app_name");
            if (await named.count()) await named.fill("Sync");
            await page.check("input[name=scopes] >> nth=0");
            await page.click("button[name=decision][value=accept]");
            const invitation = (await page.innerText("body")).match(/https:\S+\/invitation\S+/)[0];
            await look(page, `people-answered-${kind}`);
            await context.close();

            await asker.page.goto(invitation);
            await asker.page.fill("#name", "Ida");
            await asker.page.fill("input[name=new_password]", password);
            await asker.page.click(send);
            await asker.page.fill("#email", email);
            await asker.page.fill("#password", password);
            await asker.page.click("main button");
            await asker.page.goto(new URL(link, facts.issuer).href);
            await look(asker.page, `people-offer-${kind}`);
            await asker.page.click(send);
            const secret = kind === "private" ? /[a-z]+_secret_[A-Za-z0-9_-]+/ : /[a-z]+_pat_[A-Za-z0-9_-]+/;
            const [shown] = (await asker.page.innerText("body")).match(secret);
            await look(asker.page, `people-given-${kind}`);
            await asker.page.goto(new URL(link, facts.issuer).href);
            expect(!(await asker.page.content()).includes(shown), "it is shown twice");
            expect(asker.troubles.length === 0, asker.troubles.join("; "));
            await asker.context.close();
        });
    }
}

await check(`${world} quiet`, async () => expect(dan.troubles.length === 0, dan.troubles.join("; ")));
await end();

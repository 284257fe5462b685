// The pages in Chromium, against the real program over TLS: every step of a user's way, at the width of a phone and of a
// desk, in light and in dark.
//
//   node pages.mjs FACTS SCREENSHOTS CHROMIUM
//
// One line per check, "ok NAME" or "FAILED NAME: why".

import { authorize, callback, check, end, expect, facts, look, received, signIn, state, visitor } from "./world.mjs";

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

await end();

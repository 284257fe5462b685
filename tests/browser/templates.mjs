// What only a profile with native templates, API keys, libraries and many routes shows, in Chromium.
//
//   node templates.mjs FACTS SCREENSHOTS CHROMIUM
//
// One line per check, "ok NAME" or "FAILED NAME: why".

import { check, end, expect, facts, look, signIn, visitor } from "./world.mjs";

const views = {
    "phone-dark": { viewport: { width: 390, height: 844 }, colorScheme: "dark" },
    "desk-light": { viewport: { width: 1280, height: 900 }, colorScheme: "light" },
};
for (const [view, options] of Object.entries(views)) {
    await check(`${view} /admin/native-templates`, async () => {
        const { page, troubles, context } = await visitor(options);
        await page.goto(`${facts.issuer}/login`);
        await signIn(page, facts.administrator);
        await page.waitForURL(`${facts.issuer}/account`);
        await page.goto(`${facts.issuer}/admin`);
        await page.click("a[href='/admin/native-templates']");
        const icons = page.locator("main img");
        expect((await icons.count()) === 3, "three platforms");
        for (const icon of await icons.all()) {
            expect(await icon.evaluate((image) => image.complete && image.naturalWidth > 0), "an icon does not show");
        }
        await look(page, `${view}-admin-native-templates`);
        expect(troubles.length === 0, troubles.join("; "));
        await context.close();
    });
}

for (const [view, options] of Object.entries(views)) {
    const { page, troubles, context } = await visitor(options);
    await page.goto(`${facts.issuer}/login`);
    await signIn(page, facts.owner);
    await page.waitForURL(`${facts.issuer}/account`);
    const keys = `/organizations/${facts.organization.id}/keys`;
    for (const [name, path, words] of [
        ["keys", keys, "API keys"], ["docs", "/docs", "MakePay PHP SDK"], ["routes", "/docs/routes", "/wallet/balances"],
        ["errors", "/docs/errors", "wrong_company"], ["organizations", "/docs/organizations", "company_id"],
    ]) {
        await check(`${view} makecrypto ${name}`, async () => {
            await page.goto(`${facts.issuer}${path}`);
            expect((await page.innerText("body")).includes(words), `"${words}" does not stand there`);
            await look(page, `${view}-makecrypto-${name}`);
            expect(troubles.length === 0, troubles.join("; "));
        });
    }
    await context.close();
}

await end();

// What only a profile with native templates shows, in Chromium.
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

await end();

// The page of a payment link of the sandbox, in Chromium.
//
//   node checkout.mjs FACTS SCREENSHOTS CHROMIUM
//
// One line per check, "ok NAME" or "FAILED NAME: why".

import { request } from "node:https";
import { check, end, expect, facts, look, visitor } from "./world.mjs";

/** A new payment link, made with the organization's API key as a shop makes it. */
function link(payload) {
    const body = JSON.stringify({ payload });
    const headers = {
        "X-MakePay-Key-Id": facts.api_key.id,
        "X-MakePay-Key-Secret": facts.api_key.secret,
        "Content-Type": "application/json",
        "Content-Length": Buffer.byteLength(body),
    };
    const at = `${facts.issuer}/api/partner/v1/makepay/payment-links`;
    return new Promise((resolve, reject) => {
        const sent = request(at, { method: "POST", headers, rejectUnauthorized: false }, async (answer) => {
            const text = Buffer.concat(await answer.toArray()).toString();
            if (answer.statusCode === 201) resolve(JSON.parse(text).paymentLink.uid);
            else reject(new Error(text));
        });
        sent.on("error", reject).end(body);
    });
}

const wordy = {
    amount: "1234567.89",
    fiatCurrency: "EUR",
    title: "A year of everything, with all that goes along with it, for a team of forty",
    description: "Donaudampfschifffahrtsgesellschaftskapitaensmuetzenabzeichenverleihurkunde. ".repeat(3),
    orderId: "order-2026-0000000000000000000000000000000000000001",
};
const sizes = { phone: { width: 390, height: 844 }, desk: { width: 1280, height: 900 } };
for (const [size, viewport] of Object.entries(sizes)) {
    for (const colorScheme of ["light", "dark"]) {
        const view = `${size}-${colorScheme}`;
        const { page, troubles, context } = await visitor({ viewport, colorScheme });
        const status = () => page.locator("dl").innerText();
        await check(`${view} /payment/link`, async () => {
            const response = await page.goto(`${facts.issuer}/payment/${await link(wordy)}`);
            expect(response.status() === 200, `${response.status()}`);
            await look(page, `${view}-payment-link`);
        });
        await check(`${view} /payment/link started`, async () => {
            await page.click("main button");
            await page.waitForSelector("#status");
            expect((await status()).includes("SANDBOX-DO-NOT-SEND"), "no address is shown");
            await look(page, `${view}-payment-started`);
        });
        await check(`${view} /payment/link advanced`, async () => {
            // With the keyboard alone.
            const before = await status();
            await page.focus("#status");
            await page.keyboard.press("End");
            await page.keyboard.press("Tab");
            expect(await page.evaluate(() => document.activeElement.matches("main button")), "the button is not next");
            await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
            expect((await status()) !== before, "nothing changed");
            await look(page, `${view}-payment-advanced`);
        });
        await check(`${view} /payment/link quiet`, async () => {
            await page.goto(`${facts.issuer}/payment/${await link({ amount: "5", fiatCurrency: "USD" })}`);
            await look(page, `${view}-payment-plain`);
            expect((await context.cookies()).length === 0, "there is a cookie");
            expect(troubles.length === 0, troubles.join("; "));
        });
        await context.close();
    }
}

await end();

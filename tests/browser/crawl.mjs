// Every page that links lead to, in Chromium: by whoever runs an organization, by whoever runs the server, and by nobody
// in particular. One page of each form: two apps look alike.
//
//   node crawl.mjs FACTS SCREENSHOTS CHROMIUM     (it makes no screenshots)
//
// One line per check, "ok NAME" or "FAILED NAME: why".

import { check, end, expect, facts, signIn, sound, visitor } from "./world.mjs";

const phone = { viewport: { width: 390, height: 844 }, colorScheme: "light" };
const desk = { viewport: { width: 1280, height: 900 }, colorScheme: "dark" };
const PAGES_MAX = 150;

/** A path with its ids left out. */
const form = (path) =>
    path
        .split("/")
        .map((part) => (/[0-9_A-Z]/.test(part) ? "-" : part))
        .join("/");

async function crawl(name, who, start, least, options) {
    // The documentation is the same for everybody.
    const others = (path) => who && path.startsWith("/docs/");
    const { page, troubles, context } = await visitor(options);
    if (who) {
        await page.goto(`${facts.issuer}/login`);
        await signIn(page, who);
        await page.waitForURL(`${facts.issuer}/account`);
    }
    const [waiting, seen, wrong] = [[...start], new Set(start.map(form)), []];
    while (waiting.length > 0 && seen.size <= PAGES_MAX) {
        const path = waiting.shift();
        const response = await page.goto(`${facts.issuer}${path}`);
        try {
            expect(response.status() === 200, `${response.status()}`);
            await sound(page);
        } catch (error) {
            wrong.push(`${path}: ${error.message}`);
        }
        const links = await page.locator("a[href^='/']").evaluateAll((all) => all.map((a) => a.getAttribute("href")));
        for (const link of links.map((link) => link.split(/[?#]/)[0])) {
            // Files are no pages.
            if (seen.has(form(link)) || others(link) || /\.(csv|json)$/.test(link)) continue;
            seen.add(form(link));
            waiting.push(link);
        }
    }
    await check(`crawl ${name}`, async () => {
        expect(seen.size >= least, `only ${seen.size} pages: ${[...seen].join(" ")}`);
        expect(wrong.length === 0, wrong.join(" ; "));
        expect(troubles.length === 0, troubles.join("; "));
    });
    await context.close();
}

await crawl("stranger", null, ["/login", "/docs"], 9, phone);
await crawl("owner", facts.owner, ["/account"], 33, phone);
await crawl("administrator", facts.administrator, ["/account"], 12, desk);
await end();

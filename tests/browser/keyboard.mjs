// The whole way by keyboard alone, with JavaScript and without it: sign-in, the choice of an organization, yes and no.
// And callbacks that send the browser on to another origin.
//
//   GRANTD=… node keyboard.mjs FACTS SCREENSHOTS CHROMIUM DATA
//
// One line per check, "ok NAME" or "FAILED NAME: why".

import { execFileSync } from "node:child_process";
import { authorize, callback, check, end, expect, facts, picture, received, serve, state, visitor } from "./world.mjs";

const data = process.argv[5];
const stops_max = 20;

// Somebody with two organizations, who has to choose.
const who = { email: "keys@example.com", password: "otter-satchel-9-velvet" };
function grantd(args, input = "") {
    return JSON.parse(execFileSync(process.env.GRANTD, [...args, "--json", "--data", data], { input }));
}
grantd(["user", "add", "--name", "Kim Keys", "--password-stdin", who.email], `${who.password}\n`);
const organizations = ["Lapwing & Sons", "Northwind"].map((name) => {
    const { id } = grantd(["org", "create", name]);
    grantd(["org", "member", String(id), who.email, "--role", "owner"]);
    return String(id);
});

/** What has the focus: what it is, and whether one sees so. */
async function focused(page) {
    return page.evaluate(() => {
        const element = document.activeElement;
        const style = getComputedStyle(element);
        const box = element.getBoundingClientRect();
        return {
            what: `${element.tagName.toLowerCase()} ${element.name ?? ""} ${element.value || element.textContent.trim()}`,
            id: element.id,
            name: element.name ?? "",
            value: element.value ?? "",
            checked: element.checked ?? false,
            visible: element.matches(":focus-visible"),
            outline: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
            onScreen: box.width > 0 && box.bottom > 0 && box.top < window.innerHeight,
        };
    });
}

function expectSeen(at) {
    const seen = at.visible && at.outline >= 2 && at.onScreen;
    expect(seen, `the focus does not show on ${at.what}: ${JSON.stringify(at)}`);
}

/** Tab until `wanted`; the focus shows at every stop. */
async function tabTo(page, wanted) {
    const passed = [];
    for (let stops = 0; stops < stops_max; stops += 1) {
        await page.keyboard.press("Tab");
        const at = await focused(page);
        expectSeen(at);
        if (wanted(at)) return at;
        passed.push(at.what);
    }
    throw new Error(`not reached by Tab, only ${passed.join(", ")}`);
}

/** Signs in as whoever has only a keyboard. The focus stands in the first field already. */
async function signIn(page) {
    const first = await focused(page);
    expect(first.id === "email", `the focus is on ${first.what}`);
    expectSeen(first);
    await page.keyboard.type(who.email);
    await tabTo(page, (at) => at.id === "password");
    await page.keyboard.type(who.password);
    await page.keyboard.press("Enter");
    await page.waitForSelector("button[value=approve]");
}

/** Arrows choose among the organizations; the second one is taken. */
async function choose(page) {
    const first = await tabTo(page, (at) => at.name === "organization");
    await page.keyboard.press("Space");
    await page.keyboard.press("ArrowDown");
    const second = await focused(page);
    expectSeen(second);
    const both = [first.value, second.value];
    expect(organizations.every((id) => both.includes(id)), `offered are ${both}`);
    expect(second.checked, "the arrow did not choose");
    return second.value;
}

async function decide(page, decision, key) {
    await tabTo(page, (at) => at.name === "decision" && at.value === decision);
    await page.keyboard.press(key);
}

for (const [how, javaScriptEnabled] of [["with script", true], ["without script", false]]) {
    const { context, page, troubles } = await visitor({ javaScriptEnabled, viewport: { width: 1280, height: 800 } });
    const shot = (name) => picture(page, `keyboard-${how.replace(" ", "-")}-${name}`);
    await check(`keyboard ${how} sign-in`, async () => {
        await page.goto(authorize());
        await shot("sign-in");
        await signIn(page);
    });
    await check(`keyboard ${how} nothing chosen`, async () => {
        // The browser itself asks for a choice first, and stays.
        received.length = 0;
        await decide(page, "approve", "Enter");
        expect(page.url().startsWith(`${facts.issuer}/oauth/authorize?`) && received.length === 0, page.url());
        expect((await focused(page)).name === "organization", "the focus is not where something is missing");
    });
    await check(`keyboard ${how} organization`, async () => {
        await page.goto(authorize());
        await choose(page);
        await shot("organization");
    });
    await check(`keyboard ${how} approve`, async () => {
        received.length = 0;
        await tabTo(page, (at) => at.name === "decision" && at.value === "approve");
        await shot("approve");
        await page.keyboard.press("Space");
        await page.waitForURL(`${callback}?**`);
        const sent = new URL(received[0].url, callback).searchParams;
        expect(sent.get("code") && sent.get("state") === state && sent.get("iss") === facts.issuer, received[0].url);
    });
    await check(`keyboard ${how} last choice`, async () => {
        await page.goto(authorize());
        const at = await tabTo(page, (at) => at.name === "organization");
        expect(at.checked, "the organization of the last time is not chosen");
    });
    await check(`keyboard ${how} deny`, async () => {
        received.length = 0;
        await decide(page, "deny", "Enter");
        await page.waitForURL(`${callback}?**`);
        const sent = new URL(received[0].url, callback).searchParams;
        expect(sent.get("error") === "access_denied" && sent.get("state") === state && !sent.get("code"), received[0].url);
    });
    await check(`keyboard ${how} sign-out`, async () => {
        await page.goto(`${facts.issuer}/account`);
        await tabTo(page, (at) => at.what.endsWith("Sign out"));
        await shot("account");
        await page.keyboard.press("Enter");
        await page.waitForSelector("#password");
    });
    await check(`keyboard ${how} quiet`, async () => expect(troubles.length === 0, troubles.join("; ")));
    await context.close();
}

// A callback that sends the browser on, with whatever it was sent, to an origin that no page of ours ever named.
const landed = [];
const further = await serve((sent) => {
    if (sent.url.startsWith("/landed")) landed.push(sent);
}, "localhost");
const hop = await serve(({ method, url, body }, response) => {
    if (!url.startsWith("/callback")) return false;
    const query = method === "POST" ? body : url.split("?")[1];
    response.writeHead(303, { location: `http://localhost:${further}/landed?${query}` }).end();
    return true;
});

for (const [how, javaScriptEnabled] of [["with script", true], ["without script", false]]) {
    for (const mode of ["query", "form_post"]) {
        const { context, page, troubles } = await visitor({ javaScriptEnabled });
        const asking = authorize({ redirect_uri: `http://127.0.0.1:${hop}/callback`, response_mode: mode });
        for (const decision of ["approve", "deny"]) {
            await check(`another origin ${how} ${mode} ${decision}`, async () => {
                landed.length = 0;
                await page.goto(asking);
                if (decision === "approve") {
                    await signIn(page);
                    await choose(page);
                }
                await decide(page, decision, "Enter");
                if (mode === "form_post" && !javaScriptEnabled) {
                    await page.waitForSelector(`form[action$="/callback"]`);
                    await tabTo(page, (at) => at.what.startsWith("button"));
                    await page.keyboard.press("Enter");
                }
                await page.waitForURL(`http://localhost:${further}/landed?**`);
                const sent = new URL(landed[0].url, "http://localhost").searchParams;
                const answered = decision === "approve" ? sent.get("code") : sent.get("error") === "access_denied";
                expect(answered && sent.get("state") === state && sent.get("iss") === facts.issuer, landed[0].url);
                expect(troubles.length === 0, troubles.join("; "));
            });
        }
        await context.close();
    }
}

await end();

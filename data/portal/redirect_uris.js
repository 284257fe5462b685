// Says below the field which rule a redirect URI breaks, while it is typed. The rules are those that stand there in
// words, in the reader's language; without this script they stand there too. The server judges again, and everything.
const field = document.getElementById("redirect_uris");
const rules = document.getElementById("redirect_uris-rules");

const LOOPBACK = ["127.0.0.1", "[::1]", "localhost"];
const limit = (name) => Number(rules.dataset[name]);

/** Where apps that keep no secret have schemes of their own; the form may let one choose. */
function isPublic() {
    const chosen = document.querySelector("input[name=client_type]:checked");
    return (chosen ? chosen.value : rules.dataset.client) === "public";
}

/** Whether more typing can still make this a good beginning. */
function mayBecome(uri) {
    const starts = ["https://", ...LOOPBACK.map((host) => `http://${host}`)];
    return starts.some((start) => start.startsWith(uri)) || (isPublic() && /^[a-z][a-z0-9+.-]*:?$/.test(uri));
}

/** The URI as a browser spells it, or nothing where it is none. */
function parsed(uri) {
    try {
        return new URL(uri);
    } catch {
        return null;
    }
}

/** The names of the rules that one URI breaks. `typing`: the caret stands in it, so it may not be whole yet. */
function broken(uri, typing) {
    const found = [];
    if (uri.length > limit("characters") || !/^[\x21-\x7e]*$/.test(uri)) found.push("length");
    if (uri.includes("#")) found.push("fragment");
    if (uri.includes("*")) found.push("wildcard");
    const url = parsed(uri);
    if (typing && (!url || mayBecome(uri))) {
        const scheme = uri.match(/^([a-z][a-z0-9+.-]*):\/\//i);
        const wrong = scheme && !/^https?$/i.test(scheme[1]) && !(isPublic() && scheme[1].includes("."));
        return wrong ? [...found, "scheme"] : found;
    }
    if (!url) return found.length ? found : ["scheme"];
    const own = isPublic() && url.protocol.includes(".") && uri.slice(url.protocol.length).startsWith("/");
    const local = url.protocol === "http:" && LOOPBACK.includes(url.hostname);
    if (!(url.protocol === "https:" || local || own)) found.push("scheme");
    if (url.username || url.password) found.push("parts");
    const [before, ...query] = uri.split("?");
    const bare = url.pathname === "/" && url.href === [`${before}/`, ...query].join("?");
    if (!found.length && url.href !== uri && !bare) found.push("exact");
    return found;
}

/** Which line the caret stands in; none where the field has not the focus. */
function typedLine() {
    if (document.activeElement !== field) return -1;
    return field.value.slice(0, field.selectionStart).split("\n").length - 1;
}

function judge() {
    const typed = typedLine();
    const lines = field.value.split("\n").map((line) => line.trim());
    const uris = lines.filter((line) => line);
    const faults = [];
    lines.forEach((uri, at) => {
        if (!uri) return;
        for (const rule of broken(uri, at === typed)) faults.push([rule, uri]);
        if (lines.indexOf(uri) < at) faults.push(["twice", uri]);
    });
    if (uris.length > limit("count")) faults.push(["count", ""]);
    if (uris.join("").length > limit("together")) faults.push(["length", ""]);
    return faults;
}

/** The sentence of a rule: the one that stands there. */
function rule(name) {
    return rules.querySelector(`[data-rule=${name}]:not([hidden])`);
}

function show(said) {
    for (const item of rules.querySelectorAll("[data-client-type]")) {
        item.hidden = (item.dataset.clientType === "public") !== isPublic();
    }
    const faults = judge();
    for (const item of rules.children) item.classList.remove("broken");
    const sentences = faults.map(([name, uri]) => {
        const item = rule(name);
        item.classList.add("broken");
        const sentence = document.createElement("p");
        if (uri) {
            const code = document.createElement("code");
            code.textContent = uri.length > 60 ? `${uri.slice(0, 60)}…` : uri;
            sentence.append(code, " ");
        }
        sentence.append(item.textContent);
        return sentence;
    });
    said.replaceChildren(...sentences);
    said.hidden = !sentences.length;
}

if (field && rules) {
    const said = document.createElement("div");
    said.id = "redirect_uris-typed";
    said.className = "fault";
    said.setAttribute("role", "status");
    field.after(said);
    for (const event of ["input", "change", "blur", "keyup", "click"]) field.addEventListener(event, () => show(said));
    for (const choice of document.querySelectorAll("input[name=client_type]")) {
        choice.addEventListener("change", () => show(said));
    }
    show(said);
}

// A browser without pictures: it follows redirects, keeps cookies and sends the forms of a page as they stand.

import assert from "node:assert/strict";
import { parse } from "node-html-parser";
import { facts } from "./flows.mjs";

const { origin } = new URL(facts.issuer);

export class Browser {
  #cookies = new Map();

  /** The page at the end of the redirects, or the address outside of the server where they lead. */
  async open(address, init = {}) {
    let url = new URL(address, origin);
    for (let hops = 0; hops < 10; hops += 1) {
      if (url.origin !== origin) return { left: url };
      const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
      const headers = { accept: "text/html", ...init.headers, ...(cookie && { cookie }) };
      const response = await fetch(url, { ...init, headers, redirect: "manual" });
      for (const line of response.headers.getSetCookie()) this.#keep(line);
      if (response.status !== 303 && response.status !== 302) {
        const text = await response.text();
        return { status: response.status, url, text, page: parse(text) };
      }
      url = new URL(response.headers.get("location"), url);
      init = {};
    }
    throw new Error("too many redirects");
  }

  #keep(line) {
    const [pair] = line.split(";");
    const at = pair.indexOf("=");
    if (/max-age=0/i.test(line)) this.#cookies.delete(pair.slice(0, at));
    else this.#cookies.set(pair.slice(0, at), pair.slice(at + 1));
  }

  /** Sends the one form of a page that has a field of this name, with what a person puts in. */
  async send(seen, field, values) {
    const form = seen.page.querySelectorAll("form").find((form) => form.querySelector(`[name="${field}"]`));
    assert.ok(form, `no form has the field ${field}: ${seen.status} ${seen.text}`);
    const body = new URLSearchParams();
    for (const input of form.querySelectorAll('input[type="hidden"], input[checked]')) {
      body.append(input.getAttribute("name"), input.getAttribute("value") ?? "");
    }
    for (const [name, value] of Object.entries(values)) body.set(name, value);
    assert.equal(form.getAttribute("method")?.toLowerCase(), "post");
    return this.open(new URL(form.getAttribute("action"), seen.url), { method: "POST", body });
  }
}

/** A person signs in and decides; resolves to the address they are sent back to. */
export async function decide(address, decision = "approve") {
  const browser = new Browser();
  const signIn = await browser.open(address);
  const consent = await browser.send(signIn, "password", facts.owner);
  const organization = `${facts.organization.id}`;
  const done = await browser.send(consent, "decision", { organization, decision });
  assert.ok(done.left, `the way back is missing: ${done.status} ${done.text}`);
  return done.left;
}

"""Prepares a server for its fuzzing: a token that may do everything, apps in several states, and the file that tells
schemathesis of them. `world.py FACTS DIRECTORY` writes DIRECTORY/schemathesis.toml, DIRECTORY/token, and DIRECTORY/other with a token that
may be lost."""

import base64
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import requests

FACTS = json.loads(Path(sys.argv[1]).read_text())
DIRECTORY = Path(sys.argv[2])
ISSUER = FACTS["issuer"]
ORGANIZATION = str(FACTS["organization"]["id"])
API = f"{ISSUER}/api/developer/v1"
# One pixel.
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Forms(HTMLParser):
    """Every form of a page: where it goes, and what stands in it."""

    def __init__(self, page):
        super().__init__()
        self.forms = []
        self.feed(page.text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.forms.append({"action": attributes["action"], "fields": []})
        elif tag == "input" and self.forms and "name" in attributes:
            self.forms[-1]["fields"].append(attributes)


def with_field(page, name):
    for form in Forms(page).forms:
        if any(field["name"] == name for field in form["fields"]):
            return form
    raise AssertionError(f"no form of {page.url} has the field {name}: {page.status_code}")


def hidden(form):
    return [(field["name"], field["value"]) for field in form["fields"] if field.get("type") == "hidden"]


def token():
    """What the owner makes on the page of tokens, with every scope that is offered."""
    browser = requests.Session()
    browser.headers["Accept"] = "text/html"
    page = browser.get(f"{ISSUER}/login", timeout=30)
    form = with_field(page, "password")
    browser.post(urljoin(page.url, form["action"]), data=hidden(form) + list(FACTS["owner"].items()), timeout=30)
    page = browser.get(f"{ISSUER}/account/tokens/new?organization={ORGANIZATION}", timeout=30)
    form = with_field(page, "scope")
    scopes = [("scope", field["value"]) for field in form["fields"] if field["name"] == "scope"]
    data = hidden(form) + scopes + [("name", "Fuzzing"), ("expiry", "30")]
    made = browser.post(urljoin(page.url, form["action"]), data=data, timeout=30)
    found = re.search(r"[a-z]+_pat_[A-Za-z0-9_-]+", made.text)
    assert found, f"no token was made: {made.status_code} {made.text}"
    return found[0]


def ask_for_access():
    """What a stranger sends on the page of access requests, where there is one."""
    browser = requests.Session()
    page = browser.get(f"{ISSUER}/access-requests/new", timeout=30)
    if page.status_code == 404:
        return
    form = with_field(page, "email")
    data = hidden(form) + [
        ("name", "Grace"),
        ("organization", "Navy"),
        ("email", "grace@navy.example"),
        ("integration", "direct_system"),
        ("description", "Ships"),
    ]
    asked = browser.post(urljoin(page.url, form["action"]), data=data, timeout=30)
    assert asked.status_code < 400, f"{asked.status_code} {asked.text}"


class Caller:
    def __init__(self, text):
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {text}"

    def call(self, method, path, **more):
        answer = self.session.request(method, f"{API}{path}", timeout=30, **more)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None


def apps(caller):
    """A private app, a draft, one that waits for a reviewer, and those of the demo."""
    me = caller.call("GET", "/me")["id"]
    scope = a_scope(caller)
    why = [{"scope": scope, "why": "To try it."}]
    about = {"company": "Acme", "website": "https://acme.example", "privacy_policy": "https://acme.example/privacy"}
    all_of = f"/organizations/{ORGANIZATION}/apps"
    uris = {"redirect_uris": ["https://acme.example/callback"]}
    new = [
        {"kind": "private", "name": "Private", "dedicated_user": me, "scopes": why, **about},
        {"kind": "public", "name": "Draft"},
        {"kind": "public", "name": "Waiting", "scopes": why, **about, **uris},
    ]
    made = [caller.call("POST", all_of, json=app)["client_id"] for app in new]
    for client_id in (made[0], made[2]):
        headers = {"Content-Type": "image/png"}
        caller.call("PUT", f"/apps/{client_id}/logo", data=PICTURE, headers=headers)
    caller.call("POST", f"/apps/{made[0]}/tokens", json={"label": "One", "scopes": [scope]})
    caller.call("POST", f"/apps/{made[0]}/secrets", json={"label": "One"})
    listed = caller.call("GET", all_of)["items"]
    return [app["client_id"] for app in listed]


def a_scope(caller):
    """One that any app may ask for."""
    own = caller.call("GET", "/me")["token"]["scopes"]
    return next(scope for scope in own if not scope.startswith("grantd:"))


def requests_that_wait(caller):
    answer = caller.session.get(f"{API}/access-requests", timeout=30)
    return [request["id"] for request in answer.json()["items"]] if answer.ok else []


def dictionary(name, values):
    listed = ", ".join(json.dumps(value) for value in values)
    return f"[dictionaries.{name}]\nvalues = [{listed}]\n"


def main():
    ask_for_access()
    text = token()
    caller = Caller(text)
    known = {
        "organization": [ORGANIZATION],
        "client_id": apps(caller),
        "app": ["nightly-sync", "weekly-sync"],
        "user": [member["id"] for member in caller.call("GET", f"/organizations/{ORGANIZATION}/members")["items"]],
        "request": requests_that_wait(caller),
    }
    known["app"] += known["client_id"]
    known = {name: values for name, values in known.items() if values}
    lines = [dictionary(name, values) for name, values in known.items()]
    lines.append("[parameters]")
    # Mostly of what there is: what is unknown to everything is answered alike.
    lines += [f'"path.{name}" = {{ dictionary = "{name}", probability = 0.9 }}' for name in known]
    (DIRECTORY / "schemathesis.toml").write_text("\n".join(lines) + "\n")
    (DIRECTORY / "token").write_text(text)
    other = caller.call("POST", "/tokens", json={"name": "Other"})["secret"]
    (DIRECTORY / "other").write_text(other)


main()

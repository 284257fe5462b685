"""A browser without pictures: it follows redirects, keeps cookies and sends the forms of a page as they stand."""

from html.parser import HTMLParser
from urllib.parse import urljoin

import requests
from flows import FACTS, ISSUER


class Forms(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.forms = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.forms.append({"action": attributes["action"], "names": set(), "values": {}})
        elif tag in ("input", "button", "select", "textarea") and self.forms and "name" in attributes:
            form = self.forms[-1]
            form["names"].add(attributes["name"])
            if attributes.get("type") == "hidden" or "checked" in attributes:
                form["values"][attributes["name"]] = attributes.get("value") or ""


class Browser:
    def __init__(self):
        self.session = requests.Session()
        self.session.headers["Accept"] = "text/html"

    def open(self, address, form=None):
        """The page at the end of the redirects, or the address outside of the server where they lead."""
        method = "GET" if form is None else "POST"
        for _ in range(10):
            if not address.startswith(f"{ISSUER}/"):
                return address
            answer = self.session.request(method, address, data=form, allow_redirects=False, timeout=30)
            if answer.status_code not in (302, 303):
                return answer
            address, method, form = urljoin(answer.url, answer.headers["Location"]), "GET", None
        raise AssertionError("too many redirects")

    def send(self, page, field, values):
        """Sends the one form of a page that has a field of this name, with what a person puts in."""
        found = [form for form in Forms(page.text).forms if field in form["names"]]
        assert found, f"no form has the field {field}: {page.status_code} {page.text}"
        return self.open(urljoin(page.url, found[0]["action"]), {**found[0]["values"], **values})


def decide(address, decision="approve"):
    """A person signs in and decides; returns the address they are sent back to."""
    browser = Browser()
    sign_in = browser.open(address)
    consent = browser.send(sign_in, "password", FACTS["owner"])
    choice = {"organization": str(FACTS["organization"]["id"]), "decision": decision}
    back = browser.send(consent, "decision", choice)
    assert isinstance(back, str), f"the way back is missing: {back.status_code} {back.text}"
    return back

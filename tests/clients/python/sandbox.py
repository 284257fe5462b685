"""An API key at the sandbox, as a shop's own server uses it: requests, and nothing that knows grantd."""

import sys

import requests
from flows import FACTS, ISSUER, PROFILE, check, finish, flow

if PROFILE != "makecrypto":
    sys.exit("the profile makecrypto alone has API keys")

ROOT = f"{ISSUER}/api/partner/v1/makepay"
COMPANY = FACTS["organization"]["id"]
SESSION = requests.Session()
SESSION.headers.update(
    {"X-MakeCrypto-Key-Id": FACTS["api_key"]["id"], "X-MakeCrypto-Key-Secret": FACTS["api_key"]["secret"]}
)


def call(method, path, status, body=None, **headers):
    """The answer's JSON, of a call that must end with this status and without a redirect."""
    response = SESSION.request(
        method, f"{ROOT}{path}", json=body, headers=headers, timeout=30, allow_redirects=False
    )
    assert response.status_code == status, f"{method} {path}: {response.status_code} {response.text}"
    # What was sent to webhooks is the server's own.
    own = path.startswith("/webhook-")
    check(response.headers.get("X-Grantd-Sandbox"), None if own else "true")
    return response.json()


def refused(method, path, status, code, body=None, **headers):
    """Errors are a sentence under `error` and a code under `errorCode`."""
    answer = call(method, path, status, body, **headers)
    assert answer["error"].endswith("."), answer
    check(answer["errorCode"], code)
    return answer


ORDER = {
    "status": "active",
    "sendPaymentRequestEmail": False,
    "payload": {"amount": "20.00", "fiatCurrency": "USD", "orderId": "1001", "metadata": {"cart": "c-1"}},
}


@flow("requests", "key-payment-links")
def _():
    key = {"Idempotency-Key": "order-1001-payment-link"}
    made = call("POST", "/payment-links", 201, ORDER, **key)
    check((made["ok"], made["companyId"]), (True, COMPANY))
    link = made["paymentLink"]
    check((link["amount"], link["metadata"]), ("20.00", {"cart": "c-1"}))
    check(link["publicUrl"], f"{ISSUER}/payment/{link['uid']}")
    check(call("POST", "/payment-links", 200, ORDER, **key), made)
    other = {"payload": {**ORDER["payload"], "amount": "21.00"}}
    refused("POST", "/payment-links", 409, "idempotency_key_reused", other, **key)
    path = f"/payment-links/{link['uid']}"
    check(call("GET", path, 200), {"companyId": COMPANY, "paymentLink": link})
    changed = call("PATCH", path, 200, {"status": "paused", "metadata": {"note": "later"}})
    check(set(changed), {"companyId", "paymentLink"})
    check(changed["paymentLink"]["metadata"], {"cart": "c-1", "note": "later"})
    listed = call("GET", "/payment-links?limit=10&status=paused", 200)["paymentLinks"]
    check([link["uid"] for link in listed], [link["uid"]])
    page = requests.get(link["publicUrl"], timeout=30)
    assert page.status_code == 200 and "Do not send real funds" in page.text
    call("PATCH", path, 200, {"status": "active"})
    page = requests.post(f"{link['publicUrl']}/start", timeout=30)
    assert page.status_code == 200 and "SANDBOX-DO-NOT-SEND" in page.text
    check(call("GET", path, 200)["paymentLink"]["latestSession"]["status"], "awaiting_deposit")


@flow("requests", "key-customers")
def _():
    made = call("POST", "/customers", 201, {"email": "Ada@example.com", "name": "Ada"})["customer"]
    again = call("POST", "/customers", 200, {"email": "ada@example.com", "clientId": "7"})["customer"]
    check((again["id"], again["name"], again["clientId"]), (made["id"], "Ada", "7"))
    check(len(call("GET", "/customers", 200)["customers"]), 1)
    assert call("POST", f"/customers/{made['id']}/portal", 200, {"returnUrl": ISSUER})["portalUrl"]


@flow("requests", "key-settings")
def _():
    settings = call("GET", "/settings", 200)
    check(settings["company"]["id"], COMPANY)
    changed = call("PUT", "/settings", 200, {"callbackUrl": "https://shop.example/hook"})
    check(changed, {"ok": True, "settings": {"callbackUrl": "https://shop.example/hook"}})
    check(call("GET", "/settings", 200)["settings"], changed["settings"])
    check(call("GET", "/webhook-requests?limit=50", 200)["webhookRequests"], [])


@flow("requests", "key-errors")
def _():
    refused("GET", "/payment-links/none", 404, "payment_link_not_found")
    refused("POST", "/payment-links", 400, "invalid_amount", {"payload": {}})
    refused("POST", "/payment-links", 400, "sandbox_only", {"amount": "1", "sandbox": False})
    refused("POST", "/webhook-requests/none/retry", 404, "webhook_request_not_found")
    wrong = {"X-MakeCrypto-Key-Id": FACTS["api_key"]["id"], "X-MakeCrypto-Key-Secret": "mksec_wrong"}
    for headers, status in [({}, 401), (wrong, 401), ({**SESSION.headers, "Authorization": "Bearer x"}, 400)]:
        answer = requests.get(f"{ROOT}/payment-links", headers=headers, timeout=30)
        check(answer.status_code, status)
        assert isinstance(answer.json()["error"], str)


finish()

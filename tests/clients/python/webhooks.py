"""Webhooks of payments, as the receivers of such a system verify them: the vendor's own package, and PHP's HMAC."""

import json
import os
import queue
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

# The package opens its connections with the standard library, which trusts what this variable names.
os.environ["SSL_CERT_FILE"] = os.environ["CA"]

import requests  # noqa: E402
from flows import FACTS, ISSUER, PROFILE, check, finish, flow  # noqa: E402
from makepay import MakePayClient, parse_makepay_webhook, verify_makepay_webhook  # noqa: E402

if PROFILE != "makecrypto":
    sys.exit("the profile makecrypto alone tells of payments")

CLIENT = MakePayClient(
    key_id=FACTS["api_key"]["id"], key_secret=FACTS["api_key"]["secret"], base_url=ISSUER, checkout_base_url=ISSUER
)
ROOT = f"{ISSUER}/api/partner/v1/makepay"
HEADERS = {"X-MakeCrypto-Key-Id": FACTS["api_key"]["id"], "X-MakeCrypto-Key-Secret": FACTS["api_key"]["secret"]}
CAME = queue.Queue()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        CAME.put((self.headers, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


SERVER = HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=SERVER.serve_forever, daemon=True).start()


def secret():
    answer = requests.post(f"{ROOT}/webhook-secret", headers=HEADERS, json={}, timeout=30)
    check(answer.status_code, 200)
    return answer.json()["webhookSecret"]["secret"]


def delivery(secret_of=secret):
    """A payment that begins: the secret, the headers and the body of what is told of it."""
    known = secret_of()
    url = f"http://127.0.0.1:{SERVER.server_port}/hooks"
    link = CLIENT.create_payment_link({"amount": "20.00", "fiatCurrency": "USD", "webhookUrl": url})["paymentLink"]
    started = requests.post(f"{link['publicUrl']}/start", timeout=30)
    check(started.status_code, 200)
    headers, body = CAME.get(timeout=60)
    return link, known, headers, body


@flow("makepay", "api-key")
def _():
    link = CLIENT.create_payment_link({"amount": "12.50", "fiatCurrency": "USD", "orderId": "7"})["paymentLink"]
    check(CLIENT.get_payment_link(link["uid"])["paymentLink"]["uid"], link["uid"])
    check(CLIENT.update_payment_link(link["uid"], {"status": "paused"})["paymentLink"]["status"], "paused")
    assert any(one["uid"] == link["uid"] for one in CLIENT.list_payment_links({"limit": 10})["paymentLinks"])
    check(CLIENT.list_webhook_requests({"limit": 50})["webhookRequests"], [])
    check(CLIENT.upsert_customer({"email": "ada@example.com"})["customer"]["email"], "ada@example.com")


@flow("makepay", "webhook")
def _():
    link, known, headers, body = delivery()
    signature = headers["x-makepay-signature"]
    check(headers["makecrypto-signature"], signature)
    assert verify_makepay_webhook(body, signature, known)
    message = parse_makepay_webhook(body, signature, known)
    check((message["paymentLink"]["uid"], message["session"]["status"]), (link["uid"], "awaiting_deposit"))
    check(message["deliveryId"], headers["x-makepay-delivery-id"])
    assert not verify_makepay_webhook(body + b" ", signature, known), "a byte more"
    assert not verify_makepay_webhook(body.replace(b"20.00", b"20.01"), signature, known), "a byte changed"
    assert not verify_makepay_webhook(body, signature, secret()), "another secret"
    # The time is part of what is signed.
    seconds = int(signature.split(",")[0].removeprefix("t="))
    stale = signature.replace(f"t={seconds}", f"t={seconds - 1000}")
    assert not verify_makepay_webhook(body, stale, known), "an old time"
    logged = CLIENT.list_webhook_requests({"limit": 5})["webhookRequests"]
    check(logged[0]["deliveryGroupId"], headers["x-makepay-delivery-group-id"])


@flow("php", "webhook")
def _():
    _, known, headers, body = delivery()
    program = Path(__file__).parent.parent / "php" / "webhook.php"

    def believes(body, signature, secret, now=""):
        told = json.dumps({"signature": signature, "secret": secret, "now": now, "body": body.decode()})
        ran = subprocess.run(["php", str(program)], input=told, text=True, capture_output=True, timeout=60)
        assert ran.stderr == "" and ran.returncode in (0, 1), ran
        return ran.returncode == 0

    signature = headers["x-makepay-signature"]
    seconds = int(signature.split(",")[0].removeprefix("t="))
    assert believes(body, signature, known)
    assert not believes(body.replace(b"20.00", b"20.01"), signature, known), "a byte changed"
    assert not believes(body, signature, secret()), "another secret"
    assert not believes(body, signature, known, seconds + 301), "an old signature"
    assert not believes(body, signature, known, seconds - 301), "one from the future"


finish()

import hashlib
import hmac
import time


# header: the value of {header}. body: the raw bytes of the request, before anything parsed them.
def verify(secret: str, header: str, body: bytes, now=None) -> bool:
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    sent = parts.get("t", "")
    if not sent.isdecimal() or abs((now or time.time()) - int(sent)) > 300:
        return False
    expected = hmac.new(secret.encode(), sent.encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), parts.get("v1", "").encode())

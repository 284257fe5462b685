import { createHmac, timingSafeEqual } from "node:crypto";

// header: the value of {header}. body: the raw bytes of the request, before anything parsed them.
export function verify(secret, header, body, now = Date.now() / 1000) {
  const parts = Object.fromEntries(header.split(",").map((part) => part.split("=")));
  if (!(Math.abs(now - Number(parts.t)) <= 300)) return false;
  const expected = createHmac("sha256", secret).update(`${parts.t}.`).update(body).digest();
  const shown = Buffer.from(parts.v1 ?? "", "hex");
  return shown.length === expected.length && timingSafeEqual(shown, expected);
}

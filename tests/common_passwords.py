#!/usr/bin/env python3
"""Makes data/common_passwords.bin, which src/base/password_rules.rs embeds.

    tests/common_passwords.py LIST > data/common_passwords.bin

LIST has one password a line, the commonest first: Passwords/Common-Credentials/10-million-password-list-top-1000000.txt
of SecLists (MIT licence, Copyright (c) 2018 Daniel Miessler), made of the ten million passwords that Mark Burnett gave
to the public domain.

Kept are all of twelve and more characters, which the length alone would let pass, and the commonest shorter ones with
their cores, which people make longer with a year or by saying them twice. Each is the first four bytes of its SHA-256:
of the passwords nobody uses, one in 60,000 is refused with them. The file has, for every two bytes that one can begin
with, how many do (four bits each), and then the other two bytes of all of them, in ascending order.
"""

import collections
import hashlib
import sys

CHARS_MIN = 12
CORE_CHARS_MIN = 6
ENTRIES = 70_000
LEET = str.maketrans("@430$5!17", "aaeossiit")


def core(password):
    """As `core` in password_rules.rs: what is left without digits and signs at the ends, signs read as letters."""
    letters = [i for i, c in enumerate(password) if c.isalpha()]
    return password[letters[0] : letters[-1] + 1].translate(LEET) if letters else ""


def main():
    with open(sys.argv[1], encoding="utf-8", errors="ignore") as file:
        ranked = [line.rstrip("\n").lower() for line in file]
    entries = {password for password in ranked if len(password) >= CHARS_MIN}
    for password in ranked:
        if len(entries) >= ENTRIES:
            break
        if len(password) < CHARS_MIN:
            entries.update(text for text in (password, core(password)) if len(text) >= CORE_CHARS_MIN)
    digests = sorted({hashlib.sha256(entry.encode()).digest()[:4] for entry in entries})
    counts = collections.Counter(int.from_bytes(digest[:2], "big") for digest in digests)
    halves = (counts[first] << 4 | counts[first + 1] for first in range(0, 1 << 16, 2))
    sys.stdout.buffer.write(bytes(halves) + b"".join(digest[2:] for digest in digests))


if __name__ == "__main__":
    main()

"""What a run of schemathesis came to: `count.py PROFILE FACTS DIRECTORY STATUS`, while the server still runs. Prints a
line for each failed operation, and at the end how many passed and how many failed."""

import json
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import requests

PROFILE, FACTS, DIRECTORY, STATUS = sys.argv[1:]
API = f"{json.loads(Path(FACTS).read_text())['issuer']}/api/developer/v1"


def main():
    failed = set()
    document = requests.get(f"{API}/openapi.json", timeout=30).json()
    every = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}
    # It is read to know the others.
    every.discard("GET /api/developer/v1/openapi.json")
    tested = set()
    cases = [case for report in Path(DIRECTORY).glob("*.xml") for case in ElementTree.parse(report).iter("testcase")]
    for case in cases:
        name = case.get("name")
        tested.add(name)
        if case.find("failure") is not None or case.find("error") is not None or case.find("skipped") is not None:
            failed.add(name)
    for name in sorted(every - tested):
        failed.add(name)
        print(f"FAILED {PROFILE} {name}: it was not tested")
    for name in sorted(failed & tested):
        print(f"FAILED {PROFILE} {name}")
    # What is called with a token that has ended is answered alike, and tells nothing.
    token = (Path(DIRECTORY) / "token").read_text()
    alive = requests.get(f"{API}/me", headers={"Authorization": f"Bearer {token}"}, timeout=30)
    if alive.status_code != 200:
        failed.add("the token")
        print(f"FAILED {PROFILE}: the token has ended meanwhile")
    if STATUS != "0" and not failed:
        failed.add("schemathesis")
        print(f"FAILED {PROFILE}: schemathesis ended with {STATUS}")
    print(len(every - failed), len(failed))


main()

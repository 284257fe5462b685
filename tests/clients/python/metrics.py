"""What Prometheus reads: the metrics of a server, in both forms, by the parsers of prometheus_client.

Starts a server of its own, since `grantd demo` tells none.
"""

import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile

import requests
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as older

GRANTD = os.environ["GRANTD"]


def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def families(parse, text):
    """Name -> (type, samples). The parser of OpenMetrics refuses what breaks the standard, the other one little."""
    found = {}
    for family in parse(text):
        assert family.name not in found, f"{family.name} is told twice"
        assert family.documentation, f"{family.name} says nothing about itself"
        found[family.name] = (family.type, {(s.name, tuple(sorted(s.labels.items()))): s.value for s in family.samples})
    return found


def check(name, work):
    try:
        work()
    except Exception as error:  # whatever it is, it is the answer
        print(f"FAILED prometheus_client default {name}: {type(error).__name__}: {error}")
    else:
        print(f"ok prometheus_client default {name}")


def main(data):
    issuer = f"http://127.0.0.1:{port()}"
    subprocess.run([GRANTD, "--data", data, "init"], check=True, stdout=subprocess.DEVNULL)
    settings = f'issuer = "{issuer}"\nlisten = ["{issuer}"]\n[metrics]\nlisten = "http://127.0.0.1:0"\n'
    pathlib.Path(data, "grantd.toml").write_text(settings)
    server = subprocess.Popen(
        [GRANTD, "--data", data, "serve"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        address = None
        for line in server.stderr:
            address = address or re.search(r"metrics are at (http://\S+)", line)
            if "is ready" in line:
                break
        address = address.group(1)
        # Something to tell of, and a label that somebody tries to break.
        requests.get(f"{issuer}/healthz", timeout=10)
        requests.get(f'{issuer}/a"}}%0a# EOF', timeout=10)
        requests.post(f"{issuer}/oauth/token", data={"client_id": 'x"\n# EOF'}, timeout=10)

        def get(accept):
            answer = requests.get(address, headers={"Accept": accept}, timeout=10)
            answer.raise_for_status()
            return answer

        def of_openmetrics():
            answer = get("application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5")
            assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
            found = families(openmetrics, answer.text)
            kind, samples = found["grantd_requests"]
            assert kind == "counter", kind
            labels = (("endpoint", "health"), ("outcome", "ok"))
            assert samples[("grantd_requests_total", labels)] == 1, samples
            assert found["grantd_request_duration_seconds"][0] == "histogram"
            assert found["grantd_build"][0] == "info"
            assert found["process_resident_memory_bytes"][0] == "gauge"

        def of_prometheus():
            answer = get("text/plain;version=0.0.4")
            assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
            found = families(older, answer.text)
            # The parser takes the end off the name of a counter.
            assert found["grantd_requests"][0] == "counter", found["grantd_requests"]
            assert found["grantd_store_sync_seconds"][0] == "histogram"
            unknown = [name for name, (kind, _) in found.items() if kind in ("unknown", "untyped")]
            assert not unknown, unknown

        check("openmetrics", of_openmetrics)
        check("prometheus-text", of_prometheus)
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    assert sys.argv[1] == "default"
    with tempfile.TemporaryDirectory() as directory:
        main(directory)

"""Looks at a server from outside as its users do; prints what is wrong, and ends with 1 then."""

import http.client
import json
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

HOST = "qa.example.org"
TRUST = ssl.create_default_context(cafile="/etc/mppcqa/tls.crt")
SLOW = 200
PATIENCE_S = 180.0


def main() -> int:
    faults: list[str] = []
    until(lambda: get("/health/ready")[0] == 200, "the pages do not come up", faults)
    if faults:
        return told(faults)
    status, page, heads = get("/login/")
    if status != 200 or "mppcqa" not in page:
        faults.append(f"the log-in page answers {status}")
    if "Secure" not in heads.get("Set-Cookie", "Secure"):
        faults.append("a cookie may go over http")
    static = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)[:3]
    faults += [f"{one} is not there" for one in static if get(one)[0] != 200]
    if get("/metrics")[0] not in (401, 403, 404):
        faults.append("/metrics is open")
    bare = http.client.HTTPConnection(HOST, timeout=20)
    bare.request("GET", "/")
    answer = bare.getresponse()
    if answer.status != 301 or not answer.headers["Location"].startswith(f"https://{HOST}/"):
        faults.append(f"http answers {answer.status}, not the way to https")
    until(works, "no worker takes tasks", faults)
    faults += slow_clients()
    return told(faults)


def get(path: str) -> tuple[int, str, dict[str, str]]:
    link = http.client.HTTPSConnection(HOST, timeout=30, context=TRUST)
    try:
        link.request("GET", path)
        answer = link.getresponse()
        return answer.status, answer.read().decode(errors="replace"), dict(answer.headers)
    except OSError as error:
        return 0, str(error), {}
    finally:
        link.close()


def works() -> bool:
    said = subprocess.run(
        ["/usr/local/bin/mppcqa", "workers"], capture_output=True, text=True, check=False
    )
    return "work" in said.stdout and said.returncode == 0


def slow_clients() -> list[str]:
    """A page while many clients send a byte a second, against the page without them."""
    alone = timed()
    with slowly(443, TRUST):
        beside = timed()
    with slowly(8000, None):
        bare = timed(port=8000)
    print(json.dumps({"slow_clients": SLOW, "page_s": alone, "page_beside_s": beside,
                      "page_beside_without_proxy_s": bare}))  # fmt: skip
    return [] if beside < 2 + 5 * alone else [f"{SLOW} slow clients hold up a page: {beside:.1f} s"]


def timed(port: int = 443) -> float:
    begin = time.monotonic()
    if port == 443:
        if get("/login/")[0] != 200:
            return float("inf")
    else:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            link.request("GET", "/health/live")
            link.getresponse().read()
        except OSError:
            return float("inf")
        finally:
            link.close()
    return round(time.monotonic() - begin, 3)


@contextmanager
def slowly(port: int, trust: ssl.SSLContext | None) -> Iterator[None]:
    """Clients that have begun a request and do not come to its end."""
    with ExitStack() as open_:
        links: list[socket.socket] = []
        for _n in range(SLOW):
            with suppress(OSError):
                link = socket.create_connection(("127.0.0.1", port), timeout=10)
                if trust is not None:
                    link = trust.wrap_socket(link, server_hostname=HOST)
                links.append(open_.enter_context(link))
                link.sendall(b"POST /login/ HTTP/1.1\r\nHost: qa.example.org\r\n")
                link.sendall(b"Content-Length: 100000\r\n\r\n")
        for _second in range(5):
            for link in links:
                with suppress(OSError):
                    link.sendall(b"x")
            time.sleep(1)
        yield


def until(holds: object, fault: str, faults: list[str]) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if holds():  # type: ignore[operator]
            return
        time.sleep(1)
    faults.append(fault)


def told(faults: list[str]) -> int:
    for one in faults:
        print(one, file=sys.stderr)
    return int(bool(faults))


sys.exit(main())

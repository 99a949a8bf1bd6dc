"""A small OpenID Connect provider over real HTTP, that can also say what no provider should."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "mppcqa", "only-for-tests"


class Provider:
    """What it knows of who sits before it; a test turns its screws."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.signs_with = self.key
        self.address = ""
        self.person: dict[str, Any] = {}
        self.told: dict[str, Any] = {}
        """Claims in place of the right ones; None leaves one out."""
        self.in_token = True
        """Whether groups stand in the ID token, or are told when asked for."""
        self.asked: dict[str, str] = {}
        """Of the last log-in."""
        self.codes: dict[str, dict[str, str]] = {}
        self.token_of_before = ""
        self.repeats = False
        """Whether it hands out the ID token of another log-in again."""

    def authorize(self, asked: dict[str, str]) -> str:
        assert asked["client_id"] == CLIENT
        self.asked = asked
        code = secrets.token_urlsafe()
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        asked = self.codes.pop(form.get("code", ""), None)
        verifier = form.get("code_verifier", "").encode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).rstrip(b"=")
        basic = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if asked is None or authorization != basic:
            return None
        if asked["code_challenge"].encode() != challenge:
            return None
        now = int(time.time())
        person = dict(self.person)
        if not self.in_token:
            person.pop("groups", None)
        claims = {
            **{"iss": self.address, "aud": CLIENT, "iat": now, "exp": now + 300},
            **{"nonce": asked["nonce"], "auth_time": now, **person, **self.told},
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        made = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.signs_with)
        if self.repeats:
            made = self.token_of_before
        self.token_of_before = made
        return {"access_token": "x", "token_type": "Bearer", "expires_in": 300, "id_token": made}

    def answer(self, method: str, path: str, form: dict[str, str], authorization: str) -> Any:
        if path == "/.well-known/openid-configuration":
            at = self.address
            return {
                "issuer": at,
                "authorization_endpoint": f"{at}/authorize",
                "token_endpoint": f"{at}/token",
                "userinfo_endpoint": f"{at}/userinfo",
                "jwks_uri": f"{at}/jwks",
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        if path == "/jwks":
            return KeySet([self.key]).as_dict(private=False)
        if path == "/userinfo" and authorization == "Bearer x":
            return self.person
        return self.token(form, authorization) if (method, path) == ("POST", "/token") else None


@contextmanager
def running_provider() -> Iterator[Provider]:
    """It listens on a port of this computer."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if url.path == "/authorize":
                asked = {name: texts[0] for name, texts in parse_qs(url.query).items()}
                self.send_response(302)
                self.send_header("Location", provider.authorize(asked))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self._tell("GET", {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._tell("POST", {name: texts[0] for name, texts in parse_qs(body).items()})

        def _tell(self, method: str, form: dict[str, str]) -> None:
            path = urlsplit(self.path).path
            said = provider.answer(method, path, form, self.headers.get("Authorization", ""))
            body = json.dumps(said or {"error": "invalid_grant"}).encode()
            self.send_response(200 if said else 400)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Nothing: a test's output is its own."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""A receiver of webhooks that prints what it is told: `SECRET=whsec_… python receiver.py 8123`."""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

KEY = base64.b64decode(os.environ["SECRET"].removeprefix("whsec_"))
seen = set()  # a real one keeps them where they survive it


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        name, at = self.headers["webhook-id"], self.headers["webhook-timestamp"]
        said = f"{name}.{at}.".encode() + body
        own = "v1," + base64.b64encode(hmac.new(KEY, said, hashlib.sha256).digest()).decode()
        signatures = self.headers["webhook-signature"].split()
        signed = any(hmac.compare_digest(own, one) for one in signatures)
        if signed and abs(time.time() - int(at)) < 300:
            self.send_response(204)
            if name not in seen:
                seen.add(name)
                print(json.dumps(json.loads(body)), flush=True)
        else:
            self.send_response(403)
        self.end_headers()


HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()

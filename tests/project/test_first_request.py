"""A web server has loaded what requests need before the first one comes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ASK = """
import sys
from mppcqa.project.wsgi import application
from django.urls import get_resolver

there = set(sys.modules)
compiled = [one for one in get_resolver().url_patterns if "regex" in one.pattern.__dict__]
assert len(compiled) == len(get_resolver().url_patterns), len(compiled)
answers = []
request = {
    "REQUEST_METHOD": "GET", "PATH_INFO": "/api/v1/me", "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": "80", "HTTP_HOST": "127.0.0.1", "wsgi.url_scheme": "http",
    "wsgi.input": sys.stdin.buffer, "wsgi.errors": sys.stderr, "REMOTE_ADDR": "127.0.0.1",
}
list(application(request, lambda status, headers: answers.append(status)))
print(answers[0], sorted(one for one in set(sys.modules) - there if one.startswith("mppcqa")))
"""


def test_the_first_request_imports_nothing_of_ours_and_compiles_no_address(tmp_path: Path) -> None:
    kept = {key: one for key, one in os.environ.items() if not key.startswith("MPPCQA_")}
    environment = {**kept, "MPPCQA_HOME": str(tmp_path), "MPPCQA_HOSTS": "127.0.0.1"}
    migrate = [sys.executable, "-m", "mppcqa.cli", "django", "migrate", "--verbosity", "0"]
    subprocess.run(migrate, env=environment, check=True)
    done = subprocess.run(
        [sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split("\n")[-2] == "401 Unauthorized []", done.stdout

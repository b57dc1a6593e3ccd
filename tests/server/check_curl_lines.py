#!/usr/bin/env python3
"""check_curl_lines.py SPARROW WRITE_TINY_MODEL SOURCE_FOLDER: runs every curl line of docs/server.md and docs/ollama.md
as it stands, but for the port, against a server whose smollm2:135m is a tiny random model. Each must succeed, and every
endpoint that can must have one."""

import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request

program, write_tiny_model, source = sys.argv[1:]
sys.path.insert(0, source + "/scripts")
from serving import Server  # pylint: disable=wrong-import-position

# curl as in the docs, and then the status on a line of its own.
SHELL = "curl() { command curl -sS --max-time 60 -w '\\n%{http_code} %{method} %{url_effective}\\n' \"$@\"; }\n"
# What is over before it can be ended is not there any more.
EXPECTED = {("DELETE", "/requests/{id}"): "404"}


def lines_of(name):
    text = pathlib.Path(source, "docs", name).read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += [cell.replace("\\|", "|") for cell in re.findall(r"`([^`]*)` \|$", text, re.MULTILINE)]
    return [line for line in lines if re.search(r"\bcurl ", line)]


def ask(url, data=None, method=None):
    request = urllib.request.Request(url, data=data, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def add_model(address, work):
    subprocess.run([write_tiny_model, work / "tiny.gguf"], check=True)
    gguf = (work / "tiny.gguf").read_bytes()
    digest = "sha256:" + hashlib.sha256(gguf).hexdigest()
    ask(f"http://{address}/api/blobs/{digest}", gguf)
    create = {"model": "smollm2:135m", "files": {"tiny.gguf": digest}, "stream": False}
    ask(f"http://{address}/api/create", json.dumps(create).encode())


def path_of(url, paths):
    """The pattern of the document that this address is of; exact ones win."""
    path = re.sub(r"^https?://[^/]*", "", url).split("?")[0] or "/"
    for pattern in sorted(paths, key=lambda pattern: "{" in pattern):
        if re.fullmatch(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(pattern)), path):
            return pattern
    return path


def main():
    work = pathlib.Path(tempfile.mkdtemp())
    server = Server(program, work)
    address = server.address
    failures, tried, kept, count = [], set(), "", 0
    try:
        add_model(address, work)
        paths = json.loads(ask(f"http://{address}/openapi.json"))["paths"]
        for line in lines_of("ollama.md") + lines_of("server.md"):
            count += 1
            here = re.sub(r"(localhost|127\.0\.0\.1):11434", address, line)
            here = here.replace("resp_ID", kept).replace("requests/ID", "requests/nobody")
            run = subprocess.run(["bash", "-c", SHELL + here], cwd=source, capture_output=True, text=True, check=False)
            *body, last = run.stdout.rstrip("\n").split("\n")
            status, method, url = (last.split() + ["", "", ""])[:3]
            path = path_of(url, paths)
            tried.add((method, path))
            if path == "/v1/responses":
                kept = json.loads("\n".join(body))["id"]
            expected = EXPECTED.get((method, path), "20[01]")
            if not re.fullmatch(expected, status) or any(part.startswith('{"error"') for part in body[:-1] if status[:1] == "2"):
                failures.append(f"{line}\n  {run.stdout[-300:]}{run.stderr}")
        for path, methods in paths.items():
            for method, operation in methods.items():
                can = any(status.startswith("2") for status in operation["responses"])
                names = {method.upper()} | ({"HEAD"} if method == "get" else set())
                if can and not any((name, path) in tried for name in names):
                    failures.append(f"no curl line for {method.upper()} {path}")
    finally:
        server.end()
        shutil.rmtree(work)
    print("\n".join(failures))
    print(f"{count} curl lines, {len(failures)} failures")
    sys.exit(1 if failures or count < 50 else 0)


main()

"""Files through a real S3 server, which checks signatures and keeps objects in a folder. Arguments: the program, a folder for its data."""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

program, data = sys.argv[1], Path(sys.argv[2])
shutil.rmtree(data, ignore_errors=True)
bucket, access, secret, region = "voronka-files", "voronka", secrets.token_hex(20), "eu-north-1"
objects = data / "s3" / bucket
objects.mkdir(parents=True)
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
store_url = f"http://127.0.0.1:{port}"


def start_store():
    keys = {"NANIO_ACCESS_KEY": access, "NANIO_SECRET_KEY": secret}
    command = [sys.executable, "-m", "nanio", "serve", "--data-dir", objects.parent, "--host", "127.0.0.1", "--port", str(port),
               "--region", region, "--log-level", "warning", "--no-access-log"]
    store = subprocess.Popen(command, env={**os.environ, **keys})
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return store
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the S3 server does not start")


def start_server(secret_key):
    settings = {
        "VORONKA_FILES_URL": f"s3://{bucket}/some/prefix",
        "VORONKA_S3_ENDPOINT": store_url,
        "VORONKA_S3_REGION": region,
        "VORONKA_S3_ACCESS_KEY": access,
        "VORONKA_S3_SECRET_KEY": secret_key,
    }
    command = [program, "serve", "--listen", "127.0.0.1:0", "--data-dir", data / "server"]
    server = subprocess.Popen(command, env={**os.environ, **settings}, stdout=subprocess.PIPE, text=True)
    base = next((m[1] for m in (re.match(r"Voronka listens on (.*)", line) for line in server.stdout) if m), None)
    assert base, "the server does not start"
    return server, f"{base}/api/v1"


def stop(process):
    process.terminate()
    process.wait()


def ask(method, url, token=None, body=None, kind="application/json"):
    """Status, headers and bytes of the answer, whatever it is."""
    request = urllib.request.Request(url, body, method=method)
    if body is not None:
        request.add_header("Content-Type", kind)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=90) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read()


def must(status, method, path, token=None, body=None):
    got, _, text = ask(method, base + path, token, body and json.dumps(body).encode())
    assert got == status, (method, path, got, text[:500])
    return json.loads(text) if text else None


def upload(name, content, token):
    part = "--b0undary\r\nContent-Disposition: form-data; name="
    form = f'{part}"deal_id"\r\n\r\n{deal}\r\n{part}"file"; filename="{name}"\r\n\r\n'.encode()
    return ask("POST", f"{base}/files", token, form + content + b"\r\n--b0undary--\r\n", "multipart/form-data; boundary=b0undary")


def register(name):
    person = {"workspace_name": name, "name": name, "email": f"{name}@{name}.example", "password": "choose-a-good-one"}
    return must(201, "POST", "/auth/register", body=person)


def unavailable(status, headers, text):
    problem = json.loads(text)
    assert (status, problem["code"]) == (503, "files_unavailable"), (status, problem)
    assert int(headers["Retry-After"]) >= 1, headers
    assert store_url not in text.decode() and secret not in text.decode(), problem


def kept(file):
    return objects / "some" / "prefix" / owner["workspace_id"] / file["id"]


def comes_back(file, content):
    status, headers, got = ask("GET", f"{base}/files/{file['id']}/content", token)
    assert status == 200 and got == content, (file["name"], status, len(got))
    # "=" need not be encoded there.
    assert headers["Content-Disposition"] == "attachment; filename*=UTF-8''" + quote(file["name"], safe="."), headers


def listed():
    return {file["id"] for file in must(200, "GET", f"/files?deal_id={deal}", token)["data"]}


store = start_store()
server = None
try:
    status, _, _ = ask("PUT", f"{store_url}/{bucket}/unsigned", body=b"x")
    assert status == 403, f"the S3 server takes what nobody signed: {status}"

    server, base = start_server(secret)
    owner, other = register("acme"), register("beta")
    token = owner["access_token"]
    deal = must(201, "POST", "/deals", token, {"title": "Boat"})["id"]
    contents = {
        "words.txt": "Доброе утро\n".encode(),
        "large.bin": os.urandom(20 << 20),
        "Предложение.txt": b"a name that is not ASCII",
    }
    files = {}
    for name, content in contents.items():
        status, _, text = upload(name, content, token)
        assert status == 201, (name, status, text[:500])
        file = files[name] = json.loads(text)
        assert (file["name"], file["size"], file["deal_id"]) == (name, len(content), deal), file
        assert kept(file).read_bytes() == content, name
        comes_back(file, content)
    assert listed() == {file["id"] for file in files.values()}
    assert sum(path.is_file() for path in (objects / "some").rglob("*")) == len(files)

    words = files["words.txt"]
    for path in (f"/files/{words['id']}", f"/files/{words['id']}/content"):
        must(404, "GET", path, other["access_token"])
    must(204, "DELETE", f"/files/{words['id']}", token)
    must(404, "GET", f"/files/{words['id']}/content", token)
    # The bytes go later, so that the file can come back until then.
    assert kept(words).exists()
    must(200, "POST", f"/files/{words['id']}/restore", token, {})
    comes_back(words, contents["words.txt"])

    # What a record does not take leaves nothing in the store.
    stranger = json.dumps({"title": "Theirs"}).encode()
    foreign = json.loads(ask("POST", f"{base}/deals", other["access_token"], stranger)[2])["id"]
    before, (deal, mine) = set(objects.rglob("*")), (foreign, deal)
    status, _, text = upload("stray.txt", b"stray", token)
    assert (status, json.loads(text)["code"]) == (422, "validation_failed"), text
    deal = mine
    assert {path for path in objects.rglob("*") if path.is_file()} <= before

    stop(store)
    unavailable(*upload("late.txt", b"late", token))
    unavailable(*ask("GET", f"{base}/files/{words['id']}/content", token))
    assert listed() == {file["id"] for file in files.values()}
    must(200, "GET", f"/files/{words['id']}", token)
    must(200, "PATCH", f"/deals/{deal}", token, {"title": "Large boat"})
    must(204, "DELETE", f"/files/{words['id']}", token)
    must(200, "POST", f"/files/{words['id']}/restore", token, {})
    status, _, _ = ask("GET", base.replace("/api/v1", "/health/ready"))
    assert status == 200, status

    store = start_store()
    comes_back(words, contents["words.txt"])
    status, _, text = upload("again.txt", b"again", token)
    assert status == 201, text
    again = json.loads(text)
    comes_back(again, b"again")

    # A key that is not the store's: the store refuses, and nothing is left of the attempt.
    stop(server)
    server, base = start_server("not-the-secret-key")
    known = listed()
    unavailable(*upload("forged.txt", b"forged", token))
    unavailable(*ask("GET", f"{base}/files/{words['id']}/content", token))
    assert listed() == known
    assert sum(path.is_file() for path in (objects / "some").rglob("*")) == len(known)

    stop(server)
    server, base = start_server(secret)
    comes_back(again, b"again")
finally:
    if server and server.poll() is None:
        stop(server)
    if store.poll() is None:
        stop(store)
print("files are kept in a store that speaks S3")

"""Letters through a real SMTP server: an invitation arrives, and the link in it works. Arguments: the program, a folder for its data."""

import email
import json
import re
import socket
import subprocess
import sys
import time
import urllib.request

from aiosmtpd.controller import Controller


class Mailbox:
    """Keeps what it is given; refuses the first letter for a while, as a busy server does."""

    def __init__(self):
        self.letters, self.attempts = [], 0

    async def handle_DATA(self, server, session, envelope):
        self.attempts += 1
        if self.attempts == 1:
            return "451 come back later"
        self.letters.append(email.message_from_bytes(envelope.content))
        return "250 kept"


def post(url, body, token=None):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


program, data = sys.argv[1:]
mailbox = Mailbox()
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
smtp = Controller(mailbox, hostname="127.0.0.1", port=port)
smtp.start()
server = subprocess.Popen(
    [program, "serve", "--listen", "127.0.0.1:0", "--data-dir", data, "--smtp-url", f"smtp://127.0.0.1:{port}",
     "--mail-from", "Acme <crm@acme.example>", "--public-url", "https://app.acme.example"],
    stdout=subprocess.PIPE, text=True,
)
try:
    base = next(m[1] for m in (re.match(r"Voronka listens on (.*)", line) for line in server.stdout) if m) + "/api/v1"
    owner = {"workspace_name": "Acme", "name": "Anna", "email": "anna@acme.example", "password": "choose-a-good-one"}
    token = post(f"{base}/auth/register", owner)["access_token"]
    post(f"{base}/users", {"name": "Bob", "email": "bob@acme.example"}, token)
    deadline = time.time() + 60
    while not mailbox.letters and time.time() < deadline:
        time.sleep(0.2)
    (letter,) = mailbox.letters
    assert letter["From"].endswith("<crm@acme.example>") and letter["To"] == "bob@acme.example", letter
    text = letter.get_payload(decode=True).decode()
    invitation = re.search(r"https://app\.acme\.example/accept-invitation\?token=(\S+)", text)[1]
    pair = post(f"{base}/auth/accept-invitation", {"token": invitation, "password": "bobs-own-password"})
    assert pair["token_type"] == "Bearer"
    assert mailbox.attempts == 2, mailbox.attempts
finally:
    server.terminate()
    server.wait()
    smtp.stop()
print("the letters arrive")

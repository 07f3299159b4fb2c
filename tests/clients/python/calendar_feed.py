"""A calendar feed, read by two independent parsers. Arguments: the program, a folder for its data."""

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import date, datetime, timedelta, timezone

import icalendar
import vobject

TITLES = [
    "Call, then; write\\n",
    "🚀" * 40,
    "é" * 33 + "👩‍🚀, \\; " + "ж" * 60,
    '"quoted": END:VEVENT',
]
NOTES = "one\r\ntwo\n\nBEGIN:VEVENT\n" + "long " * 300 + "\\n, ; 日本語"


def call(method, path, body=None, token=None, headers=()):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{base}{path}", data, dict(headers) | {"Content-Type": "application/json"}, method=method)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request) as answer:
        return answer.read(), answer.headers


def send(method, path, body=None):
    return json.loads(call(method, f"/api/v1{path}", body, token)[0] or "null")


program, data = sys.argv[1:]
server = subprocess.Popen(
    [program, "serve", "--listen", "127.0.0.1:0", "--data-dir", data],
    stdout=subprocess.PIPE, stderr=open(f"{data}.log", "w"), text=True,
)
try:
    base = next(m[1] for m in (re.match(r"Voronka listens on (.*)", line) for line in server.stdout) if m)
    token = None
    owner = {"workspace_name": "Acme, Inc; \\ 🚀", "name": "Anna", "email": "anna@acme.example", "password": "choose-a-good-one"}
    token = send("POST", "/auth/register", owner)["access_token"]
    soon = date.today() + timedelta(days=20)
    begin = datetime.combine(soon, datetime.min.time(), timezone.utc) + timedelta(hours=9, minutes=30)
    for title in TITLES:
        send("POST", "/tasks", {"title": title, "notes": NOTES, "place": "Pier 3, left; \\ blue", "due_at": begin.isoformat(),
                                "duration_minutes": 90, "reminders": [{"minutes_before": 30}, {"at": begin.isoformat()}]})
    send("POST", "/tasks", {"title": "Day", "due_date": soon.isoformat(), "reminders": [{"minutes_before": -540}]})
    user = send("GET", "/me")["user"]["id"]
    send("PATCH", f"/users/{user}", {"absences": [{"from": soon.isoformat(), "to": (soon + timedelta(days=2)).isoformat()}]})
    path = send("POST", "/me/calendar-feed")["path"]
    content, headers = call("GET", path)

    assert headers["Content-Type"] == "text/calendar; charset=utf-8", headers
    lines = content.split(b"\r\n")
    assert all(len(line) <= 75 and b"\n" not in line and b"\r" not in line for line in lines), content
    assert all(line.decode() is not None for line in lines)

    # What was stored, with the line breaks of the text.
    stored = {task["title"]: task for task in send("GET", "/tasks?limit=100")["data"]}
    notes = stored[TITLES[0].strip()]["notes"].replace("\r\n", "\n") if TITLES[0].strip() in stored else None
    assert notes is not None, stored.keys()

    calendar = icalendar.Calendar.from_ical(content)
    assert not calendar.errors, calendar.errors
    for name in ["NAME", "X-WR-CALNAME"]:
        assert str(calendar[name]) == icalendar.vText(owner["workspace_name"]).to_ical().decode(), calendar[name]
    events = {str(event["SUMMARY"]): event for event in calendar.walk("VEVENT")}
    assert set(events) == set(stored) | {"Absent"}, set(events) ^ set(stored)
    for title, task in stored.items():
        event = events[title]
        assert not event.errors, event.errors
        assert str(event["UID"]) == task["id"]
        if title == "Day":
            assert (event.decoded("DTSTART"), event.decoded("DTEND")) == (soon, soon + timedelta(days=1))
            assert [alarm.decoded("TRIGGER") for alarm in event.walk("VALARM")] == [timedelta(minutes=540)]
            continue
        assert (event.decoded("DTSTART"), event.decoded("DTEND")) == (begin, begin + timedelta(minutes=90))
        assert str(event["DESCRIPTION"]) == notes, (str(event["DESCRIPTION"]), notes)
        assert str(event["LOCATION"]) == task["place"]
        assert [alarm.decoded("TRIGGER") for alarm in event.walk("VALARM")] == [timedelta(minutes=-30), begin]
    absent = events["Absent"]
    assert (absent.decoded("DTSTART"), absent.decoded("DTEND")) == (soon, soon + timedelta(days=3))

    other = vobject.readOne(content.decode())
    found = {event.summary.value: event for event in other.vevent_list}
    assert set(found) == set(events), set(found) ^ set(events)
    for title in stored.keys() - {"Day"}:
        event = found[title]
        assert event.description.value == notes and event.location.value == stored[title]["place"]
        assert (event.dtstart.value, event.dtend.value) == (begin, begin + timedelta(minutes=90))
    for event in found.values():
        event.validate(raiseException=True)

    # Nothing has changed, and the log does not contain the secret.
    try:
        call("GET", path, headers=[("If-None-Match", headers["ETag"])])
        raise SystemExit("the calendar was sent again")
    except urllib.error.HTTPError as answer:
        assert answer.code == 304, answer.code
    try:
        call("GET", path.replace("/calendar/", "/calendars/"))
        raise SystemExit("there is no such path")
    except urllib.error.HTTPError as answer:
        assert answer.code == 404, answer.code
finally:
    server.terminate()
    server.wait()
log = open(f"{data}.log").read()
secret = path.rsplit("/", 1)[1].removesuffix(".ics")
assert "GET /api/v1/calendar/" in log and secret not in log and secret[5:] not in log, log
print(f"two programs read {len(events)} events")

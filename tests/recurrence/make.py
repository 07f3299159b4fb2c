"""Prints expected.json: rules of RFC 5545, and the first days that python-dateutil 2.9 gives for each."""
import json, random, sys
from datetime import datetime
from dateutil.rrule import rrulestr

random.seed(5545)
DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
FIXED = [
    "FREQ=DAILY", "FREQ=DAILY;INTERVAL=10", "FREQ=WEEKLY;BYDAY=MO,TH", "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=TU,SU",
    "FREQ=WEEKLY;INTERVAL=2;WKST=MO;BYDAY=TU,SU", "FREQ=MONTHLY;BYMONTHDAY=31", "FREQ=MONTHLY;BYMONTHDAY=-1",
    "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=MONTHLY;BYDAY=1MO", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
    "FREQ=MONTHLY;INTERVAL=18;BYMONTHDAY=10,11", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
    "FREQ=YEARLY;BYYEARDAY=1,100,200", "FREQ=YEARLY;BYDAY=20MO", "FREQ=YEARLY;BYMONTH=3;BYDAY=TH", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
    "FREQ=DAILY;UNTIL=20260301", "FREQ=WEEKLY;UNTIL=20260401;BYDAY=WE",
]
def drawn():
    freq = random.choice(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"])
    parts = [f"FREQ={freq}", f"INTERVAL={random.choice([1, 1, 1, 2, 3, 5])}"]
    if freq == "WEEKLY":
        parts.append("BYDAY=" + ",".join(random.sample(DAYS, random.randint(1, 4))))
        parts.append("WKST=" + random.choice(["MO", "SU"]))
    if freq in ("MONTHLY", "YEARLY"):
        pick = random.randint(0, 3)
        if pick == 0: parts.append("BYMONTHDAY=" + ",".join(str(random.choice([1, 15, 28, 29, 30, 31, -1, -2])) for _ in range(2)))
        if pick == 1: parts.append("BYDAY=" + random.choice(["1", "2", "-1"]) + random.choice(DAYS))
        if pick == 2: parts.append("BYDAY=MO,TU,WE,TH,FR;BYSETPOS=" + random.choice(["1", "-1", "2"]))
        if freq == "YEARLY" or random.random() < 0.3: parts.append("BYMONTH=" + ",".join(map(str, sorted(random.sample(range(1, 13), 2)))))
    return ";".join(parts)
rules = FIXED + sorted({drawn() for _ in range(150)})
out = []
for rule in rules:
    start = datetime(2026, random.randint(1, 2), random.randint(1, 28), 9, 30)
    text = rule
    if "UNTIL=" in rule:
        text = rule.replace("UNTIL=20260301", "UNTIL=20260301T235959").replace("UNTIL=20260401", "UNTIL=20260401T235959")
    dates = []
    for one in rrulestr(text, dtstart=start):
        dates.append(one.strftime("%Y-%m-%d"))
        if len(dates) == 12: break
    out.append({"rule": rule, "start": start.strftime("%Y-%m-%d"), "dates": dates})
json.dump(out, sys.stdout, indent=0)

"""The whole document against a running server: its examples, the corners of each schema, random requests, sequences of requests.
Arguments: the address of a server with a fresh database, a folder for the list of failures, and flags of `st run` such as
`--include-tag deals`. Settings are in schemathesis.toml."""

import contextlib
import copy
import itertools
import json
import random
import re
import sys
import time
import unicodedata
import urllib.error
import urllib.request
import uuid
from collections import Counter, defaultdict
from pathlib import Path

import schemathesis
from hypothesis import strategies
from schemathesis.cli import schemathesis as command_line
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.generation.meta import REQUEST_SHAPE_PROBES, coverage_scenario
from schemathesis.openapi.checks import RejectedPositiveData
from schemathesis.specs.openapi.checks import negative_data_rejection

# All that is let pass. A request that follows the document may be refused with these errors: code, place, detail, reason.
RULES = [
    ("reference_not_found|stage_not_in_pipeline|not_found", "", "", "made-up ids name nothing"),
    ("stated_twice", "", "", "members that exclude each other"),
    ("invalid", "", "", "rules between members, or with what is stored; whatever a schema can say has a code of its own"),
    ("required", "", "(?!is required$|is missing$|is missing:)", "what another member makes necessary"),
    ("too_short", "/(all|any|none)/[0-9]+/values/[0-9]+$", "must not be empty", "the operator decides about its values"),
    ("too_short", "^/file$", "must not be empty", "a minimum length of bytes is what generators of clients take for one of characters"),
    ("invalid_format", "^[a-z_]*currency(__ne)?$", "must be an ISO 4217 code", "a format names the codes"),
    ("out_of_range", "", "(?!must (be (from|at)|fit))", "limits that another member or the clock sets"),
    ("invalid_choice", "/role$", "", "the workspace's own roles"),
    ("invalid_choice|unknown_field", "/custom_fields/[0-9]+/key$|^(cf|group_by)$", "", "the workspace's own fields"),
    ("invalid_choice", "/settings/mapping/[0-9]+/(column|field)$|/settings/stage_names/|^/(settings/)?sheet$", "", "the columns, stages and sheets of the file"),
    ("invalid_choice", "/settings/match_by/[0-9]+$", "(?!must be one of id, external_id, email, phone, sku, domain, full_name)", "the keys of the resource"),
    ("too_long", "", "exceeds the cost limit", "the weight of all conditions together"),
    ("invalid_choice", "(^|/)(sort|include|columns(/[0-9]+)?|(all|any|none)/[0-9]+/(field|op))$", "(?!must be one of eq, in, ne, not_in, )", "one schema for all searches; own fields"),
    ("invalid_format", "(^|/)recurrence$", "", "a rule of RFC 5545 is more than a pattern"),
    ("invalid_format|invalid", "^(from|to|untouched_since|period|at__gte|at__lt)$", "must be a (day|period)", "days, instants and relative times"),
    ("invalid_format", "^entered$", "", "an id and two instants in one list"),
    ("do_not_contact|quiet_hours|too_many", "", "", "what the records hold decides"),
    ("invalid_format", "/accounts/[0-9]+/handle$", "", "the kind decides what is an account"),
    ("invalid_format", "/call_url$", "must be an http", "a URL with a place for the number is more than a pattern"),
    ("invalid_choice", "^field$", "", "the members of the record"),
    ("invalid_format|invalid_choice", "/(all|any|none)/[0-9]+/values$", "", "the field decides about its values"),
    (".*", "^/items/[0-9]+/body/", "", "one schema for what a composite makes of six resources"),
]
# Or with these problems.
STATES = {
    "version_conflict": "a made-up If-Match",
    "precondition_required": "If-Match is needed where the document lists 428",
    "file_unreadable": "what is in a file, no schema says",
}
# Operations need not list these statuses: any request may be answered with them.
ANYWHERE = {405, 414, 429, 503}
# Operations that need not succeed once.
HOPELESS = {
    "accept_invitation": "needs the token of a letter",
    "confirm_email": "needs the token of a letter",
    "reset_password": "needs the token of a letter",
    "change_email": "needs the caller's password, which is kept from the requests: success would end sessions",
    "change_password": "needs the caller's password",
    "begin_totp": "needs the caller's password",
    "confirm_totp": "needs the caller's password",
    "end_totp": "needs the caller's password",
    "begin_oidc": "needs a provider",
    "complete_oidc": "needs a provider",
    "unlink_identity": "needs an identity, and so a provider",
    "cancel_job": "jobs end at once",
    "read_calendar": "needs the secret path of a feed",
}

base, work = sys.argv[1], Path(sys.argv[2])
EMAIL, PASSWORD = "fuzz@example.com", "known-to-the-fuzzer-alone"
NOBODY = {"field": "created_at", "op": "lt", "values": ["2000-01-01T00:00:00Z"]}
EXAMPLE_ID = "0192f0c1-2d3e-7a4b-8c5d-6e7f8091"
token = None


def call(method, path, body=None, content_type="application/json"):
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(f"{base}/api/v1{path}", data, {"Content-Type": content_type}, method=method)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def uploaded(path, member, value, name):
    part = "--x\r\nContent-Disposition: form-data; name=%s\r\n\r\n%s\r\n"
    form = part % (member, value) + part % ('file; filename="x.csv"', f"first_name\n{name}\n") + "--x--\r\n"
    return call("POST", path, form.encode(), "multipart/form-data; boundary=x")["id"]


def records(name):
    """A record of each kind."""

    def made(path, **body):
        return call("POST", path, body)["id"]

    pipeline = call("POST", "/pipelines", {"name": name, "kind": "deal"})
    company = made("/companies", name=name)
    contact = made("/contacts", first_name=name, company_id=company)
    upload = uploaded("/imports", "resource", "contacts", name)
    call("POST", "/auth/login", {"email": EMAIL, "password": PASSWORD})
    rule = {"resource": "contacts", "selection": {"all": [NOBODY]}, "action": "delete", "reason": name}
    return {
        "user": made("/users", name=name, email=f"{name}@example.com"),
        "session": max(s["id"] for s in call("GET", "/auth/sessions")["data"] if not s["current"]),
        "role": made("/roles", key=name, name=name, grants=[]),
        "team": made("/teams", name=name),
        "api_key": made("/api-keys", name=name, scopes=["contacts:read"]),
        "tag": made("/tags", name=name),
        "source": made("/sources", name=name),
        "company": company,
        "contact": contact,
        "product": made("/products", name=name),
        "pipeline": pipeline["id"],
        # Not the first: the deals of the pipeline are in it.
        "stage": pipeline["stages"][1]["id"],
        "move_to": pipeline["stages"][0]["id"],
        "loss_reason": made("/loss-reasons", name=name),
        "lead": made("/leads", title=name),
        "deal": made("/deals", title=name, pipeline_id=pipeline["id"]),
        "task": made("/tasks", title=name),
        "activity": made("/activities", type="call", contact_id=contact),
        "import": upload,
        "job": made(f"/imports/{upload}/run", dry_run=True),
        "custom_field": made("/custom-fields", resource="deals", key=name, name=name, kind="choice", options=["text"]),
        "erasure": made("/erasures", contact_id=made("/contacts", first_name=name), reason=name),
        "file": uploaded("/files", "company_id", company, name),
        "retention_rule": made("/retention-rules", name=name, **rule),
        "segment": made("/segments", resource="contacts", name=name, kind="static"),
        "view": made("/views", resource="contacts", name=name),
    }


def await_job(job):
    while call("GET", f"/jobs/{job}")["status"] in ("queued", "running"):
        time.sleep(0.01)


owner = {"workspace_name": "Fuzz", "name": "Anna", "email": EMAIL, "password": PASSWORD, "base_currency": "EUR"}
token = call("POST", "/auth/register", owner)["access_token"]
me = call("GET", "/me")
own = {me["user"]["id"], *(session["id"] for session in call("GET", "/auth/sessions")["data"])}
for resource in ("contacts", "companies", "leads", "deals"):
    call("POST", "/custom-fields", {"resource": resource, "key": "region", "name": "Region", "kind": "text"})
# Paths change the first, deletions take the second, endings the third; bodies and filters name the fourth.
changed, deleted, turned, named = map(records, ["changed", "deleted", "turned", "named"])
known = {*changed.values(), *deleted.values(), *turned.values(), *named.values()}
instead = {ids[kind]: deleted[kind] for ids in (changed, turned, named) for kind in ids}
leads = next(pipeline for pipeline in call("GET", "/pipelines")["data"] if pipeline["kind"] == "lead")


def aimed(method, path):
    """The records that an operation is for."""
    if method.lower() == "delete" or path.endswith("/restore"):
        return deleted
    return turned if path.endswith(("/convert", "/lose", "/win", "/reopen")) else changed


def real_id(name, of_leads):
    """The id of a record for a member or parameter of this name."""
    kind = name.split("__")[0].removesuffix("_id")
    if kind in ("owner", "author", "actor", "assignee", "created_by", "completed_by"):
        return me["user"]["id"]
    if of_leads and kind in ("pipeline", "stage"):
        return leads["id"] if kind == "pipeline" else leads["stages"][0]["id"]
    others = {
        "workspace": me["workspace"]["id"], "to_user": changed["user"], "converted_deal": named["deal"],
        # A stage of the pipeline whose stage is deleted.
        "move_to": deleted["move_to"],
    }
    return others.get(kind, named.get(kind))


# No control characters, as docs/api-rules.md says of all texts.
TEXT = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$"


def reach(value, schemas, found):
    """The names of the schemas that a part of the document leads to."""
    for title in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(value)):
        if title not in found:
            found.add(title)
            reach(schemas[title], schemas, found)


def is_new(parameter, tried):
    """Whether a parameter is no filter, or a filter that no operation before has. All lists read filters by one registry, so a filter
    of the same comparison and schema is the same filter under another name; the tests of the server ask every name."""
    if parameter["in"] != "query" or parameter["name"] in ("limit", "sort", "include", "columns", "q") or parameter.get("required"):
        return True
    comparison = parameter["name"].partition("__")[2] or parameter["name"]
    what = comparison, json.dumps(parameter["schema"], sort_keys=True)
    new = what not in tried
    tried.add(what)
    return new


def shorten_batches(schemas):
    """Items of batches are read by the code and the schema of single records, which are tried by themselves: here they have only
    what they must have, and one member more."""
    for title, schema in list(schemas.items()):
        if not re.search("Batch(Create|Update)$|BatchUpdateItem$|BulkUpdate$", title):
            continue
        members = schema["properties"]
        holder = members["items"] if "items" in members else members["changes"]
        place = holder.get("items", holder)
        name = place.get("$ref", "").rpartition("/")[2]
        if not re.fullmatch(r"\w+(Create|Update)", name):
            continue
        whole, required = schemas[name], schemas[name].get("required", [])
        kept = [*required, *[member for member in whole["properties"] if member not in required][:2]]
        short = {**whole, "properties": {member: whole["properties"][member] for member in kept}}
        schemas[f"{title}Short{name}"] = short
        place["$ref"] = f"#/components/schemas/{title}Short{name}"


@schemathesis.hook
def before_load_schema(context, document):
    """Examples become requests that can succeed: ids of records that exist, an If-Match that fits. Schemas learn the rules of
    docs/api-rules.md, so that these are tried as well."""
    schemas = document["components"]["schemas"]
    shorten_batches(schemas)
    sent = set()
    lists = [document["paths"][f"/api/v1/{name}"]["get"]["parameters"] for name in ("leads", "deals")]
    filters = {parameter["name"] for parameter in itertools.chain(*lists)}
    tried = set()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            reach(operation.get("requestBody", {}), schemas, sent)
            # Whole bodies are for readers; those made of members know the records that are there.
            for content in operation.get("requestBody", {}).get("content", {}).values():
                content.pop("example", None)
            parameters = operation.get("parameters", [])
            # All lists read filters by one registry: a filter of one name and schema is tried once. Reports read those of the lists of
            # leads and deals, as the pipeline decides.
            report = "/analytics/" in path
            parameters[:] = [p for p in parameters if (p["name"] not in filters if report else is_new(p, tried))]
            # A cursor is signed: made-up ones are refused, and would hide everything else.
            parameters[:] = [parameter for parameter in parameters if parameter["name"] != "cursor"]
            for parameter in parameters:
                name = parameter["name"]
                if parameter["in"] == "path":
                    parameter["example"] = aimed(method, path).get(name.removesuffix("_id"), parameter["example"])
                elif name == "If-Match":
                    parameter["example"] = "*"
                elif "example" in parameter and not name.endswith("__empty") and (example := real_id(name, "/leads" in path)):
                    parameter["example"] = [example] if parameter["schema"]["type"] == "array" else example
                for text in (parameter["schema"], parameter["schema"].get("items", {})):
                    if parameter["in"] == "query" and text.get("type") == "string" and not text.keys() & {"format", "pattern"}:
                        text["pattern"] = "^[^\\u0000\\ufffd]*$"
    examples = {
        ("Credentials", "email"): EMAIL,
        ("Credentials", "password"): PASSWORD,
        ("ImportUpload", "file"): "first_name\nAnn\n",
        ("SearchRequest", "include"): [],
        ("DealReopening", "stage_id"): turned["stage"],
        ("StageOrder", "stage_ids"): [stage["id"] for stage in call("GET", f"/pipelines/{changed['pipeline']}")["stages"]],
        ("UserCreate", "role"): "seller",
        ("UserUpdate", "role"): "seller",
    }
    del schemas["SearchRequest"]["properties"]["cursor"]
    for title, schema in schemas.items():
        for name, member in schema.get("properties", {}).items():
            example = real_id(name, title.startswith("Lead")) if str(member.get("example")).startswith(EXAMPLE_ID) else None
            example = examples.get((title, name), example)
            if example is not None:
                member["example"] = example
            if title in sent:
                for text in (member, member.get("items", {})):
                    if "string" in text.get("type", "") and text.get("format", "password") == "password" and "pattern" not in text:
                        text["pattern"] = TEXT
            # In a creation null means absent; a form has no null.
            if title in sent and title not in ("FileUpload", "ImportUpload") and not re.search("(?<!Batch)(?<!Bulk)Update$", title) and name not in schema.get("required", []):
                if "$ref" in member:
                    schema["properties"][name] = {"anyOf": [member, {"type": "null"}]}
                elif isinstance(member.get("type"), str):
                    member["type"] = [member["type"], "null"]


FORMATS = {
    "currency": ["EUR", "USD", "JPY", "KWD"],
    "country": ["EE", "DE", "US"],
    "time-zone": ["UTC", "Europe/Tallinn", "America/New_York"],
    "web-url": ["https://example.com", "http://example.com/a?b=c"],
}
for name, values in FORMATS.items():
    schemathesis.openapi.format(name, strategies.sampled_from(values))


def broken(case):
    """Where the request breaks the document: PATH, QUERY, HEADER, BODY."""
    meta = case.meta
    return {location.name for location in meta.components if meta.is_negative_at(location)} if meta else set()


UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
UNIQUE = ["name", "key", "sku", "external_id", "email"]
EITHER = [("email", "emails"), ("phone", "phones"), ("company", "company_id"), ("contact", "contact_id"), ("deal", "deal_id"),
          ("deal", "without_deal"), ("deal_id", "without_deal"), ("due_at", "due_date")]
dice, numbers, used = random.Random(1), itertools.count(1), set()


def fresh_headers(case):
    headers = case.headers or {}
    if headers.get("If-Match") == "*" and "428" in case.operation.definition.raw["responses"]:
        # Here the version itself is needed.
        with contextlib.suppress(urllib.error.HTTPError):
            version = call("GET", "/" + "/".join(case.formatted_path.split("/")[3:5]))["version"]
            headers["If-Match"] = f'"{version}"'
    if key := headers.get("Idempotency-Key"):
        headers["Idempotency-Key"] = f"{key[:240]}{next(numbers)}"


def objects(body):
    """A body, its items, and the changes in them."""
    if isinstance(body, dict):
        yield body
        yield from objects(body.get("changes"))
        for item in body["items"] if isinstance(body.get("items"), list) else []:
            yield from objects(item)


def fresh_body(path, body):
    """A valid body, without what excludes each other, and with names that are not in use."""
    for pair in EITHER:
        if all(name in body for name in pair):
            del body[dice.choice(pair)]
    for value in body.get("custom_fields") or []:
        # A field of text takes no other value.
        for name in value.keys() - {"key", "text"} if value["key"] == "region" else []:
            del value[name]
    for name in UNIQUE:
        value, place = body.get(name), (path.split("/")[3], name)
        if isinstance(value, str) and value != EMAIL:
            if (*place, value) in used:
                number = str(next(numbers))
                body[name] = number + value if name == "email" else value[:40] + number
            used.add((*place, body[name]))


@schemathesis.hook
def before_call(context, case, kwargs):
    """Gets what a schema cannot say out of the way, unless the request tries just that."""
    wrong = broken(case)
    for name, value in (case.path_parameters or {}).items():
        kind, ids = name.removesuffix("_id"), aimed(case.method, case.path)
        # The caller neither signs itself out nor changes itself; what others need is not taken away.
        if value in own or ids is not changed and value in (changed.get(kind), named.get(kind)):
            case.path_parameters[name] = ids.get(kind) or str(uuid.uuid4())  # nobody here has an identity
    if case.path.endswith("/imports/{import_id}/run") and (case.path_parameters or {}).get("import_id") in known:
        # Every erasure takes the files of imports away.
        case.path_parameters["import_id"] = uploaded("/imports", "resource", "contacts", "fresh")
    if case.path.endswith("/imports/{import_id}/undo") and (case.path_parameters or {}).get("import_id") in known:
        # Only what was imported can be undone.
        case.path_parameters["import_id"] = uploaded("/imports", "resource", "contacts", "fresh")
        await_job(call("POST", f"/imports/{case.path_parameters['import_id']}/run", {})["id"])
    if "/analytics/" in case.path and "pipeline_id" in (case.query or {}) and "QUERY" not in wrong:
        # Which filters there are depends on whether it is a pipeline of leads or of deals.
        case.query["pipeline_id"] = named["pipeline"]
    if case.query and "QUERY" not in wrong:
        # A sequence may carry over a member that was null.
        case.query = {name: value for name, value in case.query.items() if value not in (None, "", [None], [""])}
    if "HEADER" not in wrong:
        fresh_headers(case)
    for body in objects(case.body):
        # A record is made once, and a member not set and cleared at once.
        if case.method == "POST" and isinstance(body.get("id"), str) and UUID.fullmatch(body["id"]) and body["id"] not in known:
            body["id"] = str(uuid.UUID(int=dice.getrandbits(128), version=4))
        if isinstance(body.get("clear"), list):
            body["clear"] = [name for name in body["clear"] if not isinstance(name, str) or name not in body]
        if "BODY" not in wrong:
            fresh_body(case.path, body)
            # Work on many records would take away what all others need.
            if isinstance(body.get("selection"), dict) and re.search("/bulk-|/retention-rules", case.path):
                selection = body["selection"]
                selection["all"] = [*(selection.get("all") or []), NOBODY]
                if "/contacts/" not in case.path and body.get("resource") != "contacts":
                    # The segments and views here are of contacts.
                    selection.pop("segment_id", None)
                    selection.pop("view_id", None)
            if case.path.endswith("/batch-delete") and body.get("id") in instead:
                body["id"] = instead[body["id"]]
            if case.path.endswith("/erasures"):
                body |= {f"{kind}_id": turned[kind] for kind in ("contact", "lead") if body.get(f"{kind}_id") in known}
            if body.get("action") == "create":
                body.pop("id", None)
                body.pop("version", None)


def problem_of(response):
    try:
        answer = response.json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def at(body, pointer):
    """The value at a JSON pointer."""
    for part in pointer.split("/")[1:]:
        body = body[int(part)] if isinstance(body, list) else body[part.replace("~1", "/").replace("~0", "~")]
    return body


def is_rule(error, body):
    place = error["pointer"] or error["parameter"] or ""
    if any(
        re.fullmatch(code, error["code"]) and re.search(where, place) and re.match(detail, error["detail"])
        for code, where, detail, _ in RULES
    ):
        return True
    # Texts are trimmed before they are measured, and what nobody sees is taken out.
    text = at(body, error["pointer"]) if error["code"] == "too_short" and error["pointer"] else None
    return isinstance(text, str) and text != "".join(c for c in text if unicodedata.category(c) != "Cf").strip()


def faults(problem, body):
    """What is said to be wrong, without the rules that no schema says."""
    if problem.get("code") in STATES:
        return []
    if not problem.get("errors"):
        return [("", f"{problem.get('code')}: {problem.get('detail')}")]
    wrong = [error for error in problem["errors"] if not is_rule(error, body)]
    return [(error["pointer"] or error["parameter"], f"{error['code']}: {error['detail']}") for error in wrong]


class UnlistedStatus(Failure):
    pass


class MissingHeader(Failure):
    pass


class RefusedItem(Failure):
    pass


@schemathesis.check
def refused_for_what_is_wrong(ctx, response, case):
    """A body that breaks the document is refused for that, before anything else is looked at."""
    problem = problem_of(response)
    passed = response.status_code in (404, 409, 412, 428) or response.status_code == 422 and not faults(problem, case.body)
    if (passed or problem.get("code") == "idempotency_key_reused") and broken(case) & {"BODY", "PATH"} == {"BODY"}:
        accepted = copy.copy(response)
        accepted.status_code = 299
        negative_data_rejection(ctx, accepted, case)


@schemathesis.check
def listed_status(ctx, response, case):
    """Each status is listed by its number; `default` is for those that any request may be answered with."""
    listed = case.operation.definition.raw["responses"]
    shape = coverage_scenario(case) in REQUEST_SHAPE_PROBES
    if not shape and response.status_code not in ANYWHERE and str(response.status_code) not in listed:
        raise UnlistedStatus(operation=case.operation.label, message=f"{response.status_code} is not listed")


@schemathesis.check
def headers_given(ctx, response, case):
    """A success has the headers that the document gives it."""
    answer = case.operation.definition.raw["responses"].get(str(response.status_code), {}) if response.status_code < 300 else {}
    missing = [name for name in answer.get("headers", {}) if name.lower() not in response.headers]
    if missing:
        raise MissingHeader(operation=case.operation.label, message=", ".join(missing))


@schemathesis.check
def items_accepted(ctx, response, case):
    """An item of a batch that follows the document is refused by rules alone."""
    if case.meta and case.meta.generation.mode.is_positive and response.status_code == 200:
        for result in problem_of(response).get("results") or []:
            problem = result.get("error")
            wrong = faults(problem, case.body["items"][result["index"]]) if problem and problem["status"] in (400, 422) else []
            if wrong:
                raise RefusedItem(operation=case.operation.label, message=json.dumps(wrong))


requests, called, succeeded, failures = Counter(), set(), set(), defaultdict(list)


@schemathesis.hook
def after_call(context, case, response):
    requests[case.meta.phase.name.value if case.meta else "other"] += 1
    called.add(case.operation.definition.raw["operationId"])
    if response.status_code < 300:
        succeeded.add(case.operation.definition.raw["operationId"])
    if response.status_code == 202 and "/imports/" in case.path:
        # Later answers must not depend on how fast the import is.
        await_job(response.headers["location"][0].rpartition("/")[2])


def causes(failure, response, case):
    """Failures of one cause are told once, however many operations they meet."""
    if isinstance(failure, (RejectedPositiveData, RefusedItem)):
        item = isinstance(failure, RefusedItem)
        wrong = json.loads(failure.message) if item else faults(problem_of(response), case.body)
        return [(f"valid data are refused, {response.status_code} {what}", where) for where, what in wrong]
    if isinstance(failure, AcceptedNegativeData):
        wrong = re.sub(r".*Invalid component:", "", failure.message, flags=re.S).strip().splitlines()
        where, _, what = wrong[-1].strip(" -").rpartition(": ")
        return [(f"invalid data are taken, {response.status_code}: {what}", where)]
    title = type(failure).__name__ if type(failure).__module__ == __name__ else failure.title
    return [(f"{title}: {failure.message.splitlines()[0]}", "")]


def says_nothing(value):
    """Whether a text somewhere is empty: it is taken for null, whatever length or format its schema asks for."""
    if isinstance(value, dict):
        return any(map(says_nothing, value.values()))
    return any(map(says_nothing, value)) if isinstance(value, list) else value == ""


@schemathesis.hook
def filter_failure(context, failure, case, response):
    problem = problem_of(response)
    if isinstance(failure, AcceptedNegativeData) and (says_nothing(case.body) or says_nothing(dict(case.query or {}))):
        return False
    if isinstance(failure, RejectedPositiveData) and not faults(problem, case.body):
        return False
    # A batch refuses the item, not the request; bodies with a file cannot be judged once more after `before_call`.
    if isinstance(failure, AcceptedNegativeData) and (problem.get("failed") or "positive test case" in failure.message):
        return False
    curl = case.as_curl_command(headers={"Authorization": "Bearer $token"})
    curl = curl.replace("'Authorization: Bearer $token'", '"Authorization: Bearer $token"')
    curl = curl.replace(f"'{base}", "\"$base\"'").replace(base, "$base")
    for cause, where in causes(failure, response, case):
        cause = re.sub(r"(?<!, )\b\d+\b|; did you mean.*", "N", cause)
        failures[cause].append((case.operation.label, re.sub(r"\d+", "N", where), curl, response.content.decode(errors="replace")))
    return True


work.mkdir(parents=True, exist_ok=True)
log = work / "log"
arguments = ["--config-file", str(Path(__file__).with_name("schemathesis.toml")), "run", f"{base}/openapi.json", "--checks", "all",
             "--header", f"Authorization: Bearer {token}", *sys.argv[3:]]
with log.open("w") as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
    try:
        ended = command_line(arguments, standalone_mode=False)
    except SystemExit as end:
        ended = end.code

print(f"{len(called)} operations, {requests.total()} requests: " + ", ".join(f"{n} {phase}" for phase, n in requests.items()))
hollow = called - succeeded - HOPELESS.keys()
if hollow:
    print(f"These never succeed, so that their other answers prove little: {', '.join(sorted(hollow))}")
with (work / "failures.md").open("w") as file:
    for cause, found in sorted(failures.items(), key=lambda pair: -len(pair[1])):
        labels, places = (list(dict.fromkeys(part)) for part in list(zip(*found))[:2])
        _, _, curl, answer = min(found, key=lambda one: len(one[2]))
        print(f"\n{len(found)}x in {len(labels)} operations: {cause[:300]}\n   {', '.join(labels[:3])}{' ...' * (len(labels) > 3)}")
        print(f"   at {', '.join(filter(None, places[:8]))}\n   {curl[:500]}{' ...' * (len(curl) > 500)}")
        file.write(f"## {len(found)}x {cause}\n\n{', '.join(labels)}\n\nat {', '.join(places)}\n\n")
        file.write(f"```sh\n{curl}\n```\n\n{answer[:2000]}\n\n")
if failures:
    print(f"\nEach in full: {work / 'failures.md'}")
_, errors, text = log.read_text().partition("= ERRORS =")
if errors or ended and not failures:
    print(f"\nThe run itself went wrong, see {log}: {text[:2000]}")
if not (failures or hollow or ended):
    print("the document holds")
sys.exit(bool(failures or hollow or ended))

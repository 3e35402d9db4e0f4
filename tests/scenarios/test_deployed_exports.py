"""Exports from the request at the deployed API to the file, with the rights of the functions' own roles."""

import csv
import io
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import jsonschema
import psycopg
import pytest

from local.demo import open_and_wait, sample_repository, wait_for_record
from local.stack import LocalStack
from tests.scenarios.callers import call, installation, operator
from tests.unit.test_sarif import SCHEMA

pytestmark = [pytest.mark.local_aws, pytest.mark.timeout(300)]


def written(stack: LocalStack, place: str, token: str) -> dict[str, Any]:
    """Wait, as a client would, until an export has ended."""
    ends_at = time.monotonic() + 120
    while True:
        answer = call(stack, "GET", place, token)
        assert answer.status == 200, (answer, stack.logs("api")[-5:])
        if answer.document["state"] != "running":
            assert answer.document["state"] == "done", (answer, stack.logs("maintenance")[-5:])
            return dict(answer.document)
        assert time.monotonic() < ends_at, stack.logs("maintenance")[-5:]
        time.sleep(1)


def rows_of(form: str, data: bytes) -> Iterator[tuple[str, str, str]]:
    """Read agent, path and fingerprint back."""
    text = data.decode()
    if form == "sarif":
        log = json.loads(text)
        jsonschema.Draft4Validator(json.loads(SCHEMA.read_text())).validate(log)
        for run in log["runs"]:
            for result in run["results"]:
                agent = run["automationDetails"]["id"].split("/")[1]
                place = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
                yield agent, place, result["partialFingerprints"]["codereview/v1"]
        return
    rows = csv.DictReader(io.StringIO(text, newline="")) if form == "csv" else map(json.loads, text.splitlines())
    for row in rows:
        yield row["agent"], row["path"], row["fingerprint"]


def test_an_export_in_each_format_holds_the_rows_of_the_tenant(local_aws_with_roles: LocalStack) -> None:
    stack, person = local_aws_with_roles, operator(local_aws_with_roles)
    repository = stack.hub.add_repository(sample_repository(), owner="exported", name="sample")
    bound = call(stack, "POST", "/v1/tenants", person, {"installation_id": installation(stack, "exported")})
    tenant = bound.document["id"]
    pull = open_and_wait(stack.hub, repository, base="main", head="change")
    wait_for_record(stack.database.superuser_dsn, pull["check_runs"][0]["external_id"])
    with psycopg.connect(stack.database.superuser_dsn) as connection:
        query = "SELECT agent, path, fingerprint FROM findings WHERE tenant_id = %s"
        recorded = sorted(connection.execute(query, [tenant]).fetchall())
        shown = sorted(connection.execute(f"{query} AND placement <> 'dropped'", [tenant]).fetchall())
    assert 0 < len(shown) < len(recorded)
    exports = f"/v1/tenants/{tenant}/exports"
    period = {"since": "2020-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z"}
    forms = ("csv", "jsonl", "sarif")
    started = {form: call(stack, "POST", exports, person, {"format": form} | period) for form in forms}
    assert [each.status for each in started.values()] == [202, 202, 202], (started, stack.logs("api")[-5:])
    for form, answer in started.items():
        done, expected = written(stack, answer.headers["location"], person), shown if form == "sarif" else recorded
        assert (done["rows"], done["is_cut"]) == (len(expected), False)
        with urlopen(done["url"], timeout=60) as response:
            assert sorted(rows_of(form, response.read())) == expected
            assert response.headers["content-disposition"].startswith("attachment; ")
        with pytest.raises(HTTPError):  # the right to one object is none to another
            urlopen(done["url"].replace(f".{form}?", ".json?"), timeout=60)
    listed = call(stack, "GET", exports, person).document["items"]
    assert {(each["id"], each["state"]) for each in listed} == {
        (each.document["id"], "done") for each in started.values()
    }

"""What the operators' policies allow against what their commands ask for: all of it, and nothing else."""

import json
import re
import shlex
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.checkout import ROOT
from local.demo import open_and_wait, sample_repository, wait_for_record
from local.stack import LocalStack
from local.translation import translate
from tests.infra.template.deployed import Stack
from tests.infra.template.test_policies import PARAMETERS
from tests.scenarios.callers import installation
from tests.scenarios.operators import Done, Person, hired, operators_commands
from tests.scenarios.permissions import used
from tests.scenarios.test_deployed_doctor import forget_secrets

pytestmark = [pytest.mark.local_aws, pytest.mark.long, pytest.mark.timeout(900)]

BY_PAGE = "a line of a runbook asks for it, by AWS's own command line"
BY_TASK = "a move task does it in the name of who started it; the emulator's needs no right"
NO_SENDER = "asked where notices are mailed, which they are not here"
# What no command asked for, and why it is allowed all the same.
UNUSED = {
    "LookingPolicy": {
        "cloudformation:DescribeStacks": BY_PAGE,
        "events:ListRuleNamesByTarget": BY_PAGE,
        "ses:GetAccount": NO_SENDER,
        "ses:GetEmailIdentity": NO_SENDER,
    },
    "ActingPolicy": {
        "bedrock:InvokeModel": "the stack's model is another one; the right is to nothing then",
        "events:EnableRule": BY_PAGE,
        "secretsmanager:ListSecretVersionIds": BY_PAGE,
        "sqs:DeleteMessage": BY_TASK,
    },
}
# What is asked for as it happens.
BY_CHANCE = {"sqs:CancelMessageMoveTask": "a move of nothing is over before it can be stopped"}
# What AWS takes no right for.
OF_EVERYBODY = {"sts:GetCallerIdentity"}

# A doctor may end with 1 for what it found, as in an account that runs ten functions at once.
DOCTORS = {"doctor", "doctor --without-secrets --without-model --without-database"}
# What needs the App's key for a part of it, and says so.
IN_PART = {"reconcile --dry-run": 1, "evidence other --out {folder}/evidence.zip": 0}
# There is no such archive, and a move of nothing is over.
IN_VAIN = {"database restore {tenant} 2020-01", "queues cancel reviews", "redrive --queue record --cancel"}
LOOKS = (
    "doctor --without-secrets --without-model --without-database",
    "reconcile --dry-run",
    "idle-cost",
    "releases list",
    "releases rollback --to 1 --dry-run",
    "trace {review}",
    "evidence other --out {folder}/evidence.zip",
    "redrive --queue review --dry-run",
    "redrive --queue review --list",
    "workers status",
    "workers scale 5 --dry-run",
    "workers pause --dry-run",
    "workers resume --dry-run",
    "workers resize 1024 --dry-run",
    "contacts show {tenant}",
    "flags show --deployment",
    "limits show",
    "tenants list",
    "tenants show",
    "people list",
    "people show 7",
    "keys list",
    "keys show {key}",
    "reviews list",
    "reviews show {review}",
    "reviews pauses",
    "queues list",
    "queues waiting",
    "queues dead-letters reviews",
    "queues moves reviews",
    "notices list",
    "notices current",
    "notices show {notice}",
    "exports list",
    "exports show {export} --output {folder}/looked.jsonl",
)
# One for each way in which something is changed or a secret read.
REFUSED = (
    "trace https://github.com/operated-on/sample/pull/{number}",
    "flags set --deployment --posting off",
    "contacts set {tenant} a@example.com",
    "reviews rerun {review}",
    "workers pause --yes",
    "workers resize 512 --yes",
    "releases rollback --to 1 --yes",
    "secrets rotate webhook --yes",
    "secrets rotate cursor --yes --dry-run",
    "redrive --queue review --yes",
    "exports start",
    "tenants renew",
    "database status",
    "audit list deployment",
)
ACTS = (
    "doctor",
    "trace https://github.com/operated-on/sample/pull/{number}",
    "reconcile",
    "tenants renew",
    "tenants block --yes",
    "tenants unblock",
    "people remove 7 --yes",
    "flags set --deployment --posting on",
    "limits set --reviews 1000/h",
    "notices change {notice} --text Other",
    "notices remove {notice} --yes",
    "keys rotate {key}",
    "keys revoke {key} --yes",
    "reviews pause --reason test",
    "reviews run --repository {repository} --number {number} --full",
    "reviews cancel {parked} --yes",
    "reviews resume",
    "reviews rerun {review}",
    "reviews rerun-bypassed --since 2020-01-01T00:00:00Z",
    "queues redrive reviews --yes",
    "queues cancel reviews",
    "redrive --queue record --yes",
    "redrive --queue record --cancel",
    "contacts set {tenant} a@example.com",
    "contacts clear {tenant}",
    "secrets rotate cursor --yes",
    "secrets rotate webhook --yes",
    "secrets announce webhook",
    "secrets retire webhook --yes",
    "workers scale 5 --yes",
    "workers restore --yes",
    "workers pause --queue record --yes",
    "workers resume --queue record --yes",
    "releases rollback --to 1 --yes",
    "releases rollback --to 2 --yes",
    "audit list deployment",
    "audit verify",
    "database status",
    "database vacuum reviews",
    "database autovacuum reviews --scale-factor 0.1",
    "database index list",
    "database index add reviews head_sha",
    "database index drop {index}",
    "database archive --dry-run",
    "database restore {tenant} 2020-01",
    "database retention --dry-run",
    "database keep {tenant} --keep-days 400",
    "database delete-tenant {tenant} --yes",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """What two operators did to one tenant; `values` are the ids that their lines name."""

    reader: Person
    actor: Person
    values: dict[str, Any]

    def of(self, person: Person, line: str) -> Done:
        """Return what came of a line."""
        return person.done[line.format(**self.values)]


def document(person: Person, line: str) -> dict[str, Any]:
    """Run a command that answers with one document."""
    done = person.run(line)
    assert done.status == 0, (line, done)
    found: dict[str, Any] = json.loads(done.said)
    return found


def prepared(stack: LocalStack, folder: Path) -> Night:
    """Let the actor make what there is to look at."""
    repository = stack.hub.add_repository(sample_repository(), owner="operated-on", name="sample")
    reader = hired(stack, "reader", "LookingPolicyArn")
    actor = hired(stack, "actor", "LookingPolicyArn", "ActingPolicyArn")
    tenant = document(actor, f"tenants bind {installation(stack, 'operated-on')}")["id"]
    for person in (reader, actor):
        person.environment["CODEREVIEW_TENANT"] = tenant
    pull = open_and_wait(stack.hub, repository, base="main", head="change")
    review = pull["check_runs"][0]["external_id"]
    wait_for_record(stack.database.superuser_dsn, review)
    document(actor, "people set 7 --role viewer --login somebody")
    for line in ("releases record", "workers resize 1024 --yes", "releases record"):
        document(actor, line)
    values = {
        "folder": shlex.quote(str(folder)),
        "tenant": tenant,
        "repository": repository,
        "number": pull["number"],
        "review": review,
        "notice": document(actor, "notices create Look --until +4h")["id"],
        "key": document(actor, "keys create --name ci --scope reviews:read --expires +90d")["key"]["id"],
        "export": document(actor, "exports start --follow")["id"],
    }
    return Night(reader=reader, actor=actor, values=values)


def act(night: Night, line: str) -> None:
    """Run a line of the actor's, and keep the ids that a later one needs."""
    done = night.actor.run(line.format(**night.values))
    match line.split()[:3]:
        case ["reviews", "run", *_]:
            night.values["parked"] = parked(night.actor)
        case ["database", "index", "add"]:
            night.values["index"] = done.said.removeprefix("Added ").removesuffix(".\n")


def parked(person: Person) -> str:
    """Wait for the review that a pause holds back."""
    for _ in range(60):
        found = document(person, "reviews list --state parked")["items"]
        if found:
            return str(found[0]["id"])
    raise AssertionError("nothing is parked")


@pytest.fixture(scope="module")
def night(local_aws_with_roles: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    found = prepared(local_aws_with_roles, tmp_path_factory.mktemp("night"))
    with ThreadPoolExecutor(max_workers=4) as pool:  # none changes what another sees
        list(pool.map(lambda line: found.reader.run(line.format(**found.values)), (*LOOKS, *REFUSED)))
    for line in ACTS:
        act(found, line)
    yield found
    forget_secrets(local_aws_with_roles)  # the other tests' webhooks are signed with a new one


def test_every_command_that_reaches_a_stack_was_run(night: Night) -> None:
    assert night.reader.commands() | night.actor.commands() == set(operators_commands())


def test_whoever_looks_sees(night: Night) -> None:
    for line in LOOKS:
        done = night.of(night.reader, line)
        assert done.status == IN_PART.get(line, 0) or line in DOCTORS, (line, done)
        assert ("denies" in done.said + done.complained) == (line in IN_PART), (line, done)


def test_whoever_looks_changes_nothing_and_hears_in_a_line_which_right_it_takes(night: Night) -> None:
    rights = policy("ActingPolicy")
    for line in REFUSED:
        done = night.of(night.reader, line)
        refusal = re.fullmatch(r"codereview: [\w ]+ denies (\w+:\w+)( on arn:\S+)?\n", done.complained)
        assert refusal is not None, (line, done)
        assert refusal[1] in rights
        assert (done.status, done.said) == (4, ""), (line, done)


def test_whoever_acts_does_it(night: Night) -> None:
    for line in ACTS:
        done = night.of(night.actor, line)
        assert done.status == 0 or line in DOCTORS | IN_VAIN, (line, done)
        assert "denies" not in done.said + done.complained, (line, done)


def policy(name: str) -> set[str]:
    """Return the actions that a policy of the checkout allows."""
    path = "infra/policies.yaml"
    return Stack(translate({path: (ROOT / path).read_text()}, {})[path], PARAMETERS).allowed(name)


def test_every_right_is_used_or_has_its_reason(local_aws_with_roles: LocalStack, night: Night) -> None:
    looked = used(local_aws_with_roles, night.reader.name)
    asked = looked | used(local_aws_with_roles, night.actor.name)
    assert policy("LookingPolicy") - looked == set(UNUSED["LookingPolicy"])
    assert policy("ActingPolicy") - asked - set(BY_CHANCE) == set(UNUSED["ActingPolicy"])
    assert set(BY_CHANCE) <= policy("ActingPolicy")
    assert asked - OF_EVERYBODY <= policy("LookingPolicy") | policy("ActingPolicy")

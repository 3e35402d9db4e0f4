"""Every alarm has a page, every page an alarm, and every command on it is one that there is."""

import re
from collections.abc import Sequence

import click
import pytest
from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from botocore.session import get_session

from codereview.cli.main import cli
from local.checkout import ROOT
from tests.infra.template.deployed import Stack, Template
from tests.infra.template.pages import FOLDER, PARTS, Page, pages
from tests.infra.template.test_alarms import PARAMETERS
from tests.infra.template.watched import alarms, tags

PAGES = pages()
README = Page(slug="README", text=(FOLDER / "README.md").read_text())
# Of AWS's command line, for every command: https://docs.aws.amazon.com/cli/latest/reference/#options
OF_EVERY_AWS_COMMAND = {"query", "output", "region", "profile", "cli-binary-format"}
# What each of the four incidents must at least have an operator do, as the words that its commands contain.
LEAST_STEPS = {
    "webhook-backlog": {
        "workers status": "workers are healthy",
        "evidence webhook-backlog": "their logs",
        "workers scale": "reviewers are scaled up",
        "workers restore": "and back to the original count",
        "queues dead-letters": "which dead letters are transient",
        "redrive": "they are moved back",
        "doctor": "GitHub is reachable and the App's key is valid",
    },
    "worker-crash-loop": {
        "workers status": "memory",
        "workers resize": "more of it",
        "evidence worker-crash-loop": "the failing agent in the logs",
        "doctor": "the provider's configuration",
        "flags set --deployment --agent": "the agent off",
        "flags set --deployment --models off": "models bypassed",
        "make rollback": "the release before",
        "queues dead-letters": "poison is named",
    },
    "database-bloat": {
        "status": "dead rows and the last VACUUM",
        "vacuum findings": "VACUUM",
        "vacuum reviews": "VACUUM",
        "autovacuum": "its settings",
        "archive": "archive",
        "retention": "retention",
        "index list": "indexes",
        "index add": "added",
        "index drop": "or adjusted",
    },
    "rate-limit-spikes": {
        "limits show": "quotas by tenant",
        "keys list": "and by key",
        "limits set --requests": "raised",
        "audit": "the audit log is read for abuse",
        "tenants block": "block",
        "notices create": "the tenants are told",
    },
}


def _template_alarms(templates: dict[str, Template], main: Stack) -> dict[str, str]:
    """Return the page that each alarm is tagged with, by the alarm's name without the stack in front."""
    every = alarms(Stack(templates["infra/alarms.yaml"], PARAMETERS)) | alarms(main)
    return {
        re.sub(r"^codereview-(prod|test)-", "", each["AlarmName"]): tags(each)["runbook"] for each in every.values()
    }


@pytest.fixture(scope="module")
def tagged(templates: dict[str, Template], system: Stack) -> dict[str, str]:
    return _template_alarms(templates, system)


def test_every_alarm_has_a_page_that_names_it_and_every_page_is_some_alarms(tagged: dict[str, str]) -> None:
    wanted: dict[str, set[str]] = {}
    for alarm, slug in tagged.items():
        wanted.setdefault(slug, set()).add(alarm)
    assert {slug: page.alarms for slug, page in PAGES.items()} == wanted


def test_the_list_of_pages_is_complete_and_tells_alarms_and_severity(
    tagged: dict[str, str], templates: dict[str, Template], system: Stack
) -> None:
    every = alarms(Stack(templates["infra/alarms.yaml"], PARAMETERS)) | alarms(system)
    severities = {tags(alarm)["runbook"]: tags(alarm)["severity"] for alarm in every.values()}
    rows = re.findall(r"^\| \[([a-z-]+)\]\(([a-z-]+)\.md\) \| (.*?) \| (\w+) \|$", README.text, re.MULTILINE)
    assert {slug for slug, *_ in rows} == set(PAGES)
    for slug, linked, named, severity in rows:
        assert linked == slug
        assert set(re.findall(r"`([a-z-]+)`", named)) == {alarm for alarm, page in tagged.items() if page == slug}
        assert severity == severities[slug]


@pytest.mark.parametrize("slug", sorted(PAGES))
def test_every_page_has_the_same_parts_in_their_order(slug: str) -> None:
    assert list(PAGES[slug].parts) == PARTS


@pytest.mark.parametrize("slug", sorted(PAGES))
def test_every_link_of_a_page_leads_somewhere(slug: str) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", PAGES[slug].text):
        assert (FOLDER / link).resolve().is_file(), link


@pytest.mark.parametrize("page", [*PAGES.values(), README], ids=lambda page: page.slug)
def test_every_command_of_a_page_is_one_that_there_is(page: Page) -> None:
    for words in page.commands():
        if words:
            _check(words)


@pytest.mark.parametrize(
    "line",
    [
        ["codereview", "workers", "scale", "many"],
        ["codereview", "workers", "explode"],
        ["codereview", "redrive", "--queue", "review", "--fast"],
        ["codereview", "redrive"],
        ["make", "nothing-of-the-sort"],
        ["aws", "sqs", "make-it-so"],
        ["aws", "sqs", "purge-queue", "--queue", "q"],
        ["aws", "sqz", "purge-queue"],
        ["rm", "-rf", "/"],
    ],
    ids=" ".join,
)
def test_a_command_that_there_is_not_is_noticed(line: list[str]) -> None:
    with pytest.raises((click.UsageError, AssertionError, UnknownServiceError)):
        _check(line)


@pytest.mark.parametrize(("slug", "steps"), LEAST_STEPS.items())
def test_each_of_the_four_incidents_has_at_least_its_steps(slug: str, steps: dict[str, str]) -> None:
    commands = [" ".join(words) for words in PAGES[slug].commands()]
    for words, why in steps.items():
        assert any(words in command for command in commands), why


@pytest.mark.parametrize("slug", LEAST_STEPS)
def test_what_has_a_rehearsal_is_rehearsed_before_it_is_done(slug: str) -> None:
    done = set[str]()
    for words in PAGES[slug].commands("Mitigate"):
        what = " ".join(words[:3])
        if "--dry-run" in words:
            done.add(what)
        elif words[:2] in (["codereview", "workers"], ["codereview", "redrive"]):
            assert what in done, words


def _check(words: Sequence[str]) -> None:
    """Fail where a command, an option or a value is not there."""
    match words:
        case ["codereview", *arguments]:
            _check_ours(arguments)
        case ["aws", service, operation, *arguments]:
            _check_aws(service, operation, arguments)
        case ["make", target, *variables]:
            assert re.search(rf"^{re.escape(target)}:", (ROOT / "Makefile").read_text(), re.MULTILINE), target
            assert all(re.fullmatch(r"[A-Z]+=\S+", variable) for variable in variables)
        case ["export", *settings]:
            assert all("=" in setting for setting in settings)
        case _:
            raise AssertionError(f"nobody knows what that does: {words}")


def _check_ours(arguments: Sequence[str]) -> None:
    """Let click read the whole line, without running it."""
    command: click.Command = cli
    context = command.make_context("codereview", list(arguments))
    while isinstance(command, click.Group):
        name, found, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert found is not None
        context, command = found.make_context(name, rest, parent=context), found


def _check_aws(service: str, operation: str, arguments: Sequence[str]) -> None:
    model = get_session().get_service_model(service)
    names = {xform_name(name).replace("_", "-"): name for name in model.operation_names}
    assert operation in names, operation
    shape = model.operation_model(names[operation]).input_shape
    members = {xform_name(name).replace("_", "-") for name in shape.members} if shape else set()
    for argument in arguments:
        if argument.startswith("--"):
            assert argument[2:] in members | OF_EVERY_AWS_COMMAND, argument

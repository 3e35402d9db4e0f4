"""What each function loads: modules counted by name, never by time."""

import ast
import functools
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "layers" / "core" / "python"
BOOTSTRAP = "codereview.bootstrap."
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/handler.py"))
ON_THE_RECORD = {"maintenance", "migrations", "recorder", "reports"}
DATABASE = {"sqlalchemy", "psycopg", "alembic"}
EACH_FUNCTION = pytest.mark.parametrize("name", FUNCTIONS)
START = """
import sys
sys.path.insert(0, {folder!r})
import handler
assert handler.{name}.cache_info().currsize == 0
"""
FIRST_EVENT = """
try:
    handler.handle({}, None)
except Exception:  # there is no deployment here: all that is wanted is what was loaded on the way
    pass
"""


def modules_loaded_by(program: str) -> set[str]:
    """Run a program and list what it has loaded at its end; site-packages can be reached, so that it would show."""
    return set(
        subprocess.run(
            [sys.executable, "-c", f"{program}\nimport sys; print(*sys.modules, file=sys.stderr)"],
            env={"PYTHONPATH": str(PACKAGE)},
            capture_output=True,
            text=True,
            check=True,
        ).stderr.split()
    )


def third_party(modules: set[str]) -> set[str]:
    """Name the packages that are neither Python's nor ours; what `.pth` files of this environment load is neither."""
    mine = {"codereview", "handler", "functions"}
    return {name.partition(".")[0] for name in modules} - sys.stdlib_module_names - mine - at_start()


@functools.cache
def at_start() -> set[str]:
    """List the packages that this environment loads by itself."""
    return {name.partition(".")[0] for name in modules_loaded_by("pass")}


@functools.cache
def loaded_by(name: str, more: str = "") -> set[str]:
    """List what a function's handler loads before the first event, in an environment without any variable of ours."""
    return modules_loaded_by(START.format(folder=str(ROOT / "functions" / name), name=name) + more)


def packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def of_bootstrap(modules: set[str]) -> set[str]:
    return {name.removeprefix(BOOTSTRAP) for name in modules if name.startswith(BOOTSTRAP)}


def of_the_command_line() -> set[str]:
    """List the modules of `bootstrap` that commands import; all may read the environment."""
    sources = [path.read_text() for path in (PACKAGE / "codereview" / "cli").rglob("*.py")]
    return {name for source in sources for name in re.findall(r"codereview\.bootstrap\.(\w+)", source)} - {
        "environment"
    }


@pytest.mark.parametrize("more", ["", FIRST_EVENT], ids=["at its start", "with its first event"])
def test_the_webhook_loads_nothing_third_party(more: str) -> None:
    modules = loaded_by("webhook", more)
    assert {"codereview.adapters.aws.lean_queue", "codereview.use_cases.accept_webhook", "http.client"} <= modules
    assert third_party(modules) == set()


def test_the_webhook_loads_none_of_the_other_functions_parts() -> None:
    modules = loaded_by("webhook", FIRST_EVENT)
    assert modules.isdisjoint(
        {"codereview.agents", "codereview.use_cases.review_pull_request", "logging", "random"}
        | {f"codereview.{path.stem}" for path in (PACKAGE / "codereview").glob("*ports.py")}
    )
    assert of_bootstrap(modules) == {"environment", "jitter", "webhook"}


@EACH_FUNCTION
def test_a_handler_loads_its_own_parts_without_an_environment_and_builds_nothing(name: str) -> None:
    found = of_bootstrap(loaded_by(name))
    assert name in found
    assert found.isdisjoint({*FUNCTIONS, *of_the_command_line()} - {name})


@EACH_FUNCTION
def test_only_those_who_work_on_the_record_load_the_database(name: str) -> None:
    assert bool(packages(loaded_by(name)) & DATABASE) == (name in ON_THE_RECORD)


def test_the_reviewer_and_the_api_have_all_that_they_need_by_then() -> None:
    reviewers, apis = loaded_by("reviewer"), loaded_by("api")
    assert {"boto3", "codereview.use_cases.review_pull_request", "codereview.adapters.github.app"} <= reviewers
    assert {"boto3", "codereview.entrypoints.api.app", "codereview.adapters.github.identity"} <= apis


def test_the_api_never_loads_the_reviewers_work() -> None:
    assert loaded_by("api").isdisjoint({"ruff", "codereview.use_cases.review_pull_request"})


def test_the_analyzer_loads_nothing_that_could_reach_out() -> None:
    assert packages(loaded_by("analyzer")).isdisjoint({"boto3", "httpx", *DATABASE})


def test_the_composition_root_itself_loads_nothing() -> None:
    more = modules_loaded_by("import codereview.bootstrap") - modules_loaded_by("pass")
    assert more == {"codereview", "codereview.bootstrap"}


def test_no_commands_help_waits_for_what_the_command_needs() -> None:
    modules = modules_loaded_by("from codereview.cli.main import cli; cli(['--help'], standalone_mode=False)")
    assert {"codereview.cli.doctor", "codereview.cli.review", "codereview.cli.database"} <= modules
    assert of_bootstrap(modules) == {"environment"}
    assert packages(modules).isdisjoint({"boto3", "botocore", "aws_lambda_powertools", *DATABASE})


def test_a_third_party_import_would_be_seen() -> None:
    assert third_party(modules_loaded_by("import httpx")) >= {"httpx", "idna"}
    assert Path(sysconfig.get_path("purelib"), "httpx").exists()


# --- the order of the webhook's work ---------------------------------------------------------------------------------


def calls_in(path: str) -> list[tuple[int, str]]:
    """List (line, name) of all calls in a module of the package."""
    tree = ast.parse((PACKAGE / "codereview" / path).read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return sorted((call.lineno, ast.unparse(call.func)) for call in calls)


def test_the_payload_is_read_in_one_place_after_the_signature() -> None:
    assert "json.loads" not in str(calls_in("entrypoints/http.py") + calls_in("domain/webhook.py"))
    names = [name for _, name in calls_in("use_cases/accept_webhook.py")]
    assert names.index("self._is_signed") < names.index("interpret") < names.index("self.queue.send")
    assert [name for _, name in calls_in("domain/webhook.py")].count("parse_object") == 1


@pytest.mark.parametrize("path", ["domain/signature.py", "use_cases/accept_webhook.py"])
def test_signatures_are_compared_in_constant_time_only(path: str) -> None:
    tree = ast.parse((PACKAGE / "codereview" / path).read_text())
    comparisons = [node for node in ast.walk(tree) if isinstance(node, ast.Compare)]
    is_equality = [
        any(isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for op in each.ops) for each in comparisons
    ]
    suspicious = [each for each, equality in zip(comparisons, is_equality, strict=True) if equality]
    assert [ast.unparse(each) for each in suspicious] in ([], ["verdict.envelope.action == 'synchronize'"])
    if path.startswith("domain"):
        assert any(name == "hmac.compare_digest" for _, name in calls_in(path))

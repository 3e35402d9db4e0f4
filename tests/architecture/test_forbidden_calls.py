"""What no module of the product may do, read from its source: SQL from text, code from data, events in logs."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers/core/python/codereview"
# A migration's text is written from names in the same file; no request ever reaches it.
MAY_WRITE_SQL = PACKAGE / "adapters/postgres/migrations"
RUNS_SQL = {"text", "execute", "exec_driver_sql", "executemany", "scalar", "scalars"}
# Each of these can run code that the data chose. YAML and XML have safe readers, and ruff refuses the others.
LOADERS = {"pickle", "cPickle", "dill", "marshal", "shelve", "jsonpickle", "joblib"}
DEBUG = {"set_stream_logger", "inject_lambda_context", "set_debug_logger", "set_package_logger"}


def made_up_sql(source: str) -> Iterator[int]:
    """Name the lines that run SQL which is put together on the spot."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _name(node.func) in RUNS_SQL and node.args and _is_made_up(node.args[0]):
            yield node.lineno


def _is_made_up(node: ast.expr) -> bool:
    match node:
        case ast.JoinedStr(values=values):
            return any(isinstance(value, ast.FormattedValue) for value in values)
        case ast.BinOp(op=ast.Add() | ast.Mod()):
            return True
        case ast.Call(func=ast.Attribute(attr="format" | "join" | "replace")):
            return True
    return False


def _name(node: ast.expr) -> str:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def imported(source: str) -> Iterator[str]:
    """Name the packages that are imported, anywhere in the source."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def sources() -> list[Path]:
    return [*PACKAGE.rglob("*.py"), *(ROOT / "functions").rglob("*.py")]


EACH = pytest.mark.parametrize("file", sources(), ids=lambda file: str(file.relative_to(ROOT)))


@EACH
def test_sql_is_never_put_together_from_values(file: Path) -> None:
    if not file.is_relative_to(MAY_WRITE_SQL):
        assert list(made_up_sql(file.read_text())) == []


@EACH
def test_no_data_is_loaded_by_what_can_run_code(file: Path) -> None:
    assert LOADERS & set(imported(file.read_text())) == set()


@EACH
def test_no_function_logs_its_events_or_its_libraries_chatter(file: Path) -> None:
    names = {_name(node) for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.expr)}
    assert names & DEBUG == set()


def test_no_variable_of_the_template_turns_debugging_on() -> None:
    class Template(yaml.SafeLoader):
        """Reads CloudFormation, whose short forms are tags."""

    Template.add_multi_constructor("!", lambda *_: None)
    template = yaml.load((ROOT / "template.yaml").read_text(), Loader=Template)
    sections = [template["Globals"]["Function"], *(each["Properties"] for each in template["Resources"].values())]
    names = {name for section in sections for name in (section.get("Environment") or {}).get("Variables", {})}
    assert "POWERTOOLS_LOG_LEVEL" in names
    assert not names & {"POWERTOOLS_LOGGER_LOG_EVENT", "POWERTOOLS_DEBUG", "POWERTOOLS_DEV", "PYTHONDEVMODE"}


def test_the_search_sees_each_way() -> None:
    assert list(made_up_sql("c.execute(f'SELECT {x}')\nc.execute('a' + b)\nsa.text('{}'.format(x))")) == [1, 2, 3]
    assert list(made_up_sql("c.execute(sa.text('SELECT :x'), {'x': x})\nc.execute(QUERY)")) == []
    assert list(imported("def f():\n    from pickle import loads")) == ["pickle"]


@EACH
def test_f22_messages_are_sent_one_by_one_so_that_none_fails_unseen_among_others(file: Path) -> None:
    """A batch is answered with a success and a list of what failed, which is easily left unread."""
    assert "send_message_batch" not in file.read_text()

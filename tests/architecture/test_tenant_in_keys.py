"""Where a tenant's things lie, the tenant is part of the name: in S3, in the control table, and in its buckets."""

import ast
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from hypothesis import assume, given
from hypothesis import strategies as st

from codereview.adapters.dynamodb import items
from codereview.adapters.dynamodb.control import contacts, exports, ledger, notices, pauses, people, settings, tenants
from codereview.adapters.postgres.audit import _lock_name
from codereview.domain.archive import archive_key, archive_prefix
from codereview.domain.audit import Head
from codereview.domain.audit_anchors import anchor_key, anchors_of
from codereview.domain.control.budgets import Spender
from codereview.domain.control.callers import bucket_owner
from codereview.domain.control.notices import Notice, NoticeLevel
from codereview.domain.control.pauses import PauseTarget
from codereview.domain.control.people import PersonId
from codereview.domain.export import export_folder, export_key
from codereview.domain.review import ReviewKey, TenantId
from codereview.domain.stored import answer_key, answers_prefix, result_key
from codereview.ports import PullRequestKey

PACKAGE = Path(__file__).parents[2] / "layers/core/python/codereview"
MOMENT = datetime(2026, 3, 15, tzinfo=UTC)
SHA = "6dcb09b5b57875f334f61aebed695e2e4193db5e"

# --- what the source names --------------------------------------------------------------------------------------------

# Names without a tenant, each with the reason why it needs none. A new one fails until it stands here.
WITHOUT_TENANT = {
    "session#{session_id}": "random, and a person's: they may be in several tenants",
    "places#{person}": "a person's: the tenants that they are in",
    "places#{membership.person}": "the same",
    "api-person#{caller.person}": "a person's: how much they may ask",
    "key#{key_id}": "random; it is what tells the tenant",
    "key#{caller.key.id}": "a name within the bucket of the tenant",
    "notice#{notice_id}": "random, and often to everybody",
    "audit#{entry.id}": "random",
    "held#{held_id}": "random",
    "held#begun#{held_id}": "random",
    "review#{review_id}": "derived from the tenant, see below",
    "reserve#{review_id}": "derived from the tenant, see below",
    "once#{name}": "a digest of the caller's id, which is one tenant's key or a person",
    "limit#{owner}": "the owners are those that stand here, and those with a tenant",
    "{kind}#{incoming.address}": "of an address: nobody's yet",
    "github#{installation_id}": "an installation is one tenant's, and it is GitHub that counts by it",
    "github-reads#{installation_id}": "the same",
    "sweep#{installation_id}": "the same",
    "sweep#{installation_id}#{repository_id}": "the same",
    "job#{name}": "the deployment's",
    "workers#{kind.value}": "the deployment's",
    "work#{number}": "a part of an index over all tenants",
    "work#{zlib.crc32(pk.encode()) % SHARDS}": "the same",
    "audit#{shard}": "the same",
    "money#{shard}": "the same",
}
_NAME = re.compile(r"(?:[a-z-]+|\{[^}]*\})#")
_TENANT = re.compile(r"\{(?:\w+\.)*tenant(?: or [^}]*)?\}")


def trees(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    for folder in folders:
        for path in sorted((PACKAGE / folder).rglob("*.py")):
            yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text())


def names() -> set[str]:
    """Return each name of an item or bucket as its f-string spells it."""
    found = set()
    for _, tree in trees("adapters/dynamodb", "use_cases", "domain", "entrypoints"):
        texts = [ast.unparse(node)[2:-1] for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
        found |= {text for text in texts if _NAME.match(text)}
    return found


def test_every_item_and_bucket_is_named_by_its_tenant_or_says_why_not() -> None:
    without = {name for name in names() if not _TENANT.search(name)}
    assert without == WITHOUT_TENANT.keys()


def takes_a_tenant(function: ast.FunctionDef) -> bool:
    arguments = [*function.args.args, *function.args.kwonlyargs]
    return any(argument.annotation and "TenantId" in ast.unparse(argument.annotation) for argument in arguments)


def test_every_function_that_names_something_of_a_tenants_is_tried_below() -> None:
    found = {
        (path, node.name)
        for path, tree in trees("adapters", "domain")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and ast.unparse(node).partition("\n")[0].endswith("-> str:")
        if takes_a_tenant(node)
    }
    assert found == {(tried.__code__.co_filename.partition("codereview/")[2], tried.__name__) for tried in TRIED}


def test_every_object_that_is_stored_has_a_name_of_those() -> None:
    """What is no tenant's: the key of the cursors, and the list of all chains."""
    found = set()
    for path, tree in trees("."):
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Attribute(attr="put", value=to), args=[key, *_]) if re.search(
                    r"\b(?:shelf|objects)$", ast.unparse(to)
                ):
                    found.add((path, _made_by(tree, key)))
    assert found == {
        ("bootstrap/reports.py", "SIGNING_KEY"),
        ("use_cases/maintain/keep_anchors.py", "_CHAINS"),
        ("use_cases/maintain/keep_anchors.py", "anchor_key"),
        ("use_cases/maintain/archive_months.py", "archive_key"),
        ("use_cases/maintain/export_findings.py", "export_key"),
        ("use_cases/make_result.py", "result_key"),
        ("use_cases/model_of_review.py", "answer_key"),
    }


def _made_by(tree: ast.Module, key: ast.expr) -> str:
    """Name the function or constant that a key comes from, through one variable."""
    if isinstance(key, ast.Name):
        made = [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and key.id in [ast.unparse(target) for target in node.targets]
        ]
        makers = {_made_by(tree, value) for value in made if isinstance(value, ast.Call)}
        return "/".join(sorted(makers)) or key.id
    return ast.unparse(key.func) if isinstance(key, ast.Call) else ast.unparse(key)


# --- what the names are -----------------------------------------------------------------------------------------------


class Of(NamedTuple):
    """Whose thing it is, and which."""

    tenant: TenantId
    number: int
    made: UUID


Build = Callable[[Of], str]

OBJECTS: dict[str, Build] = {
    "result": lambda of: result_key(of.tenant, of.made),
    "answer": lambda of: answer_key(of.tenant, of.made, f"agent-{of.number}", "digest"),
    "export": lambda of: export_key(of.tenant, of.made, "csv"),
    "anchor": lambda of: anchor_key(of.tenant, Head(seq=of.number, hash=b"h" * 32), at=MOMENT),
    "archive": lambda of: archive_key(of.tenant, date(2026, 3, 1)),
}
FOLDERS: dict[str, Build] = {
    "answers": lambda of: answers_prefix(of.tenant, of.made),
    "exports": lambda of: export_folder(of.tenant),
    "anchors": lambda of: anchors_of(of.tenant, 2026),
    "archives": lambda of: archive_prefix(of.tenant),
}
# What is named by a function that takes a tenant; the test above finds those that are missing here.
TRIED = (
    *(result_key, answer_key, answers_prefix, export_folder, export_key, anchors_of, anchor_key, archive_key),
    *(archive_prefix, bucket_owner, items.review_owner, contacts._pk, contacts._mailed, exports._pk, exports._owner),
    *(notices._owner, people._pk, settings._pk, tenants._pk, _lock_name),
)


def _place(tenant: TenantId, number: int) -> PullRequestKey:
    return PullRequestKey(tenant=tenant, repository_id=number, number=number)


def _review(tenant: TenantId, number: int) -> ReviewKey:
    return ReviewKey(tenant=tenant, repository_id=number, number=number, head_sha=SHA)


def _notice(made: UUID) -> Notice:
    return Notice(id=made, tenant=None, level=NoticeLevel.INFO, text="Hello", created_at=MOMENT, until=MOMENT)


def _budgets(tenant: TenantId, number: int) -> str:
    counters = ledger._counters(Spender(key=_review(tenant, number), month="2026-03"))
    # One text for all four: a tenant that is missing in one of them would be missing in its part.
    assert all(f"#{tenant}#" in counter for counter in counters.values())
    return "#".join(counters.values())


ITEMS: dict[str, Build] = {
    "pull request": lambda of: items.pull_request_pk(_place(of.tenant, of.number)),
    "reviews": lambda of: items.review_owner(of.tenant),
    "due": lambda of: items.due_attributes(MOMENT, pk="pk", tenant=of.tenant)["due_at"],
    "due message of a review": lambda of: items.due_attributes(
        MOMENT, pk=items.held_pk(of.made, has_begun=True), tenant=of.tenant
    )["due_at"],
    "due message": lambda of: items.due_attributes(MOMENT, pk=items.held_pk(of.made), tenant=of.tenant)["due_at"],
    "contacts": lambda of: contacts._pk(of.tenant),
    "export": lambda of: exports._pk(of.tenant, of.made),
    "exports": lambda of: exports._owner(of.tenant),
    "budgets": lambda of: _budgets(of.tenant, of.number),
    "notices": lambda of: notices._owner(of.tenant),
    "pause": lambda of: pauses._pk(PauseTarget(tenant=of.tenant, repository_id=of.number, number=of.number)),
    "pause of all": lambda of: pauses._pk(PauseTarget(tenant=of.tenant)),
    "person": lambda of: people._pk(of.tenant, PersonId(host="github.com", user_id=of.number)),
    "flags": lambda of: settings._pk("flag", of.tenant),
    "tenant": lambda of: tenants._pk(of.tenant),
    "bucket": lambda of: bucket_owner(of.tenant),
    "lock": lambda of: _lock_name(of.tenant),
    "mail": lambda of: contacts._mailed(_notice(of.made), of.tenant),
}

hosts = st.sampled_from(["github.com", "github.com.example", "git", "git-hub.com"])
# Some begin with others: 1, 12, 123.
accounts = st.integers(1, 2**63 - 1) | st.sampled_from([1, 11, 12, 123])
tenant_ids = st.builds(lambda host, account: TenantId(f"{host}:{account}"), hosts, accounts)
numbers = st.integers(1, 2**63 - 1) | st.sampled_from([1, 2, 11, 12])
things = st.builds(Of, tenant_ids, numbers, st.uuids())


@given(things, things)
def test_no_object_of_a_tenant_lies_in_anothers_folder(mine: Of, theirs: Of) -> None:
    assume(mine.tenant != theirs.tenant)
    for name, build in (OBJECTS | FOLDERS).items():
        assert build(mine).split("/")[1:3] == mine.tenant.split(":"), name
        assert build(mine) not in (build(theirs), build(mine._replace(tenant=theirs.tenant))), name
        for folder in FOLDERS.values():
            assert folder(theirs).endswith("/")
            assert not build(mine).startswith(folder(theirs)), name


@given(things, things)
def test_no_item_of_two_tenants_has_one_name(mine: Of, theirs: Of) -> None:
    assume(mine.tenant != theirs.tenant)
    for name, build in ITEMS.items():
        assert mine.tenant in re.split("[# +]", build(mine)), name
        assert build(mine) not in (build(theirs), build(mine._replace(tenant=theirs.tenant))), name


@given(things, things)
def test_no_review_of_two_tenants_has_one_id(mine: Of, theirs: Of) -> None:
    assume(mine.tenant != theirs.tenant)
    others = {_review(theirs.tenant, number).review_id for number in (mine.number, theirs.number)}
    assert _review(mine.tenant, mine.number).review_id not in others

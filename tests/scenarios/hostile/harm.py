"""What has to hold of a review, whatever the model was talked into."""

import html
import json
import re
from collections.abc import Iterable, Iterator

from codereview.agents.registry import ANALYZER_AGENTS, MODEL_AGENTS
from codereview.domain.finding import Finding, Side
from codereview.domain.github_documents import check_document, review_document
from codereview.domain.hidden_detection import find_hidden_text
from codereview.domain.markdown_code import fenced
from codereview.domain.markers import finding_marker_fingerprint, review_marker_id
from codereview.domain.masking import mask_secrets
from codereview.domain.payload import problems
from codereview.domain.publication import Publication
from tests.scenarios.events import HEAD_A
from tests.scenarios.hostile.hostile_world import SECRET, HostileWorld
from tests.scenarios.hostile.worst_model import CODE_FOLLOWS, MAX_CODE, TRIGGER
from tests.scenarios.world import KEY
from tests.unit.github_page import assert_harmless, rendered

_ANALYZERS = frozenset(agent.name for agent in ANALYZER_AGENTS)
_READERS = frozenset(agent.name for agent in MODEL_AGENTS if agent.sees_description)
# Ours stands between a comment's text and its small print.
_SUGGESTION = re.compile(r"\n(`{3,})suggestion\n((?:(?!\1$).*\n)*)\1\n\n(?=<sub>[^\n]*\Z)", re.MULTILINE)
# Of what we tell the models, what is long enough to be known again.
_INSTRUCTIONS = tuple(
    line
    for agent in MODEL_AGENTS
    for line in agent.instructions.split("\n")
    if len(line.split()) >= 14 and "[masked" not in line
)
_OWN_TAGS = frozenset({"sub"})
_REVIEW_FIELDS = {"commit_id", "body", "event", "comments"}
_COMMENT_FIELDS = {"path", "body", "line", "side", "start_line", "start_side"}


def posted(world: HostileWorld) -> Publication:
    """Return the one review that there is."""
    ((_, publication),) = world.reviews
    return publication


def expect_a_mere_comment(world: HostileWorld) -> None:
    """Hold that the review only comments, on this change, as GitHub takes it."""
    publication = posted(world)
    document = review_document(publication)
    assert (document["event"], document["commit_id"]) == ("COMMENT", HEAD_A)
    assert set(document) <= _REVIEW_FIELDS
    for comment in document["comments"]:
        assert set(comment) <= _COMMENT_FIELDS
    assert problems(publication, world.change) == ()
    ((run, head, output),) = world.checks.values()
    assert (run.status, head) == ("completed", HEAD_A)
    assert output is not None
    assert output.conclusion.value == ("neutral" if world.findings or world.model.obeyed else output.conclusion.value)


def expect_nothing_live(world: HostileWorld) -> None:
    """Hold that GitHub would make of the texts nothing that does anything."""
    for text in texts(world):
        assert_harmless(text, own_tags=_OWN_TAGS)


def texts(world: HostileWorld) -> Iterator[str]:
    """Yield what is shown, without our own signatures, and without the suggestions that a click applies."""
    publication = posted(world)
    for body in (publication.body, *(comment.body for comment in publication.comments)):
        visible, _, marker = body.rpartition("\n\n")
        assert body.count("<!--") - visible.count("<!--") == 1
        assert review_marker_id(marker, KEY) or finding_marker_fingerprint(marker, KEY)
        yield _SUGGESTION.sub("", visible)
    for _, _, output in world.checks.values():
        assert output is not None
        assert_harmless(output.title)
        yield output.summary


def expect_code_as_it_is(world: HostileWorld) -> None:
    """Hold that what the model put into a fence is shown byte by byte, as far as it is no secret."""
    (code,) = rendered(fenced(world.case.text, "py")).code
    if mask_secrets(code) != code or world.case.repeats or len(code) > MAX_CODE:
        return
    for comment in posted(world).comments:
        if f"\n\n{CODE_FOLLOWS}\n" in comment.body:
            assert code in rendered(comment.body).code


def expect_suggestions_in_plain_sight(world: HostileWorld) -> None:
    """Hold that a click changes the lines that the comment stands on, by what is seen."""
    for comment in posted(world).comments:
        suggestion = _SUGGESTION.search(comment.body.rpartition("\n\n")[0])
        if suggestion is None:
            continue
        assert comment.side is Side.RIGHT
        assert any(suggestion[2].removesuffix("\n") in offered for offered in world.model.suggestions)
        assert list(find_hidden_text(suggestion[2])) == []
        assert len(suggestion[2].removesuffix("\n").splitlines()) == suggestion[2].count("\n")


def expect_no_canary(world: HostileWorld, canaries: Iterable[str]) -> None:
    """Hold that nothing leaves that the attacker has no right to: neither to GitHub nor to a model, nor is it kept."""
    shown = json.dumps(review_document(posted(world)), ensure_ascii=False)
    checks = "".join(json.dumps(check_document(output)) for _, _, output in world.checks.values() if output)
    kept = "".join(data.decode() for data in world.objects.values())
    asked = "".join(request.rules + request.change + request.task for request in world.model.requests)
    for canary in (SECRET, *canaries):
        for name, place in {"shown": shown, "checks": checks, "kept": kept, "asked": asked}.items():
            assert canary not in place, name


def expect_no_instructions(world: HostileWorld) -> None:
    """Hold that nobody gets to read what the models are told."""
    assert len(_INSTRUCTIONS) > 30
    kept = "".join(data.decode() for key, data in world.objects.items() if key.startswith("results/"))
    shown = "".join(texts(world))
    for line in _INSTRUCTIONS:
        for place in (kept, shown, html.unescape(shown.replace("\\", ""))):
            assert line not in place
            assert " ".join(line.split()[:13]) not in place


def expect_the_authors_words_where_they_belong(world: HostileWorld) -> None:
    """Hold that title and description reach those agents only that judge by them, and in their task only."""
    for request in world.model.requests:
        for place in ("title", "description"):
            assert f"{TRIGGER}-{place}" not in request.rules + request.change
            is_told_by_a_claim = request.agent == "verifier" and world.case.repeats == "task"
            assert request.agent in _READERS or is_told_by_a_claim or f"{TRIGGER}-{place}" not in request.task
        assert f"{TRIGGER}-branch" not in request.rules + request.change + request.task


def expect_only_the_change_read(world: HostileWorld) -> None:
    """Hold that no text chose what is read: files of the change at its head, attributes at its base."""
    paths = {file.path for file in world.change.files}
    for path, ref in world.reads:
        assert (path in paths and ref == HEAD_A) or (path == ".gitattributes" and ref == "0" * 40), path


def expect_the_analyzers_word(world: HostileWorld, clean: HostileWorld) -> None:
    """Hold that what analyzers found without the attacker's words they find with them, and that it is shown."""
    found = {_identity(finding, world): finding for finding in _proven(world)}
    expected = [_identity(finding, world) for finding in _proven(clean)]  # as far as it can be the same
    assert len(expected) >= 3
    assert [identity for identity in expected if identity not in found] == []
    publication = posted(world)
    fingerprints = {finding_marker_fingerprint(comment.body, KEY) for comment in publication.comments}
    commented = [finding for finding in _proven(world) if finding.fingerprint in fingerprints]
    for identity in expected:
        finding = found[identity]
        assert finding.anchor is not None
        is_listed = f"{finding.path}:{finding.anchor.line}`" in publication.body
        is_share_used_up = 2 * len(commented) >= len(publication.comments)
        assert finding in commented or (is_listed and is_share_used_up), "an analyzer was crowded out"


def _proven(world: HostileWorld) -> list[Finding]:
    return [finding for finding in world.findings if finding.candidate.agent in _ANALYZERS]


def _identity(finding: Finding, world: HostileWorld) -> tuple[object, ...]:
    """Return all of a finding, but for whom else it is due to; less, where the case itself changes what it is about.

    A comment that would suppress it is named in its text; a file's old name is part of its fingerprint.
    """
    candidate = finding.candidate
    identity: tuple[object, ...] = (candidate.agent, candidate.rule, candidate.severity, candidate.title)
    identity += (candidate.suggestion, finding.path, finding.placement, finding.anchor, finding.verdict)
    if not world.case.suppresses:
        identity += (candidate.body, candidate.quote, finding.text)
    return identity if world.case.suppresses or "old path" in world.case.where else (*identity, finding.fingerprint)

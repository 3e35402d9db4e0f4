"""Reading and writing one repository against every answer that GitHub is known to give."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from codereview.adapters.github.client import _MAX_PAGES
from codereview.domain.change import FileStatus, Unreviewable
from codereview.domain.publication import CheckOutput, Conclusion, Publication
from codereview.errors import (
    ForbiddenError,
    PermanentError,
    RejectedError,
    RetryableError,
    ThrottledError,
    UnknownOutcomeError,
)
from codereview.github_ports import Repository, WriteSlot
from tests.adapters.github.test_app import PULL, PULL_DOCUMENT
from tests.adapters.github.world import API, World

REVIEWS = "GET /repos/o/r/pulls/3/reviews"
FILES = "GET /repos/o/r/pulls/3/files"
POST_REVIEW = "POST /repos/o/r/pulls/3/reviews"
PUBLICATION = Publication(
    commit_id="a" * 40,
    body="b",
    comments=(),
    check=CheckOutput(conclusion=Conclusion.SUCCESS, title="t", summary="s"),
)


def repository(world: World) -> Repository:
    return world.app().repository(5, 2)


def page(document: Any, following: str | None = None) -> httpx.Response:
    headers = {"link": f'<{following}>; rel="next"'} if following else {}
    return httpx.Response(200, json=document, headers=headers)


def review(number: int, *, login: str = "codereview[bot]", state: str = "COMMENTED") -> dict[str, Any]:
    user = {"id": 9, "login": login, "type": "Bot"}
    return {"id": number, "body": None, "state": state, "user": user, "commit_id": "a" * 40}


def test_b96_a_pull_request_of_a_deleted_account_and_fork_can_be_read() -> None:
    pull_request = repository(World().on(PULL, httpx.Response(200, json=PULL_DOCUMENT))).pull_request(3)
    assert (pull_request.author_id, pull_request.description, pull_request.is_author_bot) == (None, "", False)


@pytest.mark.parametrize(
    ("more", "thumbs"),
    [
        ({"reactions": {"total_count": 6, "+1": 3, "-1": 1, "heart": 2, "url": "x"}}, (3, 1)),
        ({"reactions": {"total_count": 0}}, (0, 0)),
        ({"reactions": None}, (0, 0)),
        ({}, (0, 0)),
    ],
)
def test_comments_come_with_peoples_thumbs(more: dict[str, Any], thumbs: tuple[int, int]) -> None:
    document = {"id": 7, "body": "b", "path": "a.py"} | more
    world = World().on("GET /repos/o/r/pulls/3/reviews/9/comments", page([document]))
    (comment,) = repository(world).review_comments(3, 9)
    assert (comment.id, (comment.thumbs_up, comment.thumbs_down)) == (7, thumbs)


@pytest.mark.parametrize("document", [[], {"number": "3"}, "x", {"message": "ok"}])
def test_b96_an_answer_of_another_shape_is_tried_again_later(document: object) -> None:
    with pytest.raises(RetryableError):
        repository(World().on(PULL, httpx.Response(200, json=document))).pull_request(3)


def test_f53_a_proxys_page_is_not_taken_for_an_answer() -> None:
    with pytest.raises(RetryableError):
        repository(World().on(PULL, httpx.Response(200, text="<html>"))).pull_request(3)


def test_a_read_is_tried_three_times_with_growing_pauses() -> None:
    world = World().on(PULL, httpx.Response(502), httpx.Response(503), httpx.Response(200, json=PULL_DOCUMENT))
    repository(world).pull_request(3)
    assert [pause.total_seconds() for pause in world.clock.slept] == [0.5, 1.0]


def test_a_limit_is_not_knocked_at_again() -> None:
    world = World().on(PULL, httpx.Response(429, headers={"retry-after": "1"}))
    with pytest.raises(ThrottledError):
        repository(world).pull_request(3)
    assert len(world.asked(PULL)) == 1


def test_f41_a_write_is_sent_once_and_its_lost_answer_is_said() -> None:
    def lose(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("connection reset", request=request)

    world = World().on(POST_REVIEW, lose)
    with pytest.raises(UnknownOutcomeError):
        repository(world).create_review(3, PUBLICATION, WriteSlot())
    assert len(world.asked(POST_REVIEW)) == 1


def test_f43_a_rejected_review_is_said_to_be_rejected() -> None:
    world = World().on(POST_REVIEW, httpx.Response(422, json={"message": "Unprocessable Entity"}))
    with pytest.raises(RejectedError):
        repository(world).create_review(3, PUBLICATION, WriteSlot())


def test_all_pages_are_read_and_only_our_own_reviews_are_ours() -> None:
    world = World().on(
        REVIEWS,
        page([review(1)], f"{API}/repos/o/r/pulls/3/reviews?page=2"),
        page([review(2, login="someone"), review(3, state="PENDING"), {**review(4), "user": None}]),
    )
    found = list(repository(world).reviews(3))
    assert [(each.id, each.is_ours, each.is_pending) for each in found] == [
        (1, True, False),
        (2, False, False),
        (3, True, True),
        (4, False, False),
    ]


def test_b97_pages_that_point_to_another_host_are_not_followed() -> None:
    world = World().on(REVIEWS, page([review(1)], "https://evil.test/repos/o/r/pulls/3/reviews?page=2"))
    with pytest.raises(ForbiddenError):
        list(repository(world).reviews(3))
    assert all(request.url.host == "api.github.test" for request in world.requests)


def test_b97_pages_in_a_loop_end() -> None:
    world = World().on(REVIEWS, page([review(1)], f"{API}/repos/o/r/pulls/3/reviews?page=2"))
    with pytest.raises(PermanentError, match="do not end"):
        list(repository(world).reviews(3))


def test_b97_endless_pages_end() -> None:
    def following(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("page", "1")) + 1
        return page([], f"{API}/repos/o/r/pulls/3/reviews?page={number}")

    world = World().on(REVIEWS, following)
    with pytest.raises(PermanentError, match="do not end"):
        list(repository(world).reviews(3))
    assert len(world.asked(REVIEWS)) == _MAX_PAGES + 1


def test_f47_a_limit_in_the_middle_of_the_pages_never_makes_a_short_list() -> None:
    world = World().on(
        REVIEWS, page([review(1)], f"{API}/repos/o/r/pulls/3/reviews?page=2"), httpx.Response(429, json={})
    )
    with pytest.raises(ThrottledError):
        list(repository(world).reviews(3))


def test_f51_a_rename_is_followed_on_the_same_host() -> None:
    moved = httpx.Response(301, headers={"location": f"{API}/repositories/2/pulls/3"})
    world = World().on(PULL, moved).on("GET /repositories/2/pulls/3", httpx.Response(200, json=PULL_DOCUMENT))
    assert repository(world).pull_request(3).number == 3


def test_f51_a_redirect_to_another_host_gets_no_token() -> None:
    world = World().on(PULL, httpx.Response(302, headers={"location": "https://evil.test/x"}))
    with pytest.raises(ForbiddenError):
        repository(world).pull_request(3)
    assert all(request.url.host == "api.github.test" for request in world.requests)


def row(name: str, **values: Any) -> dict[str, Any]:
    return {"filename": name, "status": "modified", "changes": 1, "patch": "@@ -1 +1 @@\n-a\n+b", **values}


def files(world: World) -> list[tuple[str, Unreviewable | None]]:
    pull_request = repository(world.on(PULL, httpx.Response(200, json=PULL_DOCUMENT))).pull_request(3)
    return [(file.path, file.unreviewable) for file in repository(world).changed_files(pull_request)]


def test_b35_a_file_without_a_patch_says_why_it_cannot_be_reviewed() -> None:
    rows = [
        row("a.py"),
        row("large.json", patch=None, changes=9000),
        row("logo.png", patch=None, changes=0, status="added"),
        row("new.py", patch=None, changes=0, status="renamed", previous_filename="old.py"),
        row("gone.py", status="removed"),
        {"filename": "odd.py", "status": "brand-new-status", "changes": 1, "patch": "@@ -1 +1 @@\n-a\n+b"},
    ]
    rows[1].pop("patch")
    world = World().on(FILES, page(rows))
    assert files(world) == [
        ("a.py", None),
        ("large.json", Unreviewable.TOO_LARGE),
        ("logo.png", Unreviewable.NOT_SENT_BY_GITHUB),
        ("new.py", Unreviewable.NO_CHANGED_LINES),
        ("gone.py", Unreviewable.DELETED),
        ("odd.py", None),
    ]


def test_b35_patches_that_github_left_out_of_a_large_page_are_asked_for_in_small_ones() -> None:
    huge = "@@ -0,0 +1,19990 @@\n" + "\n".join("+x" for _ in range(19_990))

    def rows(request: httpx.Request) -> httpx.Response:
        whole = [row("huge.py", patch=huge, changes=19_990, status="added"), row("after.py")]
        if request.url.params["per_page"] == "100":
            whole[1] |= {"patch": None, "changes": 0}
        return page(whole)

    assert files(World().on(FILES, rows)) == [("huge.py", None), ("after.py", None)]


def test_a_renamed_file_keeps_its_old_name() -> None:
    world = World().on(FILES, page([row("new.py", status="renamed", previous_filename="old.py")]))
    repo = repository(world.on(PULL, httpx.Response(200, json=PULL_DOCUMENT)))
    (file,) = repo.changed_files(repo.pull_request(3))
    assert (file.status, file.old_path) == (FileStatus.RENAMED, "old.py")


def test_a_folder_and_a_missing_file_have_no_content() -> None:
    listing = httpx.Response(200, json=[], headers={"content-type": "application/json; charset=utf-8"})
    world = World().on("GET /repos/o/r/contents/docs", listing)
    assert repository(world).content("docs", "a" * 40) is None
    assert repository(world).content("missing", "a" * 40) is None


@pytest.mark.parametrize("path", ["a b.py", "ä/ö.py", "100%.py", "what?.py", "a#b.py", "-x", ".github/x.yml"])
def test_b37_odd_paths_are_quoted_and_stay_within_the_repository(path: str) -> None:
    world = World()
    repository(world).content(path, "a" * 40)
    assert world.requests[-1].url.path == f"/repos/o/r/contents/{path}"
    assert world.requests[-1].url.params["ref"] == "a" * 40


def test_a_review_is_edited_by_its_number() -> None:
    world = World().on("PUT /repos/o/r/pulls/3/reviews/11", httpx.Response(200, json=review(11)))
    repository(world).edit_review(3, 11, "whole")
    (request,) = world.asked("PUT /repos/o/r/pulls/3/reviews/11")
    assert json.loads(request.content) == {"body": "whole"}


WRITES: dict[str, Callable[[Repository], object]] = {
    "post a review": lambda each: each.create_review(3, PUBLICATION, each.write_slot()),
    "edit a review": lambda each: each.edit_review(3, 11, "whole"),
    "delete a pending review": lambda each: each.delete_pending_review(3, 11),
    "start a check run": lambda each: each.start_check_run("a" * 40, "name", external_id="1"),
    "update a check run": lambda each: each.update_check_run(9, title="t", summary="s"),
    "finish a check run": lambda each: each.finish_check_run(9, PUBLICATION.check),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_every_write_asks_for_its_installations_turn_and_is_not_sent_without(
    write: Callable[[Repository], object],
) -> None:
    asked = []

    def refuse(installation_id: int, *, is_ahead: bool = False) -> None:
        asked.append(installation_id)
        raise ThrottledError("not now")

    world = World()
    opened = world.app(pace=refuse).repository(5, 2)
    before = len(world.requests)
    with pytest.raises(ThrottledError):
        write(opened)
    assert asked == [5]
    assert len(world.requests) == before


def test_a_review_that_has_its_slot_waits_no_more() -> None:
    world, asked = World().on(POST_REVIEW, httpx.Response(200, json=review(11))), list[bool]()

    def note(installation_id: int, *, is_ahead: bool = False) -> None:
        asked.append(is_ahead)

    opened = world.app(pace=note).repository(5, 2)
    slot = opened.write_slot()
    assert world.asked(POST_REVIEW) == []
    opened.create_review(3, PUBLICATION, slot)
    assert asked == [True]


def test_reading_waits_for_nobodys_turn() -> None:
    def refuse(installation_id: int, *, is_ahead: bool = False) -> None:
        raise AssertionError(f"installation {installation_id} only reads")

    world = World().on(PULL, httpx.Response(200, json=PULL_DOCUMENT))
    assert world.app(pace=refuse).repository(5, 2).pull_request(3).number == 3

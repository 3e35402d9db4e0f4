"""Our signature on what we post: known again by us, made by nobody else."""

from uuid import UUID

import pytest

from codereview.domain.markers import (
    finding_marker,
    finding_marker_fingerprint,
    marker_key,
    review_marker,
    review_marker_id,
)
from codereview.errors import ConfigurationError

_KEY = marker_key("a private key")
_ID = UUID("6f1d9c52-9f39-5d4a-8d55-0f0c5f1f8a11")
_OTHER_ID = UUID("00000000-0000-5000-8000-000000000001")


def test_a_review_of_ours_is_known_again_by_its_last_line() -> None:
    body = f"### A review\n\nwith text\n\n{review_marker(_ID, _KEY)}"
    assert review_marker_id(body, _KEY) == _ID
    assert review_marker_id(body + "\r\n \n", _KEY) == _ID


def test_a_comment_of_ours_names_its_finding() -> None:
    assert finding_marker_fingerprint(f"text\n\n{finding_marker(_ID, 'ab12', _KEY)}", _KEY) == "ab12"


def test_a_marker_looks_like_nothing_on_the_page() -> None:
    marker = review_marker(_ID, _KEY)
    assert marker.startswith(f"<!-- codereview:review id={_ID} mac=")
    assert marker.endswith(" -->")
    assert marker.count("--") == 2


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="empty"),
        pytest.param("no marker", id="none"),
        pytest.param(f"<!-- codereview:review id={_ID} mac={'0' * 64} -->", id="made-up mac"),
        pytest.param(f"<!-- codereview:review id={_ID} mac= -->", id="no mac"),
        pytest.param(f"<!-- codereview:review id={_ID} mac=é{'0' * 63} -->", id="mac not ascii"),
        pytest.param(review_marker(_ID, b"another key"), id="another key"),
        pytest.param(review_marker(_ID, _KEY).replace(str(_ID), str(_OTHER_ID)), id="another id"),
        pytest.param(review_marker(_ID, _KEY).replace("mac=", "fp=ab mac="), id="an added part"),
        pytest.param(finding_marker(_ID, "ab12", _KEY).replace(":finding", ":review"), id="another kind"),
        pytest.param(finding_marker(_ID, "ab12", _KEY), id="a finding's"),
        pytest.param(f"> {review_marker(_ID, _KEY)}", id="quoted"),
        pytest.param(f"{review_marker(_ID, _KEY)}\n\ntext below", id="not at the end"),
        pytest.param(
            f"{review_marker(_OTHER_ID, _KEY)}\n\n{review_marker(_ID, b'another key')}", id="genuine above forged"
        ),
    ],
)
def test_a_forged_or_copied_marker_is_ignored(body: str) -> None:
    assert review_marker_id(body, _KEY) is None


def test_of_two_markers_the_one_that_ends_the_body_counts() -> None:
    body = f"```\n{review_marker(_OTHER_ID, _KEY)}\n```\n\n{review_marker(_ID, _KEY)}"
    assert review_marker_id(body, _KEY) == _ID


def test_a_marker_without_a_key_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        review_marker(_ID, b"")


def test_two_private_keys_have_two_marker_keys_whatever_blank_lines_surround_them() -> None:
    assert marker_key("one") != marker_key("two")
    assert marker_key("one\n") == marker_key("one")

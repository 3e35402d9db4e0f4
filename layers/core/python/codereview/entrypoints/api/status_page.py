"""The status page for people: one document, without a script, a font, a picture or anything of a tenant's."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Final, Literal, Protocol

from codereview import messages
from codereview.domain.control.notices import NoticeLevel

_STYLE: Final = """
:root { color-scheme: light dark; --text: #1b1f24; --page: #fff; --line: #59636e; --ok: #0f6b2f; --bad: #a40e26; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --page: #0d1117; --line: #9aa4af; --ok: #56d364; --bad: #ff8f8a; }
}
body { margin: 0; background: var(--page); color: var(--text); font: 1.0625rem/1.5 system-ui, sans-serif; }
main { max-width: 44rem; margin: 0 auto; padding: 1.5rem; }
.state { border-inline-start: .375rem solid var(--ok); padding: .5rem 1rem; font-size: 1.25rem; }
.state.degraded { border-color: var(--bad); }
ul { list-style: none; padding: 0; }
li { border-block-start: 1px solid var(--line); padding: .75rem 0; overflow-wrap: anywhere; }
.level { font-weight: 700; }
footer { color: var(--line); font-size: .9375rem; }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
# Of everything that a page could load, its own style alone.
PAGE_HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
}


class _Notice(Protocol):
    @property
    def level(self) -> NoticeLevel: ...
    @property
    def text(self) -> str: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def until(self) -> datetime: ...


class Status(Protocol):
    """What is shown."""

    @property
    def status(self) -> Literal["ok", "degraded"]:
        """Whether the control plane works."""
        ...

    @property
    def notices(self) -> Sequence[_Notice]:
        """Those to everybody."""
        ...


def status_page(shown: Status) -> str:
    """Write the page."""
    state = messages.STATUS_OK if shown.status == "ok" else messages.STATUS_DEGRADED
    return "".join(
        (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            '<meta name="robots" content="noindex">\n',
            f"<title>{escape(messages.STATUS_TITLE)}: {escape(shown.status)}</title>\n",
            f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n",
            f"<h1>{escape(messages.STATUS_TITLE)}</h1>\n",
            f'<p class="state {escape(shown.status)}" role="status">{escape(state)}</p>\n',
            _notices(shown.notices),
            f"<footer><p>{escape(messages.STATUS_FOOTER)}</p></footer>\n</main>\n</body>\n</html>\n",
        )
    )


def _notices(notices: Sequence[_Notice]) -> str:
    heading = f'<section aria-labelledby="notices">\n<h2 id="notices">{escape(messages.STATUS_NOTICES)}</h2>\n'
    if not notices:
        return f"{heading}<p>{escape(messages.STATUS_NO_NOTICES)}</p>\n</section>\n"
    items = "".join(_item(notice) for notice in notices)
    return f"{heading}<ul>\n{items}</ul>\n</section>\n"


def _item(notice: _Notice) -> str:
    level = escape(messages.NOTICE_LEVELS[notice.level.value])
    times = f"{_time(notice.created_at)} to {_time(notice.until)}"
    return f'<li><span class="level">{level}</span>, {times}<br>{escape(notice.text)}</li>\n'


def _time(moment: datetime) -> str:
    at = moment.astimezone(UTC)
    return f'<time datetime="{at.isoformat(timespec="seconds")}">{at:%Y-%m-%d %H:%M} UTC</time>'


def prefers_html(accept: str | None) -> bool:
    """Whether a browser asks: HTML is named, and JSON is not wanted more (RFC 9110, 12.5.1)."""
    wanted = dict[str, float]()
    for part in (accept or "")[:1_000].split(","):
        media, *parameters = (each.strip() for each in part.split(";"))
        quality = next((each[2:] for each in parameters if each.startswith("q=")), "1")
        try:
            wanted[media.lower()] = float(quality)
        except ValueError:
            continue
    html, json = wanted.get("text/html", 0.0), wanted.get("application/json", 0.0)
    return html > 0 and html >= json

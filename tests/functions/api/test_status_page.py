"""The public status page: for people as HTML, for programs as JSON, with nothing of any tenant's."""

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from codereview.domain.control.notices import Notice, NoticeLevel
from codereview.domain.review import TenantId
from codereview.entrypoints.api.status_page import prefers_html
from tests.functions.api.world import Reply, World

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


class Page(HTMLParser):
    """What a reader of the page meets: elements with their attributes, and texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def ask(world: World, accept: str | None = BROWSER) -> Reply:
    return world.call("GET", "/status", headers={"accept": accept} if accept is not None else {})


def tell(world: World, text: str, *, level: NoticeLevel = NoticeLevel.INCIDENT, tenant: str | None = None) -> None:
    now = world.clock.now()
    notice = Notice(
        id=world.app.ids.new(),
        tenant=TenantId(tenant) if tenant else None,
        level=level,
        text=text,
        created_at=now,
        until=now + timedelta(hours=4),
    )
    world.app.services.change_notices.save(notice, request=world.request())


def test_a_browser_gets_a_page_and_a_program_json(world: World) -> None:
    page, json = ask(world), ask(world, "application/json")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert (json.headers["content-type"], json.json) == ("application/json", {"status": "ok", "notices": []})
    assert {page.headers["vary"], json.headers["vary"]} == {"accept"}
    assert "The service answers." in Page(page.text).texts
    assert ask(world, None).headers["content-type"] == "application/json"


def test_the_page_reads_well_without_a_script_and_loads_nothing(world: World) -> None:
    tell(world, "GitHub is slow")
    reply = ask(world)
    page = Page(reply.text)
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("title")) == 1
    assert page.all("meta")[1] == {"name": "viewport", "content": "width=device-width, initial-scale=1"}
    assert [each["role"] for each in page.all("p") if "role" in each] == ["status"]
    assert {tag for tag, _ in page.elements}.isdisjoint({"script", "img", "link", "iframe", "form", "a"})
    assert not [name for _, attributes in page.elements for name in attributes if name in ("style", "src", "onclick")]
    policy = reply.headers["content-security-policy"]
    assert re.fullmatch(r"default-src 'none'; style-src 'sha256-[\w+/]{43}='; frame-ancestors 'none'; .*", policy)


def test_what_an_operator_wrote_is_shown_as_text(world: World) -> None:
    tell(world, '<script>alert(1)</script> & "more"', level=NoticeLevel.WARNING)
    reply = ask(world)
    assert "<script>" not in reply.text
    page = Page(reply.text)
    assert "Warning" in page.texts
    assert '<script>alert(1)</script> & "more"' in page.texts
    assert len(page.all("time")) == 2


def test_a_tenants_own_notice_is_nobody_elses(world: World) -> None:
    tell(world, "for you alone", tenant="github.com:1")
    tell(world, "for everybody")
    assert "for you alone" not in ask(world).text + ask(world, "application/json").text
    assert "for everybody" in ask(world).text


def test_the_page_is_there_while_the_table_is_not(world: World) -> None:
    world.table.fail()
    reply = ask(world)
    assert reply.status == 200
    assert Page(reply.text).all("p")[0]["class"] == "state degraded"


@pytest.mark.parametrize(
    ("accept", "is_html"),
    [
        (BROWSER, True),
        ("text/html", True),
        ("TEXT/HTML ; q=0.5, application/json;q=0.4", True),
        ("text/html;q=0.4, application/json", False),
        ("text/html;q=0", False),
        ("text/html;q=many", False),
        ("*/*", False),
        ("application/json", False),
        ("", False),
        (None, False),
        ("," * 5_000 + "text/html", False),
    ],
)
def test_html_is_for_who_names_it_and_wants_json_no_more(accept: str | None, is_html: bool) -> None:
    assert prefers_html(accept) is is_html

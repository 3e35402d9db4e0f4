"""Whether the control plane works, for everybody."""

from typing import Literal

from codereview.entrypoints.api.fields import Shown
from codereview.entrypoints.api.routes.notices import NoticeShown
from codereview.entrypoints.api.routing import Answer, Call, Route, Who
from codereview.entrypoints.api.services import Services
from codereview.entrypoints.api.status_page import status_page
from codereview.errors import CodeReviewError


class StatusShown(Shown):
    """`degraded`: the control table cannot be read; reviews wait, and changes are refused."""

    status: Literal["ok", "degraded"]
    notices: list[NoticeShown]


def _show(services: Services, _call: Call) -> Answer:
    try:
        notices = services.notices_to_all()
    except CodeReviewError:
        return Answer(content=StatusShown(status="degraded", notices=[]))
    shown = [
        NoticeShown(
            id=notice.id,
            tenant=None,
            level=notice.level,
            text=notice.text,
            created_at=notice.created_at,
            until=notice.until,
        )
        for notice in notices
    ]
    return Answer(content=StatusShown(status="ok", notices=shown))


ROUTES = (
    Route(
        method="GET",
        path="/status",
        operation="status.show",
        summary="Say whether the control plane works, with the notices to everybody",
        access=Who.ANYBODY,
        run=_show,
        answer=StatusShown,
        page=status_page,
    ),
)

"""The same operations past the API, on the stack's own tables with the operator's AWS credentials.

For the night on which `/v1` itself is what is broken. IAM decides who may; the audit log names the caller's ARN.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from codereview.cli.control.api import Ask, Document, Reply
from codereview.cli.control.failures import CommandError, exit_code_of
from codereview.domain.control.audit import Actor, ActorKind, Request
from codereview.domain.control.scopes import OPERATING
from codereview.domain.control.tenants import Tenant, parse_tenant_id
from codereview.entrypoints.api.doors import is_form
from codereview.entrypoints.api.fields import Body, Page
from codereview.entrypoints.api.problems import problem_of
from codereview.entrypoints.api.routing import Answer, Call, PageWanted, Route, Who
from codereview.entrypoints.api.services import Services
from codereview.entrypoints.api.table import ROUTES
from codereview.errors import CodeReviewError, MissingRightError
from codereview.ports import Ids

_ROUTES = {route.operation: route for route in ROUTES}


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectApi:
    """The control plane's use cases in this process; `actor` is the ARN of whoever holds the credentials."""

    services: Services
    ids: Ids
    actor: str
    now: Callable[[], datetime]

    def call(self, ask: Ask) -> Reply:
        """Run the route as the API would for an operator; what belongs to a person's session does not exist here."""
        route = _ROUTES[ask.operation]
        if route.access in (Who.PERSON, Who.SIGNED_IN, Who.ANYBODY) and ask.operation != "tenants.list":
            raise CommandError(f"{ask.operation} belongs to a session: it needs the API")
        for name, text in ask.path.items():
            if not is_form(name, text):
                raise CommandError(f"there is no {name} {text}", exit_code_of(404))
        try:
            answer = route.run(self.services, self._prepared(route, ask))
        except (CommandError, MissingRightError):  # who asks the API hears 503 of a right that is missing
            raise
        except ValidationError as error:
            raise CommandError(_invalid(error)) from None
        except CodeReviewError as error:
            raise CommandError(str(error), exit_code_of(problem_of(error, has_version=True).status)) from error
        return Reply(document=self._document(answer), version=answer.version)

    def _prepared(self, route: Route, ask: Ask) -> Call:
        query = route.query.model_validate(dict(ask.query))
        body: Body | None = None
        if route.body is not None:
            body = route.body.model_validate_json(_json(ask.body or {}))
        wanted = PageWanted(limit=query.limit, after=query.cursor) if isinstance(query, Page) else _NO_PAGE
        request = Request(actor=Actor(kind=ActorKind.OPERATOR, id=self.actor), id=str(self.ids.new()), at=self.now())
        return Call(
            request=request,
            caller=None,
            bound=self._tenant(ask),
            scopes=OPERATING,
            path=ask.path,
            query=query,
            body=body,
            version=ask.version,
            page=wanted,
            ids=self.ids,
        )

    def _tenant(self, ask: Ask) -> Tenant | None:
        text = ask.path.get("tenant")
        if text is None:
            return None
        tenant_id = parse_tenant_id(text)
        tenant = self.services.tenants.load(tenant_id) if tenant_id is not None else None
        if tenant is None:
            raise CommandError(f"there is no tenant {text}", exit_code_of(404))
        return tenant

    def _document(self, answer: Answer) -> Document:
        document: Document = answer.content.model_dump(mode="json") if answer.content is not None else {}
        return document


_NO_PAGE = PageWanted(limit=0, after=None)


def _json(body: Document) -> str:
    return json.dumps(body)


def _invalid(error: ValidationError) -> str:
    found: list[Any] = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'/'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in found)

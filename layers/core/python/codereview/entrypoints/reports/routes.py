"""The routes of the record. Whoever asks may wake the database up: no page asks again by itself."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from uuid import UUID

from codereview.domain.control.scopes import Scope
from codereview.domain.precision import Outcomes
from codereview.domain.prices import TokenPrices
from codereview.entrypoints.api.routing import Answer, Call, Route
from codereview.entrypoints.api.services import Edge
from codereview.entrypoints.reports import shown
from codereview.errors import NotFoundError, RejectedError
from codereview.report_ports import FindingFilter, Period, Reports, ReviewFilter, UsageOfDay

_USUAL, _LONGEST = timedelta(days=90), timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportServices(Edge):
    """What the reports are made of; without `prices` nothing has a cost."""

    reports: Reports
    prices: TokenPrices | None


def _period(call: Call) -> Period:
    """Return the period that was asked for; nothing of an earlier life of the account is in it."""
    wanted = call.query_as(shown.PeriodQuery)
    # A page's cursor must not lead into another list because a moment has passed since: the default ends with the day.
    tomorrow = call.request.at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    until = wanted.until or tomorrow
    since = wanted.since or until - _USUAL
    if not timedelta(0) < until - since <= _LONGEST:
        raise RejectedError(f"a period has between one moment and {_LONGEST.days} days")
    return Period(since=max(since, call.tenant.began_at), until=until)


def _findings(services: ReportServices, call: Call) -> Answer:
    wanted = call.query_as(shown.FindingsQuery)
    page = services.reports.findings(
        call.tenant.id,
        _period(call),
        FindingFilter(
            severity=wanted.severity,
            agent=wanted.agent,
            rule=wanted.rule,
            path=wanted.path,
            placement=wanted.placement,
            review_id=UUID(wanted.review) if wanted.review else None,
            text=wanted.text,
        ),
        limit=call.page.limit,
        after=call.page.after,
    )
    items = [shown.FindingShown.of(each) for each in page.items]
    return Answer(content=shown.FindingsShown(items=items, next=page.next))


def _life(services: ReportServices, call: Call) -> Answer:
    wanted = call.query_as(shown.LifeQuery)
    life = services.reports.life(
        call.tenant.id,
        repository_id=wanted.repository_id,
        number=wanted.number,
        fingerprint=wanted.fingerprint,
    )
    if life is None or life.updated_at < call.tenant.began_at:
        raise NotFoundError("no such finding")
    return Answer(content=shown.LifeShown.of(life))


def _reviews(services: ReportServices, call: Call) -> Answer:
    wanted = call.query_as(shown.ReviewsQuery)
    page = services.reports.reviews(
        call.tenant.id,
        _period(call),
        ReviewFilter(state=wanted.state, repository_id=wanted.repository_id, number=wanted.number),
        limit=call.page.limit,
        after=call.page.after,
    )
    return Answer(
        content=shown.RecordedReviewsShown(
            items=[shown.RecordedReviewShown.of(each) for each in page.items], next=page.next
        )
    )


def _audit(services: ReportServices, call: Call) -> Answer:
    action = call.query_as(shown.AuditQuery).action
    page = services.reports.audit(
        call.tenant.id, _period(call), action=action, limit=call.page.limit, after=call.page.after
    )
    return Answer(content=shown.AuditShown(items=[shown.ActionShown.of(each) for each in page.items], next=page.next))


def _usage(services: ReportServices, call: Call) -> Answer:
    period = _period(call)
    days = services.reports.usage(call.tenant.id, period)
    items = [shown.UsageShown(**asdict(day), cost=_cost(services.prices, [day])) for day in days]
    return Answer(
        content=shown.UsageOfPeriodShown(
            since=period.since, until=period.until, items=items, cost=_cost(services.prices, days)
        )
    )


def _precision(services: ReportServices, call: Call) -> Answer:
    period = _period(call)
    rules = defaultdict[str, list[shown.RuleShown]](list)
    totals = defaultdict[str, Outcomes](Outcomes)
    for each in services.reports.precision(call.tenant.id, period):
        rules[each.agent].append(shown.RuleShown(rule=each.rule, outcomes=shown.OutcomesShown.of(each.outcomes)))
        totals[each.agent] += each.outcomes
    taken = defaultdict[str, list[UsageOfDay]](list)
    for day in services.reports.usage(call.tenant.id, period):
        taken[day.agent].append(day)
    agents = []
    for agent, outcomes in sorted(totals.items()):
        cost = _cost(services.prices, taken[agent])
        agents.append(
            shown.AgentShown(
                agent=agent,
                outcomes=shown.OutcomesShown.of(outcomes),
                cost=cost,
                cost_per_accepted=None if cost is None or not outcomes.accepted else round(cost / outcomes.accepted),
                rules=rules[agent],
            )
        )
    return Answer(content=shown.PrecisionShown(since=period.since, until=period.until, agents=agents))


def _cost(prices: TokenPrices | None, days: Sequence[UsageOfDay]) -> int | None:
    if prices is None:
        return None
    return sum(
        prices.cost(input_tokens=day.input_tokens, cached_tokens=day.cached_tokens, output_tokens=day.output_tokens)
        for day in days
    )


# One route of API Gateway leads here: whatever lies below `record`.
_RECORD = "/v1/tenants/{tenant}/record"

ROUTES = (
    Route(
        method="GET",
        path=f"{_RECORD}/findings",
        operation="record.findings",
        summary="List and search findings, the latest first",
        access=Scope.FINDINGS_READ,
        run=_findings,
        answer=shown.FindingsShown,
        query=shown.FindingsQuery,
    ),
    Route(
        method="GET",
        path=f"{_RECORD}/life",
        operation="record.life",
        summary="Show the life of one problem of a pull request",
        access=Scope.FINDINGS_READ,
        run=_life,
        answer=shown.LifeShown,
        query=shown.LifeQuery,
    ),
    Route(
        method="GET",
        path=f"{_RECORD}/reviews",
        operation="record.reviews",
        summary="List reviews of any age, the latest first",
        access=Scope.REVIEWS_READ,
        run=_reviews,
        answer=shown.RecordedReviewsShown,
        query=shown.ReviewsQuery,
    ),
    Route(
        method="GET",
        path=f"{_RECORD}/audit",
        operation="record.audit",
        summary="List what was done in the tenant, the latest first",
        access=Scope.AUDIT_READ,
        run=_audit,
        answer=shown.AuditShown,
        query=shown.AuditQuery,
    ),
    Route(
        method="GET",
        path=f"{_RECORD}/usage",
        operation="record.usage",
        summary="Sum up tokens, findings and cost by day and agent",
        access=Scope.REVIEWS_READ,
        run=_usage,
        answer=shown.UsageOfPeriodShown,
        query=shown.PeriodQuery,
    ),
    Route(
        method="GET",
        path=f"{_RECORD}/precision",
        operation="record.precision",
        summary="Say how often each agent and rule was right, and what an accepted finding cost",
        access=Scope.FINDINGS_READ,
        run=_precision,
        answer=shown.PrecisionShown,
        query=shown.PeriodQuery,
    ),
)

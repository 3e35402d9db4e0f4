"""What people type for rates, shares, sums and times, as the API has it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from codereview.adapters.system import SystemClock

_RATE = re.compile(r"(?P<units>\d{1,9})/(?P<count>\d{0,6})(?P<unit>[smhd])(?::(?P<burst>\d{1,9}))?", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_AGENT = re.compile(r"(?P<agent>[a-z][a-z0-9_-]*)=(?P<mode>off|shadow|canary|on)(?::(?P<percent>\d{1,3}))?", re.ASCII)
_DOLLARS = re.compile(r"\d{1,9}(\.\d{1,6})?", re.ASCII)
_MICRO = 1_000_000
_SPAN = re.compile(r"\+(?P<count>\d{1,5})(?P<unit>[mhd])", re.ASCII)


class RateType(click.ParamType[Any]):
    """`600/m`, `600/10m`, `600/m:100` with a burst; `none` takes the limit away."""

    name = "units/period[:burst]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it."""
        if value == "none" or isinstance(value, dict):
            return value
        found = _RATE.fullmatch(value)
        if found is None:
            self.fail(f"{value!r} is no rate such as 600/m, 5000/h:200 or none", param, ctx)
        period = int(found["count"] or 1) * _SECONDS[found["unit"]]
        return {
            "units": int(found["units"]),
            "period_seconds": period,
            "burst": int(found["burst"] or found["units"]),
        }


class AgentFlagType(click.ParamType[Any]):
    """`security=shadow`, `performance=canary:25`."""

    name = "agent=mode[:percent]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it."""
        found = _AGENT.fullmatch(value)
        if found is None or (found["mode"] == "canary") != (found["percent"] is not None):
            self.fail(f"{value!r} is no setting such as security=shadow or performance=canary:25", param, ctx)
        return found["agent"], {"mode": found["mode"], "percent": int(found["percent"] or 0)}


class DollarsType(click.ParamType[Any]):
    """`25`, `0.40`; `none` takes the ceiling away. The API counts in millionths."""

    name = "dollars"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it."""
        if value == "none" or isinstance(value, int):
            return value
        if _DOLLARS.fullmatch(value) is None:
            self.fail(f"{value!r} is no sum such as 25 or 0.40", param, ctx)
        whole, _, cents = value.partition(".")
        return int(whole) * _MICRO + int(cents.ljust(6, "0"))


class MomentType(click.ParamType[Any]):
    """`2027-01-31`, `2027-01-31T12:00:00Z`, or `+90d`, `+4h`, `+30m` from now."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it; a time without a zone is UTC."""
        span = _SPAN.fullmatch(value)
        try:
            if span is not None:
                moment = SystemClock().now() + timedelta(seconds=int(span["count"]) * _SECONDS[span["unit"]])
            else:
                moment = datetime.fromisoformat(value)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time such as 2027-01-31, 2027-01-31T12:00:00Z or +90d", param, ctx)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat(timespec="seconds")


RATE, AGENT_FLAG, DOLLARS, MOMENT = RateType(), AgentFlagType(), DollarsType(), MomentType()
SWITCH = click.Choice(["on", "off"])

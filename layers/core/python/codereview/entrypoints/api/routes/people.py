"""People of a tenant and their roles, by GitHub's number for them."""

from datetime import datetime

from codereview.domain.control.people import Membership, PersonId, Role
from codereview.domain.control.scopes import Scope
from codereview.entrypoints.api.fields import Body, Login, Page, Shown
from codereview.entrypoints.api.routing import Answer, Call, Route
from codereview.entrypoints.api.services import Services


class PersonShown(Shown):
    """A person's role."""

    user_id: int
    login: str
    role: Role
    since: datetime


class PeopleShown(Shown):
    """Some people."""

    items: list[PersonShown]
    next: str | None


class RoleWanted(Body):
    """The role; the login is for people to read, and decides nothing."""

    role: Role
    login: Login


def _shown(membership: Membership) -> PersonShown:
    return PersonShown(
        user_id=membership.person.user_id, login=membership.login, role=membership.role, since=membership.since
    )


def _person(call: Call) -> PersonId:
    return PersonId(host=call.tenant.host, user_id=int(call.path["user"]))


def _list(services: Services, call: Call) -> Answer:
    page = services.manage_people.page(call.tenant, limit=call.page.limit, after=call.page.after)
    return Answer(content=PeopleShown(items=[_shown(each) for each in page.items], next=page.next))


def _show(services: Services, call: Call) -> Answer:
    membership = services.manage_people.find(call.tenant, _person(call))
    return Answer(content=_shown(membership), version=membership.version)


def _set_role(services: Services, call: Call) -> Answer:
    wanted = call.body_as(RoleWanted)
    membership = services.manage_people.set_role(
        call.tenant,
        _person(call),
        login=wanted.login,
        role=wanted.role,
        held=call.scopes,
        request=call.request,
        version=call.version,
    )
    return Answer(content=_shown(membership), version=membership.version)


def _remove(services: Services, call: Call) -> Answer:
    services.manage_people.remove(
        call.tenant, _person(call), held=call.scopes, request=call.request, version=call.version
    )
    return Answer()


_ONE = "/v1/tenants/{tenant}/people/{user}"

ROUTES = (
    Route(
        method="GET",
        path="/v1/tenants/{tenant}/people",
        operation="people.list",
        summary="List a tenant's people",
        access=Scope.PEOPLE_READ,
        run=_list,
        answer=PeopleShown,
        query=Page,
    ),
    Route(
        method="GET",
        path=_ONE,
        operation="people.show",
        summary="Show a person's role",
        access=Scope.PEOPLE_READ,
        run=_show,
        answer=PersonShown,
        has_version=True,
    ),
    Route(
        method="PUT",
        path=_ONE,
        operation="people.set_role",
        summary="Give a person a role",
        access=Scope.PEOPLE_WRITE,
        run=_set_role,
        answer=PersonShown,
        body=RoleWanted,
        takes_version=True,
        has_version=True,
    ),
    Route(
        method="DELETE",
        path=_ONE,
        operation="people.remove",
        summary="Take a person's role; a tenant keeps its last admin",
        access=Scope.PEOPLE_WRITE,
        run=_remove,
        status=204,
        takes_version=True,
    ),
)

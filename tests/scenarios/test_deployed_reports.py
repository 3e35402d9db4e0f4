"""The reports function behind the deployed API, with the rights of its own role."""

import json
import urllib.error
import urllib.request

import pytest

from local.stack import LocalStack

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws"), pytest.mark.timeout(300)]


def test_d4_the_record_is_asked_behind_the_deployed_api_with_the_rights_of_the_role(
    local_aws_with_roles: LocalStack,
) -> None:
    stack = local_aws_with_roles
    path = f"{stack.api_url}/v1/tenants/github.com:1/record/findings"
    # A key of the right form that nobody was given: the function has to look for it in the table.
    request = urllib.request.Request(path, headers={"authorization": "Bearer nobody"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=60)
    document = json.loads(caught.value.read())
    assert (caught.value.code, document["type"]) == (401, "urn:codereview:problem:unauthenticated"), stack.logs(
        "reports"
    )

"""What a role has used, which AWS tells by CloudTrail."""

from botocore.exceptions import ClientError

from tests.infra.emulator.conftest import Tiny


def test_the_emulator_alone_tells_nobody_which_rights_were_used(bare: Tiny) -> None:
    bare.aws.client("sqs").list_queues()
    try:
        told = bare.aws.client("cloudtrail").lookup_events()["Events"]
    except ClientError:
        told = []
    assert told == []

"""A release of the reviewer that is worse than the one before, deployed as `sam deploy` would."""

import io
import urllib.request
import zipfile
from dataclasses import dataclass
from typing import Any

from local.stack import STACK_NAME, LocalStack

REVIEWER = f"{STACK_NAME}-reviewer"
_WHERE = "    def request(self, part: Part) -> ModelRequest:\n"
_AGENT = "python/codereview/agents/agent.py"
_COMPILED = "python/codereview/agents/__pycache__/agent."


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What the agent does before it asks; `code` are lines of Python inside of its method."""

    agent: str
    code: str

    @property
    def source(self) -> str:
        """The lines, for this agent only."""
        lines = [
            f"        if self.name == {self.agent!r}:",
            *(f"            {line}" for line in self.code.splitlines()),
        ]
        return "\n".join(["", *lines, ""])


CRASH = Fault(agent="security", code='raise RuntimeError("nobody foresaw this")')
# More than the reviewer's memory, which is let go by nobody; the pages are written to, or they would cost nothing.
HOLD = Fault(agent="security", code='import time\nheld = b"x" * (700 * 1024 * 1024)\ntime.sleep(1)')


def release(stack: LocalStack, fault: Fault) -> str:
    """Publish a core layer and a version with the fault in it, and lead the alias there; returns the version."""
    client: Any = stack.aws.client("lambda")
    layers = [each["Arn"] for each in client.get_function_configuration(FunctionName=REVIEWER)["Layers"]]
    contents = {arn: _content(client, arn) for arn in layers}
    (core,) = [arn for arn, content in contents.items() if _AGENT in zipfile.ZipFile(io.BytesIO(content)).namelist()]
    published = client.publish_layer_version(
        LayerName="core-with-a-fault", Content={"ZipFile": _with_fault(contents[core], fault)}
    )
    bad = [published["LayerVersionArn"] if arn == core else arn for arn in layers]
    client.update_function_configuration(FunctionName=REVIEWER, Layers=bad)
    version = client.publish_version(FunctionName=REVIEWER)["Version"]
    client.update_alias(FunctionName=REVIEWER, Name="live", FunctionVersion=version)
    return str(version)


def _content(client: Any, arn: str) -> bytes:
    place = client.get_layer_version_by_arn(Arn=arn)["Content"]["Location"]
    with urllib.request.urlopen(place, timeout=60) as answer:
        return bytes(answer.read())


def _with_fault(content: bytes, fault: Fault) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as after:
        for member in before.infolist():
            if member.filename.startswith(_COMPILED):
                continue
            data = before.read(member)
            if member.filename == _AGENT:
                begin, _, rest = data.decode().partition(_WHERE)
                summary, _, body = rest.partition("\n")
                data = f"{begin}{_WHERE}{summary}\n{fault.source}{body}".encode()
                compile(data, member.filename, "exec")
            after.writestr(member, data)
    return whole.getvalue()

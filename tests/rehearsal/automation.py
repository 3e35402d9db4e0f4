"""Runs SSM Automation documents as the service would, step by step, against any account that boto3 reaches.

Modelled: parameters, outputs and the actions that our documents use. What is not known here is an error, so that a
document cannot pass by being skipped.
https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-actions.html
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore import xform_name

Client = Callable[[str], Any]  # a boto3 client for a service's name

_VARIABLE = re.compile(r"\{\{\s*([\w.:-]+)\s*\}\}", re.ASCII)
_ONLY_VARIABLE = re.compile(rf"^{_VARIABLE.pattern}$", re.ASCII)
_PART = re.compile(r"([\w-]+)|\[(\d+)\]", re.ASCII)
_MOST_STEPS = 100
_MOST_LOOKS = 60


class AutomationError(Exception):
    """A step failed, or the document says what the service would refuse."""


@dataclass(slots=True)
class Automation:
    """One execution; `calls` are what was asked of AWS, as `service:Api`."""

    client: Client
    parameters: dict[str, Any]
    pause: float = 0.2
    outputs: dict[str, Any] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def filled(self, value: Any) -> Any:
        """Put in parameters and outputs; a text that is nothing but a variable takes the variable's type."""
        if isinstance(value, Mapping):
            return {name: self.filled(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.filled(each) for each in value]
        if not isinstance(value, str):
            return value
        if only := _ONLY_VARIABLE.match(value):
            return self._value(only[1])
        return _VARIABLE.sub(lambda found: _text(self._value(found[1])), value)

    def _value(self, name: str) -> Any:
        values = self.parameters | self.outputs
        if name not in values:
            raise AutomationError(f"nothing is called {name}")
        return values[name]

    def call(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Call an API; `Service` and `Api` name it, the rest is what it takes."""
        service, api = inputs["Service"], inputs["Api"]
        taken = {name: each for name, each in self.filled(inputs).items() if name not in _NOT_OF_THE_CALL}
        self.calls.append(f"{service}:{api}")
        answer: dict[str, Any] = getattr(self.client(service), xform_name(api))(**taken)
        return answer

    def invoke(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Invoke a function; its own error fails the step."""
        filled = self.filled(inputs)
        payload = filled.get("Payload", filled.get("InputPayload", {}))
        self.calls.append("lambda:Invoke")
        answer = self.client("lambda").invoke(
            FunctionName=filled["FunctionName"],
            InvocationType=filled.get("InvocationType", "RequestResponse"),
            Payload=payload if isinstance(payload, str) else json.dumps(payload),
        )
        said = answer["Payload"].read().decode()
        if answer.get("FunctionError"):
            raise AutomationError(said)
        return {"StatusCode": answer["StatusCode"], "Payload": said}

    def wait(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Ask until a property has one of the desired values."""
        for _ in range(_MOST_LOOKS):
            answer = self.call(inputs)
            if _text(selected(answer, inputs["PropertySelector"])) in map(_text, self.filled(inputs["DesiredValues"])):
                return answer
            time.sleep(self.pause)
        raise AutomationError(f"{inputs['PropertySelector']} never became any of {inputs['DesiredValues']}")

    def check(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Fail unless a property has one of the desired values."""
        answer = self.call(inputs)
        value = selected(answer, inputs["PropertySelector"])
        if _text(value) not in map(_text, self.filled(inputs["DesiredValues"])):
            raise AutomationError(f"{inputs['PropertySelector']} is {value!r}")
        return answer


_NOT_OF_THE_CALL = {"Service", "Api", "PropertySelector", "DesiredValues"}
_ACTIONS: Mapping[str, Callable[[Automation, Mapping[str, Any]], dict[str, Any]]] = {
    "aws:executeAwsApi": Automation.call,
    "aws:invokeLambdaFunction": Automation.invoke,
    "aws:waitForAwsResourceProperty": Automation.wait,
    "aws:assertAwsResourceProperty": Automation.check,
}


def run(document: Mapping[str, Any], client: Client, parameters: Mapping[str, Any] | None = None) -> Automation:
    """Run a document from its first step to its end; raises AutomationError where the service would stop."""
    if document["schemaVersion"] != "0.3":
        raise AutomationError(f"no Automation document: {document['schemaVersion']}")
    execution = Automation(client=client, parameters=_parameters(document, parameters or {}))
    for step in _steps(document, execution):
        answer = _ACTIONS[step["action"]](execution, step.get("inputs", {}))
        for output in step.get("outputs", []):
            execution.outputs[f"{step['name']}.{output['Name']}"] = selected(answer, output["Selector"])
        if "Payload" in answer and isinstance(answer["Payload"], str):
            execution.outputs[f"{step['name']}.Payload"] = answer["Payload"]
    return execution


def _parameters(document: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    declared = document.get("parameters", {})
    if unknown := set(given) - set(declared):
        raise AutomationError(f"no such parameter: {', '.join(sorted(unknown))}")
    values = {name: each["default"] for name, each in declared.items() if "default" in each} | dict(given)
    if missing := set(declared) - set(values):
        raise AutomationError(f"missing: {', '.join(sorted(missing))}")
    for name, value in values.items():
        allowed = declared[name].get("allowedValues")
        pattern = declared[name].get("allowedPattern")
        if allowed is not None and value not in allowed:
            raise AutomationError(f"{name} is none of {allowed}")
        if pattern is not None and value and not re.search(pattern, str(value)):
            raise AutomationError(f"{name} does not match {pattern}")
    return values


def _steps(document: Mapping[str, Any], execution: Automation) -> Iterator[Mapping[str, Any]]:
    """Follow `nextStep`, `isEnd` and branches; without them steps run in their order."""
    steps = document["mainSteps"]
    places = {step["name"]: place for place, step in enumerate(steps)}
    place: int | None = 0
    for _ in range(_MOST_STEPS):
        if place is None or place >= len(steps):
            return
        step = steps[place]
        if step["action"] == "aws:branch":
            place = places[_branch(step["inputs"], execution)]
            continue
        if step["action"] not in _ACTIONS:
            raise AutomationError(f"{step['action']} is not known here")
        yield step
        follows = step.get("nextStep")
        place = None if step.get("isEnd") else places[follows] if follows else place + 1
    raise AutomationError("the document goes in circles")


_COMPARED: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda one, other: one == other,
    "BooleanEquals": lambda one, other: one.lower() == other.lower(),
    "NumericEquals": lambda one, other: float(one) == float(other),
    "NumericGreater": lambda one, other: float(one) > float(other),
}


def _branch(inputs: Mapping[str, Any], execution: Automation) -> str:
    for choice in inputs["Choices"]:
        value = _text(execution.filled(choice["Variable"]))
        for operator, compared in _COMPARED.items():
            if operator in choice and compared(value, _text(execution.filled(choice[operator]))):
                return str(choice["NextStep"])
    if "Default" not in inputs:
        raise AutomationError("no choice fits, and there is no default")
    return str(inputs["Default"])


def selected(answer: Any, selector: str) -> Any:
    """Follow a JSONPath of names and numbers, `$.Items[0].UUID`."""
    value = answer
    for name, number in _PART.findall(selector.removeprefix("$")):
        try:
            value = value[int(number)] if number else value[name]
        except (KeyError, IndexError, TypeError) as error:
            raise AutomationError(f"the answer has no {selector}") from error
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value)

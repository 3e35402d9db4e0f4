"""A translated template with its parameters put in and its conditions decided, as far as that goes without AWS."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

Template = Mapping[str, Any]

_ABSENT = object()
_NAMES = re.compile(r"\$\{([^}]+)\}")
_PSEUDO = {
    "AWS::AccountId": "111122223333",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackName": "codereview-test",
}


class Stack:
    """What one template would create with some parameters.

    References to parameters and pseudo parameters are put in; those to resources stay as `{"Ref": …}` and
    `{"Fn::GetAtt": …}`, so that a test can see who is meant.
    """

    def __init__(self, template: Template, parameters: Mapping[str, Any]) -> None:
        declared = template.get("Parameters", {})
        unknown = set(parameters) - set(declared)
        assert not unknown, f"no such parameters: {unknown}"
        defaults = {name: entry["Default"] for name, entry in declared.items() if "Default" in entry}
        self._values = {**_PSEUDO, **defaults, **parameters}
        self._conditions = {
            name: self._is_true(condition) for name, condition in template.get("Conditions", {}).items()
        }
        self.resources: dict[str, dict[str, Any]] = {
            name: self._resolved(resource)
            for name, resource in template["Resources"].items()
            if self._conditions.get(resource.get("Condition"), True)
        }

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the properties of all resources of a type, by logical id."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == kind
        }

    def properties(self, logical_id: str) -> dict[str, Any]:
        """Return one resource's properties."""
        properties: dict[str, Any] = self.resources[logical_id].get("Properties", {})
        return properties

    def types(self) -> set[str]:
        """Return the types of all resources."""
        return {resource["Type"] for resource in self.resources.values()}

    def statements(self, logical_id: str) -> Iterator[dict[str, Any]]:
        """Yield the statements of a role or of a policy, with actions and resources as lists."""
        own = self.properties(logical_id)
        for policy in [own] if "PolicyDocument" in own else own.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield statement | {name: as_list(statement.get(name, [])) for name in ("Action", "Resource")}

    def allowed(self, logical_id: str) -> set[str]:
        """Return the actions that a role or a policy allows on anything."""
        return {
            action for each in self.statements(logical_id) if each["Effect"] == "Allow" for action in each["Action"]
        }

    def _is_true(self, condition: Any) -> bool:
        (operator, operands), *_ = condition.items()
        match operator:
            case "Fn::Equals":
                left, right = (self._resolved(operand) for operand in operands)
                return str(left) == str(right)
            case "Fn::Not":
                return not self._is_true(operands[0])
        raise AssertionError(f"{operator} in a condition: the emulator does not know it either")

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, list):
            return [item for item in map(self._resolved, value) if item is not _ABSENT]
        if not isinstance(value, dict):
            return value
        match value:
            case {"Ref": name}:
                return self._values.get(name, _ABSENT if name == "AWS::NoValue" else value)
            case {"Fn::If": [condition, chosen, other]}:
                return self._resolved(chosen if self._conditions[condition] else other)
            case {"Fn::Sub": operand}:
                text, own = (operand, {}) if isinstance(operand, str) else operand
                return self._substituted(text, {key: self._resolved(item) for key, item in own.items()})
        resolved = {name: self._resolved(item) for name, item in value.items()}
        return _computed({name: item for name, item in resolved.items() if item is not _ABSENT})

    def _substituted(self, text: str, own: Mapping[str, Any]) -> str:
        """Put in what is known; a resource stays as `${Name.Attribute}`."""
        known = {**self._values, **own}

        def value(match: re.Match[str]) -> str:
            found = known.get(match[1], match[0])
            return found if isinstance(found, str) else str(found)

        return _NAMES.sub(value, text)


def _computed(value: dict[str, Any]) -> Any:
    """Split and select where everything is known."""
    match value:
        case {"Fn::Split": [separator, str(text)]}:
            return text.split(separator)
        case {"Fn::Select": [index, list(items)]}:
            return items[int(index)]
    return value


def as_list(value: Any) -> list[Any]:
    """Return a list also where one value may stand alone."""
    return value if isinstance(value, list) else [value]


def target(reference: Any) -> str:
    """Return the logical id that a reference leads to."""
    match reference:
        case {"Ref": str(name)}:
            return name
        case {"Fn::GetAtt": [str(name), *_]}:
            return name
    raise AssertionError(f"no reference to a resource: {reference}")

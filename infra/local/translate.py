"""Run by the interpreter of `.tools/sam`: turn the SAM template on standard input into CloudFormation, as AWS would.

Standard input holds JSON: {"templates": {name: text}, "sources": {path: checksum}}. Local paths become S3 addresses
with the checksum in them, as `sam package` makes them, so that other content is another address.
The imports are of that interpreter's packages, which ours does not have.
"""

import json
import sys
from typing import Any

from boto3 import Session
from samcli.yamlhelper import yaml_parse  # type: ignore[import-not-found]
from samtranslator.parser.parser import Parser  # type: ignore[import-not-found]
from samtranslator.translator.translator import Translator  # type: ignore[import-not-found]


def _packaged(template: dict[str, Any], sources: dict[str, str]) -> dict[str, Any]:
    for resource in template["Resources"].values():
        for name in ("CodeUri", "ContentUri"):
            path = resource.get("Properties", {}).get(name)
            if path is not None:
                resource["Properties"][name] = f"s3://artifacts/{path}/{sources.get(path, 'first')}"
    return template


def main() -> None:
    """Translate every template."""
    asked = json.load(sys.stdin)
    translated = {}
    for name, text in asked["templates"].items():
        template = _packaged(yaml_parse(text), asked["sources"])
        translator = Translator({}, Parser(), boto_session=Session(region_name="us-east-1"))
        translated[name] = translator.translate(template, {})
    json.dump(translated, sys.stdout)


if __name__ == "__main__":
    main()

"""Collects what tells of an incident; what cannot be read is named, and holds up nothing else."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codereview.domain.evidence import Exhibit, exhibit, manifest
from codereview.errors import CodeReviewError

Read = Callable[[], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectEvidence:
    """The files by their names, each with what reads it: text stays as it is, all else becomes JSON."""

    sources: Mapping[str, Read]

    def __call__(self, about: Mapping[str, Any]) -> Iterator[Exhibit]:
        """Read one after the other; last comes the manifest, with `about`, checksums and what is missing."""
        found, missing = list[Exhibit](), dict[str, str]()
        for name, read in self.sources.items():
            try:
                content = read()
            except CodeReviewError as error:
                missing[name] = str(error)
                continue
            found.append(exhibit(name, content if isinstance(content, str) else _json(content)))
            yield found[-1]
        yield exhibit("manifest.json", _json(self._manifest(about, found, missing)))

    def _manifest(
        self, about: Mapping[str, Any], found: Sequence[Exhibit], missing: Mapping[str, str]
    ) -> dict[str, Any]:
        return {**about, "files": manifest(found), "missing": dict(missing)}


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, sort_keys=True, default=str) + "\n"

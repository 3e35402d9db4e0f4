"""Buys the answers that a review needs, each at most once, and stores its result before anything is posted."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from codereview.domain.change import Change
from codereview.domain.context import estimate_tokens, render_change
from codereview.domain.parking import AdmissionDecision, Admit, Degrade, Park
from codereview.domain.result import ReviewResult, Usage
from codereview.domain.review import ReviewState
from codereview.domain.stored import answer_key, encode_result, result_key
from codereview.errors import PermanentError
from codereview.ports import (
    Admission,
    AdmissionRequest,
    Clock,
    HeadFiles,
    LanguageModel,
    Lease,
    ModelAnswer,
    ModelRequest,
    Objects,
    PullRequest,
    Repository,
    ReviewItem,
    ReviewStore,
    StopReason,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedModel:
    """A language model whose answers are kept, so that a retry of the review buys only what is missing."""

    model: LanguageModel
    objects: Objects
    item: ReviewItem

    @property
    def name(self) -> str:
        """The model's id."""
        return self.model.name

    @property
    def is_mock(self) -> bool:
        """Whether the model is a mock."""
        return self.model.is_mock

    def answer(self, request: ModelRequest, *, deadline: timedelta) -> ModelAnswer:
        """Return the stored answer to exactly this question, or ask and store."""
        question = json.dumps([self.name, asdict(request)], sort_keys=True, default=str)
        digest = hashlib.sha256(question.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        key = answer_key(self.item.key.tenant, self.item.key.review_id, request.agent, digest)
        stored = self.objects.get(key)
        if stored is not None:
            return _decoded(stored)
        answer = self.model.answer(request, deadline=deadline)
        self.objects.put(key, json.dumps(asdict(answer)).encode())
        return answer


def _decoded(data: bytes) -> ModelAnswer:
    values = json.loads(data)
    return ModelAnswer(
        text=values["text"],
        stop=StopReason(values["stop"]),
        usage=Usage(**values["usage"]),
        model=values["model"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BypassedModel:
    """Stands in for a model that must not be asked: its agents fail with the reason, the analyzers go on."""

    model: LanguageModel
    reason: str

    @property
    def name(self) -> str:
        """The id of the model that is bypassed."""
        return self.model.name

    @property
    def is_mock(self) -> bool:
        """Whether that model is a mock."""
        return self.model.is_mock

    def answer(self, request: ModelRequest, *, deadline: timedelta) -> ModelAnswer:  # noqa: ARG002 -- the port's
        """Refuse."""
        raise PermanentError(self.reason)


class AdmitAll:
    """No limits at all."""

    def admit(self, request: AdmissionRequest, *, now: datetime) -> AdmissionDecision:  # noqa: ARG002 -- the port's
        """Let everything go on."""
        return Admit()


class Engine(Protocol):
    """Makes a result of a change; `ReviewChange` is the one there is."""

    def __call__(
        self,
        change: Change,
        *,
        model: LanguageModel,
        head_files: HeadFiles,
        attributes: bytes | None,
        deadline: datetime,
    ) -> ReviewResult:
        """Review the change."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeResult:
    """Reads the change, runs the agents, stores the result."""

    clock: Clock
    store: ReviewStore
    objects: Objects
    model: LanguageModel
    review_change: Engine
    admission: Admission

    def __call__(
        self,
        repository: Repository,
        pull_request: PullRequest,
        lease: Lease,
        item: ReviewItem,
        *,
        deadline: datetime,
    ) -> ReviewItem | Park:
        """Return the item with its result; one that was stored before is not made again, and needs no admission."""
        if item.result is not None:
            return item
        change = Change(
            base_sha=pull_request.base_sha,
            head_sha=pull_request.head_sha,
            files=repository.changed_files(pull_request),
            file_count=pull_request.changed_files,
            title=pull_request.title,
            description=pull_request.description,
        )
        request = AdmissionRequest(key=item.key, prompt_tokens=estimate_tokens(render_change(change)))
        decision = self.admission.admit(request, now=self.clock.now())
        if isinstance(decision, Park):
            return decision
        model = BypassedModel(model=self.model, reason=decision.reason) if isinstance(decision, Degrade) else self.model
        result = self.review_change(
            change,
            model=RememberedModel(model=model, objects=self.objects, item=item),
            head_files=lambda paths: repository.contents(paths, pull_request.head_sha),
            attributes=repository.content(".gitattributes", pull_request.base_sha),
            deadline=deadline,
        )
        stored = self.objects.put(result_key(item.key.tenant, item.key.review_id), encode_result(result))
        item = replace(item, state=ReviewState.ANSWERED, result=stored)
        self.store.save(lease, item, now=self.clock.now())
        return item

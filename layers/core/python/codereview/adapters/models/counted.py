"""A language model whose calls, failures and costs are counted, whatever becomes of the review that made them."""

from datetime import timedelta

from codereview.domain.metrics import Metric, Tally
from codereview.domain.prices import TokenPrices
from codereview.errors import CodeReviewError, ThrottledError
from codereview.model_ports import LanguageModel, ModelAnswer, ModelRequest


class CountedModel:
    """Asks, and counts. It stands inside of the circuit breaker: what is not asked does not fail."""

    def __init__(self, model: LanguageModel, tally: Tally, prices: TokenPrices | None) -> None:
        """Count into `tally`; without prices nothing is known of the cost."""
        self._model = model
        self._tally = tally
        self._prices = prices

    @property
    def name(self) -> str:
        """The model's id."""
        return self._model.name

    @property
    def is_mock(self) -> bool:
        """Whether the model is a mock."""
        return self._model.is_mock

    def answer(self, request: ModelRequest, *, deadline: timedelta) -> ModelAnswer:
        """Ask once; raises what the model does."""
        try:
            answer = self._model.answer(request, deadline=deadline)
        except CodeReviewError as error:
            self._tally.count(Metric.MODEL_ERRORS)
            if isinstance(error, ThrottledError):
                self._tally.count(Metric.MODEL_THROTTLES)
            raise
        if self._prices is not None and not self.is_mock:
            used = answer.usage
            cost = self._prices.cost(
                input_tokens=used.input_tokens, cached_tokens=used.cached_tokens, output_tokens=used.output_tokens
            )
            self._tally.count(Metric.MODEL_DOLLARS, cost / 1_000_000)
        return answer

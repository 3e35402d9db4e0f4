"""A language model behind a circuit breaker."""

from datetime import timedelta

from codereview.adapters.circuit import Circuit
from codereview.model_ports import LanguageModel, ModelAnswer, ModelRequest


class CircuitModel:
    """Asks no model that is out of order or has told us to wait."""

    def __init__(self, model: LanguageModel, circuit: Circuit) -> None:
        """Ask `model` while `circuit` is closed."""
        self._model = model
        self._circuit = circuit

    @property
    def name(self) -> str:
        """The model's id."""
        return self._model.name

    @property
    def is_mock(self) -> bool:
        """Whether the model is a mock."""
        return self._model.is_mock

    def answer(self, request: ModelRequest, *, deadline: timedelta) -> ModelAnswer:
        """Ask once; raises what the model does, and ThrottledError while the circuit is open."""
        return self._circuit.call(lambda: self._model.answer(request, deadline=deadline))

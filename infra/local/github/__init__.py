"""A GitHub that runs on this machine: real git repositories behind the REST API that a review App uses."""

from local.github.faults import Fault
from local.github.stand_in import StandIn

__all__ = ["Fault", "StandIn"]

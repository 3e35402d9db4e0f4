"""Token buckets in the memory of one process, for what is not worth a request to the table."""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from threading import Lock

from codereview.domain.limits import Decision, Granted, Take, decide

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class RememberedBuckets:
    """Each process counts for itself, so that all together let in more; of the owners it knows those that came last."""

    def __init__(self, most_owners: int = 4_096) -> None:
        """Know no more than so many owners, whoever makes them up."""
        self._most_owners = most_owners
        self._tats: OrderedDict[str, dict[str, int]] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """Count the owners that are known."""
        return len(self._tats)

    def take(self, owner: str, takes: Sequence[Take], *, now: datetime) -> Decision:
        """Take from all buckets or from none."""
        moment = (now - _EPOCH) // _MICROSECOND
        with self._lock:
            tats = self._tats.pop(owner, {})
            decision = decide(takes, tats, now=moment)
            if isinstance(decision, Granted):
                tats = {each.name: moment + each.reset // _MICROSECOND for each in decision.standings}
            self._tats[owner] = tats
            if len(self._tats) > self._most_owners:
                self._tats.popitem(last=False)
        return decision

"""Writes what became of a review into the record."""

import hashlib
from dataclasses import dataclass

from codereview.domain.record import ReviewRecorded
from codereview.domain.result import ReviewResult
from codereview.domain.stored import decode_recorded, decode_result, result_key
from codereview.errors import PermanentError, RetryableError
from codereview.ports import Objects, ReviewRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordReviews:
    """The use case of the record queue."""

    objects: Objects
    record: ReviewRecord

    def handle(self, body: str) -> ReviewRecorded:
        """Write one message's review; doing it again changes nothing.

        Raises PermanentError for a message that is none of ours, RetryableError while its result cannot be read. A
        review whose result is there but spoilt is recorded without findings before the PermanentError: that it was
        made is true all the same.
        """
        message = decode_recorded(body)
        data = self._read(message)
        try:
            result = None if data is None else _intact(message, data)
        except PermanentError:
            self.record.write(message, None)
            raise
        self.record.write(message, result)
        return message

    def _read(self, message: ReviewRecorded) -> bytes | None:
        """Read the object that the message points to, if it is the review's own; None where there is no pointer."""
        if message.result_key is None:
            return None
        if message.result_key != result_key(message.key.tenant, message.review_id):
            raise PermanentError("the message points to another review's result")
        data = self.objects.get(message.result_key)
        if data is None:
            raise RetryableError("the result is not there yet")
        return data


def _intact(message: ReviewRecorded, data: bytes) -> ReviewResult:
    """Decode the result, if nobody changed it since the message was written."""
    if hashlib.sha256(data).hexdigest() != message.result_sha256:
        raise PermanentError("the result is not the one that the message was written for")
    return decode_result(data)

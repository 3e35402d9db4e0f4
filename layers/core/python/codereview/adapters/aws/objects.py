"""Answers and results as objects in S3."""

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.aws.errors import of_ours
from codereview.ports import StoredObject

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


class S3Objects:
    """One bucket; keys are made by the callers, of ids only."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        """Work on `bucket`."""
        self._client = client
        self._bucket = bucket

    def put(self, key: str, data: bytes, *, content_type: str = "application/json") -> StoredObject:
        """Store the bytes; S3 checks them against the SDK's own checksum on arrival."""
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=content_type)
        except (ClientError, BotoCoreError) as error:
            raise of_ours("S3", error) from error
        return StoredObject(key=key, sha256=hashlib.sha256(data).hexdigest())

    def get(self, key: str) -> bytes | None:
        """Read the bytes; None where there is no such key (which needs `s3:ListBucket` to be told from a denial)."""
        try:
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise of_ours("S3", error) from error

    def delete(self, key: str) -> None:
        """Remove an object; its versions go a week later, by the bucket's own rule."""
        try:
            self._client.delete_object(Bucket=self._bucket, Key=key)
        except (ClientError, BotoCoreError) as error:
            raise of_ours("S3", error) from error

    def keys(self, prefix: str) -> list[str]:
        """List up to a thousand keys below a prefix."""
        return [key for key, _ in self.written(prefix)]

    def written(self, prefix: str) -> list[tuple[str, datetime]]:
        """List up to a thousand keys below a prefix, each with the time of its latest version."""
        try:
            answer = self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix)
        except (ClientError, BotoCoreError) as error:
            raise of_ours("S3", error) from error
        return [(item["Key"], item["LastModified"]) for item in answer.get("Contents", [])]

"""Written exports as objects in S3, and addresses to fetch them from."""

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.aws.errors import translated
from codereview.domain.control.exports import ExportJob, Link
from codereview.domain.export import CONTENT_TYPES, REPORT_ENDING, ExportReport, export_folder, export_key
from codereview.domain.review import TenantId

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

# Long enough to begin a download, and too short to be passed around.
LASTING: Final = timedelta(minutes=15)


class S3Exports:
    """What of one bucket lies under `exports/`; an export is there once its report is."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        """Work on `bucket`; the client signs addresses by Signature Version 4."""
        self._client = client
        self._bucket = bucket

    def written(self, tenant: TenantId) -> frozenset[UUID]:
        """Return the tenant's exports that are there."""
        return frozenset(self._reports(tenant, ""))

    def report(self, job: ExportJob) -> ExportReport | None:
        """Return what an export became; None while it is not there."""
        # Asked by listing: a role that may not list hears "denied" for an object that is not there.
        if job.id not in self._reports(job.tenant, f"{job.id}.{REPORT_ENDING}"):
            return None
        try:
            key = export_key(job.tenant, job.id, REPORT_ENDING)
            document = json.loads(self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read())
        except (ClientError, BotoCoreError) as error:
            raise translated("S3", error) from error
        return ExportReport(**document)

    def link(self, job: ExportJob, *, now: datetime) -> Link:
        """Sign an address for this object alone; it ends early where the credentials do that signed it."""
        ending = job.format.value
        url = self._client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self._bucket,
                "Key": export_key(job.tenant, job.id, ending),
                "ResponseContentDisposition": f'attachment; filename="findings-{job.id}.{ending}"',
                "ResponseContentType": CONTENT_TYPES[job.format],
            },
            ExpiresIn=int(LASTING.total_seconds()),
        )
        return Link(url=url, expires_at=now + LASTING)

    def _reports(self, tenant: TenantId, beginning: str) -> list[UUID]:
        folder = export_folder(tenant)
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"{folder}{beginning}"
        )
        try:
            keys = [item["Key"].removeprefix(folder) for page in pages for item in page.get("Contents", [])]
        except (ClientError, BotoCoreError) as error:
            raise translated("S3", error) from error
        ending = f".{REPORT_ENDING}"
        return [UUID(key.removesuffix(ending)) for key in keys if key.endswith(ending)]

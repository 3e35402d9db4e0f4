"""AWS services other than the control table: S3, SQS, Secrets Manager, Lambda."""

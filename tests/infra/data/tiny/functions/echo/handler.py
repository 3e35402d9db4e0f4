"""Tells what a function sees, and answers a batch with what its message says."""

import importlib.util
import json
import os
import sys
import time


def handle(event, context):
    try:
        import greeting

        words = greeting.WORDS
    except ImportError:
        words = None
    print("a line of the function")
    seen = {
        "event": event,
        "greeting": words,
        "environment": dict(os.environ),
        "path": sys.path,
        "foreign": [name for name in ("boto3", "ministack", "httpx", "yaml") if importlib.util.find_spec(name)],
        "awslambdaric": "awslambdaric" in sys.modules,
        "remaining_ms": context.get_remaining_time_in_millis(),
        "arn": context.invoked_function_arn,
    }
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(seen)}


def handle_batch(event, _context):
    body = event["Records"][0]["body"]
    print(f"received {body}")
    return json.loads(body)


def sleep(_event, _context):
    time.sleep(30)


def hold(event, _context):
    held = b"x" * (event["megabytes"] * 1024 * 1024)
    time.sleep(event["seconds"])
    return len(held)

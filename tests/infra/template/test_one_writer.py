"""There is one database instance, so nothing can be decided on a reader that lags behind."""

from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_f38_the_record_has_a_writer_and_no_reader() -> None:
    database = (ROOT / "infra/database.yaml").read_text()
    assert database.count("Type: AWS::RDS::DBInstance") == 1
    assert "ReadEndpoint" not in database + (ROOT / "template.yaml").read_text()

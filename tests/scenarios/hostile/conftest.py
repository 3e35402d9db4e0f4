"""Has pytest explain the assertions of the modules that these tests share."""

import pytest

pytest.register_assert_rewrite("tests.scenarios.hostile.harm", "tests.unit.github_page")

"""The checks stand beside the test that runs them, so pytest is told to explain them, too."""

from __future__ import annotations

import pytest

for _name in ("buckets", "checkpoints", "listing", "reading", "trees", "writing"):
    pytest.register_assert_rewrite(f"behavior.support.{_name}")

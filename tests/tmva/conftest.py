"""Lets the ports of TMVA's tests tell what they find when they are run alone: `python -m pytest tests/tmva`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def told(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """What a test prints is shown, unless other tests run too."""
    yield
    chosen = [Path(argument.partition("::")[0]).resolve() for argument in request.config.args]
    if all(path == HERE or HERE in path.parents for path in chosen):
        shown = capsys.readouterr().out
        with capsys.disabled():
            print(f"\n{shown}", end="")

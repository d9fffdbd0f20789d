"""The live table of a training: what its lines show, on any terminal."""

from __future__ import annotations

import io
import math

import pytest
from rich.console import Console

from pytmva_rnn.description import HistoryRow
from pytmva_rnn.training.live_errors import LiveErrors, Sparkline


class Encoded(io.StringIO):
    """A file with an encoding, which tells rich what it may draw."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding


def drawn(values: list[float], width: int = 40, encoding: str = "utf-8") -> str:
    console = Console(file=Encoded(encoding), force_terminal=True, color_system=None, width=width)
    console.print(Sparkline(values))
    file = console.file
    assert isinstance(file, Encoded)
    return file.getvalue().removesuffix("\n")


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.0], "█▇▆▅▄▃▂▁"),
        ([3.0], "▁"),
        ([2.0, 2.0], "▁▁"),
        ([1.0, math.nan, 0.0, math.inf], "█ ▁ "),
        ([math.nan], " "),
        ([-1.7e308, 1.7e308], "▁█"),
        ([], ""),
    ],
)
def test_a_sparkline_lies_between_the_least_and_the_largest(values: list[float], line: str) -> None:
    assert drawn(values) == line


def test_a_sparkline_has_no_more_bars_than_there_is_room() -> None:
    assert drawn([float(value) for value in range(80)], width=8) == "▁▂▃▄▅▆▇█"
    assert len(drawn([1.0] * 1000, width=200)) == 60
    assert drawn([0.0, math.nan, 1.0, 3.0, math.nan, math.nan], width=3) == "▁█ "


def test_a_terminal_without_blocks_gets_other_letters() -> None:
    assert drawn([1.0, 0.0, 0.5], encoding="ascii") == "#_="


def test_a_training_of_any_length_is_shown_from_its_first_epoch_on() -> None:
    file = Encoded("utf-8")
    before = [HistoryRow(1, 1, 3.0, 9.0), HistoryRow(1, 2, 2.0, 8.0)]
    table = LiveErrors(
        Console(file=file, force_terminal=True, color_system=None, width=120), 9000, "phase 2", history=before
    )
    for epoch in range(1, 5001):
        table.tested(HistoryRow(2, epoch, 1.0, 1.0 + abs(epoch - 2500)), 0.5, 12345.0, max(0, epoch - 2500))
    table.reach(5000)
    table.start()
    table.stop()
    shown = file.getvalue()
    assert "5000/9000" in shown
    assert "0.5 s an epoch, 12,345 events/s, 2500 epochs without improvement" in shown
    validation = next(line for line in shown.splitlines() if "validation" in line)
    assert validation.split()[2:] == ["9", "1", "2,", "2500", "2501"]
    bars = validation.split()[1]
    assert len(bars) > 20
    assert (bars[1], bars[len(bars) // 2], bars[-1]) == ("█", "▁", "█")

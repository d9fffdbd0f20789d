"""`pytmva-rnn tune`: the best options of a configuration."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from pytmva_rnn.cli.numbers_given import positive_number
from pytmva_rnn.cli.program import USER_ERROR
from pytmva_rnn.cli.tables import plain_table, show

if TYPE_CHECKING:
    from pytmva_rnn.tuning import Search
    from pytmva_rnn.tuning.search_space import SearchSpace
    from pytmva_rnn.tuning.study_file import TrialRow

__all__ = ["add_command", "run"]

_SHOWN = 10
"""Trials in the table."""

_EPILOG = """\
examples:
  pytmva-rnn tune jets.toml
  pytmva-rnn tune jets.toml --output search --trials 100 --workers 4
  pytmva-rnn train search/best.toml

The table [tune] of CONFIG.toml says what to search:

  [tune]
  trials = 50
  plot = "tune.png"

  [tune.space]
  LearningRate = { low = 1e-4, high = 1e-1, log = true }
  BatchSize = [50, 100, 200]
  Layout = "LSTM|{units}|6|6,DENSE|{width}|{activation},LINEAR"
  units = { low = 8, high = 64, step = 8 }
  width = [16, 32, 64]
  activation = ["TANH", "RELU"]

What is finished is kept: the same command goes on from there.
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser], summary: str) -> None:
    """Declare the arguments."""
    parser = commands.add_parser(
        "tune",
        help=summary,
        description="Search the options of a configuration as its table [tune] says, and write the best one.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", metavar="CONFIG.toml", type=Path, help="what to read, train and search")
    parser.add_argument(
        "-o", "--output", metavar="DIR", type=Path, default=Path(), help="folder to write to (default: the current one)"
    )
    parser.add_argument("--trials", type=positive_number, help="trials that there are to be, earlier ones included")
    parser.add_argument(
        "--workers", type=positive_number, default=1, help="trials at a time, each a process (default: 1)"
    )
    parser.add_argument("--backend", choices=("cpu", "cuda", "reference"), help="as of train")
    parser.add_argument(
        "--threads", type=positive_number, help="threads of each training (default: the cores shared out)"
    )
    parser.add_argument("--force", action="store_true", help="replace files that are there and hold something else")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Search, and show the best trials."""
    from pytmva_rnn.tuning import tune  # it needs Optuna

    search = tune(
        given.config,
        folder=given.output,
        trials=given.trials,
        workers=given.workers,
        backend=given.backend,
        threads=given.threads,
        force=given.force,
        on_trial=_tell,
    )
    _show(search)
    return 0 if search.best is not None else USER_ERROR


def _tell(row: TrialRow, space: SearchSpace) -> None:
    """A line of each trial that has ended."""
    what = row.error if row.state == "failed" else "" if row.value is None else f"{row.value:.6g}"
    shown = ", ".join(f"{name} {_short(value)}" for name, value in space.shown(row.drawn).items())
    print(f"trial {row.number} {row.state}{': ' if what else ''}{what}; {shown}", flush=True)


def _show(search: Search) -> None:
    counts = Counter(row.state for row in search.trials)
    print(f"\n{len(search.trials)} trials: {', '.join(f'{count} {state}' for state, count in counts.items())}\n")
    if search.best is None:
        print(f"no trial is complete; {search.table_path} says why")
        return
    complete = sorted((r for r in search.trials if r.value is not None), key=lambda row: (row.value, row.number))
    names = [name for name in search.space.entries if any(name in row.drawn for row in complete)]
    rows = []
    for row in complete[:_SHOWN]:
        shown = search.space.shown(row.drawn)
        rows.append((row.number, f"{row.value:.6g}", row.epochs, *(_short(shown.get(name, "")) for name in names)))
    columns = [("trial", "right"), (search.value_words, "right"), ("epochs", "right")]
    show(plain_table("Best trials", [*columns, *((name, "") for name in names)], rows))
    if search.importances:
        listed = ", ".join(f"{name} {value:.2f}" for name, value in search.importances.items())
        print(f"importance: {listed}\n")
    print(f"the best options are in\n{search.best_path}\n")
    print(f"trials: {search.table_path}")
    if search.plot_path is not None:
        print(f"plot: {search.plot_path}")


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)

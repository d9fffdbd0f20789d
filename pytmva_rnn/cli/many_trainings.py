"""`pytmva-rnn train` with --seeds, --folds or --scan: a training for each combination, and their table."""

from __future__ import annotations

import argparse
import itertools
import math
from collections.abc import Iterator, Sequence

from rich.table import Table

from pytmva_rnn import extras
from pytmva_rnn.cli.numbers_given import positive_number
from pytmva_rnn.cli.program import USER_ERROR, exit_code
from pytmva_rnn.cli.report_files import REPORTS, check_drawable
from pytmva_rnn.cli.several_processes import started_by_mpi
from pytmva_rnn.cli.tables import plain_table, show
from pytmva_rnn.cli.training_outputs import OutputsOfEach
from pytmva_rnn.config import Configuration
from pytmva_rnn.config.checking import within
from pytmva_rnn.distributed import Trainings, Variation, train_many, vary
from pytmva_rnn.distributed.variations import MOST
from pytmva_rnn.errors import ConfigError, OptionError
from pytmva_rnn.options.layout import build_layers
from pytmva_rnn.options.varied import read_value

__all__ = ["add_arguments", "run_many", "wanted"]

PARTLY = 3
"""Exit code where some trainings failed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what asks for several trainings."""
    group = parser.add_argument_group("many trainings", "one for each combination, each in a process of its own")
    group.add_argument("--seeds", metavar="1..8", type=_seeds, help="RandomSeeds: 1..8, or 1,5,9, or both")
    group.add_argument(
        "--folds", metavar="N", type=positive_number, help="divide the events into N folds, each of which tests once"
    )
    group.add_argument(
        "--scan",
        metavar="OPTION=VALUE;VALUE",
        type=_scan,
        action="append",
        default=[],
        help="values of an option, or of a key of TrainingStrategy; may be given several times (also the table [scan])",
    )
    group.add_argument(
        "--workers", metavar="N", type=positive_number, help="trainings at a time (default: one for each core)"
    )
    group.add_argument(
        "--at-most",
        metavar="N",
        type=positive_number,
        default=MOST,
        help=f"refuse more combinations than these (default: {MOST})",
    )


def wanted(given: argparse.Namespace, config: Configuration) -> bool:
    """Whether several trainings are asked for.

    Raises
    ------
    OptionError
        For arguments that ask for one and for several.
    """
    several = bool(given.seeds or given.folds or given.scan or config.scan)
    for one, more in (("seed", "seeds"), ("fold", "folds")):
        if getattr(given, one) is not None and getattr(given, more) is not None:
            raise OptionError(f"--{one} asks for one, --{more} for several trainings: leave one out")
    if given.workers is not None and not several:
        raise OptionError("--workers is for several trainings: give --seeds, --folds or --scan as well")
    if several and given.initial is not None:
        raise OptionError("--initial is for one training: leave it out")
    return several


def run_many(given: argparse.Namespace, config: Configuration, text: str) -> int:
    """Train as a configuration of absolute paths says, and show what has come of it; `text` is its own."""
    if started_by_mpi() is not None:
        raise OptionError(
            "several trainings run in processes of their own (--workers), not in those of mpiexec, which train one "
            "network together; from Python, train_many takes an MPIPoolExecutor"
        )
    if given.folds is None:
        config.check_fold()
    scan = {**config.scan, **_scanned(given.scan)}
    variations = within(
        str(config.path), vary, seeds=given.seeds or (), folds=given.folds, scan=scan, at_most=given.at_most
    )
    _check_networks(config, variations)
    if config.output.plot is not None:
        extras.matplotlib()
    check_drawable({name: getattr(config, name) for name in REPORTS}, config.report_options)
    folder = given.output.absolute()
    for line in config.input.described():
        print(f"reading {line}")
    print(f"{len(variations)} trainings")
    found = train_many(
        config,
        variations,
        folder=folder,
        workers=given.workers or _cores(),
        threads=given.threads,
        backend=given.backend,
        force=given.force,
        further=OutputsOfEach(config, folder, text, given.command_line, given.backend, given.force),
        resume=given.resume,
    )
    _show(found, variations)
    if found.interrupted:
        return exit_code(found.interrupted)
    if found.failed:
        return PARTLY if found.done else USER_ERROR
    return 0


def _scanned(given: Sequence[tuple[str, list[str]]]) -> dict[str, list[str]]:
    """Values of the options that the command line scans, in place of the configuration's."""
    found: dict[str, list[str]] = {}
    for name, values in given:
        spelled, _ = read_value(name, values[0])
        if spelled in found:
            raise OptionError(f"--scan: {spelled} is scanned twice")
        found[spelled] = values
    return found


def _cores() -> int:
    from pytmva_rnn.kernels.cpu.machine.concurrency import available_threads  # it brings LLVM

    return available_threads()


def _check_networks(config: Configuration, variations: Sequence[Variation]) -> None:
    """What trainings would refuse, as far as that can be known before the events are read."""
    count = math.prod(config.recipe.shape)
    for variation in variations:
        try:
            options = variation.options(config.method.options)
            build_layers(options.layout, options.input_shape(count), count, config.input.outputs)
            variation.split(config.split)
        except OptionError as error:
            raise ConfigError(f"{config.path}: {variation.name}: {error}") from error


def _show(found: Trainings, variations: Sequence[Variation]) -> None:
    if found.done:
        show(_table(found))
        show(_spread_table(found))
    if found.together is not None:
        what = "folds, each event scored by networks that have not seen it" if found.rule else "the mean of all scores"
        print(f"together ({what}): {found.together}")
    for failure in found.failed:
        print(f"failed: {failure}")
    left = len(variations) - len(found.done) - len(found.failed)
    if left:
        print(f"not trained: {left}; the same command goes on with them")
    if found.path is not None:
        print(f"table of trainings, one scorer for evaluate: {found.path}")


def _table(found: Trainings) -> Table:
    """A row for each training."""
    measures = list(found.done[0].measures())
    rows = [
        (
            each.name,
            *(f"{value:.6g}" for value in each.measures().values()),
            f"{each.numbers['epochs']:.0f}",
            f"{each.numbers['seconds']:.1f}",
            "finished before" if each.was_there else "",
        )
        for each in found.done
    ]
    columns = [("training", ""), *((name, "right") for name in measures), ("epochs", "right"), ("s", "right"), ("", "")]
    return plain_table("Trainings", columns, rows)


def _spread_table(found: Trainings) -> Table:
    """Mean and standard deviation over seeds and folds, for each combination of scanned values."""
    spread = found.spread()
    rows = [
        (
            ", ".join(f"{name}={text:.60}" for name, text in values) or "all",
            next(iter(numbers.values())).count,
            *map(str, numbers.values()),
        )
        for values, numbers in spread.items()
    ]
    names = next(iter(spread.values()))
    columns = [("mean ± standard deviation", ""), ("trainings", "right"), *((name, "right") for name in names)]
    return plain_table("Spread", columns, rows)


def _seeds(text: str) -> Iterator[int]:
    """`1..8`, `1,5,9` or `1..4,9`."""
    parts = []
    for part in text.split(","):
        first, dots, last = part.strip().partition("..")
        low = positive_number(first.strip())
        high = positive_number(last.strip()) if dots else low
        if high < low:
            raise argparse.ArgumentTypeError(f"{part.strip()!r} goes down; write {high}..{low}")
        parts.append(range(low, high + 1))
    return itertools.chain(*parts)  # as they are: ranges may be very long


def _scan(text: str) -> tuple[str, list[str]]:
    """`LearningRate=1e-3;3e-3`."""
    name, equals, values = text.partition("=")
    listed = [value.strip() for value in values.split(";")]
    if not equals or not name.strip() or not all(listed):
        raise argparse.ArgumentTypeError(f"{text!r} is not OPTION=VALUE;VALUE, such as LearningRate=1e-3;3e-3")
    return name.strip(), listed

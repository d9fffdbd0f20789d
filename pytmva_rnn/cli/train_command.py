"""`pytmva-rnn train`: ROOT files in, weight file out."""

from __future__ import annotations

import argparse
import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pytmva_rnn import extras
from pytmva_rnn.cli import many_trainings
from pytmva_rnn.cli.network_kinds import KINDS
from pytmva_rnn.cli.numbers_given import positive_number, whole_number
from pytmva_rnn.cli.program import USER_ERROR, exit_code
from pytmva_rnn.cli.report_files import REPORTS, check_drawable, report_outputs, write_report
from pytmva_rnn.cli.several_processes import ending_together, started_by_mpi, threads_of_each
from pytmva_rnn.cli.tables import deviation_table, events_table, layer_table, separation_table, show
from pytmva_rnn.cli.training_outputs import of_all, scored_samples, write_scores
from pytmva_rnn.config import Configuration, load_config
from pytmva_rnn.config.checking import within
from pytmva_rnn.data import Dataset, Division, Recipe, Steps
from pytmva_rnn.data.sources import files_read
from pytmva_rnn.data.sums_of_weights import check_sums
from pytmva_rnn.description import Layer, Shape
from pytmva_rnn.distributed.shared_division import divided_together
from pytmva_rnn.errors import ConfigError, OptionError
from pytmva_rnn.export.formats import check_writable, format_of, read_model, write_network
from pytmva_rnn.interruption import Held
from pytmva_rnn.model import Model
from pytmva_rnn.network.devices import backend_engine
from pytmva_rnn.options.layout import build_layers
from pytmva_rnn.outputs import PICTURE, SCORES, Output, check_outputs, check_space
from pytmva_rnn.report import make_report, training_picture
from pytmva_rnn.training import Checkpoint
from pytmva_rnn.training.ranks import Communicator, Ranks
from pytmva_rnn.weightfile import write_weights

__all__ = ["add_command", "run"]

_BYTES_OF_A_WEIGHT = 14
"""In a weight file, at least."""

_EPILOG = """\
examples:
  pytmva-rnn train examples/quark_gluon.toml
  pytmva-rnn train jets.toml --output results --seed 7
  pytmva-rnn train jets.toml --backend reference --threads 1
  pytmva-rnn train jets.toml --resume
  pytmva-rnn train jets.toml --output more --initial dataset/weights/TMVAClassification_LSTM.weights.xml
  pytmva-rnn train jets.toml --memory "2 GB"
  pytmva-rnn train jets.toml --seeds 1..8 --workers 4
  pytmva-rnn train jets.toml --folds 5 --scan 'LearningRate=1e-3;3e-3'

Paths of input files in CONFIG.toml are relative to its folder; what is written goes to the folder
of --output. Ctrl-C, SIGTERM and SIGHUP end the training and keep the best weights so far (exit codes 130, 143, 129).
With --resume, or a table [checkpoint] in CONFIG.toml, the state of the training is kept as well, every ten minutes
unless [checkpoint] says otherwise, and whenever a signal or an error ends it: the same command with --resume goes on,
to the weights that the training would have had without a break. In a batch system give --resume from the start.

With --seeds, --folds or --scan (or the table [scan]) there is a training for each combination, in a process of its own,
with a weight file of its own, and a table of all, *.trainings.json, which `evaluate` takes as one scorer. What is
finished already is not trained again. Exit code 3: some trainings failed.
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser], summary: str) -> None:
    """Declare the arguments."""
    parser = commands.add_parser(
        "train",
        help=summary,
        description="Train a network on ROOT files as a configuration says, and write TMVA's weight file.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", metavar="CONFIG.toml", type=Path, help="what to read, train and write")
    parser.add_argument(
        "-o", "--output", metavar="DIR", type=Path, default=Path(), help="folder to write to (default: the current one)"
    )
    parser.add_argument(
        "--seed", type=whole_number, help="RandomSeed instead of the configuration's; 0: different every time"
    )
    parser.add_argument("--fold", type=whole_number, help="which of the configuration's folds tests, from 0")
    many_trainings.add_arguments(parser)
    parser.add_argument(
        "--backend",
        choices=("cpu", "cuda", "reference"),
        help="cpu: float32, fast; cuda: on an NVIDIA GPU; reference: float64 (default: what Architecture says)",
    )
    parser.add_argument(
        "--memory",
        metavar="SIZE",
        help="memory that the program may take, such as '2 GB', for files that are larger",
    )
    parser.add_argument("--threads", type=positive_number, help="threads to compute with (default: all cores)")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="keep checkpoints, and go on from the newest one; where there is none yet, begin",
    )
    parser.add_argument(
        "--initial", metavar="FILE", type=Path, help="weight file of the same layers whose weights to start from"
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="replace files that are there and hold something else, and the checkpoint of a training that is not done",
    )
    parser.add_argument(
        "--report", metavar="FILE.html", help="write the report to this page (default: what the configuration says)"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="tell more")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Train, report and write."""
    config = load_config(given.config)
    text = config.path.read_text(encoding="utf-8")  # for the report, whatever becomes of the file meanwhile
    several = many_trainings.wanted(given, config)
    if several:  # processes elsewhere find its files too
        config = replace(load_config(given.config.absolute()), path=config.path)
    if given.seed is not None:
        config = config.with_seed(given.seed)
    if given.fold is not None:
        config = config.with_fold(given.fold)
    if given.memory is not None:
        config = config.with_memory(given.memory)
    if given.report is not None:
        config = config.with_report(given.report)
    if several:
        return many_trainings.run_many(given, config, text)
    config.check_fold()
    communicator = started_by_mpi()
    if communicator is None:
        return _train(given, config, text, None)
    with ending_together(communicator):
        return _train(given, config, text, communicator)


def _train(given: argparse.Namespace, config: Configuration, text: str, communicator: Communicator | None) -> int:
    """Train in this process, or in all of a communicator, of which the first writes; `text` is the configuration's."""
    ranks = Ranks(communicator)
    checkpoint = None
    if given.resume or config.checkpoint is not None:
        checkpoint = config.checkpoints(given.output, replace=given.force and not given.resume)
    if ranks.count > 1:
        _check_alone(config, checkpoint)
    paths = _outputs(config, given, checkpoint) if ranks.number == 0 else {}
    _check_network(config, given.backend)
    initial = None if given.initial is None else read_model(given.initial)
    for line in config.input.described():
        print(f"reading {line}" + (f", in {ranks.count} processes" if ranks.count > 1 else ""))
    data = (config.shared(ranks.number, ranks.count) if ranks.count > 1 else config).load()
    parts = divided_together(data, config.split, ranks)
    training, test = parts.training, parts.test
    if ranks.count == 1:
        check_sums(test, "test events")
    _show_inputs(config.recipe, data, parts, ranks)
    _show_network(config, training)
    if ranks.number == 0:
        _check_space(config, paths, len(training), len(test))
    with Held():  # a signal between the last batch and the last byte of the weights would cost the training
        result = config.train(
            training,
            parts.validation,
            backend=given.backend,
            threads=threads_of_each(given.threads, communicator),
            initial=initial,
            checkpoint=None if checkpoint is None else replace(checkpoint, file=paths["checkpoints"]),
            resume=given.resume,
            communicator=communicator,
        )
        if result.improved and ranks.number == 0:
            _write(result.model, paths["weights"], config)
    if result.interrupted and checkpoint is not None:
        return _told_how_to_go_on(given, paths["weights"] if result.improved else None, result.interrupted)
    if not result.improved:
        print("nothing is written: the weights are those that the training began with")
        return exit_code(result.interrupted) if result.interrupted else USER_ERROR
    what = (
        "interrupted: the best weights so far" if result.interrupted else "the weights of the lowest validation error"
    )
    own = scored_samples(result.model, parts, given.backend)
    together = {name: of_all(sample, ranks) for name, sample in own.items()}
    samples = {name: sample for name, sample in together.items() if sample is not None}
    if ranks.number:
        return exit_code(result.interrupted) if result.interrupted else 0
    print(f"\ntrained in {result.training_time:.1f} s; {what} are in\n{paths['weights']}\n")
    targets = [column.name for column in data.targets]
    show(deviation_table(samples, targets) if targets else separation_table(samples, data.classes, config.method.title))
    if "scores" in paths:
        write_scores(paths["scores"], result.model, parts, samples)
        print(f"scores: {paths['scores']}")
    if "plot" in paths:
        training_picture(
            paths["plot"],
            result.history,
            samples,
            classes=data.classes,
            targets=targets,
            title=config.method.title,
        )
        print(f"plot: {paths['plot']}")
    if REPORTS & paths.keys():
        report = make_report(
            result.model,
            test,
            training,
            config.report_options,
            history=result.history,
            backend=given.backend or "cpu",
            command=given.command_line,
            configuration=text,
            files=[str(path) for path in (config.path, given.initial, paths["weights"]) if path is not None],
        )
        write_report(report, paths, config.report_options, force=given.force)
    return exit_code(result.interrupted) if result.interrupted else 0


def _told_how_to_go_on(given: argparse.Namespace, weights: Path | None, number: int) -> int:
    """What a batch system's log ends with; the scores and the plot are left to the end of the training."""
    if weights is not None:
        print(f"interrupted: the best weights so far are in\n{weights}")
    options = {"--output": given.output, "--seed": given.seed, "--fold": given.fold, "--backend": given.backend}
    options |= {"--memory": given.memory, "--threads": given.threads}
    options |= {"--initial": given.initial, "--report": given.report}
    words = ["pytmva-rnn", "train", str(given.config)]
    words += [f"{name}={value}" for name, value in options.items() if value not in (None, Path())]
    print(f"to go on: {shlex.join([*words, '--resume'])}")
    return exit_code(number)


def _check_alone(config: Configuration, checkpoint: Checkpoint | None) -> None:
    """Refuse what needs all events, or the whole state, in one process.

    Raises
    ------
    ConfigError
        For the file of scores, reports, and checkpoints.
    """
    for what, asked, remedy in (
        ("[output] scores", config.scores is not None, "leave it out, and use evaluate"),
        (
            "[output] report, numbers and panels",
            any(name is not None for name in (config.report, config.numbers, config.panels)),
            "leave them out, and use report",
        ),
        ("[checkpoint] and --resume", checkpoint is not None, "leave them out"),
    ):
        if asked:
            raise ConfigError(f"{config.path}: {what}: not where several processes train together; {remedy}")


def _outputs(config: Configuration, given: argparse.Namespace, checkpoint: Checkpoint | None) -> dict[str, Path]:
    """Where to write what; an error that would come after the training comes before anything is read."""
    names = {"weights": config.weights, "scores": config.scores, "plot": config.plot}
    check_writable(config.weights)
    kinds = {"weights": KINDS[format_of(config.weights)], "scores": SCORES, "plot": PICTURE}
    outputs = [Output(name, given.output / path, kinds[name]) for name, path in names.items() if path is not None]
    reported = {"report": config.report, "numbers": config.numbers, "panels": config.panels}
    outputs += report_outputs(
        {name: given.output / path for name, path in reported.items() if path is not None}, config.report_options
    )
    inputs: list[str | Path] = [config.path, *files_read(config.input.sources)]
    if given.initial is not None:
        inputs.append(given.initial)
    if checkpoint is not None:
        outputs += checkpoint.outputs(resumed=given.resume)
    paths = within(str(config.path), check_outputs, outputs, inputs, force=given.force)
    if config.output.plot is not None:
        extras.matplotlib()
    check_drawable(reported, config.report_options)
    return {output.name: path for output, path in zip(outputs, paths, strict=True)}


def _write(model: Model, path: Path, config: Configuration) -> None:
    if model.mask_padding:
        write_network(model, path)
    else:
        write_weights(model, path, scalar_elements=config.output.scalar_elements)


def _check_space(config: Configuration, paths: Mapping[str, Path], *events: int) -> None:
    """What the weights and the scores need at least, before they are computed."""
    layers, _ = _layers(config, math.prod(config.recipe.shape), config.input.outputs)
    check_space("weights", paths["weights"], _BYTES_OF_A_WEIGHT * sum(layer.parameter_count for layer in layers))
    if "scores" in paths:
        check_space("scores", paths["scores"], 3 * sum(events) * config.input.outputs)


def _check_network(config: Configuration, backend: str | None) -> None:
    """What the training would refuse, as far as that can be known before the events are read."""
    if backend is not None:
        backend_engine(backend, mask_padding=config.recipe.mask_padding)
    _layers(config, math.prod(config.recipe.shape), config.input.outputs)


def _layers(config: Configuration, variables: int, outputs: int) -> tuple[Sequence[Layer], Shape]:
    options = config.method.options
    try:
        shape = options.input_shape(variables)
        return build_layers(options.layout, shape, variables, outputs), shape
    except OptionError as error:
        raise ConfigError(f"{config.path}: [method] options: {error}") from error


def _show_inputs(recipe: Recipe, data: Dataset, parts: Division, ranks: Ranks) -> None:
    count = sum(ranks.gathered(len(data)))
    if isinstance(recipe.inputs, Steps):
        names = ", ".join(recipe.inputs.input_names)
        print(f"{count:,} events, each a sequence of {recipe.shape[0]} steps with {recipe.shape[1]} inputs: {names}")
    else:
        print(f"{count:,} events of {recipe.shape[0]} variables")
    for name, values in recipe.for_each.items():
        print(f"each entry read once for each {name} of {', '.join(map(str, values))}")
    print()
    show(events_table(data, parts, ranks))


def _show_network(config: Configuration, training: Dataset) -> None:
    show(layer_table(*_layers(config, training.X[0].size, 1 if training.y.ndim == 1 else training.y.shape[1])))

"""`pytmva-rnn report`: how well a network does, as a page, as numbers, and as pictures."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from pytmva_rnn.cli.dask_client import dask_client
from pytmva_rnn.cli.numbers_given import positive_number
from pytmva_rnn.cli.report_files import REPORTS, check_drawable, report_outputs, write_report
from pytmva_rnn.config import Configuration, load_config
from pytmva_rnn.data import Column, Dataset, Source, load
from pytmva_rnn.data.sources import files_read
from pytmva_rnn.distributed.processes import Processes
from pytmva_rnn.errors import ConfigError, DataError
from pytmva_rnn.export.formats import read_model
from pytmva_rnn.model import Model
from pytmva_rnn.network.devices import backend_engine
from pytmva_rnn.outputs import check_outputs
from pytmva_rnn.report import ReportOptions, make_report
from pytmva_rnn.suggestions import near
from pytmva_rnn.weightfile.model_inputs import recipe_of, source_of

__all__ = ["add_command", "run"]

_EPILOG = """\
examples:
  pytmva-rnn report DL.weights.xml jets.toml -o report.html
  pytmva-rnn report DL.weights.xml Signal=sig.root Background=qcd.root Background=top.root --weight w
  pytmva-rnn report DL.weights.xml data.root --class 'Signal = id == 1' 'Background = id == 0' --json numbers.json
  pytmva-rnn report DL.weights.xml jets.toml --panels figures --formats pdf svg --style CMS --label 'CMS Simulation'
  pytmva-rnn report DL.weights.xml jets.toml --yields Signal=120 Background=4000 --significance 's/sqrt(b+(b/10)^2)'

FILES are the configuration of the training, whose events are divided as it divides them, so that the report compares
training and test events; or ROOT files of test events, each with its class before it, or with --class, or, for a
regression, with the targets of the weight file.

exit codes: 0 done, 1 wrong input (told in one line), 2 wrong usage, 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP
"""

_OF_CLASS = re.compile(r"([^=/\\:]+)=(.+)", re.DOTALL)


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser], summary: str) -> None:
    """Declare the arguments."""
    parser = commands.add_parser(
        "report",
        help=summary,
        description="Show how well a network does on labelled events: one HTML page that needs nothing else, its "
        "numbers as JSON, its pictures for talks.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "weights",
        metavar="WEIGHTS.xml",
        type=Path,
        help="weight file, or an .onnx, .safetensors or .pt file by pytmva_rnn",
    )
    parser.add_argument(
        "files", metavar="FILES", nargs="+", help="CONFIG.toml; or ROOT files, CLASS=file.root:tree for each class"
    )
    outputs = parser.add_argument_group("what is written")
    outputs.add_argument("-o", "--output", metavar="FILE.html", type=Path, help="the page (default: report.html)")
    outputs.add_argument("--json", metavar="FILE.json", type=Path, help="its numbers (alone, unless -o is given too)")
    outputs.add_argument(
        "--panels", metavar="DIR", type=Path, help="each picture for itself (alone, unless -o is given)"
    )
    outputs.add_argument("--formats", nargs="+", metavar="FORMAT", help="of the pictures: png, pdf, svg (default: png)")
    outputs.add_argument("--style", help="of the pictures: one of mplhep, such as CMS, ATLAS, LHCb2, ALICE")
    outputs.add_argument("--label", help="above the pictures: 'CMS Simulation Preliminary'")
    outputs.add_argument("--force", action="store_true", help="replace files that are there and hold something else")
    events = parser.add_argument_group("which events")
    events.add_argument(
        "--class",
        dest="classes",
        metavar="NAME=FORMULA",
        nargs="+",
        action="extend",
        default=[],
        help="what is true for the events of each class, where FILES hold those of all",
    )
    events.add_argument("--tree", help="name of the tree (not needed where a file holds just one)")
    events.add_argument("--selection", metavar="FORMULA", help="of the events")
    events.add_argument("--weight", metavar="FORMULA", help="of each event")
    events.add_argument("--fold", type=int, help="which of the configuration's folds tests, from 0")
    shown = parser.add_argument_group("what is shown")
    shown.add_argument(
        "--efficiencies", metavar="E", type=float, nargs="+", help="signal efficiencies of working points"
    )
    shown.add_argument(
        "--background", metavar="B", type=float, help="background efficiency of the cut against variables"
    )
    shown.add_argument(
        "--against", metavar="FORMULA", nargs="+", help="variables: of spectators, inputs, length, entry"
    )
    shown.add_argument("--yields", metavar="CLASS=N", nargs="+", help="expected events of each class, before the cut")
    shown.add_argument(
        "--significance", metavar="FORMULA", nargs="+", help="s/sqrt(s+b), asimov, or your own of s and b"
    )
    shown.add_argument("--replicas", type=int, help="of the bootstrap (default: 200)")
    shown.add_argument("--repeats", type=int, help="permutations of each input and step (default: 5; 0: no importance)")
    shown.add_argument("--events", type=int, help="with how many, at most, the importance is computed (default: 10000)")
    shown.add_argument("--report-seed", dest="seed", type=int, help="of bootstrap and permutations (default: 1)")
    shown.add_argument("--no-checksums", action="store_true", help="do not read the files once more for their SHA-256")
    parser.add_argument(
        "--memory",
        metavar="SIZE",
        help="the memory that the events may take, such as '2 GB'; beyond it they are on disk",
    )
    engine = parser.add_mutually_exclusive_group()
    engine.add_argument(
        "--workers", metavar="N", type=positive_number, help="compute the importance with N processes on this machine"
    )
    engine.add_argument(
        "--dask", metavar="ADDRESS", help="or with the workers of a dask scheduler: tcp://host:8786, or its .json file"
    )
    parser.add_argument(
        "--backend",
        choices=("cpu", "cuda", "reference"),
        default="cpu",
        help="cpu: float32, fast (default); cuda: on an NVIDIA GPU; reference: float64",
    )
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Score, compute and write."""
    backend_engine(given.backend)
    config = _configuration(given)
    model = read_model(given.weights)
    options = _options(given, config)
    asked: dict[str, Path] = {
        name: path
        for name, path in (("report", given.output), ("numbers", given.json), ("panels", given.panels))
        if path is not None
    } or {"report": Path("report.html")}
    check_drawable(asked, options)
    sources = None if config is not None else _sources(given, model)
    inputs = [given.weights, *([config.path] if config is not None else [])]
    inputs += files_read(config.input.sources if config is not None else sources)
    outputs = report_outputs(asked, options)
    checked = check_outputs(outputs, inputs, force=given.force)
    training: Dataset | None = None
    if config is not None:
        parts = config.divide()
        test, training = parts.test, parts.training
    else:
        test = _load(given, model, sources)
    with _executor(given) as executor:
        report = make_report(
            model,
            test,
            training,
            options,
            executor=executor,
            backend=given.backend,
            command=given.command_line,
            configuration=None if config is None else config.path.read_text(encoding="utf-8"),
            files=[str(path) for path in inputs[: 1 if config is None else 2]],
        )
    print(report)
    paths = {output.name: path for output, path in zip(outputs, checked, strict=True) if output.name in REPORTS}
    write_report(report, paths, options, force=given.force)
    return 0


def _configuration(given: argparse.Namespace) -> Configuration | None:
    """The configuration, if that is what is given."""
    named = [file for file in given.files if file.endswith(".toml")]
    if not named:
        if given.fold is not None:
            raise DataError("--fold is one of a configuration's, and FILES is none")
        return None
    if len(given.files) > 1:
        raise DataError(f"{named[0]} says itself which files to read: give it alone, or ROOT files")
    for name in ("classes", "tree", "selection", "weight"):
        if getattr(given, name):
            option = "class" if name == "classes" else name
            raise DataError(f"--{option} is for ROOT files; {named[0]} says that itself")
    config = load_config(named[0])
    if given.fold is not None:
        config = config.with_fold(given.fold)
    if given.memory is not None:
        config = config.with_memory(given.memory)
    config.check_fold()
    if config.split.SplitSeed == 0 and "Random" in (config.split.SplitMode, config.split.MixMode):
        raise ConfigError(
            f"{config.path}: [split] SplitSeed = 0 divides the events anew each time, so that test events may be those "
            "that the network was trained with; use train --report, or another SplitSeed"
        )
    return config


def _options(given: argparse.Namespace, config: Configuration | None) -> ReportOptions:
    """Those of the configuration, with what the command says instead."""
    values: dict[str, Any] = {
        item.name: getattr(given, item.name)
        for item in fields(ReportOptions)
        if getattr(given, item.name, None) is not None
    }
    if given.yields is not None:
        values["yields"] = {name: _number(name, text) for name, text in _pairs("--yields", given.yields)}
    if given.no_checksums:
        values["checksums"] = False
    return replace(ReportOptions() if config is None else config.report_options, **values)


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise DataError(f"--yields {name}={text}: the expected events are a number") from None


def _pairs(option: str, given: Sequence[str]) -> list[tuple[str, str]]:
    found = []
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise DataError(f"{option} {text!r}: needed is NAME=..., with the name of a class")
        found.append((name.strip(), value.strip()))
    return found


def _sources(given: argparse.Namespace, model: Model) -> Any:
    """One source of all classes, or a mapping of class name -> sources."""
    more: dict[str, Any] = {"tree": given.tree, "selection": given.selection, "weight": given.weight}
    matches = [_OF_CLASS.fullmatch(file) for file in given.files]
    named = [(match[1].strip(), match[2].strip()) for match in matches if match is not None]
    if model.analysis == "Regression" or given.classes:
        return _with_tree(model, Source(tuple(given.files), **more))
    if not named:
        classes = " ".join(f"{name}=..." for name in model.classes)
        raise DataError(
            f"which events are of which class is not known: give files of each, {classes}, or a formula for each, "
            f"--class {classes}, or the configuration of the training"
        )
    if len(named) < len(given.files):
        raise DataError(f"give all files with their class, {model.classes[0]}=..., or none")
    sources: dict[str, list[Source]] = {name: [] for name in model.classes}
    for name, file in named:
        if name not in sources:
            raise DataError(f"the network has no class {name!r}; {near(name, model.classes)}")
        sources[name].append(_with_tree(model, Source((file,), **more)))
    missing = [name for name, some in sources.items() if not some]
    if missing:
        raise DataError(f"files of {', '.join(missing)} are missing: give {missing[0]}=...")
    return sources


def _with_tree(model: Model, source: Source) -> Source:
    found = source_of(model, source)
    return replace(source, tree=found.tree) if isinstance(found, Source) else source


def _load(given: argparse.Namespace, model: Model, sources: Any) -> Dataset:
    recipe = recipe_of(model, spectators=True)
    if isinstance(sources, Mapping):
        return load(recipe, sources, memory=given.memory)
    if model.analysis == "Regression":
        if given.classes:
            raise DataError("--class is for classes, and this is the weight file of a regression")
        targets = [Column(t.expression, "" if t.label == t.expression else t.label) for t in model.targets]
        return load(recipe, sources, targets=targets, memory=given.memory)
    classes = dict(_pairs("--class", given.classes))
    for name in classes:
        if name not in model.classes:
            raise DataError(f"--class: the network has no class {name!r}; {near(name, model.classes)}")
    return load(
        recipe, sources, classes={name: classes[name] for name in model.classes if name in classes}, memory=given.memory
    )


def _executor(given: argparse.Namespace) -> AbstractContextManager[Any]:
    """What computes the importance; None where this process does."""
    if given.dask is not None:
        return dask_client(given.dask)
    return nullcontext() if given.workers is None else Processes(given.workers)

"""`pytmva-rnn evaluate`: a tree with the score of every event."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytmva_rnn.cli.joined_scores import evaluate_together
from pytmva_rnn.cli.numbers_given import positive_number, whole_number
from pytmva_rnn.cli.scores_of_each import evaluate_each
from pytmva_rnn.distributed import RETRIES
from pytmva_rnn.errors import DataError

__all__ = ["add_command", "run"]

_EPILOG = """\
examples:
  pytmva-rnn evaluate DL.weights.xml data.root -o scores.root
  pytmva-rnn evaluate DL.weights.xml 'run*.root' --tree events -o scores.root --branch lstm
  pytmva-rnn evaluate DL.weights.xml data.root -o scores.root --friend 'btag = data_btag.root:btag'
  pytmva-rnn evaluate DL.weights.xml 'run*.root' -o scores.root --spectators --keep run event --skip-bad-files
  pytmva-rnn evaluate DL.weights.xml 'run*.root' --folder scores --workers 8
  pytmva-rnn evaluate DL.weights.xml @files.txt --folder scores --shard 3/50
  pytmva-rnn evaluate DL_seeds.trainings.json data.root -o scores.root

The tree has one entry for each entry of the input, in the same order, files one after the other, so that it can be
a friend of the input tree: tree->AddFriend("scores", "scores.root"). Where the variables are lists it has one for each
element. A network trained with for_each gives one branch for each value; one with several outputs, one for each output.
Beside the scores, entry is the entry in its file, file the number of the file from 0 on, in the list that the text
pytmva_rnn in scores.root holds, and element that of a list. A scores.root by pytmva_rnn is replaced, anything else
with --force only.

With --folder each input has an output of its own. What is done already is not made again: an output that says in itself
that it was made of this weight file, this input and these options. So the same command goes on after a crash, and a
last one without --shard does what is left. Jobs of a batch system take a shard each: examples/batch has their files.

exit codes: 0 done, 1 wrong input (told in one line), 2 wrong usage, 3 done without the files that failed,
130 Ctrl-C, 143 SIGTERM, 129 SIGHUP
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser], summary: str) -> None:
    """Declare the arguments."""
    parser = commands.add_parser(
        "evaluate",
        help=summary,
        description="Write a tree with the score of every event. The weight file may be pytmva_rnn's or C++ TMVA's.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "weights",
        metavar="WEIGHTS.xml",
        type=Path,
        help="weight file, a file of ONNX or PyTorch by pytmva_rnn, or a table of trainings",
    )
    parser.add_argument(
        "files", metavar="FILES", nargs="+", help="ROOT files, patterns, file.root:tree, URLs, or @list.txt of these"
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("-o", "--output", metavar="scores.root", type=Path, help="ROOT file to write")
    where.add_argument("--folder", metavar="DIR", type=Path, help="write a ROOT file for each input, into this folder")
    parser.add_argument("--tree", help="name of the input tree (not needed where a file holds just one)")
    parser.add_argument(
        "--friend",
        metavar="[NAME =] FILE.root:TREE",
        action="append",
        default=[],
        help="a tree that goes along with that of the one input file, entry by entry; may be given several times",
    )
    parser.add_argument("--output-tree", metavar="NAME", default="scores", help="name of the tree (default: scores)")
    parser.add_argument("--branch", metavar="NAME", help="name of the branch (default: the method's title)")
    parser.add_argument("--spectators", action="store_true", help="write the spectators of the training too")
    parser.add_argument(
        "--keep",
        metavar="BRANCH",
        nargs="+",
        action="extend",
        default=[],
        help="input branches to write too, or patterns ('Jet_*') of those that hold numbers or lists of numbers",
    )
    parser.add_argument(
        "--skip-bad-files", action="store_true", help="leave out files that cannot be read, and list them at the end"
    )
    parser.add_argument("--force", action="store_true", help="replace a file that is there and holds something else")
    parser.add_argument(
        "--backend",
        choices=("cpu", "cuda", "reference"),
        default="cpu",
        help="cpu: float32, fast (default); cuda: on an NVIDIA GPU; reference: float64",
    )
    each = parser.add_argument_group("with --folder")
    engine = each.add_mutually_exclusive_group()
    engine.add_argument("--workers", metavar="N", type=positive_number, help="score with N processes on this machine")
    engine.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="score with the workers of a dask scheduler: tcp://host:8786, or its .json file",
    )
    each.add_argument("--shard", metavar="K/N", help="score only part K of N, from 1 on; each file is in one part")
    each.add_argument(
        "--retries", metavar="N", type=whole_number, help=f"try a file that fails N times more (default: {RETRIES})"
    )
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Score and write."""
    if not given.output_tree:
        raise DataError("--output-tree is empty; give the tree a name")
    files = _listed(given.files)
    if given.folder is not None:
        if given.skip_bad_files:
            raise DataError("--skip-bad-files is for --output; with --folder the files that fail are listed anyway")
        return evaluate_each(given, files)
    for name in ("workers", "dask", "shard", "retries"):
        if getattr(given, name) is not None:
            raise DataError(f"--{name} is for one file of scores for each input: give --folder in place of --output")
    return evaluate_together(given, files)


def _listed(files: list[str]) -> list[str]:
    """The files, those too that stand in `@list.txt`, one a line."""
    found: list[str] = []
    for name in files:
        if name.startswith("@") and not Path(name).exists():
            content = Path(name[1:]).read_bytes()
            if b"\0" in content:
                raise DataError(
                    f"{name[1:]} is no list of files: it is to be a text in UTF-8 with one path or URL a line"
                )
            # names of files may be of any bytes; editors of Windows begin with a mark
            lines = content.decode("utf-8-sig", "surrogateescape").splitlines()
            found += [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
        else:
            found.append(name)
    if not found:
        raise DataError(f"{', '.join(files)}: no file is listed")
    return found

"""The training of TMVA's MethodDL: from arrays and an option string to a Model."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict, overload

import numpy as np
from numpy.typing import ArrayLike

from pytmva_rnn.compile import compilation
from pytmva_rnn.data import Dataset
from pytmva_rnn.description import Variable, tmva_differences
from pytmva_rnn.errors import DataError, OptionError, TrainingError
from pytmva_rnn.model import Model
from pytmva_rnn.network.devices import backend_engine
from pytmva_rnn.network.events import mask_of
from pytmva_rnn.network.response_pdfs import check_response_pdfs, learn_response_pdfs
from pytmva_rnn.network.threads import asked_threads
from pytmva_rnn.options import MethodOptions, parse_options
from pytmva_rnn.options.evaluable import evaluable
from pytmva_rnn.training.additions import Additions
from pytmva_rnn.training.checkpoint import Checkpoint
from pytmva_rnn.training.fingerprint import fingerprint
from pytmva_rnn.training.learning_sample import sample_of_arrays, sample_of_dataset, with_input_layout
from pytmva_rnn.training.loop import Loop, OnEpoch
from pytmva_rnn.training.obeyed_options import backend_of, check_obeyed
from pytmva_rnn.training.problem import make_problem
from pytmva_rnn.training.ranks import Communicator, Ranks
from pytmva_rnn.training.result import Result
from pytmva_rnn.training.resuming import Resume, agreed_threads, continuation, keeping
from pytmva_rnn.training.shared_learning import described_together
from pytmva_rnn.training.shared_steps import check_local_steps, check_shareable
from pytmva_rnn.training.untrained import starting_weights, untrained
from pytmva_rnn.weightfile.provenance import provenance
from pytmva_rnn.weightfile.stored_history import additions_info, history_info
from pytmva_rnn.weightfile.writing import check_texts

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["train"]

log = logging.getLogger("pytmva_rnn")


Options: TypeAlias = str | Mapping[str, Any] | MethodOptions
Validation: TypeAlias = Dataset | tuple[ArrayLike, ArrayLike] | tuple[ArrayLike, ArrayLike, ArrayLike | None]


class TrainArguments(TypedDict, total=False):
    """What `train` takes by name, whatever the events come in."""

    validation: Validation | None
    initial: Model | None
    shuffle: bool
    backend: str | None
    threads: int | None
    title: str
    variables: Sequence[Variable | str] | None
    spectators: Sequence[Variable]
    targets: Sequence[Variable]
    info: Sequence[tuple[str, str]]
    progress: bool | None
    checkpoint: Checkpoint | str | os.PathLike[str] | None
    resume: Resume
    on_epoch: OnEpoch | None
    communicator: Communicator | None
    local_steps: int
    additions: Additions | Mapping[str, Any] | None


@overload
def train(X: Dataset, options: Options, /, **arguments: Unpack[TrainArguments]) -> Result: ...


@overload
def train(X: Dataset, *, options: Options, **arguments: Unpack[TrainArguments]) -> Result: ...


@overload
def train(
    X: ArrayLike,
    y: ArrayLike,
    options: Options,
    *,
    analysis: str | None = None,
    sample_weight: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    lengths: ArrayLike | None = None,
    classes: Sequence[str] | None = None,
    **arguments: Unpack[TrainArguments],
) -> Result: ...


def train(
    X: Any,
    y: Any = None,
    options: Any = None,
    *,
    analysis: str | None = None,
    sample_weight: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    lengths: ArrayLike | None = None,
    validation: Validation | None = None,
    initial: Model | None = None,
    shuffle: bool = True,
    backend: str | None = None,
    threads: int | None = None,
    title: str = "DL",
    variables: Sequence[Variable | str] | None = None,
    spectators: Sequence[Variable] = (),
    classes: Sequence[str] | None = None,
    targets: Sequence[Variable] = (),
    info: Sequence[tuple[str, str]] = (),
    progress: bool | None = None,
    checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
    resume: Resume = False,
    on_epoch: OnEpoch | None = None,
    communicator: Communicator | None = None,
    local_steps: int = 1,
    additions: Additions | Mapping[str, Any] | None = None,
) -> Result:
    """Train a network as TMVA's MethodDL does.

    With the same events in the same order and the same RandomSeed (not 0), initial weights and shuffles are those of
    C++ TMVA, and with the same number of threads too every training gives the same weights. Ctrl-C, SIGTERM and SIGHUP
    end the training and keep the best weights so far; with `checkpoint` it can go on later, to the same end.

    `train(dataset, options)` takes everything from the Dataset, so that the weight file tells how its inputs are made;
    `pytmva-rnn train` is this and nothing else. `train(X, y, options)` takes arrays.

    Parameters
    ----------
    X : Dataset; or array, shape (n, NVar) or (n, T, D)
        Events, arrays time-major. The last `ValidationSize` of them validate, unless `validation` is given.
    y : array, shape (n,) or (n, O)
        Not with a Dataset. Signal and background as 1 and 0, 1 and -1, true and false, or texts; class numbers, one-hot
        rows or texts (multiclass); targets (regression).
    options : str, mapping or MethodOptions
        TMVA's option string, `Layout=LSTM|10|30|10|0|1,RESHAPE|FLAT,LINEAR:TrainingStrategy=...`, or its names and
        values one by one: `{"Layout": ["LSTM|10|30|10|0|1", "RESHAPE|FLAT", "LINEAR"], "TrainingStrategy": {...}}`; see
        `pytmva_rnn.parse_options`.
    analysis : str, optional
        "classification", "multiclass" or "regression"; if None, a classification, or what labels of text tell.
    sample_weight : array, shape (n,), optional
        Event weights; they multiply each event's loss.
    mask : array of bool, shape (n, T), optional
        Which steps of X, (n, T, D), are there. Recurrent layers leave out the others: states stay in them as they are,
        and a sequence that is returned is 0 in them. What TMVA has not: the model has `mask_padding`, and no weight
        file; `pytmva_rnn.save_onnx` and `save_torch` keep it. A Dataset tells by itself.
    lengths : array of int, shape (n,), optional
        In its place, how many steps of each event are there, the first ones.
    validation : Dataset, (X, y) or (X, y, weights), optional
        Events to validate with, in place of the last ones. A test sample counts its classes as the training does. With
        `mask` or `lengths`, X is as `mark_padding` makes it.
    initial : Model, optional
        Start from its weights instead of fresh ones; its layers must be those of the layout.
    shuffle : bool
        Shuffle the training events each epoch.
    backend : str, optional
        "cpu" (Numba, float32), "cuda" (an NVIDIA GPU, float32) or "reference" (NumPy, float64, slow). If None, what
        Architecture says: a GPU where there is one, else the CPU, with a warning.
    threads : int, optional
        Threads to use; if None, PYTMVA_RNN_THREADS or as many as pay for the work at hand.
    title : str
        Title of the method in the weight file.
    variables, spectators, targets : sequence of Variable, optional
        How the weight file describes them, where it is not as a Dataset says; variables may be names.
    classes : sequence of str, optional
        Names of the classes; class 0 is the signal. Of two texts one is "Signal", or `classes` must tell.
    info : sequence of (name, value)
        Further entries of the weight file's GeneralInfo.
    progress : bool, optional
        Show a live table of the errors on stderr while it trains; if None, where that is a terminal.
    checkpoint : Checkpoint or path, optional
        Where the state of the training is kept, and when: of a path, every ten minutes; and always when a signal or an
        error ends the training. When it is done, the file is marked so.
    resume : bool or path
        Go on from the checkpoint, to the weights that the training would have had without a break: bit for bit on the
        same kind of processor, with the threads that it began with, which are taken unless others are given. With True
        the training begins where there is no checkpoint yet; a file that is named has to be there. Of a training that
        is done, the result comes back.
    on_epoch : callable, optional
        Called with the HistoryRow of each epoch that the validation sample is looked at after, every TestRepetitions.
        If it returns true, the training ends there with the best weights so far; what it raises, `train` raises.
    communicator : communicator of mpi4py, optional
        Of processes that train together, each called with its own events of the same inputs and classes: BatchSize and
        numbers of events are of all together, and all get the same network. Run such a script as
        `mpiexec -n 4 python -m mpi4py script.py`, so that an error of one process ends all.
    local_steps : int
        Steps that each of these makes by itself before their weights become the mean of all; with 1 each step is one of
        all, which gives the weights of one process with all events, within rounding.
    additions : Additions or mapping, optional
        What TMVA's trainings have not, such as `{"schedule": {"kind": "cosine"}, "clip_norm": 1.0}`; see
        `pytmva_rnn.Additions`. The weight file is TMVA's as ever.

    Returns
    -------
    Result

    Raises
    ------
    OptionError
        For an option string that is wrong or does not fit the events.
    DataError
        For arrays of the wrong shape, or with NaN, and an `initial` that is no Model.
    TrainingError
        For a class without events in one of the samples or without a positive sum of weights, samples smaller than a
        batch, or a loss that is not finite or runs to minus infinity.
    CheckpointError
        For a checkpoint that is damaged, or of other events or options, which are named; and without `resume`, for one
        of a training that is not done.
    OutputError
        For checkpoints that cannot be written, or would replace another file.
    WeightFileError
        For a title or a name with a character that a weight file cannot hold.
    MissingExtraError, BackendError
        For the backend "cuda" where it cannot be used.
    ValueError
        For an unknown backend, or less than one thread.
    """
    if initial is not None and not isinstance(initial, Model):
        raise DataError(f"`initial` is a Model, as read_weights gives it, not {initial!r:.80}")
    keep = keeping(checkpoint, resume)
    beyond = Additions.of(additions)
    threads = asked_threads(threads)
    if isinstance(X, Dataset):
        given = y if options is None else options
        given_too = (analysis, sample_weight, mask, lengths, classes)
        if (y is not None and options is not None) or any(each is not None for each in given_too):
            raise DataError(
                "a Dataset tells y, analysis, weights, which steps are there and the classes: train(dataset, options)"
            )
        settings = with_input_layout(parse_options(given), X)
        sample = sample_of_dataset(X, validation, variables, spectators, targets, info)
    else:
        if options is None:
            raise DataError("train takes a Dataset and options, or X, y and options")
        settings = parse_options(options)
        sample = sample_of_arrays(
            X, y, sample_weight, validation, analysis, classes, variables, spectators, targets, info, mask, lengths
        )
    settings = evaluable(settings)
    ranks = Ranks(communicator)
    own = ranks.shared(settings)
    check_local_steps(local_steps)
    if validation is not None and "ValidationSize" in settings.text:
        raise OptionError("ValidationSize divides the events, but a sample to validate with is given: leave one out")
    problem = make_problem(
        sample.X,
        sample.y,
        own,
        analysis=sample.analysis,
        sample_weight=sample.weights,
        variables=sample.variables,
        classes=sample.classes,
        targets=sample.targets,
        validation=sample.validation,
        allow_nan=sample.allow_nan,
        entries=sample.entries,
        storage=sample.storage,
        ranks=ranks,
        class_weights=beyond.class_weights,
        mask_padding=sample.mask_padding,
    )
    check_shareable(problem, settings, ranks, checkpoints=keep is not None)
    check_obeyed(settings)
    if settings.create_mva_pdfs:
        check_response_pdfs(problem.analysis, len(problem.training) + len(problem.validation))
    backend = backend_of(settings.architecture) if backend is None else backend
    backend_engine(backend, mask_padding=problem.mask_padding)
    model = untrained(problem, settings, title, described_together(sample.spectators, ranks))
    model.check_shapes()
    check_texts(replace(model, info=sample.info))
    for difference in tmva_differences(model):
        log.warning("%s", difference)
    checkpointer = state = None
    if keep is not None:
        datasets = [each for each in (X, validation) if isinstance(each, Dataset)]
        training = fingerprint(problem, settings, datasets, initial, shuffle=shuffle, backend=backend, additions=beyond)
        phases = settings.training_strategy
        checkpointer, state = continuation(keep, resume, problem, phases, training, backend)
        threads = agreed_threads(threads, state)
    seed = ranks.of_first(settings.random_seed or 1 + secrets.randbelow(2**31))
    if state is not None:
        seed = state.seed
    with compilation("training"):
        weights = starting_weights(problem, settings, initial, seed) if state is None else state.best
    more = (checkpointer, state, on_epoch, ranks, local_steps, beyond)
    run = Loop(problem, own, weights, seed, shuffle, backend, threads, progress, *more)
    run.run()
    if not run.improved and not run.interrupted:
        log.warning(
            "the validation error never fell below its start, %.6g: the initial weights are kept; "
            "try a smaller LearningRate or more epochs",
            run.initial_error,
        )
    layers = tuple(replace(layer, weights=each) for layer, each in zip(problem.layers, run.best, strict=True))
    events = sum(ranks.gathered(len(problem.training) + len(problem.validation)))
    made = provenance(problem.analysis, (events, run.seconds))
    told = (history_info(run.history), *additions_info(beyond.to_dict()))
    trained = replace(model, layers=layers, info=(*made, *told, *sample.info))
    if settings.create_mva_pdfs:
        is_signal = np.asarray(sample.y).reshape(-1) > 0.5
        weights_of_events = np.ones(len(is_signal)) if sample.weights is None else np.ravel(sample.weights)
        try:
            scores = trained.predict(sample.X, mask=mask_of(trained, sample.X), backend=backend)
            pdfs = learn_response_pdfs(title, scores, is_signal, weights_of_events)
            trained = replace(trained, mva_pdfs=pdfs)
        except TrainingError as error:
            log.warning("%s; the model has no distributions of its scores", error)
    return Result(trained, run.history, run.initial_error, run.seconds, run.interrupted, run.improved)

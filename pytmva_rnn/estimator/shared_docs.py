"""What the docstrings of the classifier and the regressor have in common."""

from __future__ import annotations

__all__ = ["ATTRIBUTES", "PARAMETERS"]

PARAMETERS = """\
    Parameters
    ----------
    layout : str or list of layers, optional
        TMVA's layout, "LSTM|32,DENSE|32|TANH,LINEAR". Input size and time steps of recurrent layers may be left out,
        and are then those of X. None: an LSTM for several steps, dense layers for one.
    n_steps : int, optional
        Steps of an event of two-dimensional X, whose features are the inputs of the first step, then those of the
        second, and so on. None: one step; X of three dimensions has its own.
    mask_padding : bool
        Leave out the steps whose inputs are all NaN, as `pytmva_rnn.mark_padding` makes them of lengths or a mask; see
        `pytmva_rnn.train`. No weight file of TMVA holds such a network.
    var_transform : str or list of str, optional
        VarTransform; "None" for none. None brings each variable, and each target of a regression, to [-1, 1], as "N"
        does, and leaves small constants as they are, which "N" refuses.
    weight_initialization : str
        WeightInitialization.
    learning_rate, optimizer, momentum, weight_decay, regularization, drop_config
        The keys of TrainingStrategy.
    max_epochs, convergence_steps, test_repetitions
        Likewise. The training ends when the validation error has not fallen for more than
        `convergence_steps` epochs, and at `max_epochs`; the weights of the lowest error are kept.
    batch_size : int or "auto"
        "auto": 32 to 256 events, a hundredth of the training sample where that lies between, and less where either
        sample is smaller.
    phases : list of mappings, optional
        Several training phases, `[{"learning_rate": 1e-2}, {"learning_rate": 1e-3}]`: each has what it says, and
        else what the parameters say. Keys are the fields of `pytmva_rnn.options.TrainingPhase`.
    validation_size : float, int or str, optional
        ValidationSize: a fraction of the events, a number of them, or "20%", chosen at random, for a classification of
        each class the same part. 0: the training events validate. None: a fifth, or all where these are too few.
    ignore_neg_weights_in_training : bool
        IgnoreNegWeightsInTraining.
    additions : Additions or mapping, optional
        As for `pytmva_rnn.train`: a schedule of the learning rate, clipped gradients, going back to the best weights.
    on_epoch : callable, optional
        As for `pytmva_rnn.train`: called with the HistoryRow of each tested epoch, and ends the training if it returns
        true.
    warm_start : bool
        Start from the weights of the last `fit`.
    random_state : int, RandomState or None
        An integer above 0 is TMVA's RandomSeed.
    n_jobs : int, optional
        Threads; -1 for all cores, None for as many as pay.
    backend : str
        "cpu", "cuda" or "reference", as for `pytmva_rnn.train`.
    verbose : bool
        Show a live table of the errors, at a terminal."""

ATTRIBUTES = """\
    n_features_in_ : int
    feature_names_in_ : array of str
        Of the columns, where X was a DataFrame; the weight file names its variables so.
    n_steps_ : int
    n_iter_ : int
        Epochs of all phases.
    history_ : list of HistoryRow
        Training and validation error of each tested epoch.
    model_ : Model
        What `fit` has found: `model_.save("rnn.weights.xml")` writes TMVA's weight file.

    Raises
    ------
    EstimatorError
        A ValueError, for parameters and arrays that nothing can be fitted with.
    KeyboardInterrupt
        When Ctrl-C has ended `fit`; the best weights so far are kept."""

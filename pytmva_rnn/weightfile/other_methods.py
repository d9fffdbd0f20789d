"""TMVA's other methods: what to do with their weight files, which pytmva_rnn does not read."""

from __future__ import annotations

__all__ = ["hint"]

_READER = "evaluate it with ROOT's TMVA::Reader (or TMVA::Experimental::RReader)"
_DENSE = f"try a DL method with a layout of DENSE layers, trained on the same events, or {_READER}"
_KERAS = (
    "the network is not in this file but in the Keras file that its option FilenameTrainedModel names: load that with "
    f"Keras, or {_READER}"
)
_TORCH = (
    "the network is not in this file but in the TorchScript file that its option FilenameTrainedModel names: load that "
    f"with torch.jit.load, or {_READER}"
)
_PICKLE = (
    "the model is not in this file but in the Python pickle beside it, made by scikit-learn: load that with the "
    f"version of scikit-learn that made it, or {_READER}"
)
_IN_R = f"the model is in R's own file beside it: load that with R, or {_READER}"

_HINTS = {
    "BDT": f"boosted decision trees are no network: {_READER}",
    "MLP": _DENSE,
    "DNN": f"DNN is the older method for dense networks: {_DENSE}",
    "TMlpANN": _DENSE,
    "CFMlpANN": _DENSE,
    "PyKeras": _KERAS,
    "PyTorch": _TORCH,
    "PyAdaBoost": _PICKLE,
    "PyGTB": _PICKLE,
    "PyRandomForest": _PICKLE,
    "C50": _IN_R,
    "RSNNS": _IN_R,
    "RSVM": _IN_R,
    "RXGB": _IN_R,
    "Boost": f"it holds several classifiers: {_READER}",
    "Category": f"it holds several classifiers: {_READER}",
    "CrossValidation": "it only names the weight files of its folds: pytmva_rnn.tmva.Reader scores with all of them",
}


def hint(method: str) -> str:
    """What to try with a weight file of another method than DL.

    Parameters
    ----------
    method : str
        TMVA's name of the type of method, which stands before the `::` of a weight file's attribute Method.
    """
    return _HINTS.get(method, _READER)

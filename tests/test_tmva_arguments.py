"""Option strings, keywords, enumerations and settings as scripts for PyROOT's TMVA use them."""

from __future__ import annotations

import pytest

from pytmva_rnn import tmva as TMVA
from pytmva_rnn.errors import OptionError
from pytmva_rnn.tmva.arguments import flag, option_string, take_settings, text_of
from pytmva_rnn.tmva.enums import check_method_type


class TString:
    def __str__(self) -> str:
        return "H:V"


class TCut:
    def GetTitle(self) -> str:
        return "x > 1"


def test_keywords_become_options() -> None:
    given = {"V": False, "H": True, "VarTransform": None, "nTrain_Signal": 0.8 * 2000, "ValidationSize": 0.2}
    assert option_string("", given) == "!V:H:VarTransform=None:nTrain_Signal=1600:ValidationSize=0.2"
    assert option_string(TString(), {"Layout": TString()}) == "H:V:Layout=H:V"
    assert text_of(TCut()) == "x > 1"
    table = {"Layout": ["LSTM|8|6|6", "LINEAR"], "TrainingStrategy": {"MaxEpochs": 3, "DropConfig": [0, 0.5]}}
    assert option_string("H", table) == "H:Layout=LSTM|8|6|6,LINEAR:TrainingStrategy=MaxEpochs=3,DropConfig=0+0.5"
    with pytest.raises(OptionError, match="unknown option 'Layuot'; did you mean Layout"):
        option_string("", {"Layuot": ["LINEAR"]})


def test_settings_are_told_from_others() -> None:
    found, others = take_settings("!v:ROC:Layout=a|b:analysistype=Auto", ["V", "ROC", "AnalysisType"])
    assert found == {"V": "False", "ROC": "True", "AnalysisType": "Auto"}
    assert others == "Layout=a|b"
    assert flag({"V": "0"}, "V", True) is False
    assert flag({}, "V", True) is True
    with pytest.raises(OptionError, match="V is True or False, not 'x'"):
        flag({"V": "x"}, "V", True)


@pytest.mark.parametrize("kind", [TMVA.Types.kDL, TMVA.Types.EMVA.kDL, 22, "DL", "kDL"])
def test_deep_networks_are_taken(kind: object) -> None:
    check_method_type(kind)


@pytest.mark.parametrize(
    ("kind", "name"), [(TMVA.Types.kBDT, "kBDT"), (TMVA.Types.kPyKeras, "kPyKeras"), (13, "kMLP"), ("BDT", "BDT")]
)
def test_other_methods_are_refused(kind: object, name: str) -> None:
    with pytest.raises(OptionError, match=rf"type {name} .* Types\.kDL"):
        check_method_type(kind)


def test_calls_that_wake_cpp_tmva_up_do_no_harm() -> None:
    TMVA.Tools.Instance()
    TMVA.PyMethodBase.PyInitialize()
    assert TMVA.Config.Instance() is TMVA.gConfig()
    plotting = TMVA.gConfig().GetVariablePlotting()
    plotting.fMaxNumOfAllowedVariablesForScatterPlots = 5
    plotting.fSomethingElse = 1
    assert TMVA.gConfig().GetVariablePlotting().fMaxNumOfAllowedVariablesForScatterPlots == 5

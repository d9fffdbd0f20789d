"""What TMVA has and this package has not: each name is refused with what to use instead."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import numpy as np
import pytest

from pytmva_rnn import tmva as TMVA
from pytmva_rnn.errors import TMVAError, UnavailableError
from pytmva_rnn.options import MethodOptions
from pytmva_rnn.tmva.explained import Explained
from pytmva_rnn.tmva.instead import INSTEAD
from pytmva_rnn.tmva.method_dl import MethodDL
from pytmva_rnn.tmva.roc import ROCCurve

loader: Any = TMVA.DataLoader("dataset")
factory: Any = TMVA.Factory("Job", "Silent")
reader: Any = TMVA.Reader()


@pytest.mark.parametrize(
    ("owner", "name", "message"),
    [
        (factory, "AddSignalTree", r"Factory.AddSignalTree is not part of pytmva_rnn: call it on a data loader"),
        (factory, "OptimizeAllMethods", "book a method for each choice of options"),
        (factory, "MakeClass", "pytmva-rnn convert"),
        (factory, "TrainAll", r"Factory has no 'TrainAll'; near names: TrainAllMethods"),
        (loader, "VarTransform", "give VarTransform in the options of BookMethod"),
        (loader, "SetOptions", "options are read when the object is made"),
        (reader, "GetMVAError", "a network tells no error of an event"),
        (reader, "EvaluateMva", r"Reader has no 'EvaluateMva'; near names: EvaluateMVA"),
        (loader.GetDataSetInfo(), "GetDataSet", r"loader.samples\(\).training"),
        (TMVA.gConfig(), "SetNumWorkers", "PYTMVA_RNN_THREADS"),
        (TMVA.Types, "kBTD", r"Types has no 'kBTD'; near names: kBDT"),
        (TMVA, "TMVAGui", r"pytmva_rnn.tmva.TMVAGui is not part of pytmva_rnn: GetROCCurve"),
        (TMVA, "MethodBDT", r"book networks, Types.kDL"),
        (TMVA, "DataLaoder", r"pytmva_rnn.tmva has no 'DataLaoder'; near names: DataLoader"),
        (ROCCurve("A", np.ones(1), np.ones(1), 0.5), "SetLineColor", "Matplotlib figure"),
    ],
)
def test_a_name_that_is_missing_is_explained(owner: Any, name: str, message: str) -> None:
    with pytest.raises(UnavailableError, match=message) as error:
        getattr(owner, name)
    assert isinstance(error.value, TMVAError)
    assert isinstance(error.value, AttributeError)
    assert not hasattr(owner, name)


def classes() -> dict[str, type]:
    found: dict[str, type] = {each.__name__: each for each in (TMVA.Types, TMVA.Tools, TMVA.PyMethodBase)}
    todo = list(Explained.__subclasses__())
    while todo:
        each = todo.pop()
        found[each.__name__] = each
        todo += each.__subclasses__()
    return found


PUBLIC = {
    "DataLoader": (
        "AddSignalTrainingEvent AddBackgroundTrainingEvent AddSignalTestEvent AddBackgroundTestEvent "
        "AddTrainingEvent AddTestEvent AddEvent UserAssignEvents CreateEventAssignTrees AddDataSet "
        "GetDataSetInfo VarTransform SetInputTrees AddSignalTree SetSignalTree AddBackgroundTree "
        "SetBackgroundTree SetSignalWeightExpression SetBackgroundWeightExpression AddRegressionTree SetTree "
        "AddTree SetInputVariables AddVariable AddVariablesArray AddTarget AddRegressionTarget AddSpectator "
        "SetWeightExpression SetCut AddCut PrepareTrainingAndTestTree MakeKFoldDataSet PrepareFoldDataSet "
        "RecombineKFoldDataSet GetDefaultDataSetInfo GetCorrelationMatrix MakeCopy DataInput"
    ),
    "Factory": (
        "BookMethod OptimizeAllMethods OptimizeAllMethodsForClassification OptimizeAllMethodsForRegression "
        "TrainAllMethods TrainAllMethodsForClassification TrainAllMethodsForRegression TestAllMethods "
        "EvaluateAllMethods EvaluateAllVariables EvaluateImportance DeleteAllMethods GetMethod HasMethod "
        "Verbose SetVerbose MakeClass PrintHelpMessage RootBaseDir IsSilentFile IsModelPersistence "
        "GetROCIntegral GetROCCurve GetROCCurveAsMultiGraph fMethodsMap BookMethodWeightfile "
        "EvaluateImportanceShort EvaluateImportanceAll EvaluateImportanceRandom GetImportance GetROC"
    ),
    "Reader": (
        "BookMVA FindMVA FindCutsMVA EvaluateMVA GetMVAError GetMVAErrorLower GetMVAErrorUpper "
        "EvaluateRegression EvaluateMulticlass GetProba GetRarity GetName Verbose SetVerbose DataInfo "
        "AddVariable AddSpectator"
    ),
    "MethodDL": (
        "SetupMethod ProcessSetup CheckSetup AddOutput TrainMethod OptimizeTuningParameters SetTuneParameters "
        "Train SetTrainTime GetTrainTime SetTestTime GetTestTime TestClassification GetKSTrainingVsTest "
        "TestMulticlass TestRegression Init DeclareOptions ProcessOptions DeclareCompatibilityOptions Reset "
        "GetMvaValue GetRegressionValues GetMulticlassValues GetProba GetRarity CreateRanking MakeClass "
        "PrintHelpMessage WriteStateToFile ReadStateFromFile ReadStateFromStream ReadStateFromXMLString "
        "WriteEvaluationHistosToFile WriteMonitoringHistosToFile GetEfficiency GetTrainingEfficiency "
        "GetMulticlassEfficiency GetMulticlassTrainingEfficiency GetSignificance GetROCIntegral "
        "GetMaximumSignificance GetSeparation GetRegressionDeviation GetJobName GetMethodName "
        "GetMethodTypeName GetMethodType GetName GetTestvarName GetProbaName GetWeightFileName SetTestvarName "
        "GetNvar GetNVariables GetNTargets GetInputVar GetInputLabel GetInputTitle GetMean GetRMS GetXmin "
        "GetXmax GetSignalReferenceCut GetSignalReferenceCutOrientation SetSignalReferenceCut "
        "SetSignalReferenceCutOrientation BaseDir MethodBaseDir SetMethodDir SetBaseDir SetMethodBaseDir "
        "GetTrainingTMVAVersionCode GetTrainingROOTVersionCode GetTrainingTMVAVersionString "
        "GetTrainingROOTVersionString GetTransformationHandler RerouteTransformationHandler Data DataInfo "
        "GetNEvents GetEvent GetTrainingEvent GetTestingEvent GetEventCollection IsSignalLike HasMVAPdfs "
        "SetAnalysisType GetAnalysisType DoRegression DoMulticlass DisableWriting GetInteractiveTrainingError "
        "ExitFromTraining TrainingEnded InitIPythonInteractive SetWeightFileDir SetModelPersistence "
        "IsModelPersistence SetFile SetSilentFile GetWeightFileDir"
    ),
    "DataSetInfo": (
        "ClearDataSet GetDataSet AddVariable AddVariablesArray AddTarget AddSpectator AddClass "
        "GetVariableInfos GetVariableInfo GetVarArraySize IsVariableFromArray GetTargetInfos GetTargetInfo "
        "GetSpectatorInfos GetSpectatorInfo GetNVariables GetNTargets GetNSpectators GetNormalization "
        "SetNormalization SetTrainingSumSignalWeights GetTrainingSumSignalWeights GetClassNameMaxLength "
        "GetVariableNameMaxLength GetTargetNameMaxLength GetClassInfo PrintClasses GetNClasses IsSignal "
        "GetTargetsForMulticlass GetSignalClassIndex FindVarIndex GetWeightExpression SetWeightExpression "
        "GetCut SetCut AddCut HasCuts GetListOfVariables CorrelationMatrix SetCorrelationMatrix "
        "PrintCorrelationMatrix CreateCorrelationMatrixHist SetSplitOptions GetSplitOptions SetRootDir "
        "GetRootDir SetMsgType GetDataSetManager"
    ),
    "CrossValidation": (
        "InitOptions ParseOptions SetNumFolds SetSplitExpr GetNumFolds GetSplitExpr GetFactory GetResults "
        "Evaluate BookMethod HasMethod IsSilentFile GetFile SetFile GetDataLoader SetDataLoader "
        "IsModelPersistence SetModelPersistence IsVerbose SetVerbose GetMethods"
    ),
    "CrossValidationResult": (
        "GetROCValues GetROCAverage GetROCStandardDeviation GetROCCurves GetAvgROCCurve Print Draw "
        "DrawAvgROCCurve GetSigValues GetSepValues GetEff01Values GetEff10Values GetEff30Values "
        "GetEffAreaValues GetTrainEff01Values GetTrainEff10Values GetTrainEff30Values"
    ),
    "Config": (
        "UseColor SetUseColor IsSilent SetSilent WriteOptionsReference SetWriteOptionsReference "
        "DrawProgressBar SetDrawProgressBar GetNCpu GetNumWorkers SetNumWorkers EnableMT DisableMT "
        "IsMTEnabled GetThreadExecutor GetVariablePlotting GetIONames"
    ),
}
"""The public methods of TMVA's headers, ROOT 6.22 to 6.40."""


@pytest.mark.parametrize("owner", PUBLIC)
def test_every_public_method_is_there_or_explained(owner: str) -> None:
    made: dict[str, Any] = {
        "DataLoader": loader,
        "Factory": factory,
        "Reader": reader,
        "MethodDL": MethodDL("Job", loader, "A", MethodOptions()),
        "DataSetInfo": loader.GetDataSetInfo(),
        "CrossValidation": TMVA.CrossValidation("Job", loader),
        "CrossValidationResult": TMVA.CrossValidationResult(()),
        "Config": TMVA.gConfig(),
    }
    for name in PUBLIC[owner].split():
        try:
            getattr(made[owner], name)
        except UnavailableError as error:
            assert f"{owner}.{name} is not part of pytmva_rnn: " in str(error)  # noqa: PT017


def test_the_tables_name_what_is_not_there() -> None:
    there = classes()
    for owner, table in INSTEAD.items():
        names = set(dir(there[owner])) if owner in there else set(TMVA.__all__)
        assert owner in {*there, "tmva", "Experimental"}
        assert names & set(table) == set()


def test_objects_can_still_be_copied_and_asked_about() -> None:
    assert copy.deepcopy(loader).GetName() == pickle.loads(pickle.dumps(loader)).GetName() == "dataset"
    assert not hasattr(loader, "_repr_html_")
    assert inspect.isclass(TMVA.Types)

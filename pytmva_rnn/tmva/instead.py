"""What TMVA has and this package has not, and what to use instead: one table for each class.

The names are those of TMVA's public headers (ROOT 6.22 to 6.40), and of the older ones whose scripts are still about.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pytmva_rnn.suggestions import near

__all__ = ["INSTEAD", "explanation"]

_ON_THE_LOADER = "call it on a data loader: loader = TMVA.DataLoader('dataset'), and book methods with it"
_OPTIONS = "options are read when the object is made; make another with the options that you want"
_FILE = "the output file is the one given when the Factory is made, and uproot or ROOT opens it afterwards"
_ARRAYS = "the events are arrays: loader.samples().training and .test have X, y and weights"
_COSMETICS = "Draw() gives a Matplotlib figure, whose axes and lines take colours, titles and ranges"
_TABLES = "EvaluateAllMethods prints the tables and writes the histograms into the Factory's output file"
_BOOK = "book networks, Types.kDL; other methods are ROOT's own TMVA"
_PLOTS = "GetROCCurve(...) draws with Matplotlib, and TMVA's macros read the Factory's output file"
_DONE = "TrainAllMethods, TestAllMethods and EvaluateAllMethods do this for all methods that are booked"


def _all(names: str, remedy: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), remedy)


_EVERY: Mapping[str, str] = {
    **_all(
        "SetOptions ParseOptions PrintOptions CheckForUnusedOptions WriteOptionsToStream ReadOptionsFromStream "
        "SetConfigName GetConfigName SetConfigDescription GetConfigDescription SetReferenceFile",
        _OPTIONS,
    ),
    **_all("Log SetMsgType", "messages go to the logger 'pytmva_rnn' of Python's logging, or say Silent"),
    **_all("Write Browse ls Dump SaveAs SavePrimitive Streamer", _FILE),
    **_all("IsA InheritsFrom Class ClassName", "isinstance tells the classes of Python apart"),
    **_all("Delete SetDirectory SetTitle SetName SetBit ResetBit TestBit", "objects here are Python's; leave it out"),
}

INSTEAD: Mapping[str, Mapping[str, str]] = {
    "DataLoader": {
        "AddDataSet": "a data loader is one data set; make another DataLoader",
        "CreateEventAssignTrees": "AddEvent and its relatives keep the events that you give",
        "VarTransform": "give VarTransform in the options of BookMethod, or leave variables out",
        "GetCorrelationMatrix": f"{_TABLES}, CorrelationMatrixS and CorrelationMatrixB among them",
        "DataInput": _ARRAYS,
        "SplitSets": "MakeKFoldDataSet(TMVA.CvSplitKFolds(5)) divides the training sample",
        "ValidationKFoldSet": "ValidationSize in the options of BookMethod says how many events validate",
    },
    "Factory": {
        **_all(
            "AddVariable AddVariablesArray AddTarget AddRegressionTarget AddSpectator AddTree SetTree AddSignalTree "
            "AddBackgroundTree AddRegressionTree SetSignalTree SetBackgroundTree SetInputTrees SetInputVariables "
            "SetSignalWeightExpression SetBackgroundWeightExpression SetWeightExpression SetCut AddCut "
            "PrepareTrainingAndTestTree AddSignalTrainingEvent AddBackgroundTrainingEvent AddSignalTestEvent "
            "AddBackgroundTestEvent AddTrainingEvent AddTestEvent AddEvent UserAssignEvents GetDataSetInfo "
            "GetDefaultDataSetInfo DefaultDataSetInfo DataInput AddDataSet CreateEventAssignTrees",
            _ON_THE_LOADER,
        ),
        **_all(
            "OptimizeAllMethods OptimizeAllMethodsForClassification OptimizeAllMethodsForRegression",
            "book a method for each choice of options and compare their GetROCIntegral, or those of CrossValidation",
        ),
        "CrossValidate": "TMVA.CrossValidation(job, loader, options) with its BookMethod and Evaluate",
        "EvaluateAllVariables": "EvaluateImportance tells what each variable is worth to a network",
        "MakeClass": "`pytmva-rnn convert WEIGHTS.xml MODEL.hxx` writes the network as a C++ header",
        "PrintHelpMessage": "pytmva_rnn.parse_options explains options by its errors; TMVA's Users Guide has them all",
        "RootBaseDir": _FILE,
        "SetInputTreesFromEventAssignTrees": "the data loader does this by itself",
        "fMethodsMap": "GetMethod(dataset, title) gives a method, HasMethod tells whether there is one",
        "Greetings": "there is no greeting",
        **_all(
            "EvaluateImportanceShort EvaluateImportanceAll EvaluateImportanceRandom GetImportance",
            "EvaluateImportance(loader, TMVA.VIType.kShort, ...)",
        ),
        "GetROC": "GetROCCurve",
        "WriteDataInformation": _DONE,
        "BookDNN": "BookMethod(loader, TMVA.Types.kDL, title, options)",
        "DrawROCCurve": "GetROCCurve(loader).Draw()",
    },
    "Reader": {
        "FindCutsMVA": "cuts are a method of ROOT's own TMVA; FindMVA gives a network",
        **_all("GetMVAError GetMVAErrorLower GetMVAErrorUpper", "a network tells no error of an event"),
        "DeclareOptions": _OPTIONS,
        "AddVariablesArray": "AddVariable takes an array for all elements; or DataInfo().AddVariablesArray(name, size)",
        "EvaluateAll": "evaluate(data, tag) scores many events at once",
    },
    "DataSetInfo": {
        **_all("GetDataSet ClearDataSet GetDataSetManager IsSignal GetTargetsForMulticlass", _ARRAYS),
        **_all(
            "GetTrainingSumSignalWeights GetTrainingSumBackgrWeights GetTestingSumSignalWeights "
            "GetTestingSumBackgrWeights SetTrainingSumSignalWeights SetTrainingSumBackgrWeights "
            "SetTestingSumSignalWeights SetTestingSumBackgrWeights",
            _ARRAYS,
        ),
        **_all("CorrelationMatrix SetCorrelationMatrix PrintCorrelationMatrix CreateCorrelationMatrixHist", _TABLES),
        **_all("GetRootDir SetRootDir", _FILE),
        **_all(
            "AddVariable AddVariablesArray AddTarget AddSpectator AddClass SetCut AddCut SetWeightExpression "
            "SetSplitOptions SetNormalization",
            "call the method of this name on the data loader or the reader, or PrepareTrainingAndTestTree",
        ),
        "GetNormalization": "GetSplitOptions() tells NormMode",
    },
    "MethodDL": {
        **_all("TrainMethod Train AddOutput TestClassification TestMulticlass TestRegression", _DONE),
        **_all("SetupMethod ProcessSetup CheckSetup Init DeclareOptions ProcessOptions Reset", _OPTIONS),
        **_all("OptimizeTuningParameters SetTuneParameters", "book a method for each choice of options"),
        **_all(
            "GetMvaValue GetRegressionValues GetMulticlassValues GetMvaValues",
            "method.model.predict(X) scores events, and TMVA.Reader does with a weight file",
        ),
        **_all("GetProba GetRarity", "method.model.signal_probability(scores) and .rarity(scores)"),
        **_all(
            "GetKSTrainingVsTest GetRegressionDeviation GetMulticlassEfficiency GetMulticlassTrainingEfficiency "
            "GetMulticlassConfusionMatrix GetMaximumSignificance WriteEvaluationHistosToFile "
            "WriteMonitoringHistosToFile",
            _TABLES,
        ),
        "CreateRanking": "EvaluateImportance of the Factory tells what each variable is worth",
        "MakeClass": "`pytmva-rnn convert WEIGHTS.xml MODEL.hxx` writes the network as a C++ header",
        "PrintHelpMessage": "TMVA's Users Guide has all options; errors name those that are near a misspelt one",
        **_all("WriteStateToFile WriteStateToXML", "method.model.save(path) writes the weight file"),
        **_all(
            "ReadStateFromFile ReadStateFromStream ReadStateFromXMLString",
            "pytmva_rnn.read_weights(path), or BookMethodWeightfile of the Factory",
        ),
        **_all("Data GetEvent GetNEvents GetTrainingEvent GetTestingEvent GetEventCollection", _ARRAYS),
        **_all("BaseDir MethodBaseDir SetMethodDir SetBaseDir SetMethodBaseDir", _FILE),
        **_all(
            "GetMean GetRMS GetXmin GetXmax GetTransformationHandler RerouteTransformationHandler",
            "method.model.transformations are the transformations that were learned",
        ),
        **_all(
            "IsSignalLike GetSignalReferenceCut SetSignalReferenceCut GetSignalReferenceCutOrientation "
            "SetSignalReferenceCutOrientation",
            "choose a cut from GetROCCurve",
        ),
        "SetAnalysisType": "AnalysisType is an option of the Factory",
        **_all(
            "DisableWriting SetModelPersistence IsModelPersistence",
            "ModelPersistence=False is an option of the Factory",
        ),
        **_all("SetTrainTime SetTestTime GetTestTime", "GetTrainTime() and method.result tell of the training"),
        "DeclareCompatibilityOptions": _OPTIONS,
        **_all("SetTestvarName GetProbaName", "in the output file a method is called by its title"),
        **_all(
            "GetTrainingTMVAVersionCode GetTrainingROOTVersionCode GetTrainingTMVAVersionString "
            "GetTrainingROOTVersionString",
            "method.model.info tells all that the weight file says of its making",
        ),
        **_all(
            "GetInteractiveTrainingError ExitFromTraining TrainingEnded InitIPythonInteractive",
            "Ctrl-C ends a training, and method.result.history has its errors",
        ),
        **_all("SetWeightFileDir GetWeightFileDir", "TMVA.gConfig().GetIONames().fWeightFileDir"),
        **_all("SetFile SetSilentFile", _FILE),
    },
    "CrossValidation": {
        "InitOptions": _OPTIONS,
        **_all("SetFile GetFile IsSilentFile", "the output file is the one given when the CrossValidation is made"),
        "SetDataLoader": "the data loader is the one given when the CrossValidation is made",
        "TrainAllMethods": "Evaluate trains and tests on all folds",
        "HasMethod": "GetMethods() tells what is booked",
    },
    "CrossValidationResult": _all("Fill", "Evaluate of the CrossValidation fills its results"),
    "CvSplitKFolds": _all("NeedsRebuild", "MakeKFoldDataSet of the data loader divides anew"),
    "ROCCurve": _all(
        "SetLineColor SetLineWidth SetLineStyle SetMarkerStyle SetMarkerColor SetFillColor GetXaxis GetYaxis "
        "GetHistogram SetPoint SetMinimum SetMaximum Fit Clone Integral GetPoint",
        f"the attributes efficiency, rejection and integral are its numbers; {_COSMETICS}",
    ),
    "ROCPlot": _all(
        "BuildLegend SetGrid SetTitle SetLogx SetLogy GetXaxis GetYaxis GetListOfGraphs GetListOfPrimitives Update "
        "Divide cd Modified SetCanvasSize Add Clone",
        _COSMETICS,
    ),
    "VariableImportance": _all("GetYaxis SetFillColor SetLineColor LabelsOption SetBarWidth", _COSMETICS),
    "Config": _all(
        "UseColor WriteOptionsReference EnableMT DisableMT GetThreadExecutor GetNCpu GetNumWorkers SetNumWorkers "
        "IsMTEnabled SetWriteOptionsReference DrawProgressBar",
        "the environment variable PYTMVA_RNN_THREADS sets the number of threads",
    ),
    "RReader": _all("GetVariables", "GetVariableNames()"),
    "Types": _all("kInfo kDEBUG kWARNING kERROR kFATAL", "messages go to the logger 'pytmva_rnn' of Python's logging"),
    "Tools": {
        **_all("DestroyInstance Close", "there is nothing to unload; leave it out"),
        **_all("xmlengine ReadAttr AddAttr TMVAWelcomeMessage TMVAVersionMessage", "pytmva_rnn.read_weights(path)"),
        **_all("GetSeparation GetMutualInformation GetCorrelationMatrix", _TABLES),
    },
    "PyMethodBase": _all("Serialize UnSerialize PyRunString Eval", "Python's own pickle, exec and eval"),
    "tmva": {
        **_all(
            "TMVAGui TMVAMultiClassGui TMVARegGui mvas efficiencies correlations variables mvaeffs likelihoodrefs "
            "network DrawNetworkMovie paracoor rulevis BDT deviations probas compareanapp annconvergencetest",
            _PLOTS,
        ),
        **_all(
            "MethodBase IMethod MethodBDT MethodMLP MethodCuts MethodFisher MethodLikelihood MethodCategory "
            "MethodPyKeras MethodPyTorch MethodDNN MethodCrossValidation",
            _BOOK,
        ),
        **_all("Event DataSet DataSetManager DataSetFactory DataInputHandler VariableInfo ClassInfo", _ARRAYS),
        **_all("Classification ClassificationResult Envelope", "TMVA.Factory or TMVA.CrossValidation"),
        "HyperParameterOptimisation": "book a method for each choice of options with TMVA.CrossValidation",
        "gTools": "there is nothing to load; leave it out",
        "MsgLogger": "messages go to the logger 'pytmva_rnn' of Python's logging",
        "Configurable": _OPTIONS,
        "Ranking": "EvaluateImportance of the Factory",
        **_all("BinaryTree DNN DecisionTree RuleFit SVMEvent QuickMVAProbEstimator", _BOOK),
        **_all("MethodDL MethodInfo", "BookMethod of the Factory makes and returns one"),
        "DataSetInfo": "GetDataSetInfo() of the data loader, or DataInfo() of the Reader",
        "ROCCurve": "GetROCCurve of the Factory; pytmva_rnn.report.roc_curve(y, scores, weights) for your own numbers",
        "VariableImportance": "EvaluateImportance of the Factory",
        "CvSplit": "TMVA.CvSplitKFolds(numFolds, splitExpr, stratified, seed)",
        "OptionMap": "keywords, or an option string",
        **_all("kClassification kRegression kMulticlass kTraining kTesting kSignal kBackground", "TMVA.Types has it"),
        **_all("Results ResultsClassification ResultsMulticlass ResultsRegression", _ARRAYS),
        **_all(
            "VariableTransformBase TransformationHandler VariableNormalizeTransform CreateVariableTransforms",
            "VarTransform in the options of BookMethod",
        ),
        **_all("Interval PDF TSpline1 Volume GetMethodForDataSet", "it is of the insides of C++ TMVA"),
    },
    "Experimental": {
        **_all("RInferenceUtils Branches", "Compute of RReader takes all branches as one array"),
        "Compute": "pytmva_rnn.pyroot.define(rdf, 'score', 'WEIGHTS.xml') adds the score to an RDataFrame",
        **_all("AsTensor RTensor", "NumPy arrays go into RReader.Compute; pytmva_rnn.pyroot.to_arrays makes them"),
        **_all("RBDT SaveXGBoost", _BOOK),
        **_all("RSofieReader SOFIE SofieFunctor", "Compute of RReader, or `pytmva-rnn convert` for C++"),
        **_all(
            "RStandardScaler CreateNumPyGenerators CreatePyTorchGenerators CreateTFDatasets Classification",
            "pytmva_rnn.load reads events into arrays, and VarTransform scales them",
        ),
    },
}
"""By class, and `tmva` and `Experimental` for the names of these modules."""


def explanation(owner: str, name: str, there: Iterable[str]) -> str:
    """What to say of a name that is not here.

    Parameters
    ----------
    owner : str
        A key of `INSTEAD`.
    name : str
    there : iterable of str
        Names that are here, for those near a misspelt one.
    """
    shown = {"tmva": "pytmva_rnn.tmva", "Experimental": "TMVA.Experimental"}.get(owner, owner)
    tables = (INSTEAD.get(owner, {}), _EVERY if owner not in ("tmva", "Experimental") else {})
    for table in tables:
        if name in table:
            return f"{shown}.{name} is not part of pytmva_rnn: {table[name]}"
    return f"{shown} has no {name!r}; {near(name, there)}"

# ruff: noqa: E501  (tables with one case per line)
from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from pytmva_rnn.description import (
    PCA,
    CumulativeDistribution,
    Decorrelation,
    Gauss,
    Normalize,
    Transformation,
    TransformInput,
    Variable,
)
from pytmva_rnn.errors import WeightFileError
from pytmva_rnn.model import Model, read_weights
from pytmva_rnn.options import parse_options
from pytmva_rnn.options.layout import build_layers
from pytmva_rnn.weightfile import write_weights
from pytmva_rnn.weightfile.validation import Finding, validate

REFERENCE = Path(__file__).parent / "data" / "reference"
FILES = sorted(REFERENCE.glob("*/*.xml"))

INPUT = '<Input Type="Variable" Label="x_t0_d0" Expression="x_t0_d0"/>'
SELECTION = f'<Selection>\n<Input NInputs="1">{INPUT}</Input>\n<Output NOutputs="1">{INPUT.replace("Input", "Output")}</Output>\n</Selection>'
NORMALIZE = f"""<Transformations NTransformations="1">
<Transform Name="Normalize">
{SELECTION}
<Class ClassIndex="0"><Ranges><Range Index="0" Min="0" Max="1"/></Ranges></Class>
<Class ClassIndex="1"><Ranges><Range Index="0" Min="0" Max="1"/></Ranges></Class>
<Class ClassIndex="2"><Ranges><Range Index="0" Min="0" Max="2"/></Ranges></Class>
</Transform>
</Transformations>"""


def text_of(case: str) -> str:
    text = (REFERENCE / case / "weights.xml").read_text()
    return text.replace('<Transformations NTransformations="0"/>', NORMALIZE) if case == "rnn_last" else text


def changed(text: str, pattern: str, new: str) -> tuple[str, int]:
    """The text with the first match of a pattern replaced, and the line of the match."""
    match = re.search(pattern, text)
    assert match, "the text has no such part"
    return text[: match.start()] + match.expand(new) + text[match.end() :], text.count("\n", 0, match.start()) + 1


def problems_of(text: str | bytes, folder: Path) -> list[Finding]:
    path = folder / "w.xml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return validate(path)


def refusal_of(path: Path) -> str | None:
    """Why the reader does not take a file; None if it does."""
    try:
        read_weights(path)
    except (WeightFileError, UserWarning) as error:
        return str(error).removesuffix(": did the training sample hold such values?")
    return None


def lines_of(text: str, node: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if re.match(rf" *<{node}[ >/]", line))


# --- valid files


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_files_of_tmva_are_valid(path: Path) -> None:
    assert validate(path) == []


def model_of(options: str, variables: int, **changes: object) -> Model:
    """An untrained model, as the options ask for it, with small random weights."""
    random = np.random.default_rng(1)
    parsed = parse_options(options)
    shape = parsed.input_shape(variables)
    analysis = str(changes.get("analysis", "Classification"))
    outputs = {"Multiclass": 3, "Regression": 2}.get(analysis, 1)
    layers = tuple(
        dataclasses.replace(
            layer,
            weights={
                name: random.normal(size=size)
                for name, size in (layer.weight_shapes() | layer.statistic_shapes()).items()
            },
        )
        for layer in build_layers(parsed.layout, shape, variables, outputs)
    )
    described = tuple(Variable(f"v{n}", f"v{n}", f"v{n}", internal=f"v{n}", max=1.0) for n in range(variables))
    model = Model(layers, described, shape, (10, shape[0], shape[2]), options=parsed.to_model_options())
    return dataclasses.replace(model, **changes)  # type: ignore[arg-type]


RECURRENT = {
    "all": "RNN|4|3|5|0|1,LSTM|5|4|5|0|1,GRU|3|5|5|1|1|1,GRU|4|3|5|0|0,DENSE|6|TANH,BNORM,LINEAR",
    "flat": "LSTM|4|3|5|0|1,RESHAPE|FLAT,TANH|(N+1)*2,BNORM|0.99|1e-3,DENSE|1|LINEAR",
    "reshape": "RESHAPE|5|1|3,RNN|2|3|5,DENSE|0|LINEAR",
}


@pytest.mark.parametrize("layout", RECURRENT)
@pytest.mark.parametrize("strategy", ["CROSSENTROPY", "SUMOFSQUARES"])
def test_every_layer_that_is_written_is_valid(layout: str, strategy: str, tmp_path: Path) -> None:
    options = f"InputLayout=5|3:Layout={RECURRENT[layout]}:ErrorStrategy={strategy}:WeightInitialization=GAUSS"
    loss = {"CROSSENTROPY": "C", "SUMOFSQUARES": "R"}[strategy]
    write_weights(model_of(options, 15, loss=loss, initialization="G"), tmp_path / "w.xml")
    assert validate(tmp_path / "w.xml") == []


def test_all_activations_of_a_dense_network_are_valid(tmp_path: Path) -> None:
    names = ("RELU", "SIGMOID", "TANH", "SYMMRELU", "SOFTSIGN", "GAUSS", "FTANH", "LINEAR")
    layout = ",".join(f"DENSE|{3 if name != 'LINEAR' else 0}|{name}" for name in names)
    write_weights(model_of(f"Layout={layout}", 2), tmp_path / "w.xml")
    assert validate(tmp_path / "w.xml") == []


def test_multiclass_and_regression_are_valid(tmp_path: Path) -> None:
    options = "Layout=DENSE|4|RELU,LINEAR:ErrorStrategy=MUTUALEXCLUSIVE"
    multiclass = model_of(options, 2, analysis="Multiclass", classes=("a", "b", "c"), loss="S", output_function="M")
    targets = tuple(Variable(name, name, name) for name in ("t", "u"))
    regression = model_of(
        "Layout=LINEAR",
        2,
        analysis="Regression",
        classes=("Regression",),
        targets=targets,
        loss="R",
        output_function="I",
    )
    for model in (multiclass, regression):
        write_weights(model, tmp_path / "w.xml")
        assert validate(tmp_path / "w.xml") == []


BOTH = tuple(TransformInput("Variable", name, name) for name in ("v0", "v1"))
EYES = np.array([np.eye(2)] * 3)
DISTRIBUTION = CumulativeDistribution(np.array([-1.0, 0.5, 2.0, 3.0]), np.array([0.1, 0.7, 1.0]))


@pytest.mark.parametrize(
    "transformation",
    [
        Normalize(BOTH, BOTH, np.array([[[0.0, 1.0], [2.0, 3.0]]] * 3)),
        Decorrelation(BOTH, BOTH, EYES),
        PCA(BOTH, BOTH, np.zeros((3, 2)), EYES),
        Gauss(BOTH, BOTH, ((DISTRIBUTION,) * 3,) * 2),
        Gauss(BOTH, BOTH, ((DISTRIBUTION,) * 3,) * 2, flat=True),
    ],
    ids=["N", "D", "P", "G", "U"],
)
def test_every_transformation_that_is_written_is_valid(transformation: Transformation, tmp_path: Path) -> None:
    write_weights(model_of("Layout=LINEAR", 2, transformations=(transformation,) * 2), tmp_path / "w.xml")
    assert validate(tmp_path / "w.xml") == []


@pytest.mark.parametrize("case", ["rnn_sequence", "gru_after_last"])
def test_old_layers_are_valid(case: str, tmp_path: Path) -> None:
    text = re.sub(' (ReturnSequence|ResetGateAfter)="1"', "", text_of(case))
    assert problems_of(text, tmp_path) == []


def test_an_old_layer_may_return_the_sequence_against_its_layout(tmp_path: Path) -> None:
    text = text_of("rnn_sequence").replace(' ReturnSequence="1"', "").replace(">RNN|8|5|6|0|1", ">RNN|8|5|6|0")
    assert problems_of(text, tmp_path) == []


@pytest.mark.parametrize(
    "form",
    [
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: re.sub(r"\n +", "\n", text).encode("utf-8-sig"),
        lambda text: text.encode("utf-16"),
        lambda text: text.replace("\n", " ").encode(),
        lambda text: text.replace("<Option ", "<!-- note --><Option ").replace("  -", " <!-- minus --> -").encode(),
        lambda text: text.replace('"', "'").replace('Rows="8"', "Rows=' +8 '").encode(),
    ],
)
def test_other_forms_of_a_valid_file_are_valid(form, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert problems_of(form(text_of("rnn_last")), tmp_path) == []


def test_a_file_without_what_may_be_left_out_is_valid(tmp_path: Path) -> None:
    text = re.sub(r"(?s)  <Options>.*</Options>\n|<Transformations.*</Transformations>", "", text_of("rnn_last"))
    assert problems_of(re.sub(r"  <(Spectators NSpec=\"0\"|MVAPdfs)/>\n", "", text), tmp_path) == []


# --- damage

DAMAGE = [
    # attributes
    ("rnn_last", ' Label="x_t0_d0"', "", "Variable", "expected an attribute Label, found VarIndex"),
    ("rnn_last", 'Min="[^"]*"', 'Min="low"', "Variable", "Min: expected a number, found: 'low' is not a number"),
    ("rnn_last", 'Max="[^"]*"', 'Max="inf"', "Variable", "Max: expected a finite number, found inf"),
    ("rnn_last", '<Option name="V"', "<Option", "Option", "expected an attribute name, found modified"),
    ("rnn_last", 'InputDepth="6"', 'InputDepth="0"', "Weights", "InputDepth: expected at least 1, found 0"),
    ("rnn_last", 'modified="No"', 'modified="Maybe"', "Option", "modified: expected one of Yes, No; found 'Maybe'"),
    ("rnn_last", '<Option name="H" modified="No"', '<Option name="H"', "Option", "expected an attribute modified, found name"),
    ("rnn_last", 'value="Classification"', 'value="Clustering"', "Info", "value: expected one of Classification, Regression, Multiclass; found"),
    ("rnn_last", 'NetDepth="4"', 'NetDepth="4" Colour="red"', "Weights", "Colour: expected no such attribute"),
    ("rnn_last", 'NetDepth="4"', 'NetDepth="0"', "Weights", "NetDepth: expected at least 1, found 0"),
    ("rnn_last", 'LossFunction="C"', 'LossFunction="X"', "Weights", "LossFunction: expected one of C, R, S; found 'X'"),
    ("rnn_last", 'WeightDecay="[^"]*"', 'WeightDecay="nan"', "Weights", "WeightDecay: expected a finite number, found nan"),
    ("rnn_last", 'RememberState="0"', 'RememberState="no"', "RNNLayer", "RememberState: expected a whole number, found: 'no'"),
    ("rnn_last", 'StateSize="8"', 'StateSize="eight"', "RNNLayer", "StateSize: expected a whole number, found: 'eight'"),
    ("rnn_last", 'ActivationFunction="1"', 'ActivationFunction="8"', "DenseLayer", "ActivationFunction: expected 0 to 7, found 8"),
    ("lstm_last", ' ReturnSequence="0"', "", "LSTMLayer", "expected an attribute ReturnSequence, found StateSize"),
    ("batch_norm", 'Epsilon="[^"]*"', 'Epsilon="inf"', "BatchNormLayer", "Epsilon: expected a finite number, found inf"),
    # counts and indices
    ("rnn_last", 'NVar="30"', 'NVar="31"', "Variables", "NVar: expected 31 <Variable> nodes, found 30"),
    ("rnn_last", 'VarIndex="3"', 'VarIndex="2"', "Variable", "VarIndex: expected each of 0 to 29 once, found 2"),
    ("rnn_last", 'NSpec="0"', 'NSpec="1"', "Spectators", "NSpec: expected 1 <Spectator> nodes, found 0"),
    ("rnn_last", 'NClass="2"', 'NClass="3"', "Classes", "NClass: expected 3 <Class> nodes, found 2"),
    ("rnn_last", 'Index="1"/>', 'Index="0"/>', "Class", "Index: expected each of 0 to 1 once, found 0"),
    ("regression", 'NTrgt="2"', 'NTrgt="1"', "Targets", "NTrgt: expected 1 <Target> nodes, found 2"),
    ("rnn_last", 'NetDepth="4"', 'NetDepth="5"', "Weights", "NetDepth: expected 5 layers, found 4"),
    # transformations
    ("rnn_last", 'NTransformations="1"', 'NTransformations="2"', "Transformations", "NTransformations: expected 2 <Transform> nodes, found 1"),
    ("rnn_last", 'Name="Normalize"', 'Name="Rotate"', "Transform", "Name: expected one of Normalize"),
    ("rnn_last", 'NInputs="1"', 'NInputs="2"', "Input", "NInputs: expected 2 <Input> nodes, found 1"),
    ("rnn_last", 'Min="0" Max="2"', 'Min="nan" Max="2"', "Range", "Min: expected a finite number, found nan"),
    # nodes and text
    ("rnn_last", "<MVAPdfs/>", '<Extra x="1"/><MVAPdfs/>', "Extra", "does not belong here in <MethodSetup>; expected"),
    ("rnn_last", "<MVAPdfs/>", '<p:Extra xmlns:p="urn:p"/>', "{urn:p}Extra", "does not belong here in <MethodSetup>"),
    ("rnn_last", "<MVAPdfs/>", "<MVAPdfs>some text</MVAPdfs>", "MVAPdfs", "expected nodes only, found the text 'some text' in it"),
    ("rnn_last", '<Class Name="Signal" Index="0"/>', '<Class Name="Signal" Index="0">1</Class>', "Class", "expected an empty node, found text or nodes in it"),
    ("rnn_last", 'Flattening="1"/>', 'Flattening="1"><Biases/></ReshapeLayer>', "ReshapeLayer", "expected an empty node"),
    ("rnn_last", r"(<Option [^>]*>)6\|5<", r"\g<1>6|5<b/><", "Option", "expected text only, found b"),
    ("rnn_last", '<Spectators NSpec="0"/>', '<Spectators NSpec="0"/><Spectators NSpec="0"/>', "Spectators", "expected once in <MethodSetup>, found 2 times"),
    ("rnn_last", "<ReshapeLayer", "<AttentionLayer", "AttentionLayer", "(layer 1): expected one of RNNLayer"),
    ("rnn_last", "<ReshapeLayer", "<ConvLayer", "ConvLayer", "(layer 1) is not supported: pytmva_rnn covers the recurrent and dense parts of MethodDL"),
    # matrices
    ("rnn_last", '<InputWeights Rows="8"', '<InputWeights Rows="7"', "InputWeights", "Rows: expected 8 to fit <RNNLayer> and its input, found 7"),
    ("rnn_last", 'Rows="12" Columns="8"', 'Rows="12" Columns="9"', "Weights", "Columns: expected 8 to fit <DenseLayer> and its input, found 9"),
    ("rnn_last", r'(<Biases Rows="8" Columns="1">)\s+\S+', r"\g<1>", "Biases", "expected 8 numbers (8 x 1), found 7"),
    ("rnn_last", r'(<Biases Rows="8" Columns="1">)\s+\S+', r"\g<1>1.0q", "Biases", "expected numbers, found: value 0: '1.0q' is not a number"),
    ("rnn_last", r'(<Biases Rows="8" Columns="1">)\s+\S+', r"\g<1>NaN", "Biases", "expected finite float32 numbers, found nan in row 0"),
    ("rnn_last", r'(<Biases Rows="8" Columns="1">)\s+\S+', r"\g<1>-inf", "Biases", "expected finite float32 numbers, found -inf in row 0"),
    ("rnn_last", r'(<Biases Rows="8" Columns="1">)\s+\S+', r"\g<1>1e39", "Biases", "expected finite float32 numbers, found 1e+39"),
    ("batch_norm", '<Gamma Rows="1"', '<Gamma Rows="2"', "Gamma", "Rows: expected 1 to fit <BatchNormLayer> and its input, found 2"),
    ("lstm_last", 'CellSize="8"', 'CellSize="7"', "LSTMLayer", "CellSize: expected the StateSize 8, found 7"),
    # the output
    ("rnn_last", 'OutputFunction="S"', 'OutputFunction="M"', "Weights", "OutputFunction: expected S for a classification, found M"),
    ("regression", 'OutputFunction="I"', 'OutputFunction="S"', "Weights", "OutputFunction: expected I for a regression, found S"),
    # options against the network
    ("rnn_last", r">6\|5<", ">5|6<", "Option", "InputLayout: 5|6 is depth 5, height 1, width 6; but <Weights> in line 80 has InputDepth 6"),
    ("rnn_last", r">6\|5<", ">6|4<", "Option", "InputLayout=6|4 holds 24 values, but an event has 30 variables"),
    ("rnn_last", r">6\|5<", ">6x5<", "Option", "InputLayout: '6x5' is not an integer"),
    ("rnn_last", r">RNN\|8", ">RNN|9", "Option", "Layout: layer 0: RNN|9|5|6|0|0 has state size 9, but <RNNLayer> in line 81 has 8"),
    ("rnn_last", r">RNN\|8", ">LSTM|8", "Option", "Layout: layer 0: LSTM|8|5|6|0|0 is LSTM, but <RNNLayer> in line 81 is not"),
    ("rnn_last", r">RNN\|8\|5\|6\|0\|0", ">RNN|8|5|6|1|0", "Option", "Layout: layer 0: RNN|8|5|6|1|0 has remember state True, but"),
    ("rnn_last", r">RNN\|8\|5", ">RNN|8|4", "Option", "Layout: layer 0: the input size of RNN|8|4|6|0|0 is 4, but the width before it is 5"),
    ("rnn_last", ",LINEAR<", ",RELU<", "Option", "Layout: layer 3: DENSE|0|RELU has activation RELU, but <DenseLayer> in line 101 has LINEAR"),
    ("rnn_last", ",LINEAR<", "<", "Option", "Layout: expected the 4 layers that <Weights> in line 80 has, found 3: RNN"),
    ("rnn_last", ",LINEAR<", ",LINAER<", "Option", "Layout: unknown layer or activation 'LINAER'; did you mean LINEAR?"),
    ("rnn_last", ",LINEAR<", ",CONV|3<", "Option", "Layout: CONV is a convolutional layer"),
    ("batch_norm", r"BNORM\|[^,]*,", "BNORM|0.8|0.001,", "Option", "has momentum 0.8, but <BatchNormLayer> in line"),
    ("rnn_last", ">CROSSENTROPY<", ">SUMOFSQUARES<", "Option", "ErrorStrategy: SUMOFSQUARES in a classification is the LossFunction R; but <Weights> in line 80 has C"),
    ("regression", 'LossFunction="R"', 'LossFunction="C"', "Option", "in a regression is the LossFunction R; but <Weights>"),
    ("multiclass_softmax", ">MUTUALEXCLUSIVE<", ">CROSSENTROPY<", "Option", "ErrorStrategy: CROSSENTROPY in a multiclass is the LossFunction C"),
    ("rnn_last", ">CROSSENTROPY<", ">CROSS<", "Option", "ErrorStrategy: 'CROSS' is not one of SUMOFSQUARES"),
    ("rnn_last", ">XAVIERUNIFORM<", ">GAUSS<", "Option", "WeightInitialization: GAUSS is the Initialization G; but <Weights> in line 80 has F"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "pattern", "new", "node", "message"), DAMAGE)
def test_damage_is_told_once_in_its_line(
    case: str, pattern: str, new: str, node: str, message: str, tmp_path: Path
) -> None:
    text, line = changed(text_of(case), pattern, new)
    if node == "Option":
        # Where an option and the network disagree, that is told in the option's line.
        line = line if "<Option" in text.splitlines()[line - 1] else lines_of(text, 'Option name="ErrorStrategy"')
    for problem in problems_of(text, tmp_path):
        if message in problem.message:
            assert (problem.line, problem.node) == (line, node)
            assert str(problem) == f"<{node}> {problem.message}"
            break
    else:
        pytest.fail(f"not told: {message}")
    assert len([p for p in validate(tmp_path / "w.xml") if (p.line, p.node) == (line, node)]) == 1


@pytest.mark.parametrize(("case", "pattern", "new", "node", "message"), DAMAGE)
def test_what_the_reader_refuses_is_told_in_the_same_words(
    case: str, pattern: str, new: str, node: str, message: str, tmp_path: Path
) -> None:
    text, _ = changed(text_of(case), pattern, new)
    told = [f"{tmp_path / 'w.xml'}:{problem.line}: {problem}" for problem in problems_of(text, tmp_path)]
    refusal = refusal_of(tmp_path / "w.xml")
    assert refusal is None or refusal in told


@pytest.mark.parametrize(
    ("case", "pattern", "new", "node", "message"), [each for each in DAMAGE if each[3] == "Option"]
)
def test_what_the_reader_takes_in_spite_of_an_option_is_told_in_the_log(
    case: str,
    pattern: str,
    new: str,
    node: str,
    message: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    text, _ = changed(text_of(case), pattern, new)
    told = [f"{tmp_path / 'w.xml'}:{problem.line}: {problem}" for problem in problems_of(text, tmp_path)]
    if refusal_of(tmp_path / "w.xml") is None and "expected text only" not in message:
        assert [found.partition("; the network is taken")[0] for found in caplog.messages] == told


def test_an_option_that_stands_twice(tmp_path: Path) -> None:
    text, first = changed(text_of("rnn_last"), '<Option name="V"', '<Option name="Layout"')
    second = lines_of(text, 'Option name="InputLayout"') + 2
    problems = problems_of(text, tmp_path)
    assert (problems[0].line, problems[0].message.partition(":")[0]) == (first, "Layout")
    assert problems[1] == Finding(second, "Option", f"Layout: expected each option once, found it in line {first}, too")


def test_all_damage_is_told_in_one_go(tmp_path: Path) -> None:
    text = text_of("rnn_last")
    changes = [
        ('modified="No"', 'modified="Maybe"'),
        (r">RNN\|8", ">RNN|9"),
        (r">XAVIERUNIFORM<", ">GAUSS<"),
        ('VarIndex="4"', 'VarIndex="3"'),
        (' Unit="" Internal="x_t3_d1"', ' Internal="x_t3_d1"'),
        ('Name="Background"', 'Nom="Background"'),
        ('Min="0" Max="2"', 'Min="0" Max="2" Mean="1"'),
        ('WeightDecay="[^"]*"', 'WeightDecay="x"'),
        ('InputWeights Rows="8"', 'InputWeights Rows="9"'),
        (r"(<StateWeights [^>]*>)\s+\S+", r"\g<1>nan"),
        ('<Weights Rows="12" Columns="8"', '<Weights Rows="12" Columns="7"'),
        ('<Biases Rows="12"', '<Biases Rows="zwölf"'),
        (r'(<Weights Rows="1" [^>]*>)', r"\g<1>1 "),
    ]
    lines = []
    for pattern, new in changes:
        text, line = changed(text, pattern, new)
        lines.append(line)
    problems = problems_of(text, tmp_path)
    assert {problem.line for problem in problems} == set(lines)
    assert [problem.line for problem in problems] == sorted(problem.line or 0 for problem in problems)
    messages = [problem.message for problem in problems]
    assert "expected an attribute Name, found Nom, Index" in messages
    assert "Nom: expected no such attribute" in messages
    assert len(problems) == len(lines) + 1


def test_several_nodes_that_do_not_belong_are_all_told(tmp_path: Path) -> None:
    text, first = changed(text_of("rnn_last"), "  <Options>", "  <One/>\n<One/>\n<Two/>\n  <Options>")
    text, deep = changed(text, "<StateWeights", "<Three/><StateWeights")
    text, after = changed(text, 'Flattening="1"', 'Flattening="1" Odd="1"')
    told = [(problem.line, problem.node) for problem in problems_of(text, tmp_path)]
    assert told == [(first, "One"), (first + 2, "Two"), (deep, "Three"), (after, "ReshapeLayer")]


def test_a_file_with_very_many_strange_nodes_ends(tmp_path: Path) -> None:
    strange = "".join(f"<S{n}/>" for n in range(500))
    problems = problems_of(text_of("rnn_last").replace("<MVAPdfs/>", strange), tmp_path)
    assert {problem.message.partition(" in ")[0] for problem in problems} == {"does not belong here"}


def test_a_misspelt_node_is_missing_in_one_place_and_strange_in_another(tmp_path: Path) -> None:
    text = text_of("rnn_last").replace("StateWeights", "StateWeigths")
    layer, node = lines_of(text, "RNNLayer"), lines_of(text, "StateWeigths")
    assert problems_of(text, tmp_path) == [
        Finding(layer, "RNNLayer", "expected a node <StateWeights> in it, found InputWeights, StateWeigths, Biases"),
        Finding(node, "StateWeigths", "does not belong here in <RNNLayer>; expected <StateWeights> or <Biases>"),
    ]


@pytest.mark.parametrize("tag", ["GeneralInfo", "Variables", "Classes", "Weights"])
def test_a_missing_node_is_told_with_its_parent(tag: str, tmp_path: Path) -> None:
    text, _ = changed(text_of("rnn_last"), rf"(?s)  <{tag}.*</{tag}>\n", "")
    found = [problem for problem in problems_of(text, tmp_path) if problem.node == "MethodSetup"]
    assert [(p.line, p.message.partition(", ")[0]) for p in found] == [(2, f"expected a node <{tag}> in it")]


def test_the_layer_behind_an_unknown_one_is_still_checked(tmp_path: Path) -> None:
    text = text_of("stacked").replace("GRULayer", "TransformerLayer")
    text, rows = changed(
        text, r'<RNNLayer([^>]*)>(\s*)<InputWeights Rows="\d+"', r'<RNNLayer\1>\2<InputWeights Rows="4"'
    )
    text, numbers = changed(text, r"(<StateWeights [^>]*>)\s+\S+", r"\g<1>")
    messages = [(problem.line, problem.message) for problem in problems_of(text, tmp_path)]
    assert (rows + 1, "Rows: expected 5 to fit <RNNLayer> and its input, found 4") in messages
    assert (numbers, "expected 25 numbers (5 x 5), found 24") in messages


def test_the_layer_behind_an_unknown_one_may_not_tell_its_input(tmp_path: Path) -> None:
    text = text_of("stacked").replace("GRULayer", "TransformerLayer")
    text, layer = changed(
        text, r"<RNNLayer([^>]*)>(\s*)<InputWeights ([^>]*) Columns", r"<RNNLayer\1>\2<InputWeights \3 Cols"
    )
    text, dense = changed(text, r'<Weights Rows="10"', '<Weights Rows="11"')
    told = [(problem.line, problem.message.partition(",")[0]) for problem in problems_of(text, tmp_path)]
    assert (layer + 1, "expected an attribute Columns") in told
    assert (dense, "Rows: expected 10 to fit <DenseLayer> and its input") in told


def test_text_beside_strange_nodes_is_told_as_well(tmp_path: Path) -> None:
    for strange in ("<X/>alone", '<Class Name="a" Index="0"/><X/>alone'):
        text, _ = changed(text_of("rnn_last"), '<Class Name="Signal" Index="0"/>', strange)
        messages = [(problem.node, problem.message) for problem in problems_of(text, tmp_path)]
        assert ("X", "does not belong here in <Classes>; expected <Class>") in messages
        assert ("Classes", "expected nodes only, found the text 'alone' in it") in messages


def test_the_matrices_of_a_layer_without_its_size_fit_themselves(tmp_path: Path) -> None:
    text, line = changed(text_of("rnn_last"), ' StateSize="8"', "")
    text, numbers = changed(text, r'(<Biases Rows="8" Columns="1">)\s+\S+', r"\g<1>")
    text, rows = changed(text, '<StateWeights Rows="8"', '<StateWeights Rows="x"')
    told = [(problem.line, problem.message.partition(":")[0]) for problem in problems_of(text, tmp_path)]
    assert told[0] == (
        line,
        "expected an attribute StateSize, found InputSize, TimeSteps, RememberState, ReturnSequence",
    )
    assert told[1:] == [(rows, "Rows"), (numbers, "expected 8 numbers (8 x 1), found 7")]


def test_the_outputs_fit_the_kind_of_analysis(tmp_path: Path) -> None:
    text, _ = changed(text_of("multiclass_softmax"), 'value="Multiclass"', 'value="Classification"')
    messages = [problem.message for problem in problems_of(text, tmp_path)]
    assert "NClass: expected 2 for a classification, found 3" in messages
    assert "expected 1 output of the last layer for a classification, found 3" in messages
    with pytest.raises(WeightFileError, match="NClass: expected 2 for a classification, found 3"):
        read_weights(tmp_path / "w.xml")
    (tmp_path / "w.xml").write_text(
        re.sub(r'NClass="3">(\s*<Class [^>]*>\s*<Class [^>]*>)[^>]*>', r'NClass="2">\1', text)
    )
    with pytest.raises(WeightFileError, match="OutputFunction: expected S for a classification, found M"):
        read_weights(tmp_path / "w.xml")
    text = (tmp_path / "w.xml").read_text().replace('OutputFunction="M"', 'OutputFunction="S"')
    (tmp_path / "w.xml").write_text(text)
    with pytest.raises(WeightFileError, match="expected 1 output of the last layer for a classification, found 3"):
        read_weights(tmp_path / "w.xml")
    text, _ = changed(text_of("multiclass_softmax"), r'NClass="3">\s*<Class [^>]*>', 'NClass="2">')
    text = text.replace('Index="1"', 'Index="0"').replace('Index="2"', 'Index="1"')
    messages = [problem.message for problem in problems_of(text, tmp_path)]
    assert "expected 2 outputs of the last layer, one for each of the classes, found 3" in messages


# --- files that are not such files at all


@pytest.mark.parametrize(
    ("content", "line", "node", "message"),
    [
        (b" \n", None, None, "expected a TMVA weight file, found an empty file"),
        (b"plain text", 1, None, "expected a TMVA weight file (XML), found: "),
        (b'<?xml version="1.0"?>\n<a>\n<b></a>', 3, None, "expected well-formed XML, found: Opening and ending tag mismatch"),
        (b"<!DOCTYPE MethodSetup>\n<MethodSetup/>", 1, None, "expected <MethodSetup>, found a document type declaration"),
        (b'<MethodSetup Method="BDT::BDT"><A/><B/></MethodSetup>', 1, "MethodSetup", "Method: this is a BDT weight file"),
        (b"<html><body/></html>", 1, "html", "expected <MethodSetup>, the root of a TMVA weight file"),
        (b'<MethodSetup xmlns="urn:x"/>', 1, "{urn:x}MethodSetup", "expected <MethodSetup>, the root"),
    ],
)  # fmt: skip
def test_another_file_is_one_problem(
    content: bytes, line: int | None, node: str | None, message: str, tmp_path: Path
) -> None:
    (problem,) = problems_of(content, tmp_path)
    assert (problem.line, problem.node) == (line, node)
    assert problem.message.startswith(message)


def test_a_missing_file_stays_file_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        validate(tmp_path / "none.xml")


@pytest.mark.slow
def test_a_matrix_beyond_ten_megabytes_is_validated(tmp_path: Path) -> None:
    model = model_of("Layout=DENSE|100000|RELU,LINEAR", 9)
    write_weights(model, tmp_path / "w.xml")
    assert (tmp_path / "w.xml").stat().st_size > 15_000_000
    assert validate(tmp_path / "w.xml") == []
    text = (tmp_path / "w.xml").read_text()
    place = text.index("</Weights>")
    line = text.count("\n", 0, place) - 1
    (problem,) = problems_of(text[:place] + "bad" + text[place:], tmp_path)
    assert (problem.line, problem.message) == (line, "expected numbers, found: value 900000: 'bad' is not a number")


@pytest.mark.parametrize(
    ("node", "shown"),
    [(f"<{'a' * 600}/>" * 3, f"<{'a' * 20}...>"), (f'<p:{"b" * 200} xmlns:p="u"/>', f"<p:{'b' * 18}...>")],
)
def test_long_names(node: str, shown: str, tmp_path: Path) -> None:
    (problem,) = problems_of(text_of("rnn_last").replace("<MVAPdfs/>", f"{node}<MVAPdfs/>"), tmp_path)
    assert problem.node == "MethodSetup"
    assert problem.message.startswith(f"{shown}, a name of")

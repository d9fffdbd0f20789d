"""Random, broken and malicious inputs for everything that reads what comes from outside.

`targets.py` says what is read, `readers.py` how. `grammars.py`, `configurations.py`, `mutation.py` and `containers.py`
make the inputs, `demands.py` large ones. `trial.py` says what may happen to one; `batch.py` and, led by the branches
that an input takes, `guided.py` read many in a process with limits, which `watching.py` and `command.py` watch.
"""

"""Random, broken and malicious inputs for everything that reads what comes from outside.

`targets.py` says what is read and what may happen, `grammars.py` and `mutation.py` make the inputs, `batch.py` runs
them in a process with limits, `command.py` watches over that process. An input is a pure function of target and seed.
"""

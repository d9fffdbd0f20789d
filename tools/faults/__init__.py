"""What may befall a run, done to it again and again: what it wrote is whole, and what it says is true.

`workbench.py` has the commands and what they write; each other module does one thing to them: `kills.py`, `disks.py`
(full ones, and such that can only be read), `cold_cache.py`, `replaced.py` (inputs that change), `together.py` (threads
and forks). `command.py` runs them.
"""

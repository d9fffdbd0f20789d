"""The numbers of a report: pure NumPy, with weights of either sign."""

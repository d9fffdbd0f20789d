"""The page of a report: one HTML document that needs nothing else."""

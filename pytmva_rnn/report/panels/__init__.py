"""The pictures of a report, drawn with Matplotlib: one file a subject."""

"""The report: what is measured, compared, judged and drawn."""

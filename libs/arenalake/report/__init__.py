"""The report: gold tables as one folder of HTML, plots and CSV files that works without a network."""

"""The program around the rooms: jobs and their graph, the session, logs, and the report as a whole."""

"""Raw files to entities: which files are new, what their records are, and which records may stay."""

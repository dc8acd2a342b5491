"""What judges prefer: properties of annotated responses, and how much each counts."""

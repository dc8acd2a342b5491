"""What is published is checked for what could point at a person."""

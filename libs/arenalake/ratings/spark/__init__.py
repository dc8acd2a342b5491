"""The model's rounds spread over a cluster."""

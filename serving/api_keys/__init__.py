"""API keys: what a person's programs come with, instead of their password."""

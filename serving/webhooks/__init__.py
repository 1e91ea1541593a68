"""Webhooks: what happens to a person, sent to the addresses that they named. By the Standard Webhooks specification."""

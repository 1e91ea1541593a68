"""Notices: what a person's apps are told as it happens, in the order in which it was written down."""

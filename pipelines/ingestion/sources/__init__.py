"""Sources: readers of what a vendor hands a person as their own data, one module each.

A source turns the records of an export into flat rows; the mapping of its name says which rows are which
events. It yields a row, or a `Bad` for a record that cannot be read; it puts samples that only together make
a row (the stages of a night, the steps of an hour) into the `Samples`, and counts in `NotRead` what AURORA has
no type for. To add one, write a module with `is_ours` and `read`, a mapping, and a line in `exports.py`.
"""

"""E-mails to people: a row for each, written with what causes it, until a server has taken it."""

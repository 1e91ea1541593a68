"""The model card: one page that says what a trained model answers, how well, for whom, and what it is not for.

`contents.py` makes plain data of a candidate and its judgement; `pictures.py` draws; `rendering.py` writes the
HTML. Nothing in a card names a person: people are counted, and numbered by their place in a plot.
"""

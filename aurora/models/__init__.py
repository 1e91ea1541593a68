"""Models: what is predicted, how it is trained, how it is judged. Data and pure functions only."""

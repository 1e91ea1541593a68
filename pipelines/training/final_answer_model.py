"""The registered model as MLflow runs it: feature columns in, the final answer out.

MLflow executes this file when the model is loaded ("models from code"), so nothing is pickled. It answers
with the same predictor as serving does; plain `predict` of the booster would forget the baseline.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from aurora.predictions.predictor import Predictor


class FinalAnswerModel(PythonModel):
    """One row of features per moment in; one row with the answer, its interval and its source out."""

    def load_context(self, context: PythonModelContext) -> None:
        self.predictor = Predictor.load(Path(context.artifacts["predictor"]).read_bytes())

    def predict(self, context, model_input, params=None):  # type: ignore[override]  # noqa: ANN001, ANN201  # MLflow takes hints for a schema
        """The final answers; a column that is not there is missing in every row."""
        del context, params
        columns = list(self.predictor.metadata.columns)
        table = pd.DataFrame(model_input).reindex(columns=columns).astype("float64").to_numpy()
        answers = self.predictor.answers(table)
        frame = pd.DataFrame(
            {
                "value": answers.values,
                "lower": answers.lower,
                "upper": answers.upper,
                "baseline": answers.baseline,
                "answered_by": answers.answerer.astype(str),
            }
        )
        if answers.probabilities is not None:
            classes = self.predictor.metadata.classes
            frame["class"] = [classes[number] for number in answers.probabilities.argmax(axis=1)]
            for number, name in enumerate(classes):
                frame[f"p_{name}"] = answers.probabilities[:, number]
        return frame


set_model(FinalAnswerModel())

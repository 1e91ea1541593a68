"""Training: from point-in-time rows to a judged, registered, published model. MLflow is met only here."""

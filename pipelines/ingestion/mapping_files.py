"""The shipped mappings, and those that people write themselves."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import ValidationError

from aurora.errors import AuroraError
from pipelines.ingestion.errors import MappingInvalidError, MappingUnknownError
from pipelines.ingestion.mapping import Mapping

FOLDER = Path(__file__).parent / "mappings"


def mapping_names() -> list[str]:
    """The mappings that come with AURORA."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_mapping(name: str) -> Mapping:
    """The shipped mapping called `name`, or the one in the YAML file at the path `name`."""
    path = Path(name) if name.endswith((".yaml", ".yml")) else FOLDER / f"{name}.yaml"
    if not path.is_file() or (path.parent == FOLDER and path.stem not in mapping_names()):
        raise MappingUnknownError(name, mapping_names())
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MappingInvalidError(path.name, f"it is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise MappingInvalidError(path.name, "it holds no keys")
    try:
        return Mapping.model_validate({"name": path.stem} | content)
    except ValidationError as error:
        raise MappingInvalidError(path.name, _in_words(error)) from error
    except AuroraError as error:
        raise MappingInvalidError(path.name, str(error)) from error


def _in_words(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}".removeprefix(": ")
        for problem in error.errors(include_url=False)
    )

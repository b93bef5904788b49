"""Modules of the backend in tests of the frontend: those that import nothing but what both Spaces share."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

from support.sources import ROOT


def backend_module(name: str) -> ModuleType:
    """The backend's module `src.{name}`, on the frontend's copy of the shared code, which is the same."""
    spec = spec_from_file_location(
        f"backend.{name}", ROOT / "backend" / "src" / f"{name.replace('.', '/')}.py"
    )
    assert spec and spec.loader
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

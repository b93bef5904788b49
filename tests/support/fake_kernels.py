"""A package `kernels` that leaves a note when it is imported or asked for code, instead of fetching it."""

from pathlib import Path

VERSION = "0.18.2"
"""One that transformers takes."""

SOURCE = """
from pathlib import Path
from types import ModuleType

NOTES = Path(__file__).with_name("notes")
NOTES.mkdir(exist_ok=True)
(NOTES / "imported").touch()


def get_kernel(repository, **settings):
    (NOTES / repository.replace("/", " ")).touch()
    kernel = ModuleType("kernel")
    kernel.flash_attn_varlen_func = kernel.flash_attn_func = lambda *args, **settings: None
    return kernel


def __getattr__(name):
    if name.startswith("_"):
        raise AttributeError(name)
    return lambda *args, **settings: (lambda thing: thing)
"""


def install(folder: Path) -> None:
    """Put the package where the modules of this folder are imported from."""
    (folder / "kernels" / "layer").mkdir(parents=True)
    (folder / "kernels" / "__init__.py").write_text(SOURCE)
    for module in ("__init__", "mode"):
        (folder / "kernels" / "layer" / f"{module}.py").write_text("Mode = object\n")
    metadata = folder / f"kernels-{VERSION}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: kernels\nVersion: {VERSION}\n")


def notes(folder: Path) -> set[str]:
    """What it noted: that it was imported, and the repositories whose code was asked for."""
    return {note.name for note in (folder / "kernels" / "notes").glob("*")}

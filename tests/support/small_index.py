"""A package index of a few invented packages, in a folder, so that compiling needs no network."""

from __future__ import annotations

import zipfile
from pathlib import Path


class SmallIndex:
    """What uv takes for PyPI, with `UV_DEFAULT_INDEX` set to its `address`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def address(self) -> str:
        return self._folder.as_uri()

    def release(self, name: str, version: str, *needs: str) -> None:
        """Publish a version; `needs` are its requirements."""
        folder = self._folder / name
        folder.mkdir(parents=True, exist_ok=True)
        info = f"{name.replace('-', '_')}-{version}.dist-info"
        metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        metadata += [f"Requires-Dist: {need}" for need in needs]
        with zipfile.ZipFile(folder / f"{info.removesuffix('.dist-info')}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{info}/METADATA", "\n".join(metadata) + "\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
        self._list(name)

    def withdraw(self, name: str, version: str) -> None:
        """Delete a version."""
        (self._folder / name / f"{name.replace('-', '_')}-{version}-py3-none-any.whl").unlink()
        self._list(name)

    def _list(self, name: str) -> None:
        wheels = sorted((self._folder / name).glob("*.whl"))
        links = [f'<a href="{wheel.name}">{wheel.name}</a>' for wheel in wheels]
        (self._folder / name / "index.html").write_text("<!DOCTYPE html>\n" + "\n".join(links))

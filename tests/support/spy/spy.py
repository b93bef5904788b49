"""Looks for tokens wherever a process can: in its environment, in token files, in every process's `/proc`."""

import json
import os
from pathlib import Path

MARK = "SPY FOUND "


def look(doc: object = None, results: object = None) -> dict[str, float]:
    """Print every place that holds a token of ours (they contain `hf_decoy`); a task's scoring function."""
    print(MARK + json.dumps(found()), flush=True)
    return {"acc": 1.0}


def found() -> list[str]:
    places = [f"environment {name}" for name, value in os.environ.items() if "hf_decoy" in value]
    from huggingface_hub import get_token

    if get_token():
        places.append("huggingface_hub.get_token()")
    hf_home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()
    for folder in {hf_home, Path("~/.cache/huggingface").expanduser()}:
        places += [str(file) for name in ("token", "stored_tokens") if (file := folder / name).exists()]
    for process in Path("/proc").glob("[0-9]*"):
        places += [str(process / name) for name in ("environ", "cmdline") if holds_a_token(process / name)]
    return places


def holds_a_token(path: Path) -> bool:
    try:
        return b"hf_decoy" in path.read_bytes()
    except OSError:
        return False


if __name__ == "__main__":
    look()

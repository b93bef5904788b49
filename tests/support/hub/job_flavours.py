"""The machines that the Hub of the tests offers to Jobs, at the prices of August 2026."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MINUTES = 60


@dataclass(frozen=True)
class JobFlavour:
    """A kind of machine.

    Memory is in GB, that of GPUs for all of them together; the price is in dollars an hour.
    """

    name: str
    pretty_name: str
    cpus: int
    memory: int
    price: float
    gpu: str | None = None
    gpus: int = 1
    gpu_memory: int = 0

    @property
    def accelerator(self) -> str:
        """What the variable ACCELERATOR says in a job."""
        return f"{self.gpus}x {self.gpu}" if self.gpu else ""

    def answer(self) -> dict[str, Any]:
        """What the Hub tells of it."""
        a_minute = self.price / MINUTES
        accelerator = {
            "type": "gpu",
            "model": self.gpu,
            "quantity": str(self.gpus),
            "vram": f"{self.gpu_memory} GB",
            "manufacturer": "Nvidia",
        }
        return {
            "name": self.name,
            "prettyName": self.pretty_name,
            "cpu": f"{self.cpus} vCPU",
            "ram": f"{self.memory} GB",
            "ephemeralStorage": "50 GB",
            "accelerator": accelerator if self.gpu else None,
            "unitCostMicroUSD": round(a_minute * 1_000_000),
            "unitCostUSD": round(a_minute, 6),
            "unitLabel": "minute",
        }


FLAVOURS = [
    JobFlavour("cpu-basic", "CPU Basic", 2, 16, 0.01),
    JobFlavour("cpu-upgrade", "CPU Upgrade", 8, 32, 0.03),
    JobFlavour("t4-small", "Nvidia T4 - small", 4, 15, 0.40, "T4", 1, 16),
    JobFlavour("l4x1", "1x Nvidia L4", 8, 30, 0.80, "L4", 1, 24),
    JobFlavour("l4x4", "4x Nvidia L4", 48, 186, 3.80, "L4", 4, 96),
    JobFlavour("a10g-small", "Nvidia A10G - small", 4, 15, 1.00, "A10G", 1, 24),
    JobFlavour("l40sx1", "1x Nvidia L40S", 8, 62, 1.80, "L40S", 1, 48),
    JobFlavour("a100-large", "Nvidia A100 - large", 12, 142, 2.50, "A100", 1, 80),
    JobFlavour("h200", "Nvidia H200", 23, 256, 5.00, "H200", 1, 141),
]

"""The machines that the Hub of the tests rents out for Inference Endpoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Compute:
    """A kind of machine in one region.

    Memory is in GB, that of GPUs for all of them together; the price is in dollars an hour.
    """

    vendor: str
    region: str
    accelerator: str
    instance_type: str
    size: int
    architecture: str
    cpus: int
    memory: float
    gpu_memory: int | None
    price: float
    status: str = "available"

    @property
    def id(self) -> str:
        return f"{self.vendor}-{self.region}-{self.instance_type}-x{self.size}"

    @property
    def accelerators(self) -> int:
        """How many GPUs it has; machines without one count as one."""
        return self.size if self.accelerator == "gpu" else 1

    def fits(self, provider: dict[str, Any], compute: dict[str, Any]) -> bool:
        """Whether an endpoint's body asks for this one."""
        asked = (
            *(provider["vendor"], provider["region"]),
            *(compute["accelerator"], compute["instanceType"], compute["instanceSize"]),
        )
        return asked == (
            *(self.vendor, self.region),
            *(self.accelerator, self.instance_type, f"x{self.size}"),
        )

    def answer(self, *, quota: int, used: int) -> dict[str, Any]:
        """What the Hub tells of it."""
        return {
            "id": self.id,
            "accelerator": self.accelerator,
            "instanceType": self.instance_type,
            "instanceSize": f"x{self.size}",
            "architecture": self.architecture,
            "numAccelerators": self.accelerators,
            "numCpus": self.cpus,
            "memoryGb": self.memory,
            "gpuMemoryGb": self.gpu_memory,
            "pricePerHour": self.price,
            "status": self.status,
            "quota": {"maxAccelerators": quota, "usedAccelerators": used},
        }


# fmt: off
US, EU = ("aws", "us-east-1"), ("aws", "eu-west-1")
COMPUTES = [
    Compute(*US, "cpu", "intel-spr", 4, "Intel Sapphire Rapids", 4, 8, None, 0.134),
    Compute(*US, "gpu", "nvidia-t4", 1, "Nvidia Tesla T4", 3, 14, 16, 0.5),
    Compute(*US, "gpu", "nvidia-l4", 1, "Nvidia L4", 7, 30, 24, 0.8),
    Compute(*US, "gpu", "nvidia-l4", 4, "Nvidia L4", 42, 160, 96, 3.8),
    Compute(*US, "gpu", "nvidia-a10g", 1, "Nvidia A10G", 6, 30, 24, 1.0, status="low_availability"),
    Compute(*US, "gpu", "nvidia-l40s", 1, "Nvidia L40S", 7, 30, 48, 1.8),
    Compute(*US, "gpu", "nvidia-a100", 1, "Nvidia A100", 11, 142, 80, 2.5),
    Compute(*US, "gpu", "nvidia-a100", 2, "Nvidia A100", 22, 284, 160, 5.0),
    Compute(*US, "gpu", "nvidia-a100", 4, "Nvidia A100", 44, 568, 320, 10.0),
    Compute(*US, "gpu", "nvidia-a100", 8, "Nvidia A100", 88, 1136, 640, 20.0),
    Compute(*US, "gpu", "nvidia-h200", 1, "Nvidia H200", 22, 240, 141, 5.0),
    Compute(*EU, "gpu", "nvidia-t4", 1, "Nvidia Tesla T4", 3, 14, 16, 0.5, status="deprecated"),
    Compute(*EU, "gpu", "nvidia-l4", 1, "Nvidia L4", 7, 30, 24, 0.8),
    Compute(*EU, "gpu", "nvidia-l40s", 1, "Nvidia L40S", 7, 30, 48, 1.8, status="not_available"),
]
# fmt: on

"""Programs that use CPU and memory on purpose: what the lessons on requests, limits and autoscaling run.

    polinux/stress    stress --cpu N --vm N --vm-bytes 250M [--timeout 60]
    vish/stress       -cpus N -mem-total 250Mi
    hpa-example       a page that costs 60 ms of CPU: the web server of the tutorial on autoscaling

Models: the images that Kubernetes' documentation uses for these topics.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from k8snb.apimachinery import quantity
from k8snb.kubelet.images.consumption import MIB, Appetite
from k8snb.kubelet.images.echo import option
from k8snb.kubelet.images.image import Image
from k8snb.kubelet.images.process import Process
from k8snb.seams.cni import HTTPReply, HTTPRequest


def amount(text: str) -> int:
    """``250M``, ``1G`` and ``256Mi`` as bytes: the tool's own letters are powers of 1024."""
    found = re.fullmatch(r"(\d+)([BKMGkmg]?)", text)
    if found:
        return int(found[1]) << {"": 0, "B": 0, "K": 10, "M": 20, "G": 30}[found[2].upper()]
    return quantity.value(text)


class Stress(Image):
    """polinux/stress."""

    name = "polinux/stress"
    about = "images.stress"
    aliases: ClassVar[tuple[str, ...]] = ("docker.io/progrium/stress", "docker.io/alexeiled/stress-ng", "docker.io/polinux/stress-ng")
    versions: ClassVar[tuple[str, ...]] = ("latest", "1.0.4")
    size = 4_000_000
    command: ClassVar[tuple[str, ...]] = ("/bin/bash",)
    programs: ClassVar[tuple[str, ...]] = ("stress", "stress-ng")
    absent: ClassVar[tuple[str, ...]] = ("curl",)
    uses: ClassVar[Appetite] = Appetite(memory=MIB)

    def start(self, process: Process) -> None:
        """Take what the options say."""
        cpus, workers = (
            int(option(process, "cpu", "") or option(process, "c", "0")),
            int(option(process, "vm", "") or option(process, "m", "0")),
        )
        size = amount(option(process, "vm-bytes", "256M"))
        process.log(f"stress: info: [1] dispatching hogs: {cpus} cpu, 0 io, {workers} vm, 0 hdd")
        idle = workers and "--vm-hang" in " ".join(process.argv)
        process.use(cpu=1000 * (cpus + (0 if idle else workers)), memory=MIB + workers * size, processes=1 + cpus + workers)
        limit = option(process, "timeout", "") or option(process, "t", "")
        if limit:
            process.sleep(float(limit.rstrip("s")))

    def step(self, process: Process) -> None:
        """The time is over."""
        process.log(f"stress: info: [1] successful run completed in {int(process.uptime)}s")
        process.exit(0)


class VishStress(Image):
    """vish/stress."""

    name = "vish/stress"
    about = "images.stress"
    size = 1_400_000
    entrypoint: ClassVar[tuple[str, ...]] = ("/stress",)
    programs: ClassVar[tuple[str, ...]] = ("stress",)
    shell = False
    uses: ClassVar[Appetite] = Appetite(memory=MIB)

    def start(self, process: Process) -> None:
        """Take what the options say: memory at once, however small the steps are that one asks for."""
        cpus, total = int(option(process, "cpus", "0")), option(process, "mem-total", "0")
        process.log(f'main.go:26] Allocating "{total}" memory, in "{option(process, "mem-alloc-size", "4Ki")}" chunks')
        process.log(f"main.go:39] Spawning {cpus} thread to consume CPU")
        process.use(cpu=1000 * cpus, memory=MIB + amount(total))


class HPAExample(Image):
    """The web server of the tutorial on the HorizontalPodAutoscaler: every request computes for a while."""

    name = "registry.k8s.io/hpa-example"
    about = "images.hpa_example"
    aliases: ClassVar[tuple[str, ...]] = ("k8s.gcr.io/hpa-example", "gcr.io/google_containers/hpa-example")
    size = 150_000_000
    command: ClassVar[tuple[str, ...]] = ("apache2-foreground",)
    programs: ClassVar[tuple[str, ...]] = ("apache2-foreground",)
    absent: ClassVar[tuple[str, ...]] = ("wget", "nslookup", "nc", "httpd")
    ports: ClassVar[tuple[int, ...]] = (80,)
    uses: ClassVar[Appetite] = Appetite(cpu=1, memory=12 * MIB, request=60_000, load=MIB // 4)
    files: ClassVar[Mapping[str, str]] = {  # what it computes, as the tutorial shows it
        "/var/www/html/index.php": "<?php\n  $x = 0.0001;\n  for ($i = 0; $i <= 1000000; $i++) {\n    $x += sqrt($x);\n  }\n"
        '  echo "OK!";\n?>\n'
    }

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """OK, after 60 ms of CPU."""
        return HTTPReply(200, "OK!", latency=60_000)

    def terminate(self, process: Process) -> None:
        """End well."""
        process.exit(0)


STRESS: tuple[type[Image], ...] = (Stress, VishStress, HPAExample)

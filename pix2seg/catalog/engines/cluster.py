"""A Ray cluster: actors that hold the model, one for each CPU or GPU that it may take."""

import logging
from collections.abc import Sequence
from typing import Any

from pix2seg.catalog.engines.base import Runner, WorkerDied
from pix2seg.catalog.work import Job, Worker
from pix2seg.errors import CatalogError, Pix2SegError


class RayPool:
    """Actors of a Ray cluster.

    Ray's own checkpoints are left alone: they stop at the first exception. A shard that is
    written is done, whoever wrote it.

    Where the job leaves the device open, actors take GPUs if the cluster has any.

    Args:
        job: what to do; its catalogue, its source and its weights must be there for every machine.
        address: of the cluster; `auto` for the one that is running, `local` for a new one here.

    Attributes:
        on_gpu: whether each actor takes a GPU, not a CPU alone.

    Raises:
        CatalogError: Ray is not installed, or there is no cluster at the address.
    """

    def __init__(self, job: Job, address: str) -> None:
        self.ray, self.job = _import_ray(), job
        if not self.ray.is_initialized():
            try:
                self.ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
            except (ConnectionError, ValueError, RuntimeError) as error:
                reason = (str(error).splitlines() or [""])[0]
                raise CatalogError(f"no Ray cluster at '{address}' ({reason})") from None
        device = job.settings.device
        has_gpus = "GPU" in self.ray.cluster_resources()
        self.on_gpu = has_gpus if device == "auto" else device.startswith("cuda")

    def worker_count(self, wanted: int | None) -> int:
        """How many actors to take on: as wanted, or as many as the cluster has room for.

        Raises:
            CatalogError: there is no room for so many. One CPU stays free: where actors hold all
                of them, what Ray runs beside them waits for ever (Ray's issue 44687).
        """
        resources = self.ray.cluster_resources()
        cpus = int(resources.get("CPU", 0))
        room = cpus - 1
        if self.on_gpu:
            room = min(room, int(resources.get("GPU", 0)))
        if room < max(wanted or 0, 1):
            raise CatalogError(
                f"the cluster has {cpus} CPUs and {int(resources.get('GPU', 0))} GPUs, and one CPU "
                f"must stay free: there is room for {max(room, 0)} workers, not {wanted or 1}"
            )
        return wanted or room

    def start(self) -> "RayRunner":
        """Start an actor."""
        options: dict[str, Any] = {"num_cpus": 1, "max_restarts": 0}
        if self.on_gpu:
            options["num_gpus"] = 1
        else:
            options["runtime_env"] = {"env_vars": {"OMP_NUM_THREADS": "1"}}
        actor = self.ray.remote(_Actor).options(**options).remote(self.job)
        return RayRunner(self.ray, actor)

    def waiting(self, runners: Sequence[Runner]) -> Sequence[Runner]:
        """Those that have something to say."""
        by_stream = {runner.said: runner for runner in runners if isinstance(runner, RayRunner)}
        ready, _ = self.ray.wait(list(by_stream), num_returns=1)
        return [by_stream[stream] for stream in ready]


class RayRunner:
    """An actor with a worker; `said` streams what it has to say about its shard."""

    def __init__(self, ray: Any, actor: Any) -> None:
        self.ray, self.actor = ray, actor
        self.said: Any = None

    def give(self, shard: int, deadly: Sequence[int]) -> None:
        """Let it do a shard."""
        self.said = self.actor.run.options(num_returns="streaming").remote(shard, deadly)

    def take(self) -> bool | None:
        """What it has to say."""
        try:
            return bool(self.ray.get(next(self.said)))
        except StopIteration:
            return None
        except self.ray.exceptions.RayActorError as error:
            if isinstance(error, self.ray.exceptions.ActorDiedError) and not _loaded(error):
                raise CatalogError(f"a worker could not start: {_reason(error)}") from None
            raise WorkerDied from None
        except self.ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, Pix2SegError):
                raise error.cause from None
            raise CatalogError(f"a worker cannot go on: {_reason(error)}") from error

    def stop(self) -> None:
        """End the actor."""
        self.ray.kill(self.actor)


class _Actor:
    """What runs on the cluster's machines."""

    def __init__(self, job: Job) -> None:
        self.worker = Worker(job)

    def run(self, shard: int, deadly: Sequence[int]) -> Any:
        """Do a shard; see `Worker.run`."""
        yield from self.worker.run(shard, deadly)


def _import_ray() -> Any:
    try:
        import ray
    except ImportError:
        raise CatalogError(
            "a Ray cluster needs ray: pip install '.[ray]' in the checkout of pix2seg"
        ) from None
    return ray


def _loaded(error: BaseException) -> bool:
    """Whether the actor had its models when it died."""
    return "creation task" not in str(error)


def _reason(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1].strip() if lines else type(error).__name__

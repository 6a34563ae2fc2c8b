"""Loads, serves and unloads the versions of all models."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from tensorflow_serving.config import model_server_config_pb2

from serving.publishing.names import folder_versions
from serving.server.config_files import check_config
from serving.server.options import ServerOptions
from serving.server.servable import Servable
from serving.status_error import Code, StatusError, internal, invalid


class State(IntEnum):
    """The states of ModelVersionStatus, with its numbers."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass
class VersionState:
    """One version of one model.

    Attributes:
        path: Its folder.
        state: Where it is in its life.
        aspired: Whether the policy wants it served.
        servable: What answers, while AVAILABLE.
        error: Why the last load failed.
        failures: How many loads failed.
        retry_at: Seconds on the monotonic clock before which it is not tried again.
    """

    path: Path
    state: State = State.START
    aspired: bool = True
    servable: Servable | None = None
    error: StatusError | None = None
    failures: int = 0
    retry_at: float = 0.0


def aspired_versions(model: Any) -> dict[int, Path]:
    """The versions that a ModelConfig's policy picks from its base path.

    Args:
        model: A `tensorflow.serving.ModelConfig`. Its policy is `latest` with one version
            unless it says `latest { num_versions }`, `all` or `specific { versions }`.

    Raises:
        StatusError: INVALID_ARGUMENT if the base path does not exist. Nothing may be unloaded
            then: a share that is away for a moment is not an empty model.
    """
    base = Path(model.base_path)
    if not base.is_dir():
        raise invalid(f"Could not find base path {base} for servable {model.name}")
    found = folder_versions(base)
    policy = model.model_version_policy
    choice = policy.WhichOneof("policy_choice")
    if choice == "all":
        picked = found
    elif choice == "specific":
        picked = {v: found[v] for v in sorted(set(policy.specific.versions)) if v in found}
        missing = sorted(set(policy.specific.versions) - set(found))
        if missing:
            _log.warning("versions %s of servable %s are not in %s", missing, model.name, base)
    else:
        count = max(policy.latest.num_versions, 1)
        picked = {v: found[v] for v in sorted(found)[-count:]}
    if not picked:
        _log.warning("No versions of servable %s found under base path %s", model.name, base)
    return picked


_log = logging.getLogger(__name__)

Load = Callable[[Path, int], Servable]


class VersionManager:
    """Keeps what is served equal to what the configuration and the disk ask for.

    A new version is loaded beside the old one, and the old one goes only when the new one
    answers; a version that fails to load changes nothing for those who ask.

    Args:
        options: The server's settings.
        load: Loads and warms a version; whatever it raises, the version has failed.
    """

    def __init__(self, options: ServerOptions, load: Load) -> None:
        self._options = options
        self._load = load
        self._config = model_server_config_pb2.ModelServerConfig()
        self._models: dict[str, dict[int, VersionState]] = {}
        self._labels: dict[tuple[str, str], int] = {}
        # `_changing` lets one thread at a time load and unload; `_lock` guards the tables and
        # is held for moments only, so that requests never wait for a load.
        self._changing = threading.RLock()
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def reload(self, config: Any) -> None:
        """Realises a configuration: exactly its models, its policies, its labels.

        Returns when every new model has a version that answers, or has none on disk.

        Args:
            config: A `tensorflow.serving.ModelServerConfig`.

        Raises:
            StatusError: INVALID_ARGUMENT or FAILED_PRECONDITION for a configuration that cannot
                be; UNKNOWN if no version of a new model loads.
        """
        with self._changing:
            check_config(config, self._config)
            if config.WhichOneof("config") is None:
                return
            labels = self._checked_labels(config)
            known = {model.name for model in self._config.model_config_list.config}
            new = [m.name for m in config.model_config_list.config if m.name not in known]
            with self._lock:
                self._config = config
                self._labels = labels
            names = {model.name for model in config.model_config_list.config}
            for name in set(self._models) - names:
                self._aspire(name, {})
            self._poll_logged()
        self._await(new)

    def _checked_labels(self, config: Any) -> dict[tuple[str, str], int]:
        labels: dict[tuple[str, str], int] = {}
        for model in config.model_config_list.config:
            states = self._models.get(model.name, {})
            for label, version in model.version_labels.items():
                moved = self._labels.get((model.name, label), version) != version
                allowed = self._options.allow_version_labels_for_unavailable_models and not moved
                state = states.get(version)
                if not allowed and (state is None or state.state != State.AVAILABLE):
                    raise StatusError(
                        Code.FAILED_PRECONDITION,
                        f"Request to assign label to version {version} of model {model.name}, "
                        "which is not currently available for inference",
                    )
                labels[model.name, label] = version
        return labels

    def _await(self, names: list[str]) -> None:
        """Waits until each model answers, or all its versions failed for good."""
        while not self._stopped.is_set():
            with self._lock:
                wanted = {
                    name: {v: s for v, s in self._models.get(name, {}).items() if s.aspired}
                    for name in names
                }
            open_, dead = [], []
            for name, states in wanted.items():
                if any(state.state == State.AVAILABLE for state in states.values()):
                    continue
                if all(state.state == State.END for state in states.values()):
                    dead += [(name, version, state) for version, state in states.items()]
                else:
                    open_ += [state.retry_at for state in states.values()]
            if dead and not open_:
                raise StatusError(Code.UNKNOWN, _unavailable(dead))
            if not open_:
                return
            self._stopped.wait(min(max(min(open_) - time.monotonic(), 0.0), 0.1))
            self.poll_due()

    def poll(self) -> None:
        """Looks for versions that came or went, and loads and unloads accordingly.

        Raises:
            StatusError: INVALID_ARGUMENT if a base path does not exist; nothing is changed then.
        """
        with self._changing:
            models = list(self._config.model_config_list.config)
            for name, found in [(model.name, aspired_versions(model)) for model in models]:
                self._aspire(name, found)

    def _poll_logged(self) -> None:
        try:
            self.poll()
        except Exception as error:  # the disk may do anything, and comes back
            _log.error("encountered a filesystem access error: %s", internal(error).message)

    def poll_due(self) -> None:
        """Tries again the failed loads whose time has come."""
        with self._changing:
            for name in list(self._models):
                self._realise(name)

    def _aspire(self, name: str, found: dict[int, Path]) -> None:
        with self._lock:
            states = self._models.setdefault(name, {})
            for version, state in states.items():
                if version not in found:
                    state.aspired = False
                    if state.state in (State.START, State.LOADING):
                        state.state = State.END
            for version, path in found.items():
                known = states.get(version)
                if known is None or (known.state == State.END and not known.aspired):
                    states[version] = VersionState(path)
                else:
                    known.aspired = True
        self._realise(name)

    def _realise(self, name: str) -> None:
        """Unloads and loads, one version at a time, until there is nothing to do now."""
        while not self._stopped.is_set():
            states = self._models.get(name, {})
            going = self._next_unload(states)
            if going is not None:
                self._unload(states[going])
                continue
            now = time.monotonic()
            due = [
                version
                for version, state in states.items()
                if state.aspired
                and state.state in (State.START, State.LOADING)
                and state.retry_at <= now
            ]
            if not due:
                return
            self._try_load(name, max(due), states[max(due)])

    @staticmethod
    def _next_unload(states: dict[int, VersionState]) -> int | None:
        """The lowest version to let go, if availability allows one to go."""
        ready = {v: s for v, s in states.items() if s.state == State.AVAILABLE}
        unaspired = [version for version, state in ready.items() if not state.aspired]
        has_aspired = any(state.aspired for state in states.values())
        serving = any(state.aspired for state in ready.values())
        if unaspired and (not has_aspired or serving or len(unaspired) > 1):
            return min(unaspired)
        return None

    def _try_load(self, name: str, version: int, state: VersionState) -> None:
        state.state = State.LOADING
        try:
            servable = self._load(state.path, version)
        except Exception as raised:  # a version is a stranger's files: others are served still
            error = internal(raised)
            _log.error(
                "loading servable {name: %s version: %s} failed: %s",
                name,
                version,
                error,
                exc_info=None if raised is error else raised,
            )
            with self._lock:
                state.error = error
                state.failures += 1
                if state.failures > self._options.max_num_load_retries:
                    state.state = State.END
                else:
                    wait = self._options.load_retry_interval_micros / 1e6
                    state.retry_at = time.monotonic() + wait
            return
        with self._lock:
            state.servable, state.error, state.state = servable, None, State.AVAILABLE
        _log.info("loaded servable {name: %s version: %s}", name, version)

    def _unload(self, state: VersionState) -> None:
        with self._lock:
            servable, state.servable = state.servable, None
            state.state = State.UNLOADING
        try:
            if servable is not None:
                servable.close()
        except Exception:
            _log.exception("unloading %s failed", state.path)
        with self._lock:
            state.state = State.END

    @contextmanager
    def servable(self, spec: Any) -> Iterator[Servable]:
        """The version that a ModelSpec asks for, kept loaded while the block runs.

        Args:
            spec: A `tensorflow.serving.ModelSpec`: a name, and a version, a label or neither,
                which means the highest that answers.

        Raises:
            StatusError: INVALID_ARGUMENT without a name or with an unknown label; NOT_FOUND if
                no such version answers.
        """
        if not spec.name:
            raise invalid("ModelSpec has no name specified.")
        with self._lock:
            found = self._find(spec)
            found.session.acquire()
        try:
            yield found
        finally:
            found.session.release()

    def _find(self, spec: Any) -> Servable:
        ready = {
            version: state.servable
            for version, state in self._models.get(spec.name, {}).items()
            if state.servable is not None
        }
        choice = spec.WhichOneof("version_choice")
        if choice is None:
            if not ready:
                raise StatusError(
                    Code.NOT_FOUND, f"Servable not found for request: Latest({spec.name})"
                )
            return ready[max(ready)]
        if choice == "version_label":
            label = (spec.name, spec.version_label)
            if label not in self._labels:
                raise invalid(f"Unrecognized servable version label: {spec.version_label}")
            version = self._labels[label]
        else:
            version = spec.version.value
        if version not in ready:
            raise StatusError(
                Code.NOT_FOUND, f"Servable not found for request: Specific({spec.name}, {version})"
            )
        return ready[version]

    def states(self, name: str) -> dict[int, VersionState]:
        """The versions of a model that were ever aspired, the highest first."""
        with self._lock:
            states = dict(self._models.get(name, {}))
        return dict(sorted(states.items(), reverse=True))

    def watch(self, stop: threading.Event, on_tick: Callable[[], None]) -> None:
        """Polls the file system until told to stop, whatever goes wrong at a look.

        Args:
            stop: Ends the watch.
            on_tick: Called before every look, for instance to read a configuration file.
        """
        every = self._options.file_system_poll_wait_seconds
        while not stop.wait(every if every > 0 else 1.0):
            try:
                on_tick()
                if every > 0:
                    self._poll_logged()
                self.poll_due()
            except Exception:
                _log.exception("a look for versions failed; the next one is due as ever")

    def close(self) -> None:
        """Unloads everything, after the requests that still run."""
        self._stopped.set()
        with self._changing:
            for states in self._models.values():
                for state in states.values():
                    if state.state == State.AVAILABLE:
                        self._unload(state)


def _unavailable(dead: list[tuple[str, int, VersionState]]) -> str:
    parts = "".join(
        f"{{{{name: {name} version: {version}}} due to error: {state.error}}}, "
        for name, version, state in dead
    )
    return f"{len(dead)} model(s) did not become available: {{{parts}}}"

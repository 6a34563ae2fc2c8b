"""One loaded version of a model, with the requests it answers."""

from typing import Any

from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,
    model_pb2,
    predict_pb2,
    regression_pb2,
)

from serving.server.batching import Batcher
from serving.server.methods import (
    fill_classifications,
    fill_regressions,
    prepare_classify,
    prepare_predict,
    prepare_regress,
    serialized_examples,
)
from serving.session.session import Session
from serving.signatures import CLASSIFY, DEFAULT_SIGNATURE, REGRESS
from serving.status_error import Code, StatusError, invalid
from serving.wire.tensors import fill_content, fill_fields


class Servable:
    """A version that is loaded, under the rules of TensorFlow Serving's handlers.

    Args:
        session: The version, loaded; closed with this.
        version: Its number, which answers carry.
        check_method: Whether signatures must carry the method name of the request.
        as_content: Whether Predict answers with raw bytes. Otherwise with typed fields.
        batcher: Runs the session on joined requests; closed with this. Without one, each request
            is a run of its own.
    """

    def __init__(
        self,
        session: Session,
        version: int,
        *,
        check_method: bool = False,
        as_content: bool = False,
        batcher: Batcher | None = None,
    ) -> None:
        self.version = version
        self.session = session
        self._batcher = batcher
        self._runner: Session | Batcher = batcher or session
        self._fill = fill_content if as_content else fill_fields
        try:
            self.signatures = meta_graph_pb2.MetaGraphDef.FromString(
                self.session.meta_graph
            ).signature_def
        except BaseException:
            self.close()
            raise
        self._check_method = check_method

    def predict(self, request: Any, *, timeout_ms: int = 0) -> Any:
        """Answers a PredictRequest.

        Raises:
            StatusError: FAILED_PRECONDITION for an unknown signature, INVALID_ARGUMENT for
                inputs or outputs that do not fit, otherwise what TensorFlow says.
        """
        name = request.model_spec.signature_name or DEFAULT_SIGNATURE
        if name not in self.signatures:
            raise StatusError(
                Code.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.'
            )
        feeds, outputs = prepare_predict(
            self.signatures[name], request, check_method=self._check_method
        )
        arrays = self._runner.run_tensors(feeds, list(outputs.values()), timeout_ms=timeout_ms)
        response = predict_pb2.PredictResponse(model_spec=self._spec(request.model_spec))
        for alias, array in zip(outputs, arrays, strict=True):
            self._fill(response.outputs[alias], array)
        return response

    def classify(self, request: Any, *, timeout_ms: int = 0) -> Any:
        """Answers a ClassificationRequest.

        Raises:
            StatusError: INVALID_ARGUMENT if signature, input or answer do not fit, otherwise
                what TensorFlow says.
        """
        signature = self._example_signature(request.model_spec)
        input_name, outputs = prepare_classify(signature, check_method=self._check_method)
        examples = serialized_examples(request.input)
        arrays = self._runner.run_tensors(
            {input_name: examples}, list(outputs.values()), timeout_ms=timeout_ms
        )
        response = classification_pb2.ClassificationResponse(
            model_spec=self._spec(request.model_spec)
        )
        answers = dict(zip(outputs, arrays, strict=True))
        fill_classifications(answers, len(examples), response.result)
        return response

    def regress(self, request: Any, *, timeout_ms: int = 0) -> Any:
        """Answers a RegressionRequest.

        Raises:
            StatusError: INVALID_ARGUMENT if signature, input or answer do not fit, otherwise
                what TensorFlow says.
        """
        signature = self._example_signature(request.model_spec)
        input_name, output_name = prepare_regress(signature, check_method=self._check_method)
        examples = serialized_examples(request.input)
        (array,) = self._runner.run_tensors(
            {input_name: examples}, [output_name], timeout_ms=timeout_ms
        )
        response = regression_pb2.RegressionResponse(model_spec=self._spec(request.model_spec))
        fill_regressions(array, len(examples), response.result)
        return response

    def multi_inference(self, request: Any, *, timeout_ms: int = 0) -> Any:
        """Answers a MultiInferenceRequest, with one run for all its tasks.

        Raises:
            StatusError: INVALID_ARGUMENT if tasks, signatures, input or answers do not fit,
                UNIMPLEMENTED for a task that neither classifies nor regresses.
        """
        plans = self._plan(request.tasks)
        inputs = sorted({input_name for _, input_name, _ in plans})
        fetches = sorted({name for _, _, outputs in plans for name in outputs.values()})
        examples = serialized_examples(request.input)
        arrays = self._runner.run_tensors(
            dict.fromkeys(inputs, examples), fetches, timeout_ms=timeout_ms
        )
        found = dict(zip(fetches, arrays, strict=True))
        response = inference_pb2.MultiInferenceResponse()
        for task, _, outputs in plans:
            result = response.results.add(model_spec=self._spec(task.model_spec))
            if task.method_name == CLASSIFY:
                answers = {key: found[name] for key, name in outputs.items()}
                fill_classifications(answers, len(examples), result.classification_result)
            else:
                fill_regressions(found[outputs["outputs"]], len(examples), result.regression_result)
        return response

    def _plan(self, tasks: Any) -> list[tuple[Any, str, dict[str, str]]]:
        """Each task with its input's and its outputs' tensor names."""
        plans: list[tuple[Any, str, dict[str, str]]] = []
        seen: set[str] = set()
        for task in tasks:
            if not task.model_spec.name:
                raise invalid("Found ModelSpec with an empty model name.")
            if task.model_spec.name != tasks[0].model_spec.name:
                raise invalid(
                    "All ModelSpecs in a MultiInferenceRequest must access the same model name."
                )
            name = task.model_spec.signature_name or DEFAULT_SIGNATURE
            if name in seen:
                raise invalid(f"Duplicate evaluation of signature: {name}")
            seen.add(name)
            if name not in self.signatures:
                raise invalid(f"Requested signature not found in model graph: {name}")
            signature = self.signatures[name]
            if task.method_name == CLASSIFY:
                plans.append((task, *prepare_classify(signature, check_method=self._check_method)))
            elif task.method_name == REGRESS:
                source, output = prepare_regress(signature, check_method=self._check_method)
                plans.append((task, source, {"outputs": output}))
            else:
                raise StatusError(
                    Code.UNIMPLEMENTED, f"Unsupported signature method_name: {task.method_name}"
                )
        return plans

    def _example_signature(self, spec: Any) -> Any:
        name = spec.signature_name or DEFAULT_SIGNATURE
        if name not in self.signatures:
            raise invalid(f"No signature was found with the name: {name}")
        return self.signatures[name]

    def _spec(self, asked: Any) -> Any:
        """The model that answered: resolved name, signature and version."""
        spec = model_pb2.ModelSpec(
            name=asked.name, signature_name=asked.signature_name or DEFAULT_SIGNATURE
        )
        spec.version.value = self.version
        return spec

    def close(self) -> None:
        """Waits for running requests and frees the memory."""
        self.session.close()
        if self._batcher is not None:
            self._batcher.close()

"""Build feed-forward networks from arrays of weights and compile them without TensorFlow: ONNX Runtime, OpenVINO."""

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

# It tells its maker over the network that it is in use, unless it finds this when it is imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

# This one's converter of other libraries' networks tells its maker when it is imported: it is not, and not missed.
sys.modules.setdefault("openvino.tools.ovc", None)  # type: ignore[arg-type]
try:
    import openvino
except ImportError:  # there is none for this system, see requirements-worker.txt
    openvino = None

Array = npt.NDArray[np.float32]
Compiled = Callable[[npt.NDArray[Any]], Array]
OPSET, IR_VERSION = 17, 9
# How many pictures OpenVINO takes at once: others are put together of these, the largest first.
SIZES = (16, 8, 4, 2, 1)
# A GPU is used where ONNX Runtime's build for it is installed in place of the ordinary one and finds the CUDA that it
# was built with. These are what it was built for; what a network really got, its session tells.
GPU, PROCESSOR = "CUDAExecutionProvider", "CPUExecutionProvider"
PROVIDERS = [name for name in (GPU, PROCESSOR) if name in onnxruntime.get_available_providers()]

logger = logging.getLogger(__name__)


def multiplies_bytes() -> bool:
    """Return whether this processor multiplies bytes exactly and fast (VNNI, on Linux); others stay with float32.

    Without it ONNX Runtime adds pairs of products in 16 bits, which overflow.
    """
    try:
        words = set(Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split())
    except OSError:
        return False
    return bool(words & {"avx512_vnni", "avx_vnni"}) and PROVIDERS == [PROCESSOR]


class Graph:
    """A network under construction. Methods take and return names of tensors laid out as (n, channels, h, w).

    With `ranges`, the lowest and the highest value of each tensor that is passed to `rounded`, in that order, these
    tensors and the kernels that are applied to them have eight bits, and products are added in 32.
    """

    def __init__(self, ranges: Array | None = None) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._ranges = None if ranges is None else iter(ranges)
        self._scales: dict[str, float] = {}
        self._roundable: list[str] = []

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add one ONNX operator and return the name of its output."""
        name = f"t{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, values: npt.NDArray[Any]) -> str:
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def pixels(self) -> str:
        """Return the input, (n, h, w, channels) uint8, as (n, channels, h, w) float32."""
        return self.node("Transpose", self.node("Cast", "input", to=TensorProto.FLOAT), perm=[0, 3, 1, 2])

    def rounded(self, x: str) -> str:
        """Give a tensor eight bits where the network has ranges; without them, note what `observed` shows."""
        if self._ranges is None:
            self._roundable.append(x)
            return x
        low, high = (float(value) for value in next(self._ranges))
        low, high = min(low, 0.0), max(high, 1e-3)
        scale = (high - low) / 255
        how = self.constant(np.array(scale, np.float32)), self.constant(np.array(round(-low / scale), np.uint8))
        name = self.node("DequantizeLinear", self.node("QuantizeLinear", x, *how), *how)
        self._scales[name] = scale
        return name

    def convolution(self, x: str, kernel: Array, bias: Array, stride: int = 1, *, same: bool = False) -> str:
        """Convolve with a (h, w, in, out) kernel; `same` pads as TensorFlow does: more at the end where it is odd."""
        pads = [0, 0, 0, 0]
        if same:
            total = max(kernel.shape[0] - stride, 0)
            pads = [total // 2, total // 2, total - total // 2, total - total // 2]
        weights = kernel.transpose(3, 2, 0, 1)
        if x in self._scales:
            names = self._eight_bits(weights, bias, self._scales[x])
        else:
            names = self.constant(weights), self.constant(bias)
        return self.node("Conv", x, *names, strides=[stride, stride], pads=pads)

    def _eight_bits(self, weights: Array, bias: Array, scale: float) -> tuple[str, str]:
        """Add weights (out, in, h, w) of eight bits, each output channel with a scale of its own, and their bias.

        A channel that has next to no weights, as those of a block that learned little, is laid out by its bias, which
        has 32 bits of the same steps.
        """
        fit = np.maximum(np.abs(bias) / scale / 2**30, 1e-9)
        steps = np.maximum(np.abs(weights).max(axis=(1, 2, 3)) / 127, fit).astype(np.float32)
        small = np.round(weights / steps[:, None, None, None]).astype(np.int8)
        sums = np.round(bias / (steps * scale)).astype(np.int32)
        none = self.constant(np.zeros(len(steps), np.int8)), self.constant(np.zeros(len(steps), np.int32))
        kernel = self.node("DequantizeLinear", self.constant(small), self.constant(steps), none[0], axis=0)
        offset = self.node(
            "DequantizeLinear", self.constant(sums), self.constant((steps * scale).astype(np.float32)), none[1], axis=0
        )
        return kernel, offset

    def prelu(self, x: str, slope: Array) -> str:
        """Multiply negative values by their channel's slope.

        max(x, slope * x), and min for slopes above 1, takes half the time of ONNX Runtime's own operator.
        """
        shape = (-1, 1, 1) if slope.ndim == 3 else (-1,)
        slope = slope.reshape(shape)
        if (slope <= 1).all():
            return self.node("Max", x, self.node("Mul", x, self.constant(slope)))
        x = self.node("Max", x, self.node("Mul", x, self.constant(np.minimum(slope, 1))))
        return self.node("Min", x, self.node("Mul", x, self.constant(np.maximum(slope, 1))))

    def pool(self, x: str, size: int, *, same: bool = False) -> str:
        """Take the maximum over windows, two pixels apart."""
        return self.node("MaxPool", x, kernel_shape=[size, size], strides=[2, 2], ceil_mode=int(same))

    def dense(self, x: str, weights: Array, bias: Array) -> str:
        """Multiply rows (n, inputs) by `weights` (inputs, outputs) and add `bias` (outputs,)."""
        return self.node("Gemm", x, self.constant(weights), self.constant(bias))

    def compile(self, output: str, shape: tuple[str | int, ...], threads: int) -> Compiled:
        """Compile the network for uint8 input of `shape`, in which a name stands for a length that may vary.

        With eight bits OpenVINO is the faster by far, where it is installed: ONNX Runtime computes one picture of a
        batch after the other.
        """
        if openvino and self._ranges is not None:
            return _by_openvino(self._model([output], shape), shape, threads)
        session = self._session([output], shape, threads)
        return lambda values: session.run([output], {"input": values})[0]

    def observed(self, shape: tuple[str | int, ...], pictures: Iterable[npt.NDArray[Any]]) -> Array:
        """Run the network over batches and return the (n, 2) means over batches of the lowest and the highest value of
        each tensor that `rounded` noted.

        Means lose less than the extremes of all pictures, which spread 255 steps over what hardly occurs.
        """
        session = self._session(self._roundable, shape, 1)
        runs = (session.run(None, {"input": values}) for values in pictures)
        bounds = [[[tensor.min(), tensor.max()] for tensor in run] for run in runs]
        means: Array = np.array(bounds, np.float32).mean(axis=0)
        return means

    def _session(self, outputs: list[str], shape: tuple[str | int, ...], threads: int) -> onnxruntime.InferenceSession:
        session = onnxruntime.InferenceSession(self._model(outputs, shape), _options(threads), providers=PROVIDERS)
        _tell(tuple(session.get_providers()))
        return session

    def _model(self, outputs: list[str], shape: tuple[str | int, ...]) -> bytes:
        source = helper.make_tensor_value_info("input", TensorProto.UINT8, shape)
        targets = [helper.make_tensor_value_info(output, TensorProto.FLOAT, None) for output in outputs]
        graph = helper.make_graph(self._nodes, "network", [source], targets, self._constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        serialized: bytes = model.SerializeToString()
        return serialized


@cache
def _tell(providers: tuple[str, ...]) -> None:
    """Log what networks are really computed by, once in a process; where it is not the GPU that ONNX Runtime was built
    for, warn: without that one's CUDA it turns to the processor, and only its speed shows it.

    The ordinary build has no choice, and commands that read a picture need no line about it.
    """
    names = ", ".join(providers)
    if GPU in PROVIDERS and GPU not in providers:
        said = "no GPU is used, though onnxruntime-gpu %s is installed: networks run on %s (see docs/detection.md)"
        logger.warning(said, onnxruntime.__version__, names)
    else:
        logger.log(logging.INFO if GPU in providers else logging.DEBUG, "networks run on %s", names)


def _by_openvino(model: bytes, shape: tuple[str | int, ...], threads: int) -> Compiled:
    """Compile a network whose first length varies, and run each of SIZES once.

    What it sees of a length for the first time takes it 20 ms and 4 MB.
    """
    core = openvino.Core()
    # Pinned threads of several workers would share the first core while others idle.
    how: dict[str, Any] = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "ENABLE_CPU_PINNING": False}
    # Left to itself it computes what is not of eight bits in 16, where the processor can.
    how |= {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    network = core.compile_model(core.read_model(model), "CPU", how)
    # One cannot be used by two threads at once.
    requests = threading.local()

    def run(values: npt.NDArray[Any]) -> Array:
        if not hasattr(requests, "own"):
            requests.own = network.create_infer_request()
        return np.concatenate([requests.own.infer({0: part})[0] for part in _parts(values)])

    for size in SIZES:
        run(np.zeros((size, *map(int, shape[1:])), np.uint8))
    return run


def _parts(values: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    """Yield consecutive rows, each time as many as the largest of SIZES that there still are."""
    start = 0
    while start < len(values):
        size = max(size for size in SIZES if size <= len(values) - start)
        yield values[start : start + size]
        start += size


def _options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin while they wait take the core that another worker needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options

"""Dense networks on one flat vector of parameters, with their gradients written out, and Adam.

Written by hand because of three things at once: weights, gradients and Adam's moments are one vector each (one
operation instead of dozens), every buffer is allocated once, and a batch is worked on in parts whose number is no
matter of the machine, so that training gives the same bits on any number of threads.

Products may be in bfloat16 with float32 master weights. That pays on processors with AMX and only there: AVX512-BF16
alone was measured at half the speed of float32 (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from ...engine.threads import over_parts

Products = Literal["float32", "bfloat16"]
TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
SLICES = 6
"""Parts of a vector of parameters that threads work on side by side."""


def in_slices(length: int, work: Callable[[slice], Any]) -> None:
    """Work on a vector in :data:`SLICES` slices, whatever the number of threads."""
    edges = [length * k // SLICES for k in range(SLICES + 1)]
    over_parts(SLICES, lambda k: work(slice(edges[k], edges[k + 1])))


class Network:
    """Dense SiLU layers, the last one linear.

    Args:
        sizes: Units of input, hidden layers and output.
        generator: Draws the weights, orthogonal as is usual for PPO.
        output_gain: Scale of the last layer's weights at the start.
        products: Numbers of the matrix products of all layers but the last, which is small and stays float32: what it
            rounds would be noise on the action.

    Attributes:
        flat: All parameters, shape (n_parameters,).
        layers: Weight (n_out, n_in) and bias (n_out,) of each layer, views of ``flat``.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        generator: torch.Generator,
        *,
        output_gain: float = 0.01,
        products: Products = "float32",
    ) -> None:
        self.sizes = tuple(sizes)
        self.type = TYPES[products]
        self.flat = torch.zeros(sum(o * (i + 1) for i, o in pairwise(sizes)))
        self.layers = self.views(self.flat)
        for k, (weight, _) in enumerate(self.layers):
            gain = output_gain if k == len(self.layers) - 1 else 2.0**0.5
            torch.nn.init.orthogonal_(weight, gain, generator=generator)
        self._low = self.flat.to(self.type) if self.type != torch.float32 else self.flat
        self._working = self.views(self._low)

    def views(self, flat: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Weight and bias of each layer as views of a vector of all parameters."""
        found, at = [], 0
        for n_in, n_out in pairwise(self.sizes):
            weight = flat[at : at + n_in * n_out].view(n_out, n_in)
            at += n_in * n_out
            found.append((weight, flat[at : at + n_out]))
            at += n_out
        return found

    def changed(self) -> None:
        """Say that ``flat`` has been written to."""
        if self._low is not self.flat:
            self._low.copy_(self.flat)

    def forward(self, x: torch.Tensor, room: Room) -> torch.Tensor:
        """Outputs of the last layer.

        Args:
            x: Inputs, shape (n, n_in), float32.
            room: Where intermediate values are kept, for :meth:`backward`.

        Returns:
            Shape (n, n_out), float32; a view of ``room``, overwritten by the next call.
        """
        n = x.shape[0]
        if self.type != torch.float32:
            x = room.input[:n].copy_(x)
        room.x = x
        for k, (weight, bias) in enumerate(self._working[:-1]):
            before, after = room.before[k][:n], room.after[k][:n]
            torch.addmm(bias, x, weight.t(), out=before)
            torch.ops.aten.silu.out(before, out=after)
            x = after
        if self.type != torch.float32:
            x = room.last[:n].copy_(x)
        room.seen = x
        weight, bias = self.layers[-1]
        return torch.addmm(bias, x, weight.t(), out=room.output[:n])

    def backward(self, delta: torch.Tensor, room: Room, gradient: torch.Tensor) -> None:
        """Gradient of a loss with respect to all parameters.

        Args:
            delta: Gradient with respect to the outputs of the last :meth:`forward`, shape (n, n_out), float32.
            room: The one of that call.
            gradient: Overwritten, shape (n_parameters,).
        """
        n, views = delta.shape[0], self.views(gradient)
        torch.mm(delta.t(), room.seen, out=views[-1][0])
        torch.sum(delta, 0, out=views[-1][1])
        below = torch.mm(delta, self.layers[-1][0], out=room.back[-1][:n])
        if self.type != torch.float32:
            below = room.back_low[:n].copy_(below)
        for k in range(len(self.layers) - 2, -1, -1):
            silent = room.silent[k][:n]
            torch.ops.aten.silu_backward.grad_input(below, room.before[k][:n], grad_input=silent)
            under = room.after[k - 1][:n] if k else room.x
            if self.type == torch.float32:
                torch.mm(silent.t(), under, out=views[k][0])
                torch.sum(silent, 0, out=views[k][1])
            else:
                views[k][0].copy_(torch.mm(silent.t(), under))
                torch.sum(silent, 0, dtype=torch.float32, out=views[k][1])
            if k:
                below = torch.mm(silent, self._working[k][0], out=room.back[k - 1][:n])

    def numpy_layers(self) -> tuple[tuple[NDArray[Any], NDArray[Any]], ...]:
        """Copies of weight and bias of each layer."""
        return tuple((weight.numpy().copy(), bias.numpy().copy()) for weight, bias in self.layers)


class Room:
    """Buffers for up to ``n`` rows of one network; a thread has one of its own.

    Attributes:
        x: Inputs of the last call.
        seen: What its last layer saw.
    """

    def __init__(self, network: Network, n: int) -> None:
        hidden, kind = network.sizes[1:-1], network.type
        empty = lambda width, kind: torch.empty((n, width), dtype=kind)  # noqa: E731
        self.before = [empty(width, kind) for width in hidden]
        self.after = [empty(width, kind) for width in hidden]
        self.silent = [empty(width, kind) for width in hidden]
        self.back = [empty(width, torch.float32 if k == len(hidden) - 1 else kind) for k, width in enumerate(hidden)]
        self.output = empty(network.sizes[-1], torch.float32)
        self.input = self.last = self.back_low = self.output
        if kind != torch.float32:
            self.input, self.back_low = empty(network.sizes[0], kind), empty(hidden[-1], kind)
            self.last = empty(hidden[-1], torch.float32)
        self.x = self.seen = self.output


class Adam:
    """Adam on one flat vector (Kingma & Ba 2015), written part by part so that threads can share it.

    Attributes:
        count: Steps taken.
        mean: Running mean of the gradients, shape (n_parameters,).
        square: Running mean of their squares.
    """

    BETA, BETA_SQUARE, EPSILON = 0.9, 0.999, 1e-5

    def __init__(self, parameters: torch.Tensor) -> None:
        self.parameters = parameters
        self.mean, self.square = torch.zeros_like(parameters), torch.zeros_like(parameters)
        self.count = 0

    def move(self, gradient: torch.Tensor, rate: float) -> None:
        """One step of all parameters, in slices side by side."""
        self.count += 1
        in_slices(len(gradient), lambda part: self.step(gradient, rate, part))

    def step(self, gradient: torch.Tensor, rate: float, part: slice = slice(None)) -> None:
        """Move a part of the parameters; :attr:`count` is the caller's to raise, once for all parts."""
        g, m, v = gradient[part], self.mean[part], self.square[part]
        m.mul_(self.BETA).add_(g, alpha=1.0 - self.BETA)
        v.mul_(self.BETA_SQUARE).addcmul_(g, g, value=1.0 - self.BETA_SQUARE)
        size = v.sqrt().div_((1.0 - self.BETA_SQUARE**self.count) ** 0.5).add_(self.EPSILON)
        self.parameters[part].addcdiv_(m, size, value=-rate / (1.0 - self.BETA**self.count))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that the next step depends on."""
        return {"mean": self.mean.numpy().copy(), "square": self.square.numpy().copy(), "count": np.array(self.count)}

    def load_arrays(self, content: dict[str, NDArray[Any]]) -> None:
        """Restore what :meth:`arrays` returned."""
        self.mean.copy_(torch.from_numpy(content["mean"]))
        self.square.copy_(torch.from_numpy(content["square"]))
        self.count = int(content["count"])

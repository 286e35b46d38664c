"""Gradient descent with a fixed step."""

from __future__ import annotations

from pathlib import Path
from typing import Any, overload

from deqmath.errors import DeqmathError
from deqmath.numeric.checkpoint import Checkpoint, fingerprint
from deqmath.numeric.network import ReLUNetwork
from deqmath.numeric.recorder import Recorder, State, fastest_rate, prepare, stop_reason
from deqmath.numeric.run import Pace, Progress, ProgressCallback, Run, RunStatus
from deqmath.numeric.softmax import SoftmaxNetwork
from deqmath.numeric.softmax_run import SoftmaxRun
from deqmath.numeric.softmax_training import only_square, softmax_descent
from deqmath.numeric.validate import count, positive

_DECAY = "(1 - alpha lambda_0/2)^k"


#: Steps by default, each one fastest time scale long.
_STEPS = 30


@overload
def gradient_descent(net: ReLUNetwork, X: Any, y: Any, **options: Any) -> Run: ...
@overload
def gradient_descent(net: SoftmaxNetwork, X: Any, y: Any, **options: Any) -> SoftmaxRun: ...


def gradient_descent(  # type: ignore[misc]  # the overloads leave the keywords to this list
    net: ReLUNetwork | SoftmaxNetwork,
    X: Any,
    y: Any,
    *,
    steps: int = _STEPS,
    step_size: float | None = None,
    loss: str = "square",
    record: int | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_seconds: float = 30.0,
    progress: ProgressCallback | None = None,
) -> Run | SoftmaxRun:
    """Minimise ``L = ||yhat - y||^2 / 2`` by ``P <- P - alpha dL/dP`` over the trainable parameters.

    Parameters
    ----------
    net
        The network to start from; it is not changed.
    X, y
        Shapes (n, d) and (n,).
    steps
        Number of steps; 30 steps of the default size take the time that `gradient_flow` takes by default.
    step_size
        alpha; None: ``1 / lambda_max(H(0))``, the step at which the linearised residual
        ``r <- (I - alpha H) r`` shrinks in every direction and not slower than ``1 - alpha lambda_0``.
    loss
        "square"; for a :class:`~deqmath.numeric.SoftmaxNetwork` "logistic", too, with y = +-1 (k21).
    record
        Record every so many steps (first and last always); None: about 100 records.
    checkpoint, checkpoint_seconds
        As in :func:`~deqmath.numeric.gradient_flow`: go on from this .npz file where it exists, to the same bits;
        else write it every so many seconds and at the end.
    progress
        Called with a :class:`~deqmath.numeric.run.Progress` after every step. The library prints nothing.

    Returns
    -------
    Run
        With the monitors of gg22 Theorem 3.1, the envelope of (c) being ``(1 - alpha lambda_0/2)^k`` (gg22lin).
        Where a step would leave rho < 1 the run stops before it, with status "left-well-posed-region"; on Ctrl-C
        it ends with status "interrupted". What was computed is kept. For a softmax network a
        :class:`~deqmath.numeric.SoftmaxRun`.

    Raises
    ------
    InputError, ShapeError, NotWellPosedError
        Before anything is computed, on arguments that cannot be used.

    Examples
    --------
    >>> from deqmath.numeric import ReLUNetwork, gradient_descent
    >>> net = ReLUNetwork.random(width=64, inputs=2, gamma0=0.25, seed=0)
    >>> run = gradient_descent(net, [[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0], steps=20)
    >>> run.status, bool(run.loss[-1] < run.loss[0])
    ('completed', True)
    """
    if isinstance(net, SoftmaxNetwork):
        return softmax_descent(
            net,
            X,
            y,
            steps=steps,
            step_size=step_size,
            loss=loss,
            record=record,
            checkpoint=checkpoint,
            checkpoint_seconds=checkpoint_seconds,
            progress=progress,
        )
    only_square(loss)
    total = count(steps, "steps")
    every = max(1, total // 100) if record is None else count(record, "record")
    net, data, state = prepare(net, X, y)
    spectrum = state.spectrum[0]
    alpha = 1.0 / fastest_rate(state, "step_size") if step_size is None else positive(step_size, "step_size")
    shrink = max(0.0, 1.0 - alpha * max(float(spectrum[0]), 0.0) / 2)
    book = Recorder("gradient-descent", state, {"steps": total, "step_size": alpha, "record": every})
    place, done, recorded, pace = None, 0, 0, Pace()
    if checkpoint is not None:
        place = Checkpoint(Path(checkpoint), fingerprint(state, data, book.method, book.options), checkpoint_seconds)
    if place is not None and place.exists():
        state, numbers = place.load(state, book)
        done, recorded = book.steps, int(numbers["recorded"])
    else:
        book.record(0.0, state, 1.0)
    status: RunStatus = "completed"
    message = f"{total} steps of size {alpha:.6g}"
    try:
        for k in range(done + 1, total + 1):
            try:
                change = {name: -alpha * g for name, g in state.gradient.items()}
                state = State.solve(state.moved(change), data, state.y, state)
            except DeqmathError as error:
                status, message = stop_reason(error, f"step {k}, t = {k * alpha:.6g}")
                break
            book.steps = k
            if k % every == 0 or k == total:
                book.record(k * alpha, state, shrink**k)
                recorded = k
            if place is not None and (place.due() or k == total):
                place.save(state, book, {"recorded": recorded})
            if progress is not None:
                progress(Progress(k, k * alpha, total * alpha, state.loss, pace.left(k, total)))
    except KeyboardInterrupt:
        status, message = "interrupted", f"interrupted after step {book.steps}, t = {book.steps * alpha:.6g}"
    if recorded < book.steps:
        book.record(book.steps * alpha, state, shrink**book.steps)
    return book.close(status, message, _DECAY)

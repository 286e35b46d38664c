"""The trainer in floating point and in many digits: imports nothing of the symbolic side, so that it can referee it."""

from deqmath.data.angles import SmallestAngle, duplicate_rows, smallest_angle
from deqmath.numeric.any_map import MapFixedPoint, find_fixed_point
from deqmath.numeric.closed_forms import Linearisation
from deqmath.numeric.corrected import CorrectedPrediction
from deqmath.numeric.descent import gradient_descent
from deqmath.numeric.equilibrium import Adjoint, Equilibrium
from deqmath.numeric.flow import gradient_flow
from deqmath.numeric.jacobians import (
    adjoint_jacobian,
    adjoint_jacobian_by_differences,
    equilibrium_jacobian,
    equilibrium_jacobian_by_differences,
    equilibrium_jvp,
)
from deqmath.numeric.monitors import Monitor
from deqmath.numeric.motion import AdjointMotion
from deqmath.numeric.multiprecision import MultiprecisionEquilibrium, MultiprecisionNetwork
from deqmath.numeric.multiprecision_descent import MultiprecisionRun, multiprecision_descent
from deqmath.numeric.multiprecision_flow import MultiprecisionFlow, multiprecision_flow
from deqmath.numeric.multiprecision_softmax import MultiprecisionSoftmaxNetwork
from deqmath.numeric.multiprecision_softmax_descent import MultiprecisionSoftmaxRun, multiprecision_softmax_descent
from deqmath.numeric.network import ReLUNetwork
from deqmath.numeric.run import Run
from deqmath.numeric.softmax import SoftmaxEquilibrium, SoftmaxNetwork
from deqmath.numeric.softmax_run import SoftmaxRun
from deqmath.numeric.switches import Switches

__all__ = [
    "Adjoint",
    "AdjointMotion",
    "CorrectedPrediction",
    "Equilibrium",
    "Linearisation",
    "MapFixedPoint",
    "Monitor",
    "MultiprecisionEquilibrium",
    "MultiprecisionFlow",
    "MultiprecisionNetwork",
    "MultiprecisionRun",
    "MultiprecisionSoftmaxNetwork",
    "MultiprecisionSoftmaxRun",
    "ReLUNetwork",
    "Run",
    "SmallestAngle",
    "SoftmaxEquilibrium",
    "SoftmaxNetwork",
    "SoftmaxRun",
    "Switches",
    "adjoint_jacobian",
    "adjoint_jacobian_by_differences",
    "duplicate_rows",
    "equilibrium_jacobian",
    "equilibrium_jacobian_by_differences",
    "equilibrium_jvp",
    "find_fixed_point",
    "gradient_descent",
    "gradient_flow",
    "multiprecision_descent",
    "multiprecision_flow",
    "multiprecision_softmax_descent",
    "smallest_angle",
]

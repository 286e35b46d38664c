"""The three layers of the gradient, and the Gram matrix that they give.

With q_i = R_i^T b and qw_i = phi'(W x_i) o q_i,

    d f_i / d b = z_i/sqrt(m),   d f_i / d A = (gamma/sqrt(m)) q_i z_i^T,   d f_i / d W = (1/sqrt(m)) qw_i x_i^T,

    H = (1/m) [ Z^T Z + gamma^2 (Z^T Z) o (Q^T Q) + (X^T X) o (Qw^T Qw) ].

Source: gg22lin, section 2 (gradients) and section 3 (the Gram matrix).
"""

import deqmath as dm
from deqmath.claims.instances import Pair, holds_on
from deqmath.data import load

from ._network import i, j, net


def derive_row(parameter, k=i):
    """d f_k / d vec(parameter)^T, derived through the equilibrium."""
    return dm.jacobian(net.f(k), parameter, implicit=net.equations(k)).where(**net.names(k))


def derive_gram():
    """H_ij of the first layer's weights, the part that A alone does not have."""
    row_i, row_j = derive_row(net.W, i), derive_row(net.W, j)
    because = "times the transpose for sample j; mixed product"
    return row_i.times(row_j.result.T, because=because, label="⟨∂f_i/∂W, ∂f_j/∂W⟩", names=net.names(j))


@dm.claim(
    "gg22lin.gradients",
    source="gg22lin",
    equation="Section 2",
    statement="∂fᵢ/∂b = zᵢ/√m, ∂fᵢ/∂A = (γ/√m) qᵢ zᵢᵀ, ∂fᵢ/∂W = (1/√m) (φ'(W xᵢ) ∘ qᵢ) xᵢᵀ",
    derivation=lambda: derive_row(net.W),
)
def gradients_of_the_prediction(case):
    """b only multiplies z; A enters as in Lemma 3.2; dphi_i = phi'(W x_i) o (dW x_i) enters where gamma A z does."""
    yield derive_row(net.W)
    trained = (net.b, net.A, net.W)
    for parameter in trained:
        yield derive_row(parameter).proves(net.row(parameter, i))
    # All three move at once, each along a direction of its own: one check by dual numbers sees every row.
    along = {parameter: dm.direction(parameter, f"d{parameter}") for parameter in trained}
    moved = [net.row(parameter, i) * dm.vec(step) for parameter, step in along.items()]
    yield dm.check_directional_derivative(
        moved[0] + moved[1] + moved[2],
        net.f(i),
        along,
        implicit=net.equations(i),
        seed=case.seed,
        level="quick",
    )


@dm.claim(
    "gg22lin.gram",
    source="gg22lin",
    equation="Section 3",
    statement="H = (1/m) [ZᵀZ + γ² (ZᵀZ) ∘ (QᵀQ) + (XᵀX) ∘ (Q_wᵀQ_w)]",
    derivation=derive_gram,
)
def three_layer_gram():
    """H_ij is the sum over the layers of <grad f_i, grad f_j>; each is an inner product of Kronecker products."""
    layers = [net.row(P, i) * net.row(P, j).T for P in (net.b, net.A, net.W)]
    total = layers[0] + layers[1] + layers[2]
    yield dm.rewriting(total, title="the three layers", label="H_ij").then(
        net.gram_entry(i, j), because="mixed product: (a ⊗ b)(c ⊗ d) = ac ⊗ bd, numbers commute"
    )
    yield derive_gram().proves((net.x(i).T * net.x(j)) * (net.qw(i).T * net.qw(j)) / net.m)

    # H is the trainer's J J^T: its action by pushforward of pullback shares no line with the closed form of the Gram.
    data = load("digits", samples=8, seed=0)
    pairs = []
    for trainable in (("A",), ("A", "W", "b")):
        trained = dm.ReLUNetwork.random(width=40, inputs=data.X.shape[1], gamma0=0.25, seed=0, trainable=trainable)
        tangent = trained.linearisation(trained.equilibrium(data.X))
        H = trained.gram(data.X)
        for k in range(8):
            unit = [1.0 if s == k else 0.0 for s in range(8)]
            column = tangent.pushforward(tangent.pullback(data.X[:, 0] * 0 + unit))
            error = float(abs(column - H[:, k]).max())
            bound = 8 * 40 * (1 + trained.rho) / (1 - trained.rho) * 2.0**-53 * float(abs(H).max())
            pairs.append(Pair(error, bound, f"column {k}, trained {', '.join(trainable)}"))
    yield holds_on(pairs, "|J Jᵀ - H| ≤ rounding, digits, m = 40")

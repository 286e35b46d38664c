"""What each certificate states, in words; the producer writes them, and the checker refuses any other text."""

EXACT = "every entry is taken exactly; given by factors, matrix is P P^T, or (P P^T) o (Q Q^T)"
NETWORK = "the network z = relu(gamma A z + phi(W x)), f = b^T z/sqrt(m), its float64 parameters and data taken exactly"
COUPLING = (
    "where gradient flow on A exists for all t, coupling bounds |f_t(x) - g_t(x)| for all t and every ||x|| <= max ||x_i||, coupling_off_kinks where moreover every "
    "|u_k(x)| > change_u at t = 0, coupling_at_samples at the rows of X"
)

STATEMENTS = {
    "lambda_min": f"lower <= lambda_min(matrix) <= upper; {EXACT}",
    "lambda_max": f"lower <= lambda_max(matrix) <= upper; {EXACT}",
    "operator_norm": f"lower <= ||matrix||_2 <= upper; {EXACT}",
    "sigma_min": f"lower <= the smallest singular value of matrix <= upper; {EXACT}",
    "condition_number": f"lower <= lambda_max(matrix)/lambda_min(matrix) <= upper, lambda_min > 0; {EXACT}",
    "resolvent_norm": f"lower <= ||(I - gamma diag(active) matrix)^(-1)||_2 <= upper; {EXACT}",
    "inverse_quadratic_form": f"lower <= y^T matrix^(-1) y <= upper, matrix positive definite; {EXACT}",
    "well_posed": f"the claimed ends of ||A||_2, gamma ||A||_2 and lambda_min(I - gamma (A + A^T)/2); {EXACT}",
    "equilibrium": f"one and only one equilibrium for every row of X, within radius of its centre, with the signs given; {NETWORK}",
    "network_lambda_min": f"lower <= lambda_min(H) <= upper for the Gram matrix H of gg22 (8); {NETWORK}",
    "theorem_3_1": f"the claimed ends of the constants of gg22 Theorem 3.1; {NETWORK}",
    "generalization": f"the claimed ends of the terms of gg22 Theorem 4.1; {COUPLING}; {NETWORK}",
    "limit_kernel": "lower <= lambda_min of the limit kernel of the rows of X <= upper; gamma0 and X taken exactly",
}

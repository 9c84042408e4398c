r"""The projection of predictions onto linear rows, and its derivative. A map, in the order of reading.

    y = argmin over y in the domain of  sum_i w_i D(y_i, r_i)   subject to   lower <= A y + V t + c <= upper

`project` is the public face: `kf.project`, and `project_rows` for layers.

1. **The problem.** `problem_from_rows` makes a `problem` of rows and predictions: flat tensors, padded.
   `moments` holds `A` by cells, never as a matrix. `divergences` holds the answer of one prediction to a
   price `b`, in closed form: `y(b) = argmin D(y, r) + b y`.
2. **The dual.** With the price `b = (A^T lam) / w` only the m duals `lam` are unknown:

       minimise F(lam) = g(lam) + sigma(lam) + sum_j lam_j^2 / (2 rho_j),    grad g = -(A y(lam) + c)

   `dual` looks at it in one pass over the predictions; `scales` says what errors are measured by.
3. **Newton's step** (`newton_step`) minimises the quadratic model of `g` plus all the rest, exactly:

       minimise over z, maximise over t   z^T Q z / 2 - (beta + V t)^T z + sigma(z)

   `quadratic_model` solves it by the steps of `interior_point`, each a `bordered_system`, on the elimination
   of `linear_algebra`. Predictions do not enter.
4. **The method of multipliers** (`multipliers`), for rows that cannot be met: rounds anchored at the duals of
   the round before, `minimise F(lam) + softness |lam - centre|^2 / 2`.
5. **The loop.** `rows_together` goes from step to step, shortens steps that overstep, and says how it ended.
   `rows_apart` is the short way for rows that share no prediction: m equations of one unknown each.
6. **The answer** (`answer`): which of the two loops, and the predictions that follow from the duals.
7. **The certificate** (`certificate`): a proof that no predictions violate the rows less.
8. **The derivative** (`derivative`): from the optimality conditions, one system of m unknowns:

       [K, V; V^T, 0] [x; .] = [A G u / w; 0],    dr = P^T (u - A^T x)

   `projector` joins answer and derivative into one compiled, differentiable function. Arrays of NumPy are
answered as they are, and a lone prediction under soft rows, a person in a stream, by `one_prediction`.

All numbers that the solver is set by are in `settings`; loops over records of tensors in `control_flow`.
"""

# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Squared norm of the mean of random vectors
#
# **Claim.** The mean of $m$ independent standard normal vectors in $d$ dimensions has squared norm $d/m$ on
# average: each of its $d$ entries has variance $1/m$.

# %%
import matplotlib.pyplot as plt
import sympy as sp

from lowcomplex.predictions import norm_of_means

m, d = sp.symbols("m d", positive=True)
assert norm_of_means.expressions["squared norm"] - d * (1 / m) == 0

# %%
counts = range(1, 20)
plt.plot(counts, [norm_of_means(count, 10) for count in counts])
plt.show()

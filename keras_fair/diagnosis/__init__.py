"""Diagnosis of constraints that can't be met: which of them conflict, and how much tolerance is lacking.

    rows --cells--> a small linear program --deletion filter--> conflict, growth

Everything here is eager and in NumPy; the program is solved through cvxpy, which is imported when it is first
needed.
"""

from keras_fair.diagnosis.diagnose import diagnose
from keras_fair.diagnosis.findings import Diagnosis

__all__ = ["Diagnosis", "diagnose"]

"""Who is in which group: for layers, streams, audits and everything after them, over NumPy and in graphs.

    truth          whether a condition holds for a sample: true, false, or not known where a value is missing
    vocabulary     the values of attributes, given or learnt; the policy for missing values
    coding         a column of text as codes; what is unknown and what is missing
    thresholds     numbers compared with the numbers of a text, in the type that they came in
    demands        how finely conditions tell each subject apart
    factors        the states of one subject: what conditions tell apart of it
    growing        the same, learnt while samples arrive
    conditions     the truth of conditions over joint states (cells), as tables
    membership     the cell of each sample, and sums over cells
    samples        a batch, checked against what a plan needs
    enumeration    the values that `*` and `for` run over
    accuracy       labels that an accuracy has a meaning for

A sample is in a group where the condition is true. Where a value is missing or unknown the truth is 1/2, so
the sample is in no group that this value decides, negated or not.
"""

"""Rules for decisions and scores, learnt once on calibration people, and what they promise.

    text --meaning--> rows over decisions --fit--> knots of each group --apply--> one person at a time

`meaning` says what a text asks of a rule, `service_groups` who has which knots, `knots` what a rule is.
Decisions: `curves` holds the thresholds of each group, `threshold_program` finds the best mixture of them,
`threshold_search` the best rule that never draws lots. Scores: `score_rule`. Promises: `promised_rows` says
which inequalities between means a text makes, `rate_tests` and `mean_tests` test one, `monotone_path` and
`split_and_test` choose a rule by such tests.
"""

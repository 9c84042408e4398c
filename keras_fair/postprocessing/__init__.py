"""Rules for decisions and scores, learnt once on calibration people, and what they promise.

    text --meaning--> rows over decisions --learning--> knots of each group --apply--> one person at a time

`meaning` says what a text asks of a rule, `calibration` reads people, `service_groups` says who has which
knots, `knots` what these do to a score. `frozen_fairness` is the class, `learning` connects:

- Decisions: `curves` holds the thresholds of each group, `threshold_program` finds the best mixture of them,
  `threshold_search` the best rule that never draws lots, `decision_rule` both. Scores: `score_rule`.
- Promises: `promised_rows` says which inequalities between means a text makes, `row_tests` tests one, by
  `rate_tests` and `mean_tests`; `monotone_path` and `split_and_test` choose a rule by such tests. `too_few`
  and `people_needed` say what is lacking.
- Beyond one machine: `calibration_sums` counts calibration people in pieces, `rule_sql` writes a rule as SQL.
- In service: `frozen_rule` is the layer, `serve` the model; `drift_monitor` watches whether a promise still
  holds.
- `select_top` chooses k people of a batch.
"""

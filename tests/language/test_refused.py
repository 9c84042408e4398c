"""Texts that the language refuses: where the caret stands, and words that the message must hold.

The mark ▲ shows the place of the caret and is no part of the text. At the end of a text the caret stands one
past the last character.
"""

from __future__ import annotations

import pytest

from keras_fair.errors import (
    ConstraintError,
    ConstraintSyntaxError,
    ConstraintTypeError,
)
from keras_fair.language import parse_statements

MARK = "▲"

FORM: list[tuple[str, ...]] = [
    # Nothing, and unfinished things.
    ("▲", "expected a constraint", "empty text"),
    ("▲\n\n# only a comment\n", "expected a constraint", "empty text"),
    ("E[y▲", "'|' or ']'", "the end of the text"),
    ("E▲", "brackets after 'E'", "E[...]", "the end of the text"),
    ("E[▲", "a value such as y", "after '['"),
    ("E[y | ▲", "expected a condition after '|'", "the end of the text"),
    ("E[y | sex▲", "expected a comparison", "'in'", "the end of the text"),
    ("E[y | sex=▲", "expected a value after '='", "the end of the text"),
    ("E[y | sex=Male▲", "']'", "'and'", "the end of the text"),
    ("E[y | sex=Male]▲", "expected a relation", "'=='", "the end of the text"),
    ("demographic_parity(sex)▲", "as in demographic_parity(sex) <= 0.05", "the end of the text"),
    ("E[y] <= 1; a: equalized_odds(sex)▲", "as in equalized_odds(sex) <= 0.05", "the end of the text"),
    ("spread(E[y | sex=*])▲\nE[y] <= 1", "as in spread(E[y | sex=*]) <= 0.05", "the end of the line"),
    ("E[y | s=a] - E[y | s=b]▲", "as in abs(E[y | s=a] - E[y | s=b]) <= 0.05"),
    ("▲|E[y | s=a] - E[y | s=b]| <= 0.02", "found '|'", "abs(E[...] - E[...]) <= 0.02"),
    ("E[y] <= 2 * ▲|E[y | s=a]|", "found '|'", "abs(E[...] - E[...]) <= 0.02"),
    ("E[y | s=a] == E[y] +▲/- 0.02", "a tolerance is written '+-', found '+/-'"),
    ("E[y | s=a] == E[y] -▲+ 0.02", "a tolerance is written '+-', found '-+'"),
    ("E[y | sex=Male] <=▲", "expected an expression", "after '<='", "the end of the text"),
    ("E[y | sex=Male] <= ▲", "expected an expression", "after '<='", "the end of the text"),
    ("E[y | sex=Male] <=▲\n# more to come\n", "expected an expression", "end of the text"),
    ("E[y] == 0.5 +-▲", "a number", "the end of the text"),
    ("E[y] <= 1 with▲", "'confidence'", "the end of the text"),
    ("E[y] <= 1 with confidence▲", "a number", "the end of the text"),
    ("E[y] in▲", "'['", "the end of the text"),
    ("E[y] in [0.1▲", "','", "the end of the text"),
    ("for▲", "a variable", "the end of the text"),
    ("for g▲", "'in'", "the end of the text"),
    ("for g in▲", "an attribute, 'label' or a set", "the end of the text"),
    ("for g in race▲", "':'", "'and'", "the end of the text"),
    ("for g in race:▲", "an expression", "the end of the text"),
    ("name:▲", "a constraint", "the end of the text"),
    # Places of tokens.
    ("E[y | ▲] == E[y | sex=Male] +- 0.02", "expected a condition after '|'", "found ']'"),
    ("E[▲] <= 1", "expected a value such as y", "after '['", "found ']'"),
    ("E[y | sex▲] <= 0.1", "expected a comparison", "found ']'", "write sex=*"),
    ("E[y | a=1] == E[y | a=2] ▲== E[y | a=3]", "one relation", "spread(E[y | g=*]) <= 0.02"),
    ("E[y | sex=▲] <= 0.1", "expected a value after '='", "found ']'"),
    ("E[y▲, age] <= 0.1", "'|' or ']'", "found ','"),
    ("E[y | ▲and sex=Male] <= 1", "expected a condition", "found 'and'"),
    ("E[y | sex=Male,▲] <= 1", "expected a condition after ','", "found ']'"),
    ("▲[y] <= 2", "expected a constraint", "found '['"),
    ("▲) <= 2", "')' closes nothing"),
    ("▲<= 2", "expected a constraint", "found '<='"),
    ("E[y | sex=Male]▲] <= 1", "']' closes nothing"),
    ("E[y | (sex=Male▲] <= 1", "expected ')' to close '('", "found ']'"),
    ("E[y | sex=Male▲) <= 1", "expected ']' to close '['", "found ')'"),
    ("E[y | race in {a, b▲] <= 1", "expected '}' to close '{'", "found ']'"),
    ("E[y] ▲E[y] <= 2", "expected a relation", "found 'E'"),
    ("E[y] ▲2", "expected a relation", "found '2'"),
    ("E[y] <= 2 ▲3", "the end of the constraint", "found '3'"),
    ("E[y] <= ▲<= 2", "an expression", "after '<='", "found '<='"),
    ("E[y*▲*2] <= 1", "a value such as y", "found '*'"),
    ("E[y] <= 1 with ▲95%", "'confidence'", "found '95%'"),
    ("E[y] <= 1 with confidence ▲high", "a number", "found 'high'"),
    ("P[y▲] <= 0.5", "the share of an event", "P[y >= 0.5 | ...]", "E[...]"),
    ("P[y ▲| sex=Female] <= 0.5", "the share of an event", "E[...]"),
    ("P[age ▲| sex=Female] <= 0.5", "the share of an event", "E[...]"),
    ("E[y] <= 0.1 at▲", "a value after 'at'", "the end of the text"),
    ("E[y] <= 0.1 ▲ta y >= 0.5", "'at'", "'with confidence'", "found 'ta'"),
    ("E[y] <= 0.1 with confidence 95% ▲at y >= 0.5", "found 'at'"),
    ("cov(y▲) <= 0.2", "','", "found ')'"),
    ("abs(▲) <= 0.2", "an expression", "found ')'"),
    ("max(E[y],▲) <= 0.2", "an expression", "after ','", "found ')'"),
    ("E[y[▲-1]] <= 1", "an output", "found '-'"),
    ("E[y[▲1.5]] <= 1", "outputs are counted 0, 1, 2", "'1.5'"),
    ("E[y[▲50%]] <= 1", "outputs are counted 0, 1, 2", "'50%'"),
    ("for g in race ▲E[y | race=g] <= 1", "':'", "found 'E'"),
    ("for g in▲: E[y | race=g] <= 1", "an attribute, 'label' or a set", "found ':'"),
    ("for g in {▲}: E[y | race=g] <= 1", "expected a value after '{'", "found '}'"),
    ("for g in {a,▲}: E[y | race=g] <= 1", "expected a value after ','", "found '}'"),
    ("for race▲: E[y | race=g] <= 1", "'in'", "found ':'"),
    ("E[y] <= 1; ▲<= 2", "expected a constraint", "found '<='"),
    ("E[y▲; 2] <= 1", "'|' or ']'", "found ';'"),
    # Lines.
    ("E[y] ==▲\n 2", "not complete at the end of the line", "after '=='", "inside brackets"),
    ("for a in sex:▲\nE[y | sex=a] <= 1", "not complete at the end of the line", "after ':'"),
    ("E[y | sex=Male]▲ # who\n <= 1", "not complete at the end of the line", "inside brackets"),
    # Signs between two sides.
    ("E[y] ▲= 2", "expected '=='", "found '='"),
    ("E[y] ▲< 2", "'<='", "found '<'"),
    ("E[y] ▲> 2", "'>='", "found '>'"),
    ("E[y] ▲!= 2", "'!='", "convex"),
    ("0.1 <= E[y] ▲>= 0.2", "one relation, or two in one direction", "'>='"),
    ("0.1 <= E[y] <= 0.2 ▲<= 0.3", "one relation", "'<='"),
    ("E[y] == 2 ▲== 3", "one relation", "'=='"),
    ("E[y] <= 2 ▲+- 3", "tolerance", "'=='", "add it to the bound"),
    ("E[y ▲+- 2] == 1", "'+-'", "'+ -'"),
    ("E[y] <= 1 ▲and E[y] >= 0", "separated by ';' or a new line", "found 'and'"),
    ("E[y] <= 1▲, E[y] >= 0", "separated by ';' or a new line", "found ','"),
    # Words that need quotes or backticks.
    ("E[y | sex=Asian▲-Pac] <= 0.2", "written in quotes", "'Asian-Pac'"),
    ("E[y | race in {Asian▲-Pac, b}] <= 0.2", "written in quotes", "'Asian-Pac'"),
    ("E[y | race=north ▲west] <= 0.2", "written in quotes", "'north west'"),
    ("E[y | income=50▲K] <= 1", "written in quotes", "'50K'"),
    ("E[y | capital▲-gain > 5] <= 1", "written in backticks", "`capital-gain`"),
    ("E[y | native ▲country=US] <= 1", "written in backticks", "`native country`"),
    ("E[▲'hours per week'] <= 1", "backticks", "`hours per week`"),
    ("E[y | sex=▲`Female`] <= 1", "found the column 'Female'", "written in quotes"),
    ("E[y | sex=▲min] <= 2", "expected a value after '='", "reserved word 'min'", "quotes"),
    ("E[y | state=▲or] <= 2", "expected a value after '='", "reserved word 'or'", "quotes"),
    ("E[y | state in {ca, ▲or}] <= 2", "reserved word 'or'", "quotes"),
    ("E[y | ▲min > 3] <= 1", "reserved word 'min'", "backticks", "`min`"),
    ("E[y | a=1, ▲with=2] <= 1", "reserved word 'with'", "`with`"),
    ("label▲: E[y] <= 1", "'label' is a reserved word", "`label`"),
    ("E[y] <= 1; max▲: E[y] <= 1", "max", "found ':'"),
    ("for ▲y in sex: E[y] <= 1", "expected a variable", "reserved word 'y'"),
    ("E[y | sex=▲label] <= 1", "expected a value", "label", "not with another column"),
    ("P[y = ▲label] <= 1", "expected a value", "label"),
    ("P[label = ▲y] <= 1", "expected a value", "y"),
    # Quotes and characters.
    ("E[y | sex=▲'ab] <= 2", "quote is not closed"),
    ('E[y | sex=▲"ab] <= 2', "quote is not closed"),
    ("E[y | sex=▲'a\nb'] <= 2", "quote is not closed"),
    ("E[y | ▲`a=1] <= 2", "backtick is not closed"),
    ("E[▲``] <= 2", "expected a name between the backticks"),
    ("E[y | sex=▲'a\\qb'] <= 1", "no such escape", "\\q", "\\\\"),
    ("E[y | sex=▲'\\u{110000}'] <= 1", "no such escape"),
    ("E[y | sex=▲\u2018a\u2019] <= 1", "write quotes as"),
    ("E[y] <= ▲\u22120.1", "minus sign"),
    ("E[y] <= ▲\u200b1", "U+200B", "zero width space"),
    ("E[y] <= 1▲\0", "unexpected character U+0000"),
    ("E[y] <= ▲٣", "unexpected character"),
    ("E[y] <= ▲$1", "unexpected character '$'"),
    ("E[y] <= 2▲^3", "no powers"),
    ("E[y | ▲!sex=a] <= 1", "'not'", "found '!'"),
    ("E[y | ▲~(sex=a)] <= 1", "'not'", "found '~'"),
    ("E[y] <= 2%▲%", "'%' stands after a number"),
    # Habits from other languages.
    ("E[y | sex=a ▲|| sex=b] <= 1", "'or'", "second '|'"),
    ("E[y | sex=a &▲& sex=b] <= 1", "'and'", "single '&'"),
    ("E[y | sex=a ▲AND age=2] <= 1", "'and' in small letters"),
    ("E[y | NOT ▲sex=a] <= 1", "'not' in small letters"),
    ("E[y | race in ▲(a, b)] <= 1", "a set in braces", "{Black, Hispanic}"),
    ("E▲(y | sex=Male) <= 0.2", "brackets after 'E'", "E[...]"),
    ("P▲(label=1) <= 0.2", "brackets after 'P'", "P[...]"),
    ("cov▲[y, age] <= 0.2", "parentheses after 'cov'"),
    ("max▲[E[y], 2] <= 0.2", "parentheses after 'max'"),
    ("e▲[y] <= 0.2", "no statistic 'e'", "E[...]"),
    ("Pr▲[label=1] <= 0.2", "no statistic 'Pr'", "P[...]"),
    ("demographic_parity(▲) <= 1", "names of attributes", "found ')'"),
    ("demographic_parity(sex ▲| age < 2) <= 1", "names of attributes", "found '|'"),
    # Conditions.
    ("E[y | ▲60 = 25] <= 1", "expected a column"),
    ("E[y | ▲'a' = 'b'] <= 1", "expected a column"),
    ("E[y | ▲3 in {3, 4}] <= 1", "expected a column"),
    ("E[y | 1 < ▲2 < 3] <= 1", "expected a column", "between two bounds"),
    ("E[y | 60 <= age ▲> 25] <= 1", "in one direction", "'>'"),
    ("E[y | 60 <= age ▲= 25] <= 1", "in one direction", "'='"),
    ("E[y | a=1 ▲= 2] <= 1", "the end of the condition", "found '='"),
    ("E[y | a=1 ▲<= 2] <= 1", "the end of the condition", "found '<='"),
    ("E[y | race in {a, ▲*}] <= 1", "expected a value", "found '*'"),
    ("E[y | age ▲+ 1 > 3] <= 1", "comparison", "found '+'"),
    # Variables.
    ("for a in sex: E[▲a | sex=a] <= 1", "variable of 'for'", "sex=a"),
    ("for a in sex: E[y | sex=a] <= ▲a", "variable of 'for'"),
    ("for a in sex: E[y[▲a] | sex=a] <= 1", "variable of 'for'"),
    ("for a in sex: E[y | ▲a in {3}] <= 1", "expected a column"),
]

MEANING: list[tuple[str, ...]] = [
    # Names.
    ("▲demographic_party(sex) <= 2", "no criterion or function", "did you mean 'demographic_parity'"),
    ("▲mean(y | sex=Male) <= 0.2", "no criterion or function named 'mean'"),
    ("▲mx(E[y], 2) <= 0.2", "'mx'", "did you mean 'max'"),
    ("demographic_parity(▲2) <= 1", "names of attributes"),
    ("demographic_parity(▲label) <= 1", "names of attributes"),
    ("demographic_parity(sex, ▲sex) <= 1", "'sex' is named twice"),
    ("▲demographic_parity <= 1", "is a criterion", "demographic_parity(sex)"),
    ("▲disparate_impact(race) <= 0.8", "disparate_impact(A) >= r"),
    ("▲disparate_impact(race) == 0.8", "disparate_impact(A) >= r"),
    ("0.8 <= ▲disparate_impact(race) <= 1", "disparate_impact(A) >= r"),
    ("1 - ▲disparate_impact(race) <= 0.2", "disparate_impact(A) >= r"),
    ("a: E[y] <= 1; ▲`a`: E[y] <= 2", "named 'a'"),
    # Levels.
    ("▲y <= 0.2", "number for each sample", "E[y]"),
    ("▲label <= 0.2", "number for each sample", "E[label]"),
    ("▲sex <= 0.2", "'sex'", "outside of a statistic", "E[y | sex=...]"),
    ("E[▲E[y]] <= 1", "inside another"),
    ("E[y * ▲P[label=1]] <= 1", "inside another"),
    ("E[▲abs(y)] <= 1", "abs(E[...])"),
    ("E[▲demographic_parity(sex)] <= 1", "take statistics"),
    ("▲2 <= 3", "numbers alone", "E[...]"),
    ("▲spread(2, 3) <= 3", "numbers alone"),
    ("▲1 <= 2 <= 3", "numbers alone"),
    ("cov(y, ▲y) <= 1", "free of y"),
    # Affinity.
    ("E[y*▲y] <= 1", "product of two predictions"),
    ("E[(1 - y) * ▲(y - label)] <= 1", "product of two predictions"),
    ("E[1 / ▲y] <= 1", "divides by a prediction"),
    ("E[y / ▲0] <= 1", "divides by zero"),
    ("E[y / ▲(2 - 2)] <= 1", "divides by zero"),
    ("E[y / ▲-0] <= 1", "divides by zero"),
    ("E[▲1e308 * 10 * y] <= 1", "too large"),
    ("E[y] / ▲(1 - 1) <= 1", "divides by zero"),
    ("E[y]*▲E[y] <= 1", "product of two expressions"),
    ("E[y] / ▲E[label - y] == 1", "divides by something that depends on y"),
    ("E[y] / ▲E[y | a=1] * 2 <= 1", "divides by something that depends on y"),
    ("1 + E[y] / ▲E[y | a=1] <= 2", "divides by something that depends on y"),
    ("0.8 <= E[y] / ▲E[y | a=1] <= 1.2", "divides by something that depends on y"),
    ("E[y] / ▲E[y | a=1] <= E[label]", "divides by something that depends on y", "number"),
    # Curvature.
    ("▲abs(E[y]) >= 0.1", "not convex", "abs", "small side"),
    ("0.1 <= ▲abs(E[y])", "not convex", "abs", "small side"),
    ("▲max(E[y], E[y | a=1]) >= 0.1", "not convex", "max", "small side"),
    ("▲spread(E[y | a=*]) >= 0.1", "not convex", "spread", "small side"),
    ("▲demographic_parity(sex) >= 0.1", "not convex", "spread", "small side"),
    ("▲min(E[y | a=*]) <= 0.1", "not convex", "min", "large side"),
    ("-▲max(E[y | a=*]) <= 0.1", "not convex", "max"),
    ("1 - ▲min(E[y | a=*]) >= 0.1", "not convex", "min"),
    ("▲spread(E[y | a=*]) == 0.1", "not convex", "=="),
    ("0 <= ▲spread(E[y | a=*]) <= 0.1", "not convex", "between two bounds"),
    ("abs(▲max(E[y], 2)) <= 0.1", "not convex", "inside abs or spread"),
    ("min(▲abs(E[y]), 2) >= 0.1", "not convex", "abs"),
    ("-2 * ▲spread(E[y | a=*]) <= 0.1", "not convex", "spread"),
    ("E[label] * ▲spread(E[y | a=*]) <= 0.1", "not convex", "sign is not known"),
    ("▲spread(E[y | a=*]) / E[y] <= 0.1", "not convex", "quotient"),
    ("▲disparate_impact(race) >= -1", "not convex", "max"),
    # Bounds and numbers.
    ("▲0.4 <= E[y] <= 0.1", "lower bound 0.4 is above the upper bound 0.1"),
    ("▲E[y] in [0.4, 0.1]", "lower bound 0.4 is above the upper bound 0.1"),
    ("▲E[y] <= 0.5 <= 1", "free of y", "two constraints"),
    ("E[label] <= ▲0.5 <= 1", "between two bounds stands a statistic"),
    ("E[y] == 2 +- ▲-3", "not negative"),
    ("E[y] <= ▲1e999", "too large"),
    ("E[y] <= ▲1e308 * 10", "too large"),
    ("E[y[▲99999999999]] <= 1", "no output"),
    ("E[y] <= 1 with confidence ▲95", "between 0 and 1", "did you mean 95%?"),
    ("E[y] <= 1 with confidence ▲0", "between 0 and 1"),
    ("E[y] <= 0.1 at ▲age >= 30", "a decision is about the prediction", "at y >= 0.5"),
    ("▲mean_residual(sex) <= 0.1 at y >= 0.5", "of another value", "P[...]"),
    ("E[y[a]] + ▲E[y[b]] <= 0.1 at y[a] >= 0.5", "of another value"),
    ("▲cov(y, age) <= 0.1 at y >= 0.5", "of another value"),
    ("E[label] <= 0.1 ▲at y >= 0.5", "no E[y | ...] here"),
    ("E[y] <= 1 with confidence ▲100%", "between 0 and 1"),
    # Variables and sets.
    ("for ▲a in sex: E[y | sex=b] <= 1", "'a' is never used"),
    ("for a, ▲b in sex: E[y | sex=a] <= 1", "'b' is never used"),
    ("for a, ▲a in sex: E[y | sex=a] <= 1", "'a' is bound twice"),
    ("for a in sex and ▲a in race: E[y | sex=a] <= 1", "'a' is bound twice"),
    ("for sex in ▲sex: E[y | race=sex] <= 1", "'sex' is a variable", "another name"),
    ("for a in sex: E[y | ▲`a`=a] <= 1", "'a' is a variable", "another name"),
    ("for a, b in ▲{x}: E[y | s=a, t=b] <= 1", "2 variables need as many different values"),
    ("for a in {x, ▲x}: E[y | s=a] <= 1", "twice in the set"),
    ("E[y | race in {a, ▲'a'}] <= 1", "twice in the set"),
    ("E[y | race in {1, ▲1.0}] <= 1", "twice in the set"),
    # Conditions.
    ("E[y | ▲60 <= age < 25] <= 1", "no number lies between"),
    ("E[y | ▲25 < age <= 25] <= 1", "no number lies between"),
    ("E[y | ▲age in [60, 25]] <= 1", "no number lies between"),
    ("E[y | sex < ▲Male] <= 1", "compare numbers", "'Male'"),
    # Dates.
    ("E[y | when >= ▲'2024-06-31'] <= 1", "expected a date such as '2024-06-01'", "found '2024-06-31'"),
    ("E[y | when >= ▲'01.06.2024'] <= 1", "expected a date such as '2024-06-01'", "found '01.06.2024'"),
    ("E[y | when < ▲'2024-06-01T25:00'] <= 1", "'2024-06-01T12:30'", "found '2024-06-01T25:00'"),
    ("E[y | label >= ▲'2024-06-01'] <= 1", "compare numbers, or a column with a date"),
    ("P[y > ▲'2024-06-01'] <= 1", "y is a number"),
    ("E[y | ▲'2024-06-02' <= when < '2024-06-01'] <= 1", "no date lies between", "the earlier one first"),
    ("E[y | ▲'2024-06-01' < when <= '2024-06-01T00:00Z'] <= 1", "no date lies between"),
    ("E[y | when >= '2024-06-01', when < ▲20250101] <= 1", "'when' holds dates", "found 20250101"),
    ("E[y | when=▲5] <= 1; E[y | when < '2024-06-01'] <= 1", "'2024-06-01' by order", "found 5"),
    ("E[y | when < '2024-06-01' or when in {▲soon}] <= 1", "'when' holds dates", "found 'soon'"),
    ("E[▲when | when >= '2024-06-01'] <= 1", "'when' holds dates", "in arithmetic"),
    ("cov(y, ▲when) <= 1; E[y | when >= '2024-06-01'] <= 1", "'when' holds dates", "in arithmetic"),
    ("E[y | when=▲*] <= 1; E[y | when >= '2024-06-01'] <= 1", "not listed", "for t in {"),
    ("for t in ▲when: E[y | x=t, when >= '2024-06-01'] <= 1", "not listed", "for t in {"),
    ("for t in {'2024-06-01', ▲soon}: E[y | when >= t] <= 1", "found the text 'soon'"),
    ("E[y | ▲'a' <= sex <= 'b'] <= 1", "compare numbers", "'a'"),
    ("P[y > ▲high] <= 1", "y is a number", "'high'"),
    ("P[y in {0.5, ▲high}] <= 1", "y is a number", "'high'"),
    ("for a in {▲x, z}: E[y | age < a] <= 1", "compare numbers"),
    ("E[y | sex=Male, ▲sex=Female] <= 1", "'sex' is set twice", "'in {...}' or 'or'"),
    ("E[y | label=1, ▲label=0] <= 1", "label is set twice"),
    ("E[y | race=*, ▲race=Black] <= 1", "'race' is set twice"),
    # Stars.
    ("E[y | race=*] <= E[label | race=▲*]", "second statistic with '*'", "for g in race", "for a, b in race"),
    ("spread(E[y | race=*] - E[label | race=▲*]) <= 1", "second statistic with '*'"),
    ("E[y | label=*] <= E[y | label=▲*]", "second statistic", "for g in label"),
    ("E[y | not race=▲*] <= 1", "under 'or' and 'not'"),
    ("E[y | a=1 or race=▲*] <= 1", "under 'or' and 'not'"),
    ("P[race=▲*] <= 1", "in an event"),
    ("P[y >= 0.5, race=▲* | sex=Male] <= 1", "in an event"),
    ("E[y | y=▲*] <= 1", "y has no list of values"),
    ("E[y | race != ▲*] <= 1", "'*' goes with '=' only"),
    ("▲spread(E[y]) <= 1", "the spread of one expression is 0", "spread(E[y | sex=*])"),
]

REFUSED = [(ConstraintSyntaxError, *case) for case in FORM] + [
    (ConstraintTypeError, *case) for case in MEANING
]


def test_the_table_is_as_long_as_promised() -> None:
    texts = {case[1] for case in REFUSED}
    assert len(REFUSED) == len(texts) >= 120
    assert all(text.count(MARK) == 1 for text in texts)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: ascii(case[1]))
def test_caret_and_words(case: tuple) -> None:
    kind, marked, *words = case
    text = marked.replace(MARK, "")
    with pytest.raises(ConstraintError) as caught:
        parse_statements(text)
    error = caught.value
    assert type(error) is kind, str(error)
    assert error.span is not None
    assert text[: error.span.start] + MARK + text[error.span.start :] == marked, str(error)
    assert error.text == text
    for word in words:
        assert word in error.message, str(error)
    # The word a user never typed: no name of a terminal or of lark's.
    assert not any(name in error.message for name in ("LBRACKET", "NAME", "QUOTED", "Token", "$END"))

"""Reports of an audit for people: terminal, Markdown, model card, HTML page, and pandas tables.

Nothing is measured here. `wording` holds what all of them say; each module writes one form. They are reached
through the methods of `keras_fair.audit.Audit`.
"""

from keras_fair.reports.card import to_card
from keras_fair.reports.frame import to_dataframe
from keras_fair.reports.markdown import to_markdown
from keras_fair.reports.page import to_html
from keras_fair.reports.terminal import to_table, to_text

__all__ = ["to_card", "to_dataframe", "to_html", "to_markdown", "to_table", "to_text"]

"""A fairness section in the model card of a model on the Hugging Face Hub."""

from __future__ import annotations

import re

from huggingface_hub import ModelCard

from keras_fair.audit.result import Audit

__all__ = ["update_card"]

_BEGIN, _END = "<!-- fairness: begin -->", "<!-- fairness: end -->"
_SECTION = re.compile(f"\n*{re.escape(_BEGIN)}.*?{re.escape(_END)}\n*", re.DOTALL)


def update_card(card: ModelCard, audit: Audit) -> None:
    """Put the section of an audit into a card, in place of the one that was there before.

    The section stands between two comments that are not shown; what else the card says stays as it is. The
    card's tag `fairness` is added, so that it can be found.

    Args:
        card: a `huggingface_hub.ModelCard`, changed in place; `card.save` or `card.push_to_hub` is yours.
        audit: what was found.

    Raises:
        TypeError: `card` is something else, such as a path.

    Example:

    >>> from huggingface_hub import ModelCard
    >>> import keras_fair as kf
    >>> card = ModelCard("---\\nlicense: mit\\n---\\n# Loans\\n")
    >>> kf.integrations.huggingface.update_card(card, kf.audit("E[y] <= 0.6", [0.4, 0.5], confidence=None))
    >>> "## Quantitative Analyses" in card.text, card.data.tags
    (True, ['fairness'])
    """
    if not isinstance(card, ModelCard):
        raise TypeError(f"expected a huggingface_hub.ModelCard, received {card!r}: ModelCard.load(path)")
    section = f"{_BEGIN}\n{audit.to_markdown(card=True).strip()}\n{_END}"
    kept = _SECTION.sub("\n\n", card.text).rstrip()
    card.text = f"{kept}\n\n{section}\n"
    tags = list(card.data.get("tags") or [])
    card.data["tags"] = tags if "fairness" in tags else [*tags, "fairness"]

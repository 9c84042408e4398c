"""Makes `keras.saving.load_model` know the classes of this package once `keras_fair` is imported, without
importing them.

Keras finds a class of a saved model in its table of custom objects, by the name it was registered under. A
class gets there when its module is imported, which takes Keras and its backend; someone who only parses
constraints shouldn't wait for these. So stand-ins are put into the table, at once where Keras is imported
already, else right after it is imported. A stand-in imports its class when it is asked for it; the class then
takes its place.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

__all__ = ["KerasHook", "register_classes"]

PACKAGE = "keras_fair"


class _StandIn:
    """In the table of custom objects in place of a class that is not imported yet."""

    def __init__(self, module: str, name: str) -> None:
        self._module, self._name = module, name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(getattr(importlib.import_module(self._module), self._name), attribute)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return getattr(importlib.import_module(self._module), self._name)(*arguments, **keywords)


class KerasHook(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands in `sys.meta_path` until Keras is imported, and takes part in that import.

    Args:
        load: called with what executes the module, and the module; it has to do so.
    """

    def __init__(self, load: Callable[[Callable[[ModuleType], None], ModuleType], None]) -> None:
        self._load = load
        self._loader: Any = None

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec that the other finders have, with this object as its loader."""
        if name != "keras":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return None
        self._loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """What Keras' own loader makes."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its own loader back, and load it."""
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._load(self._loader.exec_module, module)


def register_classes(classes: dict[str, str]) -> None:
    """Make saved models with these classes loadable.

    Args:
        classes: from the name of a class to the module that has it.
    """

    def load(execute: Callable[[ModuleType], None], keras: ModuleType) -> None:
        execute(keras)
        _register(keras, classes)

    if "keras" in sys.modules and hasattr(sys.modules["keras"], "saving"):
        _register(sys.modules["keras"], classes)
    else:
        sys.meta_path.insert(0, KerasHook(load))


def _register(keras: ModuleType, classes: dict[str, str]) -> None:
    table = keras.saving.get_custom_objects()
    for name, module in classes.items():
        table.setdefault(f"{PACKAGE}>{name}", _StandIn(module, name))

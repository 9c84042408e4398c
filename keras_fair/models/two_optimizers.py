"""An optimizer for a model, and another for the adversary inside it, as one optimizer of Keras."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras

__all__ = ["TwoOptimizers"]

_FASTER, _MOST = 5.0, 0.01  # the adversary's rate over the model's, and the largest that is chosen


@keras.saving.register_keras_serializable(package="keras_fair")
class TwoOptimizers(keras.optimizers.Optimizer):
    """Steps of two optimizers, each on its own variables. `learning_rate` and `iterations` are the model's.

    Args:
        of_model: the optimizer of the model's weights.
        of_adversary: that of the adversary's. Default: Adam with five times the model's learning rate, 0.01
            at most, and gradients clipped to a norm of 1 all together.
        name: of the optimizer.
    """

    def __init__(self, of_model: Any, of_adversary: Any = None, *, name: str | None = None) -> None:
        super().__init__(learning_rate=0.0, name=name)
        self.of_model = keras.optimizers.get(of_model)
        if of_adversary is None:
            rate = min(_FASTER * float(keras.ops.convert_to_numpy(self.of_model.learning_rate)), _MOST)
            of_adversary = keras.optimizers.Adam(rate, global_clipnorm=1.0, name="adam_of_adversary")
        self.of_adversary = keras.optimizers.get(of_adversary)
        self._adversary_variables: Callable[[], Sequence[Any]] = tuple
        self._is_adversary: dict[Any, bool] = {}

    def tell_adversary(self, variables: Callable[[], Sequence[Any]]) -> None:
        """Say which variables are the adversary's, once they are there."""
        self._adversary_variables = variables

    def build(self, variables: Any) -> None:
        """Make the state of both optimizers."""
        if self.built:
            return
        own = {self._var_key(variable) for variable in self._adversary_variables()}
        self._is_adversary = {
            self._var_key(variable): self._var_key(variable) in own for variable in variables
        }
        for adversary, optimizer in ((False, self.of_model), (True, self.of_adversary)):
            optimizer.build([variable for variable in variables if self._belongs(variable) is adversary])
        super().build(list(variables))

    @property
    def variables(self) -> list[Any]:
        """The state of both optimizers, and this one's own."""
        return [*self._variables, *self.of_model.variables, *self.of_adversary.variables]

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """See `keras.optimizers.Optimizer.apply`."""
        if trainable_variables is not None and not self.built:
            self.build(list(trainable_variables))
        variables = list(self._trainable_variables if trainable_variables is None else trainable_variables)
        for adversary, optimizer in ((False, self.of_model), (True, self.of_adversary)):
            pairs = [
                (gradient, variable)
                for gradient, variable in zip(grads, variables, strict=True)
                if self._belongs(variable) is adversary
            ]
            if any(gradient is not None for gradient, _ in pairs):
                optimizer.apply([gradient for gradient, _ in pairs], [variable for _, variable in pairs])

    @property
    def learning_rate(self) -> Any:
        """That of the model's optimizer; the adversary's stays where it is set."""
        return self.of_model.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self.of_model.learning_rate = learning_rate

    @property
    def iterations(self) -> Any:
        """Steps so far."""
        return self.of_model.iterations

    def scale_loss(self, loss: Any) -> Any:
        """See `keras.optimizers.Optimizer.scale_loss`."""
        return self.of_model.scale_loss(loss)

    def finalize_variable_values(self, var_list: Any) -> None:
        """See `keras.optimizers.Optimizer.finalize_variable_values`."""
        own = [variable for variable in var_list if not self._belongs(variable)]
        self.of_model.finalize_variable_values(own)

    def get_config(self) -> dict[str, Any]:
        """Both optimizers and the name."""
        return {
            "name": self.name,
            "of_model": keras.saving.serialize_keras_object(self.of_model),
            "of_adversary": keras.saving.serialize_keras_object(self.of_adversary),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> TwoOptimizers:
        """The optimizer of a config."""
        optimizers = {
            key: keras.saving.deserialize_keras_object(config[key], custom_objects)
            for key in ("of_model", "of_adversary")
        }
        return cls(**optimizers, name=config["name"])

    def _belongs(self, variable: Any) -> bool:
        """Whether a variable is the adversary's."""
        return self._is_adversary.get(self._var_key(variable), False)

"""Audits in TensorBoard: gaps and violations as scalars, intervals and distributions as images.

Keras' own `TensorBoard` callback shows what `FairnessMonitor` logs; this adds pictures, and audits made
outside of training. TensorFlow is not imported: events are written by TensorBoard's own writer.
"""

from __future__ import annotations

import io
import os
import time
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from keras_fair.audit.result import Audit
from keras_fair.plots.canvas import pyplot
from keras_fair.plots.gaps import gaps
from keras_fair.plots.group_scores import group_scores

__all__ = ["log_audit"]


def log_audit(
    audit: Audit, log_dir: str | os.PathLike[str], step: int = 0, *, prefix: str = "fairness"
) -> None:
    """Write an audit as one event file under a folder that TensorBoard shows.

    Scalars are those of `Audit.metrics`; images are `PREFIX/gaps`, each gap with its interval and bounds, and
    `PREFIX/scores`, the distribution of the scores of each group, where the audit holds groups.

    Args:
        audit: what was found.
        log_dir: the folder; made if it is not there.
        step: the epoch, or the number of the release, >= 0.
        prefix: of the names.

    Raises:
        ModuleNotFoundError: Matplotlib is not installed.

    Example:

    >>> import matplotlib, tempfile
    >>> matplotlib.use("agg")
    >>> import keras_fair as kf
    >>> found = kf.audit("spread(E[y | sex=*]) <= 0.1", [0.2, 0.7], {"sex": ["F", "M"]}, confidence=None)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     kf.integrations.tensorboard.log_audit(found, folder, step=3)
    """
    values = [
        Summary.Value(tag=f"{prefix}/{name}", simple_value=value) for name, value in audit.metrics().items()
    ]
    pictures = {"gaps": gaps(audit).figure}
    if any(group.weight > 0 for group in audit.groups):
        pictures["scores"] = group_scores(audit)
    values += [Summary.Value(tag=f"{prefix}/{name}", image=_image(each)) for name, each in pictures.items()]
    writer = EventFileWriter(os.fspath(log_dir))
    writer.add_event(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))
    writer.close()


def _image(figure: Any) -> Summary.Image:
    """A figure as a PNG, which is closed."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=100)
    width, height = (int(pixels) for pixels in figure.get_size_inches() * 100)
    pyplot().close(figure)
    return Summary.Image(height=height, width=width, colorspace=4, encoded_image_string=stream.getvalue())

"""How an effect fades with distance: frozen declarations that turn distances into weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator

from equity_screen.errors import UsageError
from equity_screen.recipe import Declaration

Fading = Literal["step", "linear", "exponential", "gaussian", "inverse"]
METRES_PER_KM = 1000.0
# Below a millimetre neither a scale nor a floor can be meant.
SMALLEST_M = 1e-3
Floats = NDArray[np.float64]


class Kernel(Declaration):
    r"""Weight of an effect by distance.

    With distance :math:`d`, ``scale_m`` :math:`h`, ``floor_m`` :math:`f` and ``cut_off_m`` :math:`c`:

    =========== ================================ =================== =====================
    kind        weight up to :math:`c`           needs               may have
    =========== ================================ =================== =====================
    step        1                                ``cut_off_m``
    linear      :math:`1 - d/c`                  ``cut_off_m``
    exponential :math:`e^{-d/h}`                 ``scale_m``         ``cut_off_m``
    gaussian    :math:`e^{-d^2/(2h^2)}`          ``scale_m``         ``cut_off_m``
    inverse     :math:`1000/\max(d, f)` [per km] ``floor_m``         ``cut_off_m``
    =========== ================================ =================== =====================

    and 0 beyond :math:`c`; a distance of exactly :math:`c` is within.

    Notes
    -----
    Every kind but ``inverse`` is 1 at no distance; that one is 1000/floor there, one per kilometre as in the
    proximity scores of EJScreen.

    Examples
    --------
    >>> Kernel(kind="linear", cut_off_m=500).weights([0, 250, 500, 501]).tolist()
    [1.0, 0.5, 0.0, 0.0]
    >>> Kernel(kind="inverse", floor_m=100, cut_off_m=5000).weights([0, 500, 2000, 6000]).tolist()
    [10.0, 2.0, 0.5, 0.0]
    """

    kind: Fading = Field(description="how the effect fades: step, linear, exponential, gaussian or inverse")
    scale_m: float | None = Field(
        None, ge=SMALLEST_M, description="exponential: where e⁻¹ is left; gaussian: the standard deviation [m]"
    )
    floor_m: float | None = Field(None, ge=SMALLEST_M, description="inverse: nothing counts as nearer than this [m]")
    cut_off_m: float | None = Field(None, gt=0, description="beyond this there is no effect [m]")

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, given: object) -> object:
        unknown = [str(key) for key in given if key not in cls.model_fields] if isinstance(given, Mapping) else []
        if unknown:
            msg = f"a kernel has no {', '.join(sorted(unknown))}; it has {', '.join(cls.model_fields)}"
            raise ValueError(msg)
        return given

    @model_validator(mode="after")
    def _one_meaning(self) -> Kernel:
        needs, may = _LENGTHS[self.kind]
        given = {name for name in ("scale_m", "floor_m", "cut_off_m") if getattr(self, name) is not None}
        faults = [f"{self.kind} needs {needs}"] if needs not in given else []
        faults += [f"{self.kind} has no {name}" for name in sorted(given - {needs, *may})]
        if self.floor_m and self.cut_off_m and self.floor_m > self.cut_off_m:
            faults.append(f"floor_m {self.floor_m:g} lies beyond cut_off_m {self.cut_off_m:g}")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @property
    def reach_m(self) -> float:
        """Distance beyond which every weight is 0 [m]; infinite without a cut-off."""
        return np.inf if self.cut_off_m is None else self.cut_off_m

    def weights(self, distances_m: ArrayLike) -> Floats:
        """Weigh distances.

        Parameters
        ----------
        distances_m : array-like of float
            Distances [m] in any shape; NaN where one is unknown, infinite where there is no way.

        Returns
        -------
        ndarray of float64
            Weights [0–1], or per km for ``inverse``, of the same shape; NaN where the distance is.

        Raises
        ------
        UsageError
            A distance below 0.

        Examples
        --------
        >>> Kernel(kind="exponential", scale_m=300).weights([0, 300, 600]).round(3).tolist()
        [1.0, 0.368, 0.135]
        """
        distances = np.asarray(distances_m, dtype=np.float64)
        if (distances < 0).any():
            msg = f"a distance of {distances.min():g} m: distances are 0 or more"
            raise UsageError(msg)
        with np.errstate(over="ignore"):
            weights = _FADING[self.kind](self, distances)
        return np.asarray(np.where(distances > self.reach_m, 0.0, weights))


# What each kind needs, and what it may have besides.
_LENGTHS: Mapping[Fading, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "step": ("cut_off_m", ()),
        "linear": ("cut_off_m", ()),
        "exponential": ("scale_m", ("cut_off_m",)),
        "gaussian": ("scale_m", ("cut_off_m",)),
        "inverse": ("floor_m", ("cut_off_m",)),
    }
)


def _step(_: Kernel, distances: Floats) -> Floats:
    return np.where(np.isnan(distances), np.nan, 1.0)


def _linear(kernel: Kernel, distances: Floats) -> Floats:
    return 1.0 - distances / kernel.reach_m


def _exponential(kernel: Kernel, distances: Floats) -> Floats:
    return np.exp(-distances / _length(kernel.scale_m))


def _gaussian(kernel: Kernel, distances: Floats) -> Floats:
    return np.exp(-0.5 * (distances / _length(kernel.scale_m)) ** 2)


def _inverse(kernel: Kernel, distances: Floats) -> Floats:
    return METRES_PER_KM / np.maximum(distances, _length(kernel.floor_m))


def _length(value: float | None) -> float:
    """Length that the declaration has made sure of."""
    return np.nan if value is None else value


_FADING: Mapping[Fading, Callable[[Kernel, Floats], Floats]] = MappingProxyType(
    {
        "step": _step,
        "linear": _linear,
        "exponential": _exponential,
        "gaussian": _gaussian,
        "inverse": _inverse,
    }
)

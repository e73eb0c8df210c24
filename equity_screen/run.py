"""What the tables of a result are made from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely

from equity_screen.actions import Plan
from equity_screen.atoms import ActionAtoms
from equity_screen.inputs import Inputs
from equity_screen.overlay import SQUARE_METRES_PER_KM2, Overlay
from equity_screen.people import Floats, People
from equity_screen.priority import Inside
from equity_screen.recipe import Question


class Run(NamedTuple):
    """Everything that the tables of a result are made from.

    ``question``: what is asked; ``plan``, ``hoods``: actions, effects and neighbourhoods in order; ``people``: by
    neighbourhood; ``laid``: the effects over the neighbourhoods; ``atoms``: whom the same actions reach; ``inside``:
    what belongs to priority places; ``inputs``: what was read.
    """

    question: Question
    plan: Plan
    hoods: gpd.GeoDataFrame
    people: People
    laid: Overlay
    atoms: Mapping[tuple[str, str], ActionAtoms]
    inside: Inside
    inputs: Inputs

    @property
    def asked(self) -> bool:
        """Whether priority places were asked for."""
        return self.inside.effects is not None

    @property
    def areas_km2(self) -> Floats:
        """Area of each neighbourhood [km²]."""
        return np.asarray(shapely.area(self.laid.ground.zones.array) / SQUARE_METRES_PER_KM2)

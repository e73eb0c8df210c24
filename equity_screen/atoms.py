"""The smallest parts of neighbourhoods that no reach cuts: whoever lives in one is reached by the same actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array, csr_array, vstack
from scipy.sparse.linalg import lsqr

from equity_screen.areas import SLIVER
from equity_screen.errors import EquityScreenError
from equity_screen.overlay import Ground, Overlay, drawing_error, union_range
from equity_screen.people import Floats
from equity_screen.relation import Relation

POLYGON = 3  # shapely's number for it
# Share of a neighbourhood that drawn discs, which are polygons, may leave between its atoms and the overlay.
HAIR = 0.05
EXACT = 1e-12
CLOSE = 1e-9  # what is less is nothing: of a share, and of a neighbourhood that is left
# Lines are noded on a grid: those that rounding alone keeps apart would leave faces open.
GRID_M = 1e-6
INSIDE = 1e-3  # distance of a point from the border, as a part of the side of a square as large
NEAR, ROUNDS = 1e-10, 1000
Integers = NDArray[np.intp]


class Atoms(NamedTuple):
    """The smallest parts of neighbourhoods that no column's reach cuts.

    ``zone``: position of the neighbourhood; ``share`` [0–1]: of its people (its population points, or its area
    where it has none); ``inside``: atoms × columns, 1 where the atom is in reach. What no column reaches is left
    out: it is the rest of the neighbourhood. Atoms of one neighbourhood differ in their columns.
    """

    zone: Integers
    share: Floats
    inside: csr_array


class ActionAtoms(NamedTuple):
    """Atoms of the actions of one scope and ledger, a column each; ``undefined`` says why there are none.

    ``taken_up``: actions with effects that only some of those in reach take up, which are left out.
    """

    actions: pd.Index
    atoms: Atoms
    undefined: str
    taken_up: frozenset[str] = frozenset()


def atoms_by_ledger(laid: Overlay) -> dict[tuple[str, str], ActionAtoms]:
    """Cut the neighbourhoods by the reach of the actions of each scope and ledger.

    An action with several effects in a ledger is one column: it reaches whom any of them reaches. City-wide
    effects and those without a place are no part of it, as in :func:`equity_screen.equity.counted_once`.

    Parameters
    ----------
    laid : Overlay
        Effects over neighbourhoods.

    Returns
    -------
    dict of (scope, ledger) to ActionAtoms
        Actions in the order of their ids, and the atoms that they cut.

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> found = atoms_by_ledger(overlay(four_zones(), four_actions()))["active actions", "benefit"]
    >>> found.actions.tolist(), found.atoms.zone.tolist(), found.atoms.inside.toarray().tolist()
    (['EAST', 'WEST'], [0, 1, 2, 3], [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    """
    names = laid.shares.columns.get_level_values("action")
    said = nothing_placed(laid)
    found = {}
    for ledger in dict.fromkeys(ledger for _, ledger in laid.members):
        scopes = {key: members for key, members in laid.members.items() if key[1] == ledger}
        members = np.unique(np.concatenate(list(scopes.values())))
        actions = pd.Index(names[members].unique()).sort_values()
        columns = np.full(len(names), -1, dtype=np.intp)
        columns[members] = actions.get_indexer(names[members])
        atoms = atoms_of(laid.ground, laid.shares.matrix, columns=columns)
        # Every effect of an action is in the scope or none is: a scope is some of the columns.
        for key, own in scopes.items():
            picked = np.unique(columns[own])
            taken_up = frozenset(names[laid.left_out[key]] if key in laid.left_out else ())
            found[key] = ActionAtoms(actions[picked], _of_columns(atoms, picked), said[key], taken_up)
    return {key: found[key] for key in laid.members}


def nothing_placed(laid: Overlay) -> dict[tuple[str, str], str]:
    """Say for each scope and ledger why it counts nobody: nothing assessed or placed, or only for those who take it up.

    Parameters
    ----------
    laid : Overlay
        Effects over neighbourhoods.

    Returns
    -------
    dict of (scope, ledger) to str
        The reason, ``""`` where people are counted.

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> plan = four_actions()
    >>> kept = plan.effects["action"] != "EAST"
    >>> laid = overlay(four_zones(), plan._replace(effects=plan.effects[kept].reset_index(drop=True)))
    >>> nothing_placed(laid)["all actions", "burden"]
    'no burden of all actions has a place'
    """
    assessed = set(laid.shares.columns.get_level_values("ledger"))
    return {
        (scope, ledger): ""
        if len(members)
        else f"the {ledger}s of {scope} that have a place are taken up by some: who they are is not known"
        if len(laid.left_out.get((scope, ledger), ()))
        else f"no {ledger} of {scope} has a place"
        if ledger in assessed
        else f"no {ledger} was assessed"
        for (scope, ledger), members in laid.members.items()
    }


def atoms_of(ground: Ground, shares: csc_array, *, columns: Integers) -> Atoms:
    """Cut the neighbourhoods into the smallest parts that no column's reach cuts.

    Where a share is exactly 1 a column holds all of a neighbourhood, where it is 0 nothing of it. Between the
    two, an atom is the population points with the same columns; in a neighbourhood without any, a face of
    the arrangement of the footprints, or their share alone where one footprint cuts it.

    Parameters
    ----------
    ground : Ground
        Neighbourhoods, population points, and where the effects land.
    shares : csc_array, shape (neighbourhoods, effects)
        Share of each neighbourhood's people in reach of each effect.
    columns : ndarray of int, shape (effects,)
        Column that each effect belongs to; −1 for none. A column reaches whom any of its effects reaches.

    Returns
    -------
    Atoms
        Sorted by neighbourhood. Atoms of one add up to 1 at the most; those inside a column that one footprint
        makes add up to the overlay's share of it (1e-9).

    Raises
    ------
    EquityScreenError
        Where they do not, by more than rounding: an overlay and a ground that do not belong together.

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> plan, corner = four_actions(), shapely.box(560_000, 6_200_000, 560_500, 6_200_500)
    >>> plan.actions.geometry = plan.actions.geometry.where(plan.actions.index != "WEST", corner)
    >>> laid = overlay(four_zones(), plan)
    >>> atoms = atoms_of(laid.ground, laid.shares.matrix, columns=np.array([-1, -1, 0, -1, -1, 1]))
    >>> [(int(z), round(float(s), 6)) for z, s in zip(atoms.zone, atoms.share)], atoms.inside.toarray().tolist()
    ([(0, 0.25), (1, 1.0), (3, 1.0)], [[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    """
    cuts = _cuts(ground, shares, columns)
    atoms = _merged(_stacked([_by_points(cuts, ground), _by_area(cuts, ground)], cuts.partly.shape[1]))
    return _with_whole(_settled(atoms, cuts, drawing_error(ground, ground.effects.footprints)), cuts.whole)


class _Cuts(NamedTuple):
    """What reaches neighbourhoods whole (× columns), what in part (× columns, × effects), and whose effects are.

    ``member``: effects × columns; ``single``: the same, but once for each footprint. ``shape``: the footprint of
    each effect among ``shapes``.
    """

    whole: csr_array
    partly: csr_array
    by_effect: coo_array
    member: csr_array
    single: csr_array
    shape: Integers
    shapes: NDArray[np.object_]


def _cuts(ground: Ground, shares: csc_array, columns: Integers) -> _Cuts:
    kept = np.flatnonzero(columns >= 0)
    size = (len(columns), int(columns.max(initial=-1)) + 1)
    member = csr_array((np.ones(len(kept)), (kept, columns[kept])), shape=size)
    # Effects of one action mostly share its footprint: each shape is cut once.
    shape = np.full(len(columns), -1, dtype=np.intp)
    shape[kept], drawn = pd.factorize(shapely.to_wkb(ground.effects.footprints.array.to_numpy()[kept]))
    first = kept[~pd.DataFrame({"column": columns[kept], "shape": shape[kept]}).duplicated().to_numpy()]
    single = csr_array((np.ones(len(first)), (first, columns[first])), shape=size)
    pairs = shares.tocoo()
    whole = _ones(_where(pairs, pairs.data >= 1.0) @ member)
    by_effect = _where(pairs, (pairs.data > 0) & (pairs.data < 1.0) & (columns[pairs.col] >= 0))
    reached = _ones(by_effect @ member)
    partly = _ones(reached - reached.multiply(whole))
    # An effect that cuts a neighbourhood which its column holds whole anyway cuts nothing.
    cutting = _picked(partly, by_effect.row, columns[by_effect.col]) > 0
    cut = _where(by_effect, cutting, shares)
    return _Cuts(whole, partly, cut, member, single, shape, shapely.from_wkb(drawn))


def _where(pairs: coo_array, mask: NDArray[np.bool_], values: csc_array | None = None) -> coo_array:
    """Keep some pairs of a relation: ones, or their values in another."""
    row, column = pairs.row[mask], pairs.col[mask]
    data = np.ones(len(row)) if values is None else _picked(values, row, column)
    return coo_array((data, (row, column)), shape=pairs.shape)


def _picked(matrix: csc_array | csr_array, rows: Integers, columns: Integers) -> Floats:
    """Take single values out of a sparse matrix; of no pairs scipy gives a sparse array."""
    return np.asarray(matrix[rows, columns], dtype=np.float64).ravel() if len(rows) else np.empty(0)


def _ones(matrix: csr_array | coo_array) -> csr_array:
    found = csr_array(matrix)
    found.eliminate_zeros()
    found.data = np.ones(found.nnz)
    found.sort_indices()
    return found


def _peopled(ground: Ground) -> NDArray[np.bool_]:
    """Tell which neighbourhoods have population points with people."""
    if ground.blocks is None:
        return np.zeros(len(ground.zones), dtype=bool)
    people = ground.blocks["people"].to_numpy(dtype=np.float64)
    return np.asarray(_sums(ground.blocks["zone"].to_numpy(dtype=np.intp), people, len(ground.zones)) > 0)


def _by_points(cuts: _Cuts, ground: Ground) -> Atoms:
    """Take each population point of a neighbourhood that is reached in part for an atom."""
    reach = ground.effects
    if ground.blocks is None or reach.hits is None:
        return _none(cuts.partly.shape[1])
    zone = ground.blocks["zone"].to_numpy(dtype=np.intp)
    people = ground.blocks["people"].to_numpy(dtype=np.float64)
    total = _sums(zone, people, len(ground.zones))
    mine = np.flatnonzero((np.diff(cuts.partly.indptr) > 0)[zone] & (people > 0))
    hits = csr_array((np.ones(len(reach.hits[0])), reach.hits), shape=(len(zone), cuts.member.shape[0]))
    inside = _ones((hits[mine] @ cuts.member).multiply(cuts.partly[zone[mine]]))
    return Atoms(zone[mine], people[mine] / total[zone[mine]], inside)


def _by_area(cuts: _Cuts, ground: Ground) -> Atoms:
    """Cut the neighbourhoods without population points along the footprints that reach them in part."""
    pairs, shapes = cuts.by_effect, cuts.shapes
    bare = np.flatnonzero(~_peopled(ground)[pairs.row])
    table = pd.DataFrame({"zone": pairs.row[bare], "shape": cuts.shape[pairs.col[bare]], "share": pairs.data[bare]})
    table = table.groupby(["zone", "shape"], as_index=False)["share"].max()
    alone = ~table.duplicated("zone", keep=False).to_numpy()
    zone, shape, share = (table[name].to_numpy() for name in ("zone", "shape", "share"))
    lone = csr_array((np.ones(alone.sum()), (np.arange(alone.sum()), shape[alone])), shape=(alone.sum(), len(shapes)))
    faces = _faces(ground.zones, shapes, zone[~alone], shape[~alone])
    found = _stacked([Atoms(zone[alone], share[alone], lone), faces], len(shapes))
    effects = np.flatnonzero(cuts.shape >= 0)
    owner = csr_array((np.ones(len(effects)), (cuts.shape[effects], effects)), shape=(len(shapes), len(cuts.shape)))
    return found._replace(inside=_ones((found.inside @ (owner @ cuts.member)).multiply(cuts.partly[found.zone])))


def _faces(zones: gpd.GeoSeries, shapes: NDArray[np.object_], zone: Integers, shape: Integers) -> Atoms:
    """Faces of the arrangement that the shapes make within each neighbourhood, for pairs sorted by neighbourhood."""
    grounds = zones.array.to_numpy()
    pieces, owner = shapely.get_parts(shapely.intersection(grounds[zone], shapes[shape]), return_index=True)
    # A drawn disc may miss a neighbourhood that the exact one touches: its piece is empty, and no face.
    areal = (shapely.get_type_id(pieces) == POLYGON) & ~shapely.is_empty(pieces)
    pieces, owner = pieces[areal], owner[areal]
    lines, piece = shapely.get_parts(shapely.boundary(pieces), return_index=True)
    cut, rank = np.unique(zone[owner], return_inverse=True)
    noded = shapely.union_all(shapely.multilinestrings(lines, indices=rank[piece])[:, None], grid_size=GRID_M, axis=1)
    faces, row = shapely.get_parts(shapely.polygonize(noded[:, None]), return_index=True)
    share = shapely.area(faces) / shapely.area(grounds[cut[row]])
    # Two borders a rounding apart leave hairs between them.
    faces, home, share = faces[share > SLIVER], cut[row][share > SLIVER], share[share > SLIVER]
    which, face = shapely.STRtree(_points_inside(faces)).query(pieces, predicate="intersects")
    inside = csr_array((np.ones(len(face)), (face, shape[owner[which]])), shape=(len(faces), len(shapes)))
    return Atoms(home, share, _ones(inside))


def _points_inside(faces: NDArray[np.object_]) -> NDArray[np.object_]:
    """Find a point well inside each face: one in a hair that hangs from it would belong to no side."""
    points: NDArray[np.object_] = shapely.point_on_surface(faces)
    close = np.flatnonzero(shapely.distance(points, shapely.boundary(faces)) < INSIDE * np.sqrt(shapely.area(faces)))
    circles = shapely.maximum_inscribed_circle(faces[close])
    points[close] = shapely.points(shapely.get_coordinates(circles).reshape(-1, 2, 2)[:, 0])
    return points


def _sums(place: Integers, weights: Floats, places: int) -> Floats:
    return np.bincount(place, weights=weights, minlength=places).astype(np.float64)


def _none(columns: int) -> Atoms:
    return Atoms(np.empty(0, dtype=np.intp), np.empty(0), csr_array((0, columns)))


def _stacked(parts: list[Atoms], columns: int) -> Atoms:
    kept = [part for part in parts if len(part.zone)]
    if not kept:
        return _none(columns)
    zone, share = (np.concatenate([part[i] for part in kept]) for i in (0, 1))
    return Atoms(zone.astype(np.intp), share, csr_array(vstack([part.inside for part in kept])))


def _merged(atoms: Atoms) -> Atoms:
    """Add up the atoms of a neighbourhood that have the same columns; drop those without any."""
    kept = np.flatnonzero(np.diff(atoms.inside.indptr) > 0)
    zone, share, inside = atoms.zone[kept], atoms.share[kept], atoms.inside[kept]
    alike = _alike(zone, inside)
    # Sums run in one order, whatever that of the points and faces.
    order = np.lexsort((share, alike))
    _, first, group = np.unique(np.column_stack([zone, alike])[order], axis=0, return_index=True, return_inverse=True)
    total = _sums(group.ravel(), share[order], len(first))
    return Atoms(zone[order][first], total, inside[order[first]])


def _alike(zone: Integers, inside: csr_array) -> Integers:
    """Give equal numbers to atoms of one neighbourhood with equal columns, whatever the order of rows."""
    code, count = zone.astype(np.int64), np.diff(inside.indptr)
    for place in range(int(count.max(initial=0))):
        row = np.flatnonzero(count > place)
        key = code[row] * inside.shape[1] + inside.indices[inside.indptr[row] + place]
        _, number = np.unique(key, return_inverse=True)
        code[row] = int(code.max()) + 1 + number
    return np.unique(code, return_inverse=True)[1].astype(np.intp)


def _settled(atoms: Atoms, cuts: _Cuts, hair: Floats) -> Atoms:
    """Make the atoms inside a column add up to the overlay's share of it, where one effect alone makes the column."""
    target = _lone_shares(cuts)
    atom, pair = _pairs_of(atoms, target)
    held = _sums(pair, atoms.share[atom], target.nnz)
    _must_hold(atoms, target, hair)
    atoms = _merged(_stacked([atoms, _lost(target, held)], atoms.inside.shape[1]))
    atoms = atoms._replace(share=_scaled(atoms, target))
    total = _sums(atoms.zone, atoms.share, target.shape[0])
    return atoms._replace(share=atoms.share / np.where(total > 1.0 - CLOSE, total, 1.0)[atoms.zone])


def _must_hold(atoms: Atoms, target: coo_array, hair: Floats) -> None:
    """Refuse atoms that are not those of the overlay's shares, by more than rounding and the drawing of discs."""
    atom, pair = _pairs_of(atoms, target)
    held = _sums(pair, atoms.share[atom], target.nnz)
    if (np.abs(held - target.data) > HAIR + hair[target.row]).any():
        msg = "the atoms of a neighbourhood do not add up to its share in reach; please report this as a bug"
        raise EquityScreenError(msg)


def _pairs_of(atoms: Atoms, pairs: coo_array) -> tuple[Integers, Integers]:
    """Entries of the atoms that belong to the pairs: positions of the atom and of the pair."""
    number = csr_array((np.arange(1.0, pairs.nnz + 1.0), (pairs.row, pairs.col)), shape=pairs.shape)
    found = atoms.inside.multiply(number[atoms.zone]).tocoo()
    return found.row.astype(np.intp), found.data.astype(np.intp) - 1


def _scaled(atoms: Atoms, target: coo_array) -> Floats:
    """Give each pair what it lacks by the least change of its atoms, in proportion to their size."""
    share, (atom, pair) = atoms.share, _pairs_of(atoms, target)
    lack = target.data - _sums(pair, share[atom], target.nnz)
    if np.abs(lack).max(initial=0.0) <= CLOSE / 2:
        return share
    # What nothing reaches gives way too, so that a neighbourhood stays whole.
    zones, home = np.unique(atoms.zone, return_inverse=True)
    left = 1.0 - _sums(home, share, len(zones))
    root = np.sqrt(np.concatenate([share, np.maximum(left, 0.0)]))
    sums = np.concatenate([pair, target.nnz + home, target.nnz + np.arange(len(zones))])
    parts = np.concatenate([atom, np.arange(len(root))])
    # Each sum counts by its own size: it is met in fewer rounds.
    size = 1.0 / np.sqrt(_sums(sums, root[parts] ** 2, target.nnz + len(zones)))
    matrix = csr_array((size[sums] * root[parts], (sums, parts)), shape=(len(size), len(root)))
    wanted = size * np.concatenate([lack, np.minimum(left, 0.0)])
    change = lsqr(matrix, wanted, atol=NEAR, btol=NEAR, iter_lim=ROUNDS)[0]
    return np.asarray(np.maximum(share + (root * change)[: len(share)], 0.0), dtype=np.float64)


def _lone_shares(cuts: _Cuts) -> coo_array:
    """Shares of the columns of which one footprint alone reaches a neighbourhood in part."""
    ones = _where(cuts.by_effect, np.ones(cuts.by_effect.nnz, dtype=bool))
    number, total = csr_array(ones @ cuts.single), csr_array(cuts.by_effect @ cuts.single)
    pairs = number.tocoo()
    return _where(pairs, pairs.data == 1, total)


def _lost(target: coo_array, held: Floats) -> Atoms:
    """Give back what is too thin to have a face."""
    gone = np.flatnonzero(held == 0)
    inside = csr_array((np.ones(len(gone)), (np.arange(len(gone)), target.col[gone])), (len(gone), target.shape[1]))
    return Atoms(target.row[gone].astype(np.intp), target.data[gone].astype(np.float64), inside)


def _with_whole(atoms: Atoms, whole: csr_array) -> Atoms:
    """Put every atom inside the columns that hold its neighbourhood whole, and what no other column reaches too."""
    held = np.flatnonzero(np.diff(whole.indptr) > 0)
    rest = 1.0 - _sums(atoms.zone, atoms.share, whole.shape[0])[held]
    left = held[rest > EXACT]
    others = Atoms(left, rest[rest > EXACT], csr_array((len(left), whole.shape[1])))
    both = _stacked([atoms, others], whole.shape[1])
    return _merged(both._replace(inside=_ones(both.inside + whole[both.zone])))


def _of_columns(atoms: Atoms, columns: Integers) -> Atoms:
    return _merged(atoms._replace(inside=_ones(atoms.inside[:, columns])))


def unreached(atoms: Atoms, neighbourhoods: int) -> Floats:
    """Share of each neighbourhood's people that no column reaches.

    Parameters
    ----------
    atoms : Atoms
        Parts that any column reaches.
    neighbourhoods : int
        Number of neighbourhoods.

    Returns
    -------
    ndarray
        Shares [0–1]; what is but rounding is 0.

    Examples
    --------
    >>> atoms = Atoms(np.array([0, 0]), np.array([0.25, 0.5]), csr_array([[1.0, 0.0], [1.0, 1.0]]))
    >>> unreached(atoms, 2).tolist()
    [0.25, 1.0]
    """
    rest: Floats = 1.0 - _sums(atoms.zone, atoms.share, neighbourhoods)
    return np.where(rest < EXACT, 0.0, rest)


def once_of(found: Mapping[tuple[str, str], ActionAtoms], laid: Overlay) -> Relation:
    """Share of each neighbourhood's people whom at least one action of a scope and ledger reaches.

    The overlay unites reaches as they are drawn; the atoms hold each of them to its exact share.

    Parameters
    ----------
    found : mapping of (scope, ledger) to ActionAtoms
        From :func:`atoms_by_ledger`.
    laid : Overlay
        Effects over neighbourhoods.

    Returns
    -------
    Relation
        Neighbourhoods × (scope, ledger), as ``laid.once``.

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> laid = overlay(four_zones(), four_actions())
    >>> once_of(atoms_by_ledger(laid), laid).matrix.toarray()[:, 1].tolist()
    [0.0, 1.0, 0.0, 1.0]
    """
    shape = laid.once.matrix.shape
    once = np.column_stack([1.0 - unreached(one.atoms, shape[0]) for one in found.values()]).reshape(shape)
    once[once < SLIVER] = 0.0
    bounded = np.clip(once, *union_range(laid.shares.matrix, laid.members.values()))
    return Relation(csc_array(bounded), laid.once.rows, laid.once.columns)

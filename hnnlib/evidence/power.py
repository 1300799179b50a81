"""Power of the plan: can the rule of each claim decide at a scale's number of seeds?

The paper's effect (or the one that its file declares) is simulated with the spread of the reference
stores. ``python -m hnnlib.evidence.power`` lists the claims that a scale cannot decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
import yaml

from hnnlib import store
from hnnlib.analysis import statistics
from hnnlib.errors import StoreError
from hnnlib.evidence import papers
from hnnlib.evidence.comparison import Comparison, Stores, by_study
from hnnlib.evidence.gates import Asked
from hnnlib.evidence.gates.able import planned, unanimous
from hnnlib.evidence.papers import Claim, Paper, Part
from hnnlib.evidence.rules import apply

__all__ = ["plan", "seeds_of"]

_ROOT = Path(__file__).parents[2]
_NO_TEST = ("not_measured", "cheaper")


def seeds_of(scale: Mapping) -> dict[str, int]:
    """Number of seeds of each study of a scale file."""
    studies = scale.get("studies", {})
    return {name: len(settings["seeds"]) for name, settings in studies.items()}


def plan(paper: Paper, stores: Stores, seeds: Mapping[str, int]) -> pd.DataFrame:
    """One row a claim: the least power of its parts, and whether it can be decided.

    Columns: claim, seeds (least of its studies), power (NaN where no effect or no spread is known),
    able, why. Of a part that needs any comparison the most likely one counts, else the least. Where
    nothing is known, seeds that all agree must decide. Claims whose studies are not planned, or
    that no test decides (exact numbers, counts), are left out.

    Args:
        stores: that show the spread.
        seeds: planned, by study.
    """
    found, _ = by_study(paper, stores)
    rows = [_row(paper, claim, found, seeds) for claim in paper.claims]
    columns = ["claim", "seeds", "power", "able", "why"]
    return pd.DataFrame([row for row in rows if row], columns=columns)


def _row(
    paper: Paper, claim: Claim, stores: Mapping[str, xr.Dataset], seeds: Mapping[str, int]
) -> dict | None:
    parts = [
        (part, study)
        for part in claim.parts
        if (study := paper.study_of(claim, part)) in seeds
        and study in stores
        and part.rule not in _NO_TEST
        and not part.fixed
    ]
    asked = [(Asked(paper, study, part, stores[study]), seeds[study]) for part, study in parts]
    found = [one for one in (_part(*each) for each in asked) if one]
    if not found:
        return None
    power, able, why = min(found, key=lambda one: (one[1], np.nan_to_num(one[0], nan=2.0)))
    least = min(seeds[study] for _, study in parts)
    return {"claim": claim.id, "seeds": least, "power": power, "able": able, "why": why}


def _part(asked: Asked, seeds: int) -> tuple[float, bool, str] | None:
    """Power, whether the part can be decided, and why not; None where no test decides it."""
    gates, part = asked.gates, asked.part
    threshold, overlap = (gates.power, gates.overlap) if gates else (0.8, 0.0)
    if part.rule == "correlated":
        enough = seeds >= statistics.SEEDS_NEEDED["correlation"]
        return np.nan, enough, "" if enough else "a correlation needs four seeds"
    compared = _compared(asked, part)
    if compared and all(c.kind == "number" for c in compared):
        return None
    family = list(_family(asked, part, compared))
    known = [share for share in statistics.could_find(family, seeds, overlap) if share == share]
    if not known:
        able = unanimous(seeds, max(1, len(family)), overlap)
        return np.nan, able, "" if able else "no spread is known, and seeds that agree are too few"
    any_will_do = getattr(part, "need", "all") == "any"
    power = max(known) if any_will_do else min(known)
    if power >= threshold:
        return power, True, ""
    return power, False, f"the effect would be found in {100 * power:.0f} % of runs"


def _compared(asked: Asked, part: Part) -> tuple[Comparison, ...]:
    """The part's comparisons that can be for it; none where an older store lacks the variable."""
    try:
        judged = apply(asked.dataset, part, asked.paper.defaults, asked.paper.names)
    except StoreError:
        return ()
    return judged.asked


def _family(
    asked: Asked, part: Part, found: Sequence[Comparison]
) -> Iterator[statistics.Planned | None]:
    """Comparisons of a part with their effects; where no spread was seen, that of the others."""
    seen = [c.spread for c in found if c.spread == c.spread]
    usual = float(np.mean(seen)) if seen else part.spread
    for c in found:
        spread = c.spread if c.spread == c.spread else usual
        sense = _sense(part)
        c = c if c.outcome != "not run" or sense is None else replace(c, sense=sense)
        yield None if spread is None else planned(asked, c, spread)


def _sense(part: Part) -> int | None:
    """Of a comparison that was not run, which side its claim is on; None: as the series says."""
    if part.rule == "equivalent":
        return 0
    if part.rule in ("drop", "best_not_better"):
        return -1
    if part.rule in ("better", "bound"):
        return -1 if part.sense in ("lower", "below") else 1
    return None


def _main() -> None:
    references = sorted((_ROOT / "results/reference").glob("[!.]*.nc"))
    stores = {path.stem: store.open(path) for path in references}
    for path in sorted((_ROOT / "config").glob("[!.]*.yaml")):
        scale = yaml.safe_load(path.read_text(encoding="utf-8"))
        for name in sorted(path.stem for path in papers.PAPERS.glob("[!.]*.yaml")):
            frame = plan(papers.load(name), stores, seeds_of(scale))
            unable = frame[~frame["able"].astype(bool)]
            print(f"{path.stem}, {name}: {len(unable)} of {len(frame)} claims could not be decided")
            for row in unable.to_dict("records"):
                print(f"  {row['claim']} with {row['seeds']} seeds: {row['why']}")


if __name__ == "__main__":
    _main()

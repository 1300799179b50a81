"""The paper of Mazurek, Caputa & Wielgosz: numbers as printed, claims, what does not fit."""

from __future__ import annotations

import pytest
import xarray as xr

from hnnlib.evidence import comparison, papers

PRINTED = {
    "I tau": [1.44, 1.001, 1.001, 3.0],
    "I V_th": [0.67, 1.33, 1.67, 4.45],
    "I accuracy": [76.23, 99.01, 63.07, 49.0],
    "I efficiency": [430.88, 7.74, 2.95, 2.62],
    "II tau": [1.88, 1.001, 2.77, 5.0],
    "II V_th": [1.3389, 0.01, 0.3422, 1.6711],
    "II accuracy": [99.1, 97.02, 69.71, 53.23],
    "II accuracy in the text": [99.36, 97.57, 69.46, 53.53],
    "III accuracy": [99.04, 69.39, 98.65, 70.86],
    "IV kurtosis, clean": [8.20, 6.36, 5.08, 43.95],
    "IV kurtosis, failed": [161.82, 7.18, 4.01, 52.02],
    "IV skewness, clean": [2.58, 2.05, 1.72, 1.34],
    "IV skewness, failed": [10.33, 2.13, 1.74, 1.65],
    "IV 99th percentile, clean": [0.16, 0.30, 0.22, 0.12],
    "IV 99th percentile, failed": [0.13, 0.43, 0.68, 0.16],
    "IV number above 0.9, clean": [0, 0, 0, 0],
    "IV number above 0.9, failed": [15, 53, 2106, 52],
}


@pytest.fixture(scope="module")
def paper() -> papers.Paper:
    return papers.load("mazurek_caputa_wielgosz")


def test_every_number_of_the_tables_is_there(paper):
    found = {}
    for entry in paper.entries():
        found.setdefault(f"{entry.table.id} {entry.column}", []).append(entry.value)
    assert found == PRINTED


def test_numbers_above_a_correlation_are_never_fewer_than_none(paper):
    for name in ("count_clean", "count_failed"):
        values = ("cell", "seed"), [[0.0, 0.0, 0.0, 2.0, 0.0]], {"units": "1", "long_name": "x"}
        store = xr.Dataset({name: values}, {"cell": ["a"]}, {"kinds": paper.kinds})
        assert 0 <= comparison.interval_of(store, "a", name).low < 0.4


def test_each_table_asks_its_study_about_its_data(paper):
    assert [paper.study_of(table) for table in paper.tables] == [
        "operational_manifold",
        "operational_manifold",
        "noise_correlations",
        "noise_correlations",
    ]
    assert {entry.dataset for entry in paper.entries()} == {"mnist", "cifar10"}
    for entry in paper.entries():
        assert entry.select["paper_dataset"] == entry.dataset


def test_eighteen_claims_that_say_how_they_were_read(paper):
    assert [claim.id for claim in paper.claims] == [f"B{i}" for i in range(1, 19)]
    assert all(claim.text and claim.paper_says and claim.note for claim in paper.claims)
    noise = {claim.id for claim in paper.claims if "noise_correlations" in paper.studies_of(claim)}
    assert noise == {"B10", "B11", "B12", "B13", "B15", "B18"}


def test_what_the_paper_does_not_say_is_on_record(paper):
    switches = " ".join(fact.switch for fact in paper.protocol)
    for choice in ("without_threes", "carried_state", "first_samples", "offdiag_active", "sigmoid"):
        assert choice in switches
    assert len(paper.inconsistencies) >= 10

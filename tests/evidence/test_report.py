"""The report: complete, honest about its data, whole without a network."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from synthetic_store import make

from hnnlib import store
from hnnlib.errors import ConfigError, StoreError
from hnnlib.evidence import claims, ledger, papers, report
from hnnlib.evidence.papers import reader
from hnnlib.evidence.report import text

STUDY, PAPER = "coding_comparison", "muramatsu_yu"
HOSTILE = "<script>alert('x')</script>"
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)
WORDS = {"supported", "contradicted", "undecided", "not-tested"}
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Elements of a page: tags with their attributes, and whether all of them were closed."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.text = path, path.read_text(encoding="utf-8")
        self.elements: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.feed(self.text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def links(self) -> list[str]:
        """Everything that the page points to."""
        return [a[k] for _, a in self.elements for k in ("href", "src") if a.get(k)]

    def ids(self) -> list[str]:
        return [a["id"] for _, a in self.elements if "id" in a]

    def section(self, name: str) -> str:
        """The source from the element with an id to the end of its section."""
        return re.split("</section>", self.text.split(f'id="{name}"', 1)[1])[0]


def build(folder: Path, scale: str, /, **options) -> Path:
    """A report in the layout of the workflow: stores, notebook, figures, scale file."""
    results = folder / "results" / scale
    figures, notebook = results / "figures" / STUDY, results / f"notebooks/{STUDY}.html"
    for path in (figures, notebook.parent, folder / "config"):
        path.mkdir(parents=True, exist_ok=True)
    (figures / "1_a plot.png").write_bytes(PIXEL)
    (figures / "1_a plot.json").write_text(f'{{"title": "Plot", "caption": "{HOSTILE}"}}')
    notebook.write_text(f'<a href="../report/study-{STUDY}.html">back</a>')
    (folder / f"config/{scale}.yaml").write_text(f"scale: {scale}")
    given = {
        "scale": {"scale": scale, "description": f"small \x1b[31m{HOSTILE}"},
        "stores": {STUDY: results / f"{STUDY}.nc"},
        "figures": {STUDY: figures},
        "notebooks": {STUDY: notebook},
        "timings": {"train/mlp": 61.0},
        "config": folder / f"config/{scale}.yaml",
        "references": {},
    }
    report.build(results / "report/index.html", **given | options)
    return results / "report/index.html"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A reference run on the paper's data and a quick run on other data, with gaps."""
    folder = tmp_path_factory.mktemp("report")
    quick = make(
        seeds=3,
        scale="quick",
        datasets={"mlp": "digits", "cnn": "cluttered_digits"},
        official=False,
        keep=lambda cell: cell["arm"] == "main",
        drop=["digits/ASS/duplicate/separate"],
        diverged={"cluttered_digits/A4/duplicate/simultaneous": [0, 1, 2]},
    )
    quick.attrs["device"] = HOSTILE
    store.write(make(seeds=5), folder / f"results/reference/{STUDY}.nc")
    store.write(quick, folder / f"results/quick/{STUDY}.nc")
    return folder


@pytest.fixture(scope="module")
def pages(folder, tmp_path_factory) -> dict[str, Page]:
    """All pages by the name of their file, of a folder that was moved."""
    references = {STUDY: folder / f"results/reference/{STUDY}.nc"}
    drawn = folder / "results/reference/figures" / STUDY
    drawn.mkdir(parents=True)
    (drawn / "1_a plot.png").write_bytes(PIXEL)
    (drawn / "2_only there.png").write_bytes(PIXEL)
    first = build(folder, "quick", references=references, reference_figures={STUDY: drawn})
    moved = shutil.copytree(first.parent, tmp_path_factory.mktemp("host") / "report")
    return {path.name: Page(path) for path in moved.glob("*.html")}


def test_an_older_reference_store_is_left_out(folder, tmp_path):
    """Written before there were the costs of training, of which claims speak."""
    new = store.open(folder / f"results/reference/{STUDY}.nc")
    old = new.drop_vars("train_flop").assign_attrs(schema_version=1)
    path = store.write(old, tmp_path / f"{STUDY}.nc")
    found = Page(build(folder, "quick", references={STUDY: path}).with_name(f"study-{STUDY}.html"))
    assert "Result store, this run" in found.text
    assert "Result store, reference run" not in found.text


@pytest.fixture(scope="module")
def first(pages) -> Page:
    return pages["index.html"]


@pytest.fixture(scope="module")
def page(pages) -> Page:
    return pages[f"study-{STUDY}.html"]


def test_there_is_a_page_a_study_and_a_paper(pages):
    assert set(pages) == {"index.html", f"study-{STUDY}.html", f"paper-{PAPER}.html"}


def test_every_claim_stands_once_on_the_first_page_and_on_its_studys(first, page):
    paper = papers.load(PAPER)
    anchors = [f"claim-{PAPER}-{claim.id}" for claim in paper.claims]
    for found in (first, page):
        assert [name for name in found.ids() if name.startswith("claim-")] == anchors
    assert {f"study-{STUDY}.html#{anchor}" for anchor in anchors} <= set(first.links())


def test_each_claim_shows_the_verdict_of_both_runs(first, page, folder):
    paper = papers.load(PAPER)
    runs = [store.open(folder / f"results/{run}/{STUDY}.nc") for run in ("reference", "quick")]
    judged = [
        {j.claim: j.answer.replace(" ", "-") for j in claims.judge(paper, run)} for run in runs
    ]
    for claim in paper.claims:
        for found in (first, page):
            entry = re.split(rf'id="claim-{PAPER}-{claim.id}"', found.text)[1]
            shown = re.findall(r'class="chip ([\w-]+)"', re.split("</article>|</tr>", entry)[0])
            assert shown == [verdicts[claim.id] for verdicts in judged]


def test_claims_come_first_and_provenance_last(page):
    order = [page.text.index(f'id="{name}"') for name in ("claims", "tables", "provenance")]
    assert order == sorted(order)


def test_numbers_on_other_data_have_their_own_marked_columns(page):
    table = page.text.split("</b> Duplicate coding, MNIST")[1].split("</table>")[0]
    head = table.split("</thead>")[0]
    assert "not the paper’s data" in head.split("This run")[1]
    assert "not the paper’s data" not in head.split("This run")[0]
    assert head.count("difference") == 1  # of the reference run alone
    assert "digits" in head and "mnist" in head


def test_missing_and_failed_cells_are_shown(page):
    section = page.section("tables")
    assert "not run" in section
    assert "every seed failed" in section


def test_text_from_files_is_escaped(pages):
    assert not any(HOSTILE in page.text for page in pages.values())
    for name, hostile in (("index.html", 1), (f"study-{STUDY}.html", 2)):
        assert "\x1b" not in pages[name].text
        assert pages[name].text.count("&lt;script&gt;") == hostile  # description; caption, device
        scripts = [attributes for tag, attributes in pages[name].elements if tag == "script"]
        assert scripts == [{"src": "filter.js"}]


def test_the_first_words_say_what_the_best_evidence_is(first):
    paper = papers.load(PAPER)
    first = first.text.split('class="best">')[1].split("</p>")[0]
    assert re.match(
        rf"(None|\d+) of the authors’ {len(paper.claims)} claims (is|are) decided", first
    )
    assert first.count(". ") == 1 and first.endswith(".")


def test_of_two_runs_that_decide_a_claim_the_reference_is_told(folder, monkeypatch):
    asked = []

    def told(runs):
        asked.extend(name for name, _ in runs)
        return ""

    monkeypatch.setattr("hnnlib.evidence.report.page.best_evidence", told)
    build(folder, "quick", references={STUDY: folder / f"results/reference/{STUDY}.nc"})
    assert asked == ["Reference run", "This run"]


@pytest.mark.parametrize("name", ["index.html", f"study-{STUDY}.html"])
def test_claims_can_be_chosen_by_answer_and_all_are_shown_without_scripts(pages, name):
    page = pages[name]
    claims_ = [a for _, a in page.elements if a.get("class") == "claim"]
    assert all(set(a["data-answers"].split()) <= WORDS and "hidden" not in a for a in claims_)
    assert {a["data-answer"] for _, a in page.elements if "data-answer" in a} == {"all", *WORDS}
    assert any("filter" in a.get("class", "") and "hidden" in a for _, a in page.elements)


def test_an_answer_says_its_scale_and_made_up_data_never_decide(page):
    chips = re.findall(r'class="chip ([\w-]+)">([^<]*)<', page.text)
    assert {word for word, _ in chips} > {"not-tested"}
    for word, text_ in chips:
        assert text_ == "not tested" if word == "not-tested" else text_.endswith(f"{word} at paper")


def test_reference_figures_stand_beside_this_runs(page):
    beside = page.text.split('class="beside"')[1].split("</div>")[0]
    assert re.findall(r"<b>(This run|Reference run)</b>", beside) == ["This run", "Reference run"]
    assert "reference/1_a%20plot.png" in beside and "only%20there" not in page.text


def test_a_figure_leads_to_its_script_store_configuration_and_commit(page):
    figure = page.text.split('<figure id="figure-')[1].split("</figure>")[0]
    links = re.findall(
        r'<figcaption>.*?href="([^"]*)".*?href="([^"]*)".*?href="([^"]*)"', figure, re.S
    )
    script, stored, configuration = links[0]
    assert script == f"notebooks/{STUDY}.html#1_a plot"
    assert stored == f"stores/this/{STUDY}.nc" and configuration[1:] in page.ids()
    assert f"commit {make(seeds=1).attrs['git_commit'][:10]}" in figure


def test_the_ledgers_files_lie_beside_the_first_page(first):
    for name in ("claims.csv", "comparison.csv", "readings.csv", "claims.json"):
        assert name in first.links() and (first.path.parent / name).stat().st_size


def test_the_manifest_names_every_output_and_the_projects_own_those_of_any_run(first):
    inside, names = first.path.parent, {"claims.csv", "claims.json", f"stores/this/{STUDY}.nc"}
    made = yaml.safe_load((inside / "codecheck.yml").read_text("utf-8"))
    files = {one["file"]: one["comment"] for one in made["manifest"]}
    pictures = {path.relative_to(inside).as_posix() for path in inside.glob("figures/*/*.png")}
    assert set(files) >= names | pictures and all((inside / file).is_file() for file in files)
    assert all(files.values()) and made["paper"]["reference"] == [
        f"https://doi.org/{papers.load(PAPER).doi}"
    ]
    own = yaml.safe_load((Path(__file__).parents[2] / "codecheck.yml").read_text("utf-8"))
    assert own["paper"]["title"] == made["paper"]["title"]
    assert {Path(one["file"]).name for one in own["manifest"]} == {
        *ledger.FILES,
        "codecheck.yml",
        "index.html",
    }


def test_the_pages_need_no_network(pages):
    for page in pages.values():
        for tag, attributes in page.elements:
            address = attributes.get("href", attributes.get("src", ""))
            if urlsplit(address).scheme or address.startswith("//"):
                assert tag == "a" and urlsplit(address).netloc in {"doi.org", "arxiv.org"}
    style = (pages["index.html"].path.parent / "style.css").read_text()
    assert "@import" not in style and "url(" not in style


def test_no_link_leaves_the_folder_and_each_leads_somewhere(pages):
    """Wherever the folder lies: what was around it when it was made isn't there."""
    inside = next(iter(pages.values())).path.parent
    there = {path.name: page.ids() for path, page in ((p.path, p) for p in pages.values())}
    for page in pages.values():
        local = [link for link in page.links() if not urlsplit(link).scheme]
        assert len(local) > 20
        for link in local:
            path, _, anchor = unquote(link).partition("#")
            target = (inside / (path or page.path.name)).resolve()
            assert target.is_file() and target.is_relative_to(inside), link
            assert not anchor or anchor in there.get(target.name, [anchor]), link
    notebook = (inside / f"notebooks/{STUDY}.html").read_text()
    assert (inside / "notebooks" / re.search('href="(.*?)"', notebook)[1]).is_file()


def test_the_pages_are_well_formed(pages):
    for page in pages.values():
        assert page.open == []
        assert len(page.ids()) == len(set(page.ids()))
        assert all("alt" in attributes for tag, attributes in page.elements if tag == "img")
        assert all("scope" in attributes for tag, attributes in page.elements if tag == "th")


def test_every_page_shows_the_contents_and_where_it_stands(pages):
    for name, page in pages.items():
        nav = page.text.split('aria-label="Contents"')[1].split("</nav>")[0]
        assert set(pages) <= set(re.findall('href="([^"#]*)"', nav))
        assert re.findall('href="([^"]*)" aria-current="page"', nav) == [name]
        assert page.links()[1] == "#content" and "content" in page.ids()  # past the contents


def test_a_papers_summary_is_counted_from_its_file_and_the_runs(pages):
    paper, page = papers.load(PAPER), pages[f"paper-{PAPER}.html"]
    assert f"{len(paper.claims)} claims of the authors" in page.section("scope")
    told = sum(fact.source == "paper" for fact in paper.protocol)
    assert f"{told} of {len(paper.protocol)} choices" in page.section("easy")
    hard = page.section("hard")
    assert f"itself or its code in {len(paper.inconsistencies)} places" in hard
    assert "This run: 3 trainings diverged." in hard


def test_the_first_page_has_the_time_of_the_steps(first):
    assert "1 min 1 s" in first.section("time")


def test_provenance_names_code_configuration_data_and_machine(page):
    attributes = make(seeds=1).attrs
    section = page.section("provenance")
    for key in ("git_commit", "config_sha256", "code_digest", "device", "engine"):
        assert attributes[key] in section
    assert f"{attributes['summary_commit']} with uncommitted changes" in section


def test_without_a_reference_the_page_says_so(folder):
    found = Page(build(folder, "quick", references={STUDY: folder / "results/reference/none.nc"}))
    assert 'class="chip absent"' in found.text
    assert "none yet" in found.text


def test_another_study_needs_no_change_here(folder, tmp_path, monkeypatch):
    source = reader.PAPERS / f"{PAPER}.yaml"
    toy = source.read_text("utf-8").replace(f"study: {STUDY}", "study: toy_study")
    toy = toy.replace(f"  {STUDY}:\n    learned", "  toy_study:\n    learned")
    (tmp_path / "toy.yaml").write_text(toy, "utf-8")
    (tmp_path / source.name).write_text(source.read_text("utf-8"), "utf-8")
    monkeypatch.setattr(reader, "PAPERS", tmp_path)
    one = folder / f"results/quick/{STUDY}.nc"
    path = build(folder, "quick", stores={STUDY: one, "toy_study": one})
    found = Page(path)
    assert {"ledger-toy", "claim-toy-A1"} <= set(found.ids())
    assert len(found.ids()) == len(set(found.ids()))
    assert path.with_name("study-toy_study.html").is_file()


def test_a_run_may_stand_alone(tmp_path):
    """As the reference run does, which any web server can show."""
    stored = tmp_path / f"{STUDY}.nc"
    store.write(make(seeds=1, keep=lambda cell: cell["short"] == "SSS"), stored)
    report.build(tmp_path / "r/index.html", {}, {STUDY: stored}, name="Reference run")
    found = Page(tmp_path / "r/index.html")
    assert "make site" in found.text and "This run" not in found.text
    assert 'class="chip absent"' not in found.text


def test_a_second_paper_of_a_study_has_its_claims_on_its_own_page(folder, tmp_path, monkeypatch):
    """The study's page stays where it is, under the first."""
    source = reader.PAPERS / f"{PAPER}.yaml"
    for name in (source.name, "a_readers_own.yaml"):
        (tmp_path / name).write_text(source.read_text("utf-8"), "utf-8")
    monkeypatch.setattr(reader, "PAPERS", tmp_path)
    first = build(folder, "quick", stems=(PAPER, "a_readers_own"))
    found = Page(first.with_name("paper-a_readers_own.html"))
    assert "claim-a_readers_own-A1" in found.ids()
    assert f"claim-{PAPER}-A1" in Page(first.with_name(f"study-{STUDY}.html")).ids()
    assert "paper-a_readers_own.html#claim-a_readers_own-A1" in Page(first).links()


def test_a_study_without_a_paper_is_an_error(folder):
    one = folder / f"results/quick/{STUDY}.nc"
    with pytest.raises(ConfigError, match="names the study 'unheard_of'"):
        build(folder, "quick", stores={"unheard_of": one})


def test_the_same_stores_give_the_same_page_and_a_failure_leaves_it(folder):
    path = build(folder, "quick")
    before = path.read_bytes()
    assert build(folder, "quick").read_bytes() == before
    with pytest.raises(StoreError):
        build(folder, "quick", stores={STUDY: folder / "nothing.nc"})
    assert path.read_bytes() == before
    assert any((path.parent / f"figures/{STUDY}").iterdir())


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (text.number(-1.5), "−1.50"),
        (text.number(None), "–"),
        (text.number(-0.001), "0.00"),
        (text.signed(0.125), "+0.12"),
        (text.signed(-0.001), "0.00"),
        (text.interval(98.0, 97.5, 98.5), "98.00 [97.50, 98.50]"),
        (text.interval(98.0, float("nan"), float("nan")), "98.00"),
        (text.once("a (x; y); b; a (x; y); c (y)"), "a (x; y); b; c (y)"),
        (text.duration(3.25), "3.2 s"),
        (text.duration(59.7), "1 min 0 s"),
        (text.duration(7322), "2 h 2 min"),
        (text.prose("from -1.5 to 2-3, p = 1e-05"), "from −1.5 to 2-3, p = 1e-05"),
    ],
)
def test_numbers_are_written_one_way(written, expected):
    assert written == expected

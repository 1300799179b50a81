"""Run a study's notebook on one store: notebook with outputs, page for the browser, figures."""

import os
import sys
import tempfile
from pathlib import Path
from string import Template

# jsonschema compiles dozens of grammars when this is installed: three seconds that nobody needs
sys.modules["rfc3987_syntax"] = None

from workflow.jobs import job


def check_parameters(path: str, parameters: dict[str, str]) -> None:
    """Refuse parameters that the notebook does not have: papermill would add them in silence."""
    import papermill

    from hnnlib.errors import ConfigError

    known = papermill.inspect_notebook(path)
    unknown = [name for name in parameters if name not in known]
    if unknown:
        raise ConfigError(
            f"{path} has no parameter {', '.join(unknown)}: tag one cell with 'parameters' and "
            f"give {' and '.join(parameters)} a default there"
        )


def execute(source: str, target: str, parameters: dict[str, str]) -> None:
    """Run a notebook where it lies, so that its own relative paths hold."""
    import papermill
    from papermill.exceptions import PapermillExecutionError

    from hnnlib.errors import HnnError

    partial = Path(target).with_suffix(".partial.ipynb")
    try:
        papermill.execute_notebook(
            source,
            str(partial),
            parameters=parameters,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            cwd=str(Path(source).parent),
        )
        os.replace(partial, target)
    except PapermillExecutionError as error:
        print("\n".join(error.traceback))
        raise HnnError(
            f"cell {error.exec_count} of {source} failed with {error.ename}: {error.evalue}"
        ) from error


def render(notebook: str, target: str, page: str, title: str) -> None:
    """One page with everything in it, no script and no link to another site."""
    from nbconvert import HTMLExporter
    from pygments.formatters import HtmlFormatter

    body, _ = HTMLExporter(template_name="basic").from_filename(notebook)
    text = Template(Path(page).read_text()).substitute(
        title=title, body=body, highlighting=HtmlFormatter().get_style_defs(".highlight")
    )
    partial = Path(target).with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, target)


with job(snakemake), tempfile.TemporaryDirectory() as scratch:
    # the reader's own IPython start-up files have no say in a result
    os.environ["IPYTHONDIR"] = scratch
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    notebook, folder = snakemake.input.notebook, Path(snakemake.input.notebook).resolve().parent
    figures = Path(snakemake.output.figures)
    figures.mkdir(parents=True, exist_ok=True)
    given = {
        "store": os.path.relpath(snakemake.input.store, folder),
        "figures": os.path.relpath(figures, folder),
    }
    check_parameters(notebook, given)
    execute(notebook, snakemake.output.notebook, given)
    render(
        snakemake.output.notebook,
        snakemake.output.page,
        snakemake.input.page,
        snakemake.params.title,
    )

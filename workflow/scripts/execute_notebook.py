"""Run a study's notebook on one store: notebook with outputs, page for the browser, figures."""

import os
import re
import sys
import tempfile
from pathlib import Path
from string import Template
from typing import Any

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
    import nbformat
    import papermill
    from papermill.engines import Engine, papermill_engines
    from papermill.exceptions import PapermillExecutionError

    from hnnlib.errors import HnnError
    from hnnlib.files import written

    class Here(Engine):
        """Runs cells in this process: starting another one, and talking to it, takes a second."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **_: Any) -> None:
            run_cells(nb_man)

    papermill_engines.register("here", Here)
    try:
        notebook = papermill.execute_notebook(
            source,
            None,
            parameters=parameters,
            engine_name="here",
            request_save_on_cell_execute=False,
            language="python",
            progress_bar=False,
            cwd=str(Path(source).parent),
        )
        with written(Path(target)) as path:
            path.write_text(nbformat.writes(notebook), encoding="utf-8")
    except PapermillExecutionError as error:
        print("\n".join(error.traceback))
        raise HnnError(
            f"cell {error.exec_count} of {source} failed with {error.ename}: {error.evalue}"
        ) from error


def run_cells(notebook: Any) -> None:
    """Give the code of papermill's notebook its outputs, up to a cell that fails."""
    from ipykernel.inprocess.manager import InProcessKernelManager
    from traitlets.config import Config

    # a history would be written at the end of the process, when its folder is gone
    manager = InProcessKernelManager(config=Config(HistoryManager={"enabled": False}))
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    notebook.nb.metadata.language_info = manager.kernel.language_info
    for index, cell in enumerate(notebook.nb.cells):
        notebook.cell_start(cell, index)
        if cell.cell_type == "code":
            client.execute(cell.source)
            reply = client.get_shell_msg()["content"]
            cell.execution_count = reply["execution_count"]
            cell.outputs = outputs(client.iopub_channel)
            if reply["status"] != "ok":
                notebook.cell_exception(cell, index)
                break
        notebook.cell_complete(cell, index)


def outputs(channel: Any) -> list[Any]:
    """What a kernel has said of a cell; lines that were printed one after another as one text."""
    from nbformat import v4

    found = []
    while channel.msg_ready():
        message = channel.get_msg()
        if message["msg_type"] in ("stream", "display_data", "execute_result", "error"):
            said = v4.output_from_msg(message)
            last = found[-1] if found else {}
            if "name" in said and last.get("name") == said.name:
                last.text += said.text
            else:
                found.append(said)
    return found


def render(notebook: str, target: str, page: str, title: str) -> None:
    """One page with everything in it, no script and no link but the one back to the report."""
    from nbconvert import HTMLExporter
    from pygments.formatters import HtmlFormatter

    from hnnlib.files import written

    body, _ = HTMLExporter(template_name="basic").from_filename(notebook)
    text = Template(Path(page).read_text()).substitute(
        title=title,
        body=accessible(body),
        report=f"study-{Path(target).stem}.html",
        light=HtmlFormatter().get_style_defs(".highlight"),
        dark=HtmlFormatter(style="github-dark").get_style_defs(".highlight"),
    )
    with written(Path(target)) as path:
        path.write_text(text, encoding="utf-8")


def accessible(body: str) -> str:
    """A page on which a keyboard moves what is too wide, and tables say what their heads head and
    which of their cells are words.
    """
    wide = r"<(pre|div class=\"output_(?:html|png)[^\"]*\")(?=>)"
    body = re.sub(wide, r'<\1 tabindex="0"', body).replace("<th></th>", "<td></td>")
    body = re.sub(r"<td>(?=[^<]*[a-z]{4}[^<]*</td>)", '<td class="text">', body)
    heads = re.compile(r"<thead>.*?</thead>", re.DOTALL)
    body = heads.sub(lambda head: re.sub(r"<th(?=[ >])", '<th scope="col"', head[0]), body)
    return re.sub(r"<th(?=[ >])(?! scope)", '<th scope="row"', body)


with job(snakemake), tempfile.TemporaryDirectory() as scratch:
    # the reader's own IPython start-up files have no say in a result
    os.environ["IPYTHONDIR"] = scratch
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # a warning about a debugger
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

"""What made the run."""

import html
import json

from pipelines.report.contents import Contents
from pipelines.report.html_table import html_table


def about_section(contents: Contents) -> str:
    """Returns the configuration as it was resolved, and the versions."""
    text = json.dumps(contents.configuration, indent=2, ensure_ascii=False)
    rows = [
        [html.escape(name), html.escape(version)] for name, version in contents.versions.items()
    ]
    return (
        html_table("Versions", ["program or package", "version"], rows, "text")
        + "<details open><summary>Configuration, as JSON that <code>--config</code> takes</summary>"
        f"<pre><code>{html.escape(text)}</code></pre></details>"
    )

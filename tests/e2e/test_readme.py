"""What the README shows works as it stands there."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_pipeline_of_the_readme_runs_with_its_command(tmp_path: Path) -> None:
    """The code block, put into ``my_project/tasks.py``, makes the file that its docstring names."""
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    (command,) = re.findall(r"^    (luisy run .+)$", README, flags=re.MULTILINE)
    package = tmp_path / "code" / "my_project"
    package.mkdir(parents=True)
    (package / "tasks.py").write_text(code, encoding="utf-8")
    raw = tmp_path / "data" / "my_project" / "raw"
    raw.mkdir(parents=True)
    (raw / "measurements.csv").write_text("wind,rain\n1,7\n3,7\n", encoding="utf-8")

    words = shlex.split(command)
    words[0] = str(Path(sys.executable).with_name("luisy"))
    words[words.index("~/data")] = str(tmp_path / "data")
    done = subprocess.run(words, cwd=package.parent, check=False)

    assert done.returncode == 0
    result = tmp_path / "data" / "my_project" / "final" / "Average_column=wind.json"
    assert json.loads(result.read_text(encoding="utf-8")) == {"average": 2.0}

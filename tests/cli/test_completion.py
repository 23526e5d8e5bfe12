from __future__ import annotations

import subprocess

import pytest

from cli.program import bare_environment, call

COMPLETE = """
eval "$1"
COMP_WORDS=(s3-cli del) COMP_CWORD=1
[[ $(complete -p s3-cli) =~ "-F "([^ ]+) ]]
"${BASH_REMATCH[1]}" s3-cli del s3-cli
echo "${COMPREPLY[*]}"
"""


def test_bash_completes_commands() -> None:
    script = call("completion", "bash", env=bare_environment()).out

    done = subprocess.run(
        ["bash", "-c", COMPLETE, "bash", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (sorted(done.stdout.split()), done.stderr) == (["delete", "delete-bucket"], "")


@pytest.mark.parametrize("shell", ["bash", "elvish", "fish", "powershell", "zsh"])
def test_every_shell_has_a_script(shell: str) -> None:
    # It must not depend on what the directory or the environment say.
    env = {**bare_environment(), "S3DLIO_PART_SIZE": "many"}

    script = call("completion", shell, env=env).out

    assert "delete-bucket" in script
    assert "endpoint-url" in script

"""why_not.py: prints what keeps a cluster from running on this machine, or nothing. It needs no package: scripts/test asks it."""

import os
import pathlib
import subprocess


def why_not():
    if os.geteuid() != 0:
        return "a cluster's node needs root"
    tried = subprocess.run(["unshare", "--fork", "--pid", "--mount", "--net", "--mount-proc", "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        return f"no namespaces of our own: {tried.stderr.strip()}"
    if not pathlib.Path("/sys/fs/cgroup/memory").is_dir():
        return "the scripts of this cluster know cgroup v1 alone, and /sys/fs/cgroup/memory is not there"
    return ""


if __name__ == "__main__":
    print(why_not())

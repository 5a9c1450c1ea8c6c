# Shared by the scripts; to be sourced. Sets `root` and works from there.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

die() {
  echo "$*" >&2
  exit 1
}

# as_root COMMAND...: runs it as root, by sudo where needed.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "needs root or sudo to install packages: $*"
  fi
}

# One cache of compiled files for all clones of this repository, wherever they are: in the image's build as well, where
# neither the language nor the compiler's time stamp is this machine's.
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$root} CCACHE_NOHASHDIR=${CCACHE_NOHASHDIR:-1} \
  CCACHE_COMPILERCHECK=${CCACHE_COMPILERCHECK:-content} CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS-locale}

# apt_get ARGUMENTS...: waits for another installation to end. apt-get does so for dpkg's lock, but not for those of its
# own lists and archives.
apt_get() {
  local tries=120 output
  until output=$(as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -qq "$@" 2>&1); do
    tries=$((tries - 1))
    if [[ $output != *"Could not get lock"* ]] || [ "$tries" = 0 ]; then
      die "$output"
    fi
    sleep 5
  done
}

# need PACKAGE...: installs those Debian packages that are missing.
need() {
  local missing=() package
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "needs Debian 12, or these packages: ${missing[*]}"
  echo "installing ${missing[*]}" >&2
  apt_get update
  apt_get install -y --no-install-recommends "${missing[@]}"
}

# What building needs, tests included: they are configured with the rest. One list for every script.
need_build_tools() {
  need g++ cmake ninja-build ccache ca-certificates libcpprest-dev libboost-dev libssl-dev zlib1g-dev libyaml-cpp-dev \
    prometheus-cpp-dev libspdlog-dev libsimdjson-dev nlohmann-json3-dev libexpected-dev libcli11-dev tzdata \
    libgtest-dev libgmock-dev libbenchmark-dev
}

need_test_tools() {
  need_build_tools
  need git openssl curl faketime python3 python3-venv
}

# build PRESET TARGET...: configures and builds; quick when nothing has changed.
build() {
  local preset=$1 directory=build
  shift
  [ "$preset" = release ] || directory=build/$preset
  [ -f "$directory/build.ninja" ] || cmake --preset "$preset" ${CMAKE_ARGS:-} >"/tmp/configure.$$" 2>&1 ||
    { cat "/tmp/configure.$$" >&2; rm -f "/tmp/configure.$$"; die "configuring failed"; }
  rm -f "/tmp/configure.$$"
  cmake --build "$directory" --target "$@" -- --quiet
}

# test_python: prints the Python that has the pinned packages of tests/requirements.txt, made under build/ if need be.
test_python() {
  need python3 python3-venv openssl >&2
  local venv=build/venv wanted
  wanted=$(sha256sum tests/requirements.txt)
  if [ "$(cat "$venv/installed" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$venv"
    # Debian's Python, whatever else is on the PATH.
    /usr/bin/python3 -m venv "$venv" >&2
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r tests/requirements.txt >&2
    echo "$wanted" >"$venv/installed"
  fi
  echo "$venv/bin/python"
}

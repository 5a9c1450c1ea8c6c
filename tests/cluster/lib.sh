# Shared by up, down, load-image and enter; not run by itself.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
KUBE_BIN=${KUBE_BIN:?the folder that scripts/kubernetes-programs cluster prints}
KUBE_STATE=${KUBE_STATE:-/var/lib/kube-local}                    # everything the cluster writes
KUBE_PORT=${KUBE_PORT:-16543}                                    # apiserver, on the host's loopback
KUBE_NAME=${KUBE_NAME:-kube-local}                               # cgroup and node name
KUBE_PROXY_MODE=${KUBE_PROXY_MODE:-iptables}                     # or nftables

NODE_IP=10.99.0.1 ; NODE_NET=10.99.0.0/24
POD_NET=10.244.0.0/24 ; POD_GW=10.244.0.1
SVC_NET=10.96.0.0/16 ; SVC_API=10.96.0.1
PAUSE_IMAGE=localhost/pause:local
SOCK=$KUBE_STATE/run/containerd.sock
HOLDER_PID_FILE=$KUBE_STATE/run/holder.pid

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }
now() { date +%s.%N; }

# The pid of the process that holds the namespaces, if it is still that process.
holder() {
  [ -r "$HOLDER_PID_FILE" ] || return 1
  local pid start
  read -r pid start <"$HOLDER_PID_FILE" || return 1
  alive "$pid" && [ "$(started "$pid")" = "$start" ] || return 1
  echo "$pid"
}
# A process's start time in clock ticks: with the pid it names one process for good.
started() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# Whether a process is there and has not ended (one that nobody has waited for yet has ended).
alive() { local st; st=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) && [ -n "$st" ] && [ "${st:0:1}" != Z ]; }

# Runs a command in the cluster's mount, network and PID namespaces.
# (nsenter, not `ip netns exec`: that one remounts /sys and so hides the cgroups.)
inside() { local h; h=$(holder) || die "the cluster is not up"; nsenter -t "$h" -m -n -p -- "$@"; }

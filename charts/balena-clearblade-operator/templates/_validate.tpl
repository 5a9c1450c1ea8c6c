{{/* "1m30s" in milliseconds. */}}
{{- define "bco.milliseconds" -}}
{{- $sum := 0.0 -}}
{{- range regexFindAll "[0-9.]+(ms|h|m|s)" . -1 -}}
{{- $unit := regexFind "[a-z]+" . -}}
{{- $sum = addf $sum (mulf (trimSuffix $unit . | float64) (get (dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000) $unit)) -}}
{{- end -}}
{{- round $sum 0 | int64 -}}
{{- end -}}

{{/* Times with which the program would end at once (controller/cli/controller.cc and src/kube/leader.cc, validate()). */}}
{{- define "bco.validateLease" -}}
{{- $attempt := regexFind "--attempt-deadline[= ][^ ]+" (join " " .extraArgs) | trimPrefix "--attempt-deadline" | trimAll "= " | default "15s" -}}
{{- with .leaderElection -}}
{{- $lease := include "bco.milliseconds" .leaseDuration | int64 -}}
{{- $renew := include "bco.milliseconds" .renewDeadline | int64 -}}
{{- $retry := include "bco.milliseconds" .retryPeriod | int64 -}}
{{- if le $retry 0 -}}
{{- fail "'/leaderElection/retryPeriod' must be longer than 0s" -}}
{{- end -}}
{{- if ge $renew $lease -}}
{{- fail "'/leaderElection/leaseDuration' must be longer than '/leaderElection/renewDeadline'" -}}
{{- end -}}
{{- if le $renew (add (include "bco.milliseconds" $attempt | int64) $retry) -}}
{{- fail (printf "'/leaderElection/renewDeadline' must be longer than '/leaderElection/retryPeriod' and --attempt-deadline (%s) together" $attempt) -}}
{{- end -}}
{{- if le (mul $renew 5) (mul $retry 6) -}}
{{- fail "'/leaderElection/renewDeadline' must be longer than 1.2 times '/leaderElection/retryPeriod'" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What the schema can't say: values that don't go together. Part of the Deployment, which is always rendered. */}}
{{- define "bco.validate" -}}
{{- $name := include "bco.fullname" . -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) -}}
{{- fail (printf "no Service may be named %q, as the release has it: choose another name for the release, or set '/fullnameOverride'" $name) -}}
{{- end -}}
{{- with .Values -}}
{{- if and .endpoint.enabled .metrics.enabled (eq (int .endpoint.port) (int .metrics.port)) -}}
{{- fail "'/endpoint/port' and '/metrics/port' are the same" -}}
{{- end -}}
{{- if gt (add (include "bco.milliseconds" .shutdownGrace | int64) 15000) (mul .terminationGracePeriodSeconds 1000) -}}
{{- fail "'/terminationGracePeriodSeconds' is not 15 s longer than '/shutdownGrace': the Pod might be killed before it has given its Lease back" -}}
{{- end -}}
{{- if .leaderElection.enabled -}}
{{- include "bco.validateLease" . -}}
{{- end -}}
{{- $proxyPort := regexFind ":[0-9]+/?$" .proxy.https | trimAll ":/" | default "80" -}}
{{- if and .proxy.https .networkPolicy.enabled (not .networkPolicy.extraEgress) (not (has $proxyPort (toStrings .networkPolicy.cloudPorts))) -}}
{{- fail (printf "'/networkPolicy/cloudPorts' lacks %s, the port of '/proxy/https', which could not be reached" $proxyPort) -}}
{{- end -}}
{{- with .networkPolicy -}}
{{- range ternary .apiServerPorts list (and (ne (len .cloudTo) 0) (eq (len .apiServerTo) 0)) -}}
{{- if eq (int .) 443 -}}
{{- fail "'/networkPolicy/cloudTo' narrows nothing while port 443 is open to everywhere for the API server: set '/networkPolicy/apiServerTo', or leave 443 out of '/networkPolicy/apiServerPorts'" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

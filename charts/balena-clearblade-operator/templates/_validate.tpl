{{/* "1m30s" in milliseconds. */}}
{{- define "bco.milliseconds" -}}
{{- $sum := 0 -}}
{{- range regexFindAll "[0-9]+(ms|h|m|s)" . -1 -}}
{{- $unit := regexFind "[a-z]+" . -}}
{{- $sum = add $sum (mul (trimSuffix $unit . | int64) (get (dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000) $unit)) -}}
{{- end -}}
{{- $sum -}}
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
{{- if ge (include "bco.milliseconds" .shutdownGrace | int64) (mul .terminationGracePeriodSeconds 1000) -}}
{{- fail "'/shutdownGrace' is not shorter than '/terminationGracePeriodSeconds': the Pod would be killed before it has ended" -}}
{{- end -}}
{{- with .leaderElection -}}
{{- $lease := include "bco.milliseconds" .leaseDuration | int64 -}}
{{- $renew := include "bco.milliseconds" .renewDeadline | int64 -}}
{{- if or (ge $renew $lease) (ge (include "bco.milliseconds" .retryPeriod | int64) $renew) -}}
{{- fail "'/leaderElection/retryPeriod' must be shorter than '/leaderElection/renewDeadline', and that than '/leaderElection/leaseDuration'" -}}
{{- end -}}
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

{{- define "bco.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/* Objects are named after the release, once: release `balena-clearblade-operator` does not say it twice. */}}
{{- define "bco.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "bco.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "bco.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "bco.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "bco.fullname" .) -}}
{{- end -}}

{{- define "bco.leaseName" -}}
{{- default (include "bco.fullname" .) .Values.leaderElection.leaseName -}}
{{- end -}}

{{- define "bco.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: {{ include "bco.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Which Pods are the operator's; never changed, as a Deployment's selector can't be. */}}
{{- define "bco.selectorLabels" -}}
app.kubernetes.io/name: {{ include "bco.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: controller
{{- end -}}

{{- define "bco.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{/* What the *restricted* level of Pod security asks for, and no more than the program needs. */}}
{{- define "bco.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "bco.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "bco.sandbox.name" -}}
{{ include "bco.fullname" . }}-sandbox
{{- end -}}

{{/* The operator's, whose digest is of another one's repository or tag. */}}
{{- define "bco.sandbox.image" -}}
{{- $own := .Values.sandbox.image -}}
{{- if or $own.repository $own.tag -}}
{{ $own.repository | default .Values.image.repository }}:{{ $own.tag | default .Values.image.tag | default .Chart.AppVersion }}
{{- else -}}
{{ include "bco.image" . }}
{{- end -}}
{{- end -}}

{{- define "bco.sandbox.host" -}}
{{ include "bco.sandbox.name" . }}.{{ .Release.Namespace }}.svc
{{- end -}}

{{- define "bco.sandbox.selectorLabels" -}}
app.kubernetes.io/name: {{ include "bco.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: sandbox
{{- end -}}

{{/* What opens the sandbox and nothing else: the same at every rendering, so that nothing changes by itself. */}}
{{- define "bco.sandbox.token" -}}
{{- printf "%s of sandbox %s/%s" .what .root.Release.Namespace .root.Release.Name | sha256sum | trunc 32 -}}
{{- end -}}

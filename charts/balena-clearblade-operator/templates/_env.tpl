{{/* Proxies, and what is asked for. From a Pod the API server is reached without a proxy in any case (src/kube/config.h). */}}
{{- define "bco.env" -}}
{{- $proxied := or .Values.proxy.https .Values.proxy.secretName -}}
{{- if or $proxied .Values.env -}}
env:
{{- if .Values.proxy.secretName }}
- name: HTTPS_PROXY
  valueFrom:
    secretKeyRef: {name: {{ .Values.proxy.secretName }}, key: HTTPS_PROXY}
{{- else if .Values.proxy.https }}
- {name: HTTPS_PROXY, value: {{ .Values.proxy.https | quote }}}
{{- end }}
{{- if $proxied }}
- {name: NO_PROXY, value: {{ concat (list "localhost" ".svc" ".cluster.local") .Values.proxy.noProxy | join "," | quote }}}
{{- end }}
{{- with .Values.env }}
{{ toYaml . }}
{{- end }}
{{- end -}}
{{- end -}}

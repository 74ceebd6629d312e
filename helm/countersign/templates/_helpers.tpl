{{- define "countersign.labels" -}}
{ app.kubernetes.io/name: countersign, app.kubernetes.io/instance: {{ .root.Release.Name }}, app.kubernetes.io/component: {{ .component }} }
{{- end }}

{{- define "countersign.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag }}
{{- end }}

{{/* Nobody's process: no root, no writing but where it must, no privileges, no token of the cluster. */}}
{{- define "countersign.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: { type: RuntimeDefault }
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "countersign.container" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{/* Where the servers are that come with the chart. */}}
{{- define "countersign.bundledSettings" -}}
{{- if .Values.bundled.enabled }}
COUNTERSIGN_KAFKA_BROKERS: {{ .Release.Name }}-kafka:9092
COUNTERSIGN_VAULT_ADDRESS: http://{{ .Release.Name }}-vault:8200
{{- end }}
{{- end }}

{{/* Secrets of one service: everybody's, its own, and what the bundled servers need. */}}
{{- define "countersign.secretsOf" -}}
{{- $own := get (get .root.Values.services .service) "secrets" | default dict }}
{{- $bundled := dict }}
{{- if .root.Values.bundled.enabled }}
{{- $name := printf "%s-bundled" .root.Release.Name }}
{{- if eq .service "policy" }}{{ $_ := set $bundled "COUNTERSIGN_REDIS_URL_FILE" (dict "secret" $name "key" "redis-url") }}{{ end }}
{{- if eq .service "recorder" }}{{ $_ := set $bundled "COUNTERSIGN_CLICKHOUSE_URL_FILE" (dict "secret" $name "key" "clickhouse-url") }}{{ end }}
{{- end }}
{{- merge (deepCopy $own) (deepCopy .root.Values.secrets) $bundled | toYaml }}
{{- end }}

{{- define "countersign.settingsOf" -}}
{{- $own := get (get .root.Values.services .service) "settings" | default dict }}
{{- $bundled := include "countersign.bundledSettings" .root | fromYaml | default dict }}
{{- merge (deepCopy $own) (deepCopy .root.Values.settings) $bundled | toYaml }}
{{- end }}

{{/* With room for -conversation-svc: a Service's name has 63 characters at most. */}}
{{- define "confab.fullname" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 46 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 46 | trimSuffix "-" }}{{ end }}
{{- end }}

{{/* Of all objects. */}}
{{- define "confab.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{ include "confab.podLabels" . }}
{{- end }}

{{/* Of pods: not the chart's version, whose change is no reason to start them anew. */}}
{{- define "confab.podLabels" -}}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | regexFind "^[A-Za-z0-9][A-Za-z0-9._-]*" | trunc 63 | trimAll "-._" | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: confab
{{- end }}

{{/* Of a workload's pods, of which they never change: a dict of root and name. */}}
{{- define "confab.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "confab.image" -}}
{{- with .root.Values.image.registry }}{{ . }}/{{ end }}{{ .root.Values.image.repository }}/{{ .name }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{/* The secret with a setting: a dict of root and of, such as mongodb. */}}
{{- define "confab.secretRef" -}}
name: {{ (index .root.Values .of).existingSecret | default (include "confab.fullname" .root) }}
key: {{ (index .root.Values .of).key }}
{{- end }}

{{/* Restricted Pod Security. */}}
{{- define "confab.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ . }}
  runAsGroup: {{ . }}
  fsGroup: {{ . }}
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "confab.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{/* The pods of a program: a dict of root and name. */}}
{{- define "confab.peer" -}}
{{ dict "podSelector" (dict "matchLabels" (include "confab.selector" . | fromYaml)) | toJson }}
{{- end }}

{{/* The pods of all of these: a dict of root and names. */}}
{{- define "confab.everyPod" -}}
matchLabels: {app.kubernetes.io/instance: {{ .root.Release.Name }}}
matchExpressions: [{key: app.kubernetes.io/name, operator: In, values: {{ toJson .names }}}]
{{- end }}

{{/* The way to a store, the mail server or the collector: a dict of root and store. */}}
{{- define "confab.storeEgress" -}}
{{- $set := index .root.Values.networkPolicy .store }}{{ $ports := list }}
{{- range $set.ports }}{{ $ports = append $ports (dict "port" (int .)) }}{{ end }}
{{- $rule := dict "ports" $ports }}
{{- if and .root.Values.quickstart.enabled (has .store (list "mongodb" "redis")) }}
{{- $rule = set $rule "to" (list (include "confab.peer" (dict "root" .root "name" .store) | fromJson)) }}
{{- else if $set.to }}
{{- $rule = set $rule "to" $set.to }}
{{- end }}
{{- toJson $rule }}
{{- end }}

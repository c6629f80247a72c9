{{/* The environment of one program: a dict of root, name and fact. */}}
{{- define "confab.env" -}}
{{- $own := include "confab.ownEnv" . }}{{ $own }}
{{- range $name, $value := (index .root.Values.services .name).env }}
{{- if contains (printf "{name: %s, " $name) $own }}{{ fail (printf "services.%s.env.%s is set by the chart itself" $.name $name) }}{{ end }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}

{{/* What the chart sets by itself. */}}
{{- define "confab.ownEnv" -}}
{{- $v := .root.Values }}{{ $full := include "confab.fullname" .root }}
- {name: CONFAB_ADMIN_ADDR, value: ":{{ .fact.admin }}"}
- {name: CONFAB_LOG_LEVEL, value: {{ $v.logLevel | quote }}}
- {name: CONFAB_ALLOWED_ORIGINS, value: {{ join "," $v.allowedOrigins | quote }}}
{{- if $v.tracing.existingSecret }}
- {name: CONFAB_TRACE_ENDPOINT, valueFrom: {secretKeyRef: {{ include "confab.secretRef" (dict "root" .root "of" "tracing") | fromYaml | toJson }}}}
{{- else if $v.tracing.endpoint }}
- {name: CONFAB_TRACE_ENDPOINT, value: {{ $v.tracing.endpoint | quote }}}
{{- end }}
{{- if or $v.tracing.endpoint $v.tracing.existingSecret }}
- {name: CONFAB_TRACE_RATIO, value: {{ $v.tracing.ratio | quote }}}
{{- end }}
{{- if eq .name "web" }}
- {name: CONFAB_TRUSTED_PROXIES, value: {{ join "," $v.proxies | quote }}}
- {name: CONFAB_AUTH_URL, value: "http://{{ $full }}-auth-svc:3001"}
- {name: CONFAB_CONVERSATION_URL, value: "http://{{ $full }}-conversation-svc:3002"}
- {name: CONFAB_MESSAGE_URL, value: "http://{{ $full }}-message-svc:3003"}
- {name: CONFAB_REALTIME_URL, value: "http://{{ $full }}-realtime-svc:3004"}
{{- else }}
- {name: CONFAB_TRUSTED_PROXIES, value: {{ join "," $v.podNetworks | quote }}}
- {name: CONFAB_AUTH_URL, value: "http://{{ $full }}-auth-svc:3101"}
- {name: CONFAB_CONVERSATION_URL, value: "http://{{ $full }}-conversation-svc:3102"}
- {name: CONFAB_MESSAGE_URL, value: "http://{{ $full }}-message-svc:3103"}
- {name: CONFAB_SERVICE_KEYS, valueFrom: {secretKeyRef: {{ include "confab.secretRef" (dict "root" .root "of" "serviceKeys") | fromYaml | toJson }}}}
- {name: CONFAB_REDIS_URL, valueFrom: {secretKeyRef: {{ include "confab.secretRef" (dict "root" .root "of" "redis") | fromYaml | toJson }}}}
{{- end }}
{{- if .fact.mongodb }}
- {name: CONFAB_MONGO_URI, valueFrom: {secretKeyRef: {{ include "confab.secretRef" (dict "root" .root "of" "mongodb") | fromYaml | toJson }}}}
{{- end }}
{{- if eq .name "auth-svc" }}
{{- with $v.adminEmails }}
- {name: CONFAB_ADMIN_EMAILS, value: {{ join "," . | quote }}}
{{- end }}
{{- with $v.resetURL }}
- {name: CONFAB_RESET_URL, value: {{ . | quote }}}
{{- end }}
{{- with $v.smtp.addr }}
- {name: CONFAB_SMTP_ADDR, value: {{ . | quote }}}
- {name: CONFAB_SMTP_FROM, value: {{ $v.smtp.from | quote }}}
{{- end }}
{{- with $v.smtp.user }}
- {name: CONFAB_SMTP_USER, value: {{ . | quote }}}
{{- end }}
{{- if $v.smtp.existingSecret }}
- {name: CONFAB_SMTP_PASSWORD, valueFrom: {secretKeyRef: {{ include "confab.secretRef" (dict "root" .root "of" "smtp") | fromYaml | toJson }}}}
{{- end }}
{{- end }}
{{- end }}

{{/* What the programs are, whatever the values say: their ports, who needs MongoDB, and whose internal routes each calls. The NetworkPolicies are its edges. */}}
{{- define "confab.facts" -}}
auth-svc: {http: 3001, internal: 3101, admin: 3201, mongodb: true, redis: true, calls: []}
conversation-svc: {http: 3002, internal: 3102, admin: 3202, mongodb: true, redis: true, calls: [auth-svc, message-svc]}
message-svc: {http: 3003, internal: 3103, admin: 3203, mongodb: true, redis: true, calls: [auth-svc, conversation-svc]}
realtime-svc: {http: 3004, internal: 3104, admin: 3204, redis: true, calls: [auth-svc, conversation-svc, message-svc, realtime-svc]}
web: {http: 3000, admin: 3200, calls: []}
{{- end }}

{{/* The table of pkg/routes, which a test compares with it. Longest paths first. */}}
{{- define "confab.routes" -}}
- {path: /v1/auth, service: auth-svc}
- {path: /v1/users, service: auth-svc}
- {path: /v1/admin, service: auth-svc}
- {path: /.well-known/jwks.json, service: auth-svc}
- {path: /v1/conversations, service: conversation-svc}
- {path: /v1/blocks, service: conversation-svc}
- {path: /api/chat, service: conversation-svc}
- {path: /api, service: auth-svc}
- {path: /v1/messages, service: message-svc}
- {path: /v1/search, service: message-svc}
- {path: /v1/attachments, service: message-svc}
- {path: /v1/webhooks, service: message-svc}
- {path: /v1/ws, service: realtime-svc}
- {path: /v1/presence, service: realtime-svc}
- {path: /socket.io, service: realtime-svc}
- {path: /, service: web}
{{- end }}

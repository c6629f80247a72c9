# syntax=docker/dockerfile:1
# One file for every program: docker build --build-arg SERVICE=auth-svc .
# SERVICE is auth-svc, conversation-svc, message-svc, realtime-svc, web, or confab for all of them in one process.

FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG SERVICE
ARG VERSION=dev
ARG TARGETOS
ARG TARGETARCH
WORKDIR /src
COPY . .
# Outside the workspace a module brings what it needs and nothing else; confab is the command of allinone.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    : "${SERVICE:?say which program: --build-arg SERVICE=auth-svc}" && \
    module=$SERVICE && if [ "$SERVICE" = confab ]; then module=allinone; fi && \
    CGO_ENABLED=0 GOWORK=off GOOS=$TARGETOS GOARCH=$TARGETARCH go -C "$module" build -trimpath \
      -ldflags "-s -w -X github.com/confab-chat/confab/pkg/server.Version=$VERSION" -o /out/program "./cmd/$SERVICE" && \
    mkdir /out/data

# Nothing but the program: no shell, no root, and no write but to /data.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/program /program
# For mails while no mail server is set, and for confab's databases: a volume that is empty takes this owner over.
COPY --from=build --chown=65532:65532 /out/data /data
WORKDIR /data
USER 65532:65532
# 3000 to 3004 for clients, 31xx for the other services, 32xx for /metrics, /healthz and /readyz where CONFAB_ADMIN_ADDR says so.
EXPOSE 3000-3004 3101-3104 3200-3204
ENTRYPOINT ["/program"]

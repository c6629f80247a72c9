package render_test

import (
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chartutil"
)

func TestWrongValuesAreRefusedByTheirKey(t *testing.T) {
	for name, c := range map[string]struct{ values, want string }{
		"a wrong type":                   {`services: {web: {replicas: two}}`, "/services/web/replicas"},
		"a number for text":              {`image: {tag: 1.0}`, "/image/tag"},
		"an unknown key at the top":      {`mongo: {uri: "mongodb://a"}`, "'mongo'"},
		"an unknown key below a service": {`services: {web: {replica: 3}}`, "'replica'"},
		"an unknown service":             {`services: {chat-svc: {replicas: 3}}`, "'chat-svc'"},
		"an unknown key of autoscaling":  {`services: {web: {autoscaling: {memory: 80}}}`, "'memory'"},
		"sockets where there are none":   {`services: {web: {autoscaling: {sockets: 80}}}`, "'sockets'"},
		"an unknown log level":           {`logLevel: trace`, "/logLevel"},
		"a wrong scheme of MongoDB":      {`mongodb: {uri: "http://mongodb:27017"}`, "/mongodb/uri"},
		"a wrong scheme of Redis":        {`redis: {url: "mongodb://redis:6379"}`, "/redis/url"},
		"a URL without scheme":           {`resetURL: app.example.com/reset/`, "/resetURL"},
		"an origin with a path":          {`allowedOrigins: ["https://app.example.com/"]`, "/allowedOrigins/0"},
		"an Ingress without host":        {`ingress: {enabled: true}`, "/ingress/host"},
		"a route without Gateway":        {`gateway: {enabled: true}`, "/gateway/parentRefs"},
		"a Gateway without name":         {`gateway: {parentRefs: [{namespace: gateways}]}`, "/gateway/parentRefs/0"},
		"a network without length":       {`proxies: [10.0.0.0]`, "/proxies/0"},
		"a network by name":              {`podNetworks: [pods/16]`, "/podNetworks/0"},
		"a network with a long length":   {`podNetworks: [10.0.0.0/999]`, "/podNetworks/0"},
		"a variable that is not ours":    {`services: {web: {env: {PATH: /bin}}}`, "'PATH'"},
		"a variable that is a number":    {`services: {message-svc: {env: {CONFAB_SEND_RATE: 50}}}`, "/services/message-svc/env/CONFAB_SEND_RATE"},
		"a collector without http":       {`tracing: {endpoint: "collector:4318"}`, "/tracing/endpoint"},
		"a share above all":              {`tracing: {ratio: 1.5}`, "/tracing/ratio"},
		"an address without port":        {`smtp: {addr: mail.example.com}`, "/smtp/addr"},
		"a pull policy":                  {`image: {pullPolicy: Sometimes}`, "/image/pullPolicy"},
		"a type of Service":              {`service: {type: ExternalName}`, "/service/type"},
		"a port out of range":            {`networkPolicy: {redis: {ports: [70000]}}`, "/networkPolicy/redis/ports/0"},
		"a peer that is none":            {`networkPolicy: {clients: [{namespace: ingress}]}`, "'namespace'"},
	} {
		t.Run(name, func(t *testing.T) {
			values := chartutil.CoalesceTables(parsed(t, c.values), parsed(t, `quickstart: {enabled: true}`))
			refused(t, values, c.want)
		})
	}
}

func TestWithoutAStoreTheErrorSaysWhatToSet(t *testing.T) {
	for values, want := range map[string]string{
		`redis: {existingSecret: confab}`:   "mongodb.existingSecret",
		`mongodb: {existingSecret: confab}`: "redis.existingSecret",
		`{}`:                                "mongodb.existingSecret",
	} {
		refused(t, parsed(t, values), want)
	}
}

func refused(t *testing.T, values map[string]any, want string) {
	t.Helper()
	_, err := tryRender(values)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want an error that names %s", err, want)
	}
}

//go:build modules

package valid

// What keeps in go.mod the modules whose schemas are read, and none of whose code is needed.
import (
	_ "github.com/prometheus-operator/prometheus-operator/pkg/versionutil"
	_ "sigs.k8s.io/gateway-api/pkg/consts"
	_ "sigs.k8s.io/kubectl-validate/pkg/utils"
)

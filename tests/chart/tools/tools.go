//go:build tools

// Package charttools pins the programs that look at the chart.
package charttools

import (
	_ "github.com/yannh/kubeconform/cmd/kubeconform"
	_ "helm.sh/helm/v3/cmd/helm"
)

//go:build tools

// Package localpathprovisioner names the commands that are built, so that go.mod keeps their modules.
package localpathprovisioner

import (
	_ "github.com/rancher/local-path-provisioner"
)

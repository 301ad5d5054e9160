//go:build tools

// Package runc names the commands that are built, so that go.mod keeps their modules.
package runc

import (
	_ "github.com/opencontainers/runc"
)

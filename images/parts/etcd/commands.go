//go:build tools

// Package etcd names the commands that are built, so that go.mod keeps their modules.
package etcd

import (
	_ "go.etcd.io/etcd/server/v3"
)

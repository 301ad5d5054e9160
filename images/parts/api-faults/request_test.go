package main

import (
	"fmt"
	"net/http/httptest"
	"testing"
)

func TestRequestsAreUnderstoodAsTheAPIServerDoes(t *testing.T) {
	for _, test := range []struct{ method, url, want string }{
		{"GET", "/api/v1/pods", "list pods"},
		{"GET", "/api/v1/pods?watch=true", "watch pods"},
		{"GET", "/api/v1/pods?watch=1&allowWatchBookmarks=true", "watch pods"},
		{"GET", "/api/v1/pods?watch=false", "list pods"},
		{"GET", "/api/v1/namespaces/shop/pods/web-1", "get pods web-1 in shop"},
		{"HEAD", "/api/v1/namespaces/shop/pods/web-1", "get pods web-1 in shop"},
		{"GET", "/api/v1/namespaces/shop/pods/web-1/log?follow=true", "get pods/log web-1 in shop"},
		{"POST", "/api/v1/namespaces/shop/pods/web-1/exec?command=ls", "create pods/exec web-1 in shop"},
		{"POST", "/api/v1/namespaces/shop/configmaps", "create configmaps in shop"},
		{"PATCH", "/api/v1/nodes/dev-worker/status", "patch nodes/status dev-worker"},
		{"PUT", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/dev-worker",
			"update leases.coordination.k8s.io dev-worker in kube-node-lease"},
		{"DELETE", "/apis/apps/v1/namespaces/shop/deployments/web", "delete deployments.apps web in shop"},
		{"DELETE", "/apis/apps/v1/namespaces/shop/deployments", "deletecollection deployments.apps in shop"},
		{"PUT", "/apis/apps/v1/namespaces/shop/deployments/web/scale", "update deployments.apps/scale web in shop"},
		{"GET", "/api/v1/namespaces", "list namespaces"},
		{"GET", "/api/v1/namespaces/shop", "get namespaces shop in shop"},
		{"PUT", "/api/v1/namespaces/shop/finalize", "update namespaces/finalize shop in shop"},
		{"GET", "/api/v1/watch/namespaces/shop/pods", "watch pods in shop"},
		{"GET", "/api/v1/nodes?fieldSelector=metadata.name%3Ddev-worker&watch=true", "watch nodes dev-worker"},
		{"GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Ddev-worker", "list pods"},
		{"GET", "/api", "get /api"},
		{"GET", "/api/v1", "get /api/v1"},
		{"GET", "/apis/apps/v1", "get /apis/apps/v1"},
		{"GET", "/livez", "get /livez"},
		{"POST", "/openapi/v2", "post /openapi/v2"},
	} {
		asked := understand(httptest.NewRequest(test.method, test.url, nil))
		if got := asked.text(); got != test.want {
			t.Errorf("%s %s is understood as %q, not %q", test.method, test.url, got, test.want)
		}
	}
}

func (asked request) text() string {
	if !asked.IsResource {
		return asked.Verb + " " + asked.Path
	}
	text := asked.Verb + " " + asked.Resource
	for _, more := range []struct{ format, value string }{
		{".%s", asked.Group}, {"/%s", asked.Subresource}, {" %s", asked.Name}, {" in %s", asked.Namespace},
	} {
		if more.value != "" {
			text += fmt.Sprintf(more.format, more.value)
		}
	}
	return text
}

package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// rule says which requests a fault hits, and what becomes of them. What is left out matches all.
type rule struct {
	// UserAgent and User may hold `*` and `?`.
	UserAgent string   `json:"userAgent"`
	User      string   `json:"user"`
	Verbs     []string `json:"verbs"`
	// Resources as `pods`, `pods/status`, `deployments.apps`.
	Resources []string `json:"resources"`
	Namespace string   `json:"namespace"`
	Object    string   `json:"object"`
	// DelayMilliseconds is how long a request waits first.
	DelayMilliseconds int64 `json:"delayMilliseconds"`
	// Error is the HTTP status that it is answered with; 0 for none.
	Error int `json:"error"`
	// Drop cuts it off without an answer.
	Drop bool `json:"drop"`
	// Percent of the requests that are hit.
	Percent int `json:"percent"`

	id        string
	userAgent *regexp.Regexp
	user      *regexp.Regexp
}

// readRules reads every rule of a folder, in the order of their names. A file that cannot be read
// as a rule is an error: half of what was asked for is not what was asked for.
func readRules(folder string) ([]rule, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	rules := make([]rule, 0, len(files))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		read, err := parseRule(strings.TrimSuffix(filepath.Base(file), ".json"), text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		rules = append(rules, read)
	}
	return rules, nil
}

func parseRule(id string, text []byte) (rule, error) {
	read := rule{id: id, Percent: 100}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&read); err != nil {
		return read, err
	}
	read.userAgent = glob(read.UserAgent)
	read.user = glob(read.User)
	return read, nil
}

// glob makes an expression of a pattern in which `*` stands for any text and `?` for one character.
func glob(pattern string) *regexp.Regexp {
	if pattern == "" {
		return nil
	}
	quoted := regexp.QuoteMeta(pattern)
	quoted = strings.ReplaceAll(quoted, `\*`, ".*")
	quoted = strings.ReplaceAll(quoted, `\?`, ".")
	return regexp.MustCompile("(?s)^" + quoted + "$")
}

// matches tells whether a request is of those that the rule is for; chance has no part in it.
func (r *rule) matches(asked request) bool {
	if r.userAgent != nil && !r.userAgent.MatchString(asked.UserAgent) {
		return false
	}
	// A failed probe makes kubelet restart the API server, which is another fault.
	if r.userAgent == nil && asked.isProbe() {
		return false
	}
	if r.user != nil && !r.user.MatchString(asked.User) {
		return false
	}
	isForObjects := len(r.Resources) > 0 || r.Namespace != "" || r.Object != ""
	if isForObjects && !asked.IsResource {
		return false
	}
	return (len(r.Verbs) == 0 || slices.Contains(r.Verbs, asked.Verb)) &&
		(len(r.Resources) == 0 || slices.ContainsFunc(r.Resources, asked.isOf)) &&
		(r.Namespace == "" || r.Namespace == asked.Namespace) &&
		(r.Object == "" || r.Object == asked.Name)
}

// isOf tells whether a request is for a resource as `pods/status` or `deployments.apps`; without a
// group it is of any.
func (asked request) isOf(resource string) bool {
	resource, subresource, _ := strings.Cut(resource, "/")
	resource, group, hasGroup := strings.Cut(resource, ".")
	return resource == asked.Resource && subresource == asked.Subresource &&
		(!hasGroup || group == asked.Group)
}

// hits throws the dice for one request that matches.
func (r *rule) hits() bool {
	return r.Percent >= 100 || rand.IntN(100) < r.Percent
}

func (r *rule) delay() time.Duration {
	return time.Duration(r.DelayMilliseconds) * time.Millisecond
}

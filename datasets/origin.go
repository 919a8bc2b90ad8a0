// SPDX-License-Identifier: Apache-2.0

package datasets

import "fmt"

// Where a data set is read from; any other From.Source is a folder.
const (
	Local  = ""       // the full set if it is already on this machine, else the sample
	Sample = "sample" // the embedded sample
	Full   = "full"   // the full set, downloaded if need be
)

// Generated is the Kind of data that a program made up, as JenaLike does.
const Generated = "generated"

// Origin describes where loaded data came from.
type Origin struct {
	Set     string // name in the registry, "mnist"
	Kind    string // "sample", "full", "folder" or "generated"
	Path    string // folder of the files; empty for the embedded sample
	License string
	Detail  string // what a sample or generated data consists of; empty otherwise
}

// String describes the origin in one line.
func (o Origin) String() string {
	switch {
	case o.Kind == Sample && o.Detail != "":
		return fmt.Sprintf("%s: embedded sample (%s)", o.Set, o.Detail)
	case o.Kind == Sample:
		return o.Set + ": embedded sample"
	case o.Kind == Generated:
		return o.Set + ": generated, not measured: " + o.Detail
	default:
		return fmt.Sprintf("%s: %s set in %s", o.Set, map[string]string{Full: "full", "folder": "user's"}[o.Kind], o.Path)
	}
}

// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	k "github.com/reef-dl/reef/keraslike"
)

// partners returns the index of each name in the file, -1 if it is missing.
func partners(names, file []string) (list []int, whole bool) {
	at := map[string]int{}
	for i, name := range file {
		at[name] = i
	}
	used := map[int]bool{}
	for _, name := range names {
		i, ok := at[name]
		if !ok || used[i] {
			i = -1
		} else {
			used[i] = true
		}
		list = append(list, i)
	}
	return list, len(used) == len(names) && len(used) == len(file)
}

// upTo returns 0, 1, ... n-1.
func upTo(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// matching is a way to match file and model: for each layer of the model, the index of its
// partner in the file.
type matching struct {
	partner []int
	pairs   []pair
	notes   []string
	good    bool
}

// choose matches by names if all agree and were chosen by someone. Automatic names are
// numbered in order of creation, which differs from Keras's order; then the order decides,
// provided that everything fits.
func choose(names, order func() matching, whole, auto bool) matching {
	if order != nil && (auto || !whole) {
		if m := order(); m.good || !whole {
			return m
		}
	}
	return names()
}

// pairUnits matches files of Keras 1 and 2, which store a nested model as one layer.
func pairUnits(m *k.Model, f *weightsFile, byName bool, r *Report) []pair {
	units := unitsOf(m)
	var names, file []string
	auto := false
	for _, u := range units {
		names = append(names, u.name)
		auto = auto || u.auto
	}
	for _, l := range f.layers {
		file = append(file, slashless(l.name))
	}
	try := func(partner []int) func() matching {
		return func() matching {
			t := matching{partner: partner, good: true}
			for i, u := range units {
				if partner[i] < 0 {
					t.pairs, t.good = append(t.pairs, absent(u.layerPaths)...), false
					continue
				}
				l := f.layers[partner[i]]
				pairs, order, good := f.pairUnit(u, l)
				t.pairs, t.good = append(t.pairs, pairs...), t.good && good
				if order != "" {
					t.notes = append(t.notes, fmt.Sprintf("the weights of %q are those of %q by Keras's order %s", u.name, l.name, order))
				}
			}
			return t
		}
	}
	same, whole := partners(names, file)
	var order func() matching
	if !byName && len(units) == len(f.layers) {
		order = try(upTo(len(units)))
	}
	return f.finish(choose(try(same), order, whole, auto), names, file, r)
}

// pairLeaves matches files of Keras 3, which store each layer in a group named by its class
// and number.
func pairLeaves(m *k.Model, f *weightsFile, byName bool, r *Report) []pair {
	var file, fileGroups []string
	auto := false
	for _, l := range f.layers {
		file, fileGroups = append(file, l.name), append(fileGroups, l.group)
		auto = auto || !l.named
	}
	var layerPaths []layerPath
	var names, groups []string
	var numbers []int
	all := false
	for _, kinds := range []nestedModels{ownKinds, fileKinds(f)} {
		layerPaths, groups = layerPathsOf(m, layerPath{}, kinds, nothingVisited()), nil
		for _, l := range layerPaths {
			groups = append(groups, l.group)
		}
		if numbers, all = partners(groups, fileGroups); all {
			break
		}
	}
	for _, l := range layerPaths {
		names = append(names, l.path)
		auto = auto || l.auto
	}
	try := func(partner []int) func() matching {
		return func() matching {
			t := matching{partner: partner, good: true}
			for i, l := range layerPaths {
				if partner[i] < 0 {
					t.pairs, t.good = append(t.pairs, absent([]layerPath{l})...), false
					continue
				}
				pairs, good := f.pairLayer(l, f.layers[partner[i]].tensors)
				t.pairs, t.good = append(t.pairs, pairs...), t.good && good
			}
			return t
		}
	}
	same, whole := partners(names, file)
	var order func() matching
	switch {
	case byName:
	case all:
		order = try(numbers)
	case f.ordered && len(layerPaths) == len(f.layers):
		order = try(upTo(len(layerPaths)))
	}
	return f.finish(choose(try(same), order, whole, auto), names, file, r)
}

// finish adds the tensors of the file that the model does not need, and notes in the report
// what was not matched by names.
func (f *weightsFile) finish(t matching, names, file []string, r *Report) []pair {
	used := map[int]bool{}
	for i, at := range t.partner {
		if at >= 0 {
			used[at] = true
			r.ByOrder = r.ByOrder || names[i] != file[at]
		}
	}
	for i, l := range f.layers {
		if !used[i] {
			t.pairs = append(t.pairs, alone(l.tensors)...)
		}
	}
	r.Notes = append(r.Notes, t.notes...)
	return t.pairs
}

// byOwnNames returns the tensors of each layer with weights of a nested model, in the order of
// the architecture in the file, or nil if the names do not determine it.
func (l fileLayer) byOwnNames() (lists [][]fileTensor) {
	var own topLayer
	for _, path := range l.inner {
		own.layerPaths = append(own.layerPaths, layerPath{path: path})
	}
	lists, rest, _ := own.byName(l.tensors)
	if len(rest) > 0 {
		return nil
	}
	return slices.DeleteFunc(lists, func(tensors []fileTensor) bool { return len(tensors) == 0 })
}

// pairUnit matches the tensors of one layer of a file of Keras 1 or 2. Those of a nested model
// are matched by names if these distinguish all layers, else by the order in the file's
// architecture, or else by the order in which Keras lists the weights. order states which
// order was used.
func (f *weightsFile) pairUnit(u topLayer, file fileLayer) (pairs []pair, order string, good bool) {
	if len(u.layerPaths) == 1 && u.layerPaths[0].path == u.name {
		pairs, good = f.pairLayer(u.layerPaths[0], file.tensors)
		return pairs, "", good
	}
	lists, rest, whole := u.byName(file.tensors)
	named, namedGood := f.pairLists(u, lists)
	auto := slices.ContainsFunc(u.layerPaths, func(l layerPath) bool { return l.auto })
	if whole && namedGood && !auto {
		return named, "", true
	}
	if lists := file.byOwnNames(); len(lists) == len(u.layerPaths) {
		if pairs, good := f.pairLists(u, lists); good {
			return pairs, "of layers", true
		}
	}
	for _, s := range sequences(u.layerPaths, len(file.tensors)) {
		ordered := make([][]fileTensor, len(u.layerPaths))
		for k, i := range s {
			ordered[i] = append(ordered[i], file.tensors[k])
		}
		if pairs, good := f.pairLists(u, ordered); good {
			if order = "of weights, trained ones first"; whole && slices.EqualFunc(lists, ordered, sameTensors) {
				order = ""
			}
			return pairs, order, true
		}
	}
	return append(named, alone(rest)...), "", namedGood && whole
}

func sameTensors(a, b []fileTensor) bool {
	return slices.EqualFunc(a, b, func(x, y fileTensor) bool { return x.path == y.path })
}

// pairLists pairs each layer path with its tensors.
func (f *weightsFile) pairLists(u topLayer, lists [][]fileTensor) (pairs []pair, good bool) {
	good = true
	for i, l := range u.layerPaths {
		if len(lists[i]) == 0 {
			pairs, good = append(pairs, absent(u.layerPaths[i:i+1])...), false
			continue
		}
		own, fits := f.pairLayer(l, lists[i])
		pairs, good = append(pairs, own...), good && fits
	}
	return pairs, good
}

// byName assigns to each layer path the tensors whose names contain its name, such as
// "lstm/lstm_cell/bias" for lstm. If several layer paths qualify, it prefers the one with more of
// its path in the name, then the one named closest to the end.
func (u topLayer) byName(tensors []fileTensor) (lists [][]fileTensor, rest []fileTensor, whole bool) {
	lists = make([][]fileTensor, len(u.layerPaths))
	paths := make([][]string, len(u.layerPaths))
	named := map[string][]int{}
	for i, l := range u.layerPaths {
		paths[i] = strings.Split(strings.TrimPrefix(l.path, u.name+"/"), "/")
		own := paths[i][len(paths[i])-1]
		named[own] = append(named[own], i)
	}
	work := 1 << 22 // limit on comparisons, far more than any model needs
	for _, t := range tensors {
		parts := slices.DeleteFunc(strings.Split(t.name, "/"), func(s string) bool { return s == "" })
		parts = parts[:max(0, len(parts)-1)]
		var best [2]int
		at, tie := -1, false
		for own, end := range runs(parts) {
			for _, i := range named[own] {
				if work -= len(paths[i]); work < 0 {
					return make([][]fileTensor, len(u.layerPaths)), tensors, false
				}
				score := [2]int{likeness(paths[i], parts[:end]), end}
				switch c := slices.Compare(score[:], best[:]); {
				case c > 0:
					best, at, tie = score, i, false
				case c == 0:
					tie = tie || at != i
				}
			}
		}
		if at < 0 || tie {
			rest = append(rest, t)
		} else {
			lists[at] = append(lists[at], t)
		}
	}
	whole = len(rest) == 0 && !slices.ContainsFunc(lists, func(l []fileTensor) bool { return len(l) == 0 })
	return lists, rest, whole
}

// runs returns the names that adjacent parts of a path can form (a name with slashes consists
// of several parts), each with the index after its last part.
func runs(parts []string) iter.Seq2[string, int] {
	const most = 8
	return func(yield func(string, int) bool) {
		for i := range parts {
			for j := i + 1; j <= min(len(parts), i+most); j++ {
				if !yield(strings.Join(parts[i:j], "_"), j) {
					return
				}
			}
		}
	}
}

// likeness counts the names of a layer's path that occur among the parts in the same order,
// the layer's own name last.
func likeness(path, parts []string) int {
	found := 1
	for _, name := range path[:len(path)-1] {
		if i := slices.Index(parts, name); i >= 0 {
			found, parts = found+1, parts[i+1:]
		}
	}
	return found
}

// pairPaths matches tensors and weights by the weights' paths.
func pairPaths(m *k.Model, f *weightsFile) []pair {
	byPath := map[string]*k.Weight{}
	for _, w := range m.Weights() {
		byPath[m.WeightPath(w)] = w
	}
	var pairs []pair
	found := map[*k.Weight]bool{}
	for _, l := range f.layers {
		t := &l.tensors[0]
		w := byPath[t.path]
		if w == nil {
			pairs = append(pairs, pair{tensor: t, reason: noWeight})
			continue
		}
		found[w] = true
		pairs = append(pairs, pair{t, w, misfit(t, w), true})
	}
	for _, w := range m.Weights() {
		if !found[w] {
			pairs = append(pairs, pair{weight: w, reason: noTensor})
		}
	}
	return pairs
}

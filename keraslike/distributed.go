// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"strings"
	"unsafe"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/internal/kernel"
	"github.com/reef-dl/reef/keraslike/distributed"
)

// DistributedOption is an option of Distributed.
type DistributedOption interface{ applyDistributed(*distribution) }

type distributedOption func(*distribution)

func (o distributedOption) applyDistributed(d *distribution) { o(d) }

// Leaves sets the number of parts into which each batch is cut. The sum of their gradients, and so the
// trained model, depends on this number and not on that of the ranks. It is at least the number of
// ranks; a multiple of it gives all of them the same work. The default is 8, or the number of ranks if
// that is larger.
func Leaves(n int) DistributedOption {
	return distributedOption(func(d *distribution) { d.leaves, d.leavesSet = n, true })
}

// Distributed is an option of Fit, Evaluate and PredictSource with which several ranks work together: processes
// started by MPI (package keraslike/mpi) or goroutines (distributed.Local). Each rank has a model of its
// own, which was built and compiled in the same way, and callbacks of its own, and calls Fit with the same
// data and options.
//
// A batch is cut into Leaves, consecutive parts of as equal a size as possible. Each rank computes
// the gradients of some of them, and all ranks make the same update with
//
//	gradient = Σ n_i·gradient_i / Σ n_i
//
// where n_i is the number of samples of a leaf, or of its unmasked steps if the output has a mask, so that activity
// regularizers count by unmasked steps, too. The
// sum has the order of a fixed tree, see package distributed: the same bytes on any number of ranks,
// and the same as that of one process up to rounding if no layer depends on the other samples of a
// batch. Two kinds do: Dropout draws other masks for each leaf, and BatchNormalization normalizes each
// leaf by its own mean and variance, and its moving averages are those of all leaves; if it is Synchronized,
// it normalizes by the mean and variance of the whole batch.
//
// The first rank's weights and state of the optimizer are copied to the others at the beginning. Logs
// and callbacks are the same on every rank, but a callback that is a FirstRankCallback, such as those
// that write files or show progress, is called on the first rank only. If the context of one rank is
// canceled, all stop after the same batch; if one fails, all return its error; if they are about to do
// different things, all return one that names a difference. A training can be resumed with another number
// of ranks.
//
// A Source is read by each rank, which needs only its part of every batch. If it reads other values in each
// epoch, it must be an EpochSource. A Stream must be a
// ShardedStream. A model with several outputs of which one has a mask cannot be trained in this way,
// since its losses are means over different numbers of steps.
//
// Evaluate and PredictSource share out whole batches, each to one rank, whose weights must be equal. All ranks
// return the results of all batches, with the same bytes as without this option. An EpochSource is read as in its first
// epoch. Each rank needs memory for all predictions. A Stream that is measured is read by every rank as a whole.
//
// Options and their defaults:
//
//	Leaves  8, or the number of ranks if that is larger
func Distributed(c distributed.Comm, options ...DistributedOption) RankOption {
	d := &distribution{comm: c}
	var err error
	for _, o := range given(options, &err) {
		o.applyDistributed(d)
	}
	return rankOption{batchOption{
		fitOption: func(f *fit) { f.dist, f.mistakes = d, append(f.mistakes, err) },
		evaluate: func(e *evaluation) {
			if e.dist = d; err != nil {
				e.mistake = err
			}
		},
	}, d, err}
}

// RankOption is an option of Fit, of Evaluate and of PredictSource.
type RankOption interface {
	BatchOption
	PredictOption
}

type rankOption struct {
	batchOption
	dist    *distribution
	mistake error
}

func (o rankOption) applyPredict(p *prediction) { p.dist, p.mistake = o.dist, o.mistake }

// FirstRankCallback is a callback that a distributed training may call on the first rank only.
type FirstRankCallback interface {
	Callback
	OnFirstRank() bool // whether the other ranks leave it out
}

// ShardedStream is a Stream for distributed training, which reads each leaf from a stream of its own.
type ShardedStream interface {
	Stream
	// Shard returns the part of the data with the given index, from 0 to count-1. The shards have no
	// samples in common and do not depend on the number of ranks. Their numbers of samples differ by one at most,
	// which the resumption of an epoch relies on.
	Shard(index, count int) (Stream, error)
}

// distribution is the part of one rank in a distributed call.
type distribution struct {
	comm      distributed.Comm
	group     *distributed.Group
	leaves    int
	leavesSet bool
	first     int // leaf of this rank
	end       int
	agreed    bool // the call's error is known to all ranks

	sum       *distributed.Sum
	rowSums   []*distributed.RowSum // by trained weight, nil where the gradient is dense
	sizes     []int                 // of the dense gradients, then of the updates
	parts     [][]float32           // of a leaf: the same
	tail      []float32             // of a leaf: tailWeight and so on, then the losses of the outputs
	equal     bool                  // the leaves of this batch have the same weight, 1
	key       uint64                // of the model's random numbers
	written   []*Weight
	updated   []*Weight
	readers   []*batchReader // of the leaves, if the data is a ShardedStream
	lockstep  *lockstep      // nil without synchronized layers
	stop      bool           // all ranks have agreed to stop
	samples   int            // of the step
	rate      float64        // of the step
	details   func() string  // of the step
	results   packets        // of a batch, for the metrics
	evaluated packets        // of a round of evaluation
}

// The values of the tail of a leaf, after which the losses of the outputs follow. The loss and those of
// the outputs are multiplied by the weight.
const (
	tailWeight = iota
	tailSamples
	tailLoss
	tailOutputs
)

// open connects the ranks and checks the number of leaves.
func (d *distribution) open() (err error) {
	if isNil(d.comm) {
		return errors.New("distributed: there is no Comm")
	}
	if d.group, err = distributed.NewGroup(d.comm); err != nil {
		return err
	}
	if !d.leavesSet {
		d.leaves = max(8, d.group.Size())
	}
	if d.leaves < d.group.Size() {
		return fmt.Errorf("distributed: the batch has Leaves(%d), there are %d ranks: want at least one leaf for each", d.leaves, d.group.Size())
	}
	d.first, d.end = distributed.Part(d.leaves, d.group.Rank(), d.group.Size())
	return nil
}

// agree compares a plan with those of all other ranks. An error is one that all ranks return.
func (d *distribution) agree(what string, size int, fingerprint uint64, ctx context.Context, failed error) error {
	return d.agreeOnPlan(distributed.Plan{What: what, Size: size, Fingerprint: fingerprint}, ctx, failed)
}

// agreeOn compares facts with those of all other ranks, before they begin to do something. The facts are not asked
// for if this rank has failed.
func (d *distribution) agreeOn(what string, ctx context.Context, failed error, facts func() string) error {
	plan := distributed.Plan{What: what}
	if failed == nil {
		text := facts()
		plan.Fingerprint, plan.Details = hashName(text), func() string { return text }
	}
	return d.agreeOnPlan(plan, ctx, failed)
}

func (d *distribution) agreeOnPlan(p distributed.Plan, ctx context.Context, failed error) error {
	p.Stop, p.Failed = ctx.Err() != nil, failed != nil
	a, err := d.group.Agree(p)
	switch {
	case err != nil:
		d.agreed = true
		return errors.Join(failed, err)
	case a.Failed >= 0:
		d.agreed = true
		return d.group.Failure(a.Failed, failed)
	}
	d.stop = a.Stop
	return nil
}

// canceled returns whether a call that is distributed or not is to stop; ctx is that of this rank.
func (d *distribution) canceled(ctx context.Context) bool {
	if d == nil {
		return ctx.Err() != nil
	}
	return d.stop
}

// interrupted returns the error of a call that stopped, which is distributed or not.
func (d *distribution) interrupted(ctx context.Context) error {
	if d != nil && ctx.Err() == nil { // another rank was asked to stop
		return fmt.Errorf("%w: another rank: %w", ErrInterrupted, context.Canceled)
	}
	return interrupted(ctx)
}

// together prepares a call of Fit, on all ranks if it is distributed: an error of one is that of all. The call may
// have failed before.
func (f *fit) together(ctx context.Context, failed error, prepare func() error) error {
	d := f.dist
	if d == nil {
		switch {
		case failed != nil:
			return failed
		case ctx.Err() != nil: // the model stays as it is, and where it stands
			return fmt.Errorf("%w before it began: %w", ErrInterrupted, ctx.Err())
		}
		return prepare()
	}
	if err := d.open(); err != nil {
		return errors.Join(failed, err)
	}
	if err := d.agree("training", 0, 0, ctx, failed); err != nil {
		return err
	}
	if d.stop {
		return fmt.Errorf("before it began: %w", d.interrupted(ctx))
	}
	if d.group.Rank() > 0 {
		f.callbacks = slices.DeleteFunc(slices.Clone(f.callbacks), func(c Callback) bool {
			first, ok := c.(FirstRankCallback)
			return ok && !isNil(c) && first.OnFirstRank()
		})
	}
	err := prepare()
	if err == nil && f.initial == f.epochs { // Until has been reached
		return d.finish(ctx, nil, noFacts)
	}
	return d.begin(ctx, f, err)
}

// noFacts are the facts of a call whose results are equal.
func noFacts() string { return "" }

// finish tells the other ranks about an error that they do not know yet, and learns theirs. Without one, the facts must
// be equal on all ranks.
func (d *distribution) finish(ctx context.Context, err error, facts func() string) error {
	if d == nil || d.group == nil || d.agreed {
		return err
	}
	failed := err
	if errors.Is(err, ErrInterrupted) {
		failed = nil
	}
	if other := d.agreeOn("end", ctx, failed, facts); other != nil {
		return other
	}
	return err
}

// begin prepares a training: all ranks must be about to do the same, with the same weights and state of
// the optimizer.
func (d *distribution) begin(ctx context.Context, f *fit, err error) error {
	m := f.m
	if err == nil {
		err = d.prepare(f)
	}
	if err := d.agreeOn("training", ctx, err, func() string { return d.facts(f) }); err != nil {
		return err
	}
	if d.sum, err = d.group.NewSum(d.leaves, d.vector()); err != nil {
		return err
	}
	for i, w := range m.trainer.weights {
		if d.rowSums[i] == nil {
			continue
		}
		if d.rowSums[i], err = d.group.NewRowSum(d.leaves, m.trainer.rowWidth[i]); err != nil {
			return fmt.Errorf("weight %q: %w", m.paths[w], err)
		}
	}
	if d.lockstep != nil {
		if err := d.lockstep.connect(d, f.graph); err != nil {
			return err
		}
		m.releaseTraining() // a leaf acquires it again
	}
	d.key = m.random.Key
	return writeWeights(m.locks, m.weights, func() error {
		for _, w := range m.weights {
			if err := d.group.Broadcast(bytesOfFloats(w.floats())); err != nil {
				return err
			}
		}
		for _, a := range m.trainer.state(func(w *Weight) string { return m.paths[w] }) {
			if err := d.group.Broadcast(bytesOfFloats(a.values)); err != nil {
				return err
			}
		}
		return nil
	})
}

// prepare builds the graph of a leaf, which shows how the gradients look.
func (d *distribution) prepare(f *fit) error {
	m := f.m
	leaf := f.batch / d.leaves
	if leaf < 1 {
		return fmt.Errorf("distributed: batches of %d samples for %d leaves, want at least one sample for each", f.batch, d.leaves)
	}
	if f.train == nil {
		if err := d.shard(f, leaf); err != nil {
			return err
		}
	} else {
		f.train.leaves = &leafRange{of: d.leaves, first: d.first, end: d.end}
	}
	reader := f.reader
	if f.train == nil {
		reader = d.readers[0]
	}
	shapes := reader.shapes
	if f.train != nil {
		var err error
		if shapes, err = reader.shapesOf(f.train.order[:leaf]); err != nil {
			return err
		}
	}
	if _, err := f.buffers(leaf, reader.weights.weighted(), shapes.lengths); err != nil {
		return err
	}
	if err := d.layOut(m, f.graph); err != nil {
		return err
	}
	var err error
	d.lockstep, err = newLockstep(d, m, f.graph)
	return err
}

// shard opens the streams of this rank's leaves.
func (d *distribution) shard(f *fit, leaf int) error {
	stream := unprepared(f.reader.stream)
	s, ok := stream.(ShardedStream)
	if !ok {
		return fmt.Errorf("distributed: %T is a stream and not a ShardedStream, so that its samples cannot be divided", stream)
	}
	if f.batch%d.leaves != 0 {
		return fmt.Errorf("distributed: batches of %d samples of a stream for %d leaves, want a multiple", f.batch, d.leaves)
	}
	for i := d.first; i < d.end; i++ {
		shard, err := shardOf(s, i, d.leaves)
		if err != nil {
			return fmt.Errorf("distributed: shard %d of %d: %w", i, d.leaves, err)
		}
		data, err := f.m.prepareShard(shard, i)
		if err != nil {
			return fmt.Errorf("distributed: shard %d of %d: %w", i, d.leaves, err)
		}
		r, err := newBatchReader(f.m.dataSpec(), data, nil, leaf, f.classWeights, f.buffers)
		if err != nil {
			return fmt.Errorf("distributed: shard %d of %d: %w", i, d.leaves, err)
		}
		r.shard = true
		d.readers = append(d.readers, r)
	}
	return nil
}

func shardOf(s ShardedStream, i, n int) (shard Stream, err error) {
	defer caught(&err, "stream", s, "Shard")
	shard, err = s.Shard(i, n)
	if err == nil && isNil(shard) {
		err = errors.New("there is no stream")
	}
	return shard, err
}

// layOut finds the sizes of the parts of a leaf's vector.
func (d *distribution) layOut(m *Model, g *modelGraph) error {
	if err := m.compiled.checkTogether(); err != nil {
		return fmt.Errorf("distributed: %w", err)
	}
	t := m.trainer
	d.rowSums = make([]*distributed.RowSum, len(t.weights))
	for i, w := range t.weights {
		if g.program.Rows(g.gradients.numbers[i]) != nil {
			d.rowSums[i] = &distributed.RowSum{} // made in begin
			continue
		}
		d.sizes = append(d.sizes, w.size())
	}
	for _, w := range g.updated {
		d.sizes = append(d.sizes, w.size())
	}
	d.updated, d.written = g.updated, g.written
	d.tail = make([]float32, tailOutputs+len(g.outputLosses.nodes))
	for k, mask := range g.lossMasks.nodes {
		if mask != nil && len(m.outputs) > 1 {
			return fmt.Errorf("distributed: output %q has a mask, and the model has %d outputs, whose losses are means over different numbers of steps", m.outputNames()[k], len(m.outputs))
		}
	}
	return nil
}

// vector returns the number of values that the ranks sum in a step.
func (d *distribution) vector() int {
	n := len(d.tail)
	for _, size := range d.sizes {
		n += size
	}
	return n
}

// facts returns what must be equal on all ranks for a training, one fact in each line.
func (d *distribution) facts(f *fit) string {
	m := f.m
	var text strings.Builder
	fact := func(name string, value any) { fmt.Fprintf(&text, "%s: %v\n", name, value) }
	fact("leaves", d.leaves)
	fact("batch size", f.batch)
	fact("seed", m.seed)
	if f.train != nil {
		fact("training samples", len(f.train.order))
	}
	fact("steps of an epoch", f.stepsPerEpoch)
	fact("epochs", fmt.Sprintf("%d to %d", f.initial, f.epochs))
	fact("samples in their order", f.keepOrder)
	fact("validation split", f.split)
	if source, ok := f.validation.(Source); ok {
		n, err := lenOf(source)
		fact("validation samples", n)
		if err != nil {
			fact("validation", err)
		}
	}
	fact("validation steps", f.validationSteps)
	fact("class weights", f.classWeights)
	fact("epochs trained before", m.epochs)
	fact("samples of this epoch trained before", m.position)
	fact("its validation is pending", m.pending)
	fact("steps trained before", m.trainer.steps)
	fact("learning rate", f.state.Rate)
	text.WriteString(m.facts())
	fact("values of a step", d.vector())
	return text.String()
}

// facts returns what the same model has on all ranks, one fact in each line.
func (m *Model) facts() string {
	var text strings.Builder
	if err := m.Summary(&text); err != nil {
		fmt.Fprintln(&text, err) // the same on all ranks
	}
	if m.compiled != nil {
		if settings, err := m.compileConfig(); err == nil { // else they cannot be saved, nor compared
			lines, _ := json.MarshalIndent(settings, "", " ")
			text.WriteString(strings.NewReplacer(`"`, "", ",", "").Replace(string(lines)) + "\n")
		}
	}
	for _, w := range m.weights {
		fmt.Fprintf(&text, "weight %s: %v\n", m.paths[w], w.shape)
	}
	return text.String()
}

// checksum returns a fact about the values of the weights, which a call that does not copy them needs.
func (m *Model) checksum() string {
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	for _, w := range m.weights {
		_, _ = sum.Write(bytesOfFloats(w.floats())) // returns no error
	}
	return fmt.Sprintf("checksum of all weights: %08x\n", sum.Sum32())
}

// step is trainBatch for a distributed training: it reads and computes this rank's leaves of the next
// batch, sums the gradients of all ranks and makes one update. It reports whether there was a batch.
func (f *fit) step(ctx context.Context) (more bool, err error) {
	d, m, t := f.dist, f.m, &f.state
	n := 0 // samples of the batch, if that is known
	var indices []int
	if f.train != nil {
		indices = f.train.at(t.Samples)
		if n = len(indices); n == 0 {
			return false, nil
		}
	}
	rate, err := m.trainer.scheduled(t.Rate)
	d.results.begin(d.leaves, m)
	d.resetSums()
	d.equal = d.lockstep == nil && (d.leaves == 1 || f.train != nil && n%d.leaves == 0 && f.graph.lossMasks.nodes[0] == nil)
	switch {
	case d.lockstep == nil && err == nil:
		err = f.computeLeaves(n)
	case d.lockstep != nil:
		if err == nil {
			err = f.readLeaves(n)
		}
		if err := d.agree("training step", d.vector(), uint64(n), ctx, err); err != nil {
			return false, err
		}
		if err = f.computeTogether(); d.agreed { // a rank is lost
			return false, err
		}
	}
	f.countWaiting()
	if err := d.agreeOnStep(n, rate, ctx, err); err != nil {
		return false, err
	}
	scale := float32(1)
	if d.equal {
		scale = 1 / float32(d.leaves)
	}
	total, err := d.sum.Total(scale, len(d.tail))
	if err != nil {
		return false, d.lost(err)
	}
	tail := total[len(total)-len(d.tail):]
	if n = int(tail[tailSamples]); n == 0 {
		return false, nil
	}
	if err := f.adopt(total, tail, rate); err != nil {
		return false, err
	}
	f.adoptSchedule()
	if len(f.scores.list) > 0 {
		if err := d.results.gather(d.group); err != nil {
			return false, d.lost(err)
		}
	}
	for i := range d.leaves {
		lo, hi := distributed.Part(n, i, d.leaves)
		r, b := d.results.part(i, hi-lo)
		if indices != nil {
			b.indices = indices[lo:hi]
		}
		if len(b.indices) == 0 {
			continue
		}
		r.loss = float64(tail[tailLoss] / tail[tailWeight])
		for k := range f.scores.losses[1:] {
			r.outputLosses[k][0] = tail[tailOutputs+k] / tail[tailWeight]
		}
		if err := f.scores.add(r, b); err != nil {
			return false, nameSample(err, b.indices)
		}
	}
	return true, f.countStep(n)
}

// agreeOnStep compares a step, and its learning rate, which a callback may have changed, with those of all other ranks.
func (d *distribution) agreeOnStep(n int, rate float64, ctx context.Context, failed error) error {
	d.samples, d.rate = n, rate
	if d.details == nil { // once: a step allocates nothing
		d.details = func() string { return fmt.Sprintf("samples: %d\nlearning rate: %g\n", d.samples, d.rate) }
	}
	return d.agreeOnPlan(distributed.Plan{
		What: "training step", Size: d.vector(), Fingerprint: math.Float64bits(rate) ^ uint64(n), Details: d.details,
	}, ctx, failed)
}

// lost marks an error of the connection, after which no rank can be told anything.
func (d *distribution) lost(err error) error {
	d.agreed = true
	return err
}

// resetSums discards what has been added to the sums.
func (d *distribution) resetSums() {
	d.sum.Reset()
	for _, s := range d.rowSums {
		if s != nil {
			s.Reset()
		}
	}
}

// leafKey returns the key of the random numbers of a leaf.
func (d *distribution) leafKey(leaf int) uint64 {
	return d.key ^ uint64(leaf)*0x9e3779b97f4a7c15 // 2^64/φ, which is odd
}

// computeLeaves reads and computes the leaves of this rank of a batch of n samples and adds them to the sums.
func (f *fit) computeLeaves(n int) error {
	d, m := f.dist, f.m
	defer func() { m.random.Key = d.key }()
	m.random.Step = uint64(m.trainer.steps)
	for i := d.first; i < d.end; i++ {
		b, err := f.nextLeaf(i, n)
		if err != nil {
			return err
		}
		if b == nil {
			d.addNothing()
			continue
		}
		m.random.Key = d.leafKey(i)
		if err := f.graph.run(); err != nil {
			return nameSample(err, b.indices)
		}
		d.add(m, f.graph, b, i)
	}
	return nil
}

// nextLeaf reads a leaf of a batch of n samples, nil if it has none. n is not known for a stream.
func (f *fit) nextLeaf(i, n int) (*batch, error) {
	if f.train == nil {
		return f.dist.readers[i-f.dist.first].next()
	}
	if lo, hi := distributed.Part(n, i, f.dist.leaves); hi == lo {
		return nil, nil
	}
	return f.reader.next()
}

// countWaiting sums the time in which the computation of an epoch has waited for data.
func (f *fit) countWaiting() {
	f.state.Waited = f.reader.waited
	for _, r := range f.dist.readers {
		f.state.Waited += r.waited
	}
}

// add adds the gradients and new states of a leaf to the sums.
func (d *distribution) add(m *Model, g *modelGraph, b *batch, leaf int) {
	weight := float32(len(b.indices))
	if mask := g.lossMask(); mask != nil {
		weight = 0
		for _, v := range mask {
			if v != 0 {
				weight++
			}
		}
		if weight == 0 { // the penalties count if no leaf has more
			weight = graph.EmptyMaskWeight
		}
	}
	factor := weight
	switch {
	case g.weighted(): // the graph has multiplied
		factor = 1
	case d.equal:
		weight, factor = 1, 1
	}
	d.parts = d.parts[:0]
	for i := range m.trainer.weights {
		grad := g.gradient(i, true)
		if s := d.rowSums[i]; s != nil {
			s.Add(factor, grad.rows, grad.values)
		} else {
			d.parts = append(d.parts, grad.values)
		}
	}
	d.parts = append(d.parts, g.updates.values...)
	d.tail[tailWeight], d.tail[tailSamples], d.tail[tailLoss] = weight, float32(len(b.indices)), weight*float32(g.loss())
	for k, loss := range g.outputLosses.values {
		d.tail[tailOutputs+k] = weight * loss[0]
	}
	d.sum.Add(factor, d.parts, d.tail)
	d.results.add(leaf, g.result(), b)
}

// addNothing adds a leaf without samples to the sums.
func (d *distribution) addNothing() {
	for _, s := range d.rowSums {
		if s != nil {
			s.Add(1, nil, nil)
		}
	}
	clear(d.tail)
	d.sum.Add(1, nil, d.tail)
}

// adopt makes the update with the sums of all ranks.
func (f *fit) adopt(total, tail []float32, rate float64) error {
	d, m := f.dist, f.m
	t := m.trainer
	if l := float64(tail[tailLoss]); math.IsNaN(l) || math.IsInf(l, 0) {
		cause := fmt.Errorf("the loss is %v after %d updates; a smaller learning rate than %g may help", l, t.updates(), rate)
		if own := f.graph.loss(); math.IsNaN(own) || math.IsInf(own, 0) {
			return m.locateNotFinite(f.graph, cause)
		}
		return &NotFiniteError{What: "loss", Step: t.steps, Err: fmt.Errorf("another leaf: %w", cause)}
	}
	scale, at := 1/tail[tailWeight], 0
	if !d.equal { // else the sum has been scaled
		kernel.Scale(total[:len(total)-len(tail)], total[:len(total)-len(tail)], scale)
	}
	for i := range t.weights {
		if s := d.rowSums[i]; s != nil {
			index, values, err := s.Total()
			if err != nil {
				return d.lost(err)
			}
			kernel.Scale(values, values, scale)
			t.gradients[i] = gradient{values: values, rows: index, sparse: true}
		} else {
			size := t.weights[i].size()
			t.gradients[i] = gradient{values: total[at : at+size]}
			at += size
		}
		if !t.checksGradients {
			continue
		}
		if bad := kernel.Finite(t.gradients[i].values); bad >= 0 {
			return m.locateNotFinite(f.graph, fmt.Errorf("a gradient is %v after %d updates", t.gradients[i].values[bad], t.updates()))
		}
	}
	return writeWeights(m.locks, d.written, func() error {
		for _, w := range d.updated {
			at += copy(w.floats(), total[at:])
		}
		return t.step(rate)
	})
}

// beginReading starts an epoch for the readers of this rank.
func (f *fit) beginReading(steps, position int) error {
	d := f.dist
	if d == nil {
		return f.reader.begin(steps, position)
	}
	if f.train != nil {
		return f.reader.begin(f.train.countLeaves(steps), position)
	}
	done := ceilDiv(position, f.batch) * (f.batch / d.leaves) // the last batch may have been smaller
	for _, r := range d.readers {
		if err := r.begin(steps, done); err != nil {
			return err
		}
	}
	return nil
}

// endReading ends what beginReading started.
func (f *fit) endReading() {
	if f.dist != nil {
		for _, r := range f.dist.readers {
			r.end()
		}
		if f.train == nil {
			return
		}
	}
	f.reader.end()
}

// bytesOfFloats returns the memory of x.
func bytesOfFloats(x []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}

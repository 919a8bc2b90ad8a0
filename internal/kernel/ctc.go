// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"

	"github.com/reef-dl/reef/internal/kernel/parallel"
	"github.com/reef-dl/reef/internal/kernel/ref"
)

// CTC writes the loss of each sample, -log of the probability of its labels given logits z (batch,
// steps, classes). Labels (batch, length) are class numbers above 0, the blank, padded with 0. It returns
// an error and the sample that it is of if labels are not classes or need more steps than there are.
func CTC[T Float](loss, z, labels []T, batch, steps, classes, length int) (bad int, err error) {
	j := newCTCJob(loss, z, labels, batch, steps, classes, length)
	if len(loss) != batch {
		panic(fmt.Sprintf("ctc: %d losses of %d samples", len(loss), batch))
	}
	for i := range batch {
		_, needs, ok := ref.CTCLabels(j.labelsOf(i), classes)
		switch {
		case !ok:
			err = fmt.Errorf("labels are %v, want class numbers from 1 to %d, then 0", j.labelsOf(i), classes-1)
		case needs > steps:
			err = fmt.Errorf("labels %v need %d steps, one each and one between equal labels; the predictions have %d", j.labelsOf(i), needs, steps)
		}
		if err != nil {
			return i, err
		}
	}
	runCTC(j)
	return -1, nil
}

// CTCGrad writes the gradient of z; labels must be valid.
func CTCGrad[T Float](dz, z, labels, dloss []T, batch, steps, classes, length int) {
	j := newCTCJob(dloss, z, labels, batch, steps, classes, length)
	if len(dz) != len(z) || len(dloss) != batch {
		panic(fmt.Sprintf("ctc gradient: %d gradients of %d logits, %d of %d samples", len(dz), len(z), len(dloss), batch))
	}
	j.dz = dz
	runCTC(j)
}

// ctcJob has one unit for each sample.
type ctcJob[T Float] struct {
	loss, z, labels []T
	dz              []T // of the gradient, for which loss is that of the losses
	batch, steps    int
	classes, length int
}

func newCTCJob[T Float](loss, z, labels []T, batch, steps, classes, length int) ctcJob[T] {
	if steps < 1 || classes < 1 || len(z) != batch*steps*classes || len(labels) != batch*length {
		panic(fmt.Sprintf("ctc: %d logits of (%d, %d, %d), %d labels of (%d, %d)", len(z), batch, steps, classes, len(labels), batch, length))
	}
	return ctcJob[T]{loss: loss, z: z, labels: labels, batch: batch, steps: steps, classes: classes, length: length}
}

func (j *ctcJob[T]) labelsOf(i int) []T { return j.labels[i*j.length : (i+1)*j.length] }

func (j *ctcJob[T]) Unit(i int, w *parallel.Worker) {
	scratch := w.Doubles(ref.CTCScratch(j.steps, j.classes, j.length))
	size := j.steps * j.classes
	z := j.z[i*size : (i+1)*size]
	if j.dz == nil {
		j.loss[i] = T(ref.CTC(z, j.labelsOf(i), j.steps, j.classes, scratch))
		return
	}
	ref.CTCGrad(j.dz[i*size:(i+1)*size], z, j.labelsOf(i), float64(j.loss[i]), j.steps, j.classes, scratch)
}

var (
	ctcJobs32 parallel.FreeList[ctcJob[float32]]
	ctcJobs64 parallel.FreeList[ctcJob[float64]]
)

func runCTC[T Float](job ctcJob[T]) {
	jobs, ok := any(&ctcJobs32).(*parallel.FreeList[ctcJob[T]])
	if !ok {
		jobs = any(&ctcJobs64).(*parallel.FreeList[ctcJob[T]])
	}
	j := jobs.Get()
	*j = job
	parallel.Run(j, job.batch)
	*j = ctcJob[T]{} // so that the free list does not keep operands alive
	jobs.Put(j)
}

// LogAdd returns log(eᵃ + eᵇ).
func LogAdd(a, b float64) float64 { return ref.LogAdd(a, b) }

// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// interruption returns the state of an unfinished run; it is empty after the last epoch.
func (f *fit) interruption() (interruption, error) {
	m := f.m
	i := interruption{Pending: m.pending}
	if inside := m.position > 0 || i.Pending; inside {
		if f.scores.samples == m.position { // else the model's file had no sums
			i.Sums = f.scores.save()
		}
	} else if f.state.stop || f.state.Epoch >= f.epochs {
		return i, nil
	}
	for _, c := range f.callbacks {
		if c, ok := c.(StatefulCallback); ok {
			r, err := newCallbackRecord(c, m.weights)
			if err != nil {
				return i, err
			}
			i.Callbacks = append(i.Callbacks, r)
		}
	}
	return i, nil
}

// restoreInterruption sets the state of an interrupted run from a file and allocates the
// weights of callbacks.
func (m *Model) restoreInterruption(left interruption) error {
	if left.Pending && m.position == 0 {
		return errors.New("an epoch is over and has had no samples")
	}
	if left.Sums != nil {
		s, err := newScores(&m.network, m.compiled)
		if err == nil {
			err = s.load(left.Sums)
		}
		if err == nil && s.samples != m.position {
			err = fmt.Errorf("the sums of the interrupted epoch are of %d samples, its position is %d", s.samples, m.position)
		}
		for i, sum := range s.losses {
			if err == nil && (math.IsNaN(sum) || math.IsInf(sum, 0)) {
				err = fmt.Errorf("sum %d of the losses of the interrupted epoch is %g, want a finite number", i, sum)
			}
		}
		if err != nil {
			return err
		}
	}
	for i := range left.Callbacks {
		k := &left.Callbacks[i]
		if err := k.check(); err != nil {
			return err
		}
		if k.HasWeights {
			for _, w := range m.weights {
				k.weights = append(k.weights, make([]float32, w.size()))
			}
		}
	}
	m.interrupted, m.pending = left, left.Pending
	return nil
}

// resume decides whether the fit continues an interrupted one.
func (f *fit) resume() error {
	m, t := f.m, &f.state
	inside := m.position > 0 || m.pending
	switch {
	case inside && t.Total > 0 && (m.position > t.Total || m.position == t.Total != m.pending):
		m.position, m.pending, inside = 0, false, false // the interrupted epoch was one of other samples
	case inside && m.interrupted.Sums != nil:
		if err := f.scores.load(m.interrupted.Sums); err != nil {
			return err
		}
		f.resuming = true
	}
	if m.pending && f.initial == m.epochs+1 {
		f.initial-- // the epoch whose batches are done was counted
	}
	if inside || m.interrupted.Stopped || f.initial > 0 && f.initial == m.epochs {
		f.savedCallbacks = m.interrupted.Callbacks
	}
	return nil
}

// restoreCallbacks gives callbacks their states of the interrupted run.
func (f *fit) restoreCallbacks() error {
	left := slices.Clone(f.savedCallbacks)
	for _, c := range f.callbacks {
		c, ok := c.(StatefulCallback)
		if !ok {
			continue
		}
		key, err := stateKey(c)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(left, func(r callbackRecord) bool { return r.Key == key })
		if i < 0 {
			continue
		}
		if err := guard("callback", c, "SetState", func() error { return c.SetState(callbackStateOf(left[i])) }); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		left = slices.Delete(left, i, i+1)
	}
	return nil
}

// sums returns all sums of the scores.
func (s *scores) sums() []*float64 {
	var list []*float64
	for k := range s.losses {
		list = append(list, &s.losses[k])
	}
	for _, one := range s.list {
		if m, ok := one.Measurement.(SummingMeasurement); ok {
			list = append(list, m.Sums()...)
		}
	}
	return list
}

// save writes the number of samples and the sums, 8 bytes each.
func (s *scores) save() []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(s.samples))
	for _, v := range s.sums() {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(*v))
	}
	return b
}

// load reads what save wrote.
func (s *scores) load(b []byte) error {
	list := s.sums()
	if len(b) != 8*(1+len(list)) {
		return fmt.Errorf("got %d bytes of sums of the interrupted epoch, the model's loss and metrics want %d", len(b), 8*(1+len(list)))
	}
	n := binary.LittleEndian.Uint64(b)
	if n > maxCount {
		return fmt.Errorf("the interrupted epoch has %d samples, want 0 to %d", n, maxCount)
	}
	s.samples = int(n)
	for i, v := range list {
		*v = math.Float64frombits(binary.LittleEndian.Uint64(b[8*(1+i):]))
	}
	return nil
}

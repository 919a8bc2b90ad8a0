// SPDX-License-Identifier: Apache-2.0

package keraslike

// measureOnBatch begins the measurements of a batch of n samples.
func (m *Model) measureOnBatch(weights []float32, n int) (b *onBatch, err error) {
	b = &m.onBatch
	if b.of != m.compiled {
		if b.scores, err = newScores(&m.network, m.compiled); err != nil {
			return nil, err
		}
		b.of = m.compiled
	}
	if err := b.scores.reset(); err != nil {
		return nil, err
	}
	for i := len(b.batch.indices); i < n; i++ {
		b.batch.indices = append(b.batch.indices, i)
	}
	b.batch.indices, b.batch.weights = b.batch.indices[:n], weights
	return b, nil
}

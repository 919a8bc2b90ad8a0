// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"strconv"

	"github.com/reef-dl/reef/internal/text"
)

// Hashing distributes strings or integers among bins by a hash, so that no vocabulary is needed. The
// bins are those of Keras: FarmHash64, or SipHash with Salt. A MaskToken gets bin 0, which is reserved
// for it; an integer is hashed as its decimal digits.
//
//	input   strings or whole numbers (batch, ...)
//	output  (batch, ...), or vectors of bins elements
//
// It runs before the network, on the raw inputs of a model.
//
// Options:
//
//	OutputMode  IntOutput
//	MaskToken   none
//	Salt        none
//	Name        "hashing", "hashing_1" and so on
//	Trainable   true
//
// See https://keras.io/api/layers/preprocessing_layers/categorical/hashing/.
func Hashing(bins int, opts ...PreprocessingOption) Layer {
	return newLayer(&hashing{Bins: bins, OutputMode: IntOutput}, opts)
}

type hashing struct {
	beforeGraph
	Bins       int        `json:"num_bins"`
	OutputMode OutputMode `json:"output_mode" option:"OutputMode"`
	MaskToken  *string    `json:"mask_value,omitempty" option:"MaskToken"`
	Salt       *[2]uint64 `json:"salt,omitempty" option:"Salt"`
}

var _ = register[hashing]("Hashing")

func (d *hashing) Kind() string { return "Hashing" }

// takesStrings accepts strings and numbers.
func (d *hashing) takesStrings([]bool) error { return nil }

func (d *hashing) check() error {
	if d.Bins < 1 || d.Bins > maxCategories {
		return fmt.Errorf("%d bins, want 1 to %d", d.Bins, maxCategories)
	}
	return d.OutputMode.check(IntOutput, OneHotOutput, MultiHotOutput, CountOutput)
}

func (d *hashing) Build(_ *Builder, in []Shape) (Shape, error) {
	if err := oneInput(in); err != nil {
		return nil, err
	}
	return d.OutputMode.shape(in[0], d.Bins), nil
}

func (d *hashing) prepare(p *preparation, in []*value, out *value) error {
	numbers := p.numbers(in[0].shape.Size())
	var digits []byte
	for i := range numbers {
		if in[0].strings != nil {
			numbers[i] = d.bin(in[0].strings[i])
			continue
		}
		n, err := integer(in[0].numbers[i])
		if err != nil {
			return err
		}
		digits = strconv.AppendInt(digits[:0], int64(n), 10)
		numbers[i] = d.bin(string(digits))
	}
	d.OutputMode.encode(numbers, in[0].shape, d.Bins, out, one)
	return nil
}

func (d *hashing) bin(s string) int32 {
	bins, first := uint64(d.Bins), int32(0)
	if d.MaskToken != nil && bins > 1 {
		if s == *d.MaskToken {
			return 0
		}
		bins, first = bins-1, 1
	}
	if d.Salt != nil {
		return first + int32(sipHash(d.Salt[0], d.Salt[1], s)%bins)
	}
	return first + int32(fingerprint64(s)%bins)
}

// HashedCrossing distributes the combinations of two or more features, strings or integers, among bins
// by a hash: a crossed feature, for what they mean only together. The bins are those of Keras.
//
//	inputs  strings or whole numbers (batch) or (batch, 1)
//	output  the same shape, or vectors of bins elements
//
// It runs before the network, on the raw inputs of a model.
//
// Options:
//
//	OutputMode  IntOutput
//	Name        "hashed_crossing", "hashed_crossing_1" and so on
//	Trainable   true
//
// See https://keras.io/api/layers/preprocessing_layers/categorical/hashed_crossing/.
func HashedCrossing(bins int, opts ...PreprocessingOption) Layer {
	return newLayer(&hashedCrossing{Bins: bins, OutputMode: IntOutput}, opts)
}

type hashedCrossing struct {
	beforeGraph
	Bins       int        `json:"num_bins"`
	OutputMode OutputMode `json:"output_mode" option:"OutputMode"`
}

var _ = register[hashedCrossing]("HashedCrossing")

func (d *hashedCrossing) Kind() string { return "HashedCrossing" }

// takesStrings accepts strings and numbers.
func (d *hashedCrossing) takesStrings([]bool) error { return nil }

func (d *hashedCrossing) check() error {
	if d.Bins < 1 || d.Bins > maxCategories {
		return fmt.Errorf("%d bins, want 1 to %d", d.Bins, maxCategories)
	}
	return d.OutputMode.check(IntOutput, OneHotOutput)
}

func (d *hashedCrossing) Build(_ *Builder, in []Shape) (Shape, error) {
	if len(in) < 2 {
		return nil, fmt.Errorf("got %s, want at least two", text.Count(len(in), "input"))
	}
	for _, s := range in {
		if len(s) > 1 || s.Size() != 1 || !s.Equal(in[0]) {
			return nil, fmt.Errorf("inputs have shapes %s, want (batch) or (batch, 1) for all", formatShapes(in))
		}
	}
	return d.OutputMode.shape(in[0], d.Bins), nil
}

// crossingKey is that with which TensorFlow begins.
const crossingKey = 0xdecafcaffe

func (d *hashedCrossing) prepare(p *preparation, in []*value, out *value) error {
	hash := uint64(crossingKey)
	for _, x := range in {
		if x.strings != nil {
			hash = crossed(hash, fingerprint64(x.strings[0]))
			continue
		}
		n, err := integer(x.numbers[0])
		if err != nil {
			return err
		}
		hash = crossed(hash, uint64(n))
	}
	numbers := p.numbers(1)
	numbers[0] = int32(hash % uint64(d.Bins))
	d.OutputMode.encode(numbers, in[0].shape, d.Bins, out, one)
	return nil
}

// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// TestMixKnown compares what is mixed with Keras, whose script is testdata/make_mix.py.
func TestMixKnown(t *testing.T) {
	raw, err := os.ReadFile("testdata/mixed.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Kind                  string
		Shape, Order          []int
		Share, Left, Top      []float32
		Images, Labels, Masks []float32
		MixedImages           []float32 `json:"mixed_images"`
		MixedLabels           []float32 `json:"mixed_labels"`
		MixedMasks            []float32 `json:"mixed_masks"`
	}
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		mask := []int{c.Shape[0], c.Shape[1], 1}
		s, err := InMemory([]Array{{c.Shape, c.Images}}, []Array{{[]int{3}, c.Labels}, {mask, c.Masks}})
		if err != nil {
			t.Fatal(err)
		}
		var of Source
		if c.Kind == "MixUp" {
			of, err = MixUp(s, 0.2, 1)
		} else {
			of, err = CutMix(s, 0, 1, 1)
		}
		if err != nil {
			t.Fatal(err)
		}
		m := of.(*mixed)
		for what, v := range map[string]struct {
			shape      []int
			from, want []float32
		}{"images": {c.Shape, c.Images, c.MixedImages}, "labels": {[]int{3}, c.Labels, c.MixedLabels}, "masks": {mask, c.Masks, c.MixedMasks}} {
			if v.want == nil {
				continue // Keras 3.15 takes the pixels of masks for samples in MixUp
			}
			size := sizeOf(v.shape)
			got := slices.Clone(v.from)
			for i, j := range c.Order {
				m.blend(m, draw{c.Share[i], c.Top[i], c.Left[i]}, size, v.shape, got[i*size:(i+1)*size], v.from[j*size:(j+1)*size])
			}
			for i, want := range v.want {
				if d := math.Abs(float64(got[i] - want)); d > 4e-5 { // two roundings of numbers up to 255
					t.Fatalf("%s %v: %s: number %d is %v, want %v", c.Kind, c.Shape, what, i, got[i], want)
				}
			}
		}
	}
}

// dyed is a source of n pictures of 4 x 5 pixels with one color each, the class as a vector.
func dyed(t testing.TB, n int) Source {
	t.Helper()
	x, y := make([]float32, n*20), make([]float32, n*n)
	for i := range n {
		for k := range 20 {
			x[i*20+k] = float32(i)
		}
		y[i*n+i] = 1
	}
	s, err := InMemory([]Array{{[]int{4, 5, 1}, x}}, []Array{{[]int{n}, y}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestMixedTargets: targets have the shares of the pictures, or nearly, as rectangles end between pixels.
func TestMixedTargets(t *testing.T) {
	const n = 50
	up, err := MixUp(dyed(t, n), 0.5, 3)
	if err != nil {
		t.Fatal(err)
	}
	cut, err := CutMix(dyed(t, n), 1, 1, 3)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		s         Source
		tolerance float64
	}{"mixup": {up, 1e-5}, "cutmix": {cut, 0.5}} {
		l := layoutOf(c.s)
		in, out := l.buffers(n)
		partners := map[int]bool{}
		for range 20 {
			if err := c.s.Read(upTo(n), in, out); err != nil {
				t.Fatal(err)
			}
			for i := range n {
				y, sum, other := out[0][i*n:(i+1)*n], float32(0), i
				for j, v := range y {
					if sum += v; v > 0 && j != i {
						other = j
					}
				}
				partners[other] = true
				if math.Abs(float64(sum-1)) > 1e-6 || math.Abs(float64(y[i]+y[other]-1)) > 1e-6 && other != i {
					t.Fatalf("%s: sample %d has the target %v", name, i, y)
				}
				share := 0.0
				for _, v := range in[0][i*20 : (i+1)*20] {
					if other == i {
						continue
					}
					if part := float64(v-float32(other)) / float64(i-other); name == "mixup" || part == 0 || part == 1 {
						share += part / 20
					} else {
						t.Fatalf("cutmix: a pixel %v of classes %d and %d", v, i, other)
					}
				}
				if other != i && math.Abs(share-float64(y[i])) > c.tolerance {
					t.Fatalf("%s: sample %d: %v of the picture is its own, %v of the target", name, i, share, y[i])
				}
			}
		}
		if len(partners) != n { // a partner is missing with a probability of 50·e^-20
			t.Errorf("%s: %d of %d samples are partners", name, len(partners), n)
		}
	}
}

// TestMixedReads: what is read depends on neither the order nor the rest of a batch nor on what else has been
// read, also of sources that change themselves, and epochs can be resumed.
func TestMixedReads(t *testing.T) {
	const n = 12
	pictures := func() Source {
		train, _, _, err := CatsDogs(t.Context(), From{Source: Sample}, ImageOptions{Height: 6, Width: 6, Augment: &Augment{Rotation: 40, Seed: 5}})
		if err != nil {
			t.Fatal(err)
		}
		hot, err := OneHot(Take(Shuffle(train, 4), n), 2)
		if err != nil {
			t.Fatal(err)
		}
		drawn, err := Resample(hot, n, 8)
		if err != nil {
			t.Fatal(err)
		}
		both, err := Zip(hot, drawn)
		if err != nil {
			t.Fatal(err)
		}
		return Map(both, func(_ int, x, _ [][]float32) error {
			if x != nil && x[0] != nil {
				x[0][0] = 1
			}
			return nil
		})
	}
	for name, create := range map[string]func() (Source, error){
		"mixup":  func() (Source, error) { return MixUp(pictures(), 0.4, 3) },
		"cutmix": func() (Source, error) { return CutMix(pictures(), 0, 1, 3) },
		"both": func() (Source, error) {
			s, err := MixUp(pictures(), 0.4, 3)
			if err != nil {
				return nil, err
			}
			return CutMix(s, 0, 1, 5)
		},
		"drawn twice": func() (Source, error) { return Resample(pictures(), n, 6) },
		"repeated": func() (Source, error) {
			return Subset(pictures(), []int{3, 3, 3, 0, 1, 1, 2, 4, 5, 3, 11, 0})
		},
		"repeated and mixed": func() (Source, error) {
			s, err := Subset(pictures(), []int{3, 3, 3, 0, 1, 1, 2, 4, 5, 3, 11, 0})
			if err != nil {
				return nil, err
			}
			return MixUp(s, 0.4, 3)
		},
	} {
		epoch := func(s Source, order []int, size int) (all []float32) {
			l := layoutOf(s)
			in, out := l.buffers(n)
			for first := 0; first < n; first += size {
				indices := order[first : first+size]
				x, y := l.buffers(size)
				if err := s.Read(indices, x, y); err != nil {
					t.Fatal(err)
				}
				for j, i := range indices {
					move(in, x, l.inputSizes, i, j, 1)
					move(out, y, l.targetSizes, i, j, 1)
				}
			}
			return slices.Concat(slices.Concat(in...), slices.Concat(out...))
		}
		open := func() Source {
			s, err := create()
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		whole, parts, resumed := open(), open(), open()
		var epochs [][]float32
		for e := range 3 {
			epochs = append(epochs, epoch(whole, upTo(n), n))
			if got := epoch(parts, Permutation(n, uint32(e)), 3); !slices.Equal(got, epochs[e]) {
				t.Errorf("%s: epoch %d depends on the order", name, e+1)
			}
		}
		if slices.Equal(epochs[1], epochs[2]) {
			t.Errorf("%s: two epochs are the same", name)
		}
		resumed.(interface{ StartEpoch(n int) }).StartEpoch(3)
		if got := epoch(resumed, upTo(n), 4); !slices.Equal(got, epochs[2]) {
			t.Errorf("%s: epoch 3 is another one after a resumption", name)
		}
	}
}

// TestRepeatedReads: the uses of a picture in an epoch differ, as they do in epochs without repetitions.
func TestRepeatedReads(t *testing.T) {
	train, _, _, err := CatsDogs(t.Context(), From{Source: Sample}, ImageOptions{Height: 6, Width: 6, Augment: &Augment{Rotation: 40, Seed: 5}})
	if err != nil {
		t.Fatal(err)
	}
	twice, err := Subset(train, []int{7, 7})
	if err != nil {
		t.Fatal(err)
	}
	l := layoutOf(twice)
	in, _ := l.buffers(2)
	var want [4][]float32
	for i := range want { // visits 1 to 4 of the picture
		x, _ := l.buffers(1)
		if err := train.Read([]int{7}, x, nil); err != nil {
			t.Fatal(err)
		}
		want[i] = x[0]
	}
	for epoch := range 2 {
		if err := twice.Read(upTo(2), in, nil); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(in[0], slices.Concat(want[2*epoch], want[2*epoch+1])) {
			t.Errorf("epoch %d does not have visits %d and %d of the picture", epoch+1, 2*epoch+1, 2*epoch+2)
		}
	}
	if slices.Equal(want[0], want[1]) {
		t.Error("two visits are the same")
	}
	one, err := Subset(train, []int{7})
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := Resample(one, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := drawn.Read(upTo(2), in, nil); err != nil {
		t.Fatal(err)
	}
	if half := len(in[0]) / 2; slices.Equal(in[0][:half], in[0][half:]) {
		t.Error("two draws of a picture are the same")
	}
}

// TestMixedAllocates: reading reuses its memory.
func TestMixedAllocates(t *testing.T) {
	s, err := CutMix(dyed(t, 10), 0, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	l := layoutOf(s)
	in, out := l.buffers(10)
	indices := upTo(10)
	if n := testing.AllocsPerRun(10, func() {
		if err := s.Read(indices, in, out); err != nil {
			t.Error(err)
		}
		if err := s.Read(indices, nil, out); err != nil {
			t.Error(err)
		}
	}); n > 0 && !raceDetector {
		t.Errorf("Read allocates %v times", n)
	}
}

// TestBeta compares mean and variance with those of the distribution: 1/2 and 1/(8a+4).
func TestBeta(t *testing.T) {
	const n = 40000
	for _, a := range []float64{0, 1e-3, 0.2, 1, 4} {
		rng := rand.New(rand.NewPCG(1, 2))
		var sum, squares, fourth float64
		for range n {
			v := beta(rng, a)
			if !(v >= 0 && v <= 1) {
				t.Fatalf("parameter %v: %v", a, v)
			}
			sum += v
			squares += (v - 0.5) * (v - 0.5)
			fourth += math.Pow(v-0.5, 4)
		}
		variance := 1 / (8*a + 4)
		deviation := math.Sqrt(max(0, fourth/n-squares/n*squares/n) / n)
		if d := sum/n - 0.5; math.Abs(d) > 5*math.Sqrt(variance/n) {
			t.Errorf("parameter %v: mean %v", a, sum/n)
		}
		if d := squares/n - variance; math.Abs(d) > 5*deviation+1e-5 { // 1e-5 where a is 1e-6 instead of 0
			t.Errorf("parameter %v: variance %v, want %v", a, squares/n, variance)
		}
	}
}

func TestMixErrors(t *testing.T) {
	mixup := func(s Source) error { _, err := MixUp(s, 0.2, 1); return err }
	cutmix := func(s Source) error { _, err := CutMix(s, 0, 1, 1); return err }
	alpha := func(a float64) error { _, err := MixUp(dyed(t, 3), a, 1); return err }
	between := func(a, b float64) error { _, err := CutMix(dyed(t, 3), a, b, 1); return err }
	none := Take(counting(t, 2), 0)
	texts, err := (&Texts{Texts: []string{"a", "b"}, Labels: []int32{0, 1}, names: []string{"bad", "good"}}).Raw()
	if err != nil {
		t.Fatal(err)
	}
	digits, err := NewImages(make([]uint8, 12), make([]uint8, 2), 2, 3, 1, []string{"a", "b", "c"})
	if err != nil {
		t.Fatal(err)
	}
	sizes, err := Zip(dyed(t, 2), digits.OneHot())
	if err != nil {
		t.Fatal(err)
	}
	targets, err := InMemory(nil, []Array{{nil, []float32{1, 2}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{alpha(0), "mixup: alpha 0, want a positive number"},
		{alpha(math.NaN()), "mixup: alpha NaN, want a positive number"},
		{alpha(math.Inf(1)), "mixup: alpha +Inf, want a positive number"},
		{between(0, 0), "cutmix: from 0 to 0, want 0 or more, the smaller first, and not both 0"},
		{between(1, 0.5), "cutmix: from 1 to 0.5, want 0 or more, the smaller first, and not both 0"},
		{mixup(none), "mixup: the source has no samples"},
		{mixup(weighed{counting(t, 3)}), "mixup: the source has sample weights, which mixed samples cannot keep"},
		{mixup(texts), "mixup: input 0 is of strings"},
		{mixup(digits), "mixup: a target is one number and there are 3 classes: want vectors, as OneHot makes them"},
		{mixup(Take(&epochs{Source: counting(t, 3)}, 2)), "mixup: the source changes from epoch to epoch by a StartEpoch of its own: mix what it reads from"},
		{cutmix(counting(t, 3)), "cutmix: input 0 has shape [2], want (height, width, channels)"},
		{cutmix(sizes), "cutmix: input 1 has shape [2 3 1], input 0 [4 5 1], want one height and width"},
		{cutmix(targets), "cutmix: the source has no input"},
	} {
		if c.err == nil || c.err.Error() != c.want {
			t.Errorf("got error %v, want %q", c.err, c.want)
		}
	}
	s, err := MixUp(counting(t, 3), 0.2, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Read([]int{3}, nil, nil); err == nil || err.Error() != "sample 3: the source has samples 0 to 2" {
		t.Errorf("got error %v", err)
	}
}

// weighed is a source with sample weights.
type weighed struct{ Source }

func (weighed) Weights([]int, []float32) error { return nil }

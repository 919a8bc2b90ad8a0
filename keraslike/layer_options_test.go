// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/graph"
)

// constructor calls a function that makes layers. Its whole-number arguments differ, so
// that a default tells which argument it is.
type constructor struct {
	make func(options []layerSetting) (l *layer, given []string)
	args map[string]int
}

// made is a constructor that gives f those options that its family has.
func made[O layerSetting](f func(options ...O) Layer, args map[string]int) constructor {
	return constructor{args: args, make: func(options []layerSetting) (*layer, []string) {
		var own []O
		var given []string
		for _, o := range options {
			if o, ok := o.(O); ok {
				own, given = append(own, o), append(given, o.sets().option)
			}
		}
		return f(own...).core(), given
	}}
}

// of1 and of2 are made for functions with whole numbers before the options.
func of1[O layerSetting](f func(a int, options ...O) Layer, a string) constructor {
	return made(func(options ...O) Layer { return f(5, options...) }, map[string]int{a: 5})
}

func of2[O layerSetting](f func(a, b int, options ...O) Layer, a, b string) constructor {
	return made(func(options ...O) Layer { return f(5, 7, options...) }, map[string]int{a: 5, b: 7})
}

func constructors() map[string]constructor {
	all := map[string]constructor{
		"Dense": of1(Dense, "units"), "Embedding": of2(Embedding, "vocabulary", "dim"), "SinePositionEncoding": made(SinePositionEncoding, nil), "RotaryEmbedding": made(RotaryEmbedding, nil),
		"TokenAndPositionEmbedding": made(func(o ...EmbeddingOption) Layer { return TokenAndPositionEmbedding(5, 7, 9, o...) }, nil),
		"ReverseEmbedding":          made(func(o ...EmbeddingOption) Layer { return ReverseEmbedding(Embedding(1, 1), o...) }, nil),
		"PositionEmbedding":         of1(PositionEmbedding, "length"), "MultiHeadAttention": of2(MultiHeadAttention, "heads", "keyDim"),
		"Conv1D": of2(Conv1D, "filters", "kernel"), "Conv2D": of2(Conv2D, "filters", "kernel"), "DepthwiseConv2D": of1(DepthwiseConv2D, "kernel"),
		"Conv3D": of2(Conv3D, "filters", "kernel"), "DepthwiseConv1D": of1(DepthwiseConv1D, "kernel"), "SeparableConv1D": of2(SeparableConv1D, "filters", "kernel"),
		"Conv1DTranspose": of2(Conv1DTranspose, "filters", "kernel"), "Conv3DTranspose": of2(Conv3DTranspose, "filters", "kernel"),
		"ConvLSTM1D": of2(ConvLSTM1D, "filters", "kernel"), "ConvLSTM2D": of2(ConvLSTM2D, "filters", "kernel"), "ConvLSTM3D": of2(ConvLSTM3D, "filters", "kernel"),
		"MaxPooling3D": of1(MaxPooling3D, "size"), "AveragePooling3D": of1(AveragePooling3D, "size"),
		"SeparableConv2D": of2(SeparableConv2D, "filters", "kernel"), "Conv2DTranspose": of2(Conv2DTranspose, "filters", "kernel"),
		"MaxPooling1D": of1(MaxPooling1D, "size"), "MaxPooling2D": of1(MaxPooling2D, "size"),
		"AveragePooling1D": of1(AveragePooling1D, "size"), "AveragePooling2D": of1(AveragePooling2D, "size"),
		"SimpleRNN": of1(SimpleRNN, "units"), "GRU": of1(GRU, "units"), "LSTM": of1(LSTM, "units"),
		"RNN":                    made(func(o ...RecurrentOption) Layer { return RNN(LSTMCell(1), o...) }, nil),
		"Bidirectional":          made(func(o ...BidirectionalOption) Layer { return Bidirectional(LSTM(1), o...) }, nil),
		"TimeDistributed":        made(func(o ...LayerOption) Layer { return TimeDistributed(Dense(1), o...) }, nil),
		"RMSNormalization":       made(RMSNormalization, nil),
		"ActivityRegularization": made(func(o ...LayerOption) Layer { return ActivityRegularization(L1(1), o...) }, nil),
		"EinsumDense":            made(func(o ...DenseOption) Layer { return EinsumDense("ab,bc->ac", []int{3}, o...) }, nil),
		"Attention":              made(Attention, nil), "AdditiveAttention": made(AdditiveAttention, nil),
		"GroupQueryAttention":   made(func(o ...AttentionOption) Layer { return GroupQueryAttention(5, 7, 7, o...) }, nil),
		"SpectralNormalization": made(func(o ...NormalizationOption) Layer { return SpectralNormalization(Dense(1), o...) }, nil),
		"ChannelsFirst":         made(func(o ...LayerOption) Layer { return ChannelsFirst(MaxPooling2D(2), o...) }, nil),
		"BatchNormalization":    made(BatchNormalization, nil), "LayerNormalization": made(LayerNormalization, nil), "Normalization": made(Normalization, nil),
		"GroupNormalization": made(GroupNormalization, nil), "UnitNormalization": made(UnitNormalization, nil),
		"LeakyReLU": made(LeakyReLU, nil), "PReLU": made(PReLU, nil), "Concatenate": made(Concatenate, nil),
		"Dot":          made(func(o ...MergeOption) Layer { return Dot(1, 1, o...) }, nil),
		"Activation":   made(func(o ...ActivationOption) Layer { return Activation(ReLU, o...) }, nil),
		"Reshape":      made(func(o ...LayerOption) Layer { return Reshape([]int{1}, o...) }, nil),
		"Permute":      made(func(o ...LayerOption) Layer { return Permute([]int{1}, o...) }, nil),
		"Masking":      made(func(o ...LayerOption) Layer { return Masking(0, o...) }, nil),
		"StringLookup": made(StringLookup, nil), "IntegerLookup": made(IntegerLookup, nil), "TextVectorization": made(TextVectorization, nil),
		"CategoryEncoding": of1(CategoryEncoding, "tokens"), "Hashing": of1(Hashing, "bins"), "HashedCrossing": of1(HashedCrossing, "bins"),
		"Discretization": made(Discretization, nil), "Resizing": of2(Resizing, "height", "width"), "CenterCrop": of2(CenterCrop, "height", "width"),
		"RandomCrop": of2(RandomCrop, "height", "width"), "RandomFlip": made(RandomFlip, nil),
		"Solarization": made(Solarization, nil), "AutoContrast": made(AutoContrast, nil), "Equalization": made(Equalization, nil),
		"ContrastLimitedAdaptiveHistogramEqualization": made(ContrastLimitedAdaptiveHistogramEqualization, nil),
		"RandomRotation":          made(func(o ...PreprocessingOption) Layer { return RandomRotation(0.1, o...) }, nil),
		"RandomZoom":              made(func(o ...PreprocessingOption) Layer { return RandomZoom(0.1, o...) }, nil),
		"RandomTranslation":       made(func(o ...PreprocessingOption) Layer { return RandomTranslation(0.1, 0.2, o...) }, nil),
		"RandomContrast":          made(func(o ...PreprocessingOption) Layer { return RandomContrast(0.1, o...) }, nil),
		"RandomInvert":            made(func(o ...PreprocessingOption) Layer { return RandomInvert(0.1, o...) }, nil),
		"RandomPosterization":     made(func(o ...PreprocessingOption) Layer { return RandomPosterization(3, o...) }, nil),
		"RandomColorDegeneration": made(func(o ...PreprocessingOption) Layer { return RandomColorDegeneration(0.1, o...) }, nil),
		"RandomSharpness":         made(func(o ...PreprocessingOption) Layer { return RandomSharpness(0.1, o...) }, nil),
		"STFTSpectrogram":         of1(STFTSpectrogram, "frameLength"),
		"MelSpectrogram":          of2(MelSpectrogram, "fftLength", "bins"),
		"RandomGrayscale":         made(func(o ...LayerOption) Layer { return RandomGrayscale(0.1, o...) }, nil),
		"RandomBrightness":        made(func(o ...PreprocessingOption) Layer { return RandomBrightness(0.1, o...) }, nil),
		"RandomHue":               made(func(o ...PreprocessingOption) Layer { return RandomHue(0.1, o...) }, nil),
		"RandomSaturation":        made(func(o ...PreprocessingOption) Layer { return RandomSaturation(0.1, o...) }, nil),
		"RandomColorJitter":       made(RandomColorJitter, nil),
		"RandomErasing":           made(func(o ...PreprocessingOption) Layer { return RandomErasing(0.1, o...) }, nil),
		"RandomGaussianBlur":      made(func(o ...PreprocessingOption) Layer { return RandomGaussianBlur(0.1, o...) }, nil),
		"RandomShear":             made(func(o ...PreprocessingOption) Layer { return RandomShear(0.1, 0.2, o...) }, nil),
		"RandomPerspective":       made(func(o ...PreprocessingOption) Layer { return RandomPerspective(0.1, 0.2, o...) }, nil),
		"RandomElasticTransform":  made(func(o ...PreprocessingOption) Layer { return RandomElasticTransform(0.1, 0.2, o...) }, nil),
		"RandAugment":             made(func(o ...PreprocessingOption) Layer { return RandAugment(0.1, o...) }, nil),
		"AugMix":                  made(func(o ...PreprocessingOption) Layer { return AugMix(0.1, o...) }, nil),
		"Rescaling":               made(func(o ...LayerOption) Layer { return Rescaling(1, 0, o...) }, nil),
		"Lambda": made(func(o ...LayerOption) Layer {
			return Lambda(func(in ...*graph.Node) (*graph.Node, error) { return in[0], nil }, o...)
		}, nil),
		"Custom":       made(func(o ...LayerOption) Layer { return Custom(&masking{}, o...) }, nil),
		"Dropout":      made(func(o ...DropoutOption) Layer { return Dropout(0.1, o...) }, nil),
		"AlphaDropout": made(func(o ...DropoutOption) Layer { return AlphaDropout(0.1, o...) }, nil),
		"RepeatVector": of1(RepeatVector, "n"), "UpSampling1D": of1(UpSampling1D, "size"), "UpSampling2D": of2(UpSampling2D, "height", "width"),
		"AdaptiveMaxPooling1D": of1(AdaptiveMaxPooling1D, "size"), "AdaptiveMaxPooling2D": of2(AdaptiveMaxPooling2D, "height", "width"),
		"AdaptiveAveragePooling1D": of1(AdaptiveAveragePooling1D, "size"), "AdaptiveAveragePooling2D": of2(AdaptiveAveragePooling2D, "height", "width"),
		"AdaptiveMaxPooling3D":     made(func(o ...LayerOption) Layer { return AdaptiveMaxPooling3D(1, 2, 3, o...) }, nil),
		"AdaptiveAveragePooling3D": made(func(o ...LayerOption) Layer { return AdaptiveAveragePooling3D(1, 2, 3, o...) }, nil),
		"ZeroPadding1D":            of2(ZeroPadding1D, "before", "after"), "Cropping1D": of2(Cropping1D, "before", "after"),
		"ZeroPadding2D": made(func(o ...LayerOption) Layer { return ZeroPadding2D(1, 2, 3, 4, o...) }, nil),
		"ZeroPadding3D": made(func(o ...LayerOption) Layer { return ZeroPadding3D(1, 2, 3, 4, 5, 6, o...) }, nil),
		"Cropping3D":    made(func(o ...LayerOption) Layer { return Cropping3D(1, 2, 3, 4, 5, 6, o...) }, nil),
		"UpSampling3D":  made(func(o ...LayerOption) Layer { return UpSampling3D(1, 2, 3, o...) }, nil),
		"Cropping2D":    made(func(o ...LayerOption) Layer { return Cropping2D(1, 2, 3, 4, o...) }, nil),
	}
	for name, f := range map[string]func(...PoolOption) Layer{
		"GlobalMaxPooling1D": GlobalMaxPooling1D, "GlobalMaxPooling2D": GlobalMaxPooling2D,
		"GlobalAveragePooling1D": GlobalAveragePooling1D, "GlobalAveragePooling2D": GlobalAveragePooling2D,
		"GlobalMaxPooling3D": GlobalMaxPooling3D, "GlobalAveragePooling3D": GlobalAveragePooling3D,
	} {
		all[name] = made(f, nil)
	}
	for name, f := range map[string]func(...LayerOption) Layer{
		"Flatten": Flatten, "Add": Add, "Subtract": Subtract, "Multiply": Multiply, "Average": Average, "Maximum": Maximum, "Minimum": Minimum,
	} {
		all[name] = made(f, nil)
	}
	for name, f := range map[string]func(float64, ...LayerOption) Layer{
		"SpatialDropout1D": SpatialDropout1D, "SpatialDropout2D": SpatialDropout2D, "SpatialDropout3D": SpatialDropout3D,
		"GaussianNoise": GaussianNoise, "GaussianDropout": GaussianDropout,
	} {
		all[name] = made(func(o ...LayerOption) Layer { return f(0.1, o...) }, nil)
	}
	return all
}

// layerOptions is every option of layers, in the order in which docs list them.
func layerOptions() []layerSetting {
	r, c := L1L2(0.1, 0.2), MaxNorm(2)
	return []layerSetting{
		Tanh, BiasAxes("c"), RecurrentActivation(HardSigmoid),
		Strides(2, 3), ValidPadding, SamePadding, CausalPadding, OutputPadding(1, 0), Dilation(1, 2), KernelSize(2, 3), PoolSize(3, 2), KeepDims, DepthMultiplier(2),
		ReturnSequences, ReturnState, GoBackwards, ZeroOutputForMask, Stateful, ResetBefore, InputDropout(0.1), RecurrentDropout(0.2),
		MergeSum, BackwardLayer(LSTM(1, GoBackwards)),
		StartIndex(3), MaxWavelength(9), ScalingFactor(2), DynamicScaling, SequenceAxis(2), FeatureAxis(1), LogitSoftCap(3), MaskZero, ReverseTable, EmbeddingsInitializer(Ones()), EmbeddingsRegularizer(r), EmbeddingsConstraint(c),
		ValueDim(4), OutputDim(6), OutputShape(3, 2), CausalMask, AttentionMask, ReturnScores, AttentionAxes(1), SlidingWindow(2), UseGate, UseScale, ConcatScore, NoScoreScale, AttentionDropout(0.1),
		Groups(1), Axis(1), AllAxes, Invert, Statistics([]float64{1}, []float64{2}), Momentum(0.9), Epsilon(1e-2), NoScale, NoCenter, GammaInitializer(Zeros()), BetaInitializer(Ones()), GammaRegularizer(r), BetaRegularizer(r), GammaConstraint(c), BetaConstraint(c), RMSScaling, Synchronized, MovingMeanInitializer(Ones()), MovingVarianceInitializer(Zeros()), Renorm, RenormMomentum(0.8), RenormClipping(0, 2, 3), PowerIterations(3),
		CountOutput, LowerCase, SplitCharacter, MaxTokens(20), OOVIndices(2), PadToMaxTokens, MaskToken("none"), MaskInteger(3),
		Vocabulary("a", "b"), IntegerVocabulary(4, 5), IDFWeights(1, 2), NGrams(2), OutputSequenceLength(4), Salt(1, 2), BinBoundaries(1, 2), NumBins(4),
		NearestInterpolation, FillNearest, FillValue(3), CropToAspectRatio, PadToAspectRatio, FlipVertically,
		NoiseShape(1, 2), FactorRange(0, 0.5), HeightRange(0, 0.4), WidthRange(0, 0.3), ValueRange(0, 2), AdditionRange(0, 0.3), ThresholdRange(0, 0.2), ClipLimit(2), TileGrid(2, 3),
		ScaleRange(0.1, 0.2), BlurSize(5), SigmaRange(0, 2), BrightnessRange(0, 0.1), ContrastRange(0, 0.2), SaturationRange(0.4, 0.6), HueRange(0, 0.1), NumOperations(3), NumChains(4), ChainDepth(2), MixingAlpha(0.5), NoColorOperations,
		MagnitudeSpectrum, FrameStep(2), FFTLength(8), HammingWindow, PeriodicWindow, SpectrumScaling, ExpandDims,
		SequenceStride(3), SequenceLength(4), SamplingRate(800), MinFrequency(10), MaxFrequency(300), NoDecibels, TopDecibels(60), MagnitudeExponent(1), MinPower(0.1), ReferencePower(2),
		Normalized, NegativeSlope(0.1), MaxValue(6), ThresholdAt(0.1), OtherValue(2), Alpha(0.2), Approximate, MaskInput, SharedAxes(1), AlphaInitializer(Ones()), AlphaRegularizer(r), AlphaConstraint(c),
		NoBias, KernelInitializer(Ones()), RecurrentInitializer(Ones()), BiasInitializer(Ones()),
		KernelRegularizer(r), RecurrentRegularizer(r), BiasRegularizer(r), ActivityRegularizer(r),
		KernelConstraint(c), RecurrentConstraint(c), BiasConstraint(c),
		Name("given"), Trainable(false),
	}
}

// fit are the options of a constructor's family that its layer takes.
func (c constructor) fit() (list []layerSetting) {
	for _, o := range layerOptions() {
		if l, given := c.make([]layerSetting{o}); len(given) > 0 && l.mistake == nil {
			list = append(list, o)
		}
	}
	return list
}

// TestOptionsAreDocumented: the doc comment of each constructor lists every option that
// fits with the default that the constructor has. Where it does not, the failure has the
// text.
func TestOptionsAreDocumented(t *testing.T) {
	pkg := parsed(t)
	docs := map[string]string{}
	for _, f := range slices.Concat(pkg.Funcs, slices.Concat(functionsOf(pkg)...)) {
		docs[f.Name] = f.Doc
	}
	for name, c := range constructors() {
		want := c.options(t, constantsOf(pkg, "ActivationFunc"))
		if !strings.Contains(docs[name], want) {
			t.Errorf("the doc comment of %s lacks\n//%s", name, strings.ReplaceAll(strings.TrimSuffix(want, "\n"), "\n", "\n//"))
		}
		rest := strings.Replace(docs[name], want, "", 1)
		if strings.Contains(rest, "Options:") || strings.Contains(rest, "Option ") {
			t.Errorf("the doc comment of %s lists options once more", name)
		}
	}
	for _, f := range slices.Concat(functionsOf(pkg)...) {
		if _, ok := constructors()[f.Name]; !ok && makesLayer(f) {
			t.Errorf("%s makes a layer and is not among constructors", f.Name)
		}
	}
}

// TestEveryOptionIsListed: layerOptions has all.
func TestEveryOptionIsListed(t *testing.T) {
	pkg, listed := parsed(t), map[string]bool{}
	for _, o := range layerOptions() {
		listed[o.sets().option] = true
	}
	families := regexp.MustCompile(`^(Dense|Conv|Pool|Recurrent|Embedding|Attention|Normalization|Activation|Merge|Bidirectional|Preprocessing|Layer|Kernel|Window|Groups|Axis)Option$`)
	flags := regexp.MustCompile(`^((Kernel|Pool|Activation|Recurrent|Embedding|Attention|Normalization|Merge|Preprocessing)Flag|Padding)$`)
	found := 0
	for _, typ := range pkg.Types {
		if families.MatchString(typ.Name) {
			for _, f := range typ.Funcs {
				if found++; !listed[f.Name] {
					t.Errorf("%s is an option of layers and is not among layerOptions", f.Name)
				}
			}
		}
		if flags.MatchString(typ.Name) {
			for _, names := range constantsOf(pkg, typ.Name) {
				if found++; !listed[names] {
					t.Errorf("%s is an option of layers and is not among layerOptions", names)
				}
			}
		}
	}
	if found < 40 {
		t.Errorf("found %d options only", found)
	}
}

// TestOrderOfLayerOptions: the order of options never matters, for any layer.
func TestOrderOfLayerOptions(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for name, c := range constructors() {
		taken := map[string]bool{}
		var options []layerSetting
		for _, o := range c.fit() { // one of those that contradict each other
			s := o.sets()
			if key := s.field + s.choice; key == "" || !taken[s.field] && !(s.choice != "" && taken["Axis"]) {
				taken[s.field] = s.field != ""
				options = append(options, o)
			}
		}
		text := func() string {
			l, _ := c.make(options)
			if l.mistake != nil {
				t.Fatalf("%s: %v", name, l.mistake)
			}
			if _, unsaved := l.def.(*lambda); unsaved {
				return fmt.Sprint(l.name, l.frozen)
			}
			s, err := Settings(l)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return s
		}
		want := text()
		for range 40 {
			rng.Shuffle(len(options), func(i, j int) { options[i], options[j] = options[j], options[i] })
			if got := text(); got != want {
				t.Fatalf("%s is\n%s\nwant, as in another order of the options,\n%s", name, got, want)
			}
		}
	}
}

// TestMisfits: an option of the family that the layer does not take is a mistake that
// names the option and all that fit, and nothing else is.
func TestMisfits(t *testing.T) {
	misfits := 0
	for name, c := range constructors() {
		var fit []string
		for _, o := range c.fit() {
			fit = append(fit, o.sets().option)
		}
		for _, o := range layerOptions() {
			l, given := c.make([]layerSetting{o})
			if len(given) == 0 || slices.Contains(fit, given[0]) {
				continue
			}
			misfits++
			if got := fmt.Sprint(l.mistake); !strings.HasPrefix(got, given[0]+" does not fit, want ") {
				t.Errorf("%s with %s: %v", name, given[0], got)
			}
			for _, f := range fit {
				if !strings.Contains(f, "Padding") && f != "Tanh" && !strings.Contains(l.mistake.Error(), f) {
					t.Errorf("%s with %s: %v, lacks %s", name, given[0], l.mistake, f)
				}
			}
		}
	}
	if misfits < 30 {
		t.Errorf("%d misfits, want more", misfits)
	}
}

// options is the part of a constructor's doc comment that lists its options.
func (c constructor) options(t *testing.T, activations map[string]string) string {
	l, _ := c.make(nil)
	var rows [][2]string
	for _, o := range c.fit() {
		s := o.sets()
		row := [2]string{s.option, "true"}
		switch s.option {
		case "Trainable":
		case "Name":
			row[1] = fmt.Sprintf("%[1]q, %[1]q_1 and so on", snakeCase(l.def.Kind()))
			row[1] = strings.ReplaceAll(row[1], `"_1`, `_1"`)
		default:
			f, ok := optionField(l.def, s.field)
			if !ok {
				t.Fatalf("%s: no field for %s", l.def.Kind(), s.option)
			}
			row[1] = c.text(l.def, s.field, f.Interface(), activations)
		}
		if last := len(rows) - 1; last >= 0 && s.field == "Padding" && strings.HasSuffix(rows[last][0], "Padding") {
			rows[last][0] += ", " + s.option
			continue
		}
		rows = append(rows, row)
	}
	if len(rows) == 2 {
		return "Options: Name, Trainable (default true).\n"
	}
	width := 0
	for _, r := range rows {
		width = max(width, len(r[0]))
	}
	var b strings.Builder
	b.WriteString("Options:\n\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "\t%-*s  %s\n", width, r[0], r[1])
	}
	return b.String()
}

// text is a default as docs state it.
func (c constructor) text(d Definition, field string, value any, activations map[string]string) string {
	for name, n := range c.args {
		if value == any(n) || reflect.DeepEqual(value, perAxis{n}) {
			return name
		}
	}
	switch v := value.(type) {
	case bool:
		return map[bool]string{false: "off", true: "on"}[v]
	case ActivationFunc:
		return activations[string(v)]
	case MergeMode:
		return map[MergeMode]string{MergeConcat: "MergeConcat"}[v]
	case graph.Padding:
		return map[graph.Padding]string{graph.Valid: "ValidPadding"}[v]
	case Regularizer:
		if v == (Regularizer{}) {
			return "none"
		}
	case Constraint:
		if v.IsZero() {
			return "none"
		}
	case Initializer:
		name := map[string]string{"glorot_uniform": "GlorotUniform", "random_uniform": "RandomUniform", "orthogonal": "Orthogonal", "zeros": "Zeros"}[v.Kind]
		if v.Value == 0 {
			return name + "()"
		}
		return fmt.Sprintf("%s(%g)", name, v.Value)
	case *Initializer:
		switch field {
		case "GammaInitializer":
			return "Ones()"
		case "MovingMeanInitializer":
			return "Zeros()"
		case "MovingVarianceInitializer":
			return "Ones()"
		case "BetaInitializer":
			return "Zeros()"
		}
		if i := d.(interface{ biasInit() Initializer }).biasInit(); i.Kind == "unit_forget" {
			return "Zeros(), Ones() for the forget gate"
		}
		return "Zeros()"
	case string:
		if v == "" {
			return "none"
		}
	case oneOrMoreAxes:
		return fmt.Sprint(v[0])
	case *statistics:
		return "none"
	case *renormLimits:
		return "none"
	case *float64:
		return map[string]string{"LogitSoftCap": "none", "RenormMomentum": "0.99", "NegativeSlope": "0", "OtherValue": "0", "MaxValue": "none", "FillValue": "none", "MaxFrequency": "half the SamplingRate"}[field] + map[string]string{"ThresholdAt": "that of the function", "Alpha": "that of the function"}[field]
	case perAxis:
		if v == nil {
			return "the size that Keras infers"
		}
	case SpectrogramMode:
		return map[SpectrogramMode]string{LogSpectrum: "LogSpectrum"}[v]
	case WindowFunction:
		return map[WindowFunction]string{HannWindow: "HannWindow"}[v]
	case WindowScaling:
		return map[WindowScaling]string{DensityScaling: "DensityScaling"}[v]
	case OutputMode:
		return map[OutputMode]string{IntOutput: "IntOutput", MultiHotOutput: "MultiHotOutput"}[v]
	case Standardization, Splitting, FillMode, Interpolation, FlipMode:
		return map[any]string{LowerAndStripPunctuation: "LowerAndStripPunctuation", SplitWhitespace: "SplitWhitespace", FillReflect: "FillReflect",
			BilinearInterpolation: "BilinearInterpolation", Interpolation(""): "NearestInterpolation", FlipBoth: "FlipBoth"}[v]
	case *string, *int, *[2]uint64:
		if name := map[string]string{"FrameStep": "half of frameLength", "FFTLength": "frameLength, up to a power of two"}[field]; name != "" {
			return name
		}
		return "none"
	case []string, []float64:
		return "none"
	case *[2]float64:
		return "none"
	case [2]float64:
		if d.Kind()+field == "RandomElasticTransformScaleRange" {
			return "0 to scale"
		}
		if slices.Contains([]string{"ValueRange", "AdditionRange", "ThresholdRange", "ScaleRange", "SigmaRange"}, field) {
			return fmt.Sprintf("%g to %g", v[0], v[1])
		}
		if name, ok := map[string]string{"RandomTranslationHeightRange": "height", "RandomTranslationWidthRange": "width", "RandomShearHeightRange": "y", "RandomShearWidthRange": "x"}[d.Kind()+field]; ok {
			return fmt.Sprintf("-%s to %[1]s", name)
		}
		if v[0] >= 0 { // that of the pixels
			return fmt.Sprintf("%g to factor", v[0])
		}
		return "-factor to factor"
	case *Layer:
		return "a copy of the layer that runs backward"
	case [2]int:
		if v[0] == v[1] {
			return fmt.Sprint(v[0])
		}
	case []int:
		if len(v) == 0 {
			return "none"
		}
		return strings.Trim(fmt.Sprint(v), "[]")
	case int:
		if field == "OutputDim" && v == 0 {
			return "the query's features"
		}
	}
	return fmt.Sprint(value)
}

func parsed(t *testing.T) *doc.Package {
	t.Helper()
	fset := token.NewFileSet()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	p, err := doc.NewFromFiles(fset, files, "github.com/reef-dl/reef/keraslike")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// functionsOf are the functions that docs show with the type that they return.
func functionsOf(p *doc.Package) (list [][]*doc.Func) {
	for _, typ := range p.Types {
		list = append(list, typ.Funcs)
	}
	return list
}

// makesLayer reports whether a function takes options and returns a Layer.
func makesLayer(f *doc.Func) bool {
	r, in := f.Decl.Type.Results, f.Decl.Type.Params.List
	if r == nil || len(r.List) != 1 || len(in) == 0 {
		return false
	}
	id, ok := r.List[0].Type.(*ast.Ident)
	_, variadic := in[len(in)-1].Type.(*ast.Ellipsis)
	return ok && id.Name == "Layer" && variadic
}

// constantsOf are the constants of a type: names by their text, or by themselves.
func constantsOf(p *doc.Package, typ string) map[string]string {
	list := map[string]string{}
	for _, t := range p.Types {
		if t.Name != typ {
			continue
		}
		for _, c := range t.Consts {
			for _, s := range c.Decl.Specs {
				v := s.(*ast.ValueSpec)
				key := v.Names[0].Name
				if text, ok := v.Values[0].(*ast.BasicLit); ok {
					key = strings.Trim(text.Value, `"`)
				}
				list[key] = v.Names[0].Name
			}
		}
	}
	return list
}

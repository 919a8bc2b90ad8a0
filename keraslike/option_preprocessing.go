// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"slices"
)

// Options of the preprocessing layers.

// PreprocessingOption is an option of the layers that run before the network: StringLookup,
// IntegerLookup, CategoryEncoding, Hashing, HashedCrossing, TextVectorization, Discretization,
// Resizing, CenterCrop, RandomCrop, RandomFlip, RandomRotation, RandomZoom, RandomTranslation,
// RandomContrast, RandomBrightness, RandomInvert, RandomPosterization, RandomColorDegeneration,
// RandomSharpness, RandomHue, RandomSaturation, RandomColorJitter, RandomErasing, RandomGaussianBlur,
// RandomShear, RandomPerspective, RandomElasticTransform, RandAugment, AugMix, Solarization, AutoContrast, Equalization
// and ContrastLimitedAdaptiveHistogramEqualization;
// and of MelSpectrogram and STFTSpectrogram.
type PreprocessingOption interface {
	layerSetting
	forPreprocessing()
}

type preprocessingMark struct{}

func (preprocessingMark) forPreprocessing() {}

type preprocessingOption struct {
	setting
	preprocessingMark
}

func preprocessing(s setting) PreprocessingOption { return preprocessingOption{setting: s} }

// OutputMode is an option that selects what becomes of category numbers: the numbers themselves, or
// vectors with an element for each category.
type OutputMode string

// The output modes. A vector is made of the last axis; OneHotOutput makes one of each number
// instead, and omits a last axis of length 1.
const (
	IntOutput      OutputMode = "int"       // the numbers
	OneHotOutput   OutputMode = "one_hot"   // 1 at the number
	MultiHotOutput OutputMode = "multi_hot" // 1 at each number that occurs
	CountOutput    OutputMode = "count"     // how often each number occurs
	TFIDFOutput    OutputMode = "tf_idf"    // that, times ln(1 + samples/(1 + samples with the token)) of Adapt
)

func (m OutputMode) sets() setting {
	return setting{option: "OutputMode", field: "OutputMode", value: m}
}
func (OutputMode) forPreprocessing() {}

// Standardization is an option of TextVectorization that selects how texts are cleaned before they
// are split.
type Standardization string

// The standardizations. Punctuation and the letters that become lower case are those of ASCII, as in
// Keras.
const (
	LowerAndStripPunctuation Standardization = "lower_and_strip_punctuation"
	LowerCase                Standardization = "lower"
	StripPunctuation         Standardization = "strip_punctuation"
	NoStandardization        Standardization = "none"
)

func (s Standardization) sets() setting {
	return setting{option: "Standardization", field: "Standardization", value: s}
}
func (Standardization) forPreprocessing() {}

// Splitting is an option of TextVectorization that selects what the tokens of a text are.
type Splitting string

// The splittings.
const (
	SplitWhitespace Splitting = "whitespace" // words between white space
	SplitCharacter  Splitting = "character"  // Unicode code points
	NoSplitting     Splitting = "none"       // each string is a token
)

func (s Splitting) sets() setting {
	return setting{option: "Splitting", field: "Splitting", value: s}
}
func (Splitting) forPreprocessing() {}

// FillMode is an option of layers that move pictures: what lies outside the picture.
type FillMode string

// The fill modes, for a row of the pixels a b c d.
const (
	FillReflect  FillMode = "reflect"  // d c b a | a b c d | d c b a
	FillConstant FillMode = "constant" // v v v v | a b c d | v v v v, where v is FillValue
	FillWrap     FillMode = "wrap"     // a b c d | a b c d | a b c d
	FillNearest  FillMode = "nearest"  // a a a a | a b c d | d d d d
)

func (m FillMode) sets() setting {
	return setting{option: "FillMode", field: "FillMode", value: m}
}
func (FillMode) forPreprocessing() {}

// Interpolation is an option of layers that resize or move pictures.
type Interpolation string

// The interpolations.
const (
	BilinearInterpolation Interpolation = "bilinear"
	NearestInterpolation  Interpolation = "nearest"
	// BicubicInterpolation is of UpSampling2D and Resizing. It weights four pixels along each axis by Keys's
	// kernel with a = -0.75, as Keras does on PyTorch; on TensorFlow and JAX a is -0.5.
	BicubicInterpolation Interpolation = "bicubic"
)

func (i Interpolation) sets() setting {
	return setting{option: "Interpolation", field: "Interpolation", value: i}
}
func (Interpolation) forPreprocessing() {}

// FlipMode is an option of RandomFlip: the directions in which it flips.
type FlipMode string

// The flip modes.
const (
	FlipHorizontally FlipMode = "horizontal"
	FlipVertically   FlipMode = "vertical"
	FlipBoth         FlipMode = "horizontal_and_vertical"
)

func (m FlipMode) sets() setting {
	return setting{option: "FlipMode", field: "FlipMode", value: m}
}
func (FlipMode) forPreprocessing() {}

// PreprocessingFlag is a PreprocessingOption that turns something on. All flags are off by default.
type PreprocessingFlag string

// The flags of preprocessing layers.
const (
	// PadToMaxTokens makes vectors of MaxTokens elements, even if the vocabulary is smaller.
	PadToMaxTokens PreprocessingFlag = "PadToMaxTokens"
	// CropToAspectRatio makes Resizing crop the picture, in the middle, to the ratio of the output.
	CropToAspectRatio PreprocessingFlag = "CropToAspectRatio"
	// PadToAspectRatio makes Resizing pad the picture, around it, to the ratio of the output.
	PadToAspectRatio PreprocessingFlag = "PadToAspectRatio"
	// NoColorOperations makes AugMix leave out RandomBrightness, RandomColorDegeneration, RandomContrast and
	// RandomSharpness.
	NoColorOperations PreprocessingFlag = "NoColorOperations"
)

func (f PreprocessingFlag) sets() setting   { return set(string(f), true) }
func (PreprocessingFlag) forPreprocessing() {}

func (Epsilon) forPreprocessing() {}

// MaxTokens limits the size of the vocabulary that Adapt learns, those for unknown and masked tokens
// included, to the most frequent tokens. By default there is no limit.
func MaxTokens(n int) PreprocessingOption { return preprocessing(set("MaxTokens", n)) }

// OOVIndices is the number of indices for tokens that are not in the vocabulary, among which they are
// distributed by a hash. With 0 such a token is an error. The default is 1.
func OOVIndices(n int) PreprocessingOption { return preprocessing(set("OOVIndices", n)) }

// MaskToken is a string that stands for no value. It becomes 0, or a vector of zeros. By default
// there is none; that of TextVectorization is the padding.
func MaskToken(token string) PreprocessingOption { return preprocessing(set("MaskToken", token)) }

// MaskInteger is a number that stands for no value, as MaskToken does for strings.
func MaskInteger(n int) PreprocessingOption { return preprocessing(set("MaskInteger", n)) }

// Vocabulary sets the tokens of a StringLookup or TextVectorization, in the order of their indices,
// in place of Adapt. It may begin with those for masked and unknown tokens, as VocabularyOf
// returns it.
func Vocabulary(tokens ...string) PreprocessingOption {
	return preprocessing(set("Vocabulary", slices.Clone(tokens)))
}

// IntegerVocabulary sets the integers of an IntegerLookup, in the order of their indices, in place of
// Adapt.
func IntegerVocabulary(integers ...int) PreprocessingOption {
	return preprocessing(set("IntegerVocabulary", slices.Clone(integers)))
}

// IDFWeights sets the weights of TFIDFOutput for the tokens of Vocabulary.
func IDFWeights(weights ...float64) PreprocessingOption {
	return preprocessing(set("IDFWeights", slices.Clone(weights)))
}

const maxNGram = 16 // words

// NGrams makes tokens of neighboring words, joined by spaces: NGrams(2) of one and of two words,
// NGrams(2, 3) of two and of three. By default each word is a token.
func NGrams(n ...int) PreprocessingOption {
	s := set("NGrams", slices.Clone(n))
	if len(n) == 0 {
		s.err = fmt.Errorf("NGrams: got no number, want one or more")
	}
	if len(n) == 1 {
		list := []int{}
		for i := range min(n[0], maxNGram) {
			list = append(list, i+1)
		}
		s.value = list
		if n[0] > maxNGram {
			s.err = fmt.Errorf("NGrams: %d words, want 1 to %d", n[0], maxNGram)
		}
	}
	return preprocessing(s)
}

// OutputSequenceLength is the number of tokens that TextVectorization makes of each text: longer
// texts are cut, shorter ones padded with 0. IntOutput needs it.
func OutputSequenceLength(n int) PreprocessingOption {
	return preprocessing(set("OutputSequenceLength", n))
}

// Salt makes Hashing use SipHash with these two keys, in place of FarmHash.
func Salt(a, b uint64) PreprocessingOption { return preprocessing(set("Salt", [2]uint64{a, b})) }

// BinBoundaries sets the boundaries of Discretization in ascending order, in place of Adapt.
func BinBoundaries(b ...float64) PreprocessingOption {
	return preprocessing(set("BinBoundaries", slices.Clone(b)))
}

// NumBins is the number of bins for which Adapt computes the boundaries, and of the histograms of
// Equalization.
func NumBins(n int) PreprocessingOption { return preprocessing(set("NumBins", n)) }

// FillValue is the value outside of a picture with FillConstant, by default 0, and what RandomErasing fills
// with, by default noise.
func FillValue(v float64) PreprocessingOption { return preprocessing(set("FillValue", v)) }

// FactorRange sets the range from which a random layer draws its factor, in place of a symmetric
// one.
func FactorRange(lower, upper float64) PreprocessingOption {
	return preprocessing(set("FactorRange", [2]float64{lower, upper}))
}

// HeightRange sets the range from which RandomZoom, RandomTranslation and RandomShear draw the factor of
// the height.
func HeightRange(lower, upper float64) PreprocessingOption {
	return preprocessing(set("HeightRange", [2]float64{lower, upper}))
}

// WidthRange sets the range from which RandomZoom, RandomTranslation and RandomShear draw the factor of
// the width.
func WidthRange(lower, upper float64) PreprocessingOption {
	return preprocessing(set("WidthRange", [2]float64{lower, upper}))
}

// ValueRange sets the lowest and the highest value of a pixel, to which layers that change
// pixels clip. The default is 0 to 255.
func ValueRange(lowest, highest float64) PreprocessingOption {
	return preprocessing(set("ValueRange", [2]float64{lowest, highest}))
}

// AdditionRange sets the range from which Solarization draws what it adds, as a share of the extent of
// ValueRange.
func AdditionRange(lower, upper float64) PreprocessingOption {
	return preprocessing(set("AdditionRange", [2]float64{lower, upper}))
}

// ThresholdRange sets the range from which Solarization draws the value from which on it inverts, as a
// share of the extent of ValueRange.
func ThresholdRange(lower, upper float64) PreprocessingOption {
	return preprocessing(set("ThresholdRange", [2]float64{lower, upper}))
}

// ClipLimit limits the counts in the histograms of ContrastLimitedAdaptiveHistogramEqualization, to this
// multiple of their mean.
func ClipLimit(times float64) PreprocessingOption { return preprocessing(set("ClipLimit", times)) }

// TileGrid is into how many tiles, downward and to the right, ContrastLimitedAdaptiveHistogramEqualization
// divides a picture.
func TileGrid(rows, columns int) PreprocessingOption {
	return preprocessing(set("TileGrid", [2]int{rows, columns}))
}

// ScaleRange sets the range from which RandomErasing draws the share of the picture that it erases, and
// RandomElasticTransform how far it distorts.
func ScaleRange(lower, upper float64) PreprocessingOption {
	return preprocessing(set("ScaleRange", [2]float64{lower, upper}))
}

// BlurSize is the number of pixels, in each direction, over which RandomGaussianBlur sums.
func BlurSize(pixels int) PreprocessingOption { return preprocessing(set("BlurSize", pixels)) }

// SigmaRange sets the range from which RandomGaussianBlur draws the standard deviations of its weights, in
// pixels.
func SigmaRange(lower, upper float64) PreprocessingOption {
	return preprocessing(set("SigmaRange", [2]float64{lower, upper}))
}

// BrightnessRange makes RandomColorJitter change the brightness, by a factor from this range; see
// RandomBrightness.
func BrightnessRange(lower, upper float64) PreprocessingOption {
	return preprocessing(set("BrightnessRange", [2]float64{lower, upper}))
}

// ContrastRange makes RandomColorJitter change the contrast, by a factor from this range; see
// RandomContrast.
func ContrastRange(lower, upper float64) PreprocessingOption {
	return preprocessing(set("ContrastRange", [2]float64{lower, upper}))
}

// SaturationRange makes RandomColorJitter change the saturation, by a factor from this range; see
// RandomSaturation.
func SaturationRange(lower, upper float64) PreprocessingOption {
	return preprocessing(set("SaturationRange", [2]float64{lower, upper}))
}

// HueRange makes RandomColorJitter turn the hue, by a factor from this range; see RandomHue.
func HueRange(lower, upper float64) PreprocessingOption {
	return preprocessing(set("HueRange", [2]float64{lower, upper}))
}

// NumOperations is how many layers RandAugment applies to a picture.
func NumOperations(n int) PreprocessingOption { return preprocessing(set("NumOperations", n)) }

// NumChains is how many chains of layers AugMix mixes.
func NumChains(n int) PreprocessingOption { return preprocessing(set("NumChains", n)) }

// ChainDepth is how many layers a chain of AugMix has at most.
func ChainDepth(n int) PreprocessingOption { return preprocessing(set("ChainDepth", n)) }

// MixingAlpha is the parameter of the distributions of the weights of AugMix: the larger, the more equal are
// the weights.
func MixingAlpha(a float64) PreprocessingOption { return preprocessing(set("MixingAlpha", a)) }

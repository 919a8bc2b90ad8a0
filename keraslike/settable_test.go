// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/reef-dl/reef/graph"
)

// optionFamily is the options of optimizers, losses or metrics, and all that take some.
type optionFamily struct {
	option string // the interface
	apply  string // its method
	// values make an option of a number, or of nothing for a flag.
	values map[string]func(v float64) any
	// makers make something with options; its text shows all settings.
	makers map[string]func(t *testing.T, options ...any) (text string, mistake error)
}

func typed[O any](options []any) []O {
	var list []O
	for _, o := range options {
		list = append(list, o.(O))
	}
	return list
}

func number[O any](f func(float64) O) func(float64) any { return func(v float64) any { return f(v) } }
func flag(o any) func(float64) any                      { return func(float64) any { return o } }

// oneOf is an option that chooses between its default, for 0, and another value.
func oneOf(standard, other any) func(float64) any {
	return func(v float64) any {
		if v == 0 {
			return standard
		}
		return other
	}
}

func settingsText(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func optionFamilies() []optionFamily {
	type maker = func(t *testing.T, options ...any) (string, error)
	optimizer := func(f func(...OptimizerOption) Optimizer) maker {
		return func(t *testing.T, options ...any) (string, error) {
			o := f(typed[OptimizerOption](options)...)
			return settingsText(t, o), o.Check()
		}
	}
	rated := func(f func(float64, ...OptimizerOption) Optimizer) maker {
		return optimizer(func(o ...OptimizerOption) Optimizer { return f(0.1, o...) })
	}
	lossFor := func(p Shape, f func(...LossOption) Loss) maker {
		return func(t *testing.T, options ...any) (string, error) {
			l := f(typed[LossOption](options)...)
			_, err := l.Target(p)
			return settingsText(t, l), err
		}
	}
	loss := func(f func(...LossOption) Loss) maker { return lossFor(Shape{3}, f) }
	metricFor := func(target Shape, f func(...MetricOption) Metric) maker {
		return func(t *testing.T, options ...any) (string, error) {
			m := f(typed[MetricOption](options)...)
			_, err := m.Begin(Shape{3}, target)
			return settingsText(t, m), err
		}
	}
	metric := func(f func(...MetricOption) Metric) maker { return metricFor(Shape{3}, f) }
	metricAt := func(f func(float64, ...MetricOption) Metric) maker {
		return metric(func(o ...MetricOption) Metric { return f(0.5, o...) })
	}
	return []optionFamily{
		{
			option: "OptimizerOption", apply: "applyOptimizer",
			values: map[string]func(float64) any{
				"ClipValue": number(ClipValue), "ClipNorm": number(ClipNorm), "GlobalClipNorm": number(GlobalClipNorm),
				"WeightDecay": number(WeightDecay), "AverageWeights": number(AverageWeights),
				"AccumulateGradients":    func(v float64) any { return AccumulateGradients(int(v)) },
				"WithSchedule":           flag(WithSchedule(ExponentialDecay{Steps: 2, Rate: 0.5})),
				"Momentum":               func(v float64) any { return Momentum(v) },
				"Epsilon":                func(v float64) any { return Epsilon(v) },
				"ExcludeFromWeightDecay": func(v float64) any { return ExcludeFromWeightDecay("bias") },
				"OverwriteWeights":       func(v float64) any { return OverwriteWeights(int(10 * v)) },
				"LearningRatePower":      number(LearningRatePower), "L1Strength": number(L1Strength), "L2Strength": number(L2Strength),
				"L2Shrinkage": number(L2Shrinkage), "FtrlBeta": number(FtrlBeta), "WarmupSteps": func(v float64) any { return WarmupSteps(int(10 * v)) },
				"Beta2Decay": number(Beta2Decay), "Epsilon1": number(Epsilon1), "Epsilon2": number(Epsilon2), "ClipThreshold": number(ClipThreshold),
				"MuonSteps": func(v float64) any {
					if v < 1 {
						return MuonSteps(3)
					}
					return MuonSteps(int(v))
				},
				"MuonCoefficients": func(v float64) any { return MuonCoefficients(2, -1.5, 0.5) }, "MuonScale": number(MuonScale),
				"AdamFor": func(v float64) any { return AdamFor("output/") }, "AdamRateRatio": number(AdamRateRatio), "AdamWeightDecay": number(AdamWeightDecay),
				"PlainMomentum": flag(PlainMomentum), "MuonForEmbeddings": flag(MuonForEmbeddings),
				"Rho": number(Rho), "Beta1": number(Beta1), "Beta2": number(Beta2), "InitialAccumulator": number(InitialAccumulator),
				"Nesterov": flag(Nesterov), "Centered": flag(Centered), "AMSGrad": flag(AMSGrad), "LazyRows": flag(LazyRows),
			},
			makers: map[string]maker{
				"SGD": rated(SGD), "RMSprop": rated(RMSprop), "Adam": rated(Adam), "AdamW": rated(AdamW), "Nadam": rated(Nadam),
				"Adamax": rated(Adamax), "Adagrad": rated(Adagrad), "Adadelta": rated(Adadelta), "Lion": rated(Lion),
				"Ftrl": rated(Ftrl), "Lamb": rated(Lamb), "ScheduleFreeAdamW": rated(ScheduleFreeAdamW), "Adafactor": rated(Adafactor), "Muon": rated(Muon),
				"FromSolver": optimizer(func(o ...OptimizerOption) Optimizer { return FromSolver(gorgonia.NewVanillaSolver(), o...) }),
			},
		},
		{
			option: "LossOption", apply: "applyLoss",
			values: map[string]func(float64) any{
				"LabelSmoothing": number(LabelSmoothing), "FocalGamma": number(FocalGamma), "FocalAlpha": number(FocalAlpha),
				"FromLogits": flag(FromLogits), "ClassBalancing": flag(ClassBalancing), "KeepDiagonal": flag(KeepDiagonal),
				"AlongAxis":   func(v float64) any { return AlongAxis(int(v)) },
				"IgnoreClass": func(v float64) any { return IgnoreClass(int(v)) },
				"CircleGamma": number(CircleGamma), "CircleMargin": number(CircleMargin),
				"SumReduction": flag(SumReduction), "WeightedMeanReduction": flag(WeightedMeanReduction),
			},
			makers: map[string]maker{
				"With":                               loss(BinaryCrossentropy.With),
				"Dice":                               loss(Dice),
				"Huber":                              loss(func(o ...LossOption) Loss { return Huber(1, o...) }),
				"CTC":                                lossFor(Shape{4, 3}, func(o ...LossOption) Loss { return CTC(2, o...) }),
				"CategoricalGeneralizedCrossEntropy": loss(func(o ...LossOption) Loss { return CategoricalGeneralizedCrossEntropy(0.5, o...) }),
				"CustomLoss":                         loss(func(o ...LossOption) Loss { return CustomLoss("mine", graph.MeanSquaredError, o...) }),
				"Tversky":                            loss(func(o ...LossOption) Loss { return Tversky(0.5, 0.5, o...) }),
				"Circle":                             loss(Circle),
				"BinaryFocalCrossentropy":            loss(BinaryFocalCrossentropy),
				"CategoricalFocalCrossentropy":       loss(CategoricalFocalCrossentropy),
			},
		},
		{
			option: "MetricOption", apply: "applyMetric",
			values: map[string]func(float64) any{
				"Threshold":     func(v float64) any { return Threshold(v) },
				"Thresholds":    func(v float64) any { return Thresholds(int(v)) },
				"ClassID":       func(v float64) any { return ClassID(int(v)) },
				"TopK":          func(v float64) any { return TopK(1 + int(v)) },
				"IgnoreClass":   func(v float64) any { return IgnoreClass(int(v)) },
				"TargetClasses": func(v float64) any { return TargetClasses(1) },
				"LabelWeights":  func(v float64) any { return LabelWeights(v, 1, 2) },
				"AlongAxis":     func(v float64) any { return AlongAxis(int(v)) },
				"Regressors":    func(v float64) any { return Regressors(int(10 * v)) },
				"MultiLabel":    flag(MultiLabel), "FromLogits": flag(FromLogits), "ClassBalancing": flag(ClassBalancing), "KeepDiagonal": flag(KeepDiagonal),
				"SumReduction": flag(SumReduction), "WeightedMeanReduction": flag(WeightedMeanReduction),
				"OneHotTargets": flag(OneHotTargets), "OneHotPredictions": flag(OneHotPredictions), "SparsePredictions": flag(SparsePredictions),
				"FromSortedIDs": flag(FromSortedIDs),
				"ClassAverage":  oneOf(Macro, Micro), "OutputAverage": oneOf(UniformAverage, VarianceWeighted),
				"AUCCurve": oneOf(ROCCurve, PRGainCurve), "AUCSummation": oneOf(Interpolating, Majoring),
			},
			makers: map[string]maker{
				"Precision": metric(Precision), "Recall": metric(Recall), "TruePositives": metric(TruePositives), "TrueNegatives": metric(TrueNegatives),
				"FalsePositives": metric(FalsePositives), "FalseNegatives": metric(FalseNegatives), "AUC": metric(AUC), "F1Score": metric(F1Score),
				"FBetaScore": metricAt(FBetaScore), "SensitivityAtSpecificity": metricAt(SensitivityAtSpecificity),
				"SpecificityAtSensitivity": metricAt(SpecificityAtSensitivity), "PrecisionAtRecall": metricAt(PrecisionAtRecall),
				"RecallAtPrecision": metricAt(RecallAtPrecision), "Cosine": metric(Cosine), "PearsonCorrelation": metric(PearsonCorrelation),
				"ConcordanceCorrelation": metric(ConcordanceCorrelation), "R2Score": metric(R2Score), "BinaryIoU": metric(BinaryIoU),
				"IoU":           metric(func(o ...MetricOption) Metric { return IoU(3, []int{0, 2}, o...) }),
				"MeanIoU":       metric(func(o ...MetricOption) Metric { return MeanIoU(3, o...) }),
				"OneHotIoU":     metric(func(o ...MetricOption) Metric { return OneHotIoU(3, []int{0, 2}, o...) }),
				"OneHotMeanIoU": metric(func(o ...MetricOption) Metric { return OneHotMeanIoU(3, o...) }),
				"SparseTopKCategoricalAccuracy": metricFor(Shape{}, func(o ...MetricOption) Metric {
					return SparseTopKCategoricalAccuracy(2, o...)
				}),
			},
		},
	}
}

// declared are the package's functions and methods that take options of a family, with
// their documentation, and the names of its options.
func (f optionFamily) declared(t *testing.T) (takers map[string]string, options []string) {
	t.Helper()
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	fset := token.NewFileSet()
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	p, err := doc.NewFromFiles(fset, files, "keraslike", doc.AllDecls)
	if err != nil {
		t.Fatal(err)
	}
	takers = map[string]string{}
	see := func(list []*doc.Func) {
		for _, fn := range list {
			if !ast.IsExported(fn.Name) {
				continue
			}
			if params := fn.Decl.Type.Params.List; len(params) > 0 {
				if e, ok := params[len(params)-1].Type.(*ast.Ellipsis); ok && isIdent(e.Elt, f.option) {
					takers[fn.Name] = fn.Doc
				}
			}
			both := f.option == "LossOption" || f.option == "MetricOption"
			if r := fn.Decl.Type.Results; r != nil && (isIdent(r.List[0].Type, f.option) || both && isIdent(r.List[0].Type, "ScoreOption")) {
				options = append(options, fn.Name)
			}
		}
	}
	see(p.Funcs)
	for _, typ := range p.Types {
		see(typ.Funcs)
		see(typ.Methods)
		applies := slices.ContainsFunc(typ.Methods, func(m *doc.Func) bool { return m.Name == f.apply })
		switch {
		case !applies || !ast.IsExported(typ.Name):
		case strings.HasSuffix(typ.Name, "Flag"):
			for _, c := range typ.Consts {
				options = append(options, c.Names...)
			}
		default:
			options = append(options, typ.Name)
		}
	}
	return takers, slices.Sorted(slices.Values(options))
}

func isIdent(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

var listedOption = regexp.MustCompile(`([A-Z]\w*) \(([^)]*)\)`)

// TestTrainingOptionsAreDocumented tries every option of a family on everything that takes options
// of it, and holds that exactly those that fit are listed in its documentation, that the
// defaults given there are true and that an option that does not fit is reported by name.
func TestTrainingOptionsAreDocumented(t *testing.T) {
	for _, f := range optionFamilies() {
		takers, options := f.declared(t)
		if tried := slices.Sorted(maps.Keys(f.values)); !slices.Equal(tried, options) {
			t.Errorf("%s: this test tries %v, there are %v", f.option, tried, options)
		}
		if tried := slices.Sorted(maps.Keys(f.makers)); !slices.Equal(tried, slices.Sorted(maps.Keys(takers))) {
			t.Errorf("%s: this test tries them on %v, they are taken by %v", f.option, tried, slices.Sorted(maps.Keys(takers)))
		}
		for name, text := range takers {
			if f.makers[name] == nil {
				continue
			}
			_, list, ok := strings.Cut(text, "Options: ")
			if !ok {
				t.Errorf("%s: the documentation has no paragraph that begins with Options:", name)
				continue
			}
			listed := map[string]string{}
			for _, m := range listedOption.FindAllStringSubmatch(strings.ReplaceAll(list, "\n", " "), -1) {
				listed[m[1]] = m[2]
			}
			plain, err := f.makers[name](t)
			if err != nil {
				t.Fatal(err)
			}
			for option, value := range f.values {
				wanted, fits := listed[option]
				delete(listed, option)
				got, err := f.makers[name](t, value(0.3))
				misfit := err != nil && strings.Contains(err.Error(), option+" does not fit, want ")
				if misfit == fits {
					t.Errorf("%s: is %s listed: %v; error %v", name, option, fits, err)
				}
				if !fits {
					continue
				}
				if got == plain && option != "AccumulateGradients" {
					t.Errorf("%s: %s changes nothing in %s", name, option, plain)
				}
				if wanted == "off" || option == "WithSchedule" && wanted == "none" {
					continue // the text changes with it
				}
				number := 0.0
				if wanted == "all" || wanted == "both" || wanted == "standard" {
					continue // no value of the option says so
				}
				if wanted != "none" && !slices.Contains([]string{"Macro", "UniformAverage", "ROCCurve", "Interpolating"}, wanted) {
					if number, err = strconv.ParseFloat(wanted, 64); err != nil {
						t.Errorf("%s: the default of %s is %q", name, option, wanted)
					}
				}
				if option == "AccumulateGradients" && number == 1 {
					number = 0 // which is 1
				}
				if wanted == "none" && slices.Contains([]string{"Threshold", "IgnoreClass", "LabelWeights", "ExcludeFromWeightDecay", "AdamFor"}, option) {
					continue // nor does one here
				}
				if got, _ := f.makers[name](t, value(number)); got != plain {
					t.Errorf("%s: with the default of %s, %s, it is %s, without the option %s", name, option, wanted, got, plain)
				}
			}
			for option := range listed {
				t.Errorf("%s: lists %s, which is no option", name, option)
			}
		}
	}
}

// All options that do not fit are reported at once, with the other mistakes.
func TestOptionsThatDoNotFitAreReported(t *testing.T) {
	m := Sequential("m", Input(2), Dense(3, Softmax))
	err := m.Compile(SGD(-1, Rho(0.9), AMSGrad, nil), CategoricalFocalCrossentropy(ClassBalancing), AUC(TopK(3)))
	var text string
	if err != nil {
		text = err.Error()
	}
	for _, want := range []string{
		"compile: optimizer sgd: option 2 is nil\n",
		"compile: optimizer sgd: Rho does not fit, want AccumulateGradients, AverageWeights, ClipNorm, ClipValue, ExcludeFromWeightDecay, GlobalClipNorm, LazyRows, Momentum, Nesterov, OverwriteWeights, WeightDecay, WithSchedule\n",
		"compile: optimizer sgd: AMSGrad does not fit, want AccumulateGradients, ",
		"compile: optimizer sgd: learning rate is -1",
		"compile: categorical_focal_crossentropy: ClassBalancing does not fit, want AlongAxis, FocalAlpha, FocalGamma, FromLogits, LabelSmoothing, SumReduction, WeightedMeanReduction",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("error\n%v\nlacks\n%s", err, want)
		}
	}
	if err := m.Compile(SGD(0.1), MSE, AUC(TopK(3))); err == nil || !strings.Contains(err.Error(), "metric auc: TopK does not fit, want AUCCurve, AUCSummation, FromLogits, LabelWeights, MultiLabel, Threshold, Thresholds") {
		t.Errorf("error %v of AUC with TopK", err)
	}
	if one := errors.New("one"); !slices.Equal(flattenErrors(errors.Join(one, errors.Join(nil, one))), []error{one, one}) {
		t.Error("joined errors are not taken apart")
	}
}

// MSE and MAE are losses and metrics, as in Keras.
func TestShortNames(t *testing.T) {
	weights := func(loss Loss) (w []float32, h *History) {
		m := Sequential("m", Input(5), Embedding(7, 3), Flatten(), Dense(1))
		if err := m.Compile(SGD(0.1), loss, MSE, MAE, MeanSquaredError, Seed(3)); err != nil {
			t.Fatal(err)
		}
		h, err := m.Fit(t.Context(), &vectorSource{idSource{20}})
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range m.Weights() {
			w = append(w, one.Values()...)
		}
		return w, h
	}
	for short, long := range map[Loss]Loss{MSE: MeanSquaredError, MAE: MeanAbsoluteError} {
		a, h := weights(short)
		b, _ := weights(long)
		if !slices.Equal(a, b) {
			t.Errorf("%s and %s lead to different weights", short.Name(), long.Name())
		}
		if h.Get("mse")[0] != h.Get("mean_squared_error")[0] {
			t.Errorf("mse is %v, mean_squared_error %v", h.Get("mse"), h.Get("mean_squared_error"))
		}
		if names := h.Names(); !slices.Equal(names, []string{"loss", "mse", "mae", "mean_squared_error"}) {
			t.Errorf("series are %v", names)
		}
	}
}

// vectorSource is an idSource with targets of one number with an axis.
type vectorSource struct{ idSource }

func (s *vectorSource) Shapes() (inputs, targets [][]int) { return [][]int{{5}}, [][]int{{1}} }

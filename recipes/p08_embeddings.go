// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/text"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/viz"
)

// The models of Embeddings: vectors learned with the task, and pretrained vectors with
// 200 reviews to learn from and with all of them.
var embeddingsVariants = []string{"learned", "glove200", "glove"}

// Embeddings is project 8: words as vectors. An embedding is a table with a row
// for each word; it is learned like any weight, or taken from a network
// that has read far more text (GloVe, Pennington et al. 2014).
//
//   - learned: the last 20 words of a review, 8 numbers each; the article's best
//     validation accuracy is 0.7582;
//   - glove200: the last 100 words, frozen GloVe vectors, 200 reviews to train on;
//   - glove: the same with all training reviews but those that validate.
//
// The article reports 1.0000 for its 200 reviews: almost surely its reviews were
// of one class only. Here good and bad ones alternate, so that both classes are
// equally frequent, and the figure is what 200 reviews can teach. The learned
// embedding, which the article does not test, is tested as well.
func Embeddings(ctx context.Context, o Options) (*Report, error) {
	o, err := o.check("embeddings", embeddingsVariants)
	if err != nil {
		return nil, err
	}
	var g *gloveReviews // of the two models that need them
	return o.each("embeddings", embeddingsVariants, func(variant string) (*Report, error) {
		if variant == "learned" {
			return learnEmbedding(ctx, o)
		}
		if g == nil {
			var err error
			if g, err = loadGloVe(ctx, o); err != nil {
				return nil, err
			}
		}
		return useGloVe(ctx, o, variant, g)
	})
}

// learnEmbedding trains the model of part 1.
func learnEmbedding(ctx context.Context, o Options) (*Report, error) {
	const words, length = 10_000, 20
	reviews, unseen, err := datasets.IMDB(ctx, o.Data, datasets.Words{NumWords: words})
	if err != nil {
		return nil, err
	}
	all, err := reviews.Padded(length)
	if err != nil {
		return nil, err
	}
	train, validation, err := datasets.Split(all, 0.8)
	if err != nil {
		return nil, err
	}
	test, err := unseen.Padded(length)
	if err != nil {
		return nil, err
	}

	model := learnedEmbedding(words, length)
	if err := model.Compile(k.RMSprop(0.001), k.BinaryCrossentropy, k.Accuracy, k.Seed(o.Seed)); err != nil {
		return nil, err
	}
	r := &Report{
		Recipe: "embeddings", Variant: "learned", Model: model, TrainSamples: train.Len(), TestSamples: test.Len(),
		Epochs: o.epochs(10), Batch: o.batch(32, train.Len(), 20_000),
		Headlines: []string{"best_val_accuracy", "test_accuracy"},
		Input:     reviews.Preprocessor(length), Takes: filmReview, Classes: reviews.Names(),
		Article: Figures{"accuracy": 0.8805, "loss": 0.2918, "val_accuracy": 0.7460, "val_loss": 0.5327, "best_val_accuracy": 0.7582},
	}
	if err := r.begin(o, reviews.Origin()); err != nil {
		return r.stopped(err)
	}
	history, err := o.fit(ctx, model, train, k.Epochs(r.Epochs), k.BatchSize(r.Batch), k.Validation(validation), k.Callbacks(o.Progress))
	if r.trained(history); err != nil {
		return r.stopped(err)
	}
	scores, err := model.Evaluate(ctx, test, k.BatchSize(r.Batch))
	if r.scored("test_", scores); err != nil {
		return r.stopped(err)
	}
	word := func(id int) (string, bool) { return reviews.Index.Word(id - datasets.WordOffset) }
	if err := drawLearnedWords(r, length, word); err != nil {
		return r.stopped(err)
	}
	return r, nil
}

// gloveReviews are raw reviews as sequences of words, with GloVe's vectors for them.
type gloveReviews struct {
	origin      datasets.Origin
	all, test   datasets.Source
	vectors     *datasets.Vectors
	table       []float32 // the embedding
	found, held int       // words with a vector, reviews that validate
	words       *wordTable
	input       datasets.Preprocessor
	names       []string // of the classes
}

const (
	gloveWords  = 10_000
	gloveLength = 100
)

// loadGloVe reads raw reviews, builds their vocabulary and looks up its vectors; words
// that GloVe does not have are zeros.
func loadGloVe(ctx context.Context, o Options) (*gloveReviews, error) {
	train, test, err := datasets.Reviews(ctx, o.Data)
	if err != nil {
		return nil, err
	}
	if train, err = train.Subset(alternate(train.Labels, o.Seed)); err != nil {
		return nil, err
	}
	tokens := &datasets.Tokenizer{NumWords: gloveWords}
	tokens.Fit(train.Texts)
	g := &gloveReviews{origin: train.Origin(), held: min(5_000, train.Len()/5)}
	// The article's 100 numbers, or as many as the file has.
	if g.vectors, err = datasets.GloVe(ctx, o.Data, 0, nil); err != nil {
		return nil, err
	}
	g.table, g.found = g.vectors.Matrix(gloveWords, tokens.Word)
	g.words = newWordTable(g.table, g.vectors.Dim, tokens.Word)
	if g.test, err = test.Sequences(tokens).Padded(gloveLength); err != nil {
		return nil, err
	}
	sequences := train.Sequences(tokens)
	g.input, g.names = sequences.Preprocessor(gloveLength), train.Names()
	g.all, err = sequences.Padded(gloveLength)
	return g, err
}

// useGloVe trains a model of part 2, with a pretrained embedding.
func useGloVe(ctx context.Context, o Options, variant string, g *gloveReviews) (*Report, error) {
	training := g.all.Len() - g.held
	note := fmt.Sprintf("%v; vectors of %s for %s of the %s most frequent words.", g.vectors.Origin(), text.Count(g.vectors.Dim, "number"), text.Thousands(g.found), text.Thousands(gloveWords))
	if variant == "glove200" {
		training = min(200, training)
		note += " The article’s 1.0000 for 200 reviews comes from reviews of a single class; here half are good and half bad, as in the validation and test sets."
	}
	train, err := datasets.Range(g.all, 0, training)
	if err != nil {
		return nil, err
	}
	validation, err := datasets.Range(g.all, g.all.Len()-g.held, g.all.Len())
	if err != nil {
		return nil, err
	}

	model := gloveModel(variant, g.vectors.Dim)
	if err := model.Build(o.Seed); err != nil {
		return nil, err
	}
	embedding, err := model.Weight("glove/embeddings")
	if err != nil {
		return nil, err
	}
	if err := embedding.Set(g.table); err != nil {
		return nil, err
	}
	if err := model.Compile(k.RMSprop(0.001), k.BinaryCrossentropy, k.Accuracy, k.Seed(o.Seed)); err != nil {
		return nil, err
	}
	r := &Report{
		Recipe: "embeddings", Variant: variant, Model: model, TrainSamples: train.Len(), TestSamples: g.test.Len(),
		Epochs: o.epochs(10), Batch: o.batch(32, train.Len(), 0),
		Headlines: []string{"best_val_accuracy", "test_accuracy"}, Notes: []string{note},
		Input: g.input, Takes: filmReview, Classes: g.names,
	}
	if err := r.begin(o, g.origin); err != nil {
		return r.stopped(err)
	}
	history, err := o.fit(ctx, model, train, k.Epochs(r.Epochs), k.BatchSize(r.Batch), k.Validation(validation), k.Callbacks(o.Progress))
	if r.trained(history); err != nil {
		return r.stopped(err)
	}
	scores, err := model.Evaluate(ctx, g.test, k.BatchSize(r.Batch))
	if r.scored("test_", scores); err != nil {
		return r.stopped(err)
	}
	if variant == "glove200" {
		return r, nil
	}

	// GloVe's vectors as a map, their neighbors and analogies.
	f, err := g.words.neighborhoods(100, 320, 1)
	if err := r.picture("words", "Words of the reviews, placed by t-SNE so that words with similar vectors are close together; the axes have no meaning. The vectors come from which words occur side by side.", f, err); err != nil {
		return r.stopped(err)
	}
	g.words.tabulateNearest(r, "man", "king", "woman", "queen", "film", "good")
	g.words.tabulateAnalogies(r, [3]string{"man", "king", "woman"}, [3]string{"woman", "queen", "man"}, [3]string{"man", "actor", "woman"}, [3]string{"good", "better", "bad"})
	return r, nil
}

// learnedEmbedding has a table of vectors that is learned with the verdict.
func learnedEmbedding(words, length int) *k.Model {
	return k.Sequential("embeddings_learned",
		k.Input(length),
		k.Embedding(words, 8, k.Name("words")),
		k.Flatten(),
		k.Dense(1, k.Sigmoid, k.Name("verdict")),
	)
}

// gloveModel has GloVe's table, which stays as it is.
func gloveModel(variant string, dim int) *k.Model {
	return k.Sequential("embeddings_"+variant,
		k.Input(gloveLength),
		k.Embedding(gloveWords, dim, k.Name("glove"), k.Trainable(false)),
		k.Flatten(),
		k.Dense(32, k.ReLU),
		k.Dense(1, k.Sigmoid),
	)
}

// embeddingsLesson explains the project.
func embeddingsLesson() Lesson {
	training := "Binary cross-entropy with RMSprop at 0.001 in batches of 32."
	onGloVe := []LayerLesson{
		{"input", "The last 100 words of a review, each as its number in the vocabulary; shorter ones begin with zeros."},
		{"glove", "A row of 100 numbers for each word, made by GloVe from six billion words of other text. The table is not trained: 200 reviews would spoil what it knows."},
		{"flatten", "100 words of 100 numbers as one vector."},
		{"dense", "32 units with a weight for every number at every place: 320,032 to learn, which is too many for 200 reviews. That is what the curves show."},
		{"dense_1", "One unit and the sigmoid: the probability of a good review."},
	}
	glove := func(variant string) func() (*k.Model, error) {
		return built(func() *k.Model { return gloveModel(variant, 100) })
	}
	return Lesson{
		Teaches: "words as vectors: learned with the task, or taken over",
		Data:    "The film reviews of imdb: 25,000 to learn from, a fifth of which validate, and 25,000 to test. GloVe's vectors are downloaded with -data full (822 MB); the sample has 300 raw reviews and generated vectors.",
		Models: []ModelLesson{
			{
				Variants: []string{"learned"}, Why: "A table of words that starts at random and ends with good words on one side and bad ones on the other.",
				Build: built(func() *k.Model { return learnedEmbedding(10_000, 20) }), Training: training,
				Layers: []LayerLesson{
					{"input", "The last 20 words of a review, each as its number in the vocabulary."},
					{"words", "A table of 10,000 rows: the word's number picks its row, 8 numbers that are learned. It is a dense layer on one-hot words, without the multiplications by 0."},
					{"flatten", "20 words of 8 numbers as one vector; the place of a word is kept, as its place in the vector."},
					{"verdict", "One unit and the sigmoid. It sees each word by itself: “not good” is “not” and “good”."},
				},
			},
			{Variants: []string{"glove200"}, Why: "What vectors from elsewhere are worth when there are only 200 reviews.", Build: glove("glove200"), Layers: onGloVe, Training: training},
			{Variants: []string{"glove"}, Why: "The same with all reviews.", Build: glove("glove"), Layers: onGloVe, Training: training},
		},
		Expect: "Learned: a best validation accuracy of about 0.759, the article has 0.758; it is from 20 words. With 200 reviews and GloVe little more than chance: the article's 1.0000 was almost surely measured on reviews of one class. The map shows words of one meaning side by side.",
		Next: []string{
			"the table of the nearest words in the report: what the task taught, and what it did not",
			"recipe compare runs/embeddings/glove200 runs/embeddings/glove: more data, same model",
			"conv1d, which looks at words in their neighborhood",
		},
		Took: [2]Measurement{seconds(0.8), seconds(9.7)},
	}
}

// alternate orders the texts so that bad and good ones alternate, each drawn at random
// from its class: any part of even length is balanced, if there are as many of both.
func alternate(labels []int32, seed uint64) (order []int) {
	var classes [2][]int
	for _, i := range datasets.Permutation(len(labels), uint32(seed)) {
		classes[labels[i]] = append(classes[labels[i]], i)
	}
	for i := range max(len(classes[0]), len(classes[1])) {
		for _, class := range classes {
			if i < len(class) {
				order = append(order, class[i])
			}
		}
	}
	return order
}

// common is how many of the most frequent words the pictures choose from.
const common = 3000

// drawLearnedWords maps the words with the most influence, for a good and for a bad
// film. The influence of a word is its vector times the weights of the last layer, the
// mean over all positions.
func drawLearnedWords(r *Report, length int, word func(id int) (string, bool)) error {
	embedding, err := r.Model.Weight("words/embeddings")
	if err != nil {
		return err
	}
	verdict, err := r.Model.Weight("verdict/kernel")
	if err != nil {
		return err
	}
	table, weights := embedding.Values(), verdict.Values()
	dim := len(weights) / length
	mean := make([]float64, dim)
	for i, v := range weights {
		mean[i%dim] += float64(v) / float64(length)
	}
	t := newWordTable(table[:common*dim], dim, word)
	influence := make([]float64, len(t.rows))
	order := make([]int, len(t.rows))
	for i, row := range t.rows {
		order[i] = i
		for j, v := range row {
			influence[i] += v * mean[j]
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(influence[b], influence[a]) })
	n := min(50, len(order)/2)
	var rows [][]float64
	var points []viz.Point
	for group, ids := range [][]int{order[:n], order[len(order)-n:]} {
		if group == 1 {
			slices.Reverse(ids) // the strongest first, whose labels are placed first
		}
		for _, i := range ids {
			rows = append(rows, t.rows[i])
			points = append(points, viz.Point{Group: group, Label: t.words[i]})
		}
	}
	positions, shares, err := viz.PCA(rows, 2)
	if err != nil {
		return err
	}
	apart := 0 // words on the first group's side of the first component
	for i, at := range positions {
		points[i].X, points[i].Y = at[0], at[1]
		if (at[0] > 0) == (points[i].Group == 0) {
			apart++
		}
	}
	apart = max(apart, len(points)-apart)
	axis := func(which string, k int) string {
		return fmt.Sprintf("%s component (%.0f%% of the variance)", which, 100*shares[k])
	}
	f, err := viz.EmbeddingMap("Words that matter", axis("first", 0), axis("second", 1), points, []string{"for a good film", "for a bad film"})
	if err := r.picture("words", fmt.Sprintf("Of the %s most frequent words, the most influential ones. The network was never told which words are positive; along the first component, %d of %d are on the side of their group.", text.Thousands(common), apart, len(points)), f, err); err != nil {
		return err
	}
	t.tabulateNearest(r, "great", "bad", "man", "king", "woman", "queen")
	return nil
}

// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/reef-dl/reef/datasets/internal/fetch"
)

// samples holds the embedded samples, each with a README that says where it
// comes from and under which terms.
//
//go:embed samples
var samples embed.FS

// Set describes a data set: what it is, who publishes it and which files it has.
type Set struct {
	Name      string
	Folder    string // in $REEF_DATA and in the cache
	Title     string
	Publisher string // web page
	Licence   string
	Sample    string // what the embedded sample holds
	Files     []File
	// Excerpt is a pattern for files that hold a part of the set. Where the whole is not
	// on the machine, one in $REEF_DATA is taken before the whole is downloaded. Empty
	// for none.
	Excerpt string
}

// File is one published file of a set.
type File struct {
	Name   string
	Also   []string // other names under which a user's copy is accepted
	URLs   []string // publisher first, then mirrors
	SHA256 string   // what a download must have; empty if nobody publishes it
	Size   int64    // bytes
	check  func(path string) error
}

// published is the file as the downloader sees it.
func (f File) published() fetch.File {
	return fetch.File{Name: f.Name, URLs: f.URLs, SHA256: f.SHA256, Size: f.Size, Check: f.check}
}

// Sets lists the data sets by name.
func Sets() []Set { return slices.Clone(registry) }

// lookup finds a set by name; the error lists the names there are.
func lookup(name string) (*Set, error) {
	names := make([]string, len(registry))
	for i := range registry {
		if registry[i].Name == name {
			return &registry[i], nil
		}
		names[i] = registry[i].Name
	}
	return nil, fmt.Errorf("data set %q: unknown, there are %s", name, strings.Join(names, ", "))
}

var registry = []Set{
	{
		Name:      "mnist",
		Folder:    "mnist",
		Title:     "MNIST handwritten digits, 28x28 grey, 60,000 training and 10,000 test images",
		Publisher: "http://yann.lecun.com/exdb/mnist/",
		Licence:   "CC BY-SA 3.0; Y. LeCun, C. Cortes, C. J. C. Burges",
		Sample:    "2,000 training and 500 test images, evenly over the digits",
		Files: []File{
			mnistFile("train-images-idx3-ubyte.gz", "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9912422),
			mnistFile("train-labels-idx1-ubyte.gz", "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28881),
			mnistFile("t10k-images-idx3-ubyte.gz", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1648877),
			mnistFile("t10k-labels-idx1-ubyte.gz", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4542),
		},
	},
	{
		Name:      "boston_housing",
		Folder:    "boston_housing",
		Title:     "Boston housing, 506 districts with 13 features and the median home value",
		Publisher: "http://lib.stat.cmu.edu/datasets/boston",
		Licence:   "public, no explicit licence; D. Harrison, D. L. Rubinfeld",
		Sample:    "the whole table, 506 rows",
		Files: []File{
			kerasFile("boston_housing.npz", "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5", 57026),
		},
	},
	{
		Name:      "imdb",
		Folder:    "imdb",
		Title:     "IMDB film reviews as word ids, 25,000 training and 25,000 test reviews, good or bad",
		Publisher: "https://ai.stanford.edu/~amaas/data/sentiment/",
		Licence:   "free for research, cite Maas et al., ACL 2011",
		Sample:    "800 training and 400 test reviews",
		Files: []File{
			kerasFile("imdb.npz", "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f", 17464789),
			kerasFile("imdb_word_index.json", "027313fe9a320280f3bf0fac5baf58c4a683cf39a7ed9c3d3d3912bde4284cf6", 1641221),
		},
	},
	{
		Name:      "imdb_reviews",
		Folder:    "imdb",
		Title:     "IMDB film reviews as text, 25,000 training and 25,000 test reviews, good or bad",
		Publisher: "https://ai.stanford.edu/~amaas/data/sentiment/",
		Licence:   "free for research, cite Maas et al., ACL 2011",
		Sample:    "300 training and 150 test reviews",
		Files: []File{{
			Name:   "aclImdb_v1.tar.gz",
			Also:   []string{"aclImdb", "aclImdb_v1.tar.bz2", "aclImdb_v1_labeled.tar.bz2"},
			URLs:   []string{"https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"},
			SHA256: "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
			Size:   84125825,
		}},
	},
	{
		Name:      "dogs_vs_cats",
		Folder:    "dogs_vs_cats",
		Title:     "Dogs vs. Cats photographs, 2,000 training, 1,000 validation and 1,000 test pictures",
		Publisher: "https://www.kaggle.com/c/dogs-vs-cats/data and https://www.microsoft.com/download/details.aspx?id=54765",
		Licence:   "Asirra, Microsoft Research and Petfinder.com: for research and teaching under the publishers' terms",
		Sample:    "generated drawings, no photographs: 400 training, 200 validation and 200 test pictures",
		Files: []File{{
			Name:   "kagglecatsanddogs_5340.zip",
			Also:   append([]string{"train"}, catsDogsZips...),
			URLs:   []string{"https://download.microsoft.com/download/3/E/1/3E1C3F21-ECDB-4869-8368-6DEBA77B919F/kagglecatsanddogs_5340.zip"},
			SHA256: "b7974bd00a84a99921f36ee4403f089853777b5ae8d151c76a86e64900334af9",
			Size:   824887076,
		}},
	},
	{
		Name:      "glove",
		Folder:    "glove",
		Title:     "GloVe 6B word vectors, 400,000 words of 50, 100, 200 and 300 numbers",
		Publisher: "https://nlp.stanford.edu/projects/glove/",
		Licence:   "PDDL 1.0; J. Pennington, R. Socher, C. D. Manning",
		Sample:    "generated, not GloVe: neighbourhoods in the embedded film reviews",
		Files: []File{{
			Name:   "glove.6B.zip",
			Also:   gloveFiles(),
			URLs:   []string{"https://nlp.stanford.edu/data/glove.6B.zip", "https://downloads.cs.stanford.edu/nlp/data/glove.6B.zip"},
			SHA256: "617afb2fe6cbd085c235baf7a465b96f4112bd7f7ccb2b2cbd649fed9cbcf2fb",
			Size:   862182613,
		}},
		Excerpt: "glove.6B.*d.*.txt*",
	},
	{
		Name:      "jena",
		Folder:    "jena",
		Title:     "Jena climate 2009-2016, 14 measurements every ten minutes, 420,551 rows",
		Publisher: "https://www.bgc-jena.mpg.de/wetter/",
		Licence:   "free with acknowledgement; Max Planck Institute for Biogeochemistry, Jena",
		Sample:    "generated, not measured: four years with the same columns",
		Files: []File{{
			Name:  jenaFile + ".zip",
			Also:  []string{jenaFile},
			URLs:  []string{"https://storage.googleapis.com/tensorflow/tf-keras-datasets/" + jenaFile + ".zip"},
			Size:  13568290,
			check: checkJena,
		}},
	},
	{
		Name:      "reuters",
		Folder:    "reuters",
		Title:     "Reuters newswires as word ids, 8,982 training and 2,246 test wires of 46 topics",
		Publisher: "http://www.daviddlewis.com/resources/testcollections/reuters21578/",
		Licence:   "Reuters-21578, Reuters Ltd and D. D. Lewis: free for research",
		Sample:    "1,600 training and 400 test wires",
		Files: []File{
			kerasFile("reuters.npz", "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916", 2110848),
			kerasFile("reuters_word_index.json", "9b56000edc4b34a32e89fd5a23b2605594682c74efcf7d8f4e2a5514b771e633", 550378),
		},
	},
}

// kerasFile is a file that the Keras project publishes.
func kerasFile(name, sum string, size int64) File {
	return File{
		Name:   name,
		URLs:   []string{"https://storage.googleapis.com/tensorflow/tf-keras-datasets/" + name},
		SHA256: sum,
		Size:   size,
	}
}

func mnistFile(name, sum string, size int64) File {
	return File{
		Name:   name,
		Also:   []string{strings.TrimSuffix(name, ".gz")},
		URLs:   []string{"http://yann.lecun.com/exdb/mnist/" + name, "https://ossci-datasets.s3.amazonaws.com/mnist/" + name},
		SHA256: sum,
		Size:   size,
	}
}

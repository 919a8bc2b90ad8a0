// SPDX-License-Identifier: Apache-2.0

// Package datasets loads the data sets of the ten recipes and prepares data for a
// training loop.
//
// # Where data comes from
//
// Every data set is read from one of three sources, chosen with [From]:
//
//   - the sample, embedded in the program: small, works without a network;
//   - the full set, looked for in $REEF_DATA/NAME and then in the cache
//     ($REEF_CACHE, else the user's cache folder), and downloaded from its
//     publisher if it is in neither;
//   - a folder that the caller names, with the files under their published names.
//
// The zero From never uses the network: it loads the full set if that is already on
// this machine, and the sample otherwise. An excerpt of GloVe in $REEF_DATA is preferred to
// both. [Find] returns beforehand, and the Origin method of the loaded data afterward,
// which one it is. Downloads are verified by the published checksum (nobody publishes one
// for Jena: its rows are checked). $REEF_MIRROR may name a server that has the folders of
// $REEF_DATA and is asked first. [Fetch] fills the cache, and [Sets] lists all data sets.
//
//	MNIST          handwritten digits                     real sample
//	Boston         home values, a table                   the sample is the set
//	IMDB, Reuters  movie reviews and newswires, word ids  real samples
//	Reviews        movie reviews as text                  real sample
//	CatsDogs       photographs                            generated drawings
//	Jena           weather, a time series                 generated, see JenaLike
//	GloVe          word vectors                           generated, see CoOccurrence
//
// # Data of one's own
//
//	CSV file              ReadCSV         Frame        Schema.Fit           TableEncoder
//	texts in lines        ReadTexts       Texts        TextSchema.Fit       TextEncoder
//	texts in folders      NewTextFolder   Texts        TextSchema.Fit       TextEncoder
//	texts in a CSV file   Frame.Texts     Texts        TextSchema.Fit       TextEncoder
//	images in folders     NewImageFolder  ImageFolder  ImageFolder.Options  ImageOptions
//	time series           Frame.Series    Series       Series.Normalized    NewWindows
//	numbers alone         ReadTable       Table        StandardScaler       Columns
//
// What depends on the values, such as means, categories and words, is fitted to the training
// part by an explicit step, and applied to all parts and to single samples. Rows and texts that
// a split held out for testing cannot be fitted to. What was fitted is a [Preprocessor], or has
// one, which is saved with the model and lets a service encode requests as in training.
// [ImageFolder.Check] finds broken images before training does. [ReadCSVFile], [CSVFileChunks],
// [ReadTextsFile] and [LoadImageFile] take a path; the others take readers and file systems.
// [SaveImageFile] writes images.
//
// # How data reaches the training loop
//
// A [Source] gives samples by index; a [Stream] gives them one after another. The training
// loop defines interfaces with the same methods, so this package does not depend on
// models. All values are float32; class labels and word ids are integers held as float32;
// images are height x width x channels.
//
// Sources are made from files (see above), from data in memory ([InMemory], [NewTable], [NewImages], [NewMultiHot], [NewWindows]) and from other
// sources ([Take], [Range], [Subset], [Split], [Shuffle], [TrainTestSplit], [Resample],
// [Map], [Zip], [OneHot], [MixUp], [CutMix], [KFold]). [Batches] iterates over a source, [Draw] makes a stream
// of it, and [ReadAhead] reads a stream in the background.
//
// Everything random has a seed, and the same seed gives the same result on any number of
// processors. Shuffles are those of numpy, so that the parts of a data set are the same as
// in Keras and scikit-learn.
package datasets

// SPDX-License-Identifier: Apache-2.0

// Package datasets holds the data sets of the ten recipes and the pipeline that
// feeds them to a training loop.
//
// # Where data comes from
//
// Every data set is read from one of three places, chosen with [From]:
//
//   - the sample, embedded in the program: small, works with no network;
//   - the full set, looked for in $REEF_DATA/NAME and then in the cache
//     ($REEF_CACHE, else the user's cache folder), and downloaded from its
//     publisher when it is in neither;
//   - a folder that the caller names, with the files under their published names.
//
// The zero From never touches the network: it takes the full set when that is
// already on this machine and the sample otherwise. Of GloVe a part that lies in
// $REEF_DATA stands before both download and sample. [Find] tells beforehand and
// the Origin method of what was loaded tells afterward which it is. A download
// counts only with the published checksum (of Jena nobody publishes one: its rows
// are checked); $REEF_MIRROR may name a server that has the folders of $REEF_DATA and
// is asked first. [Fetch] fills the cache, [Sets] lists what there is.
//
//	MNIST          handwritten digits                    real sample
//	Boston         home values, a table                  the sample is the set
//	IMDB, Reuters  film reviews and newswires, word ids  real samples
//	Reviews        film reviews as text                  real sample
//	CatsDogs       photographs                           generated drawings
//	Jena           weather, a time series                generated, see JenaLike
//	GloVe          word vectors                          generated, see CoOccurrence
//
// # How data reaches the training loop
//
// A [Source] gives samples by index; a [Stream] gives them one after another. The
// training loop owns an interface with the same methods, so this package knows
// nothing of models. All values are float32; class labels and word ids are
// integers held as float32; images are height x width x channels.
//
// Sources are made of data ([InMemory], [NewTable], [NewImages], [NewMultiHot],
// [NewWindows], [Folder]) and of other sources ([Take], [Range], [Subset], [Split],
// [Shuffle], [TrainTestSplit], [Resample], [Map], [Zip], [OneHot], [KFold]). [Batches] walks over
// one, [Draw] makes a stream of it, [ReadAhead] reads a stream in the background.
//
// Whatever is drawn at random has a seed, and one seed gives one result on any
// number of processors. Shuffles are those of numpy, so that the parts of a set are
// the ones that Keras and scikit-learn make.
package datasets

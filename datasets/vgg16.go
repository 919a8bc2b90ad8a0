// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

var (
	vgg16Weights      = registerWeights(vgg16Set("vgg16", "VGG16 trained on ImageNet, with its top", "vgg16_weights_tf_dim_ordering_tf_kernels.h5", "64373286793e3c8b2b4e3219cbf3544b", 553467096))
	vgg16NoTopWeights = registerWeights(vgg16Set("vgg16_notop", "VGG16 trained on ImageNet, without its top", "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", "6d6bbae143d832006294945121d1f1fc", 58889256))
)

// vgg16Set checks the MD5 that Keras's source gives, the only published checksum.
func vgg16Set(name, title, filename, sum string, size int64) Set {
	return Set{
		Name:      name,
		Folder:    "vgg16",
		Title:     title,
		Publisher: "https://keras.io/api/applications/vgg/",
		License:   "CC BY 4.0; K. Simonyan, A. Zisserman, Visual Geometry Group, Oxford",
		files: []file{{
			Name: filename,
			URLs: []string{
				"https://storage.googleapis.com/tensorflow/keras-applications/vgg16/" + filename,
				"https://github.com/fchollet/deep-learning-models/releases/download/v0.1/" + filename,
			},
			Size:  size,
			check: func(path string) error { return checkMD5(path, sum) },
		}},
	}
}

// VGG16Weights is the path of Keras's weights of VGG16, with or without its top, for
// applications.VGG16: in $REEF_DATA/vgg16, the cache or the folder that from names. With
// Full they are downloaded if they are in neither, 553 or 59 MB; with the zero From they
// must be on this machine.
func VGG16Weights(ctx context.Context, from From, top bool) (string, error) {
	set := vgg16NoTopWeights
	if top {
		set = vgg16Weights
	}
	p, err := from.locate(ctx, set)
	if err != nil {
		return "", err
	}
	path := filepath.Join(p.origin.Path, set.files[0].Name)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%s: %w", set.Name, err)
	}
	return path, nil
}

// checkMD5 is for files whose publisher gives no better checksum.
func checkMD5(path, want string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	h := md5.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("MD5 is %s, want %s", got, want)
	}
	return nil
}

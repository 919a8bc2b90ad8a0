// SPDX-License-Identifier: Apache-2.0

//go:build ignore

// Make writes the MNIST sample from the published files in the folder that is
// its argument.
package main

import (
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/reef-dl/reef/datasets/internal/idx"
)

func main() {
	for part, each := range map[string]int{"train": 200, "t10k": 50} {
		if err := excerpt(os.Args[1], part, each); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// excerpt takes each images of every digit, evenly over the file.
func excerpt(dir, part string, each int) error {
	images, err := read(filepath.Join(dir, part+"-images-idx3-ubyte.gz"))
	if err != nil {
		return err
	}
	labels, err := read(filepath.Join(dir, part+"-labels-idx1-ubyte.gz"))
	if err != nil {
		return err
	}
	of := make([][]int, 10)
	for i, l := range labels.Data {
		of[l] = append(of[l], i)
	}
	var take []int
	for _, all := range of {
		for i := range each {
			take = append(take, all[i*len(all)/each])
		}
	}
	slices.Sort(take)
	size := images.Shape[1] * images.Shape[2]
	outImages := &idx.Array{Shape: []int{len(take), images.Shape[1], images.Shape[2]}}
	outLabels := &idx.Array{Shape: []int{len(take)}}
	for _, i := range take {
		outImages.Data = append(outImages.Data, images.Data[i*size:(i+1)*size]...)
		outLabels.Data = append(outLabels.Data, labels.Data[i])
	}
	if err := write(part+"-images-idx3-ubyte.gz", outImages); err != nil {
		return err
	}
	return write(part+"-labels-idx1-ubyte.gz", outLabels)
}

func read(path string) (*idx.Array, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return idx.Read(f, path, 1<<30, nil)
}

func write(path string, a *idx.Array) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err != nil {
		return err
	}
	if err := idx.Write(z, a); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return f.Close()
}

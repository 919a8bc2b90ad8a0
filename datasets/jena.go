// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"context"
	"fmt"
	"os"
	"path"

	"github.com/reef-dl/reef/datasets/internal/inflate"
)

var jenaSet = register(Set{
	Name:      "jena",
	Folder:    "jena",
	Title:     "Jena climate 2009-2016, 14 measurements every ten minutes, 420,551 rows",
	Publisher: "https://www.bgc-jena.mpg.de/wetter/",
	License:   "free with acknowledgment; Max Planck Institute for Biogeochemistry, Jena",
	Sample:    "generated, not measured: four years with the same columns",
	files: []file{{
		Name:  jenaFile + ".zip",
		Also:  []string{jenaFile},
		URLs:  []string{"https://storage.googleapis.com/tensorflow/tf-keras-datasets/" + jenaFile + ".zip"},
		Size:  13568290,
		check: checkJena,
	}},
})

// jenaRows is the number of rows of the published file, and jenaFile its name.
const (
	jenaRows = 420551
	jenaFile = "jena_climate_2009_2016.csv"
)

// Jena loads the weather of Jena: 14 measurements every ten minutes from 2009 to
// 2016, 420,551 rows; column 1 is the temperature in degrees Celsius. As published,
// a few rows are doubled or missing, and the wind has some -9999 for "no value".
//
// The sample is not measured but made by JenaLike.
//
// Source: Max Planck Institute for Biogeochemistry, Jena,
// https://www.bgc-jena.mpg.de/wetter/. A folder holds jena_climate_2009_2016.csv
// or its .zip, or an excerpt jena_climate*.csv.
func Jena(ctx context.Context, from From) (*Series, error) {
	p, err := from.locate(ctx, jenaSet)
	if err != nil {
		return nil, err
	}
	var s *Series
	if p.origin.Kind == Sample {
		s = JenaLike(4, 1)
	} else if s, err = readJena(p); err != nil {
		return nil, fmt.Errorf("jena: %w", err)
	}
	s.origin = p.origin
	return s, nil
}

func readJena(p dataDir) (*Series, error) {
	f, file, err := p.openLike("jena_climate*.csv", jenaFile, jenaFile+".zip")
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	if path.Ext(file) != ".zip" {
		return ReadSeries(f, p.name(file))
	}
	r, err := inflate.Unzip(f, p.name(file), jenaFile, seriesInflated)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // only read
	return ReadSeries(r, p.name(file)+": "+jenaFile)
}

// checkJena tells the published archive from another file, since nobody publishes
// a checksum of it: every row is read.
func checkJena(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	r, err := inflate.Unzip(f, file, jenaFile, seriesInflated)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // only read
	s, err := ReadSeries(r, file)
	if err != nil {
		return err
	}
	if s.Len() != jenaRows || len(s.Columns) != 14 {
		return fmt.Errorf("%s: %d rows of %d columns, want %d of 14", file, s.Len(), len(s.Columns), jenaRows)
	}
	if first, last := s.X[1], s.X[14*(jenaRows-1)+1]; first != -8.02 || last != -4.82 {
		return fmt.Errorf("%s: temperature from %v to %v, want -8.02 to -4.82", file, first, last)
	}
	return nil
}

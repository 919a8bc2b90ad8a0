// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"context"
	"fmt"

	"github.com/reef-dl/reef/datasets/internal/mt19937"
	"github.com/reef-dl/reef/internal/npz"
)

var bostonSet = register(Set{
	Name:      "boston_housing",
	Folder:    "boston_housing",
	Title:     "Boston housing, 506 districts with 13 features and the median home value",
	Publisher: "http://lib.stat.cmu.edu/datasets/boston",
	License:   "public, no explicit license; D. Harrison, D. L. Rubinfeld",
	Sample:    "the whole table, 506 rows",
	files: []file{
		kerasFile("boston_housing.npz", "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5", 57026),
	},
})

// bostonColumns are the 13 features in the order of the file.
var bostonColumns = []string{"CRIM", "ZN", "INDUS", "CHAS", "NOX", "RM", "AGE", "DIS", "RAD", "TAX", "PTRATIO", "B", "LSTAT"}

// Boston loads the Boston housing data: 13 features of each of 506 districts of the
// Boston area in 1978, and the median value of a home in thousands of dollars (MEDV). The
// split is Keras's: numpy's shuffle with seed 113, then the first 404 rows for training
// and 102 for testing.
//
// Input shape:  (13) CRIM ... LSTAT, unscaled
//
// Target shape: (1) MEDV
//
// The data set has a flaw that no model should be built on: column B is computed from the
// share of Black residents on the premise that segregation raises prices, and
// scikit-learn has removed the set for that reason. It is included because the article
// uses it. For other work use the California housing data
// (keras.datasets.california_housing) instead.
//
// Source: Harrison, Rubinfeld: Hedonic prices and the demand for clean air, Journal of
// Environmental Economics and Management 5 (1978).
func Boston(ctx context.Context, from From) (train, test *Table, err error) {
	p, err := from.locate(ctx, bostonSet)
	if err != nil {
		return nil, nil, err
	}
	const limit = 1 << 20 // elements; the file has 506 x 13
	var x, y *npz.Array
	name, err := p.openNPZ("boston_housing.npz", func(a *npz.Archive) error {
		if x, err = a.Read("x", limit); err != nil {
			return err
		}
		y, err = a.Read("y", limit)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("boston_housing: %w", err)
	}
	columns := len(bostonColumns)
	if x.Float == nil || len(x.Shape) != 2 || x.Shape[1] != columns || y.Float == nil || len(y.Shape) != 1 || y.Shape[0] != x.Shape[0] {
		return nil, nil, fmt.Errorf("boston_housing: %s: arrays x %v and y %v, want floats of shapes (n, %d) and (n)", name, x.Shape, y.Shape, columns)
	}
	n := y.Shape[0]
	var xs, ys []float64
	for _, i := range mt19937.New(kerasSeed).Permutation(n) {
		xs = append(xs, x.Float[i*columns:(i+1)*columns]...)
		ys = append(ys, y.Float[i])
	}
	all, err := NewTable(bostonColumns, xs, "MEDV", ys)
	if err != nil {
		return nil, nil, fmt.Errorf("boston_housing: %s: %w", name, err)
	}
	all.origin = p.origin
	k := int(0.8 * float64(n))
	if train, err = all.Rows(0, k); err != nil {
		return nil, nil, err
	}
	test, err = all.Rows(k, n)
	return train, test, err
}

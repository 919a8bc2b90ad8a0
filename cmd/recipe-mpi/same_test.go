// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/internal/mpitest"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/distributed"
	"github.com/reef-dl/reef/recipes"
)

// TestSameBytes prints the hash of the model that each project writes after two epochs on its sample data, for
// one process, for goroutines and for processes of both MPIs, with one and two workers; all are to be equal.
// The losses are to be those of a Fit without leaves. By default each kind runs once; the whole table, with
// two to four ranks, takes two minutes and is printed by
//
//	REEF_MPI_TABLE=1 go test -v -run SameBytes ./cmd/recipe-mpi
func TestSameBytes(t *testing.T) {
	if testing.Short() {
		t.Skip("trains seven models six times")
	}
	whole := os.Getenv("REEF_MPI_TABLE") != ""
	launchers := mpitest.Launchers(t)
	for _, p := range []struct {
		recipe, variant string
		within          float64 // relative difference of the losses
	}{
		{"mnist", "", 1e-4}, {"imdb", "plain", 1e-4}, {"embeddings", "learned", 1e-4}, {"temperature", "gru", 1e-4},
		// Leaves add up gradients in another order. Here the losses of ten steps agree to 1e-6; then maxima of
		// pooling change places, and the two trainings part, with SGD as with RMSprop.
		{"mnistcnn", "", 1e-2},
		// Dropout draws other masks for leaves than for a whole batch.
		{"imdb", "dropout", 0.1}, {"catsdogs", "features", 0.1},
	} {
		t.Run(p.recipe+" "+p.variant, func(t *testing.T) {
			hashes := map[string][]string{}
			var curve string
			add := func(how string, run func(out string)) {
				out, start := t.TempDir(), time.Now()
				run(out)
				model, err := os.ReadFile(filepath.Join(out, "model.safetensors"))
				if err != nil {
					t.Error(err)
					return
				}
				if curve == "" {
					curve = filepath.Join(out, "history.csv")
				}
				hash := fmt.Sprintf("%.6x", sha256.Sum256(model))
				hashes[hash] = append(hashes[hash], how)
				t.Logf("%-11s %-9s %-24s %s  %v", p.recipe, p.variant, how, hash, time.Since(start).Round(100*time.Millisecond))
			}
			for _, workers := range []int{1, 2} {
				env := []string{"REEF_RECIPE_MPI=1", "GOMAXPROCS=" + strconv.Itoa(workers)}
				command := func(out string) []string {
					return []string{"-name", p.recipe, "-variant", p.variant, "-data", "sample", "-epochs", "2", "-leaves", "8", "-q", "-out", out}
				}
				with := fmt.Sprintf(", %d workers", workers)
				add("1 process"+with, func(out string) {
					mpitest.Run(t, append([]string{os.Args[0]}, command(out)...), env...).OK(t)
				})
				goroutines, processes := []int{2, 4}, []int{2, 3, 4}
				if !whole {
					goroutines, processes = []int{2}[:workers-1], []int{3}[:2-workers]
				}
				for _, n := range goroutines {
					add(fmt.Sprint(n, " goroutines", with), func(out string) {
						defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(workers))
						err := distributed.Local(t.Context(), n, func(ctx context.Context, c distributed.Comm) error {
							return local(ctx, c.Rank(), p.recipe, p.variant, out, k.Distributed(c, k.Leaves(8)))
						})
						if err != nil {
							t.Error(err)
						}
					})
				}
				for _, l := range launchers {
					for _, n := range processes {
						add(fmt.Sprint(l.Name, " ", n, with), func(out string) { l.Job(t, n, command(out), env...).OK(t) })
					}
				}
			}
			if len(hashes) != 1 {
				t.Errorf("there are %d models: %v", len(hashes), hashes)
			}
			plain := t.TempDir()
			if err := local(t.Context(), 0, p.recipe, p.variant, plain); err != nil {
				t.Fatal(err)
			}
			difference, err := compare(curve, filepath.Join(plain, "history.csv"))
			if err != nil || !(difference <= p.within) {
				t.Errorf("the losses differ from those without leaves by %g (%v)", difference, err)
			}
			t.Logf("%-11s %-9s losses beside those without leaves: relative difference %.1e", p.recipe, p.variant, difference)
		})
	}
}

// local runs a recipe in this process. The first rank writes the results.
func local(ctx context.Context, rank int, name, variant, out string, training ...k.FitOption) error {
	recipe, err := recipes.Find(name)
	if err != nil {
		return err
	}
	r, err := recipe.Run(ctx, recipes.Options{Data: datasets.From{Source: "sample"}, Variant: variant, Epochs: 2, Seed: 1, Training: training})
	if err != nil || rank > 0 {
		return err
	}
	_, err = r.Save(out)
	return err
}

// compare returns the largest relative difference of the losses of two histories.
func compare(file, other string) (difference float64, err error) {
	var tables [2][][]string
	for i, name := range []string{file, other} {
		text, err := os.ReadFile(name)
		if err != nil {
			return 0, err
		}
		if tables[i], err = csv.NewReader(bytes.NewReader(text)).ReadAll(); err != nil {
			return 0, err
		}
	}
	a, b := tables[0], tables[1]
	if len(a) < 3 || len(a) != len(b) || !slices.Equal(a[0], b[0]) {
		return 0, errors.New("the histories have other columns or lengths")
	}
	for c, name := range a[0] {
		if !strings.HasSuffix(name, "loss") {
			continue
		}
		for row := 1; row < len(a); row++ {
			x, errX := strconv.ParseFloat(a[row][c], 64)
			y, errY := strconv.ParseFloat(b[row][c], 64)
			if err := errors.Join(errX, errY); err != nil {
				return 0, err
			}
			difference = max(difference, math.Abs(x-y)/math.Abs(y))
		}
	}
	return difference, nil
}

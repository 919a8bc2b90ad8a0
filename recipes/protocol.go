// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"fmt"

	"github.com/reef-dl/reef/internal/text"
	k "github.com/reef-dl/reef/keraslike"
)

// lastEpochAt lowers the learning rate for the last epoch. At a constant rate the
// weights end where the noise of the last batches has put them.
func lastEpochAt(rate float64) k.Callback {
	return k.CallbackFunc(func(e k.Event, t *k.Training) error {
		if e == k.EpochBegin && t.Epoch == t.Epochs && t.Epochs > 1 {
			t.Rate = rate
		}
		return nil
	})
}

// lastEpochNote tells of lastEpochAt, if there was more than one epoch.
func lastEpochNote(epochs int) []string {
	if epochs < 2 {
		return nil
	}
	return []string{"Unlike the article's, the last epoch is trained at a tenth of the learning rate, which takes the noise of the last batches out of the result."}
}

// built returns a function that makes the model, for a lesson.
func built(model func() *k.Model) func() (*k.Model, error) {
	return func() (*k.Model, error) { m := model(); return m, m.Err() }
}

// finalNote tells of a final model that was trained on the validation samples as well.
func finalNote(samples, epochs int) string {
	return fmt.Sprintf("The model that is kept and tested was trained from scratch on all %s for %s, once validation had shown when to stop; the article tests the model that has not seen the validation samples, as the part_test figures do.",
		text.Count(samples, "sample"), text.Count(epochs, "epoch"))
}

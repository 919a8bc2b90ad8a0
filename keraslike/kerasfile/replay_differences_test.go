// SPDX-License-Identifier: Apache-2.0

package kerasfile

import "strings"

// differences are the tests whose values Reef does not have, by the end of their names, with the
// reason. docs/keras.md has all but those that are off in Keras on its torch backend.
var differences = map[string]string{
	// Where the numbers differ.
	"IoUTest::test_out_of_range_y_true_ignored":                                                               "a class number outside of the metric's classes is an error",
	"IoUTest::test_out_of_range_y_pred_ignored":                                                               "a class number outside of the metric's classes is an error",
	"IoUTest::test_negative_y_pred_ignored":                                                                   "a class number outside of the metric's classes is an error",
	"IoUTest::test_out_of_range_ignored":                                                                      "a class number outside of the metric's classes is an error",
	"IoUTest::test_negative_y_true_ignored":                                                                   "a class number outside of the metric's classes is an error",
	"IoUTest::test_negative_ignored":                                                                          "a class number outside of the metric's classes is an error",
	"MeanIoUTest::test_user_warning_float_weight":                                                             "fractional weights are not rounded down",
	"metrics/probabilistic_metrics_test.py::SparseCategoricalCrossentropyTest::test_ignore_class":             "without sample weights Keras counts ignored samples in the mean of the metric, as 0",
	"metrics/probabilistic_metrics_test.py::SparseCategoricalCrossentropyTest::test_ignore_class_from_logits": "without sample weights Keras counts ignored samples in the mean of the metric, as 0",
	"ScheduleFreeAdamWTest::test_multiple_steps":                                                              "Keras reads z after its update, except on JAX",
	"CTCTest::test_correctness":                                                                               "a blank between labels is an error",
	"CTCTest::test_dtype_arg":                                                                                 "a blank between labels is an error",
	"DiceTest::test_correctness":                                                                              "targets of Dice and Tversky are between 0 and 1, others are an error",
	"DiceTest::test_dtype_arg":                                                                                "targets of Dice and Tversky are between 0 and 1, others are an error",
	"DiceTest::test_no_reduction":                                                                             "targets of Dice and Tversky are between 0 and 1, others are an error",
	"TverskyTest::test_correctness":                                                                           "targets of Dice and Tversky are between 0 and 1, others are an error",
	"TverskyTest::test_dtype_arg":                                                                             "targets of Dice and Tversky are between 0 and 1, others are an error",
	"TverskyTest::test_correctness_custom_coefficients":                                                       "targets of Dice and Tversky are between 0 and 1, others are an error",
	"SparseCategoricalCrossentropyTest::test_binary_segmentation_different_axis":                              "the batch is not an axis of AlongAxis",
	"SparseCategoricalCrossentropyTest::test_multi_class_segmentation_different_axis":                         "the batch is not an axis of AlongAxis",
	"BatchNormalizationTest::test_bn_basics":                                                                  "Keras's torch backend takes the variance as the mean square minus the squared mean, of which few digits are right here",
	"losses_test.py::SparseCategoricalCrossentropyTest::test_ignore_class":                                    "without a reduction Keras gives ignored samples 0; here there is always a mean, which leaves them out",
	"GroupedQueryAttentionTest::test_masking_causal":                                                          "masked steps of the query with CausalMask: Keras weights all steps of the value equally, here hidden ones less",
	"MultiHeadAttentionTest::test_masking_causal":                                                             "masked steps of the query with CausalMask: Keras weights all steps of the value equally, here hidden ones less",
	"EqualizationTest::test_input_dtypes_int32":                                                               "Equalization counts the pixels of each picture, Keras those of the batch",
	"EqualizationTest::test_input_dtypes_int64":                                                               "Equalization counts the pixels of each picture, Keras those of the batch",
	"EqualizationTest::test_grayscale_images":                                                                 "Equalization counts the pixels of each picture, Keras those of the batch",
	"MelSpectrogramTest::test_output_shape4":                                                                  "top_db counts from the largest value of the sample, Keras's from that of the batch",
	"MelSpectrogramTest::test_output_shape5":                                                                  "MelSpectrogram is less exact in bands far below the loudest one: 0.002 dB off at 40 dB below",
	"RandomColorDegenerationTest::test_random_color_degeneration_randomness":                                  "RandomColorDegeneration moves colors toward gray, as Keras documents, which draws factors below 0, too",
	"RandomColorDegenerationTest::test_layer":                                                                 "RandomColorDegeneration moves colors toward gray, as Keras documents, which draws factors below 0, too",
	"RandomBrightnessTest::test_correctness":                                                                  "RandomBrightness adds to whole pixels what it draws, Keras without its fraction",
	"RandomColorJitterTest::test_layer":                                                                       "RandomSaturation clips the saturation to 0 to 1, Keras to value_range",
	"RandomSaturationTest::test_random_saturation_full_saturation":                                            "RandomSaturation clips the saturation to 0 to 1, Keras to value_range",
	"RandomCropTest::test_predicting_with_longer_height":                                                      "RandomCrop keeps the ratio of pictures that are smaller than the crop, as Keras documents, which stretches them",
	"RandomCropTest::test_predicting_with_longer_width":                                                       "RandomCrop keeps the ratio of pictures that are smaller than the crop, as Keras documents, which stretches them",
	"RandomPosterizationTest::test_layer":                                                                     "RandomPosterization clips pixels to ValueRange first, Keras lets bytes overflow",
	// Off in Keras on torch 1.13.
	"ContrastLimitedAdaptiveHistogramEqualizationTest::test_output_range_0_255":   clahe,
	"ContrastLimitedAdaptiveHistogramEqualizationTest::test_output_range_0_1":     clahe,
	"ContrastLimitedAdaptiveHistogramEqualizationTest::test_input_dtypes_int64":   clahe,
	"ContrastLimitedAdaptiveHistogramEqualizationTest::test_input_dtypes_float32": clahe,
	"ContrastLimitedAdaptiveHistogramEqualizationTest::test_input_dtypes_int32":   clahe,
	"ContrastLimitedAdaptiveHistogramEqualizationTest::test_grayscale_images":     clahe,
	"ContrastLimitedAdaptiveHistogramEqualizationTest::test_layer":                clahe,
	"AveragePoolingBasicTest::test_average_pooling2d5":                            "AveragePooling with same padding: Keras's backends differ, Reef has TensorFlow's values",
}

const clahe = "Keras's torch backend truncates the limit of CLAHE to a whole number and continues pictures by their last pixel, Reef has TensorFlow's values"

// difference returns the reason for which a test is known to differ, that of the longest name: some end with others.
func difference(test string) string {
	longest := ""
	for name := range differences {
		if strings.HasSuffix(test, name) && len(name) > len(longest) {
			longest = name
		}
	}
	return differences[longest]
}

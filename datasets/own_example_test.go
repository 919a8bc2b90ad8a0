// SPDX-License-Identifier: Apache-2.0

package datasets_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/reef-dl/reef/datasets"
)

// A European CSV file: what it is taken for is shown before anything is done with it.
func ExampleReadCSV() {
	const file = `Ort;Größe;verkauft;Datum
Kiel;80,5;ja;24.12.2020
Ulm;;nein;01.02.2021
Kiel;120;ja;03.02.2021
`
	frame, err := datasets.ReadCSV(strings.NewReader(file), "homes.csv", datasets.CSVOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(frame)
	// Output:
	// homes.csv: 3 rows, 4 columns
	// separated by semicolons (guessed), decimal character ,
	// column    kind      missing  different  values                              note
	// Ort       category  0        2          Kiel, Ulm
	// Größe     number    1        2          80.5 to 120
	// verkauft  category  0        2          ja, nein
	// Datum     date      0        3          24.12.2020, 01.02.2021, 03.02.2021
}

// A schema is proposed, changed, fitted to the training rows, and applied to all rows.
func ExampleSchema() {
	const file = `species,mass,seen,tame
cat,4,2020-06-01 12:00,yes
dog,20,2020-06-02 18:00,yes
lion,,2020-06-03 00:00,no
cat,5,2020-06-04 06:00,yes
dog,31,2020-06-05 12:00,yes
lion,190,2020-06-06 12:00,no
`
	frame, err := datasets.ReadCSV(strings.NewReader(file), "animals.csv", datasets.CSVOptions{})
	if err != nil {
		log.Fatal(err)
	}
	train, test, err := frame.Split(0.7)
	if err != nil {
		log.Fatal(err)
	}
	schema, err := frame.Schema("tame")
	if err != nil {
		log.Fatal(err)
	}
	schema.Feature("mass").Scale = datasets.MinMax
	schema.Feature("seen").Parts = []datasets.DatePart{datasets.DayCycle}
	fmt.Println(schema)
	encoder, err := schema.Fit(train)
	if err != nil {
		log.Fatal(err)
	}
	data, err := encoder.Encode(test)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println()
	fmt.Printf("%q\n", encoder.FeatureNames(0))
	for batch, err := range datasets.Batches(data, 10) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%.2f %v\n", batch.Inputs[0], batch.Targets[0])
	}
	_, err = schema.Fit(test)
	fmt.Println(err)
	// Output:
	// column   kind      becomes      missing             unseen  to
	// species  category  one-hot      error               zero    input
	// mass     number    min-max      median + indicator          input
	// seen     date      day cycle    error                       input
	// tame     boolean   class index  error                       target
	//
	// ["species=cat" "species=dog" "species=lion" "mass" "mass missing" "seen day cycle sin" "seen day cycle cos"]
	// [0.00 1.00 0.00 1.69 0.00 0.00 -1.00 0.00 0.00 1.00 11.62 0.00 0.00 -1.00] [1 0]
	// animals.csv: fit: these rows are held out for testing; fit to the training part and encode these
}

// What was fitted is saved as JSON, by SetPreprocessor with the model, and encodes the rows of requests.
func ExampleTableEncoder() {
	const file = "size,color,price\n1,red,10\n3,blue,30\n5,red,50\n"
	frame, err := datasets.ReadCSV(strings.NewReader(file), "goods.csv", datasets.CSVOptions{})
	if err != nil {
		log.Fatal(err)
	}
	schema := datasets.Schema{
		Features: []datasets.Feature{
			{Column: "size", Missing: datasets.MissingMean},
			{Column: "color", Unseen: datasets.UnseenZero},
		},
		Targets: []datasets.Target{{Column: "price"}},
	}
	fitted, err := schema.Fit(frame)
	if err != nil {
		log.Fatal(err)
	}
	saved, err := json.Marshal(fitted)
	if err != nil {
		log.Fatal(err)
	}
	read, err := datasets.ReadPreprocessor(fitted.Kind(), saved)
	if err != nil {
		log.Fatal(err)
	}
	encoder := read.(*datasets.TableEncoder)
	requests, err := encoder.EncodeJSON([]byte(`[{"size": 5, "color": "blue"}, {"size": null, "color": "green"}]`))
	if err != nil {
		log.Fatal(err)
	}
	for batch, err := range datasets.Batches(requests, 10) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%q %.3f\n", encoder.FeatureNames(0), batch.Inputs[0])
	}
	_, err = encoder.EncodeRows(map[string]string{"size": "large", "color": "red"})
	fmt.Println(err)
	// Output:
	// ["size" "color=blue" "color=red"] [1.225 1.000 0.000 0.000 0.000 0.000]
	// row 0: column "size": "large" is not a number, as the training rows are
}

// Dates that could be British or American must be one or the other.
func ExampleFrame_Series() {
	const file = "time,temperature\n01/02/2020 00:00,3.5\n01/02/2020 12:00,7\n02/02/2020 00:00,2\n"
	frame, err := datasets.ReadCSV(strings.NewReader(file), "weather.csv", datasets.CSVOptions{})
	if err != nil {
		log.Fatal(err)
	}
	_, err = frame.Series("time")
	fmt.Println(err)
	frame, err = datasets.ReadCSV(strings.NewReader(file), "weather.csv", datasets.CSVOptions{Dates: datasets.DayFirst})
	if err != nil {
		log.Fatal(err)
	}
	series, err := frame.Series("time")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(series.Times[2].Format("2 January 2006"), series.X)
	// Output:
	// weather.csv: column "time": "01/02/2020 00:00" in line 2 may be day or month first, and no row decides it: set CSVOptions.Dates to DayFirst or MonthFirst
	// 2 February 2020 [3.5 7 2]
}

// A file of any size is read in parts. Here the schema is fitted to the first.
func ExampleCSVChunks() {
	var file strings.Builder
	file.WriteString("x,y\n")
	for i := range 10 {
		fmt.Fprintf(&file, "%d,%d\n", i, i*i)
	}
	schema := datasets.Schema{Features: []datasets.Feature{{Column: "x", Scale: datasets.MinMax}}, Targets: []datasets.Target{{Column: "y"}}}
	var encoder *datasets.TableEncoder
	for frame, err := range datasets.CSVChunks(strings.NewReader(file.String()), "squares.csv", datasets.CSVOptions{}, 4) {
		if err != nil {
			log.Fatal(err)
		}
		if encoder == nil {
			if encoder, err = schema.Fit(frame); err != nil {
				log.Fatal(err)
			}
		}
		data, err := encoder.Encode(frame)
		if err != nil {
			log.Fatal(err)
		}
		for batch, err := range datasets.Batches(data, 4) {
			if err != nil {
				log.Fatal(err)
			}
			fmt.Printf("line %d: %.2f %v\n", frame.Line(0), batch.Inputs[0], batch.Targets[0])
		}
	}
	// Output:
	// line 2: [0.00 0.33 0.67 1.00] [0 1 4 9]
	// line 6: [1.33 1.67 2.00 2.33] [16 25 36 49]
	// line 10: [2.67 3.00] [64 81]
}

// A folder of images is checked before a training that would end in the middle.
func ExampleImageFolder_Check() {
	dir, err := os.MkdirTemp("", "check")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	gif := "GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
	for name, body := range map[string]string{"cats/1.gif": gif, "dogs/1.gif": gif, "dogs/2.jpg": "<html>404 Not Found</html>"} {
		if err := os.MkdirAll(dir+"/"+strings.SplitN(name, "/", 2)[0], 0o755); err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(dir+"/"+name, []byte(body), 0o644); err != nil {
			log.Fatal(err)
		}
	}
	images, err := datasets.NewImageFolder(os.DirFS(dir), "", datasets.ImageOptions{Height: 1, Width: 1})
	if err != nil {
		log.Fatal(err)
	}
	report, err := images.Check(context.Background(), true)
	fmt.Println(report)
	fmt.Println("error:", err)
	// Output:
	// 3 images of 2 classes, 0.0 MB, all decoded
	// class  images  share
	// cats   1       33.3 %
	// dogs   2       66.7 %
	// unbalanced: 2.0 times as many of dogs as of cats; class weights or more images of the rare class help
	// heights 1 to 1, half below 1; widths 1 to 1, half below 1; resized to 1x1
	// images that cannot be read and end training: 1
	//   dogs/2.jpg: an HTML page, want JPEG, PNG, GIF or BMP
	// images that are there more than once: 1
	//   cats/1.gif = dogs/1.gif, in 2 classes
	// error: dogs/2.jpg: an HTML page, want JPEG, PNG, GIF or BMP
}

// The vocabulary is learned from the training texts and used for new ones.
func ExampleTextSchema() {
	texts, err := datasets.ReadTexts(strings.NewReader("pos\tgood good film\nneg\tbad film\npos\tgood plot\nneg\tbad plot\n"), "reviews.tsv")
	if err != nil {
		log.Fatal(err)
	}
	encoder, err := datasets.TextSchema{Padding: datasets.Padding{Length: 4}}.Fit(texts)
	if err != nil {
		log.Fatal(err)
	}
	ids, err := encoder.Encode("A good plot")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(encoder.Names(), encoder.Tokenizer().Len(), ids.Data)
	// Output:
	// [neg pos] 5 [0 1 2 5]
}

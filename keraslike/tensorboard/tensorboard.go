// SPDX-License-Identifier: Apache-2.0

// Package tensorboard writes the event files that TensorBoard shows: scalars and
// histograms over steps.
//
// An event file is a sequence of records, each
//
//	8 bytes  length n, little endian
//	4 bytes  masked CRC-32C of the length
//	n bytes  a protocol buffer of type Event
//	4 bytes  masked CRC-32C of the Event
//
// where the mask of c is (c rotated right by 15) + 0xa282ead8. The messages are
// those of tensorflow/core/util/event.proto and framework/summary.proto; the
// record is described at https://www.tensorflow.org/tutorials/load_data/tfrecord.
//
// The caller provides the clock, so that the same calls write the same bytes.
package tensorboard

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Writer writes one event file. It is safe for concurrent use.
type Writer struct {
	mu    sync.Mutex
	w     *bufio.Writer
	file  *os.File // nil if the caller owns the destination
	clock func() time.Time
	buf   []byte
}

// Create creates a new event file in dir, which it creates if necessary. The file is named
// after the time, "events.out.tfevents.1700000000.reef", with a number appended if that
// exists. TensorBoard shows each folder below its logdir as a run.
func Create(dir string, clock func() time.Time) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("tensorboard: %w", err)
	}
	name := filepath.Join(dir, fmt.Sprintf("events.out.tfevents.%010d.reef", clock().Unix()))
	path := name
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	for i := 1; errors.Is(err, fs.ErrExist); i++ {
		path = fmt.Sprintf("%s.%d", name, i)
		file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	}
	if err != nil {
		return nil, fmt.Errorf("tensorboard: %w", err)
	}
	w, err := New(file, clock)
	if err != nil {
		file.Close()
		return nil, err
	}
	w.file = file
	return w, nil
}

// New writes to w, beginning with the record that marks an event file.
func New(w io.Writer, clock func() time.Time) (*Writer, error) {
	out := &Writer{w: bufio.NewWriter(w), clock: clock}
	err := out.event(0, func(b []byte) []byte {
		b = protowire.AppendTag(b, eventFileVersion, protowire.BytesType)
		return protowire.AppendString(b, "brain.Event:2")
	})
	if err == nil {
		err = out.Flush()
	}
	return out, err
}

// Field numbers of the messages.
const (
	eventWallTime    = 1 // double, seconds since 1970
	eventStep        = 2 // int64
	eventFileVersion = 3 // string
	eventSummary     = 5 // Summary
	summaryValue     = 1 // repeated Summary.Value
	valueTag         = 1 // string
	valueSimple      = 2 // float
	valueHistogram   = 5 // HistogramProto
)

// Scalar writes a number, for instance Scalar("epoch_loss", 3, 0.25), which TensorBoard stores
// as float32.
func (w *Writer) Scalar(tag string, step int64, value float64) error {
	return w.value(tag, step, func(b []byte) []byte {
		b = protowire.AppendTag(b, valueSimple, protowire.Fixed32Type)
		return protowire.AppendFixed32(b, math.Float32bits(float32(value)))
	})
}

// Histogram writes the distribution of values: 30 buckets of equal width between the smallest
// and the largest. NaN and infinite values are omitted.
func (w *Writer) Histogram(tag string, step int64, values []float32) error {
	h := count(values)
	return w.value(tag, step, func(b []byte) []byte {
		b = protowire.AppendTag(b, valueHistogram, protowire.BytesType)
		return protowire.AppendBytes(b, h.encode())
	})
}

// value writes an event with a summary of one value.
func (w *Writer) value(tag string, step int64, body func([]byte) []byte) error {
	value := protowire.AppendTag(nil, valueTag, protowire.BytesType)
	value = body(protowire.AppendString(value, tag))
	summary := protowire.AppendTag(nil, summaryValue, protowire.BytesType)
	summary = protowire.AppendBytes(summary, value)
	err := w.event(step, func(b []byte) []byte {
		b = protowire.AppendTag(b, eventSummary, protowire.BytesType)
		return protowire.AppendBytes(b, summary)
	})
	if err != nil {
		return fmt.Errorf("tensorboard: %q, step %d: %w", tag, step, err)
	}
	return nil
}

func (w *Writer) event(step int64, body func([]byte) []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	seconds := float64(w.clock().UnixMicro()) / 1e6
	b := protowire.AppendTag(w.buf[:0], eventWallTime, protowire.Fixed64Type)
	b = protowire.AppendFixed64(b, math.Float64bits(seconds))
	if step != 0 {
		b = protowire.AppendTag(b, eventStep, protowire.VarintType)
		b = protowire.AppendVarint(b, uint64(step))
	}
	w.buf = body(b)
	return w.record(w.buf)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func masked(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

func (w *Writer) record(data []byte) error {
	head := binary.LittleEndian.AppendUint64(make([]byte, 0, 12), uint64(len(data)))
	head = binary.LittleEndian.AppendUint32(head, masked(head))
	foot := binary.LittleEndian.AppendUint32(nil, masked(data))
	for _, b := range [][]byte{head, data, foot} {
		if _, err := w.w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// Flush makes everything written so far visible to TensorBoard.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.w.Flush(); err != nil {
		return fmt.Errorf("tensorboard: %w", err)
	}
	return nil
}

// Close flushes, and closes the file if Create opened it.
func (w *Writer) Close() error {
	err := w.Flush()
	if w.file != nil {
		if closed := w.file.Close(); err == nil && closed != nil {
			err = fmt.Errorf("tensorboard: %w", closed)
		}
	}
	return err
}

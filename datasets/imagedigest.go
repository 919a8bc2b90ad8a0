// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/reef-dl/reef/datasets/internal/inflate"
)

// decodingVersion is raised when a file comes to give other pixels.
const decodingVersion = 3

// digested is what the files of an archive may inflate to together.
var digested = inflate.Limit{Base: maxPictureBytes, Ratio: 16}

// Digest is the SHA-256 of the picture files with their names, their classes and the
// way they are read: what is computed of them once may be kept under it. Of drawings
// made by the program it takes the names and the first one of each class.
func (s *ImageFolder) Digest() (sum [sha256.Size]byte, err error) {
	defer rescue(&err, "image folder: the file system")
	h := sha256.New()
	o := s.options
	fmt.Fprintf(h, "%d %d %d %d %d %+v\n", decodingVersion, o.Height, o.Width, o.Filter, o.Pixels, o.Augment)
	var stored, read int64
	drawn := -1 // the last class of which a drawing was taken
	for _, f := range s.files {
		fmt.Fprintf(h, "%q %d\n", f.name, f.class)
		if s.fsys == nil {
			if f.class == drawn {
				continue
			}
			p, err := s.load(f.name, sizing{})
			if err != nil {
				return sum, err
			}
			h.Write(p.rgb)
			drawn = f.class
			continue
		}
		in, err := s.fsys.Open(f.name)
		if err != nil {
			return sum, err // names the file
		}
		info, err := in.Stat()
		if err == nil {
			stored += storedSize(info)
			var n int64
			n, err = io.Copy(h, io.LimitReader(in, digested.Base+digested.Ratio*stored-read+1))
			read += n
		}
		_ = in.Close() // only read
		if most := digested.Base + digested.Ratio*stored; err == nil && read > most {
			err = fmt.Errorf("with the files before it more than %d bytes, which is too much for the %d bytes that they take", most, stored)
		}
		if err != nil {
			return sum, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

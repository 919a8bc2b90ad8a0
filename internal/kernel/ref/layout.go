// SPDX-License-Identifier: Apache-2.0

package ref

// Permute writes dst, whose axis i is axis perm[i] of x; shape is the shape of x.
func Permute[T Float](dst, x []T, shape, perm []int) {
	for i := range dst {
		rest, from := i, 0
		for a := len(perm) - 1; a >= 0; a-- {
			size := shape[perm[a]]
			stride := 1
			for _, s := range shape[perm[a]+1:] {
				stride *= s
			}
			from += rest % size * stride
			rest /= size
		}
		dst[i] = x[from]
	}
}

// Concat writes x (outer, part, inner) to positions at..at+part-1 of the middle axis of dst
// (outer, axis, inner); a concatenation takes one call for each part.
func Concat[T Float](dst, x []T, outer, axis, at, part, inner int) {
	for o := range outer {
		copy(dst[(o*axis+at)*inner:(o*axis+at+part)*inner], x[o*part*inner:])
	}
}

// Split is the inverse of Concat: it copies positions at..at+part-1 of the middle axis of x
// (outer, axis, inner) to dst (outer, part, inner).
func Split[T Float](dst, x []T, outer, axis, at, part, inner int) {
	for o := range outer {
		copy(dst[o*part*inner:(o+1)*part*inner], x[(o*axis+at)*inner:])
	}
}

// Pad2D writes x (n, h, w, c) with a border of zeros around each image; its gradient is Crop2D.
func Pad2D[T Float](dst, x []T, n, h, w, c, top, bottom, left, right int) {
	wide := (left + w + right) * c
	for i := range n {
		d := dst[i*(top+h+bottom)*wide : (i+1)*(top+h+bottom)*wide]
		clear(d[:top*wide])
		for r := range h {
			row := d[(top+r)*wide : (top+r+1)*wide]
			clear(row[:left*c])
			copy(row[left*c:], x[(i*h+r)*w*c:(i*h+r+1)*w*c])
			clear(row[(left+w)*c:])
		}
		clear(d[(top+h)*wide:])
	}
}

// Crop2D writes x (n, h, w, c) without its border; its gradient is Pad2D.
func Crop2D[T Float](dst, x []T, n, h, w, c, top, bottom, left, right int) {
	oh, ow := h-top-bottom, w-left-right
	for i := range n {
		for r := range oh {
			copy(dst[(i*oh+r)*ow*c:(i*oh+r+1)*ow*c], x[((i*h+top+r)*w+left)*c:])
		}
	}
}

// Upsample2D repeats every pixel of x (n, h, w, c) fh x fw times.
func Upsample2D[T Float](dst, x []T, n, h, w, c, fh, fw int) {
	wide := w * fw * c
	for r := range n * h {
		first := dst[r*fh*wide : (r*fh+1)*wide]
		for p := range w * fw {
			copy(first[p*c:(p+1)*c], x[(r*w+p/fw)*c:])
		}
		for i := 1; i < fh; i++ {
			copy(dst[(r*fh+i)*wide:], first)
		}
	}
}

// Upsample2DGrad writes to each pixel of dx (n, h, w, c) the sum of dy over its copies.
func Upsample2DGrad[T Float](dx, dy []T, n, h, w, c, fh, fw int) {
	for r := range n * h {
		for p := range w {
			out := dx[(r*w+p)*c : (r*w+p+1)*c]
			clear(out)
			for i := range fh {
				for j := range fw {
					from := ((r*fh+i)*w*fw + p*fw + j) * c
					Add(out, out, dy[from:from+c])
				}
			}
		}
	}
}

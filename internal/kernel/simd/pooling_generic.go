// SPDX-License-Identifier: Apache-2.0

package simd

// PoolRow is a run of windows in one output row that the borders clip in the same way: Pixels
// consecutive windows, whose first cells are Step floats apart in the input, each of KH x KW
// cells of C floats in rows of Row floats. Their offsets in the whole window start at First,
// counted in rows of FullKW.
type PoolRow struct {
	Pixels, C, KH, KW, Step, Row, First, FullKW int
}

func genericMaxPool(y []float32, arg []uint8, x []float32, r PoolRow) {
	for p := range r.Pixels {
		out := y[p*r.C : (p+1)*r.C]
		copy(out, x[p*r.Step:])
		var at []uint8
		if arg != nil {
			at = arg[p*r.C : (p+1)*r.C]
			for i := range at {
				at[i] = uint8(r.First)
			}
		}
		for cell := 1; cell < r.KH*r.KW; cell++ {
			kh, kw := cell/r.KW, cell%r.KW
			in := x[p*r.Step+kh*r.Row+kw*r.C:][:r.C]
			if at == nil {
				for c, v := range in {
					out[c] = max(out[c], v)
				}
				continue
			}
			for c, v := range in {
				if best := out[c]; v > best || v != v && best == best {
					out[c] = v
					at[c] = uint8(r.First + kh*r.FullKW + kw)
				}
			}
		}
	}
}

func genericMaxPoolBack(dx []float32, arg []uint8, dy []float32, r PoolRow) {
	for p := range r.Pixels {
		dy := dy[p*r.C : (p+1)*r.C]
		for c, a := range arg[p*r.C : (p+1)*r.C] {
			kh, kw := (int(a)-r.First)/r.FullKW, (int(a)-r.First)%r.FullKW
			dx[p*r.Step+kh*r.Row+kw*r.C+c] += dy[c]
		}
	}
}

func genericAvgPool(y, x []float32, r PoolRow) {
	scale := 1 / float32(r.KH*r.KW)
	for p := range r.Pixels {
		out := y[p*r.C : (p+1)*r.C]
		clear(out)
		for cell := range r.KH * r.KW {
			for c, v := range x[p*r.Step+cell/r.KW*r.Row+cell%r.KW*r.C:][:r.C] {
				out[c] += v
			}
		}
		for c := range out {
			out[c] *= scale
		}
	}
}

func genericAvgPoolBack(dx, dy []float32, r PoolRow) {
	scale := 1 / float32(r.KH*r.KW)
	for p := range r.Pixels {
		dy := dy[p*r.C : (p+1)*r.C]
		for cell := range r.KH * r.KW {
			in := dx[p*r.Step+cell/r.KW*r.Row+cell%r.KW*r.C:][:r.C]
			for c, v := range dy {
				in[c] += scale * v
			}
		}
	}
}

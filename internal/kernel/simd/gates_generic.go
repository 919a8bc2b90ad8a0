// SPDX-License-Identifier: Apache-2.0

package simd

import "math"

// The element-wise part of a recurrent step, for some rows (sequences). A row of gates has them
// side by side, units floats each; forward steps activate them in place, backward steps replace
// them by the gradients of their pre-activations. The other operands have rows of units floats.
// Each operand is followed by the distance between its rows. The gates of the next call, which
// are ahead bytes further on, are prefetched.

func sigmoid32(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }
func tanh32(x float32) float32    { return float32(math.Tanh(float64(x))) }

// FlushTiny zeroes a number whose products might be denormal.
func FlushTiny(x float32) float32 {
	if x > -1e-28 && x < 1e-28 {
		return 0
	}
	return x
}

func genericLSTM(gates []float32, ldGates int, cPrev []float32, ldCPrev int, c []float32, ldC int,
	h []float32, ldH int, y []float32, ldY, _, rows, units int,
) {
	for r := range rows {
		g := gates[r*ldGates:]
		for j := range units {
			i, f, m, o := sigmoid32(g[j]), sigmoid32(g[units+j]), tanh32(g[2*units+j]), sigmoid32(g[3*units+j])
			g[j], g[units+j], g[2*units+j], g[3*units+j] = i, f, m, o
			cell := f*cPrev[r*ldCPrev+j] + i*m
			c[r*ldC+j] = cell
			out := FlushTiny(o * tanh32(cell))
			h[r*ldH+j], y[r*ldY+j] = out, out
		}
	}
}

func genericLSTMBack(gates []float32, ldGates int, cPrev []float32, ldCPrev int, c []float32, ldC int,
	dh []float32, ldDh int, dc []float32, ldDc int, dy []float32, ldDy, _, rows, units int,
) {
	for r := range rows {
		g := gates[r*ldGates:]
		for j := range units {
			i, f, m, o := g[j], g[units+j], g[2*units+j], g[3*units+j]
			d := FlushTiny(dh[r*ldDh+j] + dy[r*ldDy+j])
			tc := tanh32(c[r*ldC+j])
			dcell := FlushTiny(dc[r*ldDc+j]) + d*o*(1-tc*tc)
			g[j] = dcell * m * i * (1 - i)
			g[units+j] = dcell * cPrev[r*ldCPrev+j] * f * (1 - f)
			g[2*units+j] = dcell * i * (1 - m*m)
			g[3*units+j] = d * tc * o * (1 - o)
			dc[r*ldDc+j] = dcell * f
		}
	}
}

// The gates of GRUResetAfter are z, r, h U_n + c_n and the candidate n.
func genericGRUResetAfter(gates []float32, ldGates int, hPrev []float32, ldHPrev int,
	h []float32, ldH int, y []float32, ldY, _, rows, units int,
) {
	for r := range rows {
		g := gates[r*ldGates:]
		for j := range units {
			z, reset := sigmoid32(g[j]), sigmoid32(g[units+j])
			n := tanh32(g[3*units+j] + reset*g[2*units+j])
			g[j], g[units+j], g[3*units+j] = z, reset, n
			out := FlushTiny(n + z*(hPrev[r*ldHPrev+j]-n))
			h[r*ldH+j], y[r*ldY+j] = out, out
		}
	}
}

func genericGRUResetAfterBack(gates []float32, ldGates int, hPrev []float32, ldHPrev int,
	dh []float32, ldDh int, dy []float32, ldDy, _, rows, units int,
) {
	for r := range rows {
		g := gates[r*ldGates:]
		for j := range units {
			z, reset, inner, n := g[j], g[units+j], g[2*units+j], g[3*units+j]
			d := FlushTiny(dh[r*ldDh+j] + dy[r*ldDy+j])
			dn := d * (1 - z) * (1 - n*n)
			g[j] = d * (hPrev[r*ldHPrev+j] - n) * z * (1 - z)
			g[units+j] = dn * inner * reset * (1 - reset)
			g[2*units+j] = dn * reset
			g[3*units+j] = dn
			dh[r*ldDh+j] = d * z
		}
	}
}

// The gates of GRU are z, r and the candidate n, which needs reset = r h first.
func genericGRUReset(gates []float32, ldGates int, hPrev []float32, ldHPrev int, reset []float32, ldReset, _, rows, units int) {
	for r := range rows {
		g := gates[r*ldGates:]
		for j := range units {
			g[j], g[units+j] = sigmoid32(g[j]), sigmoid32(g[units+j])
			reset[r*ldReset+j] = g[units+j] * hPrev[r*ldHPrev+j]
		}
	}
}

func genericGRUBlend(gates []float32, ldGates int, hPrev []float32, ldHPrev int,
	h []float32, ldH int, y []float32, ldY, _, rows, units int,
) {
	for r := range rows {
		g := gates[r*ldGates:]
		for j := range units {
			z, n := g[j], tanh32(g[2*units+j])
			g[2*units+j] = n
			out := FlushTiny(n + z*(hPrev[r*ldHPrev+j]-n))
			h[r*ldH+j], y[r*ldY+j] = out, out
		}
	}
}

func genericGRUBlendBack(gates []float32, ldGates int, hPrev []float32, ldHPrev int,
	dh []float32, ldDh int, dy []float32, ldDy, _, rows, units int,
) {
	for r := range rows {
		g := gates[r*ldGates:]
		for j := range units {
			z, n := g[j], g[2*units+j]
			d := FlushTiny(dh[r*ldDh+j] + dy[r*ldDy+j])
			g[j] = d * (hPrev[r*ldHPrev+j] - n) * z * (1 - z)
			g[2*units+j] = d * (1 - z) * (1 - n*n)
			dh[r*ldDh+j] = d * z
		}
	}
}

func genericGRUResetBack(gates []float32, ldGates int, hPrev []float32, ldHPrev int,
	dreset []float32, ldDreset int, dh []float32, ldDh, _, rows, units int,
) {
	for r := range rows {
		g := gates[r*ldGates:]
		for j := range units {
			reset, d := g[units+j], dreset[r*ldDreset+j]
			g[units+j] = d * hPrev[r*ldHPrev+j] * reset * (1 - reset)
			dh[r*ldDh+j] += d * reset
		}
	}
}

func genericMulRows(x []float32, ldX int, by []float32, ldBy int, dst []float32, ldDst, _, rows, units int) {
	for r := range rows {
		for j := range units {
			dst[r*ldDst+j] = x[r*ldX+j] * by[r*ldBy+j]
		}
	}
}

func genericMulAddRows(x []float32, ldX int, by []float32, ldBy int, dst []float32, ldDst, _, rows, units int) {
	for r := range rows {
		for j := range units {
			dst[r*ldDst+j] += x[r*ldX+j] * by[r*ldBy+j]
		}
	}
}

// The sums are flushed, as those of gradients of states in the steps above.
func genericAddRows(dst []float32, ldDst int, x []float32, ldX, _, rows, units int) {
	for r := range rows {
		for j := range units {
			dst[r*ldDst+j] = FlushTiny(dst[r*ldDst+j] + x[r*ldX+j])
		}
	}
}

// Blend is the last part of GRU and GRUResetAfter, for any candidate n.
func genericBlend(z []float32, ldZ int, n []float32, ldN int, hPrev []float32, ldHPrev int,
	h []float32, ldH int, y []float32, ldY, _, rows, units int,
) {
	for r := range rows {
		for j := range units {
			m := n[r*ldN+j]
			out := FlushTiny(m + z[r*ldZ+j]*(hPrev[r*ldHPrev+j]-m))
			h[r*ldH+j], y[r*ldY+j] = out, out
		}
	}
}

func genericBlendBack(z []float32, ldZ int, n []float32, ldN int, hPrev []float32, ldHPrev int,
	dh []float32, ldDh int, dy []float32, ldDy int, dz []float32, ldDz int, dn []float32, ldDn, _, rows, units int,
) {
	for r := range rows {
		for j := range units {
			d, keep := FlushTiny(dh[r*ldDh+j]+dy[r*ldDy+j]), z[r*ldZ+j]
			dz[r*ldDz+j] = d * (hPrev[r*ldHPrev+j] - n[r*ldN+j])
			dn[r*ldDn+j] = d * (1 - keep)
			dh[r*ldDh+j] = d * keep
		}
	}
}
